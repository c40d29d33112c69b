"""The command in this process, for what it says before it does anything: a process of its own costs 0.3 seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envconn.cli import main
from leaks import MARKER

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest


def refused(capsys: pytest.CaptureFixture[str], arguments: Iterable[str]) -> str:
    """Return the last line of what is said of a command line that cannot be understood. It shows no secret."""
    try:
        code: object = main(list(arguments))
    except SystemExit as end:
        code = end.code
    output, error = capsys.readouterr()
    assert (code, output) == (64, "")
    assert MARKER not in error
    last = error.splitlines()[-1]
    assert last.startswith("envconn")
    return last
