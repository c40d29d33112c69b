"""An engine's options, those that a program may add, and the plugin that follows the configuration of its services.

Arguments of the driver silently override the URL (``connect_args={"sslmode": "disable"}`` connects
without TLS), so only those are allowed that are known to be harmless.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import URL, event
from sqlalchemy.engine import CreateEnginePlugin
from sqlalchemy.util import await_only, greenlet_spawn

from envconn.drivers.program_options import permit
from envconn.drivers.ssl_context import remembered
from envconn.drivers.unsupported import refuse
from envconn.records import Record
from envconn.rotation import alogin, login
from envconn.tls import SecuredConnection
from envconn.tls.deciding_files import has_files
from envconn.tls.password import is_supplied
from envconn.tls.secured import place_of, without_password
from envconn_sqlalchemy import dbapi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from sqlalchemy import Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection

    from envconn.drivers.installed import Driver


_OTHER_DOORS = frozenset({"async_creator", "creator", "module", "pool", "url"})
"""Arguments of ``create_engine`` that open connections in another way."""


def merged(connection: SecuredConnection, driver: Driver, stated: Mapping[str, object]) -> dict[str, object]:
    """Return the options of the engine, combined with what the program has `stated` for ``create_engine``.

    Its options for the pool, echo, execution and the like have precedence; its ``connect_args`` are added.

    Raises:
        ConfigurationError: a stated option could weaken or redirect the connection, or does not work
            behind its pooler.
        TypeError: `connection` was not judged.
    """
    ours = dbapi.options(connection, driver)
    extra = stated.get("connect_args") or {}
    if not isinstance(extra, Mapping):
        raise TypeError("connect_args must be a mapping")
    for name in stated:
        if name in _OTHER_DOORS:
            refuse(connection, f"{name} would open connections without a TLS check. Remove it", _CODE)
    permit(connection, driver, map(str, extra), "connect_args: ")
    check = guard(connection, driver)
    execution = stated.get("execution_options")
    for options_ in (stated, execution if isinstance(execution, Mapping) else {}):
        check(None, options_)
    return {**ours, **stated, "connect_args": {**ours["connect_args"], **extra}}


class Followed(Record):
    """The source of the arguments of each new connection of an engine, and those that the program `stated`."""

    source: object
    driver: Driver
    stated: Mapping[str, object]


PLUGIN = "envconn"
"""The name of SQLAlchemy's `Plugin`, and of the argument that it takes, a `Followed`.

It is named among the options of an engine, so that Flask-SQLAlchemy can make the engine.
"""


def before_login(connection: SecuredConnection) -> SecuredConnection:
    """Return `connection` for making an engine: a password from a callable is left out."""
    return without_password(connection)


def followed(
    source: object, connection: SecuredConnection, driver: Driver, stated: Mapping[str, object]
) -> dict[str, object]:
    """Return the options of an engine that make the plugin follow `source`, added to `merged`.

    None are added if every login would be the same: `source` is the `connection` itself, has its password, was
    not taken from services, and names no file.
    """
    if source is connection and place_of(connection) is None and not has_files(connection):
        return {}
    plugins = stated.get("plugins")
    named = list(plugins) if isinstance(plugins, Iterable) else []
    return {"plugins": [*named, PLUGIN], PLUGIN: Followed(source, driver, dict(stated))}


def guard(connection: SecuredConnection, driver: Driver) -> Callable[[object, Mapping[str, object]], None]:
    """Return a listener for execution options that refuses autocommit if it would run other clients' statements."""
    unsafe = driver == "pg8000" and bool(connection.pooled) and connection.pool_mode != "session"

    def refuse_autocommit(_target: object, stated: Mapping[str, object], /) -> None:
        if unsafe and str(stated.get("isolation_level", "")).upper() == "AUTOCOMMIT":
            refuse(connection, _AUTOCOMMIT, "autocommit-pooled")

    return refuse_autocommit


class Plugin(CreateEnginePlugin):
    """Accepts the option ``envconn``, a `Followed`, and opens each connection of the engine with what is current."""

    def __init__(self, url: URL, kwargs: dict[str, Any]) -> None:
        self._source, self._driver, self._stated = kwargs.pop(PLUGIN)

    def update_url(self, url: URL) -> URL:
        """Return `url` unchanged."""
        return url

    def engine_created(self, engine: Engine) -> None:
        """Make `engine` open connections through `envconn.rotation.login`, with the options of ``create_engine``."""
        dialect = engine.dialect

        @remembered
        def arguments(judged: SecuredConnection) -> tuple[Any, dict[str, Any]]:
            given, named = dialect.create_connect_args(URL.create(**dbapi.parts(judged, self._driver)))
            extra: dict[str, Any] = merged(judged, self._driver, self._stated)
            return given, {**named, **extra["connect_args"]}

        def connect(judged: SecuredConnection) -> DBAPIConnection:
            given, named = arguments(judged)
            return dialect.connect(*given, **named)

        def opened(*_: object) -> DBAPIConnection:
            if not dialect.is_async:
                return login(self._source, connect)
            return await_only(alogin(self._source, lambda judged: greenlet_spawn(connect, judged)))

        def renewed(_dialect: object, _record: object, _given: object, named: dict[str, Any]) -> None:
            named.update(arguments(self._source)[1])

        is_alone = isinstance(self._source, SecuredConnection) and _is_alone(self._source)
        event.listen(engine, "do_connect", renewed if is_alone else opened)


def _is_alone(source: SecuredConnection) -> bool:
    """Whether a login with `source` changes with its files alone; then a program's own listener connects."""
    return place_of(source) is None and not is_supplied(source.password)


_CODE = "argument-refused"
_AUTOCOMMIT = (
    "pg8000 in autocommit mode does not work with a pooler in transaction mode. Use transactions, psycopg, or the "
    "direct endpoint"
)
