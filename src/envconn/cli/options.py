"""The options that several commands share, and those of the providers of ``envconn fetch``."""

from __future__ import annotations

import argparse
import re

from envconn.records import Record
from envconn.selection.variables import ENDPOINTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def add_env_file(command: argparse.ArgumentParser) -> None:
    """Add ``--env-file`` and ``--no-env-file``."""
    command.add_argument(
        "--env-file",
        metavar="FILE",
        type=_file,
        default=".env",
        help="a file with defaults for variables that are not set (default: .env, if it exists)",
    )
    command.add_argument(
        "--no-env-file", dest="env_file", action="store_const", const=None, help="read the environment only"
    )


def add_json(command: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    command.add_argument("--json", action="store_true", help="print the report as JSON on stdout")


def add_service(command: argparse.ArgumentParser, help_text: str) -> None:
    """Add ``--service`` with the help text `help_text`."""
    command.add_argument("--service", metavar="NAME", type=_name, help=help_text)


def add_live(command: argparse.ArgumentParser) -> None:
    """Add the options of the live proof. Each of them means ``--live``."""
    group = command.add_argument_group(
        "live proof", "Contact the servers once the configuration is right. Each of these options implies --live."
    )
    for name in ("--live", "--login"):
        group.add_argument(name, action="store_const", const=True, help=_LIVE[name])
    group.add_argument("--enforcement", choices=("require", "report", "skip"), help=_LIVE["--enforcement"])
    for name, kind in (("--wait", _seconds), ("--timeout", _positive)):
        group.add_argument(name, metavar="SECONDS", type=kind, help=_LIVE[name])


_LIVE = {
    "--live": "do the TLS handshake with every server, and verify its certificate as the configuration demands; "
    "sends no user name and no password",
    "--login": "log in as well, with the installed driver, where the handshake succeeded",
    "--enforcement": "whether a server that also accepts connections without TLS is an error (require), "
    "a warning (report, the default), or not tested, with one connection only, which fits a probe (skip)",
    "--wait": "repeat for this long while a server is down, unresolved or starting up (default: 0); "
    "a wrong certificate or password fails at once",
    "--timeout": "the time limit of one attempt (default: 10)",
}


def add_endpoint(command: argparse.ArgumentParser) -> None:
    """Add the options that select one connection, and the version of libpq that reads it."""
    add_service(command, "the service to use (default: database)")
    endpoint = command.add_mutually_exclusive_group()
    for name in ENDPOINTS:
        endpoint.add_argument(
            f"--{name}", dest="endpoint", action="store_const", const=name, help=f"use its {name} endpoint"
        )
    command.add_argument(
        "--libpq", type=_major, metavar="MAJOR", help="the libpq version that reads it (default: any, 13 or newer)"
    )


class _Option(Record):
    """An option that takes a value, unless `metavar` is empty."""

    metavar: str
    help: str


_FETCH = {
    "project": _Option("ID", "the project"),
    "organization": _Option("NAME", "the organization"),
    "app": _Option("NAME", "the application, or the dedicated database"),
    "database": _Option("NAME", "the database"),
    "role": _Option("NAME", "the role to connect as"),
    "branch": _Option("NAME", "the branch (default: the provider's default branch)"),
    "endpoint": _Option("ID", "the endpoint, by id or type (public-rw, private-peering-rw)"),
    "variable": _Option("NAME", "the application's variable to read (default: the one envconn would use)"),
    "region": _Option("NAME", "the region (default: osc-fr1)"),
    "pooled": _Option("", "the endpoint of the pooler"),
    "create": _Option("", "create the role; its password is returned only this once"),
    "reset": _Option("", "replace the role's password; clients with the old one can no longer log in"),
    "ttl": _Option("SECONDS", "the lifetime of a created role (default: until it is deleted)"),
    "inherit": _Option("ROLE", "a role whose rights the created role inherits; may be repeated"),
}
"""Every argument of `envconn.remote.get_connection` that selects the connection."""

PROVIDERS = {
    "casedev": (("project",), ("branch", "pooled")),
    "neon": (("project", "database", "role"), ("branch", "endpoint", "pooled")),
    "planetscale": (
        ("organization", "database", "role"),
        ("branch", "pooled", "create", "reset", "ttl", "inherit"),
    ),
    "scalingo": (("app",), ("variable", "endpoint", "database", "region")),
}
"""The required and the optional arguments of each provider. Parsing a command line does not import the providers,
so a test compares this table with them."""

TITLES = {
    "casedev": "the connection of a project of case.dev (CASEDEV_API_KEY)",
    "neon": "the connection of a project of Neon (NEON_API_KEY)",
    "planetscale": "a role of PlanetScale (PLANETSCALE_SERVICE_TOKEN_ID, PLANETSCALE_SERVICE_TOKEN)",
    "scalingo": "a variable of an application of Scalingo (SCALINGO_API_TOKEN)",
}


def add_providers(command: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield a command for each provider, with its arguments and the options for its output."""
    providers = command.add_subparsers(title="providers", required=True, metavar="PROVIDER", dest="provider")
    for name, (required, optional) in PROVIDERS.items():
        title = TITLES[name]
        provider = providers.add_parser(
            name,
            help=title,
            description=f"Get {title}.",
            formatter_class=command.formatter_class,
            allow_abbrev=False,
        )
        for argument in (*required, *optional):
            _add_argument(provider, argument, required=argument in required)
        _add_output(provider)
        yield provider


def _add_argument(provider: argparse.ArgumentParser, argument: str, *, required: bool) -> None:
    metavar, help_text = _FETCH[argument]
    if not metavar:
        provider.add_argument(f"--{argument}", action="store_true", help=help_text)
    elif argument == "ttl":
        provider.add_argument("--ttl", metavar=metavar, type=_whole, help=help_text)
    elif argument == "inherit":
        provider.add_argument("--inherit", metavar=metavar, action="append", default=[], help=help_text)
    else:
        provider.add_argument(f"--{argument}", metavar=metavar, required=required, help=help_text)


def _add_output(provider: argparse.ArgumentParser) -> None:
    where = provider.add_mutually_exclusive_group()
    where.add_argument(
        "--write", metavar="FILE", type=_file, help="write it to FILE, whose other lines stay as they are"
    )
    where.add_argument("--shell", action="store_true", help="print it as a shell command, for eval")
    provider.add_argument(
        "--name", metavar="VARIABLE", default="DATABASE_URL", help="the variable to set (default: DATABASE_URL)"
    )
    provider.add_argument("--reveal", action="store_true", help="print the connection string, also on a terminal")
    add_json(provider)
    provider.add_argument(
        "--timeout", metavar="SECONDS", type=_limit, default=30.0, help="the time limit of all requests (default: 30)"
    )


LONGEST = 86_400
"""Seconds. More than a day is assumed to be a wrong unit."""


def _file(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("must be the path of a file")
    return text


def _name(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("must be the name of a service")
    return text


def _seconds(text: str) -> float:
    return _number(text, LONGEST, f"must be a number of seconds from 0 to {LONGEST}")


def _positive(text: str) -> float:
    if not (seconds := _seconds(text)):
        raise argparse.ArgumentTypeError("must be more than 0 seconds")
    return seconds


def _limit(text: str) -> float:
    expected = "must be a number of seconds, more than 0 and at most 3600"
    if not (seconds := _number(text, 3600, expected)):
        raise argparse.ArgumentTypeError(expected)
    return seconds


def _number(text: str, highest: int, expected: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= highest:  # false for nan, too
        raise argparse.ArgumentTypeError(expected)
    return number


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise argparse.ArgumentTypeError("must be a whole number of seconds, 1 or more")
    return int(text)


def _major(text: str) -> int:
    """Return the number that ``PQlibVersion()`` returns for a major version."""
    if not re.fullmatch(r"1[3-9]|[2-9][0-9]", text):
        raise argparse.ArgumentTypeError("must be a major version, 13 or newer")
    return int(text) * 10_000
