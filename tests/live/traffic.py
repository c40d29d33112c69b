"""Requests that never pause, through a pool: how many were served, repeated and lost.

A request whose connection is cut while it uses it is repeated, as every program has to that survives a failover. One
that gets no connection is lost, and so is one that is cut again and again.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import psycopg
import psycopg_pool
import sqlalchemy
from sqlalchemy import text

import envconn
import envconn_asyncpg
import envconn_psycopg
import envconn_sqlalchemy
from factories import ASYNCPG_FOLLOWS
from throwaway.process import wait

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from envconn import Services

    Served = Counter[str]

__all__ = ["PLAIN", "POOLS", "SIZE", "Cut", "all_are_open", "in_coroutines", "in_threads", "running"]

WORKERS = 8
SIZE = 4
QUERY = "select session_user::text, pg_sleep(0.005)::text"
_TRIES = SIZE + 1


class Cut(Exception):
    """The connection ended in the middle of a request."""


def served(request: Callable[[], object], counts: Served) -> None:
    """Serve one request, and count what it came to."""
    for _ in range(_TRIES):
        try:
            request()
        except Cut:
            counts["repeated"] += 1
        except Exception as error:  # noqa: BLE001 - whatever it is, the request is lost
            counts["lost"] += 1
            counts[f"{type(error).__name__}: {error}"] += 1
            return
        else:
            counts["served"] += 1
            return
    counts["lost"] += 1


@contextmanager
def running(pool: Callable[[Services], Any], services: Services) -> Iterator[Served]:
    """Have the workers busy while the block runs; the counts are complete after it."""
    counts: Served = Counter()
    over = threading.Event()
    with pool(services) as work:
        thread = threading.Thread(target=work, args=(counts, over))
        thread.start()
        try:
            yield counts
        finally:
            over.set()
            thread.join(20)
    assert not thread.is_alive()


def all_are_open(admin: psycopg.Connection[Any], role: str) -> None:
    """Wait until each of a pool's `SIZE` connections, which log in as `role`, has served a request.

    One that is cut while it is being opened would be lost, which is no fault of the pool.

    Raises:
        TimeoutError: the traffic has stopped.
    """
    used: set[int] = set()

    def done() -> bool:
        now = admin.execute("select pid, query from pg_stat_activity where usename = %s", [role]).fetchall()
        used.update(pid for pid, query in now if query == QUERY)
        return len(now) == SIZE and used >= {pid for pid, _ in now}

    wait(done, "a request on each connection", seconds=15)


def in_threads(request: Callable[[], object]) -> Callable[[Served, threading.Event], None]:
    """Return what has the workers make the `request` again and again, which raises `Cut` if it has to be repeated."""

    def one(counts: Served, over: threading.Event) -> None:
        while not over.is_set():
            served(request, counts)

    def all_of_them(counts: Served, over: threading.Event) -> None:
        threads = [threading.Thread(target=one, args=(counts, over)) for _ in range(WORKERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)

    return all_of_them


@contextmanager
def _psycopg(pool: psycopg_pool.ConnectionPool[psycopg.Connection]) -> Iterator[Any]:
    def request() -> None:
        connection = pool.getconn()
        try:
            with connection.transaction():
                connection.execute(QUERY)
        except psycopg.OperationalError:
            raise Cut from None
        finally:
            pool.putconn(connection)

    with pool:
        pool.wait(5)
        yield in_threads(request)


@contextmanager
def _sqlalchemy(engine: sqlalchemy.Engine) -> Iterator[Any]:
    def request() -> None:
        connection = engine.connect()
        try:
            with connection:
                connection.execute(text(QUERY))
        except sqlalchemy.exc.DBAPIError:
            raise Cut from None

    yield in_threads(request)
    engine.dispose()


async def _through_pool(pool: Any) -> None:
    connection = await pool.acquire()
    try:
        try:
            await connection.execute(QUERY)
        finally:
            await pool.release(connection)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
        raise Cut from None


async def _through_engine(engine: Any) -> None:
    connection = await engine.connect()
    try:
        try:
            await connection.execute(text(QUERY))
        finally:
            await connection.close()
    except sqlalchemy.exc.DBAPIError:
        raise Cut from None


@asynccontextmanager
async def _engine(services: Services) -> AsyncIterator[Any]:
    engine = envconn_sqlalchemy.create_async_engine(services, **{**_PINGED, "driver": "asyncpg"})
    yield engine
    await engine.dispose()


@contextmanager
def in_coroutines(make: Callable[[], Any], request: Callable[[Any], Awaitable[None]]) -> Iterator[Any]:
    """Yield what makes the `request` again and again in coroutines, to what `make` opens."""

    async def one(pool: Any, counts: Served, over: threading.Event) -> None:
        while not over.is_set():
            outcome: list[BaseException | None] = []
            for _ in range(_TRIES):
                [found] = await asyncio.gather(request(pool), return_exceptions=True)
                outcome.append(found)
                if not isinstance(found, Cut):
                    break

            def replay(outcome: list[BaseException | None] = outcome) -> None:
                if found := outcome.pop(0):
                    raise found

            served(replay, counts)

    async def all_of_them(counts: Served, over: threading.Event) -> None:
        async with make() as pool:
            await asyncio.gather(*(one(pool, counts, over) for _ in range(WORKERS)))

    yield lambda counts, over: asyncio.run(all_of_them(counts, over))


_CHECKED: dict[str, Any] = {
    "min_size": SIZE,
    "max_size": SIZE,
    "timeout": 5,
    "check": psycopg_pool.ConnectionPool.check_connection,
    "open": False,
}
_PINGED: dict[str, Any] = {"driver": "psycopg", "pool_size": SIZE, "max_overflow": 0, "pool_pre_ping": True}

POOLS: dict[str, Callable[[Services], Any]] = {
    "psycopg_pool": lambda services: _psycopg(envconn_psycopg.pool(services, **_CHECKED)),
    "sqlalchemy": lambda services: _sqlalchemy(envconn_sqlalchemy.create_engine(services, **_PINGED)),
    "sqlalchemy pg8000": lambda services: _sqlalchemy(
        envconn_sqlalchemy.create_engine(services, **{**_PINGED, "driver": "pg8000"})
    ),
    "sqlalchemy asyncpg": lambda services: in_coroutines(lambda: _engine(services), _through_engine),
    "asyncpg": lambda services: in_coroutines(
        lambda: envconn_asyncpg.create_pool(services, min_size=SIZE, max_size=SIZE), _through_pool
    ),
}
"""The pools that follow, each with the check of its own where it has one."""


def _alone(services: Services) -> envconn.SecuredConnection:
    """The default database, judged without its services, so that it follows nothing."""
    return envconn.secure(services.database.uri().reveal())


PLAIN: dict[str, Callable[[Services], Any]] = {
    "psycopg_pool": lambda services: _psycopg(
        psycopg_pool.ConnectionPool(kwargs=dict(envconn_psycopg.kwargs(services)), **(_CHECKED | {"timeout": 0.5}))
    ),
    "sqlalchemy": lambda services: _sqlalchemy(envconn_sqlalchemy.create_engine(_alone(services), **_PINGED)),
    "asyncpg": lambda services: in_coroutines(
        lambda: asyncpg.create_pool(**envconn_asyncpg.kwargs(services), min_size=SIZE, max_size=SIZE), _through_pool
    ),
}
"""The same pools with the arguments that they began with."""

if not ASYNCPG_FOLLOWS:
    del POOLS["asyncpg"], PLAIN["asyncpg"]
