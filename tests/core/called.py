"""The command in this process, as people and programs see it: a process of its own costs a fifth of a second."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import sys
import termios
from subprocess import CompletedProcess
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from envconn.cli import main
from leaks import MARKER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TextIO


def called(*arguments: str, **variables: str) -> CompletedProcess[str]:
    """Run the command with a pipe for each stream and more `variables`, and return all that it says."""
    pipes = io.BytesIO(), io.BytesIO()
    streams = [_writing(pipe, variables) for pipe in pipes]  # which close their pipe when they are gone
    code = _main(arguments, variables, *streams)
    return CompletedProcess(arguments, code, *(pipe.getvalue().decode("utf-8", "surrogateescape") for pipe in pipes))


def in_a_pipe(*arguments: str, **variables: str) -> str:
    """Run the command with both streams in one pipe, and return all that it says."""
    pipe = io.BytesIO()
    streams = [_writing(pipe, variables) for _ in ("stdout", "stderr")]
    _main(arguments, variables, *streams)
    return pipe.getvalue().decode()


def on_terminal(columns: int, *arguments: str, **variables: str) -> str:
    """Run the command where both streams are a terminal that wide, and return what a person would see."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    seen: list[bytes] = []
    reader = Thread(target=_read, args=(ours, seen))
    reader.start()
    with open(theirs, "w", buffering=1, encoding="utf-8") as terminal:
        _main(arguments, {"TERM": "xterm", **variables}, terminal, terminal)
    reader.join(60)
    os.close(ours)
    return b"".join(seen).decode().replace("\r\n", "\n")


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


def _writing(pipe: io.BytesIO, variables: Mapping[str, str]) -> TextIO:
    """Return a stream to `pipe` as Python opens one at its start."""
    return io.TextIOWrapper(pipe, variables.get("PYTHONIOENCODING", "utf-8"))


def _main(arguments: Iterable[str], variables: Mapping[str, str], output: TextIO, errors: TextIO) -> int:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        patch.setattr(sys, "stdout", output)
        patch.setattr(sys, "stderr", errors)
        try:
            code = main(list(arguments))
        except SystemExit as end:
            code = int(end.code or 0)
        output.flush()
        errors.flush()
    return code


def _read(terminal: int, seen: list[bytes]) -> None:
    try:
        while piece := os.read(terminal, 4096):
            seen.append(piece)
    except OSError:  # the other side is closed
        return
