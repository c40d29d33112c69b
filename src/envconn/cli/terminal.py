"""How output looks: aligned, wrapped and coloured on a terminal, one line for each message in a pipe.

``NO_COLOR`` turns colour off; otherwise ``FORCE_COLOR`` or ``CLICOLOR_FORCE`` turn it on; otherwise a terminal does.
On a coloured terminal, the code of a finding is a link to its section of the documentation.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from math import ceil

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType
    from typing import Self, TextIO

    from envconn.errors import Finding


_GREEN, _YELLOW, _RED, _CYAN, _BOLD = "32", "33", "31", "36", "1"
_WORDS = {
    "ok": _GREEN,
    "note": _CYAN,
    "warning": _YELLOW,
    "failed": _RED,
    "error": _RED,
    **dict.fromkeys(("cause", "remedy", "before", "after", "more"), _CYAN),  # of `envconn explain`
}
_FINDINGS = {"note", "warning", "error"}
_LEVELS = {
    **dict.fromkeys(("verify-full", "verify-ca", "local"), _GREEN),
    **dict.fromkeys(("encrypted", "opportunistic"), _YELLOW),
    **dict.fromkeys(("unencrypted", "refused"), _RED),
}
_ERASE = "\r\x1b[K"
_COLUMNS = 80
_NARROW = 60
"""Below this width, continued lines are indented less, and nothing is aligned."""
_INDENT = 7
"""Columns for the first word of a finding; continued lines are indented by as much."""
_WIDEST = 100
"""Lines are wrapped at this width at the latest, to be readable."""


def show(line: str, stream: TextIO, *, wrap: bool = True) -> None:
    """Print `line`: wrapped between words on a terminal unless `wrap` is false, in colour if colour is on."""
    stream.write(_painted(_wrapped(line, stream) if wrap else line, stream) + "\n")


def show_last(line: str, stream: TextIO) -> None:
    """Print `line`, the summary, as `show` does; on a terminal, below a blank line."""
    stream.write("\n" if _moves(stream) else "")
    show(line, stream)


def address(code: str) -> str:
    """Return the address of the section of the documentation that explains `code`."""
    return f"{_page()}#{code}"


@cache
def _page() -> str:
    from importlib.metadata import PackageNotFoundError, metadata  # costs 15 ms

    try:
        urls = metadata("envconn").get_all("Project-URL") or ()
    except PackageNotFoundError:  # the source alone, or a program that is frozen into one file
        urls = ()
    return str(dict(each.split(", ", 1) for each in urls).get("Codes", "docs/codes.md"))


def aligned(rows: Sequence[Sequence[str]], stream: TextIO) -> list[str]:
    """Return `rows` as lines: in columns on a wide terminal, else with single spaces between the cells."""
    if not _is_wide(stream):
        return [" ".join(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _painted(text: str, stream: TextIO) -> str:
    if not _is_coloured(stream):
        return text
    import re

    first = re.match(r"\w+", text)
    if first and (colour := _WORDS.get(first[0])):
        if first[0] in _FINDINGS and _moves(stream):
            text = re.sub(r"\[([a-z-]+)]$", lambda match: _linked(match[0], match[1]), text)
        text = f"\x1b[{_BOLD};{colour}m{first[0]}\x1b[0m{text[first.end() :]}"
    return re.sub(r"\[([a-z-]+)\]", lambda match: _bracketed(match[0], match[1]), text)


def _bracketed(whole: str, word: str) -> str:
    return f"\x1b[{_LEVELS[word]}m{whole}\x1b[0m" if word in _LEVELS else whole


def _linked(whole: str, code: str) -> str:
    """Return `whole` as a link to what explains `code` (OSC 8, which terminals without links ignore)."""
    return f"\x1b]8;;{address(code)}\x1b\\{whole}\x1b]8;;\x1b\\"


def _is_coloured(stream: TextIO) -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR") or os.environ.get("CLICOLOR_FORCE"):
        return True
    return _moves(stream)


def _wrapped(line: str, stream: TextIO) -> str:
    if not _moves(stream):
        return line
    from textwrap import fill

    word, _, rest = line.partition(" ")
    hanging = len(line) - len(line.lstrip()) + 2
    if word in _WORDS and _is_wide(stream):
        line, hanging = f"{word:<{_INDENT - 1}} {rest.lstrip()}", _INDENT
    columns = min(_columns(stream), _WIDEST)
    return fill(line, columns, subsequent_indent=" " * hanging, break_long_words=False, break_on_hyphens=False)


def _is_wide(stream: TextIO) -> bool:
    return _moves(stream) and _columns(stream) >= _NARROW


class Progress:
    """Print progress: one line that is overwritten on a terminal, one line for each change of state in a log.

    Use it in a ``with`` statement, which erases the line at the end.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._moves = _moves(stream)
        self._printed = ""
        self._over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._over:
            self._write(_ERASE)

    def begin(self, what: str) -> None:
        """Print `what` is being done, on a terminal only."""
        if self._moves:
            self._write_over(what)

    def tell(self, state: str, seconds: float) -> None:
        """Print the `state` that is waited for, and the `seconds` that are left."""
        if self._moves:
            self._write_over(f"waiting {ceil(seconds)} s for {state}")
        elif state != self._printed:
            self._write(f"waiting for {state}\n")
        self._printed = state

    def _write_over(self, text: str) -> None:
        # A wrapped line cannot be overwritten.
        self._write(_ERASE + text[: _columns(self._stream) - 1])
        self._over = True

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def _moves(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def _columns(stream: TextIO) -> int:
    # Some terminals report 0.
    return os.get_terminal_size(stream.fileno()).columns or _COLUMNS


def complain(problems: Iterable[Finding], notes: Iterable[Finding] = ()) -> None:
    """Print one line for each warning in `notes` and each of `problems`, then their annotations."""
    problems, notes = distinct(problems), distinct(notes)
    for finding in notes:
        show(f"warning {finding} [{finding.code}]", sys.stderr)
    for finding in problems:
        show(f"error {finding} [{finding.code}]", sys.stderr)
    annotate(problems, notes)


def distinct(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return `findings` without those that read like another one: one Redis can be both broker and cache."""
    return tuple({(str(finding), finding.code): finding for finding in findings}.values())


def annotate(problems: Iterable[Finding], notes: Iterable[Finding] = ()) -> None:
    """Print the workflow commands that show errors and warnings in a step of GitHub Actions; nothing elsewhere.

    They go to stderr, which the runner reads like stdout, so that stdout holds only JSON or the program's output.
    """
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    for command, findings in (("warning", notes), ("error", problems)):
        for finding in distinct(findings):
            title = f"envconn: {finding.code}".translate(_IN_PROPERTIES)
            print(f"::{command} title={title}::{str(finding).translate(_IN_DATA)}", file=sys.stderr)


# The escapes that the runner decodes (ActionCommand.cs).
_IN_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTIES = {**_IN_DATA, **str.maketrans({":": "%3A", ",": "%2C"})}
