"""Colour and a line that changes where a person looks on, plain text everywhere else."""

from __future__ import annotations

import os
import sys
from math import ceil

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self, TextIO

    from envconn.errors import Finding


_CODES = {"red": "31", "green": "32", "yellow": "33"}
_ERASE = "\r\x1b[K"
_COLUMNS = 80


def paint(text: str, colour: str, stream: TextIO) -> str:
    """Return `text` in `colour` if `stream` is a terminal that wants it (no ``NO_COLOR``, no ``TERM=dumb``)."""
    plain = os.environ.get("NO_COLOR") or not _moves(stream)
    return text if plain else f"\x1b[{_CODES[colour]}m{text}\x1b[0m"


class Progress:
    """What is waited for: one line that is written over on a terminal, a line for each change of state in a log.

    Used in a ``with`` statement, which leaves no trace of it on a terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._moves = _moves(stream)
        self._told = ""
        self._over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._over:
            self._write(_ERASE)

    def begin(self, what: str) -> None:
        """Say `what` is being done, which only a person wants to know."""
        if self._moves:
            self._write_over(what)

    def tell(self, state: str, seconds: float) -> None:
        """Say that `state` is waited for to change, for `seconds` more."""
        if self._moves:
            self._write_over(f"waiting {ceil(seconds)} s for {state}")
        elif state != self._told:
            self._write(f"waiting for {state}\n")
        self._told = state

    def _write_over(self, text: str) -> None:
        # A line that wraps cannot be written over.
        self._write(_ERASE + text[: _columns(self._stream) - 1])
        self._over = True

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def _moves(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def _columns(stream: TextIO) -> int:
    # Some terminals say 0.
    return os.get_terminal_size(stream.fileno()).columns or _COLUMNS


def complain(problems: Iterable[Finding], notes: Iterable[Finding] = ()) -> None:
    """Print one line for each of `problems` and `notes`, then their annotations."""
    problems, notes = tuple(problems), tuple(notes)
    for word, colour, findings in (("warning", "yellow", notes), ("error", "red", problems)):
        for finding in findings:
            print(f"{paint(word, colour, sys.stderr)} {finding} [{finding.code}]", file=sys.stderr)
    annotate(problems, notes)


def annotate(problems: Iterable[Finding], notes: Iterable[Finding] = ()) -> None:
    """Print the workflow commands that make errors and warnings of them, in a step of GitHub Actions and nowhere else.

    They go to stderr, which the runner reads like stdout, so that stdout stays JSON, or the program's own.
    """
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    for command, findings in (("warning", notes), ("error", problems)):
        for finding in findings:
            title = f"envconn: {finding.code}".translate(_IN_PROPERTIES)
            print(f"::{command} title={title}::{str(finding).translate(_IN_DATA)}", file=sys.stderr)


# As the runner undoes it (ActionCommand.cs).
_IN_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTIES = {**_IN_DATA, **str.maketrans({":": "%3A", ",": "%2C"})}
