"""SQLAlchemy 2.0 and newer: engines, sync and async, and the URL that is complete by itself.

    engine = envconn_sqlalchemy.create_engine()
    engine = sqlalchemy.create_engine(envconn_sqlalchemy.url(), pool_size=5)    # the same connection

The URL holds neither a password nor TLS settings, but the name of a connection, which SQLAlchemy's plugin
``envconn`` opens: ``postgresql+psycopg://app@host:5432/app?plugin=envconn&envconn=database``. However the engine is
made, its connection is the judged one, or it is refused.

The database's driver is the one that the URL's scheme names (``postgresql+asyncpg``), otherwise the
first installed one of psycopg, psycopg2, asyncpg and pg8000, or of PyMySQL, mysqlclient, aiomysql and asyncmy;
`driver` chooses another.

For migrations, without any pooler and one connection at a time:
``create_engine(services.connection(pooled=False), poolclass=sqlalchemy.NullPool)``.
"""

from __future__ import annotations

import sqlalchemy
from sqlalchemy.dialects import plugins

from envconn.services import ENVIRONMENT, database
from envconn_sqlalchemy import dbapi, engine, urls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy.ext.asyncio import AsyncEngine

    from envconn.drivers.installed import Driver
    from envconn.services import Source

__all__ = ["create_async_engine", "create_engine", "engine_options", "url"]

# So that it is found where envconn was not installed, but put on the path.
plugins.register(urls.PLUGIN, "envconn_sqlalchemy.engine", "Plugin")
plugins.register(urls.BUILD, "envconn_sqlalchemy.engine", "NoDatabase")


def url(source: Source = ENVIRONMENT, /, *, driver: Driver | None = None) -> sqlalchemy.URL:
    """Return the URL of the database. It is complete: nothing that is added to it can weaken its connections.

    The first argument is a connection, or services, whose default database is used; `envconn.load()` if
    left out. `driver` is the DBAPI, chosen as described above if left out.

    The URL contains no password, and is valid in this process; with the name of a service, which stands in
    its parameter ``envconn``, in every process that has the same environment. Another database of the same server may
    be put into it. For SQLite, it is an ordinary URL.

    Raises:
        ConfigurationError: the environment is wrong, or the driver does not support it or is not installed.
        TypeError: the first argument was not judged, or is `None`.
    """
    return engine.address(database(source), driver)


def engine_options(source: Source = ENVIRONMENT, /) -> dict[str, Any]:
    """Return the options of the pool that an engine for `url` has unless it is made with others.

    The first argument is that of `url`.

    Raises:
        ConfigurationError, TypeError: as for `url`.
    """
    return {**dbapi.pool_options(database(source))}


def create_engine(
    source: Source = ENVIRONMENT, /, *, driver: Driver | None = None, **options: Any
) -> sqlalchemy.Engine:
    """Return an engine for the database; the first argument and `driver` are those of `url`.

    `options` are those of ``sqlalchemy.create_engine`` (``pool_size``, ``echo``, ...). If a login fails, and the
    connection is from services, it is tried again if the environment has changed.

    Raises:
        ConfigurationError: as for `url`; or `options` could weaken or redirect its connections.
    """
    judged = engine.address(database(source), driver, options, asynchronous=False)
    return sqlalchemy.create_engine(judged, **options)


def create_async_engine(
    source: Source = ENVIRONMENT, /, *, driver: Driver | None = None, **options: Any
) -> AsyncEngine:
    """Return an asynchronous engine; the first argument and `driver` are those of `url`.

    `driver` is psycopg or asyncpg, aiomysql or asyncmy. SQLite needs aiosqlite. `options` are those of
    ``sqlalchemy.ext.asyncio.create_async_engine``. It needs greenlet, which the extra ``sqlalchemy`` installs.

    Raises:
        ConfigurationError: as for `create_engine`.
    """
    from sqlalchemy.ext import asyncio

    judged = engine.address(database(source), driver, options, asynchronous=True)
    return asyncio.create_async_engine(judged, **options)
