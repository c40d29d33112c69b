"""The entries of ``CACHES`` and of ``CHANNEL_LAYERS``.

Django's own Redis backend passes ``OPTIONS`` to redis-py's pool (django/core/cache/backends/redis.py); django-redis has
words of its own for them (django_redis/pool.py), and so has channels_redis (channels_redis/utils.py, create_pool).
"""

from __future__ import annotations

from typing import cast

from envconn.drivers import redis
from envconn.drivers.unsupported import refuse
from envconn.families import DJANGO_CACHE, FAMILIES, MEMCACHED, REDIS, SENTINEL
from envconn.records import TypedDict
from envconn.tls import TlsLevel, require_sealed
from envconn.tls.password import is_supplied
from envconn.tls.secured import without_password

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.tls import SecuredConnection


class CacheSettings(TypedDict, total=False):
    """An entry of ``CACHES``."""

    BACKEND: str
    LOCATION: str | list[str]
    OPTIONS: dict[str, object]


made_caches: list[CacheSettings] = []
"""What `envconn_django.caches` has returned in this process, to be recognised later."""


def cache(connection: SecuredConnection | None, backend: str = "") -> CacheSettings:
    """Return the entry for `connection`; for `None`, Django's own default, a cache in each process.

    `backend` is the path of another backend for a Redis: that of django-redis, or one with the words of Django's. The
    password is among the options, not in ``LOCATION``, where debug pages would show it. A password from the
    program's callable is a ``credential_provider`` there.

    Raises:
        ConfigurationError: Django or redis-py does not support what the connection requires.
        TypeError: `connection` was not judged.
    """
    if connection is None:
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    require_sealed(connection)
    if connection.family == DJANGO_CACHE:
        return _without_server(connection)
    if connection.family == MEMCACHED:
        return _memcached(connection)
    for name in _UNFIT.keys() & connection.parameters.keys():
        refuse(connection, f"Django's cache does not support {name}. Remove it{_UNFIT[name]}")
    location, options = (_sentinel if connection.family == SENTINEL else _redis)(without_password(connection))
    if is_supplied(connection.password):
        from envconn_redis.connections import with_credential_provider

        options = with_credential_provider(connection, options)
    return {
        "BACKEND": backend or "django.core.cache.backends.redis.RedisCache",
        "LOCATION": location,
        "OPTIONS": _of_django_redis(options) if backend.startswith("django_redis.") else options,
    }


def _of_django_redis(options: dict[str, object]) -> dict[str, object]:
    """Return `options` of Django's own backend in the words of django-redis."""
    found = {word: options.pop(name) for name, word in _DJANGO_REDIS.items() if name in options}
    return {**found, "CONNECTION_POOL_KWARGS": options} if options else found


_DJANGO_REDIS = {"username": "USERNAME", "password": "PASSWORD", "pool_class": "CONNECTION_POOL_CLASS"}


def channel_layer(connection: SecuredConnection | None, backend: str) -> dict[str, object]:
    """Return the entry of ``CHANNEL_LAYERS`` for `connection`; for `None`, the layer in memory, for one process.

    `backend` is the path of a layer of channels_redis.

    Raises:
        ConfigurationError: redis-py does not support what the connection requires, or it has no server, or sentinels.
        TypeError: `connection` was not judged.
    """
    if connection is None:
        return {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    require_sealed(connection)
    if connection.family != REDIS:
        refuse(connection, _NO_LAYER.format(FAMILIES[connection.family].title))
    from redis import asyncio

    from envconn_redis import aclient

    pool = aclient(connection).connection_pool
    host = {"connection_class": pool.connection_class, **pool.connection_kwargs, **redis.staying(asyncio)}
    return {"BACKEND": backend, "CONFIG": {"hosts": [host]}}


def _without_server(connection: SecuredConnection) -> CacheSettings:
    backend = f"django.core.cache.backends.{_BACKENDS[connection.scheme]}"
    location = connection.dbname.partition("://")[2]
    return {"BACKEND": backend, "LOCATION": location} if location else {"BACKEND": backend}


_BACKENDS = {
    "locmem": "locmem.LocMemCache",
    "dummy": "dummy.DummyCache",
    "db": "db.DatabaseCache",
    "file": "filebased.FileBasedCache",
}


def _memcached(connection: SecuredConnection) -> CacheSettings:
    client = "PyLibMCCache" if connection.scheme == "pylibmc" else "PyMemcacheCache"
    places = [f"unix:{host}" if host.is_socket else str(host) for host in connection.hosts]
    location = places if len(places) > 1 else places[0]
    return {"BACKEND": f"django.core.cache.backends.memcached.{client}", "LOCATION": location}


def _redis(connection: SecuredConnection) -> tuple[str, dict[str, object]]:
    options = cast("dict[str, object]", redis.arguments(connection))
    name = "VerifyingPool" if connection.tls.level >= TlsLevel.ENCRYPTED else "StayingPool"
    options["pool_class"] = f"envconn_redis.connections.{name}"
    return redis.url(connection), options


def _sentinel(connection: SecuredConnection) -> tuple[str, dict[str, object]]:
    options = cast("dict[str, object]", redis.sentinel_arguments(connection))
    options["pool_class"] = "envconn_redis.connections.SentinelPool"
    # Django splits it at commas, for one pool each; the pool asks the sentinels in the options.
    return f"sentinel://{connection.hosts[0]}/{connection.dbname}", options


_NO_LAYER = "holds {}, which a layer of Channels cannot use here. Use the URL of a Redis"
_UNFIT = {"decode_responses": "", "encoding": "", "timeout": "; how long a value is kept is TIMEOUT in CACHES"}
"""Django stores bytes, and its pool does not wait for a free connection. To django-environ, it is Django's setting."""
