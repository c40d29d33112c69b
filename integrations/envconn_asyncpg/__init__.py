"""asyncpg: its connection arguments, a connection, and a pool.

    async with envconn_asyncpg.create_pool() as pool:
        await pool.fetch("select 1")

The arguments are complete: asyncpg gets no DSN, and reads nothing that matters from ``PG*`` variables.
"""

from __future__ import annotations

from asyncio import to_thread
from inspect import signature

import asyncpg as library

from envconn.drivers import asyncpg
from envconn.drivers.ssl_context import remembered
from envconn.rotation import alogin
from envconn.services import DATABASE_ONLY, ENVIRONMENT, database, resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from envconn import SecuredConnection
    from envconn.services import Source

__all__ = ["connect", "create_pool", "kwargs"]


def kwargs(source: Source = ENVIRONMENT, /) -> dict[str, Any]:
    """Return the keyword arguments for ``asyncpg.connect``. Printed, they show no secret.

    The first argument is a connection, or services, whose default database is used; `envconn.load()` if
    left out.

    Raises:
        ConfigurationError: the environment is wrong, or asyncpg does not support it.
        TypeError: the first argument was not judged, or is `None`.
    """
    return {**asyncpg.arguments(database(source))}


async def connect(source: Source = ENVIRONMENT, /, **options: Any) -> library.Connection:
    """Return an open connection; the first argument is that of `kwargs`.

    `options` are asyncpg's (``command_timeout``, ``statement_cache_size``, ...). With services, a login that
    fails is tried again if the environment has changed.

    Raises:
        ConfigurationError: as for `kwargs`; or one of `options` would affect the server or security.
        OSError, asyncpg.PostgresError: the server is unreachable, or does not match the configuration.
    """

    async def log_in(judged: SecuredConnection) -> library.Connection:
        return await library.connect(**await to_thread(asyncpg.merged, judged, options))

    return await alogin(source, log_in)


def create_pool(source: Source = ENVIRONMENT, /, **options: Any) -> library.Pool:
    """Return a pool to await or to enter; the first argument is that of `kwargs`.

    `options` are those of ``asyncpg.create_pool`` (``min_size``, ``max_size``, ``init``, ...) and of its
    connections. Each connection is opened as by `connect`. The pool of asyncpg 0.29 opens them itself, with the
    current password of the services, and never tries again.

    Raises:
        ConfigurationError: as for `connect`.
    """
    services = resolve(source, DATABASE_ONLY)
    found = database(services)
    ours, stated = asyncpg.parted(found, options)
    arguments = remembered(lambda judged: asyncpg.merged(judged, stated))

    async def opened(*_: object, **pooled: Any) -> library.Connection:
        async def log_in(judged: SecuredConnection) -> library.Connection:
            return await library.connect(**{**pooled, **await to_thread(arguments, judged)})

        return await alogin(services, log_in)

    async def password() -> str | None:
        return await alogin(services, asyncpg.password)

    # Also if it is not needed, because it raises for what asyncpg does not support.
    given: dict[str, Any] = {**asyncpg.asking(found, password), **stated}
    if "connect" in signature(library.create_pool).parameters:
        given = {"connect": opened}
    return library.create_pool(**{**asyncpg.pool_options(found), **given, **ours})
