"""PostgreSQL: a login through the driver, and what the server reports about the role, its limits and settings."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

from envconn.drivers import installed
from envconn.probe.login import advice, server_settings
from envconn.probe.login.outcome import Failure, Outcome, failed_login
from envconn.probe.proof import Login
from envconn.tls import TlsLevel
from envconn.tls.secured import advice as tls_advice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.probe.login.outcome import Session
    from envconn.probe.login.server_settings import ServerSettings
    from envconn.tls import SecuredConnection


class _DriverModule(Protocol):
    """Return the module of that driver in this package."""

    def open_session(self, connection: SecuredConnection, until: float) -> Session | Failure: ...


def log_in(connection: SecuredConnection, until: float) -> Outcome:
    """Log in through the driver that the scheme names, otherwise the first that is installed.

    Raises:
        ConfigurationError: none is installed, or it does not support what the connection requires.
        ImportError: it is installed but cannot be imported.
    """
    driver = installed.choose(connection)
    module = cast("_DriverModule", import_module(f"envconn.probe.login.{driver}"))
    session = module.open_session(connection, until)
    found = session if isinstance(session, Failure) else _with_session(connection, driver, session, until)
    if isinstance(found, Failure):
        return Outcome(problems=(failed_login(connection, driver, found),))
    # This needs another login, so it comes after the first connection is closed.
    return found._replace(notes=(*found.notes, *advice.protection_notes(connection, driver, until)))


def _with_session(connection: SecuredConnection, driver: str, session: Session, until: float) -> Outcome | Failure:
    try:
        if session.tls is False and connection.tls.level >= TlsLevel.ENCRYPTED:
            return Failure("tls-not-in-use")
        found = server_settings.ask(session, until)
        if isinstance(found, Failure):
            return found
        login = _login(connection, driver, found, session.backend_pid)
        return Outcome(login, notes=tuple(advice.notes(connection, login, found)))
    finally:
        session.close()


def _login(connection: SecuredConnection, driver: str, found: ServerSettings, told: int | None) -> Login:
    # A pooler invents a number, since it has no process of its own for each client.
    known = told is not None and found.process is not None
    return Login(
        driver,
        found.user or connection.user,
        found.dbname,
        found.version and found.version.split()[0],
        found.read_only,
        True if found.administers or _is_default(connection) else found.superuser,
        found.tls,
        told != found.process if known else None,
        found.used,
        found.limit,
    )


def _is_default(connection: SecuredConnection) -> bool:
    return any(note.code == "default-role" for note in tls_advice(connection))
