"""Notes after a login to PostgreSQL: about the server and the role, and about how the password could be protected."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

from envconn.drivers import libpq
from envconn.errors import Finding, note
from envconn.probe.login.outcome import Failure
from envconn.tls import TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from envconn.probe.login.outcome import Session
    from envconn.probe.login.server_settings import ServerSettings
    from envconn.probe.proof import Login
    from envconn.tls import SecuredConnection


def notes(connection: SecuredConnection, login: Login, found: ServerSettings) -> Iterator[Finding]:
    """Yield a note for each thing about `connection` that is not as stated, or not as it should be."""
    encrypted = connection.tls.level >= TlsLevel.ENCRYPTED
    # A provider's proxy in front of a direct endpoint makes a process up, too.
    proxied = connection.pooled is False and connection.provider not in {None, "local"}
    told = {
        ("replica-is-primary", _WRITES): bool(connection.replica) and login.read_only is False,
        ("primary-is-read-only", _STANDBY): not connection.read_only and found.recovers is True,
        ("primary-is-read-only", _SETTING): not connection.read_only and _only_by_setting(found),
        ("pooler-unstated", _POOLER): connection.pooled is None and login.pooled is True,
        ("pooler-unstated", _NOT_NONE): connection.pooled is False and login.pooled is True and not proxied,
        ("pooler-absent", _NO_POOLER): connection.pooled is True and login.pooled is False,
        ("tls-unseen-behind-pooler", _SECOND_HOP): encrypted and login.tls is False,
        ("role-superuser", _SUPERUSER): bool(login.superuser),
    }
    for (code, message), is_so in told.items():
        if is_so:
            yield note(code, connection.variable, message)
    if not login.pooled:
        yield from _few_connections_left(connection, found)


def _only_by_setting(found: ServerSettings) -> bool:
    return found.read_only is True and not found.recovers


_WRITES = "counts as a replica, and the server takes writes; name the replica's own endpoint"
_STANDBY = "the server is a standby, where nothing can be written; name the primary's endpoint"
_SETTING = (
    "nothing can be written: default_transaction_read_only is on; turn it off by ALTER ROLE or ALTER DATABASE, or use "
    "a role that may write"
)
_POOLER = (
    "a pooler stands before the server, and neither host nor port tells; set ENVCONN_POOL_MODE=transaction, or "
    "ENVCONN_POOL_MODE=session if it pools by session"
)
_NOT_NONE = (
    "ENVCONN_POOL_MODE=none is stated, and a pooler stands before the server; set ENVCONN_POOL_MODE=transaction, or "
    "ENVCONN_POOL_MODE=session if it pools by session"
)
_NO_POOLER = (
    "counts as pooled, and the server itself answers; set ENVCONN_POOL_MODE=none, or write the pooler's host and port"
)
_SECOND_HOP = (
    "TLS ends at a pooler or proxy, and the server sees clear text; have the pooler connect with TLS, too "
    "(server_tls_sslmode=verify-full in PgBouncer), or use the direct endpoint"
)
_SUPERUSER = "the role may do everything, or nearly so; give the application a role of its own, made with NOSUPERUSER"


def _few_connections_left(connection: SecuredConnection, found: ServerSettings) -> Iterator[Finding]:
    """The server's own limit, less what it keeps for superusers, and the role's, which binds no superuser."""
    kept = 0 if found.superuser else found.reserved or 0
    seats = [("the server's", "max_connections", found.used, (found.limit or 0) - kept)]
    if not found.superuser:
        seats.append(("the role's", "its CONNECTION LIMIT", found.role_used, found.role_limit or 0))
    for whose, setting, used, limit in seats:
        if used is not None and limit > 0 and (limit - used < _FEW or (limit - used) * 10 < limit):
            message = f"{used} of {whose} {limit} connections are in use; close some, or raise {setting}"
            yield note("connections-scarce", connection.variable, message)


_FEW = 5


class _DriverModule(Protocol):
    """The module of that driver, beside this one."""

    def open_session(
        self, connection: SecuredConnection, until: float, stricter: Mapping[str, str]
    ) -> Session | Failure: ...


def protection_notes(connection: SecuredConnection, driver: str, until: float) -> Iterator[Finding]:
    """Yield the note that says what to demand, by trying it; none where it is demanded, or somebody is verified."""
    stated = {"channel_binding", "require_auth"} & connection.parameters.keys()
    if connection.tls.level != TlsLevel.ENCRYPTED or connection.password is None or stated:
        return
    for code, demand, message in _DEMANDS if driver in _LIBPQ else ():
        if "require_auth" in demand and libpq.version(driver) < _REQUIRE_AUTH:
            break
        module = cast("_DriverModule", import_module(f"envconn.probe.login.{driver}"))
        outcome = module.open_session(connection, until, demand)
        if not isinstance(outcome, Failure):
            outcome.close()
            yield note(code, connection.variable, message)
            return
        if outcome.state or outcome.code == "timed-out":
            return  # something else, which says nothing about this
    yield note("password-unprotected", connection.variable, _UNPROTECTED.format(driver=driver))


_LIBPQ = ("psycopg", "psycopg2")
_REQUIRE_AUTH = 16_00_00

_DEMANDS = (
    (
        "channel-binding-possible",
        {"channel_binding": "require"},
        "sslmode=require trusts whoever poses as the server; add channel_binding=require, which this one can do",
    ),
    (
        "require-auth-possible",
        {"require_auth": "scram-sha-256"},
        "sslmode=require trusts whoever poses as the server; add require_auth=scram-sha-256, which sends no password",
    ),
)
_UNPROTECTED = (
    "sslmode=require sends the password to whoever poses as the server, and {driver} cannot demand better of this one; "
    "write sslmode=verify-full and name its CA with sslrootcert"
)
