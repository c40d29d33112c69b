"""SQLAlchemy's arguments for each DBAPI: the parts of its URL, ``connect_args``, and the options of its pool.

The URL holds user, password, database and one TCP host; several hosts and unix sockets are in
``connect_args``, because SQLAlchemy's URL has no place for them. Its query repeats the TLS level in
the DBAPI's words, so that a URL that is used without its ``connect_args`` is no weaker.

The pool is SQLAlchemy's default in every pool mode. Behind a pooler in transaction mode an idle
connection holds no server; ``NullPool`` would need TLS and a login for every checkout, and would
only hide statements that were prepared elsewhere. Those are turned off instead.
"""

from __future__ import annotations

from envconn.drivers import asyncpg, libpq, pg8000, psycopg
from envconn.records import TypedDict
from envconn.tls import TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envconn.drivers.installed import Driver
    from envconn.tls import SecuredConnection


_IN_URL = ("user", "password", "dbname", "database")


class Parts(TypedDict):
    """The arguments of ``sqlalchemy.URL.create``."""

    drivername: str
    username: str
    password: str | None
    host: str | None
    port: int | None
    database: str
    query: dict[str, str]


class Options(TypedDict, total=False):
    """The arguments of ``sqlalchemy.create_engine`` other than the URL. `pool_recycle` is in seconds."""

    connect_args: dict[str, object]
    pool_pre_ping: bool
    pool_recycle: int


def parts(connection: SecuredConnection, driver: Driver) -> Parts:
    """Return the parts of the URL, which must be used together with `options`.

    Raises:
        ConfigurationError: the DBAPI does not support what the connection requires.
        TypeError: `connection` was not judged.
    """
    given = _arguments(connection, driver)
    host, port = (given["host"], given["port"]) if _fits_url(connection) else (None, None)
    return {
        "drivername": f"postgresql+{driver}",
        "username": connection.user,
        "password": connection.password.reveal() if connection.password else None,
        "host": None if host is None else str(host),
        "port": None if port is None else int(str(port)),
        "database": connection.dbname,
        "query": _query(connection, driver),
    }


def options(connection: SecuredConnection, driver: Driver) -> Options:
    """Return the options of the engine: its connections' arguments, and when its pool checks or renews them.

    Connections are checked before use, and renewed before the provider closes them, if it
    is known to close them. Otherwise SQLAlchemy's defaults apply.

    Raises:
        ConfigurationError: the DBAPI does not support what the connection requires.
        TypeError: `connection` was not judged.
    """
    in_url = (*_IN_URL, "host", "port") if _fits_url(connection) else _IN_URL
    arguments = {name: value for name, value in _arguments(connection, driver).items() if name not in in_url}
    found: Options = {"connect_args": arguments}
    limits = [
        seconds for seconds in (connection.features.idle_seconds, connection.features.lifetime_seconds) if seconds
    ]
    if limits:
        found["pool_recycle"] = min(limits)
    if limits or connection.features.suspends or connection.pooled:
        found["pool_pre_ping"] = True
    return found


def _fits_url(connection: SecuredConnection) -> bool:
    return len(connection.hosts) == 1 and not connection.hosts[0].is_socket


def _arguments(connection: SecuredConnection, driver: Driver) -> Mapping[str, object]:
    return _ARGUMENTS[driver](connection)


def _asyncpg(connection: SecuredConnection) -> Mapping[str, object]:
    # The dialect has its own cache of prepared statements on top of asyncpg's.
    cache: dict[str, object] = {} if connection.features.prepared_statements else {"prepared_statement_cache_size": 0}
    return asyncpg.arguments(connection) | cache


_ARGUMENTS: dict[Driver, Callable[[SecuredConnection], Mapping[str, object]]] = {
    "psycopg": psycopg.arguments,
    "psycopg2": lambda connection: libpq.arguments(connection, libpq.version("psycopg2")),
    "asyncpg": _asyncpg,
    "pg8000": pg8000.arguments,
}


def _query(connection: SecuredConnection, driver: Driver) -> dict[str, str]:
    """Return the TLS level in the words of the DBAPI; ``connect_args`` override it with the same level."""
    verdict = connection.tls
    if driver == "asyncpg":
        return {"ssl": verdict.level.sslmode}
    if driver == "pg8000":
        # A text instead of a context: without the context in `connect_args`, pg8000 fails before it logs in.
        return {"ssl_context": "see engine_options"} if verdict.level >= TlsLevel.ENCRYPTED else {}
    return {"sslmode": verdict.level.sslmode, **({"sslrootcert": verdict.ca.file()} if verdict.ca else {})}
