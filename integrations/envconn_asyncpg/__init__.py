"""asyncpg: its connection arguments, a connection, and a pool.

    async with envconn_asyncpg.create_pool() as pool:
        await pool.fetch("select 1")

The arguments are complete: asyncpg is given no DSN, and nothing that decides is left to ``PG*`` variables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg as library

import envconn
from envconn.drivers import asyncpg

if TYPE_CHECKING:
    from envconn import SecuredConnection, Services

__all__ = ["connect", "create_pool", "kwargs", "pool_kwargs"]


def kwargs(source: Services | SecuredConnection | None = None) -> asyncpg.Arguments:
    """Return the keyword arguments for ``asyncpg.connect``.

    `source` is a connection, or services whose default database is meant; `envconn.load()` when
    left out.

    Raises:
        ConfigurationError: the environment is wrong, or asyncpg cannot honour it.
    """
    return asyncpg.arguments(envconn.database(source))


def pool_kwargs(source: Services | SecuredConnection | None = None) -> asyncpg.PoolArguments:
    """Return the keyword arguments for ``asyncpg.create_pool``; argument and errors are those of `kwargs`."""
    return asyncpg.pool_arguments(envconn.database(source))


async def connect(source: Services | SecuredConnection | None = None) -> library.Connection:
    """Open a connection to the database of `source`, as for `kwargs`.

    Raises:
        ConfigurationError: as for `kwargs`.
        OSError, asyncpg.PostgresError: the server cannot be reached, or does not keep what was promised.
    """
    return await library.connect(**kwargs(source))


def create_pool(
    source: Services | SecuredConnection | None = None, *, min_size: int = 10, max_size: int = 10
) -> library.Pool:
    """Make a pool of `min_size` to `max_size` connections, to be awaited or entered; errors are those of `connect`.

    For asyncpg's other options: ``asyncpg.create_pool(**envconn_asyncpg.pool_kwargs(), init=...)``.
    """
    return library.create_pool(**pool_kwargs(source), min_size=min_size, max_size=max_size)
