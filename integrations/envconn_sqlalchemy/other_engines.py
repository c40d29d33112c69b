"""Engines whose URL is the program's own: they are judged when they connect, by the rules for the environment.

What the DBAPI would be called with is read as a connection string, judged by the policy of the process
(``ENVCONN_TLS`` and so on), and opened as judged: raised to the policy's minimum, or refused. SQLite passes. A dialect
that cannot be read counts as unencrypted.
"""

from __future__ import annotations

from contextlib import suppress
from contextvars import ContextVar
from typing import cast

import sqlalchemy
from sqlalchemy import event

import envconn
from envconn.drivers import connection_from_arguments
from envconn.errors import ConfigurationError, problem
from envconn.families import BY_SCHEME
from envconn.services import is_waived
from envconn_sqlalchemy import dbapi
from envconn_sqlalchemy.engine import WITHOUT_EFFECT, Plugin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping, Sequence
    from typing import Any

    from sqlalchemy import Dialect
    from sqlalchemy.engine.interfaces import DBAPIConnection

    from envconn.drivers.connection_from_arguments import Call
    from envconn.drivers.installed import Driver
    from envconn.tls import SecuredConnection

    Arguments = Mapping[str, Any]


def judge_from_now_on() -> None:
    """Judge every connection that an engine of this process opens, also one that was made before."""
    WITHOUT_EFFECT.add(_opened)
    if not event.contains(sqlalchemy.Engine, "do_connect", _opened):
        event.listen(sqlalchemy.Engine, "do_connect", _opened)


def verdict(engine: sqlalchemy.Engine) -> SecuredConnection | None:
    """Return the judged connection that `engine` opens, without opening it; `None` for SQLite and what is exempt.

    Raises:
        ConfigurationError: it would be refused, or the program opens its connections with a ``creator``.
    """
    creator = engine.pool._creator  # noqa: SLF001 - there is no other way to tell whose it is
    if isinstance(plugin := getattr(creator, "__self__", None), Plugin):
        return plugin.connection
    if engine.dialect.name == "sqlite":
        return None
    found = _only_judged(creator) if creator.__module__ == "sqlalchemy.engine.create" else []
    if not found:
        raise ConfigurationError([problem("argument-refused", VARIABLE, _CREATOR)])
    return found[0]


def _only_judged(creator: Callable[..., object]) -> list[SecuredConnection | None]:
    """Return what SQLAlchemy's own `creator` would open; nothing if another listener opens it before ours."""
    judge_from_now_on()
    found: list[SecuredConnection | None] = []
    token = _FOUND.set(found)
    try:
        with suppress(_OnlyJudged):
            creator(None)
    finally:
        _FOUND.reset(token)
    return found


_FOUND: ContextVar[list[SecuredConnection | None] | None] = ContextVar("envconn_found", default=None)
_CREATOR = (
    "creator, or a do_connect listener, opens connections that cannot be judged. Remove it, or make the engine outside "
    "of the settings"
)


class _OnlyJudged(Exception):
    """Nothing is opened: the verdict was asked for."""


def _opened(
    dialect: Dialect, _record: object, positional: Sequence[Any], named: MutableMapping[str, Any]
) -> DBAPIConnection | None:
    """Open the connection as judged; `None` lets SQLAlchemy open it."""
    found = _judge(dialect, positional, named)
    if (judged := _FOUND.get()) is not None:
        judged.append(found and found[0])
        raise _OnlyJudged
    return None if found is None else dialect.connect(**_arguments(dialect, *found))


def _judge(dialect: Dialect, positional: Sequence[Any], named: Arguments) -> tuple[SecuredConnection, Call] | None:
    """Return the judged connection for a call of the DBAPI, and the call; `None` if it is no network's."""
    if dialect.name == "sqlite":
        return None
    call = connection_from_arguments.read_call(_driver(dialect), positional, named, VARIABLE)
    if call is None:
        _insist_on_exemption(dialect, named)
        return None
    connection = envconn.secure(envconn.parse(call.text, VARIABLE))
    if call.context and connection_from_arguments.context_level(call.context[1]) < connection.tls.level:
        raise ConfigurationError([problem("argument-refused", VARIABLE, _CONTEXT)])
    return connection, call


def _driver(dialect: Dialect) -> str:
    return dialect.driver.removesuffix("_async")


def _arguments(dialect: Dialect, connection: SecuredConnection, call: Call) -> dict[str, Any]:
    own = dbapi.arguments(connection, cast("Driver", _driver(dialect)))
    return {**own, **call.rest, **dict([call.context] if call.context else ())}


VARIABLE = "SQLALCHEMY_DATABASE_URI or SQLALCHEMY_BINDS"
"""What messages name: the settings of Flask-SQLAlchemy that are the program's own."""

_CONTEXT = "the SSLContext in connect_args verifies less than ENVCONN_TLS requires. Remove it, or make it verify"


def _insist_on_exemption(dialect: Dialect, named: Arguments) -> None:
    """Refuse a server that is neither local nor waived: whether it is encrypted is not known."""
    scheme = f"{dialect.name}+{dialect.driver}://"
    if is_waived(scheme):
        return
    waiver = "its host" if scheme.removesuffix("://") in BY_SCHEME else scheme
    if named.get("host"):
        connection = connection_from_arguments.unsupported(dialect.name, named, VARIABLE)
        with suppress(ConfigurationError):
            envconn.secure(connection)
            return
        waiver = "its hostaddr" if connection.hosts[0].hostaddr else "its host"
    message = f"{dialect.name} with {dialect.driver} is not supported, so it may be unencrypted. {_WAIVE} {waiver}"
    raise ConfigurationError([problem("driver-unsupported", VARIABLE, message)])


_WAIVE = "Use a supported driver, or set ENVCONN_TLS_WAIVE to"
