"""Python's sqlite3: the arguments other than the path, which is `SecuredConnection.dbname`."""

from __future__ import annotations

from typing import cast

from envconn.drivers.unsupported import insist
from envconn.families import SQLITE
from envconn.records import TypedDict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from envconn.tls import SecuredConnection


class Arguments(TypedDict, total=False):
    """The arguments of ``sqlite3.connect``; `timeout` is in seconds. `transaction_mode` is Django's."""

    timeout: float
    detect_types: int
    isolation_level: str
    transaction_mode: str
    check_same_thread: bool
    cached_statements: int


def arguments(connection: SecuredConnection) -> Arguments:
    """Return the keyword arguments for ``sqlite3.connect`` that the URI states.

    Raises:
        ConfigurationError: it is not a SQLite connection, or states a parameter that sqlite3 does not support.
        TypeError: `connection` was not judged.
    """
    insist(connection, "sqlite3", SQLITE, _TYPES)
    return cast("Arguments", {name: _TYPES[name](value) for name, value in connection.parameters.items()})


_TYPES: dict[str, Callable[[str], object]] = {
    "timeout": float,
    "detect_types": int,
    "isolation_level": str,
    "transaction_mode": str,
    "check_same_thread": lambda text: text == "true",
    "cached_statements": int,
}
