"""psycopg 3 and psycopg2: their connection arguments, a connection, and a pool.

    import envconn_psycopg

    with envconn_psycopg.connect() as connection:
        connection.execute("select 1")

The arguments are complete: no ``PG*`` variable, service file or file under ``~/.postgresql`` can
weaken or redirect the connection they make. Handing psycopg further TLS arguments beside them
would, so do not.
"""

from __future__ import annotations

from typing import overload

import envconn
from envconn.drivers import libpq
from envconn.drivers import psycopg as psycopg3

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    import psycopg
    import psycopg_pool

    from envconn import SecuredConnection, Services

__all__ = ["aconnect", "apool", "connect", "kwargs", "pool"]


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

    Of services, a login that fails is tried once more if the environment has changed (`envconn.login`).

    Raises:
        ConfigurationError: as for `kwargs`.
        psycopg.OperationalError: the server cannot be reached, or does not keep what was promised.
    """
    import psycopg

    return envconn.login(source, lambda judged: psycopg.connect(autocommit=autocommit, **psycopg3.arguments(judged)))


async def aconnect(
    source: Services | SecuredConnection | None = None, *, autocommit: bool = False
) -> psycopg.AsyncConnection:
    """Open an asynchronous psycopg 3 connection; arguments and errors are those of `connect`."""
    import psycopg

    return await envconn.alogin(
        source,
        lambda judged: psycopg.AsyncConnection.connect(autocommit=autocommit, **psycopg3.arguments(judged)),
    )


def pool(
    source: Services | SecuredConnection | None = None, *, autocommit: bool = False, **options: object
) -> psycopg_pool.ConnectionPool[psycopg.Connection]:
    """Make a pool of psycopg_pool whose every connection is opened as by `connect`; `options` are the pool's own.

    Connections are renewed before the provider would drop them, where that is known.

    Raises:
        ConfigurationError: as for `kwargs`.
        TypeError: `options` would open connections another way (``conninfo``, ``kwargs``, ``connection_class``).
    """
    import psycopg
    import psycopg_pool

    from envconn_psycopg.rotating import connections

    source = envconn.load() if source is None else source
    given: dict[str, Any] = psycopg3.pool_options(envconn.database(source), options)
    following = connections(psycopg.Connection, source, psycopg3.renewed)
    return psycopg_pool.ConnectionPool(connection_class=following, kwargs={"autocommit": autocommit}, **given)


def apool(
    source: Services | SecuredConnection | None = None, *, autocommit: bool = False, **options: object
) -> psycopg_pool.AsyncConnectionPool[psycopg.AsyncConnection]:
    """Make an asynchronous pool; arguments and errors are those of `pool`."""
    import psycopg
    import psycopg_pool

    from envconn_psycopg.rotating import aconnections

    source = envconn.load() if source is None else source
    given: dict[str, Any] = psycopg3.pool_options(envconn.database(source), options)
    following = aconnections(psycopg.AsyncConnection, source, psycopg3.renewed)
    return psycopg_pool.AsyncConnectionPool(connection_class=following, kwargs={"autocommit": autocommit}, **given)
