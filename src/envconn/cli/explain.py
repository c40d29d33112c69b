"""``envconn explain``: print the cause, the remedy and an example of a code; docs/codes.md is made of the same."""

from __future__ import annotations

import re
import sys

from envconn.cli.terminal import address, show
from envconn.codes import SECTIONS
from envconn.exit_codes import EX_CONFIG, EX_OK, EX_USAGE
from envconn.probe.failures import FAULTS
from envconn.records import Record
from envconn.remote.api_errors import REMOTE_FAULTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def run(code: str | None) -> int:
    """Print what `code` means, or a line for each code if it is `None`, and return the exit code."""
    if code is None:
        for each in codes():
            show(f"{each}: {_plain(meanings(each)[0].cause)}", sys.stdout)
        return EX_OK
    # As `check` prints it, in brackets, or as Django's checks do.
    code = code.strip("[]").removeprefix("envconn.")
    if not (found := meanings(code)):
        show(f"envconn explain: unknown code. {_suggestion(code)}", sys.stderr)
        return EX_USAGE
    for meaning in found:
        _print(code, meaning)
    show(f"more {address(code)}", sys.stdout)
    return EX_OK


class Meaning(Record):
    """One meaning of a code; a few have two, in two sections. `result` is what ends with it, in words."""

    section: str
    result: str
    cause: str
    remedy: str
    before: str
    after: str


def codes() -> tuple[str, ...]:
    """Return every code, in the order of the page."""
    return tuple(dict.fromkeys(code for section in SECTIONS.values() for code in section))


def meanings(code: str) -> list[Meaning]:
    """Return what `code` means, the most frequent meaning first; nothing if it does not exist."""
    return list(_meanings(code))


def _meanings(code: str) -> Iterator[Meaning]:
    for section, known in SECTIONS.items():
        if entry := known.get(code):
            fault = _FAULTS.get(section, {}).get(code)
            clause = f"{fault.meaning[0].upper()}{fault.meaning[1:]}." if fault else ""
            result = _RESULTS.get(section, f"exit code {fault.exit_code if fault else EX_CONFIG}")
            result += "; waiting helps" if fault and fault.passes else ""
            yield Meaning(section, result, entry.cause or clause, entry.remedy, entry.example, entry.corrected)


_FAULTS = {"Live servers": FAULTS, "Providers' APIs": REMOTE_FAULTS}
_RESULTS = {
    "About the environment": "note",
    "About live servers": "note",
    "Programs": "raised in a program",
    "Django's checks": "check of Django",
}


def _print(code: str, meaning: Meaning) -> None:
    show(f"{code}: {meaning.result}", sys.stdout)
    for label, text in (("cause", meaning.cause), ("remedy", meaning.remedy)):
        if text:
            show(f"{label} {_plain(text)}", sys.stdout)
    for label, text in (("before", meaning.before), ("after ", meaning.after)):
        if text:  # to be pasted, so it is not wrapped
            show(f"{label} {text}", sys.stdout, wrap=False)


def _plain(text: str) -> str:
    """Return `text` without Markdown's backticks and links."""
    return re.sub(r"\[([^]]*)]\([^)]*\)", r"\1", text).replace("`", "")


def _suggestion(code: str) -> str:
    from difflib import get_close_matches

    if nearest := get_close_matches(code, codes(), 1, 0.6):
        return f"Did you mean {nearest[0]}?"
    return "envconn explain without a code lists all."
