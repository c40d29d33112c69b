"""psycopg 3 and psycopg2: their connection arguments, a connection, and a pool.

    import envconn_psycopg

    with envconn_psycopg.connect() as connection:
        connection.execute("select 1")

The arguments are complete: no ``PG*`` variable, service file or file under ``~/.postgresql`` can
weaken or redirect the connection that they make. Additional TLS arguments for psycopg
would, so do not add any.
"""

from __future__ import annotations

from typing import overload

from envconn.drivers import libpq
from envconn.drivers import psycopg as psycopg3
from envconn.rotation import alogin, login
from envconn.services import DATABASE_ONLY, ENVIRONMENT, database, resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal, TypeAlias, TypeVar

    import psycopg
    import psycopg_pool
    from psycopg.rows import AsyncRowFactory, RowFactory

    from envconn import SecuredConnection
    from envconn.services import Services, Source

    Row = TypeVar("Row")
    Renewed: TypeAlias = Callable[[dict[str, object], SecuredConnection], dict[str, object]]

__all__ = ["aconnect", "apool", "connect", "kwargs", "pool"]


def kwargs(
    source: Source = ENVIRONMENT,
    /,
    *,
    driver: Literal["psycopg", "psycopg2"] = "psycopg",
) -> dict[str, Any]:
    """Return the keyword arguments for ``psycopg.connect`` (also async, and pools) or ``psycopg2.connect``.

    The first argument is a connection, or services, whose default database is used; `envconn.load()` if
    left out. `driver` decides which libpq's version is used. Printed, they show no secret.

    Raises:
        ConfigurationError: the environment is wrong, or the driver's libpq does not support it.
        ImportError: the driver is not installed.
        TypeError: the first argument was not judged, or is `None`.
        ValueError: `driver` is unknown.
    """
    if driver not in ("psycopg", "psycopg2"):
        raise ValueError("driver must be psycopg or psycopg2")
    connection = database(source)
    if driver == "psycopg2":
        return {**libpq.arguments(connection, libpq.version(driver))}
    return {**psycopg3.arguments(connection)}


@overload
def connect(
    source: Source = ENVIRONMENT, /, *, row_factory: RowFactory[Row], **options: Any
) -> psycopg.Connection[Row]: ...
@overload
def connect(source: Source = ENVIRONMENT, /, **options: Any) -> psycopg.Connection: ...
def connect(source: Source = ENVIRONMENT, /, **options: Any) -> psycopg.Connection[Any]:
    """Return an open psycopg 3 connection; the first argument is that of `kwargs`.

    `options` are psycopg's (``autocommit``, ``row_factory``, ``application_name``, ...). With services, a login
    that fails is tried again if the environment has changed.

    Raises:
        ConfigurationError: as for `kwargs`; or one of `options` would affect the server or security.
        psycopg.OperationalError: the server is unreachable, or does not match the configuration.
    """
    import psycopg

    def log_in(judged: SecuredConnection) -> psycopg.Connection[Any]:
        given: dict[str, Any] = psycopg3.merged(judged, options)
        return psycopg.connect(**given)

    return login(source, log_in)


@overload
async def aconnect(
    source: Source = ENVIRONMENT,
    /,
    *,
    row_factory: AsyncRowFactory[Row],
    **options: Any,
) -> psycopg.AsyncConnection[Row]: ...
@overload
async def aconnect(source: Source = ENVIRONMENT, /, **options: Any) -> psycopg.AsyncConnection: ...
async def aconnect(source: Source = ENVIRONMENT, /, **options: Any) -> psycopg.AsyncConnection[Any]:
    """Return an open asynchronous psycopg 3 connection; the first argument is that of `kwargs`.

    `options` are psycopg's, as for `connect`. A password's callable may be asynchronous.

    Raises:
        ConfigurationError, psycopg.OperationalError: as for `connect`.
    """
    from asyncio import to_thread

    import psycopg

    async def log_in(judged: SecuredConnection) -> psycopg.AsyncConnection[Any]:
        given: dict[str, Any] = await to_thread(psycopg3.merged, judged, options)
        return await psycopg.AsyncConnection.connect(**given)

    return await alogin(source, log_in)


def pool(
    source: Source = ENVIRONMENT, /, *, autocommit: bool = False, **options: Any
) -> psycopg_pool.ConnectionPool[psycopg.Connection]:
    """Return a pool of psycopg_pool with connections as of `connect`; the first argument is that of `kwargs`.

    `autocommit` is that of its connections, `options` are the pool's own (``min_size``, ``max_size``, ``open``, ...).
    Connections are renewed before the provider closes them, if its limit is known.

    Raises:
        ConfigurationError: as for `kwargs`; or `options` would open connections in another way (``conninfo``,
            ``kwargs``, ``connection_class``).
    """
    import psycopg
    import psycopg_pool

    services = resolve(source, DATABASE_ONLY)
    given: dict[str, Any] = psycopg3.pool_options(database(services), options)
    following = connection_class(psycopg.Connection, services, psycopg3.renewed)
    return psycopg_pool.ConnectionPool(connection_class=following, kwargs={"autocommit": autocommit}, **given)


def apool(
    source: Source = ENVIRONMENT, /, *, autocommit: bool = False, **options: Any
) -> psycopg_pool.AsyncConnectionPool[psycopg.AsyncConnection]:
    """Return an asynchronous pool of psycopg_pool; the first argument is that of `kwargs`.

    `autocommit` and `options` are as for `pool`, the connections are opened as by `aconnect`.

    Raises:
        ConfigurationError: as for `pool`.
    """
    import psycopg
    import psycopg_pool

    services = resolve(source, DATABASE_ONLY)
    given: dict[str, Any] = psycopg3.pool_options(database(services), options)
    following = aconnection_class(psycopg.AsyncConnection, services, psycopg3.renewed)
    return psycopg_pool.AsyncConnectionPool(connection_class=following, kwargs={"autocommit": autocommit}, **given)


def connection_class(
    kind: type[psycopg.Connection], source: Services | SecuredConnection, renewed: Renewed
) -> type[psycopg.Connection]:
    """Return a subclass of psycopg's `kind` whose ``connect`` logs in with the current `source`, for a pool.

    `renewed` returns the arguments for the connection to log in with.
    """

    class Connection(kind):  # type: ignore[misc,valid-type]
        @classmethod
        def connect(cls, conninfo: str = "", **given: Any) -> Any:
            opened = super().connect
            return login(source, lambda judged: opened(conninfo, **renewed(given, judged)))

    return Connection


def aconnection_class(
    kind: type[psycopg.AsyncConnection], source: Services | SecuredConnection, renewed: Renewed
) -> type[psycopg.AsyncConnection]:
    """Return a subclass of psycopg's asynchronous `kind`, with `source` and `renewed` as for `connection_class`."""
    from asyncio import to_thread

    class Connection(kind):  # type: ignore[misc,valid-type]
        @classmethod
        async def connect(cls, conninfo: str = "", **given: Any) -> Any:
            opened = super().connect

            async def log_in(judged: SecuredConnection) -> Any:
                return await opened(conninfo, **await to_thread(renewed, given, judged))

            return await alogin(source, log_in)

    return Connection
