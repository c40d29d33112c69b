"""Every connection factory that follows a rotation, by name: who it is that a new connection is logged in as."""

from __future__ import annotations

import asyncio
from contextlib import closing, contextmanager
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any

import asyncpg
import flask
import flask_sqlalchemy
import psycopg2
import psycopg_pool
from sqlalchemy import text

import envconn_asyncpg
import envconn_flask
import envconn_psycopg
import envconn_sqlalchemy
from envconn.rotation import login

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from envconn import SecuredConnection, Services
    from envconn.drivers.installed import Driver

    Source = Services | SecuredConnection
    Ask = Callable[[], object]

__all__ = ["ASYNCPG_FOLLOWS", "FACTORIES", "FOLLOWING", "POOLED", "opened"]

WHO = "select session_user::text"


@contextmanager
def opened(name: str, source: Source) -> Iterator[Ask]:
    """Make what the factory makes of `source`; each call of what is yielded needs a connection that works."""
    with FACTORIES[name](source) as ask:
        yield ask


@contextmanager
def _psycopg(source: Source) -> Iterator[Ask]:
    def ask() -> object:
        with envconn_psycopg.connect(source) as connection:
            return _first(connection.execute(WHO).fetchone())

    yield ask


@contextmanager
def _apsycopg(source: Source) -> Iterator[Ask]:
    async def ask() -> object:
        async with await envconn_psycopg.aconnect(source) as connection:
            return _first(await (await connection.execute(WHO)).fetchone())

    yield lambda: asyncio.run(ask())


@contextmanager
def _psycopg2(source: Source) -> Iterator[Ask]:
    """By hand, as the page on rotation has it."""

    def connect(judged: SecuredConnection) -> Any:
        return psycopg2.connect(**envconn_psycopg.kwargs(judged, driver="psycopg2"))

    def ask() -> object:
        with closing(login(source, connect)) as connection, connection.cursor() as cursor:
            cursor.execute(WHO)
            return _first(cursor.fetchone())

    yield ask


@contextmanager
def _pool(source: Source) -> Iterator[Ask]:
    check = psycopg_pool.ConnectionPool.check_connection

    with envconn_psycopg.pool(source, min_size=1, max_size=1, check=check, timeout=1.5, open=True) as pool:

        def ask() -> object:
            with pool.connection() as connection:
                return _first(connection.execute(WHO).fetchone())

        yield ask


@contextmanager
def _apool(source: Source) -> Iterator[Ask]:
    check = psycopg_pool.AsyncConnectionPool.check_connection
    pool = envconn_psycopg.apool(source, min_size=1, max_size=1, check=check, timeout=1.5, open=False)

    async def ask() -> object:
        async with pool.connection() as connection:
            return _first(await (await connection.execute(WHO)).fetchone())

    with asyncio.Runner() as runner:
        runner.run(pool.open())
        try:
            yield lambda: runner.run(ask())
        finally:
            runner.run(pool.close())


@contextmanager
def _asyncpg(source: Source) -> Iterator[Ask]:
    async def ask() -> object:
        connection = await envconn_asyncpg.connect(source)
        try:
            return await connection.fetchval(WHO)
        finally:
            await connection.close()

    yield lambda: asyncio.run(ask())


@contextmanager
def _asyncpg_pool(source: Source) -> Iterator[Ask]:
    async def make() -> Any:
        return await envconn_asyncpg.create_pool(source, min_size=0, max_size=1)

    with asyncio.Runner() as runner:
        pool = runner.run(make())

        async def ask() -> object:
            await asyncio.sleep(0.05)  # the loop was not running, and has to be told what happened meanwhile
            return await pool.fetchval(WHO)

        try:
            yield lambda: runner.run(ask())
        finally:
            pool.terminate()


@contextmanager
def _engine(source: Source, *, driver: Driver) -> Iterator[Ask]:
    engine = envconn_sqlalchemy.create_engine(source, driver=driver, pool_pre_ping=True, pool_size=1)

    def ask() -> object:
        with engine.connect() as connection:
            return connection.execute(text(WHO)).scalar()

    yield ask
    engine.dispose()


@contextmanager
def _async_engine(source: Source, *, driver: Driver) -> Iterator[Ask]:
    engine = envconn_sqlalchemy.create_async_engine(source, driver=driver, pool_pre_ping=True, pool_size=1)

    async def ask() -> object:
        async with engine.connect() as connection:
            return (await connection.execute(text(WHO))).scalar()

    with asyncio.Runner() as runner:
        yield lambda: runner.run(ask())
        runner.run(engine.dispose())


@contextmanager
def _flask(source: Source) -> Iterator[Ask]:
    app, database = flask.Flask("rotating"), flask_sqlalchemy.SQLAlchemy()
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_pre_ping": True}
    envconn_flask.EnvConn(app, services=source)
    database.init_app(app)

    def ask() -> object:
        with app.app_context():
            return database.session.execute(text(WHO)).scalar()

    yield ask
    with app.app_context():
        database.engine.dispose()


def _first(row: Any) -> object:
    assert row
    return row[0]


FACTORIES: dict[str, Callable[[Source], Any]] = {
    "psycopg.connect": _psycopg,
    "psycopg.aconnect": _apsycopg,
    "psycopg.pool": _pool,
    "psycopg.apool": _apool,
    "psycopg2": _psycopg2,
    "asyncpg.connect": _asyncpg,
    "asyncpg.create_pool": _asyncpg_pool,
    **{f"sqlalchemy {driver}": partial(_engine, driver=driver) for driver in ("psycopg", "psycopg2", "pg8000")},
    **{f"sqlalchemy async {driver}": partial(_async_engine, driver=driver) for driver in ("psycopg", "asyncpg")},
    "flask": _flask,
}

ASYNCPG_FOLLOWS = "connect" in signature(asyncpg.create_pool).parameters
"""Whether its pool accepts a function that opens connections; that of 0.29 does not."""

FOLLOWING = [name for name in FACTORIES if ASYNCPG_FOLLOWS or name != "asyncpg.create_pool"]
"""Those that try a login a second time."""

POOLED = frozenset(FACTORIES) - {"psycopg.connect", "psycopg.aconnect", "psycopg2", "asyncpg.connect"}
"""Those that keep a connection, so that a new one is only made when it is gone."""
