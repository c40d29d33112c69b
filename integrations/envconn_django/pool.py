"""redis-py's pool, with connections that trust the stated CA and no other."""

from typing import Any

import redis

from envconn.drivers.redis import context, handshake

__all__ = ["VerifyingConnection", "VerifyingPool"]


class VerifyingConnection(redis.SSLConnection):
    """One of redis-py's, with another `ssl.SSLContext` than its own, which trusts the system's CAs as well."""

    def __init__(self, **arguments: Any) -> None:  # what redis-py says
        self._context = context(arguments)
        super().__init__(**arguments)

    def _connect(self) -> Any:
        plain = redis.Connection._connect(self)  # type: ignore[no-untyped-call]  # noqa: SLF001 - the one below wraps
        return handshake(self._context, plain, self.host, self.socket_connect_timeout, self.socket_timeout)


class VerifyingPool(redis.ConnectionPool):
    """A pool of them."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**{**arguments, "connection_class": VerifyingConnection})
