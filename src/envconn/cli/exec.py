"""``envconn exec -- COMMAND``: check the configuration, then replace this process with the command.

No parent process is left that could lose a signal or an exit code: process ID, standard streams and environment
are the command's own. ``--direct`` sets ``ENVCONN_ENDPOINT`` for it. ``--export pg`` passes one connection in libpq's
variables and removes every variable that could weaken or redirect it. ``--unset`` removes the variables that the
connections were read from.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

from envconn import sources
from envconn.cli.live import live_options, run_proof
from envconn.cli.terminal import complain, show
from envconn.exit_codes import EX_CONFIG, EX_NOT_EXECUTABLE, EX_NOT_FOUND, EX_OK, EX_USAGE
from envconn.selection import select_services
from envconn.selection.variables import variables
from envconn.services import Services

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from envconn.report import Report
    from envconn.tls import SecuredConnection


def run(options: argparse.Namespace, command: Sequence[str]) -> int:
    """Check the configuration, then become `command`. Returns the exit code if the command cannot be started.

    The servers are contacted first if `options` ask for it.
    """
    if wrong := _misused(options, command):
        show(f"envconn exec: {wrong}", sys.stderr)
        return EX_USAGE
    if options.export:
        from envconn.cli.export import forget_service_file

        forget_service_file()
    elif options.endpoint:
        os.environ["ENVCONN_ENDPOINT"] = options.endpoint
    selection = select_services(env_file=options.env_file)
    if not selection.report.ok:
        complain(selection.report.problems)
        return EX_CONFIG
    environ = _inherited()
    for name in _read_from(selection.report, options.env_file) if options.unset else ():
        environ.pop(name, None)
    code = _export(environ, selection.report, options) if options.export else EX_OK
    if not code and (live := live_options(options)):
        code = run_proof(Services(selection), live)
    return code or _become(command, environ)


def _misused(options: argparse.Namespace, command: Sequence[str]) -> str | None:
    wrong = [
        (sys.platform == "win32", "Windows cannot replace a process. Run envconn check, then the command"),
        (not any(command[:1]), "a command is required. Use envconn exec -- COMMAND..."),
        (options.export not in {None, "pg"}, "--export: must be pg"),
        (options.export is None and (options.service or options.libpq), _NEEDS_EXPORT),
    ]
    return next((message for is_so, message in wrong if is_so), None)


def _inherited() -> dict[str, str]:
    """Return the environment as this process got it: Python adds ``LC_CTYPE`` in the C locale (PEP 538)."""
    environ = dict(os.environ)
    if "LC_CTYPE" in environ:
        with suppress(OSError), open("/proc/self/environ", "rb") as stream:
            if not any(each.startswith(b"LC_CTYPE=") for each in stream.read().split(b"\0")):
                del environ["LC_CTYPE"]
    return environ


def _export(environ: dict[str, str], report: Report, options: argparse.Namespace) -> int:
    """Put the connection into `environ` and return 0, or print the problem and return its exit code."""
    from envconn.cli.export import placed, selected
    from envconn.errors import ConfigurationError, PasswordUnavailable
    from envconn.export import environment

    connection = selected(report.services, options, "exec")
    if isinstance(connection, int):
        return connection
    try:
        # The file of `CA.file` is deleted when Python ends, which is before the command starts.
        found = environment(_with_token(connection), ca=placed(connection), libpq=options.libpq)
    except (ConfigurationError, PasswordUnavailable) as refused:
        complain(refused.problems)
        return refused.exit_code
    for name in found.absent:
        environ.pop(name, None)
    environ.update(found.values)
    return EX_OK


def _with_token(connection: SecuredConnection) -> SecuredConnection:
    """Return `connection` with a token as its password, and show how long that is valid, if it logs in by one."""
    from envconn.tls.secured import identity_of, with_password

    if (identity := identity_of(connection)) is None:
        return connection
    token = identity.token(connection)
    valid = f"valid for {token.seconds // 60:.0f} minutes"
    show(f"envconn exec: PGPASSWORD is a token of {identity.word}, {valid}", sys.stderr)
    return with_password(connection, token.text)


def _read_from(report: Report, dotenv: str | None) -> Iterator[str]:
    """Yield every variable that a connection was or could have been read from: all that hold its text or a part."""
    environment, _ = sources.read(env_file=dotenv)
    connections = [each for service in report.services.values() for each in (service, *service.siblings)]
    names = [connection.origin.variable for connection in connections]
    names += [note.variable for note in report.notes if note.code in _UNUSED]
    for part in dict.fromkeys(part for name in names for part in variables(name)):
        found = environment.lookup(part).found
        for variable in (part, *(found.origin.via if found else ())):
            yield from (variable, f"{variable}_FILE")


_UNUSED = frozenset({"variable-duplicate", "variable-duplicate-weaker", "variable-not-chosen", "redis-tls-url-used"})
"""The notes on variables that hold a connection, but not the one that is used."""

_NEEDS_EXPORT = "--service and --libpq need --export pg"


def _become(command: Sequence[str], environ: dict[str, str]) -> int:
    # Python ignores these two signals, and exec passes that on to the new program.
    for name in ("SIGPIPE", "SIGXFSZ"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execvpe(command[0], list(command), environ)  # noqa: S606 - becoming another program is the purpose
    except FileNotFoundError:
        show(f"envconn exec: {command[0]}: command not found", sys.stderr)
        return EX_NOT_FOUND
    except OSError as failure:
        show(f"envconn exec: {command[0]}: {failure.strerror}", sys.stderr)
        return EX_NOT_EXECUTABLE
