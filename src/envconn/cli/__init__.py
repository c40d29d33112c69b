"""The command ``envconn``: check, show, exec, export.

Exit codes are those of BSD's sysexits.h: 0 good, 64 the command line is wrong, 74 the report cannot be
written, 78 the configuration is wrong. ``exec`` replaces the process, so what it exits with is the child's own.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["EX_CONFIG", "EX_OK", "EX_USAGE", "main"]

EX_OK = 0
EX_USAGE = 64
EX_IOERR = 74
EX_CONFIG = 78
EX_NOT_EXECUTABLE = 126
EX_NOT_FOUND = 127
_SIGPIPE = 128 + 13


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with `argv` (default: the process's arguments) and return its exit code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started this process (>&-)
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - lives as long as the process
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
        # A name that the terminal's encoding does not have is no reason to fail.
        sys.stdout.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        code = run(options)
        sys.stdout.flush()
    except OSError as failure:
        # The reader went away (`envconn show | head`), or a disk is full; what Python would print at exit helps nobody.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(failure, BrokenPipeError):
            return _SIGPIPE
        print(f"envconn: {failure.strerror}", file=sys.stderr)
        return EX_IOERR
    return code


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Print the usage and leave with 64."""
        # argparse quotes what it did not expect, and `envconn check "$DATABASE_URL"` is an easy mistake.
        told = _UNQUOTED.findall(message)[0].rstrip()
        self.print_usage(sys.stderr)
        self.exit(EX_USAGE, f"{self.prog}: {told}\n")


_UNQUOTED = re.compile(r"the following arguments are required: .*|(?:argument [^:']+: )?[^:']*")


def _parser() -> _Parser:
    parser = _Parser(prog="envconn", description="Prove that the connections in the environment use TLS.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, help_text, add in _COMMANDS:
        command = commands.add_parser(name, help=help_text, description=help_text)
        command.add_argument(
            "--dotenv",
            metavar="FILE",
            default=".env",
            help="assignments that count where the environment is silent (default: .env, if there is one)",
        )
        command.add_argument(
            "--no-dotenv", dest="dotenv", action="store_const", const=None, help="read the environment only"
        )
        add(command)
    return parser


def _add_check(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print the whole report as JSON on stdout")
    command.set_defaults(run=_check)


def _add_show(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print the whole report as JSON on stdout")
    command.set_defaults(run=_show)


def _add_exec(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--export", metavar="pg", help="give the command one connection in libpq's variables (PGHOST, ...)"
    )
    command.add_argument(
        "--unset", action="store_true", help="take the variables that connections are read from out of its environment"
    )
    _add_selection(command)
    command.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="-- COMMAND...", help="what to run in place of this process"
    )
    command.set_defaults(run=_exec)


def _add_export(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "format", metavar="FORMAT", help="pg, uri, jdbc, prisma, kubernetes, ...; a wrong one lists all"
    )
    command.add_argument("--reveal", action="store_true", help="print secrets, which are masked otherwise")
    command.add_argument("--ca", metavar="PATH", help="where the reader finds the CA, if not where it is here")
    _add_selection(command)
    command.set_defaults(run=_export)


def _add_selection(command: argparse.ArgumentParser) -> None:
    command.add_argument("--service", metavar="NAME", help="which one (default: database)")
    endpoint = command.add_mutually_exclusive_group()
    for name, wish in (("pooled", {"pooled": True}), ("direct", {"pooled": False}), ("replica", {"replica": True})):
        endpoint.add_argument(
            f"--{name}", dest="endpoint", action="store_const", const=wish, help=f"its {name} endpoint"
        )
    command.add_argument(
        "--libpq", type=_major, metavar="MAJOR", help="the version of the libpq that reads it (default: any from 13 on)"
    )


def _major(text: str) -> int:
    """The number that ``PQlibVersion()`` returns for a major version."""
    if not re.fullmatch(r"1[3-9]|[2-9][0-9]", text):
        raise argparse.ArgumentTypeError("not a major version from 13 on")
    return int(text) * 10_000


def _check(options: argparse.Namespace) -> int:
    from envconn.cli import check

    return check.run(options.dotenv, as_json=options.json, details=False)


def _show(options: argparse.Namespace) -> int:
    from envconn.cli import check

    return check.run(options.dotenv, as_json=options.json, details=True)


def _exec(options: argparse.Namespace) -> int:
    from envconn.cli import exec_

    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    return exec_.run(options, command)


def _export(options: argparse.Namespace) -> int:
    from envconn.cli import export

    return export.run(options)


_COMMANDS: tuple[tuple[str, str, Callable[[argparse.ArgumentParser], None]], ...] = (
    ("check", "check the configuration; say what to change", _add_check),
    ("show", "show what was found, chosen, ignored and raised, and why", _add_show),
    ("exec", "check the configuration, then replace this process by a command", _add_exec),
    ("export", "print one connection in the words of another program", _add_export),
)
