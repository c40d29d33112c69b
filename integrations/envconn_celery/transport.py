"""Celery's transports and result backends for Redis, directly or behind sentinels, which trust only the stated CA.

They are named in the settings, and loaded when Celery connects. Without the other settings (``broker_use_ssl``,
``redis_backend_use_ssl``) they trust no server. Only those with ``Clear`` connect without TLS: to this machine and to
waived hosts, whatever the sentinels name.
"""

from __future__ import annotations

from celery.backends import redis
from kombu.transport import redis as kombu

from envconn_redis.connections import SentinelClearConnection, SentinelConnection, SentinelPool, VerifyingConnection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar


class Channel(kombu.Channel):
    """kombu's channel, whose connections are all a `VerifyingConnection`."""

    connection_class = VerifyingConnection  # type: ignore[assignment] # kombu's types are of another redis-py
    connection_class_ssl = VerifyingConnection  # type: ignore[assignment]


class Transport(kombu.Transport):
    """The transport of the broker: Celery's ``broker_transport``."""

    Channel = Channel


class Backend(redis.RedisBackend):
    """The backend of results: Celery's ``result_backend``."""

    connection_class_ssl = VerifyingConnection

    def __init__(self, *arguments: Any, **named: Any) -> None:  # Celery's arguments
        super().__init__(*arguments, **named)
        self.connparams["connection_class"] = VerifyingConnection
        self.url = "rediss://{host}:{port}/{db}".format_map(self.connparams)  # what the worker shows when it starts


class SentinelChannel(kombu.SentinelChannel):
    """kombu's channel, whose connections are all a `SentinelConnection`."""

    connection_class = SentinelConnection
    connection_class_ssl = SentinelConnection  # type: ignore[assignment] # kombu's types name its own
    from_transport_options = (  # type: ignore[assignment] # and count the members
        *kombu.SentinelChannel.from_transport_options,
        *("sentinels", "clear_text_to"),
    )

    def _sentinel_managed_pool(self, asynchronous: bool = False) -> SentinelPool:  # noqa: FBT001, FBT002 - kombu's
        given = self._connparams(asynchronous)
        named = {name: getattr(self, name) for name in _NAMES if hasattr(self, name)}
        pool = SentinelPool(**{name: value for name, value in given.items() if name not in _ADDRESS}, **named)
        # kombu closes the connections to the sentinels here (5.7).
        manager = "_async_sentinel_manager" if asynchronous else "_sentinel_manager"
        setattr(self, manager, pool.sentinel_manager)
        return pool


_ADDRESS = ("host", "port")
_NAMES = ("sentinels", "master_name", "min_other_sentinels", "sentinel_kwargs", "clear_text_to")


class SentinelClearChannel(SentinelChannel):
    """The same without TLS."""

    connection_class = SentinelClearConnection  # type: ignore[assignment]


class SentinelTransport(kombu.SentinelTransport):
    """The transport of the broker: Celery's ``broker_transport``."""

    Channel = SentinelChannel


class SentinelClearTransport(kombu.SentinelTransport):
    """The same without TLS."""

    Channel = SentinelClearChannel


class SentinelBackend(redis.SentinelBackend):
    """The backend of results: Celery's ``result_backend``."""

    connection_class_ssl = SentinelConnection
    _connection_class: ClassVar[type[SentinelConnection | SentinelClearConnection]] = SentinelConnection

    def __init__(self, *arguments: Any, **named: Any) -> None:  # Celery's arguments
        super().__init__(*arguments, **named)
        self.connparams["connection_class"] = self._connection_class
        addresses = [f"{host}:{port}" for host, port in self._transport_options["sentinels"]]
        self.url = ";".join(f"sentinel://{address}/{self.connparams['db']}" for address in addresses)  # for display

    def _get_pool(self, **given: Any) -> SentinelPool:
        options = {name: value for name, value in self._transport_options.items() if name in _NAMES}
        return SentinelPool(
            **{name: value for name, value in given.items() if name not in (*_ADDRESS, "hosts")}, **options
        )


class SentinelClearBackend(SentinelBackend):
    """The same without TLS."""

    _connection_class = SentinelClearConnection
