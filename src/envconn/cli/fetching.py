"""The options of ``envconn fetch``, a command of its own for each provider. What they ask for is in `fetch`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DESCRIPTION", "PROVIDERS", "SUMMARY", "TITLES", "add_options"]

SUMMARY = "get a connection string from a provider's API"

DESCRIPTION = """\
Get a connection string from the API of PROVIDER, and judge it.

The token comes from the environment. Without --env-file, --export and --reveal, no secret is printed.

  envconn fetch casedev --project proj_abc123 --branch staging --pooled --env-file .env
  eval "$(envconn fetch neon --project quiet-sun-123 --database neondb --role app --export)"
  envconn fetch planetscale --organization acme --database app --role web --create --ttl 3600 --env-file .env
  envconn fetch scalingo --app my-app"""


class _Option(NamedTuple):
    """An option that takes a value, unless `metavar` is empty."""

    metavar: str
    help: str


_OPTIONS = {
    "project": _Option("ID", "the project"),
    "organization": _Option("NAME", "the organization"),
    "app": _Option("NAME", "the application, or the dedicated database"),
    "database": _Option("NAME", "the database"),
    "role": _Option("NAME", "the role to connect as"),
    "branch": _Option("NAME", "the branch (default: the provider's default one)"),
    "endpoint": _Option("ID", "the endpoint, by id or type (public-rw, private-peering-rw)"),
    "variable": _Option("NAME", "the variable that holds the connection there (default: as envconn chooses)"),
    "region": _Option("NAME", "the region (default: osc-fr1)"),
    "pooled": _Option("", "the endpoint that goes through the pooler"),
    "create": _Option("", "make the role, which is the one time that its password is told"),
    "reset": _Option("", "give the role another password, which locks out all who use the old one"),
    "ttl": _Option("SECONDS", "how long a role lives that is made (default: until it is deleted)"),
    "inherit": _Option("ROLE", "a role whose rights the one that is made gets; may be there several times"),
}
"""Every argument of `envconn.remote.get_connection` that says which connection is meant."""

PROVIDERS = {
    "casedev": (("project",), ("branch", "pooled")),
    "neon": (("project", "database", "role"), ("branch", "endpoint", "pooled")),
    "planetscale": (
        ("organization", "database", "role"),
        ("branch", "pooled", "create", "reset", "ttl", "inherit"),
    ),
    "scalingo": (("app",), ("variable", "endpoint", "database", "region")),
}
"""What each provider wants to know, and what it may be told. A test compares it with what the providers themselves say:
they are not imported to parse a command line."""

TITLES = {
    "casedev": "the connection of a project of case.dev (CASEDEV_API_KEY)",
    "neon": "the connection of a project of Neon (NEON_API_KEY)",
    "planetscale": "a role of PlanetScale (PLANETSCALE_SERVICE_TOKEN_ID, PLANETSCALE_SERVICE_TOKEN)",
    "scalingo": "a variable of an application of Scalingo (SCALINGO_API_TOKEN)",
}


def add_options(command: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield a command for each provider, with what it takes and with what can be done with its answer."""
    providers = command.add_subparsers(title="providers", required=True, metavar="PROVIDER", dest="provider")
    for name, (required, optional) in PROVIDERS.items():
        provider = providers.add_parser(name, help=TITLES[name], description=f"Get {TITLES[name]}.", allow_abbrev=False)
        for argument in (*required, *optional):
            _add(provider, argument, required=argument in required)
        _add_output(provider)
        yield provider


def _add(provider: argparse.ArgumentParser, argument: str, *, required: bool) -> None:
    metavar, told = _OPTIONS[argument]
    if not metavar:
        provider.add_argument(f"--{argument}", action="store_true", help=told)
    elif argument == "ttl":
        provider.add_argument("--ttl", metavar=metavar, type=_whole, help=told)
    elif argument == "inherit":
        provider.add_argument("--inherit", metavar=metavar, action="append", default=[], help=told)
    else:
        provider.add_argument(f"--{argument}", metavar=metavar, required=required, help=told)


def _add_output(provider: argparse.ArgumentParser) -> None:
    where = provider.add_mutually_exclusive_group()
    where.add_argument("--env-file", metavar="FILE", help="put it into FILE, whose other lines stay as they are")
    where.add_argument("--export", action="store_true", help="print it as a command of a shell, for eval")
    provider.add_argument("--name", metavar="VARIABLE", default="DATABASE_URL", help="as what (default: DATABASE_URL)")
    provider.add_argument("--reveal", action="store_true", help="print the connection string, also on a terminal")
    provider.add_argument("--json", action="store_true", help="print the report as JSON on stdout")
    provider.add_argument(
        "--within", metavar="SECONDS", type=_seconds, default=30.0, help="how long all of it may take (default: 30)"
    )


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise argparse.ArgumentTypeError("not a whole number of seconds from 1 on")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:  # false for nan, too
        raise argparse.ArgumentTypeError("not a number of seconds above 0 and up to 3600")
    return seconds
