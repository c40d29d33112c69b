"""asyncpg's arguments. It gets no DSN, and every argument that matters, so it reads none from the environment."""

from __future__ import annotations

import os
from typing import cast

from envconn.drivers import Hidden, ssl_context
from envconn.drivers.allowed_options import permit
from envconn.drivers.unsupported import insist, refuse, refuse_optional
from envconn.families import POSTGRESQL
from envconn.records import TypedDict
from envconn.tls import TlsLevel, require_sealed
from envconn.tls.secured import without_password

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Any, Literal

    from envconn.tls import SecuredConnection

_SETTINGS = ("application_name", "client_encoding", "options")
_KERBEROS = ("krbsrvname", "gsslib")
_HONOURED = {
    *(*_SETTINGS, *_KERBEROS, "fallback_application_name", "target_session_attrs", "connect_timeout", "passfile")
}

MAX_INACTIVE = 300.0
"""asyncpg's own default for the seconds after which its pool closes an idle connection."""


class Arguments(TypedDict, total=False):
    """The arguments of ``asyncpg.connect`` and ``asyncpg.create_pool``. `timeout` is in seconds."""

    host: str | list[str]
    port: int | list[int]
    user: str
    password: str
    passfile: str
    database: str
    ssl: ssl.SSLContext | Literal["prefer"] | bool
    direct_tls: bool
    target_session_attrs: str
    server_settings: dict[str, str]
    statement_cache_size: int
    timeout: float
    krbsrvname: str
    gsslib: str


class PoolOptions(TypedDict, total=False):
    """The options of a pool. `max_inactive_connection_lifetime` is in seconds."""

    max_inactive_connection_lifetime: float


def arguments(connection: SecuredConnection) -> Arguments:
    """Return the keyword arguments with which asyncpg enforces the verdict.

    Raises:
        ConfigurationError: asyncpg does not support what the connection requires.
        TypeError: `connection` was not judged.
    """
    insist(connection, "asyncpg", POSTGRESQL, _HONOURED)
    _check_place_and_user(connection)
    hosts = [host.hostaddr or host.host for host in connection.hosts]
    ports = [host.port for host in connection.hosts]
    found: Arguments = {
        "host": hosts if len(hosts) > 1 else hosts[0],
        "port": ports if len(ports) > 1 else ports[0],
        "user": connection.user,
        "database": connection.dbname,
        # With None, asyncpg would read PGSSLMODE and PGSSLNEGOTIATION.
        "ssl": _ssl(connection),
        "direct_tls": connection.features.direct_tls and connection.tls.level >= TlsLevel.ENCRYPTED,
        "target_session_attrs": connection.parameters.get("target_session_attrs", "any"),
    }
    found.update(_login(connection))
    _add_optional(found, connection)
    return found


def _check_place_and_user(connection: SecuredConnection) -> None:
    if any(host.host.startswith("@") for host in connection.hosts):
        refuse(connection, "asyncpg does not support abstract unix sockets. Name a directory, or use psycopg")
    if "," in connection.user:
        # SCRAM's first message contains it unescaped (asyncpg/protocol/scram.pyx), and a comma ends it.
        refuse(connection, "asyncpg does not support a comma in a user. Rename the role, or use psycopg")


def _add_optional(found: Arguments, connection: SecuredConnection) -> None:
    if settings := _settings(connection):
        found["server_settings"] = settings
    if not connection.features.prepared_statements:
        # A pooler in transaction mode changes the server connection, which does not know the other one's statements.
        found["statement_cache_size"] = 0
    if stated := {name: connection.parameters[name] for name in _KERBEROS if name in connection.parameters}:
        _require_kerberos(connection, *stated)
        found |= cast("Arguments", stated)
    if timeout := int(connection.parameters.get("connect_timeout", "0")):
        found["timeout"] = float(timeout)


def _require_kerberos(connection: SecuredConnection, name: str, *_: str) -> None:
    from importlib import metadata

    if tuple(map(int, metadata.version("asyncpg").split(".")[:2])) < (0, 30):
        refuse(connection, f"{name} requires asyncpg 0.30. Upgrade it, or remove {name}")


def merged(connection: SecuredConnection, stated: Mapping[str, Any]) -> dict[str, Any]:
    """Return `arguments`, overridden by what a program has `stated`.

    Raises:
        ConfigurationError: a stated argument affects security or the server; or as for `arguments`.
        TypeError: `connection` was not judged.
    """
    permit(connection, "asyncpg", stated)
    ours: dict[str, Any] = {**arguments(connection)}
    settings = {
        name: {**ours[name], **stated[name]} for name in ("server_settings",) if name in ours and name in stated
    }
    return {**ours, **stated, **settings}


def parted(connection: SecuredConnection, stated: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a program has `stated`, split into options of the pool and of its connections.

    Raises:
        ConfigurationError: a stated argument affects the connections' security or server.
    """
    others = {name: value for name, value in stated.items() if name not in _POOL}
    permit(connection, "asyncpg", others)
    return {name: value for name, value in stated.items() if name in _POOL}, others


_POOL = frozenset(
    {
        *("connection_class", "init", "loop", "max_inactive_connection_lifetime", "max_queries", "max_size"),
        *("min_size", "record_class", "reset", "setup"),
    }
)
"""The arguments of asyncpg's pool itself, except ``connect`` and ``dsn``."""


def pool_options(connection: SecuredConnection) -> PoolOptions:
    """Return how long a connection in a pool may be idle: a tenth less than the provider's limit.

    asyncpg's pool has no limit for a connection's age.

    Raises:
        TypeError: `connection` was not judged.
    """
    require_sealed(connection)
    idle = connection.features.idle_seconds
    return {"max_inactive_connection_lifetime": min(MAX_INACTIVE, idle * 0.9)} if idle else {}


def asking(connection: SecuredConnection, password: Callable[[], Awaitable[str | None]]) -> dict[str, object]:
    """Return `arguments` with a coroutine function instead of the password, which is called at each login.

    Raises:
        ConfigurationError, TypeError: as for `arguments`.
    """
    return {**arguments(without_password(connection)), "password": password}


async def password(connection: SecuredConnection) -> str | None:
    """Return the password of `connection`, `None` if it has none."""
    return connection.password.reveal() if connection.password else None


def _login(connection: SecuredConnection) -> Arguments:
    if connection.password:
        return {"password": _Password(connection.password.reveal()), "passfile": os.devnull}
    passfile = connection.parameters.get("passfile")
    return {"passfile": passfile} if passfile else {}


class _Password(Hidden):
    """A hidden text that asyncpg calls: its protocol (asyncpg/protocol/coreproto.pyx) accepts no subclass of str."""

    __slots__ = ()

    def __call__(self) -> str:
        return str(self)


def _settings(connection: SecuredConnection) -> dict[str, str]:
    settings = {name: connection.parameters[name] for name in _SETTINGS if name in connection.parameters}
    if fallback := connection.parameters.get("fallback_application_name"):
        settings.setdefault("application_name", fallback)
    return settings


def _ssl(connection: SecuredConnection) -> ssl.SSLContext | Literal["prefer"] | bool:
    if connection.tls.level >= TlsLevel.ENCRYPTED:
        return ssl_context.build(connection, protocol="postgresql")
    if connection.tls.level == TlsLevel.NONE:
        return False
    # The word makes asyncpg build its own context, which reads these from the environment.
    refuse_optional(connection, "asyncpg")
    return "prefer"
