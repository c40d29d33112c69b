"""The DBAPI that opens a connection to a database: the one that is named, otherwise the first that is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Literal, get_args

from envconn.drivers.unsupported import refuse
from envconn.families import FAMILIES, MYSQL, POSTGRESQL
from envconn.tls import require_sealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.tls import SecuredConnection

Driver = Literal["psycopg", "psycopg2", "asyncpg", "pg8000", "pymysql", "mysqldb", "aiomysql", "asyncmy"]
"""The DBAPIs by their names in SQLAlchemy."""

_MEMBERS: tuple[Driver, ...] = get_args(Driver)

DRIVERS: dict[str, tuple[Driver, ...]] = {
    POSTGRESQL: ("psycopg", "psycopg2", "asyncpg", "pg8000"),
    # Built with MariaDB's library, as usual, mysqlclient cannot enforce TLS without a CA.
    MYSQL: ("pymysql", "mysqldb", "aiomysql", "asyncmy"),
}
"""Those of each family, the preferred one first."""

_SYNC = frozenset({"psycopg", "psycopg2", "pg8000", "pymysql", "mysqldb"})
_ASYNC = frozenset({"psycopg", "asyncpg", "aiomysql", "asyncmy"})
_MODULES = {"mysqldb": "MySQLdb"}
_PACKAGES = {"mysqldb": "mysqlclient"}


def choose(connection: SecuredConnection, driver: Driver | None = None, *, asynchronous: bool | None = None) -> Driver:
    """Return the DBAPI to use: `driver`, otherwise the one in the URL's scheme, otherwise the first installed.

    `driver` is ignored if it is for another family of databases: a program names one for all of its databases.
    `asynchronous` says what the engine needs, `None` if either will do. A DBAPI in the scheme
    of the other kind is ignored: the verdict is the same for all.

    Raises:
        ConfigurationError: the DBAPI is not installed, `driver` is of the wrong kind, or the service is
            neither PostgreSQL nor MySQL.
        TypeError: `connection` was not judged.
        ValueError: `driver` is unknown.
    """
    require_sealed(connection)
    if driver not in (None, *_MEMBERS):
        raise ValueError(f"driver must be one of {', '.join(_MEMBERS)}, or None")
    able = _able(connection, asynchronous=asynchronous)
    named = driver if driver in DRIVERS[connection.family] else _in_scheme(connection, able)
    if named is not None and named not in able:
        refuse(
            connection, f"{named} does not support this kind of engine. Use {' or '.join(able)}", "driver-unsuitable"
        )
    candidates = [named] if named else able
    found = next((each for each in candidates if find_spec(_MODULES.get(each, each))), None)
    if found is None:
        package = f"envconn[{_PACKAGES.get(candidates[0], candidates[0])}]"
        refuse(connection, f"{' or '.join(candidates)} is not installed. Run pip install '{package}'", "driver-missing")
    return found


def _able(connection: SecuredConnection, *, asynchronous: bool | None) -> list[Driver]:
    kind = {None: _SYNC | _ASYNC, False: _SYNC, True: _ASYNC}[asynchronous]
    if connection.family not in DRIVERS:
        refuse(
            connection, f"holds {FAMILIES[connection.family].title} connection, but SQLAlchemy requires a SQL database"
        )
    return [each for each in DRIVERS[connection.family] if each in kind]


def _in_scheme(connection: SecuredConnection, able: list[Driver]) -> Driver | None:
    named = connection.scheme.partition("+")[2].removesuffix("_async")
    return next((each for each in able if each == named), None)
