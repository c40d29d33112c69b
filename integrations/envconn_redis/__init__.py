"""redis-py 5 and newer: its connection arguments, a client, and an asynchronous one.

    import envconn_redis

    with envconn_redis.client() as redis:
        redis.ping()

redis-py's own connections trust the system's CAs in addition to the stated one. Those made here
trust only the stated one, and so does everything that uses these classes by name:
`envconn_redis.connections` and, for asyncio, `envconn_redis.asynchronous`.
"""

from __future__ import annotations

from envconn.drivers import redis as driver
from envconn.services import CACHE_ONLY, ENVIRONMENT, Services, resolve
from envconn.tls.password import is_supplied
from envconn.tls.secured import without_password

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import redis
    from redis import asyncio

    from envconn import SecuredConnection
    from envconn.services import Source

__all__ = ["aclient", "client", "kwargs"]


def kwargs(source: Source = ENVIRONMENT, /) -> dict[str, Any]:
    """Return the keyword arguments for ``redis.Redis``, sync or async, and for libraries that pass them on.

    The first argument is a connection, or services, whose cache is used; `envconn.load()` if left out. A password
    from the program's callable becomes a ``credential_provider``.

    Raises:
        ConfigurationError: the environment is wrong or has no cache, or redis-py's own connections do not
            support it (several sentinels, or a CA without a hostname): use `client`.
    """
    import redis
    from redis import asyncio

    connection = _cache(source)
    # If only the sync connections can follow a server elsewhere, the argument would be unknown to the others; what the
    # servers say comes with protocol 3.
    stays = driver.staying(asyncio) or {"protocol": 2}
    found: dict[str, Any] = {**stays, **driver.client(without_password(connection))}
    found |= driver.staying(redis) if found.get("protocol") == _ANNOUNCING else {}
    if is_supplied(connection.password):
        from envconn_redis.connections import with_credential_provider

        return with_credential_provider(connection, found)
    return found


def client(source: Source = ENVIRONMENT, /, **options: Any) -> redis.Redis:
    """Return a client with a pool of its own, for a Redis or for the master that sentinels name.

    The first argument is that of `kwargs`; with services, a login that fails is tried again if the environment has
    changed. `options` are those of redis-py's connections and pools (``decode_responses``, ``max_connections``,
    ``socket_timeout`` in seconds, ...).

    Raises:
        ConfigurationError: as for `kwargs`; or one of `options` would affect the server or security.
    """
    import redis

    from envconn_redis.connections import pool

    return redis.Redis.from_pool(pool(_cache(source), options))


def aclient(source: Source = ENVIRONMENT, /, **options: Any) -> asyncio.Redis:
    """Return a client of `redis.asyncio` with a pool of its own; the first argument is that of `kwargs`.

    `options` are those of its connections and pools, as for `client`.

    Raises:
        ConfigurationError: as for `client`.
    """
    from redis import asyncio

    from envconn_redis.asynchronous import pool

    return asyncio.Redis.from_pool(pool(_cache(source), options))


_ANNOUNCING = 3
"""The version of the protocol with which a server can say something unasked."""


def _cache(source: Source) -> SecuredConnection:
    services = resolve(source, CACHE_ONLY)
    return services.cache if isinstance(services, Services) else services
