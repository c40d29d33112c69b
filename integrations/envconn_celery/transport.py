"""kombu's transports, which look up the verdict on an endpoint when they connect to it.

They stand under kombu's own names (`envconn_celery.registry`). What the settings say about TLS has no effect on a
judged endpoint; all other options of the user are kept, and those of the connection are their defaults. Any other name
of this module is kombu's transport of that name, which refuses to connect for an application with `config()`.
"""

from __future__ import annotations

from celery.utils.imports import symbol_by_name
from kombu.transport import pyamqp
from kombu.transport import redis as kombu

from envconn.drivers import amqp, redis
from envconn.drivers.unsupported import refuse
from envconn.families import AMQP, FAMILIES, REDIS, SENTINEL
from envconn.rotation import login
from envconn.tls.secured import without_password
from envconn_celery import redis_settings, registry
from envconn_redis.connections import SentinelPool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from envconn.tls import SecuredConnection


class _Channel:
    """A channel whose connections are as the endpoint was judged."""

    _family: str

    def _judged(self) -> SecuredConnection | None:
        transport = self.connection  # type: ignore[attr-defined] # of kombu's channel
        return registry.broker(transport.client, self._family, transport.default_port)

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - kombu's
        connection = self._judged()
        user = self.connection.client.userid  # type: ignore[attr-defined]
        if connection is not None and (kind := redis_settings.connection_class(connection, user)):
            for name in ("connection_class", "connection_class_ssl"):
                setattr(self, name, kind)
        given: dict[str, Any] = super()._connparams(asynchronous)  # type: ignore[misc]
        return given if connection is None else redis_settings.judged(given, connection)


class RedisChannel(_Channel, kombu.Channel):
    """kombu's channel for a Redis."""

    _family = REDIS


class SentinelChannel(_Channel, kombu.SentinelChannel):
    """kombu's channel for a Redis behind sentinels."""

    _family = SENTINEL

    def _sentinel_managed_pool(self, asynchronous: bool = False) -> Any:  # noqa: FBT001, FBT002 - kombu's
        connection = self._judged()
        if connection is None:
            return super()._sentinel_managed_pool(asynchronous)
        given = {name: value for name, value in self._connparams(asynchronous).items() if name not in {"host", "port"}}
        pool = SentinelPool(**given, **redis.sentinels(without_password(connection)))
        # kombu closes the connections to the sentinels here (5.7).
        manager = "_async_sentinel_manager" if asynchronous else "_sentinel_manager"
        setattr(self, manager, pool.sentinel_manager)
        return pool


class RedisTransport(kombu.Transport):
    """kombu's transport for a Redis."""

    Channel: Any = RedisChannel
    default_port: Any = FAMILIES[REDIS].port
    _family = REDIS

    def establish_connection(self) -> Any:
        """Connect, with the options of the judged connection as defaults of the user's.

        Raises:
            ConfigurationError: the broker was not judged.
        """
        client: Any = self.client
        if connection := registry.broker(client, self._family, self.default_port):
            defaults = redis_settings.transport_options(connection)
            client.transport_options = {**defaults, **(client.transport_options or {})}
        return super().establish_connection()


class SentinelTransport(RedisTransport):
    """kombu's transport for a Redis behind sentinels."""

    Channel = SentinelChannel
    default_port = FAMILIES[SENTINEL].port
    _family = SENTINEL


class AmqpTransport(pyamqp.Transport):
    """kombu's transport for AMQP."""

    def establish_connection(self) -> Any:
        """Connect, with the TLS of the judged connection, and log in as it is now.

        Raises:
            ConfigurationError: the broker was not judged, or ``broker_transport_options`` would replace it.
        """
        client: Any = self.client
        opened, port = super().establish_connection, self.default_connection_params["port"]

        def log_in(judged: SecuredConnection) -> Any:
            stated = {name: getattr(client, name) for name in _OF_THE_URL}
            registry.move(client, judged, port, before)
            _secure(client, judged, port)
            try:
                return opened()
            except Exception:
                # What did not succeed is not in use, and kombu connects again with the same client.
                for name, value in stated.items():
                    setattr(client, name, value)
                raise

        if (connection := registry.broker(client, AMQP, port)) is None:
            return opened()
        before = registry.of_now_and_then(connection)
        return login(connection, log_in)


_OF_THE_URL = ("hostname", "port", "virtual_host", "userid", "password")


class AmqpsTransport(AmqpTransport, pyamqp.SSLTransport):
    """kombu's transport for AMQP over TLS."""


def _secure(client: Any, connection: SecuredConnection, port: int) -> None:
    options = client.transport_options or {}
    if deciding := sorted(_DECIDING & options.keys()):
        refuse(connection, _DECIDED.format(deciding[0]), "argument-refused")
    defaults = {name: value for name, value in amqp.options(connection).items() if name not in _SETTINGS}
    client.transport_options = {**defaults, **options}
    if verify := amqp.arguments(connection, registry.host(client, connection, port)):
        client.ssl = verify


# kombu hands the options to py-amqp after everything else (kombu/transport/pyamqp.py, establish_connection).
_DECIDING = frozenset(
    {
        *("authentication", "host", "login_method", "login_response", "password", "ssl", "transport", "userid"),
        *("frame_handler", "frame_writer", "virtual_host"),
    }
)
_DECIDED = "{0} in broker_transport_options would replace what was judged. Remove it"
_SETTINGS = frozenset({"connect_timeout", "heartbeat", "login_method"})
"""Options that Celery has settings for."""


def __getattr__(name: str) -> type[Any]:
    """Return kombu's transport called `name`, which does not connect for an application with `config()`."""
    if name not in registry.STOCK_TRANSPORTS:
        raise AttributeError(name)
    stock: Any = symbol_by_name(registry.STOCK_TRANSPORTS[name])

    class Unjudged(stock):
        def establish_connection(self) -> Any:
            registry.refuse_broker(self.client)
            return super().establish_connection()

    return Unjudged
