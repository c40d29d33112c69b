"""``envconn fetch``: a provider's connection string for a ``.env`` file, a shell, or, masked, for a person."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from contextlib import suppress
from tempfile import mkstemp
from urllib.parse import quote

from envconn.cli import EX_CONFIG, EX_OK, EX_USAGE
from envconn.cli.export import placed, usage
from envconn.cli.terminal import Progress, annotate, complain
from envconn.errors import ConfigurationError, Finding, RemoteError, problem
from envconn.export import with_ca_at
from envconn.records import Record
from envconn.report import Report
from envconn.sources.dotenv import LIMIT, assigned
from envconn.sources.files import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from envconn.remote import RemoteConnection
    from envconn.report import Json


def run(options: argparse.Namespace) -> int:
    """Ask the provider, and do with the answer as `options` say; return the exit code."""
    if wrong := _misused(options):
        return usage("fetch", wrong)
    # A password that is told once has to have a place before it is asked for.
    before = read(options.env_file) if options.env_file else ""
    if isinstance(before, Finding):
        return _failed((before,), EX_CONFIG, options)
    try:
        found = _asked(options)
        if options.env_file:
            write(options.env_file, before, options.name, _text(found))
    except RemoteError as failed:
        if failed.exit_code == EX_USAGE:
            return usage("fetch", str(failed))
        return _failed(failed.problems, failed.exit_code, options)
    except ConfigurationError as refused:
        return _failed(refused.problems, EX_CONFIG, options)
    _tell(found, options)
    return EX_OK


def _misused(options: argparse.Namespace) -> str | None:
    wrong = [
        (not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", options.name), "--name is no name of a variable"),
        (options.json and (options.export or options.reveal), "--json holds no secret; drop --export and --reveal"),
        (
            options.env_file is not None and options.reveal,
            "--reveal is for what is printed, which --env-file is not",
        ),
        (options.export and not options.reveal and sys.stdout.isatty(), _AT_TERMINAL),
    ]
    return next((message for is_so, message in wrong if is_so), None)


_AT_TERMINAL = 'a terminal may keep what --export prints; write eval "$(envconn fetch ... --export)", or add --reveal'


def _asked(options: argparse.Namespace) -> RemoteConnection:
    from envconn.remote import get_connection

    required, optional = PROVIDERS[options.provider]
    arguments = {name: getattr(options, name) for name in (*required, *optional)}
    with Progress(sys.stderr) as progress:
        progress.begin(f"asking {options.provider}")
        return get_connection(options.provider, **arguments, env_file=options.dotenv, timeout=options.within)


def _text(found: RemoteConnection) -> str:
    """The connection string for whoever reads the variable, in characters that no shell and no file takes for others.

    It is the provider's own, unless that asks for less TLS than was judged: not everybody reads it with envconn.
    """
    connection = found.connection
    if not connection.tls.raised:
        return quote(found.connection_uri.reveal().strip(), safe=_KEPT)
    path = placed(connection)
    return (with_ca_at(connection, path) if path else connection).uri()


_KEPT = "-._~:/?@&=,[]%+!*();"


def _tell(found: RemoteConnection, options: argparse.Namespace) -> None:
    if options.json:
        print(json.dumps(_document(_report(found), EX_OK, _fetched(found, options)), indent=2))
    elif options.export:
        print(f"export {options.name}='{_text(found)}'")
    elif options.env_file:
        print(f"{options.name} is in {options.env_file}")
    elif options.reveal:
        print(_text(found))
    else:
        print("\n".join(_report(found).lines()))
        told = {"branch": found.branch, "pooled": "yes" if found.pooled else "no"}
        print("\n".join(f"answered {label}: {fact}" for label, fact in told.items() if fact is not None))


def _failed(problems: tuple[Finding, ...], code: int, options: argparse.Namespace) -> int:
    if options.json:
        print(json.dumps(_document(Report(problems=problems), code, None), indent=2))
        annotate(problems)
    else:
        complain(problems)
    return code


def _report(found: RemoteConnection) -> Report:
    return Report({found.connection.name: found.connection}, notes=found.connection.advice)


def _document(report: Report, code: int, fetched: dict[str, Json] | None) -> dict[str, Json]:
    return {**report.as_dict(), "exit_code": code, "live": None, "sources": None, "fetched": fetched}


def _fetched(found: RemoteConnection, options: argparse.Namespace) -> dict[str, Json]:
    return {
        "provider": found.provider,
        "branch": found.branch,
        "pooled": found.pooled,
        "variable": options.name,
        "file": options.env_file,
    }


SUMMARY = "get a connection string from a provider's API"

DESCRIPTION = """\
Get a connection string from the API of PROVIDER, and judge it.

The token comes from the environment. Without --env-file, --export and --reveal, no secret is printed.

  envconn fetch casedev --project proj_abc123 --branch staging --pooled --env-file .env
  eval "$(envconn fetch neon --project quiet-sun-123 --database neondb --role app --export)"
  envconn fetch planetscale --organization acme --database app --role web --create --ttl 3600 --env-file .env
  envconn fetch scalingo --app my-app"""


class _Option(Record):
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


def read(path: str) -> str | Finding:
    """Return what the file `path` holds, nothing if there is none yet, or why it cannot be written."""
    # Somebody may hand over the text of a connection for the path of a file, and would read it in the message.
    shown = "--env-file" if "://" in path else path
    folder = os.path.dirname(os.path.realpath(path))
    if not (path and os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)):
        return problem("env-file-unwritable", shown, _UNWRITABLE)
    if not os.path.exists(path):
        return ""
    content = read_text(path, shown, LIMIT)
    return content if isinstance(content, Finding) else content.reveal()


def write(path: str, before: str, name: str, value: str) -> None:
    """Replace the file `path`, which held `before`, by one in which `name` is `value`; its mode becomes 0600.

    Raises:
        ConfigurationError: it cannot be written, or what it held would take the assignment for something else.
    """
    content = assigned(before, name, value)
    problem = _replace(os.path.realpath(path), content, path) if content is not None else _swallowed(path)
    del before, content, value
    if problem:
        raise ConfigurationError([problem])


def _replace(target: str, content: str, path: str) -> Finding | None:
    partial = ""
    try:
        descriptor, partial = mkstemp(prefix=".envconn-", dir=os.path.dirname(target))  # for its owner alone
        with open(descriptor, "wb") as stream:
            stream.write(content.encode())
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, target)
    except OSError:
        with suppress(OSError):
            os.unlink(partial)
        return problem("env-file-unwritable", path, _UNWRITABLE)
    return None


def _swallowed(path: str) -> Finding:
    message = "a line that is no assignment would swallow what is added; write NAME='value' there, quotes closed"
    return problem("dotenv-syntax", path, message)


_UNWRITABLE = "cannot be written; name a file in a directory that this user may write to"
