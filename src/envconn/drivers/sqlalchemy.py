"""What SQLAlchemy is given, for each DBAPI: the parts of its URL, ``connect_args``, and how its pool behaves.

The URL holds user, password, database and one TCP host; several hosts and unix sockets go into
``connect_args``, because SQLAlchemy's URL has no place for them. Its query repeats the TLS level in
the DBAPI's words, so that a URL which went astray without its ``connect_args`` is no weaker.

The pool stays SQLAlchemy's own in every pool mode. Behind a pooler in transaction mode an idle
connection holds no server; ``NullPool`` would pay for TLS and a login at every checkout, and would
only hide statements that were prepared elsewhere. Those are turned off instead.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, TypedDict, get_args

from envconn.drivers import asyncpg, libpq, pg8000, psycopg
from envconn.drivers.hidden import hide
from envconn.drivers.refusal import refuse
from envconn.tls import TlsLevel, require_sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envconn.tls import SecuredConnection

__all__ = ["Driver", "Options", "Parts", "choose", "options", "parts"]

Driver = Literal["psycopg", "psycopg2", "asyncpg", "pg8000"]
"""The DBAPIs by the names that SQLAlchemy knows them by, the preferred one first."""

_DRIVERS: tuple[Driver, ...] = get_args(Driver)
_SYNC = frozenset({"psycopg", "psycopg2", "pg8000"})
_ASYNC = frozenset({"psycopg", "asyncpg"})
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
    """The arguments of ``sqlalchemy.create_engine`` beside the URL. `pool_recycle` is in seconds."""

    connect_args: dict[str, object]
    pool_pre_ping: bool
    pool_recycle: int


def choose(connection: SecuredConnection, driver: Driver | None = None, *, asynchronous: bool | None = None) -> Driver:
    """Return the DBAPI to use: `driver`, else the one in the URL's scheme, else the first that is installed.

    `asynchronous` says what the engine needs, `None` that it does not matter. A DBAPI in the scheme
    that is of the other sort is passed over: the verdict is the same in all.

    Raises:
        ConfigurationError: the DBAPI is not installed, `driver` is of the wrong sort, or the service is
            not PostgreSQL.
        TypeError: `connection` was not judged.
    """
    require_sealed(connection)
    if connection.kind != "postgresql":
        refuse(connection, f"holds a {connection.kind} connection; SQLAlchemy is given PostgreSQL's alone")
    able = {None: _SYNC | _ASYNC, False: _SYNC, True: _ASYNC}[asynchronous]
    if driver is not None and driver not in able:
        refuse(
            connection, f"{driver} cannot drive this engine; choose {' or '.join(sorted(able))}", "driver-unsuitable"
        )
    named = driver or _in_scheme(connection, able)
    candidates = [named] if named else [each for each in _DRIVERS if each in able]
    found = next((each for each in candidates if find_spec(each)), None)
    if found is None:
        message = f"{' or '.join(candidates)} is needed and not installed; pip install envconn[{candidates[0]}]"
        refuse(connection, message, "driver-missing")
    return found


def _in_scheme(connection: SecuredConnection, able: frozenset[str]) -> Driver | None:
    named = connection.scheme.partition("+")[2].removesuffix("_async")
    return next((each for each in _DRIVERS if each == named and each in able), None)


def parts(connection: SecuredConnection, driver: Driver) -> Parts:
    """Return the parts of the URL. It is complete only together with `options`.

    Raises:
        ConfigurationError: the DBAPI cannot do what the connection asks for.
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
    """Return the options of the engine: what its connections are opened with, and when its pool checks or renews them.

    Connections are checked before use, and renewed before the provider would drop them, where one
    is known to drop them. Elsewhere SQLAlchemy's defaults hold.

    Raises:
        ConfigurationError: the DBAPI cannot do what the connection asks for.
        TypeError: `connection` was not judged.
    """
    in_url = (*_IN_URL, "host", "port") if _fits_url(connection) else _IN_URL
    arguments = {name: value for name, value in _arguments(connection, driver).items() if name not in in_url}
    found: Options = {"connect_args": hide(arguments)}
    limits = [seconds for seconds in (connection.idle_seconds, connection.lifetime_seconds) if seconds]
    if limits:
        found["pool_recycle"] = min(limits)
    if limits or connection.suspends or connection.pooled:
        found["pool_pre_ping"] = True
    return found


def _fits_url(connection: SecuredConnection) -> bool:
    return len(connection.hosts) == 1 and not connection.hosts[0].is_socket


def _arguments(connection: SecuredConnection, driver: Driver) -> Mapping[str, object]:
    return _ARGUMENTS[driver](connection)


def _asyncpg(connection: SecuredConnection) -> Mapping[str, object]:
    # The dialect keeps prepared statements of its own above asyncpg's.
    cache: dict[str, object] = {} if connection.prepared_statements else {"prepared_statement_cache_size": 0}
    return asyncpg.arguments(connection) | cache


_ARGUMENTS: dict[Driver, Callable[[SecuredConnection], Mapping[str, object]]] = {
    "psycopg": psycopg.arguments,
    "psycopg2": lambda connection: libpq.arguments(connection, libpq.version("psycopg2")),
    "asyncpg": _asyncpg,
    "pg8000": pg8000.arguments,
}


def _query(connection: SecuredConnection, driver: Driver) -> dict[str, str]:
    """The TLS level in the words of the DBAPI; ``connect_args`` are stronger and say the same."""
    verdict = connection.tls
    if driver == "asyncpg":
        return {"ssl": verdict.level.sslmode}
    if driver == "pg8000":
        # A text is no context: without the one in `connect_args`, pg8000 fails before it logs in.
        return {"ssl_context": "see engine_options"} if verdict.level >= TlsLevel.ENCRYPTED else {}
    return {"sslmode": verdict.level.sslmode, **({"sslrootcert": verdict.ca.file()} if verdict.ca else {})}
