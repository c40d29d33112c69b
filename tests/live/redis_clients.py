"""Everything that reaches Redis (and a broker that may be RabbitMQ): each connects, and tells what came of it.

The words are those of `matrix`. A client is handed services, of which it takes the broker or the cache.
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import TYPE_CHECKING

import redis
from redis.asyncio import retry as asynchronous
from redis.backoff import NoBackoff
from redis.retry import Retry

from envconn import ConfigurationError, TlsLevel
from envconn_celery import config
from envconn_django import caches
from envconn_redis import aclient, client, kwargs
from matrix import MISNAMED, NO_TLS, TLS, UNTRUSTED

if TYPE_CHECKING:
    from collections.abc import Callable

    from envconn import Services

__all__ = ["CLIENTS", "REFUSED", "SENTINEL_CLIENTS", "meaning"]

ONCE = Retry(NoBackoff(), 0)
REFUSED = "refused at hand-over"
_WORDS = {
    "Hostname mismatch": MISNAMED,
    "IP address mismatch": MISNAMED,
    "certificate is not valid for": MISNAMED,
    "certificate verify failed": UNTRUSTED,
    "Timeout": NO_TLS,
    "timed out": NO_TLS,
    "SSL handshake is taking longer": NO_TLS,  # asyncio
}


def _outcome_of(connect: Callable[[Services], object]) -> Callable[[Services], str]:
    """Let `connect` tell what came of it, an unknown error in its own words."""

    def outcome(services: Services) -> str:
        try:
            connect(services)
        except ConfigurationError:
            return REFUSED
        except Exception as error:  # noqa: BLE001 - every client has its own
            return meaning(error)
        return TLS

    return outcome


def meaning(error: BaseException) -> str:
    """Return what an error of a client means, one that is not known in its own words."""
    text = " ".join(map(str, (error, error.__cause__ or "")))
    return next((found for part, found in _WORDS.items() if part in text), text)


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
    app.conf.update(config(services, results="cache"))
    app.backend.client.ping()


def _kwargs(services: Services) -> None:
    """redis-py's own connections cannot hold a chain without a name, and say so."""
    with redis.Redis(**kwargs(services), retry=ONCE) as connection:
        connection.ping()


def _client(services: Services) -> None:
    with client(services, retry=ONCE) as connection:
        connection.ping()


def _aclient(services: Services) -> None:
    async def ping() -> None:
        async with aclient(services, retry=asynchronous.Retry(NoBackoff(), 0)) as connection:
            await connection.ping()

    asyncio.run(ping())


def _django(services: Services) -> None:
    from django.core.cache.backends.redis import RedisCache

    entry = caches(services)["default"]
    cache = RedisCache(entry["LOCATION"], {"OPTIONS": entry["OPTIONS"]})
    cache.set("envconn", 1)
    assert cache.get("envconn") == 1


CLIENTS = {
    "broker": _outcome_of(_broker),
    "results": _outcome_of(_results),
    "redis-py's own": _outcome_of(_kwargs),
    "redis-py": _outcome_of(_client),
    "redis-py asyncio": _outcome_of(_aclient),
    "django cache": _outcome_of(_django),
}


def refuses(name: str, level: TlsLevel) -> bool:
    """Whether a client cannot be handed a connection of `level` at all."""
    return name == "redis-py's own" and level == TlsLevel.VERIFY_CA


SENTINEL_CLIENTS = {name: connect for name, connect in CLIENTS.items() if name != "redis-py's own"}
"""Those that ask sentinels."""
