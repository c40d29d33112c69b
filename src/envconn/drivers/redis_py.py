"""redis-py's connection and pool, with the context of `envconn.drivers.redis`, which trusts nobody but the stated CA.

redis-py can be told of another context by a class alone. This is the one module of the core that imports
a library to talk with: settings name it, and whoever has redis-py loads it by that name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import redis

from envconn.drivers.redis import context, handshake

if TYPE_CHECKING:
    import ssl

__all__ = ["VerifyingConnection", "VerifyingPool"]


class VerifyingConnection(redis.SSLConnection):
    """One of redis-py's; without ``ssl_`` arguments it trusts nobody, and it never speaks in clear."""

    def __init__(self, **arguments: Any) -> None:  # what redis-py says
        self._context = context(arguments)
        super().__init__(**arguments)

    def _connect(self) -> ssl.SSLSocket:
        plain = redis.Connection._connect(self)  # type: ignore[no-untyped-call]  # noqa: SLF001 - the one below wraps
        return handshake(self._context, plain, self.host, self.socket_connect_timeout, self.socket_timeout)


class VerifyingPool(redis.ConnectionPool):
    """A pool of them, for Django's cache (``pool_class``)."""

    def __init__(self, **arguments: Any) -> None:  # what Django says
        super().__init__(**{**arguments, "connection_class": VerifyingConnection})
