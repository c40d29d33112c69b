"""What a wait looks like: one line that is written over on a terminal, a line for each change of state in a log."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import termios
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

import pytest

from envconn.cli.terminal import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ERASE = "\r\x1b[K"
END = "<end>"


@contextmanager
def terminal(columns: int = 80) -> Iterator[tuple[TextIO, Callable[[], str]]]:
    """A terminal that wide, and what was shown on it so far."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with open(theirs, "w", encoding="utf-8") as stream:

        def shown() -> str:
            stream.write(END)
            stream.flush()
            seen = ""
            while not seen.endswith(END):
                seen += os.read(ours, 65_536).decode()
            return seen.removesuffix(END)

        yield stream, shown
    os.close(ours)


def test_one_line_on_a_terminal() -> None:
    with terminal() as (stream, shown):
        with Progress(stream) as progress:
            progress.begin("contacting a")
            progress.tell("a: nothing listens", 3.0)
            progress.tell("a: nothing listens", 1.4)
            progress.tell("a: starting up", 0.1)
        assert shown() == "".join(
            [
                f"{ERASE}contacting a",
                f"{ERASE}waiting 3 s for a: nothing listens",
                f"{ERASE}waiting 2 s for a: nothing listens",
                f"{ERASE}waiting 1 s for a: starting up",
                ERASE,
            ]
        )


@pytest.mark.parametrize(("columns", "shown_columns"), [(20, 19), (0, 79)], ids=["narrow", "unknown"])
def test_the_line_never_wraps(columns: int, shown_columns: int) -> None:
    with terminal(columns) as (stream, shown):
        Progress(stream).tell("x" * 200, 10)
        assert len(shown().removeprefix(ERASE)) == shown_columns


def test_the_line_is_removed_when_something_happens() -> None:
    def interrupted(stream: TextIO) -> None:
        with Progress(stream) as progress:
            progress.tell("a", 1)
            raise KeyboardInterrupt

    with terminal() as (stream, shown):
        with pytest.raises(KeyboardInterrupt):
            interrupted(stream)
        assert shown().endswith(ERASE)


def test_nothing_where_nothing_was_waited_for() -> None:
    with terminal() as (stream, shown):
        with Progress(stream):
            pass
        stream.write("end")
        stream.flush()
        assert shown() == "end"


def test_no_color_still_overwrites_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with terminal() as (stream, shown):
        Progress(stream).tell("a", 1)
        assert shown() == f"{ERASE}waiting 1 s for a"


LOG = "waiting for a: nothing listens\nwaiting for a: starting up\nwaiting for a: nothing listens\n"


def report_progress(stream: TextIO) -> None:
    with Progress(stream) as progress:
        progress.begin("contacting a")
        for state in ("nothing listens", "nothing listens", "starting up", "starting up", "nothing listens"):
            progress.tell(f"a: {state}", 5)


def test_a_line_for_each_change_in_a_log() -> None:
    report_progress(log := io.StringIO())
    assert log.getvalue() == LOG


def test_the_same_on_a_terminal_that_can_do_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    with terminal() as (stream, shown):
        report_progress(stream)
        assert shown().replace("\r\n", "\n") == LOG
