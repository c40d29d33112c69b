"""``envconn fetch``: a provider's connection string for a ``.env`` file, a shell, or, masked, for a person."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote

from envconn.cli import EX_CONFIG, EX_OK, EX_USAGE, envfile
from envconn.cli.export import placed, usage
from envconn.cli.fetching import PROVIDERS
from envconn.cli.findings import annotate, complain
from envconn.cli.terminal import Progress
from envconn.errors import ConfigurationError, Problem, RemoteError
from envconn.report import Report
from envconn.tls.elsewhere import with_ca_at

if TYPE_CHECKING:
    import argparse

    from envconn.remote import RemoteConnection
    from envconn.report import Json

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Ask the provider, and do with the answer as `options` say; return the exit code."""
    if wrong := _misused(options):
        return usage("fetch", wrong)
    # A password that is told once has to have a place before it is asked for.
    before = envfile.read(options.env_file) if options.env_file else ""
    if isinstance(before, Problem):
        return _failed((before,), EX_CONFIG, options)
    try:
        found = _asked(options)
        if options.env_file:
            envfile.write(options.env_file, before, options.name, _text(found))
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
        return get_connection(options.provider, **arguments, dotenv=options.dotenv, within=options.within)


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


def _failed(problems: tuple[Problem, ...], code: int, options: argparse.Namespace) -> int:
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
