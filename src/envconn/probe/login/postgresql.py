"""PostgreSQL: a login through the driver, and notes about the server, the role, and how to protect the password better.

With ``sslmode=require`` and no CA, a man in the middle only needs to ask for the password in plain text, and every
driver sends it. libpq can require that the login is bound to the TLS session (``channel_binding=require``, which
no pooler supports), or at least that it uses SCRAM (``require_auth``, since 16), which sends no password.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Protocol, cast

from envconn.drivers import installed, libpq
from envconn.errors import Finding, note
from envconn.probe.login.outcome import ACCEPTS_WRITES, Failure, Outcome, failed_login, readable
from envconn.probe.proof import Login
from envconn.records import Record
from envconn.tls import TlsLevel
from envconn.tls.secured import advice as tls_advice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from envconn.probe.login.outcome import Session
    from envconn.tls import SecuredConnection


class _DriverModule(Protocol):
    """A module of this package for one driver."""

    def open_session(self, connection: SecuredConnection, until: float) -> Session | Failure: ...


def log_in(connection: SecuredConnection, until: float, address: str | None) -> Outcome:
    """Log in through the driver that the scheme names, otherwise the first that is installed.

    A driver of libpq connects to `address`, if there is one.

    Raises:
        ConfigurationError: none is installed, or it does not support what the connection requires.
        ImportError: it is installed but cannot be imported.
    """
    driver = installed.choose(connection)
    place = {"hostaddr": address} if address and driver in _LIBPQ else {}
    session = _open(connection, driver, until, place)
    found = session if isinstance(session, Failure) else _with_session(connection, driver, session, until)
    if isinstance(found, Failure):
        return Outcome(problems=(failed_login(connection, driver, found),))
    # This needs another login, so it comes after the first connection is closed.
    return found._replace(notes=(*found.notes, *protection_notes(connection, driver, until, place)))


def _open(connection: SecuredConnection, driver: str, until: float, keywords: Mapping[str, str]) -> Session | Failure:
    """Log in through `driver`; libpq's `keywords` take the place of the connection's."""
    module = import_module(f"envconn.probe.login.{driver}")
    if keywords:
        return cast("_LibpqModule", module).open_session(connection, until, keywords)
    return cast("_DriverModule", module).open_session(connection, until)


def _with_session(connection: SecuredConnection, driver: str, session: Session, until: float) -> Outcome | Failure:
    try:
        if session.tls is False and connection.tls.level >= TlsLevel.ENCRYPTED:
            return Failure("tls-not-in-use")
        found = ask_server(session, until)
        if isinstance(found, Failure):
            return found
        login = _login(connection, driver, found, session.backend_pid)
        return Outcome(login, notes=tuple(notes(connection, login, found)))
    finally:
        session.close()


def _login(connection: SecuredConnection, driver: str, found: ServerSettings, backend_pid: int | None) -> Login:
    # A pooler invents a number, since it has no process of its own for each client.
    known = backend_pid is not None and found.process is not None
    return Login(
        driver,
        found.user or connection.user,
        found.dbname,
        found.version and found.version.split()[0],
        found.read_only,
        True if found.administers or _is_default(connection) else found.superuser,
        found.tls,
        backend_pid != found.process if known else None,
        found.used,
        found.limit,
    )


def _is_default(connection: SecuredConnection) -> bool:
    return any(note.code == "default-role" for note in tls_advice(connection))


def notes(connection: SecuredConnection, login: Login, found: ServerSettings) -> Iterator[Finding]:
    """Yield a note for each difference between `connection` and the server, and for each thing to improve."""
    encrypted = connection.tls.level >= TlsLevel.ENCRYPTED
    # A provider's proxy in front of a direct endpoint also invents a process ID.
    proxied = connection.pooled is False and connection.provider not in {None, "local"}
    conditions = {
        ("replica-is-primary", ACCEPTS_WRITES): bool(connection.replica) and login.read_only is False,
        ("primary-is-read-only", _STANDBY): not connection.read_only and found.recovers is True,
        ("primary-is-read-only", _SETTING): not connection.read_only and _only_by_setting(found),
        ("pooler-unstated", _POOLER): connection.pooled is None and login.pooled is True,
        ("pooler-unstated", _NOT_NONE): connection.pooled is False and login.pooled is True and not proxied,
        ("pooler-absent", _NO_POOLER): connection.pooled is True and login.pooled is False,
        ("tls-unseen-behind-pooler", _SECOND_HOP): encrypted and login.tls is False,
        ("role-superuser", _SUPERUSER): bool(login.superuser),
    }
    for (code, message), is_so in conditions.items():
        if is_so:
            yield note(code, connection.origin.variable, message)
    if not login.pooled:
        yield from _few_connections_left(connection, found)


def _only_by_setting(found: ServerSettings) -> bool:
    return found.read_only is True and not found.recovers


_STANDBY = "the server is a standby, which is read-only. Use the primary's endpoint"
_SETTING = (
    "the server is read-only: default_transaction_read_only is on. Turn it off with ALTER ROLE or ALTER DATABASE, or "
    "use a role that may write"
)
_POOLER = (
    "there is a pooler in front of the server. Set ENVCONN_POOL_MODE=transaction, or ENVCONN_POOL_MODE=session if it "
    "pools by session"
)
_NOT_NONE = (
    "there is a pooler in front of the server, although ENVCONN_POOL_MODE=none is set. Set "
    "ENVCONN_POOL_MODE=transaction, or ENVCONN_POOL_MODE=session if it pools by session"
)
_NO_POOLER = (
    "is configured as pooled, but there is no pooler. Set ENVCONN_POOL_MODE=none, or use the pooler's host and port"
)
_SECOND_HOP = (
    "the pooler or proxy connects to the server without TLS. Turn TLS on between the two "
    "(server_tls_sslmode=verify-full in PgBouncer), or use the direct endpoint"
)
_SUPERUSER = "the role has nearly every permission. Create a role for the application with NOSUPERUSER"


def _few_connections_left(connection: SecuredConnection, found: ServerSettings) -> Iterator[Finding]:
    """Yield a note if few are left of the server's limit, less what superusers keep, or of the role's own limit."""
    reserved = 0 if found.superuser else found.reserved or 0
    seats = [("the server's", "max_connections", found.used, (found.limit or 0) - reserved)]
    if not found.superuser:
        seats.append(("the role's", "its CONNECTION LIMIT", found.role_used, found.role_limit or 0))
    for whose, setting, used, limit in seats:
        if used is not None and limit > 0 and (limit - used < _FEW or (limit - used) * 10 < limit):
            message = f"{used} of {whose} {limit} connections are in use. Close some, or raise {setting}"
            yield note("connections-scarce", connection.origin.variable, message)


_FEW = 5


class _LibpqModule(Protocol):
    """A module of this package for a driver that uses libpq."""

    def open_session(
        self, connection: SecuredConnection, until: float, stricter: Mapping[str, str]
    ) -> Session | Failure: ...


def protection_notes(
    connection: SecuredConnection, driver: str, until: float, place: Mapping[str, str]
) -> Iterator[Finding]:
    """Yield the note that says what to require, found by trying; none if it is required or the server is verified."""
    stated = {"channel_binding", "require_auth"} & connection.parameters.keys()
    if connection.tls.level != TlsLevel.ENCRYPTED or connection.password is None or stated:
        return
    for code, demand, message in _DEMANDS if driver in _LIBPQ else ():
        if "require_auth" in demand and libpq.version(driver) < _REQUIRE_AUTH:
            break
        outcome = _open(connection, driver, until, {**place, **demand})
        if not isinstance(outcome, Failure):
            outcome.close()
            yield note(code, connection.origin.variable, message)
            return
        if outcome.state or outcome.code == "timed-out":
            return  # another failure, which says nothing about this
    yield note("password-unprotected", connection.origin.variable, _UNPROTECTED.format(driver=driver))


_LIBPQ = ("psycopg", "psycopg2")
_REQUIRE_AUTH = 16_00_00

_DEMANDS = (
    (
        "channel-binding-possible",
        {"channel_binding": "require"},
        "sslmode=require does not verify the server. Add channel_binding=require, which this server supports",
    ),
    (
        "require-auth-possible",
        {"require_auth": "scram-sha-256"},
        "sslmode=require does not verify the server. Add require_auth=scram-sha-256, which does not send the password",
    ),
)
_UNPROTECTED = (
    "sslmode=require sends the password to a server that is not verified, and {driver} has no other protection. Use "
    "sslmode=verify-full and name the CA with sslrootcert"
)


class ServerSettings(Record):
    """The answers; `None` if the server gave none.

    `administers` is whether the user is a member of the role that replaces a superuser at a provider.
    `limit` is ``max_connections``, `reserved` how many of them ordinary users cannot have, and
    `role_limit` the role's own limit, negative without one.
    """

    process: int | None
    user: str | None
    dbname: str | None
    version: str | None
    recovers: bool | None
    read_only: bool | None
    superuser: bool | None
    administers: bool | None
    tls: bool | None
    used: int | None
    limit: int | None
    reserved: int | None
    role_used: int | None
    role_limit: int | None


def ask_server(session: Session, until: float) -> ServerSettings | Failure:
    """Return the server's settings, read before `until` on the monotonic clock, or why it stopped answering."""
    row = session.ask(_query(*_EXPRESSIONS.values()), until)
    if not isinstance(row, Failure):
        return _read(dict(zip(_EXPRESSIONS, row, strict=False)))
    found: dict[str, str | None] = {}
    for name, expression in _EXPRESSIONS.items():
        if isinstance(row, Failure) and (not row.state or row.code in _ENDS):
            return row
        row = session.ask(_query(expression), until)
        found[name] = None if isinstance(row, Failure) else next(iter(row), None)
    return _read(found)


_ENDS = frozenset({"connection-closed", "server-starting"})
"""Failures that do not mean that the query was refused: the server is gone, and another query is useless."""


def _query(*expressions: str) -> str:
    return "select " + ", ".join(f"({expression})::text" for expression in expressions)


def _read(found: Mapping[str, str | None]) -> ServerSettings:
    # Any other text is not a valid answer.
    def flag(name: str) -> bool | None:
        return {"true": True, "false": False}.get(found.get(name) or "")

    def number(name: str) -> int | None:
        text = found.get(name) or ""
        return int(text) if re.fullmatch("-?[0-9]{1,12}", text) else None

    return ServerSettings(
        process=number("process"),
        user=readable(found.get("user")),
        dbname=readable(found.get("dbname")),
        version=readable(found.get("version")),
        recovers=flag("recovers"),
        read_only=flag("read_only"),
        superuser=flag("superuser"),
        administers=flag("administers"),
        tls=flag("tls"),
        used=number("used"),
        limit=number("limit"),
        reserved=number("reserved"),
        role_used=number("role_used"),
        role_limit=number("role_limit"),
    )


_ADMINISTRATORS = (
    "rolname in ('alloydbsuperuser', 'azure_pg_admin', 'cloudsqlsuperuser', 'neon_superuser', 'rds_superuser')"
)
"""Made by AlloyDB, Azure, Cloud SQL, Neon and RDS; each manual describes the rights that replace a superuser's."""

# Columns that only a session's owner can read (PostgreSQL's manual, 27.2.3) are not needed: user and database are
# visible to all.
_CLIENTS = "pg_catalog.pg_stat_activity where datid is not null and usesysid is not null"
_OURSELVES = "(select oid from pg_catalog.pg_roles where rolname = session_user)"

_EXPRESSIONS = {
    "process": "pg_backend_pid()",
    "user": "current_user",
    "dbname": "current_database()",
    "version": "current_setting('server_version')",
    "recovers": "pg_is_in_recovery()",
    "read_only": "current_setting('transaction_read_only')::boolean",
    "superuser": "select rolsuper from pg_catalog.pg_roles where rolname = current_user",
    "administers": f"select bool_or(pg_has_role(oid, 'member')) from pg_catalog.pg_roles where {_ADMINISTRATORS}",  # noqa: S608 - as below
    "tls": "select ssl from pg_catalog.pg_stat_ssl where pid = pg_backend_pid()",
    "used": f"select count(*) from {_CLIENTS}",  # noqa: S608 - all of it stands here
    "limit": "current_setting('max_connections')",
    # reserved_connections exists since 16.
    "reserved": "current_setting('superuser_reserved_connections')::integer"
    " + coalesce(current_setting('reserved_connections', true), '0')::integer",
    "role_used": f"select count(*) from {_CLIENTS} and usesysid = {_OURSELVES}",  # noqa: S608 - as above
    "role_limit": "select rolconnlimit from pg_catalog.pg_roles where rolname = session_user",
}
"""The query for each field of `ServerSettings`. Behind a pooler, answers are about its connection to the server."""
