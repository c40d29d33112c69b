"""Redis over TLS for Celery, with the context of `envconn`: it trusts the stated CA, and nobody else.

`Transport` and `Backend` are named in the settings, and loaded when Celery connects. Without the
settings beside them (``broker_use_ssl``, ``redis_backend_use_ssl``) they trust nobody: nothing here
ever speaks in clear.
"""

from __future__ import annotations

from celery.backends.redis import RedisBackend
from kombu.transport import redis as kombu

from envconn_redis.connections import VerifyingConnection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Channel(kombu.Channel):
    """kombu's, whose every connection is a `VerifyingConnection`."""

    connection_class = VerifyingConnection  # type: ignore[assignment] # kombu's types are of another redis-py
    connection_class_ssl = VerifyingConnection  # type: ignore[assignment]


class Transport(kombu.Transport):
    """The broker's side: Celery's ``broker_transport``."""

    Channel = Channel


class Backend(RedisBackend):
    """The side of results: Celery's ``result_backend``."""

    connection_class_ssl = VerifyingConnection

    def __init__(self, *arguments: Any, **named: Any) -> None:  # what Celery says
        super().__init__(*arguments, **named)
        self.connparams["connection_class"] = VerifyingConnection
        self.url = "rediss://{host}:{port}/{db}".format_map(self.connparams)  # what the worker shows when it starts
