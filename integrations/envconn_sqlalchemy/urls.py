"""The connections that URLs of SQLAlchemy name: ``postgresql+psycopg://app@host:5432/app?plugin=envconn&envconn=NAME``.

Such a URL holds no password and nothing about TLS. In its query stands the plugin that opens its connections
(`envconn_sqlalchemy.engine`), and the name of the connection: that of a service, or one that is made up for a
connection that is none. The names hold for this process. In another one, a service is loaded from the environment, and
so is its direct endpoint (``database~direct``).
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from threading import Lock

from sqlalchemy import URL

import envconn
from envconn.drivers import sqlite
from envconn.drivers.unsupported import refuse
from envconn.errors import ConfigurationError, problem
from envconn.records import Record
from envconn.rotation.reload import differences
from envconn.services import in_use
from envconn.tls.secured import place_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from envconn.drivers.installed import Driver
    from envconn.tls import SecuredConnection

    Target: TypeAlias = tuple[str | None, int | None, str]

PLUGIN = "envconn"
"""The name of the plugin, and of the parameter that names the connection."""

BUILD = "envconn_build"
"""The name of the plugin of engines without a database."""

NO_DATABASE = URL.create("sqlite", database=":memory:", query={"plugin": BUILD})
"""The URL of an engine that raises when it connects: there may be no database under ``ENVCONN_PHASE=build``."""

RESERVED = frozenset({"plugin", PLUGIN})
"""The parameters of a URL that are not for the DBAPI."""


class _Named(Record):
    connection: SecuredConnection
    target: Target


_NAMED: dict[str, _Named] = {}
_LOCK = Lock()


def write(connection: SecuredConnection, driver: Driver) -> URL:
    """Return the URL that names `connection`, and enter it.

    Several hosts, a socket, and a name that a URL could not hold on every version of SQLAlchemy are left out.
    """
    host, port, user = _target(connection)
    dialect = _DIALECTS.get(connection.scheme.partition("+")[0], connection.family)
    if dialect == _COCKROACHDB and not find_spec("sqlalchemy_cockroachdb"):
        refuse(connection, _NO_DIALECT, "driver-missing")
    return URL.create(
        f"{dialect}+{driver}",
        username=user,
        host=host,
        port=port,
        database=connection.dbname if _is_plain(connection.dbname) else None,
        query={"plugin": PLUGIN, PLUGIN: _entered(connection)},
    )


_COCKROACHDB = "cockroachdb"
_DIALECTS = {"mariadb": "mariadb", "cockroach": _COCKROACHDB, "cockroachdb": _COCKROACHDB}
_NO_DIALECT = (
    "SQLAlchemy's dialect for PostgreSQL does not work with CockroachDB. Run pip install sqlalchemy-cockroachdb"
)


def read(url: URL) -> SecuredConnection:
    """Return the connection that `url` names. Without a user, host or port, it is for those of the connection.

    Raises:
        ConfigurationError: `url` names another user, host or port, or contains a password; or there is no such
            connection in this process, nor in its environment.
    """
    name = url.query.get(PLUGIN)
    if not isinstance(name, str):
        raise ConfigurationError([problem("argument-refused", "url", _NAMELESS)])
    if name not in _NAMED:
        loaded = _loaded(name)
        _NAMED[name] = _Named(loaded, _target(loaded))
    connection, handed_out = _NAMED[name]
    stated = (url.host or None, url.port, url.username or None)
    if not any(_is_within(stated, target) for target in (handed_out, _target(in_use(connection)))):
        refuse(connection, _OTHER, "argument-refused")
    if url.password is not None:
        refuse(connection, _PASSWORD, "argument-refused")
    return connection


def _loaded(name: str) -> SecuredConnection:
    service, _, endpoint = name.partition("~")
    found = envconn.load()[service]
    if endpoint in {"", DIRECT}:
        return found.endpoint(pooled=False) if endpoint else found
    return refuse(found, f"{name} is a connection of another process. Use the name of a service", "argument-refused")


DIRECT = "direct"
"""Behind the name of a service and a tilde: its endpoint that is not pooled, for migrations."""

_NAMELESS = "has the plugin envconn, but no connection. Add envconn=database, or the name of another service"
_OTHER = "is not for the host, port or user in the URL of the engine. Use what envconn_sqlalchemy.url() returns"
_PASSWORD = "supplies the password: remove it from the URL of the engine"  # noqa: S105 - a message


def _is_within(stated: tuple[object, ...], target: Target) -> bool:
    return all(part in {None, ours} for part, ours in zip(stated, target, strict=True))


def _target(connection: SecuredConnection) -> Target:
    host, *others = connection.hosts
    fits = not (others or host.is_socket or "%" in host.host)
    return (host.host, host.port, connection.user) if fits else (None, None, connection.user)


def _is_plain(dbname: str) -> bool:
    """Whether `dbname` is the same in a URL, where SQLAlchemy 2.0 neither encodes nor decodes it."""
    return dbname.isascii() and dbname.replace("-", "_").replace("_", "a").isalnum()


def _entered(connection: SecuredConnection) -> str:
    with _LOCK:
        name = next(name for name in _candidates(connection) if _is_free(name, connection))
        _NAMED[name] = _Named(connection, _target(connection))
    return name


def _is_free(name: str, connection: SecuredConnection) -> bool:
    return name not in _NAMED or _is_same(_NAMED[name].connection, connection)


def _candidates(connection: SecuredConnection) -> Iterator[str]:
    """Yield the names that `connection` may have: that of the service alone if it is one, then numbered ones."""
    place, number = place_of(connection), 1
    if place and place.variable is None and not place.steps:
        yield connection.name
    while True:
        number += 1
        yield f"{connection.name}~{number}"


def _is_same(one: SecuredConnection, other: SecuredConnection) -> bool:
    """Whether both are judged alike, so that an engine of either may be opened as the other.

    An application that is made again and again (in tests) enters its connections each time.
    """
    alike = {*differences(one, other)} <= {"origin", "password", "siblings"}
    return one is other or (alike and (place_of(one) is None) is (place_of(other) is None))


def of_file(connection: SecuredConnection, *, asynchronous: bool) -> URL:
    """Return the URL of an SQLite database, which is an ordinary one.

    The path is absolute: Flask-SQLAlchemy would look for another file in its own folder.

    Raises:
        ConfigurationError: SQLAlchemy does not support a parameter of the connection, or aiosqlite is not installed.
    """
    found = sqlite.arguments(connection)
    if "transaction_mode" in found:
        refuse(connection, "SQLAlchemy does not support transaction_mode. Remove it")
    if asynchronous and not find_spec("aiosqlite"):
        refuse(connection, "aiosqlite is not installed. Run pip install 'envconn[aiosqlite]'", "driver-missing")
    path = connection.dbname if connection.dbname == ":memory:" else os.path.abspath(connection.dbname)
    query = {name: str(value) for name, value in found.items()}
    return URL.create("sqlite+aiosqlite" if asynchronous else "sqlite", database=path, query=query)
