"""redis-py's connections and pools, with the context of `envconn.drivers.redis`, which trusts only the stated CA.

redis-py can only get another context through a class. Settings name these classes (Django's ``pool_class``),
and redis-py's users load them by that name.
"""

from __future__ import annotations

import redis

from envconn.drivers.redis import context, handshake

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from typing import Any


class VerifyingConnection(redis.SSLConnection):
    """A connection of redis-py that always uses TLS; without ``ssl_`` arguments it trusts no server.

    kombu before 5.7 checks the names of the arguments, and does no health check if the class hides them.
    """

    def __init__(self, *, health_check_interval: float = 0, **arguments: Any) -> None:  # redis-py's arguments
        self._context = context(arguments)
        super().__init__(health_check_interval=health_check_interval, **arguments)

    def _connect(self) -> ssl.SSLSocket:
        plain = redis.Connection._connect(self)  # noqa: SLF001 - the one below wraps
        return handshake(self._context, plain, self.host, self.socket_connect_timeout, self.socket_timeout)


class VerifyingPool(redis.ConnectionPool):
    """A pool of these connections, for Django's cache (``pool_class``)."""

    def __init__(self, **arguments: Any) -> None:  # Django's arguments
        super().__init__(**{**arguments, "connection_class": VerifyingConnection})
