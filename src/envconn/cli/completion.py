"""``envconn completion``: the script that completes the command line in a shell, made by shtab."""

from __future__ import annotations

import sys
from argparse import REMAINDER

from envconn.exit_codes import EX_CONFIG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Action, ArgumentParser
    from collections.abc import Iterator


def run(parser: ArgumentParser, shell: str) -> int:
    """Print the script for `shell` and return the exit code."""
    try:
        import shtab
    except ImportError:
        print("envconn completion: shtab is missing; install envconn[completion]", file=sys.stderr)
        return EX_CONFIG
    from envconn.export import FORMATS

    for action in _actions(parser):
        if action.metavar == "FILE":
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif action.nargs == REMAINDER:
            action.complete = _COMMANDS  # type: ignore[attr-defined]
        elif action.metavar == "FORMAT":
            action.choices = tuple(FORMATS)
    print(shtab.complete(parser, shell))
    return 0


# `envconn exec -- gun<TAB>`: a program, or a file for its arguments.
_COMMANDS = {
    "bash": "_envconn_commands",
    "zsh": "_command_names -e",
    "fish": "(__fish_complete_command; __fish_complete_path (commandline -ct))",
    "preamble": {"bash": '_envconn_commands() { compgen -A command -A file -- "$1"; }'},
}


def _actions(parser: ArgumentParser) -> Iterator[Action]:
    """Every action of `parser` and of the commands below it."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to list them, and shtab takes this one
        yield action
        for below in action.choices.values() if isinstance(action.choices, dict) else ():
            yield from _actions(below)
