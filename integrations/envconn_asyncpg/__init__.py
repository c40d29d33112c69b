"""asyncpg: its connection arguments, a connection, and a pool.

    async with envconn_asyncpg.create_pool() as pool:
        await pool.fetch("select 1")

The arguments are complete: asyncpg is given no DSN, and nothing that decides is left to ``PG*`` variables.
"""

from __future__ import annotations

from inspect import signature

import asyncpg as library

import envconn
from envconn.drivers import asyncpg
from envconn.drivers.ssl_context import remembered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

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

    Of services, a login that fails is tried once more if the environment has changed (`envconn.login`).

    Raises:
        ConfigurationError: as for `kwargs`.
        OSError, asyncpg.PostgresError: the server cannot be reached, or does not keep what was promised.
    """
    return await envconn.alogin(source, lambda judged: library.connect(**asyncpg.arguments(judged)))


def create_pool(
    source: Services | SecuredConnection | None = None, *, min_size: int = 10, max_size: int = 10
) -> library.Pool:
    """Make a pool of `min_size` to `max_size` connections, to be awaited or entered; errors are those of `connect`.

    Each connection is opened as by `connect`. The pool of asyncpg 0.29 opens them itself, with the password that
    `source` has by then, and tries none of them twice.
    For asyncpg's other options: ``asyncpg.create_pool(**envconn_asyncpg.pool_kwargs(), init=...)``.
    """
    source = envconn.load() if source is None else source
    found, arguments = envconn.database(source), remembered(asyncpg.arguments)

    async def opened(*_: object, **pooled: Any) -> library.Connection:
        return await envconn.alogin(source, lambda judged: library.connect(**{**pooled, **arguments(judged)}))

    async def password() -> str | None:
        return await envconn.alogin(source, asyncpg.password)

    given = asyncpg.asking(found, password)  # also where it is not needed: what asyncpg cannot do is refused here
    if "connect" in signature(library.create_pool).parameters:
        given = {"connect": opened}
    return library.create_pool(**{**asyncpg.pool_options(found), **given}, min_size=min_size, max_size=max_size)
