"""Pools of redis-py whose connections log in with the current environment."""

from __future__ import annotations

import redis

from envconn.drivers import redis as driver
from envconn.drivers.redis import context
from envconn.drivers.ssl_context import remembered
from envconn.drivers.unsupported import refuse
from envconn.families import SENTINEL
from envconn.rotation.login import login
from envconn.services import database
from envconn.tls import TlsLevel
from envconn.tls.secured import without_password
from envconn_redis.connections import VerifyingConnection
from envconn_redis.sentinel import SentinelClearConnection, SentinelConnection, SentinelPool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from envconn import SecuredConnection, Services


def pool(source: Services | SecuredConnection, stated: Mapping[str, Any]) -> redis.ConnectionPool:
    """Return a pool for the connection of `source`, which is read again for each login.

    `stated` are the program's own options.

    Raises:
        ConfigurationError: redis-py does not support what the connection requires, or `stated` would weaken it.
        TypeError: the connection was not judged.
    """
    connection = without_password(database(source))
    given: dict[str, Any] = driver.merged(connection, stated)
    if connection.family == SENTINEL:
        kind = SentinelConnection if encrypted(connection) else SentinelClearConnection
        return SentinelPool(**given, connection_class=following(kind, source, connection))
    return redis.ConnectionPool(connection_class=following(_kind(connection), source, connection), **given)


def encrypted(connection: SecuredConnection) -> bool:
    """Whether the connections require TLS."""
    return connection.tls.level >= TlsLevel.ENCRYPTED


def following(kind: type[Any], source: Services | SecuredConnection, used: SecuredConnection) -> type[Any]:
    """Return a `kind` of connection that logs in with the current `source`; the pool was made for `used`."""
    renew = renewing(used)

    class Connection(kind):  # type: ignore[misc]
        def connect(self) -> None:
            opened = super().connect

            def log_in(judged: SecuredConnection) -> None:
                renew(self, judged)
                opened()

            if not self._sock:
                login(source, log_in)

    return Connection


def renewing(used: SecuredConnection) -> Callable[[Any, SecuredConnection], None]:
    """Return the function that makes a connection of redis-py log in as another connection than the `used` one.

    The class of the connection stays the same, so TLS, sockets and sentinels cannot be added or removed.
    """
    trusted = remembered(lambda judged: context(driver.connection_arguments(judged)))

    def renew(connection: Any, judged: SecuredConnection) -> None:
        if _shape(judged) != _shape(used):
            refuse(judged, _RESTART)
        given: Mapping[str, Any] = driver.connection_arguments(judged)
        for name in _RENEWED:
            # The address of a master comes from the sentinels.
            if name in given or name in _LOGIN:
                setattr(connection, name, given.get(name))
        if encrypted(judged):
            connection._context = trusted(judged)  # noqa: SLF001 - one of our own

    return renew


_LOGIN = ("username", "password")
_RENEWED = (*_LOGIN, "db", "host", "port", "path")
_RESTART = "uses TLS or sentinels differently than when the process started. Restart the process"


def _shape(connection: SecuredConnection) -> tuple[object, ...]:
    return connection.family, connection.hosts[0].is_socket, encrypted(connection)


def _kind(connection: SecuredConnection) -> type[Any]:
    if connection.hosts[0].is_socket:
        return redis.UnixDomainSocketConnection
    return VerifyingConnection if encrypted(connection) else redis.Connection
