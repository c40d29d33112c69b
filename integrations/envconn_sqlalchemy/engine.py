"""What a program may add to an engine of SQLAlchemy's without undoing what was judged.

Arguments of the driver beat the URL in silence (``connect_args={"sslmode": "disable"}`` connects in
clear), so only those pass that are known to decide nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from envconn.drivers.program_options import permit
from envconn.drivers.unsupported import refuse
from envconn.records import Record
from envconn.tls.secured import place_of, without_password
from envconn_sqlalchemy.dbapi import options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from envconn.drivers.installed import Driver
    from envconn.tls import SecuredConnection


_OTHER_DOORS = frozenset({"async_creator", "creator", "module", "pool", "url"})
"""Arguments of ``create_engine`` that open connections their own way."""


def merged(connection: SecuredConnection, driver: Driver, stated: Mapping[str, object]) -> dict[str, object]:
    """Return the options of the engine with what the program `stated` for ``create_engine`` beside them.

    What it states about the pool, echo, execution and the like wins; its ``connect_args`` are added to ours.

    Raises:
        ConfigurationError: something stated could weaken or redirect the connection, or cannot work
            behind its pooler.
        TypeError: `connection` was not judged.
    """
    ours = options(connection, driver)
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
    """What each connection of an engine is opened with: `source` as it is by then, and what the program `stated`."""

    source: object
    driver: Driver
    stated: Mapping[str, object]


PLUGIN = "envconn"
"""The name of SQLAlchemy's plugin in `envconn_sqlalchemy.plugin`, and of the argument that it takes, a `Followed`."""


def before_login(connection: SecuredConnection) -> SecuredConnection:
    """Return `connection` for what an engine is made of: without a password that has to be called for."""
    return without_password(connection)


def followed(
    source: object, connection: SecuredConnection, driver: Driver, stated: Mapping[str, object]
) -> dict[str, object]:
    """Return the options of an engine that have the plugin follow `source`, beside those of `merged`.

    There are none where every login would be the same: `source` is the `connection` itself, has its password, and was
    not taken from services.
    """
    if source is connection and place_of(connection) is None:
        return {}
    plugins = stated.get("plugins")
    named = list(plugins) if isinstance(plugins, Iterable) else []
    return {"plugins": [*named, PLUGIN], PLUGIN: Followed(source, driver, dict(stated))}


def guard(connection: SecuredConnection, driver: Driver) -> Callable[[object, Mapping[str, object]], None]:
    """Return a listener for execution options that refuses autocommit where it would run other clients' statements."""
    unsafe = driver == "pg8000" and bool(connection.pooled) and connection.pool_mode != "session"

    def refuse_autocommit(_target: object, stated: Mapping[str, object], /) -> None:
        if unsafe and str(stated.get("isolation_level", "")).upper() == "AUTOCOMMIT":
            refuse(connection, _AUTOCOMMIT, "autocommit-pooled")

    return refuse_autocommit


_CODE = "argument-refused"
_AUTOCOMMIT = (
    "pg8000 in autocommit mode does not work with a pooler in transaction mode. Use transactions, psycopg, or the "
    "direct endpoint"
)
