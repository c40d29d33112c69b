"""Redis over TLS for Celery, with the context of `envconn`, which trusts only the stated CA.

`Transport` and `Backend` are named in the settings, and loaded when Celery connects. Without the
other settings (``broker_use_ssl``, ``redis_backend_use_ssl``) they trust no server; they never connect
without TLS.
"""

from __future__ import annotations

from celery.backends.redis import RedisBackend
from kombu.transport import redis as kombu

from envconn_redis.connections import VerifyingConnection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Channel(kombu.Channel):
    """kombu's channel, whose connections are all a `VerifyingConnection`."""

    connection_class = VerifyingConnection  # type: ignore[assignment] # kombu's types are of another redis-py
    connection_class_ssl = VerifyingConnection  # type: ignore[assignment]


class Transport(kombu.Transport):
    """The transport of the broker: Celery's ``broker_transport``."""

    Channel = Channel


class Backend(RedisBackend):
    """The backend of results: Celery's ``result_backend``."""

    connection_class_ssl = VerifyingConnection

    def __init__(self, *arguments: Any, **named: Any) -> None:  # Celery's arguments
        super().__init__(*arguments, **named)
        self.connparams["connection_class"] = VerifyingConnection
        self.url = "rediss://{host}:{port}/{db}".format_map(self.connparams)  # what the worker shows when it starts
