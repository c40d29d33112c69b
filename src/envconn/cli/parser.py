"""The command line: commands, options, and what `--help` says about them."""

from __future__ import annotations

import argparse
import re
import sys
from contextlib import suppress

from envconn.cli import EX_USAGE, live
from envconn.cli import fetch as fetching

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

__all__ = ["parser"]


def parser(chosen: str | None = None) -> argparse.ArgumentParser:
    """Return the parser. Its result has ``run``, a function that takes it and returns the exit code.

    Where `chosen` is a command, no other one knows its options: they would be made in vain.
    """
    made = _Parser(
        prog="envconn",
        description="Prove that the connections in the environment use TLS.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = made.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, (summary, description, add) in _COMMANDS.items():
        command = commands.add_parser(
            name,
            help=summary,
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            # What is a clear abbreviation today, in somebody's Procfile, could mean two options tomorrow.
            allow_abbrev=False,
        )
        if chosen == name or chosen not in _COMMANDS:
            add(command)
    return made


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Print the usage and leave with 64."""
        # argparse quotes what it did not expect, and `envconn check "$DATABASE_URL"` is an easy mistake.
        told = _UNQUOTED.findall(message)[0].rstrip()
        # Where it cannot be written, some versions of argparse raise (CPython 3.11.2), and others do not.
        with suppress(OSError):
            sys.stderr.write(f"{self.format_usage()}{self.prog}: {told}\n")
        self.exit(EX_USAGE)


_UNQUOTED = re.compile(r"the following arguments are required: .*|(?:argument [^:']+: )?[^:']*")

_EXIT_CODES = """\
exit codes:
  0   good
  64  this command line is wrong
  69  a server is unreachable, or did not answer in time
  76  TLS is refused, absent or not verified
  77  login, role or database is refused
  78  the configuration is wrong"""


def _add_check(command: argparse.ArgumentParser) -> None:
    _add_dotenv(command)
    _add_json(command)
    live.add_options(command)
    command.epilog = _EXIT_CODES
    command.set_defaults(run=_check)


def _add_show(command: argparse.ArgumentParser) -> None:
    _add_dotenv(command)
    _add_json(command)
    command.add_argument("--sources", action="store_true", help="list every place, and what was found there, too")
    command.set_defaults(run=_show)


def _add_exec(command: argparse.ArgumentParser) -> None:
    _add_dotenv(command)
    command.add_argument(
        "--export", metavar="pg", help="give the command one connection in libpq's variables (PGHOST, ...)"
    )
    command.add_argument(
        "--unset", action="store_true", help="take the variables that connections are read from out of its environment"
    )
    _add_selection(command)
    live.add_options(command)
    command.epilog = _EXIT_CODES
    command.usage = "envconn exec [OPTION...] -- COMMAND [ARGUMENT...]"
    command.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="what to become, with its arguments"
    )
    command.set_defaults(run=_exec)


def _add_export(command: argparse.ArgumentParser) -> None:
    _add_dotenv(command)
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


def _add_fetch(command: argparse.ArgumentParser) -> None:
    command.epilog = _EXIT_CODES
    for provider in fetching.add_options(command):
        _add_dotenv(provider)
        provider.set_defaults(run=_fetch)


def _add_schema(command: argparse.ArgumentParser) -> None:
    command.set_defaults(run=_schema)


def _add_completion(command: argparse.ArgumentParser) -> None:
    command.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell that is to read it")
    command.set_defaults(run=_completion)


def _add_dotenv(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--dotenv",
        metavar="FILE",
        default=".env",
        help="assignments that count where the environment is silent (default: .env, if there is one)",
    )
    command.add_argument(
        "--no-dotenv", dest="dotenv", action="store_const", const=None, help="read the environment only"
    )


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print the whole report as JSON on stdout")


def _check(options: argparse.Namespace) -> int:
    from envconn.cli import check

    return check.run(options.dotenv, as_json=options.json, details=False, live=live.asked(options))


def _show(options: argparse.Namespace) -> int:
    from envconn.cli import check

    return check.run(options.dotenv, as_json=options.json, details=True, places=options.sources)


def _exec(options: argparse.Namespace) -> int:
    from envconn.cli.exec import run

    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    return run(options, command)


def _export(options: argparse.Namespace) -> int:
    from envconn.cli import export

    return export.run(options)


def _fetch(options: argparse.Namespace) -> int:
    from envconn.cli import fetch

    return fetch.run(options)


def _schema(_options: argparse.Namespace) -> int:
    from importlib.resources import files

    print(files("envconn.cli").joinpath("report.schema.json").read_text(encoding="utf-8"), end="")
    return 0


def _completion(options: argparse.Namespace) -> int:
    from envconn.cli import completion

    return completion.run(parser(), options.shell)


_COMMANDS: dict[str, tuple[str, str, Callable[[argparse.ArgumentParser], None]]] = {
    "check": (
        "check the configuration, and say what to change",
        """\
Check the configuration, and say what to change.

Every connection that the environment describes is judged. No server is contacted,
unless one of the options of the live proof is there.

  envconn check
  envconn check --login --wait 30 --json""",
        _add_check,
    ),
    "show": (
        "show what was found, and why it was chosen, ignored or raised",
        """\
Show what was found in the environment, and why it was chosen, ignored or raised.

No server is contacted.""",
        _add_show,
    ),
    "exec": (
        "check the configuration, then become another command",
        """\
Check the configuration, then become COMMAND.

Process ID, signals, standard streams and exit code are the command's own. It is not
started if anything is wrong; the exit code then says what.

  envconn exec -- gunicorn app:app
  envconn exec --login --wait 30 -- gunicorn app:app
  envconn exec --export pg -- psql""",
        _add_exec,
    ),
    "export": (
        "print one connection in the words of another program",
        """\
Print one connection in the words of another program.

TLS is said in its reader's own words, as strong as it was judged here; what the reader
cannot hold is refused. Secrets are masked without --reveal.

  envconn export jdbc
  envconn export pgpass --reveal > ~/.pgpass""",
        _add_export,
    ),
    "fetch": (fetching.SUMMARY, fetching.DESCRIPTION, _add_fetch),
    "schema": (
        "print the JSON Schema of what --json prints",
        "Print the JSON Schema of what --json prints (draft 2020-12).",
        _add_schema,
    ),
    "completion": (
        "print a script that completes this command line in a shell",
        """\
Print a script that completes this command line.

It is made by shtab, which pip install 'envconn[completion]' brings along.

  envconn completion bash > ~/.local/share/bash-completion/completions/envconn
  envconn completion zsh > ~/.zfunc/_envconn    # ~/.zfunc has to be in fpath
  envconn completion fish > ~/.config/fish/completions/envconn.fish""",
        _add_completion,
    ),
}
