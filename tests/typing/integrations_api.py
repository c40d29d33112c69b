"""What callers write with the integrations. Type checkers read this file, and nothing runs it; see test_types.py."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# asyncpg publishes no types.

from __future__ import annotations

from typing import Any, assert_type

import asyncpg
import psycopg
import psycopg2
import redis
import sqlalchemy
from flask import Flask
from psycopg.rows import dict_row
from redis import asyncio as aioredis
from sqlalchemy.ext.asyncio import AsyncEngine

import envconn
import envconn_asyncpg
import envconn_celery
import envconn_django
import envconn_flask
import envconn_psycopg
import envconn_redis
import envconn_sqlalchemy

services = envconn.load()
database = services.database

# psycopg 3 and psycopg2: dictionaries like any other, and the driver's own options.
arguments: dict[str, Any] = envconn_psycopg.kwargs()
more: dict[str, Any] = {**envconn_psycopg.kwargs(services), "autocommit": True}
host: str = envconn_psycopg.kwargs(database)["host"]
psycopg.connect(**envconn_psycopg.kwargs())
psycopg.connect(**more)
psycopg2.connect(**envconn_psycopg.kwargs(database, driver="psycopg2"))
with envconn_psycopg.connect(row_factory=dict_row, application_name="job") as connection:
    connection.execute("select 1")
with envconn_psycopg.connect(services["analytics"], autocommit=True) as tuples:
    assert_type(tuples, psycopg.Connection)
with envconn_psycopg.pool(services, min_size=1, max_size=5, open=True) as pool, pool.connection() as lent:
    assert_type(lent, psycopg.Connection)

# Django, Flask, Celery: settings that are written into settings.
DATABASES: dict[str, dict[str, Any]] = envconn_django.databases()
CACHES: dict[str, dict[str, Any]] = envconn_django.caches(backend="django_redis.cache.RedisCache")
CHANNEL_LAYERS: dict[str, dict[str, Any]] = envconn_django.channel_layers()
DATABASES["default"]["OPTIONS"]["application_name"] = "shop"
envconn_django.databases(services, pool={"max_size": 10}, rotate=True)
app = Flask(__name__)
app.config.update(envconn_flask.config(services, engine_options={"pool_size": 5}))
envconn_flask.EnvConn(app, services=services, engine_options={"pool_size": 5})
extension = envconn_flask.EnvConn()
extension.init_app(app)
assert_type(extension.services, envconn.Services | envconn.SecuredConnection)
settings: dict[str, Any] = envconn_celery.config()
envconn_celery.config(services, results="cache")
envconn_celery.config(services, results=None)

# SQLAlchemy.
engine = envconn_sqlalchemy.create_engine(services, pool_size=5, connect_args={"application_name": "shop"})
assert_type(engine, sqlalchemy.Engine)
assert_type(envconn_sqlalchemy.create_async_engine(driver="asyncpg"), AsyncEngine)
sqlalchemy.create_engine(envconn_sqlalchemy.url(database), **envconn_sqlalchemy.engine_options(database))

# redis-py.
assert_type(envconn_redis.client(services, decode_responses=True), redis.Redis)
assert_type(envconn_redis.aclient(services["sessions"], max_connections=5), aioredis.Redis)
redis.Redis(**envconn_redis.kwargs())


async def asynchronously() -> None:
    """Open connections in a coroutine."""
    await asyncpg.connect(**envconn_asyncpg.kwargs())
    await envconn_asyncpg.connect(services, command_timeout=5)
    async with envconn_asyncpg.create_pool(services, min_size=1, max_size=5, command_timeout=5):
        pass
    async with await envconn_psycopg.aconnect(row_factory=dict_row) as connection:
        await connection.execute("select 1")
