"""``envconn fetch``: get a connection string from a provider's API for a ``.env`` file, a shell, or to show masked."""

from __future__ import annotations

import json
import os
import re
import sys
from contextlib import suppress
from tempfile import mkstemp
from urllib.parse import quote

from envconn.cli.export import placed, usage
from envconn.cli.options import PROVIDERS
from envconn.cli.terminal import Progress, annotate, complain, show
from envconn.errors import ConfigurationError, Finding, problem
from envconn.exit_codes import EX_CONFIG, EX_OK, EX_USAGE
from envconn.export import with_ca_at
from envconn.remote.api_errors import RemoteError
from envconn.report import Report, document
from envconn.sources.dotenv import LIMIT, assigned
from envconn.sources.files import read_text
from envconn.tls.secured import advice

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from envconn.remote import RemoteConnection
    from envconn.report import Json


def run(options: argparse.Namespace) -> int:
    """Call the provider's API, write or print the answer as `options` say, and return the exit code."""
    if wrong := _misused(options):
        return usage("fetch", wrong)
    # Some passwords are returned only once: make sure that the file can be written before asking.
    before = read(options.write) if options.write else ""
    if isinstance(before, Finding):
        return _failed((before,), EX_CONFIG, options)
    try:
        found = _connection(options)
        if options.write:
            write(options.write, before, options.name, _text(found))
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
        (not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", options.name), "--name must be the name of a variable"),
        (options.json and (options.shell or options.reveal), "--json prints no secret; remove --shell and --reveal"),
        (
            options.write is not None and options.reveal,
            "--write prints no secret; remove --reveal",
        ),
        (options.shell and not options.reveal and sys.stdout.isatty(), _AT_TERMINAL),
    ]
    return next((message for is_so, message in wrong if is_so), None)


_AT_TERMINAL = (
    '--shell prints a secret, and a terminal may keep it; use eval "$(envconn fetch ... --shell)", or add --reveal'
)


def _connection(options: argparse.Namespace) -> RemoteConnection:
    from envconn.remote import get_connection

    required, optional = PROVIDERS[options.provider]
    arguments = {name: getattr(options, name) for name in (*required, *optional)}
    with Progress(sys.stderr) as progress:
        progress.begin(f"asking {options.provider}")
        return get_connection(options.provider, **arguments, env_file=options.env_file, timeout=options.timeout)


def _text(found: RemoteConnection) -> str:
    """Return the connection string in characters that need no quotes in a shell or a ``.env`` file.

    It is the provider's own, unless TLS was raised: programs other than envconn read the variable, too.
    """
    connection = found.connection
    if not connection.tls.raised:
        return quote(found.connection_uri.reveal().strip(), safe=_KEPT)
    path = placed(connection)
    return (with_ca_at(connection, path) if path else connection).uri().reveal()


_KEPT = "-._~:/?@&=,[]%+!*();"


def _tell(found: RemoteConnection, options: argparse.Namespace) -> None:
    if options.json:
        _print_json(_report(found), _fetched(found, options))
    elif options.shell:
        print(f"export {options.name}='{_text(found)}'")
    elif options.write:
        print(f"{options.name} is in {options.write}")
    elif options.reveal:
        print(_text(found))
    else:
        for line in _report(found).lines():
            show(line, sys.stdout)
        facts = {"branch": found.branch, "pooled": "yes" if found.pooled else "no"}
        print("\n".join(f"answered {label}: {fact}" for label, fact in facts.items() if fact is not None))


def _failed(problems: tuple[Finding, ...], code: int, options: argparse.Namespace) -> int:
    if options.json:
        _print_json(Report(problems=problems))
        annotate(problems)
    else:
        complain(problems)
    return code


def _report(found: RemoteConnection) -> Report:
    return Report({found.connection.name: found.connection}, notes=advice(found.connection))


def _print_json(report: Report, fetched: dict[str, Json] | None = None) -> None:
    print(json.dumps(document(report) | {"command": "fetch", "fetched": fetched}, indent=2))


def _fetched(found: RemoteConnection, options: argparse.Namespace) -> dict[str, Json]:
    return {
        "provider": found.provider,
        "branch": found.branch,
        "pooled": found.pooled,
        "variable": options.name,
        "file": options.write,
    }


def read(path: str) -> str | Finding:
    """Return the content of the file `path`, empty if it does not exist yet, or the problem if it cannot be written."""
    # The user may pass a connection string where a path is expected; the message must not quote it.
    shown = "--write" if "://" in path else path
    folder = os.path.dirname(os.path.realpath(path))
    if not (path and os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)):
        return problem("env-file-unwritable", shown, _UNWRITABLE)
    if not os.path.exists(path):
        return ""
    content = read_text(path, shown, LIMIT)
    return content if isinstance(content, Finding) else content.reveal()


def write(path: str, before: str, name: str, value: str) -> None:
    """Replace the file `path` by `before` with the variable `name` set to `value`; its mode becomes 0600.

    Raises:
        ConfigurationError: the file cannot be written, or an unclosed quote in it would include the new line.
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
    message = "an unclosed quote would include the new line. Write NAME='value' there, with closed quotes"
    return problem("dotenv-syntax", path, message)


_UNWRITABLE = "cannot be written. Use a file in a directory that this user may write to"
