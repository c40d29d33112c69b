"""SQLAlchemy's plugin ``envconn``, with which an engine opens the connection that its URL names, and no other.

The verdict is a property of the engine, however it is made. Options of the pool, of echo, of execution and the like are
the program's; those that would open connections in another way are refused.
"""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy import URL, event
from sqlalchemy.engine import CreateEnginePlugin
from sqlalchemy.util import await_only, greenlet_spawn

from envconn.drivers import installed
from envconn.drivers.installed import DRIVERS
from envconn.drivers.ssl_context import remembered
from envconn.drivers.unsupported import refuse
from envconn.errors import ConfigurationError, problem
from envconn.families import SQLITE
from envconn.rotation import alogin, login
from envconn.services import in_use
from envconn.tls import require_sealed
from envconn.tls.secured import without_password
from envconn_sqlalchemy import dbapi, urls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from sqlalchemy import Dialect, Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection

    from envconn.drivers.installed import Driver
    from envconn.tls import SecuredConnection

    Listener = Callable[..., object]


def address(
    connection: SecuredConnection,
    driver: Driver | None,
    options: Mapping[str, object] = MappingProxyType({}),
    *,
    asynchronous: bool | None = None,
) -> URL:
    """Return the URL of `connection` for an engine that is made with `options`, which are checked with it.

    `driver` and `asynchronous` are those of `envconn.drivers.installed.choose`.

    Raises:
        ConfigurationError: an option could weaken or redirect the connection, or does not work behind its pooler; or
            the driver does not support the connection, or is not installed.
        TypeError: ``connect_args`` is no mapping, or `connection` was not judged.
    """
    require_sealed(connection)
    if connection.family == SQLITE:
        return urls.of_file(connection, asynchronous=bool(asynchronous))
    chosen = installed.choose(connection, driver, asynchronous=asynchronous)
    _refuse_doors(connection, options)
    _check(without_password(connection), chosen, _connect_args(options), options)
    return urls.write(connection, chosen)


def _refuse_doors(connection: SecuredConnection, stated: Mapping[str, object]) -> None:
    for name in sorted(dbapi.OTHER_DOORS & stated.keys()):
        refuse(connection, f"{name} would open connections without a TLS check. Remove it", "argument-refused")


def _connect_args(stated: Mapping[str, object]) -> Mapping[str, object]:
    found = stated.get("connect_args") or {}
    if not isinstance(found, Mapping):
        raise TypeError("connect_args must be a mapping")
    return found


def _check(
    connection: SecuredConnection, driver: Driver, connect_args: Mapping[str, object], stated: Mapping[str, object]
) -> None:
    dbapi.merged(connection, driver, connect_args)
    execution, check = stated.get("execution_options"), guard(connection, driver)
    for options in (stated, execution if isinstance(execution, Mapping) else {}):
        check(None, options)


def guard(connection: SecuredConnection, driver: Driver) -> Callable[[object, Mapping[str, object]], None]:
    """Return a listener for execution options that refuses autocommit if it would run other clients' statements."""
    unsafe = driver == "pg8000" and bool(connection.pooled) and connection.pool_mode != "session"

    def refuse_autocommit(_target: object, stated: Mapping[str, object], /) -> None:
        if unsafe and str(stated.get("isolation_level", "")).upper() == "AUTOCOMMIT":
            refuse(connection, _AUTOCOMMIT, "autocommit-pooled")

    return refuse_autocommit


_AUTOCOMMIT = (
    "pg8000 in autocommit mode does not work with a pooler in transaction mode. Use transactions, psycopg, or the "
    "direct endpoint"
)


class Plugin(CreateEnginePlugin):
    """Opens the connections of an engine whose URL is one of `urls`."""

    def __init__(self, url: URL, kwargs: dict[str, Any]) -> None:
        self._connection = urls.read(url)
        self._query = {name: text for name, text in url.query.items() if name not in urls.RESERVED}
        _refuse_doors(self._connection, kwargs)
        self._connect_args = {**_connect_args(kwargs)}
        self._stated = dict(kwargs)
        kwargs.pop("connect_args", None)
        for name, value in dbapi.pool_options(self._connection).items():
            kwargs.setdefault(name, value)
        # From here on, neither the URL nor connect_args have an effect.
        kwargs["creator"] = self._open

    @property
    def connection(self) -> SecuredConnection:
        """The connection that is opened next."""
        return in_use(self._connection)

    def update_url(self, url: URL) -> URL:
        """Return `url` as it was: SQLAlchemy removes the plugin, and the engine's URL would not be complete."""
        return url.update_query_dict({"plugin": urls.PLUGIN})

    def engine_created(self, engine: Engine) -> None:
        """Check the options with the DBAPI of `engine`, and that no other plugin opens its connections."""
        if getattr(engine.pool._creator, "__self__", None) is not self:  # noqa: SLF001 - there is no other way to tell
            refuse(self._connection, _PLUGIN, "argument-refused")
        self._engine = engine
        connection = without_password(self.connection)
        driver = driver_of(connection, engine.dialect)
        _check(connection, driver, {**self._query, **self._connect_args}, self._stated)
        for moment in ("set_connection_execution_options", "set_engine_execution_options"):
            event.listen(engine, moment, guard(connection, driver))
        self._arguments = remembered(self._made)

    def _made(self, connection: SecuredConnection) -> dict[str, object]:
        """Return the arguments for `connection`, those that the dialect adds included."""
        url, dialect = self._engine.url, self._engine.dialect
        driver = driver_of(connection, dialect)
        # The dialect gives the texts of the query their types.
        bare = URL.create(url.drivername, username=connection.user, query=self._query)
        added = {**dialect.create_connect_args(bare)[1]}
        stated = {name: added.get(name, text) for name, text in self._query.items()} | self._connect_args
        database = {dbapi.DATABASE[driver]: url.database} if url.database else {}
        return added | dbapi.merged(connection, driver, stated) | database

    def _open(self, connection_record: object = None) -> DBAPIConnection:
        dialect = self._engine.dialect
        if any(listener not in WITHOUT_EFFECT for listener in dialect.dispatch.do_connect):
            refuse(self._connection, _LISTENER, "argument-refused")

        async def connect(judged: SecuredConnection) -> DBAPIConnection:
            given: dict[str, Any] = await to_thread(self._arguments, judged)
            return await greenlet_spawn(dialect.connect, **given)

        if not dialect.is_async:
            return login(self._connection, lambda judged: dialect.connect(**self._arguments(judged)))
        return await_only(alogin(self._connection, connect))


class NoDatabase(CreateEnginePlugin):
    """Makes an engine for `urls.NO_DATABASE`, with whatever options, that raises when it connects."""

    def __init__(self, url: URL, kwargs: dict[str, Any]) -> None:
        for name in [name for name in kwargs if not name.startswith("_")]:
            del kwargs[name]
        kwargs["creator"] = _no_database

    def update_url(self, url: URL) -> URL:
        """Return `url`, which SQLAlchemy has removed the plugin from."""
        return url


def _no_database() -> NoReturn:
    raise ConfigurationError([problem("database-missing", "ENVCONN_PHASE", _NO_DATABASE)])


_NO_DATABASE = "is build, and no database is configured. Unset it where the program runs, and set DATABASE_URL"


WITHOUT_EFFECT: set[Listener] = set()
"""Listeners to ``do_connect`` that are not for these engines, and have no effect on them."""

_PLUGIN = "another plugin of SQLAlchemy would open connections without a TLS check. Remove it from plugins"
_LISTENER = (
    "a do_connect listener has no effect on this engine. Remove it; for a password that changes, use "
    "envconn.load(passwords=...)"
)


def driver_of(connection: SecuredConnection, dialect: Dialect) -> Driver:
    """Return the DBAPI of `dialect`.

    Raises:
        ConfigurationError: it is none that opens such connections.
    """
    named = dialect.driver.removesuffix("_async")
    for driver in DRIVERS[connection.family]:
        if driver == named:
            return driver
    return refuse(connection, f"{named} is not supported. Use {' or '.join(DRIVERS[connection.family])}")
