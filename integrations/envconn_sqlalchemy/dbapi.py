"""The complete arguments of each DBAPI of SQLAlchemy for a connection, and what a program may add to them.

Arguments of the DBAPI override everything else in silence (``connect_args={"sslmode": "disable"}`` connects without
TLS), so only those are added that are known to decide neither the server, the login nor TLS.
"""

from __future__ import annotations

from collections.abc import Mapping

from envconn.drivers import asyncpg, libpq, mysql, mysql_asyncio, pg8000, psycopg
from envconn.drivers.allowed_options import permit
from envconn.records import TypedDict
from envconn.tls import TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from envconn.drivers.installed import Driver
    from envconn.tls import SecuredConnection


def arguments(connection: SecuredConnection, driver: Driver) -> dict[str, object]:
    """Return every argument with which `driver` opens the connection that was judged.

    Raises:
        ConfigurationError: the driver does not support what the connection requires.
        TypeError: `connection` was not judged.
    """
    return {**_ARGUMENTS[driver](connection)}


def merged(connection: SecuredConnection, driver: Driver, stated: Mapping[str, object]) -> dict[str, object]:
    """Return `arguments` with what the program has `stated` in ``connect_args`` or in the query of its URL.

    Raises:
        ConfigurationError: a stated argument decides on the server, the login or TLS, or does not work behind the
            pooler of the connection; or as for `arguments`.
    """
    permit(connection, driver, map(str, stated), "connect_args: ")
    ours = arguments(connection, driver)
    return ours | {name: _combined(ours.get(name), value) for name, value in stated.items()}


def _combined(ours: object, stated: object) -> object:
    return {**ours, **stated} if isinstance(ours, Mapping) and isinstance(stated, Mapping) else stated


class PoolOptions(TypedDict, total=False):
    """The options of a pool that a connection needs. `pool_recycle` is in seconds."""

    pool_pre_ping: bool
    pool_recycle: int


def pool_options(connection: SecuredConnection) -> PoolOptions:
    """Return when a pool checks or renews its connections, for ``sqlalchemy.create_engine``.

    They are checked before use, and renewed before the provider closes them, if it is known to close them. The pool
    is SQLAlchemy's default in every pool mode. Behind a pooler in transaction mode an idle connection holds no
    server; ``NullPool`` would need TLS and a login for every checkout, and would only hide statements that were
    prepared elsewhere. Those are turned off instead.
    """
    found: PoolOptions = {}
    features = connection.features
    limits = [seconds for seconds in (features.idle_seconds, features.lifetime_seconds) if seconds]
    if limits:
        found["pool_recycle"] = min(limits)
    if limits or features.suspends or connection.pooled:
        found["pool_pre_ping"] = True
    return found


def _asyncpg(connection: SecuredConnection) -> Mapping[str, object]:
    # The dialect has its own cache of prepared statements on top of asyncpg's.
    cache: dict[str, object] = {} if connection.features.prepared_statements else {"prepared_statement_cache_size": 0}
    return asyncpg.arguments(connection) | cache


def _mysql(connection: SecuredConnection, module: mysql.Module) -> Mapping[str, object]:
    return {**mysql.target(connection), "database": connection.dbname, **mysql.arguments(connection, module)}


def _aiomysql(connection: SecuredConnection) -> Mapping[str, object]:
    # Taken out by the dialect, which opens its connections with it (SQLAlchemy, Asyncio, "async_creator_fn").
    insisting = {"async_creator_fn": mysql_asyncio.connect} if connection.tls.level >= TlsLevel.ENCRYPTED else {}
    return {**mysql_asyncio.arguments(connection, "aiomysql"), **insisting}


_ARGUMENTS: dict[Driver, Callable[[SecuredConnection], Mapping[str, object]]] = {
    "psycopg": psycopg.arguments,
    "psycopg2": lambda connection: libpq.arguments(connection, libpq.version("psycopg2")),
    "asyncpg": _asyncpg,
    "pg8000": pg8000.arguments,
    "pymysql": lambda connection: _mysql(connection, "pymysql"),
    "mysqldb": lambda connection: _mysql(connection, "MySQLdb"),
    "aiomysql": _aiomysql,
    "asyncmy": lambda connection: mysql_asyncio.arguments(connection, "asyncmy"),
}

_NAMES: dict[str, tuple[Driver, ...]] = {"dbname": ("psycopg", "psycopg2"), "db": ("aiomysql", "asyncmy")}
DATABASE = dict.fromkeys(_ARGUMENTS, "database") | {driver: name for name, own in _NAMES.items() for driver in own}
"""The argument of each DBAPI that names the database."""

OTHER_DOORS = frozenset({"async_creator", "creator", "module", "pool", "url"})
"""Arguments of ``create_engine`` that open connections in another way."""
