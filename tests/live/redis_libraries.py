"""What stands on redis-py, and how each is given a connection: the sections of docs/redis.md, and how a test uses them.

Every `Library.code` is run as it stands on the page. A test then uses what it made, against a Redis with TLS.
"""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["HERE", "LIBRARIES", "Library"]


class Library(NamedTuple):
    """One library: the code of the page, the name in it that is used, and how.

    `arguments` is the expression with ``kwargs()`` that makes the same; empty where the library does not take them.
    """

    title: str
    package: str
    versions: str
    name: str
    code: str
    use: Callable[[Any], object]
    arguments: str = ""
    note: str = ""


def _requested(app: Any) -> object:
    """Request the page of an application, whose errors are not caught."""
    app.testing = app.debug = True
    return app.test_client().get("/").get_data()


def _dramatiq(broker: Any) -> object:
    from dramatiq import Message

    broker.declare_queue("envconn")
    return broker.enqueue(Message(queue_name="envconn", actor_name="task", args=(), kwargs={}, options={}))


def _arq(settings: Any) -> object:
    async def enqueued() -> object:
        try:
            return await settings.redis_pool.enqueue_job("task")
        finally:
            await settings.redis_pool.aclose(close_connection_pool=True)
            await asyncio.sleep(0.01)  # a transport whose handshake has failed closes in the next round

    return asyncio.run(enqueued())


def _django_redis(caches: Any) -> object:
    from django.conf import settings
    from django_redis.cache import RedisCache
    from django_redis.pool import ConnectionFactory

    if not settings.configured:
        settings.configure()
    entry = caches["default"]
    ConnectionFactory._pools.clear()  # one of every URL
    cache = RedisCache(entry["LOCATION"], entry)
    cache.set("name", "kept")
    return cache.get("name")


def _channels(layers: Any) -> object:
    from channels_redis.core import RedisChannelLayer

    async def there_and_back() -> object:
        layer = RedisChannelLayer(**layers["default"]["CONFIG"])
        try:
            await layer.send("envconn", {"type": "greeting"})
            return await asyncio.wait_for(layer.receive("envconn"), 5)
        finally:
            await layer.close_pools()

    return asyncio.run(there_and_back())


LIBRARIES = (
    Library(
        "redis-py",
        "redis",
        "redis-py 8.1 and 5.0",
        "redis",
        """\
from envconn_redis import client

redis = client()
""",
        lambda redis: redis.ping(),
        "redis.Redis(**kwargs())",
        "`aclient()` is the same for `redis.asyncio`.",
    ),
    Library(
        "RQ",
        "rq",
        "rq 3.0",
        "queue",
        """\
from rq import Queue

from envconn_redis import client

queue = Queue(connection=client())
""",
        lambda queue: queue.enqueue("operator.add", 19, 23).id,
        "Queue(connection=redis.Redis(**kwargs()))",
        "The command `rq` reads `RQ_REDIS_URL` and `REDIS_URL` by itself, and does not know the CA. Start workers in a "
        "program: `Worker([queue], connection=client()).work()`.",
    ),
    Library(
        "Flask-Limiter",
        "flask_limiter",
        "Flask-Limiter 4.1 and limits 5.8",
        "app",
        """\
from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from envconn_redis import client

app = Flask("app")
limiter = Limiter(
    get_remote_address,
    app=app,
    default_limits=["100 per hour"],
    storage_uri="redis://",
    storage_options={"connection_pool": client().connection_pool},
)
app.add_url_rule("/", view_func=lambda: "limited")
""",
        _requested,
        note="`storage_uri` only names the kind of storage here: the pool has the server.",
    ),
    Library(
        "Flask-Caching",
        "flask_caching",
        "Flask-Caching 2.5",
        "app",
        """\
from flask import Flask
from flask_caching import Cache

from envconn_redis import client

app = Flask("app")
cache = Cache(app, config={"CACHE_TYPE": "RedisCache", "CACHE_REDIS_HOST": client()})
app.add_url_rule("/", view_func=cache.cached()(lambda: "cached"))
""",
        _requested,
        note="`CACHE_REDIS_HOST` takes a client as well as a hostname. A view that cannot reach the cache is answered "
        "without it, and the error is logged, unless the application is in debug mode.",
    ),
    Library(
        "Flask-Session",
        "flask_session",
        "Flask-Session 0.8",
        "app",
        """\
from flask import Flask, session
from flask_session import Session

from envconn_redis import client

app = Flask("app")
app.config.update(SESSION_TYPE="redis", SESSION_REDIS=client())
Session(app)
app.add_url_rule("/", view_func=lambda: session.setdefault("name", "kept"))
""",
        _requested,
        note="Without `SESSION_REDIS` it uses a Redis on localhost without TLS, and warns of it.",
    ),
    Library(
        "Dramatiq",
        "dramatiq",
        "Dramatiq 2.2",
        "broker",
        """\
from dramatiq.brokers.redis import RedisBroker

from envconn_redis import client

broker = RedisBroker(client=client())
""",
        _dramatiq,
        "RedisBroker(**kwargs())",
        "`RedisBackend`, for results, takes the same arguments.",
    ),
    Library(
        "arq",
        "arq",
        "arq 0.28 and redis-py 5.0: it does not support redis-py 6 and newer",
        "WorkerSettings",
        """\
from arq import ArqRedis

from envconn_redis import aclient


class WorkerSettings:
    functions = []
    redis_pool = ArqRedis(aclient().connection_pool)
""",
        _arq,
        note="Do not use its `RedisSettings`: `from_dsn()` drops the CA that a URL names, and the hostname is not "
        "checked unless `ssl_check_hostname=True` is set.",
    ),
    Library(
        "Huey",
        "huey",
        "Huey 3.5",
        "huey",
        """\
from huey import RedisHuey

from envconn_redis import client

huey = RedisHuey("app", connection_pool=client().connection_pool)
""",
        lambda huey: huey.put("answer", 42) or huey.get("answer"),
    ),
    Library(
        "django-redis",
        "django_redis",
        "django-redis 7.0",
        "CACHES",
        """\
from envconn_django import caches

CACHES = caches(backend="django_redis.cache.RedisCache")
""",
        _django_redis,
        note="Its own words: `USERNAME`, `PASSWORD`, `CONNECTION_POOL_CLASS` and `CONNECTION_POOL_KWARGS`. Add others "
        'with `CACHES["default"]["OPTIONS"] |= {...}`.',
    ),
    Library(
        "Channels",
        "channels_redis",
        "channels-redis 4.3",
        "CHANNEL_LAYERS",
        """\
from envconn_django import channel_layers

CHANNEL_LAYERS = channel_layers()
""",
        _channels,
        note='`channel_layers(backend="channels_redis.pubsub.RedisPubSubChannelLayer")` is the other layer. Without a '
        "Redis in the environment, the layer is in memory, for one process. Sentinels are an error.",
    ),
)
"""In the order of the page."""

HERE = [library for library in LIBRARIES if find_spec(library.package)]
"""Those that are installed: all but arq, which only the oldest corner has (tests/corners). It needs an old redis-py."""
