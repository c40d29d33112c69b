"""Everything that reaches Redis (and a broker that may be RabbitMQ): each connects, and tells what came of it.

The words are those of `matrix`. A client is handed services, of which it takes the broker or the cache.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from envconn import ConfigurationError, TlsLevel
from envconn.drivers import redis as sentinel
from envconn.drivers.redis import client
from envconn.drivers.redis_client import SentinelPool
from envconn_celery import config
from envconn_django import caches
from matrix import MISNAMED, NO_TLS, TLS, UNTRUSTED

if TYPE_CHECKING:
    from collections.abc import Callable

    from envconn import Services

__all__ = ["CLIENTS", "REFUSED"]

REFUSED = "refused at hand-over"
_WORDS = {
    "Hostname mismatch": MISNAMED,
    "IP address mismatch": MISNAMED,
    "certificate is not valid for": MISNAMED,
    "certificate verify failed": UNTRUSTED,
    "Timeout": NO_TLS,
    "timed out": NO_TLS,
}


def _told(connect: Callable[[Services], object]) -> Callable[[Services], str]:
    """Let `connect` tell what came of it, an unknown error in its own words."""

    def told(services: Services) -> str:
        try:
            connect(services)
        except ConfigurationError:
            return REFUSED
        except Exception as error:  # noqa: BLE001 - every client has its own
            words = str(error)
            return next((meaning for part, meaning in _WORDS.items() if part in words), words)
        return TLS

    return told


def _broker(services: Services) -> None:
    from celery import Celery

    app = Celery("clients", set_as_current=False)
    app.conf.update(config(services))
    with app.connection() as connection:
        connection.ensure_connection(max_retries=1, interval_start=0)
        with closing(connection.SimpleQueue("envconn")) as queue:
            queue.put(1)
            message = queue.get(timeout=5)
            message.ack()
            assert message.payload == 1


def _results(services: Services) -> None:
    from celery import Celery

    app = Celery("clients", set_as_current=False)
    app.conf.update(config(services, result="cache"))
    app.backend.client.ping()


def _redis_py(services: Services) -> None:
    """redis-py alone cannot hold a chain without a name, and says so."""
    assert services.cache is not None
    if services.cache.family == "sentinel":
        pool = SentinelPool(**sentinel.sentinel_arguments(services.cache), retry=Retry(NoBackoff(), 0))
        with closing(pool), redis.Redis(connection_pool=pool) as connection:
            assert connection.ping()
        return
    arguments = client(services.cache)
    with redis.Redis(**arguments, retry=Retry(NoBackoff(), 0)) as connection:  # type: ignore[misc]
        connection.ping()


def _django(services: Services) -> None:
    from django.core.cache.backends.redis import RedisCache

    entry = caches(services)["default"]
    cache = RedisCache(entry["LOCATION"], {"OPTIONS": entry["OPTIONS"]})
    cache.set("envconn", 1)
    assert cache.get("envconn") == 1


CLIENTS = {
    "broker": _told(_broker),
    "results": _told(_results),
    "redis-py": _told(_redis_py),
    "django cache": _told(_django),
}


def refuses(name: str, level: TlsLevel) -> bool:
    """Whether a client cannot be handed a connection of `level` at all."""
    return name == "redis-py" and level == TlsLevel.VERIFY_CA
