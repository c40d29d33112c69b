"""Every way to reach PostgreSQL that is not libpq's own: asyncpg, pg8000, SQLAlchemy on each driver, Flask.

Each stack connects with what its integration hands over, and tells what happened in the words of
`matrix`. Some cannot tell one refusal from another, so an outcome is the set of what it may mean.
"""

from __future__ import annotations

import asyncio
import gc
import re
import warnings
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

import asyncpg
import flask
import flask_sqlalchemy
import pg8000.dbapi
import sqlalchemy
from pg8000.core import CoreConnection
from sqlalchemy import text
from sqlalchemy.util import greenlet_spawn

import envconn_asyncpg
import envconn_flask
import envconn_sqlalchemy
import matrix
from envconn import ConfigurationError
from envconn.drivers import pg8000 as pg8000_arguments

if TYPE_CHECKING:
    from collections.abc import Callable

    from envconn import SecuredConnection
    from envconn.drivers.sqlalchemy import Driver

    Connect = Callable[..., str]

__all__ = ["ASYNC", "STACKS", "SYNC", "Stack", "outcome"]

_QUERY = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"
SYNC: tuple[Driver, ...] = ("psycopg", "psycopg2", "pg8000")
ASYNC: tuple[Driver, ...] = ("psycopg", "asyncpg")

_WORDS: dict[str, set[str]] = {
    # Python's ssl module, OpenSSL's reasons
    r"Hostname mismatch|IP address mismatch": {matrix.MISNAMED},
    r"CERTIFICATE_VERIFY_FAILED": {matrix.UNTRUSTED},
    r"WRONG_VERSION_NUMBER|record layer failure": {matrix.INJECTED},
    # asyncpg
    r"rejected SSL upgrade": {matrix.NO_TLS, matrix.GARBAGE, matrix.INJECTED},
    r"sent an error response during SSL exchange": {matrix.ERROR},
    r"unexpected connection_lost\(\) call|connection was closed in the middle": {matrix.CLOSED},
    # pg8000
    r"Server refuses SSL": {matrix.NO_TLS, matrix.ERROR, matrix.CLOSED},
    r"codec can't decode": {matrix.GARBAGE},
    # libpq, below SQLAlchemy
    r"certificate verify failed": {matrix.UNTRUSTED},
    r"does not match host name": {matrix.MISNAMED},
    r"server does not support SSL": {matrix.NO_TLS},
    r"received invalid response to SSL negotiation|^OperationalError: +$": {matrix.GARBAGE},  # see matrix.recognised
    r"received unencrypted data after SSL response": {matrix.INJECTED},
    r"server closed the connection unexpectedly": {matrix.CLOSED},
    # the server's own
    r"no encryption": {matrix.NOT_IN_CLEAR},
}


class Stack(NamedTuple):
    """The driver that does the work, and how to connect and say whether TLS is in use, at both ends if `ask`."""

    driver: Driver
    connect: Connect


def outcome(stack: str, judged: SecuredConnection, *, ask: bool = True) -> set[str]:
    """Connect and return what may have come of it; an unknown error in its own words."""
    with warnings.catch_warnings():
        if STACKS[stack].driver == "pg8000":  # it forgets to close the socket when it refuses
            warnings.simplefilter("ignore", ResourceWarning)
        told = _attempted(stack, judged, ask=ask)
        gc.collect(1)
    return next((means for words, means in _WORDS.items() if re.search(words, told)), {told})


def _attempted(stack: str, judged: SecuredConnection, *, ask: bool) -> str:
    try:
        return STACKS[stack].connect(judged, ask=ask)
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001 - five drivers have five trees of exceptions
        return f"{type(error).__name__}: {error} {error.__cause__ or ''}"


def _told(in_use: object, server: object) -> str:
    if server is not None and bool(server) is not bool(in_use):
        return matrix.DISAGREE
    return matrix.TLS if in_use else matrix.CLEAR


def _asyncpg(judged: SecuredConnection, *, ask: bool) -> str:
    async def connect() -> str:
        connection = await envconn_asyncpg.connect(judged)
        try:
            return _told(in_use_below(connection), await connection.fetchval(_QUERY) if ask else None)
        finally:
            connection.terminate()

    return asyncio.run(connect())


def _pg8000(judged: SecuredConnection, *, ask: bool) -> str:
    with closing(pg8000.dbapi.connect(**pg8000_arguments.arguments(judged))) as connection:
        cursor = connection.cursor()
        if ask:
            cursor.execute(_QUERY)
        return _told(in_use_below(connection), cursor.fetchone()[0] if ask else None)


def _engine(driver: Driver) -> Connect:
    return lambda judged, *, ask: _through(envconn_sqlalchemy.create_engine(judged, driver=driver), ask=ask)


def _async_engine(driver: Driver) -> Connect:
    async def connect(judged: SecuredConnection, *, ask: bool) -> str:
        engine = envconn_sqlalchemy.create_async_engine(judged, driver=driver)
        try:
            if not ask:
                return await greenlet_spawn(_opened, engine.sync_engine)
            async with engine.connect() as connection:
                raw = await connection.get_raw_connection()
                server = (await connection.execute(text(_QUERY))).scalar_one()
                return _told(in_use_below(raw.driver_connection), server)
        finally:
            await engine.dispose()

    return lambda judged, *, ask: asyncio.run(connect(judged, ask=ask))


def _opened(engine: sqlalchemy.Engine) -> str:
    """Open a connection as the engine would, and ask nothing: a fake has no answers to what SQLAlchemy asks first."""
    opened = engine.pool._creator(None)  # type: ignore[call-arg, arg-type]
    try:
        return _told(in_use_below(engine.dialect.get_driver_connection(opened)), None)
    finally:
        engine.dialect.do_terminate(opened)


def _flask(judged: SecuredConnection, *, ask: bool) -> str:
    app = flask.Flask("matrix")
    envconn_flask.EnvConn(app, source=judged)
    db = flask_sqlalchemy.SQLAlchemy(app)
    with app.app_context():
        return _through(db.engine, ask=ask)


def _through(engine: sqlalchemy.Engine, *, ask: bool) -> str:
    try:
        if not ask:
            return _opened(engine)
        with engine.connect() as connection:
            server = connection.execute(text(_QUERY)).scalar_one()
            return _told(in_use_below(connection.connection.driver_connection), server)
    finally:
        engine.dispose()


def in_use_below(connection: object) -> bool:
    """Ask the driver of `connection` whether TLS is in use."""
    if isinstance(connection, asyncpg.Connection):
        return connection._transport.get_extra_info("ssl_object") is not None
    if isinstance(connection, CoreConnection):
        return hasattr(connection._usock, "version")
    told = getattr(connection, "pgconn", None) or connection.info  # type: ignore[attr-defined]
    return bool(told.ssl_in_use)


STACKS: dict[str, Stack] = {
    "asyncpg": Stack("asyncpg", _asyncpg),
    "pg8000": Stack("pg8000", _pg8000),
    **{f"sqlalchemy+{driver}": Stack(driver, _engine(driver)) for driver in SYNC},
    **{f"sqlalchemy+{driver}, async": Stack(driver, _async_engine(driver)) for driver in ASYNC},
    "flask-sqlalchemy": Stack("psycopg", _flask),
}
