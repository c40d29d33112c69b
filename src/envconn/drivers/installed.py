"""The PostgreSQL driver that opens a connection: the one that is named, otherwise the first that is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Literal, get_args

from envconn.drivers.unsupported import refuse
from envconn.families import POSTGRESQL
from envconn.tls import require_sealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.tls import SecuredConnection

Driver = Literal["psycopg", "psycopg2", "asyncpg", "pg8000"]
"""The DBAPIs by their names in SQLAlchemy, the preferred one first."""

_DRIVERS: tuple[Driver, ...] = get_args(Driver)
_SYNC = frozenset({"psycopg", "psycopg2", "pg8000"})
_ASYNC = frozenset({"psycopg", "asyncpg"})


def choose(connection: SecuredConnection, driver: Driver | None = None, *, asynchronous: bool | None = None) -> Driver:
    """Return the DBAPI to use: `driver`, otherwise the one in the URL's scheme, otherwise the first installed.

    `asynchronous` says what the engine needs, `None` if either will do. A DBAPI in the scheme
    of the other kind is ignored: the verdict is the same for all.

    Raises:
        ConfigurationError: the DBAPI is not installed, `driver` is of the wrong kind, or the service is
            not PostgreSQL.
        TypeError: `connection` was not judged.
        ValueError: `driver` is unknown.
    """
    require_sealed(connection)
    if driver not in (None, *_DRIVERS):
        raise ValueError(f"driver must be one of {', '.join(_DRIVERS)}, or None")
    if connection.family != POSTGRESQL:
        refuse(connection, f"holds a {connection.family} connection, but a PostgreSQL one is required for SQLAlchemy")
    able = {None: _SYNC | _ASYNC, False: _SYNC, True: _ASYNC}[asynchronous]
    if driver is not None and driver not in able:
        refuse(
            connection,
            f"{driver} does not support this kind of engine. Use {' or '.join(sorted(able))}",
            "driver-unsuitable",
        )
    named = driver or _in_scheme(connection, able)
    candidates = [named] if named else [each for each in _DRIVERS if each in able]
    found = next((each for each in candidates if find_spec(each)), None)
    if found is None:
        message = f"{' or '.join(candidates)} is not installed. Run pip install envconn[{candidates[0]}]"
        refuse(connection, message, "driver-missing")
    return found


def _in_scheme(connection: SecuredConnection, able: frozenset[str]) -> Driver | None:
    named = connection.scheme.partition("+")[2].removesuffix("_async")
    return next((each for each in _DRIVERS if each == named and each in able), None)
