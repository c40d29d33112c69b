"""redis-py's connections and pools, with the context of `envconn.drivers.redis`, which trusts the stated CA alone.

redis-py can be told of another context by a class alone. Settings name these classes (Django's ``pool_class``),
and whoever has redis-py loads them by that name.
"""

from __future__ import annotations

import redis

from envconn.drivers.redis import context, handshake

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from typing import Any


class VerifyingConnection(redis.SSLConnection):
    """One of redis-py's; without ``ssl_`` arguments it trusts nobody, and it never speaks in clear.

    kombu before 5.7 looks at the names of the arguments, and checks no connection's health whose class hides them.
    """

    def __init__(self, *, health_check_interval: float = 0, **arguments: Any) -> None:  # what redis-py says
        self._context = context(arguments)
        super().__init__(health_check_interval=health_check_interval, **arguments)

    def _connect(self) -> ssl.SSLSocket:
        plain = redis.Connection._connect(self)  # noqa: SLF001 - the one below wraps
        return handshake(self._context, plain, self.host, self.socket_connect_timeout, self.socket_timeout)


class VerifyingPool(redis.ConnectionPool):
    """A pool of them, for Django's cache (``pool_class``)."""

    def __init__(self, **arguments: Any) -> None:  # what Django says
        super().__init__(**{**arguments, "connection_class": VerifyingConnection})
