"""The command line: its commands, their help texts, and the messages about a wrong one."""

from __future__ import annotations

import argparse
import re
import sys
from contextlib import suppress

from envconn.cli import options
from envconn.cli.terminal import show
from envconn.exit_codes import EX_USAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any, NoReturn


def parser(chosen: str | None = None) -> Parser:
    """Return the parser. Its result has ``run``, a function that takes the result and returns the exit code.

    If `chosen` is a command, the options of the others are not added, to save time.
    """
    made = Parser(
        prog="envconn",
        description="Prove that the connections in the environment use TLS.",
        epilog=_EXIT_CODES,
        formatter_class=_Help,
        allow_abbrev=False,
    )
    made.add_argument("--version", action="store_true", help="print the version; with --verbose, of all that is used")
    made.add_argument("--verbose", action="store_true", help=argparse.SUPPRESS)
    made.set_defaults(run=_version)
    _add_commands(made, chosen)
    return made


def _add_commands(made: Parser, chosen: str | None) -> None:
    commands = made.add_subparsers(title="commands", metavar="COMMAND")
    for name, (summary, description, add) in _COMMANDS.items():
        command = commands.add_parser(
            name,
            help=summary,
            description=description,
            formatter_class=_Help,
            # An abbreviation that is unique today, in a Procfile, could be ambiguous in a later version.
            allow_abbrev=False,
        )
        if chosen == name or chosen not in _COMMANDS:
            add(command)
        command.set_defaults(parser=command)


class Parser(argparse.ArgumentParser):
    """A parser whose messages never quote the arguments, and suggest the nearest known word."""

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Return the parsed `arguments`, or exit with 64."""
        found, unknown = self.parse_known_args(arguments)
        command: argparse.ArgumentParser = getattr(found, "parser", self)
        if unknown:
            known = (option for action in _actions(command) for option in action.option_strings)
            words = [word for word in known if word != "-h"]
            command.error(f"unknown option or argument. Use one of {', '.join(words)}." + _nearest(unknown, words))
        if command is self and not found.version:
            command.error(f"a command is required. Use one of {', '.join(_COMMANDS)}")
        if command is not self and (found.version or found.verbose):
            self.error("--version and --verbose take no command")
        return found

    def error(self, message: str) -> NoReturn:
        """Print the usage and exit with 64."""
        # argparse quotes unexpected arguments, and `envconn check "$DATABASE_URL"` is an easy mistake.
        if choice := _CHOICE.fullmatch(message):
            known = [word for action in _actions(self) for word in action.choices or ()]
            explanation = f"{choice[1]}: must be one of {', '.join(known)}." + _nearest([choice[2]], known)
        else:
            explanation = _UNQUOTED.findall(message)[0].rstrip()
        # If stderr cannot be written, some versions of argparse raise (CPython 3.11.2), and others do not.
        with suppress(OSError):
            sys.stderr.write(self.format_usage())
            show(f"{self.prog}: {explanation}", sys.stderr)
        self.exit(EX_USAGE)


class _Help(argparse.RawDescriptionHelpFormatter):
    """argparse's, which also wraps paragraphs; lines that begin with a blank are examples, and stay as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        from textwrap import fill
        from textwrap import indent as moved

        def line(each: str) -> str:
            # Exit codes are wrapped behind the number; other lines that begin with a blank are examples.
            return fill(each, width, subsequent_indent="      ") if re.match("  [0-9]", each) else each

        return "\n\n".join(
            moved("\n".join(map(line, each.splitlines())) if "\n  " in f"\n{each}" else fill(each, width), indent)
            for each in text.split("\n\n")
        )

    def _format_usage(
        self, usage: str | None, actions: Iterable[argparse.Action], groups: Iterable[Any], prefix: str | None
    ) -> str:
        """Return the usage without the names of optional options, which the help lists."""
        if prefix == "":  # argparse asks for the name of a subcommand
            return super()._format_usage(usage, actions, groups, prefix)
        from textwrap import fill

        words = usage or " ".join([self._prog, *_usage(actions)])
        return fill(f"usage: {words}", self._width, subsequent_indent="  ", break_on_hyphens=False) + "\n\n"


_UNQUOTED = re.compile(r"the following arguments are required: .*|(?:argument [^:']+: )?[^:']*")
_CHOICE = re.compile(r"(argument [^:']+): invalid choice: '([^']*)'.*", re.DOTALL)


def _usage(actions: Iterable[argparse.Action]) -> Iterator[str]:
    for action in actions:
        if action.option_strings and action.required:
            yield f"{action.option_strings[0]} {action.metavar}"
    yield "[OPTION...]"
    for action in actions:
        if not action.option_strings:
            yield f"{action.metavar or '|'.join(action.choices or ())}"
            if isinstance(action.choices, dict):
                yield "..."


def _actions(command: argparse.ArgumentParser) -> list[argparse.Action]:
    return command._actions  # noqa: SLF001 - argparse has no other way to list them


def _nearest(given: Iterable[str], known: Iterable[str]) -> str:
    """Return a question that suggests the known word nearest to one of `given`; `given` is never quoted."""
    from difflib import get_close_matches

    words = list(known)
    for word in given:
        for found in get_close_matches(word.partition("=")[0], words, 1, 0.7):
            return f" Did you mean {found}?"
    return ""


_EXIT_CODES = """\
exit codes:
  0   good
  64  the command line is wrong
  69  a server is unreachable, or did not answer in time
  76  TLS is refused, absent or not verified
  77  login, role or database is refused
  78  the configuration is wrong"""


def _add_check(command: argparse.ArgumentParser) -> None:
    options.add_env_file(command)
    options.add_service(command, "check this service only (default: all)")
    options.add_json(command)
    options.add_live(command)
    command.epilog = _EXIT_CODES
    command.set_defaults(run=_check)


def _add_show(command: argparse.ArgumentParser) -> None:
    options.add_env_file(command)
    options.add_service(command, "show this service only (default: all)")
    options.add_json(command)
    command.add_argument("--sources", action="store_true", help="also list every source, and what was found there")
    command.set_defaults(run=_show)


def _add_exec(command: argparse.ArgumentParser) -> None:
    options.add_env_file(command)
    command.add_argument(
        "--export", metavar="pg", help="pass one connection to the command in libpq's variables (PGHOST, ...)"
    )
    command.add_argument(
        "--unset", action="store_true", help="start the command without the variables that connections are read from"
    )
    options.add_endpoint(command)
    options.add_live(command)
    command.epilog = _EXIT_CODES
    command.usage = "envconn exec [OPTION...] -- COMMAND [ARGUMENT...]"
    command.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="the command to run, with its arguments"
    )
    command.set_defaults(run=_exec)


def _add_export(command: argparse.ArgumentParser) -> None:
    from envconn.export import FORMATS

    options.add_env_file(command)
    libpqs = "conninfo, pg, pg_service, pgpass and uri are for programs that use libpq"
    command.add_argument("format", metavar="FORMAT", help=f"one of {', '.join(FORMATS)}; {libpqs}")
    command.add_argument("--reveal", action="store_true", help="print secrets instead of masking them")
    command.add_argument("--ca", metavar="PATH", help="where the reader finds the CA, if not at the same path as here")
    options.add_endpoint(command)
    command.set_defaults(run=_export)


def _add_fetch(command: argparse.ArgumentParser) -> None:
    command.epilog = _EXIT_CODES
    for provider in options.add_providers(command):
        options.add_env_file(provider)
        provider.set_defaults(run=_fetch, parser=provider)


def _add_init(command: argparse.ArgumentParser) -> None:
    command.add_argument("--write", action="store_true", help="write .env.example, unless there is one")
    command.set_defaults(run=_init)


def _add_explain(command: argparse.ArgumentParser) -> None:
    command.add_argument("code", nargs="?", metavar="CODE", help="the code in brackets behind a message (default: all)")
    command.set_defaults(run=_explain)


def _add_schema(command: argparse.ArgumentParser) -> None:
    command.set_defaults(run=_schema)


def _add_completion(command: argparse.ArgumentParser) -> None:
    command.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell that reads it")
    command.set_defaults(run=_completion)


def _version(chosen: argparse.Namespace) -> int:
    from envconn.cli import version

    return version.run(verbose=chosen.verbose)


def _check(chosen: argparse.Namespace) -> int:
    from envconn.cli import check

    return check.run(chosen, details=False)


def _show(chosen: argparse.Namespace) -> int:
    from envconn.cli import check

    return check.run(chosen, details=True)


def _exec(chosen: argparse.Namespace) -> int:
    from envconn.cli.exec import run

    command = chosen.command[1:] if chosen.command[:1] == ["--"] else chosen.command
    return run(chosen, command)


def _export(chosen: argparse.Namespace) -> int:
    from envconn.cli import export

    return export.run(chosen)


def _fetch(chosen: argparse.Namespace) -> int:
    from envconn.cli import fetch

    return fetch.run(chosen)


def _init(chosen: argparse.Namespace) -> int:
    from envconn.cli import init

    return init.run(write=chosen.write)


def _explain(chosen: argparse.Namespace) -> int:
    from envconn.cli import explain

    return explain.run(chosen.code)


def _schema(_chosen: argparse.Namespace) -> int:
    from importlib.resources import files

    print(files("envconn.cli").joinpath("report.schema.json").read_text(encoding="utf-8"), end="")
    return 0


def _completion(chosen: argparse.Namespace) -> int:
    from envconn.cli import completion

    return completion.run(parser(), chosen.shell)


_COMMANDS: dict[str, tuple[str, str, Callable[[argparse.ArgumentParser], None]]] = {
    "check": (
        "check the configuration, and say what to change",
        """\
Check the configuration, and say what to change.

Every connection in the environment is judged. No server is contacted, unless an
option of the live proof is given.

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
        "check the configuration, then replace this process with a command",
        """\
Check the configuration, then replace this process with COMMAND.

Process ID, signals, standard streams and exit code are the command's own. It is not
started if anything is wrong; the exit code then says what.

  envconn exec -- gunicorn app:app
  envconn exec --login --wait 30 -- gunicorn app:app
  envconn exec --direct -- flask db upgrade
  envconn exec --export pg -- psql""",
        _add_exec,
    ),
    "export": (
        "print one connection in another program's format",
        """\
Print one connection in another program's format.

TLS is as strong there as it was judged here; what the format cannot express is an
error. Secrets are masked without --reveal.

  envconn export jdbc
  envconn export pgpass --reveal > ~/.pgpass""",
        _add_export,
    ),
    "fetch": (
        "get a connection string from a provider's API",
        """\
Get a connection string from the API of PROVIDER, and judge it.

The token is read from the environment. No secret is printed without --write, --shell
or --reveal.

  envconn fetch casedev --project proj_abc123 --branch staging --pooled --write .env
  eval "$(envconn fetch neon --project quiet-sun-123 --database neondb --role app --shell)"
  envconn fetch planetscale --organization acme --database app --role web --create --ttl 3600 --write .env
  envconn fetch scalingo --app my-app""",
        _add_fetch,
    ),
    "init": (
        "print what to add to a project, and a .env.example",
        """\
Print what to add to the project in this directory, and a .env.example for it.

Django, Flask, Celery and drivers are found in the project's files, or among what is
installed. No file is changed, and only --write makes one.

  envconn init
  envconn init --write""",
        _add_init,
    ),
    "explain": (
        "explain the code behind a message, with an example and its remedy",
        """\
Explain the code behind a message: its cause, its remedy, and an example before and
after.

  envconn explain ca-missing""",
        _add_explain,
    ),
    "schema": (
        "print the JSON Schema of what --json prints",
        "Print the JSON Schema of what --json prints (draft 2020-12).",
        _add_schema,
    ),
    "completion": (
        "print a script that completes this command line in a shell",
        """\
Print a script that completes this command line.

It is generated by shtab: pip install 'envconn[completion]'.

  envconn completion bash > ~/.local/share/bash-completion/completions/envconn
  envconn completion zsh > ~/.zfunc/_envconn    # ~/.zfunc must be in fpath
  envconn completion fish > ~/.config/fish/completions/envconn.fish""",
        _add_completion,
    ),
}
