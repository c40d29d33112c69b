"""Redis over TLS for Celery, with the context of `envconn`: it trusts the stated CA, and nobody else.

`Transport` and `Backend` are named in the settings, and loaded when Celery connects. Without the
settings beside them (``broker_use_ssl``, ``redis_backend_use_ssl``) they trust nobody: nothing here
ever speaks in clear.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import redis
from celery.backends.redis import RedisBackend
from kombu.transport import redis as kombu

from envconn.drivers.redis import context

if TYPE_CHECKING:
    import ssl

__all__ = ["HANDSHAKE_SECONDS", "Backend", "Connection", "Transport"]

HANDSHAKE_SECONDS = 4.0
"""How long the other side may take for its part where ``socket_connect_timeout`` says nothing; Celery's own figure
for brokers (``broker_connection_timeout``), which does not reach redis-py."""


class Connection(redis.SSLConnection):
    """One of redis-py's, with another `ssl.SSLContext` than its own, which trusts the system's CAs as well."""

    def __init__(self, **arguments: Any) -> None:  # what redis-py says
        self._context = context(arguments)
        super().__init__(**arguments)

    def _connect(self) -> ssl.SSLSocket:
        plain = redis.Connection._connect(self)  # type: ignore[no-untyped-call]  # noqa: SLF001 - the one below wraps
        # A Redis without TLS does not answer a ClientHello, and kombu sets no limit.
        plain.settimeout(self.socket_connect_timeout or HANDSHAKE_SECONDS)
        secured = self._context.wrap_socket(plain, server_hostname=self.host)
        secured.settimeout(self.socket_timeout)
        return secured


class Channel(kombu.Channel):
    """kombu's, whose every connection is a `Connection`."""

    connection_class = Connection  # type: ignore[assignment] # kombu's types are of another redis-py
    connection_class_ssl = Connection  # type: ignore[assignment]


class Transport(kombu.Transport):
    """The broker's side: Celery's ``broker_transport``."""

    Channel = Channel


class Backend(RedisBackend):
    """The side of results: Celery's ``result_backend``."""

    connection_class_ssl = Connection

    def __init__(self, *arguments: Any, **named: Any) -> None:  # what Celery says
        super().__init__(*arguments, **named)
        self.connparams["connection_class"] = Connection
        self.url = "rediss://{host}:{port}/{db}".format_map(self.connparams)  # what the worker shows when it starts
