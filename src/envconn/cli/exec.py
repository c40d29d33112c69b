"""``envconn exec -- COMMAND``: the check, then the command in place of this process.

There is no parent left that could swallow a signal or an exit code; PID, standard streams and
environment are the command's own. ``--export pg`` gives it one connection in libpq's variables, with
everything gone that could weaken or redirect it; ``--unset`` takes away what the connections were read from.
"""

from __future__ import annotations

import os
import signal
import sys

from envconn import sources
from envconn.cli.live import asked, closed
from envconn.cli.terminal import complain
from envconn.exit_codes import EX_CONFIG, EX_NOT_EXECUTABLE, EX_NOT_FOUND, EX_OK, EX_USAGE
from envconn.selection import assemble
from envconn.selection.variables import variables
from envconn.services import Services

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from envconn.report import Report


def run(options: argparse.Namespace, command: Sequence[str]) -> int:
    """Check, then become `command`. Returns only when that does not come about, with the exit code that says why.

    The servers are contacted before, where `options` ask for it.
    """
    if wrong := _misused(options, command):
        print(f"envconn exec: {wrong}", file=sys.stderr)
        return EX_USAGE
    assembly = assemble(env_file=options.env_file)
    if not assembly.report.ok:
        complain(assembly.report.problems)
        return EX_CONFIG
    environ = dict(os.environ)
    for name in _read_from(assembly.report, options.env_file) if options.unset else ():
        environ.pop(name, None)
    code = _export(environ, assembly.report, options) if options.export else EX_OK
    if not code and (live := asked(options)):
        code = closed(Services(assembly), live)
    return code or _become(command, environ)


def _misused(options: argparse.Namespace, command: Sequence[str]) -> str | None:
    selects = options.service or options.endpoint or options.libpq
    wrong = [
        (not any(command[:1]), "no command; write envconn exec -- COMMAND..."),
        (options.export not in {None, "pg"}, "no such export; write pg"),
        (options.export is None and selects, _NEEDS_EXPORT),
    ]
    return next((message for is_so, message in wrong if is_so), None)


def _export(environ: dict[str, str], report: Report, options: argparse.Namespace) -> int:
    """Put the connection into `environ`, or say why not and return the exit code."""
    from envconn.cli.export import placed, selected
    from envconn.errors import ConfigurationError
    from envconn.export import environment

    connection = selected(report.services, options, "exec")
    if isinstance(connection, int):
        return connection
    try:
        # `CA.file` would be gone when Python ends, which is before the command begins.
        found = environment(connection, ca=placed(connection), libpq=options.libpq)
    except ConfigurationError as refused:
        complain(refused.problems)
        return EX_CONFIG
    for name in found.absent:
        environ.pop(name, None)
    environ.update(found.values)
    return EX_OK


def _read_from(report: Report, dotenv: str | None) -> Iterator[str]:
    """Yield every variable that a connection was read from, or could have been: all that hold its text, or a part."""
    environment, _ = sources.read(env_file=dotenv)
    connections = [each for service in report.services.values() for each in (service, *service.siblings)]
    names = [connection.variable for connection in connections]
    names += [note.variable for note in report.notes if note.code in _UNUSED]
    for part in dict.fromkeys(part for name in names for part in variables(name)):
        found = environment.lookup(part).found
        for variable in (part, *(found.origin.via if found else ())):
            yield from (variable, f"{variable}_FILE")


_UNUSED = frozenset({"variable-duplicate", "variable-duplicate-weaker", "variable-not-chosen", "redis-tls-url-used"})
"""The notes on variables that hold a connection which another one was preferred to."""

_NEEDS_EXPORT = "--service, --pooled, --direct, --replica and --libpq say what to export; add --export pg"


def _become(command: Sequence[str], environ: dict[str, str]) -> int:
    # Python ignores these two, and what is ignored stays so in the program that follows.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    try:
        os.execvpe(command[0], list(command), environ)  # noqa: S606 - becoming another program is the purpose
    except FileNotFoundError:
        print(f"envconn exec: {command[0]}: command not found", file=sys.stderr)
        return EX_NOT_FOUND
    except OSError as failure:
        print(f"envconn exec: {command[0]}: {failure.strerror}", file=sys.stderr)
        return EX_NOT_EXECUTABLE
