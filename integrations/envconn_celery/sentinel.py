"""Celery's transport and backend for a Redis behind sentinels: one verdict for sentinels and Redis.

They are named in the settings, and loaded when Celery connects; the sentinels are among the transport options.
Those without ``Clear`` always use TLS. The others connect only to this machine and to waived hosts,
whatever the sentinels name.
"""

from __future__ import annotations

from celery.backends.redis import SentinelBackend
from kombu.transport import redis as kombu

from envconn_redis.sentinel import SentinelClearConnection, SentinelConnection, SentinelPool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar


class Channel(kombu.SentinelChannel):
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
        pool = SentinelPool(**{name: value for name, value in given.items() if name not in _PLACE}, **named)
        # kombu closes the connections to the sentinels here (5.7).
        manager = "_async_sentinel_manager" if asynchronous else "_sentinel_manager"
        setattr(self, manager, pool.sentinel_manager)
        return pool


_PLACE = ("host", "port")
_NAMES = ("sentinels", "master_name", "min_other_sentinels", "sentinel_kwargs", "clear_text_to")


class ClearChannel(Channel):
    """The same without TLS."""

    connection_class = SentinelClearConnection  # type: ignore[assignment]


class Transport(kombu.SentinelTransport):
    """The transport of the broker: Celery's ``broker_transport``."""

    Channel = Channel


class ClearTransport(kombu.SentinelTransport):
    """The same without TLS."""

    Channel = ClearChannel


class Backend(SentinelBackend):
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
            **{name: value for name, value in given.items() if name not in (*_PLACE, "hosts")}, **options
        )


class ClearBackend(Backend):
    """The same without TLS."""

    _connection_class = SentinelClearConnection
