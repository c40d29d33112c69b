"""The command ``envconn``: check, show, exec, export, fetch, init, explain, schema, completion.

Its exit codes are in `envconn.exit_codes`. ``exec`` replaces the process, so its exit code is the child's own.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from io import TextIOWrapper

from envconn.exit_codes import EX_BROKEN_PIPE, EX_INTERRUPTED, EX_IOERR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Sequence
    from typing import TextIO, TypeAlias

    from envconn.errors import Finding

    Engines: TypeAlias = Callable[[], tuple[Sequence[str], Sequence[Finding], Sequence[Finding]]]


def main(argv: Sequence[str] | None = None, engines: Engines | None = None) -> int:
    """Run the command with `argv` (default: the process's arguments) and return its exit code.

    `engines` returns what ``check`` also prints: a line for each engine of a program, their problems, and notes.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the parent process (>&-)
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - lives as long as the process
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors in {"strict", "surrogateescape"}:
        # A character that the terminal's encoding lacks must not make the command fail; the latter is the C locale's.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return _run(sys.argv[1:] if argv is None else list(argv), engines)
    finally:
        # argparse ignores a failed write of its message and leaves the message in the buffer.
        try:
            sys.stderr.flush()
        except OSError:
            _silence(sys.stderr)


def _run(arguments: list[str], engines: Engines | None) -> int:
    from envconn.cli.parser import parser

    options = parser(arguments[0] if arguments else None).parse(arguments)
    options.engines = engines
    run: Callable[[Namespace], int] = options.run
    try:
        code = run(options)
        sys.stdout.flush()
    except OSError as failure:
        # The reader has gone (`envconn show | head`), or a disk is full. Python's own message at exit would not help.
        _silence(sys.stdout)
        if isinstance(failure, BrokenPipeError):
            _silence(sys.stderr)
            return EX_BROKEN_PIPE
        with suppress(OSError):
            print(f"envconn: {failure.strerror}", file=sys.stderr)
        return EX_IOERR
    except KeyboardInterrupt:
        return EX_INTERRUPTED
    return code


def _silence(stream: TextIO) -> None:
    """Discard what is left in the buffer of `stream`; otherwise Python fails to flush it at exit and ends with 120."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
