"""Clients for `pooling`, one class for each way in which drivers are used.

A client runs statements, one transaction each, with its own number in the text, so that a statement of
another client shows.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from psycopg_pool import ConnectionPool
    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = ["Alchemy", "AsyncAlchemy", "Asyncpg", "AsyncpgPool", "Client", "DbApi", "PsycopgPool"]


class Client(Protocol):
    """An open connection."""

    def ask(self, number: int) -> int:
        """Return what the server makes of `number`, by a statement that only this number has, in a transaction."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class DbApi:
    """A client of a DB-API driver."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def ask(self, number: int) -> int:
        cursor = self._connection.cursor()
        cursor.execute(f"select {number} + %s", (0,))
        (found,) = cursor.fetchone()
        cursor.close()
        self._connection.commit()
        return int(found)

    def close(self) -> None:
        self._connection.close()


class PsycopgPool:
    """A client of psycopg_pool, which gives the connection back after every transaction."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        pool.open(wait=True, timeout=10)

    def ask(self, number: int) -> int:
        with self._pool.connection() as lent, lent.cursor() as cursor:
            cursor.execute(f"select {number} + %s", (0,))
            row = cursor.fetchone()
            assert row
            return int(row[0])

    def close(self) -> None:
        self._pool.close()


class Alchemy:
    """A client of an engine, whose pool keeps the one connection that it takes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def ask(self, number: int) -> int:
        with self._engine.begin() as connection:
            return int(connection.execute(text(f"select {number} + cast(:zero as integer)"), {"zero": 0}).scalar_one())

    def close(self) -> None:
        self._engine.dispose()


class _Async:
    """What asynchronous clients share: a loop of their own."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()

    def close(self) -> None:
        try:
            self._runner.run(self._close())
        finally:
            self._runner.close()

    async def _close(self) -> None:
        raise NotImplementedError


class AsyncAlchemy(_Async):
    """The same as `Alchemy`, of an asynchronous engine."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__()
        self._engine = engine

    def ask(self, number: int) -> int:
        return self._runner.run(self._ask(number))

    async def _ask(self, number: int) -> int:
        async with self._engine.begin() as connection:
            found = await connection.execute(text(f"select {number} + cast(:zero as integer)"), {"zero": 0})
            return int(found.scalar_one())

    async def _close(self) -> None:
        await self._engine.dispose()


class Asyncpg(_Async):
    """A client of asyncpg; `connect` is called in the loop."""

    def __init__(self, connect: Callable[[], Awaitable[Any]]) -> None:
        super().__init__()
        self._connection = self._opened(connect)

    def _opened(self, connect: Callable[[], Awaitable[Any]]) -> Any:
        async def opened() -> Any:
            return await connect()

        try:
            return self._runner.run(opened())
        except BaseException:
            self._runner.close()
            raise

    def ask(self, number: int) -> int:
        return self._runner.run(self._ask(self._connection, number))

    async def _ask(self, connection: Any, number: int) -> int:
        async with connection.transaction():
            return int(await connection.fetchval(f"select {number} + $1::integer", 0))

    async def _close(self) -> None:
        await self._connection.close()


class AsyncpgPool(Asyncpg):
    """The same with a connection that asyncpg's pool lends. It asks twice: with the pool's own reset, that is odd."""

    async def _ask(self, connection: Any, number: int) -> int:
        async with connection.acquire() as lent:
            await super()._ask(lent, number)
            return await super()._ask(lent, number)
