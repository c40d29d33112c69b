"""redis-py's pool, with connections that trust the stated CA and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import redis

from envconn.drivers.redis import context

if TYPE_CHECKING:
    import ssl

__all__ = ["VerifyingConnection", "VerifyingPool"]


HANDSHAKE_SECONDS = 4.0
"""How long the other side may take for its part where ``socket_connect_timeout`` says nothing."""


class VerifyingConnection(redis.SSLConnection):
    """One of redis-py's, with another `ssl.SSLContext` than its own, which trusts the system's CAs as well."""

    def __init__(self, **arguments: Any) -> None:  # what redis-py says
        self._context = context(arguments)
        super().__init__(**arguments)

    def _connect(self) -> ssl.SSLSocket:
        plain = redis.Connection._connect(self)  # type: ignore[no-untyped-call]  # noqa: SLF001 - the one below wraps
        # A Redis without TLS does not answer a ClientHello.
        plain.settimeout(self.socket_connect_timeout or HANDSHAKE_SECONDS)
        secured = self._context.wrap_socket(plain, server_hostname=self.host)
        secured.settimeout(self.socket_timeout)
        return secured


class VerifyingPool(redis.ConnectionPool):
    """A pool of them."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**{**arguments, "connection_class": VerifyingConnection})
