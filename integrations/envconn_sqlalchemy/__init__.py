"""SQLAlchemy 2.0 and newer: engines, sync and async, and their arguments.

    engine = envconn_sqlalchemy.create_engine()

The database's driver is the one that the URL's scheme names (``postgresql+asyncpg``), otherwise the
first installed one of psycopg, psycopg2, asyncpg and pg8000; `driver` chooses another.

For migrations, without any pooler and one connection at a time:
``create_engine(services.connection(pooled=False), poolclass=sqlalchemy.NullPool)``.
"""

from __future__ import annotations

import sqlalchemy
from sqlalchemy import event
from sqlalchemy.dialects import plugins

from envconn.drivers import installed
from envconn.services import ENVIRONMENT, database, resolve
from envconn_sqlalchemy import dbapi as driving
from envconn_sqlalchemy import engine as engines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from sqlalchemy.ext.asyncio import AsyncEngine

    from envconn import SecuredConnection, Services
    from envconn.drivers.installed import Driver
    from envconn.services import Source

__all__ = ["create_async_engine", "create_engine", "engine_options", "url"]


def url(source: Source = ENVIRONMENT, /, *, driver: Driver | None = None) -> sqlalchemy.URL:
    """Return the URL of the database. It must be used together with `engine_options`.

    The first argument is a connection, or services, whose default database is used; `envconn.load()` if
    left out. `driver` is the DBAPI, chosen as described above if left out. Printing the URL shows no password.

    Raises:
        ConfigurationError: the environment is wrong, or the driver does not support it or is not installed.
        TypeError: the first argument was not judged, or is `None`.
    """
    connection = database(source)
    return sqlalchemy.URL.create(**driving.parts(connection, installed.choose(connection, driver)))


def engine_options(source: Source = ENVIRONMENT, /, *, driver: Driver | None = None) -> dict[str, Any]:
    """Return the arguments of ``create_engine`` other than the URL: ``connect_args``, and when the pool renews.

    The first argument and `driver` are those of `url`; both must be given the same.

    Raises:
        ConfigurationError, TypeError: as for `url`.
    """
    connection = database(source)
    return {**driving.options(connection, installed.choose(connection, driver))}


def create_engine(
    source: Source = ENVIRONMENT, /, *, driver: Driver | None = None, **options: Any
) -> sqlalchemy.Engine:
    """Return an engine for the database; the first argument and `driver` are those of `url`.

    `options` are those of ``sqlalchemy.create_engine`` (``pool_size``, ``echo``, ...). With services, a login that
    fails is tried again if the environment has changed; for a connection of these, a ``do_connect`` listener of the
    program is not called.

    Raises:
        ConfigurationError: as for `url`; or `options` could weaken or redirect its connections.
    """
    services = resolve(source)
    chosen = installed.choose(database(services), driver, asynchronous=False)
    connection, address, given = _parts(services, chosen, options)
    return _guarded(sqlalchemy.create_engine(address, **given), connection, chosen)


def create_async_engine(
    source: Source = ENVIRONMENT, /, *, driver: Driver | None = None, **options: Any
) -> AsyncEngine:
    """Return an asynchronous engine, with psycopg or asyncpg; the first argument and `driver` are those of `url`.

    `options` are those of ``sqlalchemy.ext.asyncio.create_async_engine``. It needs greenlet, which the extra
    ``sqlalchemy`` installs.

    Raises:
        ConfigurationError: as for `create_engine`.
    """
    from sqlalchemy.ext import asyncio

    services = resolve(source)
    chosen = installed.choose(database(services), driver, asynchronous=True)
    connection, address, given = _parts(services, chosen, options)
    engine = asyncio.create_async_engine(address, **given)
    _guarded(engine.sync_engine, connection, chosen)
    return engine


def _parts(
    source: Services | SecuredConnection, chosen: Driver, stated: Mapping[str, object]
) -> tuple[SecuredConnection, sqlalchemy.URL, dict[str, Any]]:
    connection = engines.before_login(database(source))
    given = engines.merged(connection, chosen, stated) | engines.followed(source, connection, chosen, stated)
    plugins.register(engines.PLUGIN, "envconn_sqlalchemy.engine", "Plugin")
    return connection, sqlalchemy.URL.create(**driving.parts(connection, chosen)), given


def _guarded(engine: sqlalchemy.Engine, connection: SecuredConnection, driver: Driver) -> sqlalchemy.Engine:
    for moment in ("set_connection_execution_options", "set_engine_execution_options"):
        event.listen(engine, moment, engines.guard(connection, driver))
    return engine
