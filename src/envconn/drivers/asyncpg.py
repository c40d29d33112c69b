"""asyncpg's arguments. It is given no DSN, and nothing that decides is left to its own look at the environment."""

from __future__ import annotations

import os
from typing import cast

from envconn.drivers import ssl_context
from envconn.drivers.unsupported import insist, refuse, refuse_optional
from envconn.families import POSTGRESQL
from envconn.records import TypedDict
from envconn.tls import TlsLevel, require_sealed
from envconn.tls.secured import without_password

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable
    from typing import Literal

    from envconn.tls import SecuredConnection

_SETTINGS = ("application_name", "client_encoding", "options")
_HONOURED = {*_SETTINGS, "fallback_application_name", "target_session_attrs", "connect_timeout", "passfile"}

MAX_INACTIVE = 300.0
"""asyncpg's own default for the seconds after which its pool closes an idle connection."""


class Arguments(TypedDict, total=False):
    """What ``asyncpg.connect`` and ``asyncpg.create_pool`` are given. `timeout` is in seconds."""

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


class PoolOptions(TypedDict, total=False):
    """How a pool behaves. `max_inactive_connection_lifetime` is in seconds."""

    max_inactive_connection_lifetime: float


class PoolArguments(Arguments, PoolOptions, total=False):
    """What ``asyncpg.create_pool`` is given."""


def arguments(connection: SecuredConnection) -> Arguments:
    """Return the keyword arguments that make asyncpg hold the verdict.

    Raises:
        ConfigurationError: asyncpg cannot do what the connection asks for.
        TypeError: `connection` was not judged.
    """
    insist(connection, "asyncpg", POSTGRESQL, _HONOURED)
    if any(host.host.startswith("@") for host in connection.hosts):
        refuse(connection, "asyncpg knows no abstract unix sockets; name a directory, or use psycopg")
    if "," in connection.user:
        # It stands unescaped in the first message of SCRAM (asyncpg/protocol/scram.pyx), where a comma ends it.
        refuse(connection, "asyncpg cannot log in a user whose name has a comma; rename the role, or use psycopg")
    hosts = [host.hostaddr or host.host for host in connection.hosts]
    ports = [host.port for host in connection.hosts]
    found: Arguments = {
        "host": hosts if len(hosts) > 1 else hosts[0],
        "port": ports if len(ports) > 1 else ports[0],
        "user": connection.user,
        "database": connection.dbname,
        # With None, PGSSLMODE and PGSSLNEGOTIATION would have their say.
        "ssl": _ssl(connection),
        "direct_tls": connection.direct_tls and connection.tls.level >= TlsLevel.ENCRYPTED,
        "target_session_attrs": connection.parameters.get("target_session_attrs", "any"),
    }
    found.update(_login(connection))
    if settings := _settings(connection):
        found["server_settings"] = settings
    if not connection.prepared_statements:
        # A pooler that hands out server connections in turn does not know the statement of another one.
        found["statement_cache_size"] = 0
    if timeout := int(connection.parameters.get("connect_timeout", "0")):
        found["timeout"] = float(timeout)
    return found


def pool_arguments(connection: SecuredConnection) -> PoolArguments:
    """Return the keyword arguments for ``asyncpg.create_pool``: those of `arguments`, and how long idleness may last.

    An idle connection is closed a tenth before the provider would drop it. asyncpg's pool knows
    no limit for a connection's age.

    Raises:
        ConfigurationError: asyncpg cannot do what the connection asks for.
        TypeError: `connection` was not judged.
    """
    return cast("PoolArguments", {**arguments(connection), **pool_options(connection)})


def pool_options(connection: SecuredConnection) -> PoolOptions:
    """Return the part of `pool_arguments` that is about the pool itself.

    Raises:
        TypeError: `connection` was not judged.
    """
    require_sealed(connection)
    idle = connection.idle_seconds
    return {"max_inactive_connection_lifetime": min(MAX_INACTIVE, idle * 0.9)} if idle else {}


def asking(connection: SecuredConnection, password: Callable[[], Awaitable[str | None]]) -> dict[str, object]:
    """Return `arguments` with a coroutine function in the place of the password, which is asked at each login.

    Raises:
        ConfigurationError, TypeError: as for `arguments`.
    """
    return {**arguments(without_password(connection)), "password": password}


async def password(connection: SecuredConnection) -> str | None:
    """Return the password of `connection`, `None` where there is none."""
    return connection.password.reveal() if connection.password else None


def _login(connection: SecuredConnection) -> Arguments:
    if connection.password:
        return {"password": connection.password.reveal(), "passfile": os.devnull}
    passfile = connection.parameters.get("passfile")
    return {"passfile": passfile} if passfile else {}


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
    # The word makes asyncpg build a context of its own, which takes these from the environment.
    refuse_optional(connection, "asyncpg")
    return "prefer"
