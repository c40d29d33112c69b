"""psycopg 3 and psycopg2: their connection arguments, and a connection.

    import envconn_psycopg

    with envconn_psycopg.connect() as connection:
        connection.execute("select 1")

The arguments are complete: no ``PG*`` variable, service file or file under ``~/.postgresql`` can
weaken or redirect the connection they make. Handing psycopg further TLS arguments beside them
would, so do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

import envconn
from envconn.drivers import libpq
from envconn.drivers import psycopg as psycopg3

if TYPE_CHECKING:
    import psycopg

    from envconn import SecuredConnection, Services

__all__ = ["aconnect", "connect", "kwargs"]


@overload
def kwargs(
    source: Services | SecuredConnection | None = None, *, driver: Literal["psycopg"] = "psycopg"
) -> psycopg3.Arguments: ...
@overload
def kwargs(source: Services | SecuredConnection | None = None, *, driver: Literal["psycopg2"]) -> libpq.Arguments: ...
def kwargs(
    source: Services | SecuredConnection | None = None, *, driver: Literal["psycopg", "psycopg2"] = "psycopg"
) -> psycopg3.Arguments | libpq.Arguments:
    """Return the keyword arguments for ``psycopg.connect`` (also async, and pools) or ``psycopg2.connect``.

    `source` is a connection, or services whose default database is meant; `envconn.load()` when
    left out. `driver` decides which libpq is asked for its version.

    Raises:
        ConfigurationError: the environment is wrong, or the driver's libpq cannot honour it.
        ImportError: the driver is not installed.
    """
    connection = envconn.database(source)
    if driver == "psycopg2":
        return libpq.arguments(connection, libpq.version(driver))
    return psycopg3.arguments(connection)


def connect(source: Services | SecuredConnection | None = None, *, autocommit: bool = False) -> psycopg.Connection:
    """Open a psycopg 3 connection to the database of `source`, as for `kwargs`.

    Raises:
        ConfigurationError: as for `kwargs`.
        psycopg.OperationalError: the server cannot be reached, or does not keep what was promised.
    """
    import psycopg

    return psycopg.connect(autocommit=autocommit, **kwargs(source))


async def aconnect(
    source: Services | SecuredConnection | None = None, *, autocommit: bool = False
) -> psycopg.AsyncConnection:
    """Open an asynchronous psycopg 3 connection; arguments and errors are those of `connect`."""
    import psycopg

    return await psycopg.AsyncConnection.connect(autocommit=autocommit, **kwargs(source))
