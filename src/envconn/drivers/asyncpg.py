"""asyncpg's arguments. It is given no DSN, and nothing that decides is left to its own look at the environment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, TypedDict

from envconn.drivers import context
from envconn.drivers.refusal import insist, refuse
from envconn.tls import TlsLevel

if TYPE_CHECKING:
    import ssl

    from envconn.tls import SecuredConnection

__all__ = ["Arguments", "arguments"]

_SETTINGS = ("application_name", "client_encoding", "options")
_HONOURED = {*_SETTINGS, "target_session_attrs", "connect_timeout"}


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


def arguments(connection: SecuredConnection) -> Arguments:
    """Return the keyword arguments that make asyncpg hold the verdict.

    Raises:
        ConfigurationError: asyncpg cannot do what the connection asks for.
        TypeError: `connection` was not judged.
    """
    insist(connection, "asyncpg", "postgresql", _HONOURED)
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
    if connection.password:
        found |= {"password": connection.password.reveal(), "passfile": os.devnull}
    if settings := {name: connection.parameters[name] for name in _SETTINGS if name in connection.parameters}:
        found["server_settings"] = settings
    if not connection.prepared_statements:
        found["statement_cache_size"] = 0
    if timeout := int(connection.parameters.get("connect_timeout", "0")):
        found["timeout"] = float(timeout)
    return found


def _ssl(connection: SecuredConnection) -> ssl.SSLContext | Literal["prefer"] | bool:
    if connection.tls.level == TlsLevel.NONE:
        return False
    if connection.tls.level == TlsLevel.OPPORTUNISTIC:
        return "prefer"
    return context.build(connection, protocol="postgresql", name=_name(connection))


def _name(connection: SecuredConnection) -> str | None:
    """The name to verify where the address dialled is another: one context can check one name."""
    if not any(host.hostaddr for host in connection.hosts):
        return None
    names = {host.host for host in connection.hosts}
    if len(names) > 1:
        refuse(connection, "asyncpg cannot verify several host names at addresses of their own; drop hostaddr")
    return names.pop()
