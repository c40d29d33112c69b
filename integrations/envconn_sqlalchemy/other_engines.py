"""Engines whose URL is the program's own: they are judged when they connect, by the rules for the environment.

What the DBAPI would be called with is read as a connection string, judged by the policy of the process
(``ENVCONN_TLS`` and so on), and opened as judged: raised to the policy's minimum, or refused. SQLite passes. A dialect
that cannot be read counts as unencrypted.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from contextvars import ContextVar
from typing import cast
from urllib.parse import quote, urlencode

import sqlalchemy
from sqlalchemy import event

import envconn
from envconn.drivers import Hidden
from envconn.errors import ConfigurationError, problem
from envconn.grammar.libpq_keywords import ABSENT, KEYWORDS, pins
from envconn.records import Record
from envconn.tls import TlsLevel
from envconn_sqlalchemy import dbapi
from envconn_sqlalchemy.engine import WITHOUT_EFFECT, Plugin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping, Sequence
    from typing import Any

    from sqlalchemy import Dialect
    from sqlalchemy.engine.interfaces import DBAPIConnection

    from envconn.drivers.installed import Driver
    from envconn.tls import SecuredConnection

    Arguments = Mapping[str, Any]


def judge_from_now_on() -> None:
    """Judge every connection that an engine of this process opens, also one that was made before."""
    WITHOUT_EFFECT.add(_opened)
    if not event.contains(sqlalchemy.Engine, "do_connect", _opened):
        event.listen(sqlalchemy.Engine, "do_connect", _opened)


def judge_no_longer() -> None:
    """Undo `judge_from_now_on`, for tests."""
    if event.contains(sqlalchemy.Engine, "do_connect", _opened):
        event.remove(sqlalchemy.Engine, "do_connect", _opened)


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


class _Read(Record):
    """A connection string for what a DBAPI is called with, and the arguments that are not in it.

    `context` is the one that the program made for TLS, with the argument's name.
    """

    text: Hidden
    rest: Arguments
    context: tuple[str, ssl.SSLContext] | None = None


def _opened(
    dialect: Dialect, _record: object, positional: Sequence[Any], named: MutableMapping[str, Any]
) -> DBAPIConnection | None:
    """Open the connection as judged; `None` lets SQLAlchemy open it."""
    found = _judge(dialect, positional, named)
    if (told := _FOUND.get()) is not None:
        told.append(found and found[0])
        raise _OnlyJudged
    return None if found is None else dialect.connect(**_arguments(dialect, *found))


def _judge(dialect: Dialect, positional: Sequence[Any], named: Arguments) -> tuple[SecuredConnection, _Read] | None:
    """Return the judged connection for the arguments of the DBAPI, and what was read; `None` if it is no network's."""
    if dialect.name == "sqlite":
        return None
    reader = _READERS.get(dialect.driver.removesuffix("_async"))
    if reader is None:
        _insist_on_exemption(dialect, named)
        return None
    read = reader(*positional, **named)
    connection = envconn.secure(envconn.parse(read.text, VARIABLE))
    if read.context and _level_of(read.context[1]) < connection.tls.level:
        raise ConfigurationError([problem("argument-refused", VARIABLE, _CONTEXT)])
    return connection, read


def _arguments(dialect: Dialect, connection: SecuredConnection, read: _Read) -> dict[str, Any]:
    driver = cast("Driver", dialect.driver.removesuffix("_async"))
    return {**dbapi.arguments(connection, driver), **read.rest, **dict([read.context] if read.context else ())}


VARIABLE = "SQLALCHEMY_DATABASE_URI or SQLALCHEMY_BINDS"
"""What messages name: the settings of Flask-SQLAlchemy that are the program's own."""

_CONTEXT = "the SSLContext in connect_args verifies less than ENVCONN_TLS requires. Remove it, or make it verify"


def _level_of(context: ssl.SSLContext) -> TlsLevel:
    """Return what a connection with `context` promises."""
    if context.verify_mode != ssl.CERT_REQUIRED:
        return TlsLevel.ENCRYPTED
    return TlsLevel.VERIFY_FULL if context.check_hostname else TlsLevel.VERIFY_CA


def _insist_on_exemption(dialect: Dialect, named: Arguments) -> None:
    """Refuse a server that is neither local nor waived: whether it is encrypted is not known."""
    host = named.get("host")
    try:
        envconn.secure(envconn.parse(_conninfo({"host": host or "", "user": "u", "dbname": "d", "sslmode": "disable"})))
    except ConfigurationError:
        host = None
    if not host:
        message = f"{dialect.name} with {dialect.driver} is not supported, so it may be unencrypted. {_WAIVE}"
        raise ConfigurationError([problem("driver-unsupported", VARIABLE, message)])


_WAIVE = "Add its host to ENVCONN_TLS_WAIVE, or use a supported driver"


def _conninfo(keywords: Mapping[str, object]) -> Hidden:
    return Hidden(" ".join(f"{name}={_quoted(str(value))}" for name, value in keywords.items() if value is not None))


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _psycopg(conninfo: str = "", **named: Any) -> _Read:
    from psycopg.conninfo import make_conninfo

    keywords, rest = _parted(named)
    return _Read(Hidden(make_conninfo(conninfo, **keywords)), rest)


def _psycopg2(dsn: str = "", **named: Any) -> _Read:
    from psycopg2.extensions import make_dsn

    keywords, rest = _parted(named)
    return _Read(Hidden(make_dsn(dsn, **keywords)), rest)


def _parted(named: Arguments) -> tuple[dict[str, str], dict[str, Any]]:
    """Return libpq's keywords, and the others."""
    renamed = {{"database": "dbname"}.get(name, name): value for name, value in named.items() if value is not None}
    keywords = {name: str(value) for name, value in renamed.items() if name in KEYWORDS or name == "service"}
    stated = {name: value for name, value in keywords.items() if value and (name, value) not in _WRITTEN_OUT}
    return stated, {name: value for name, value in renamed.items() if name not in keywords}


_WRITTEN_OUT = {*pins({}, 13).items(), *pins({}, 18).items(), ("sslrootcert", ABSENT)}
"""What `envconn.drivers.libpq` writes where nothing is stated: the arguments may be those of ``kwargs()``."""


def _asyncpg(**named: Any) -> _Read:
    keywords, rest = _parted({name: _joined(value) for name, value in named.items() if name not in _TLS})
    if not isinstance(named.get("password", ""), str):
        rest["password"] = named["password"]
        keywords.pop("password")
    return _with_context(keywords, rest, "ssl", named.get("ssl"))


def _joined(value: object) -> object:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else value


def _pg8000(**named: Any) -> _Read:
    keywords, rest = _parted({name: value for name, value in named.items() if name not in _TLS})
    if path := rest.pop("unix_sock", None):
        keywords["host"], _, port = str(path).rpartition("/")
        keywords["port"] = port.rpartition(".")[2]
    return _with_context(keywords, rest, "ssl_context", named.get("ssl_context"))


_TLS = frozenset({"ssl", "ssl_context", "direct_tls"})


def _with_context(keywords: dict[str, str], rest: Arguments, name: str, value: object) -> _Read:
    if isinstance(value, ssl.SSLContext):
        verified = _level_of(value) == TlsLevel.VERIFY_FULL
        return _Read(_conninfo(keywords | (_VERIFIED if verified else {"sslmode": "require"})), rest, (name, value))
    words = {"None": {}, "False": {"sslmode": "disable"}, "True": _VERIFIED}
    return _Read(_conninfo(keywords | words.get(str(value), {"sslmode": str(value)})), rest)


_VERIFIED = {"sslmode": "verify-full", "sslrootcert": "system"}


def _mysql(**named: Any) -> _Read:
    tls = named.pop("ssl", None)
    user, password = named.pop("user", ""), named.pop("password", None) or named.pop("passwd", None) or ""
    host, port = named.pop("host", "localhost"), named.pop("port", 3306)
    dbname = named.pop("database", None) or named.pop("db", None) or ""
    decisive = {name for name in named if name.startswith(("ssl", "read_default", "unix_socket"))}
    query = {name: _flag(named.pop(name)) for name in sorted(decisive)}
    context = ("ssl", tls) if isinstance(tls, ssl.SSLContext) else None
    query |= {"ssl-mode": "REQUIRED"} if context else _mysql_files(tls or {})
    where = "" if "unix_socket" in query else f"{f'[{host}]' if ':' in host else host}:{port}"
    login = f"{quote(user, '')}:{quote(password, '')}"
    return _Read(Hidden(f"mysql://{login}@{where}/{quote(dbname, '')}?{urlencode(query)}"), named, context)


def _flag(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _mysql_files(tls: Arguments) -> dict[str, str]:
    """Return the parameters for a dictionary with which PyMySQL and mysqlclient turn TLS on."""
    files = {f"ssl-{name}": str(tls[name]) for name in ("ca", "cert", "key") if tls.get(name)}
    verified = "VERIFY_IDENTITY" if tls.get("check_hostname", True) else "VERIFY_CA"
    return files | ({"ssl-mode": verified if "ssl-ca" in files else "REQUIRED"} if tls else {})


_READERS: dict[str, Callable[..., _Read]] = {
    "psycopg": _psycopg,
    "psycopg2": _psycopg2,
    "asyncpg": _asyncpg,
    "pg8000": _pg8000,
    "pymysql": _mysql,
    "mysqldb": _mysql,
}
