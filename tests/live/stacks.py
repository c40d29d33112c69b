"""Every way to reach PostgreSQL: the drivers, and what stands on them, by the names in `matrix.STACKS`.

Each stack connects with what its integration hands over, and tells what happened in the words of
`matrix`. Some cannot tell one refusal from another, so an outcome is the set of what it may mean.
"""

from __future__ import annotations

import asyncio
import gc
import re
import warnings
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import asyncpg
import flask
import flask_sqlalchemy
import pg8000.dbapi
import sqlalchemy
from pg8000.core import CoreConnection
from sqlalchemy import text
from sqlalchemy.util import greenlet_spawn

import django_stack
import envconn
import envconn_asyncpg
import envconn_flask
import envconn_psycopg
import envconn_sqlalchemy
import libpq_drivers
import matrix
from envconn import ConfigurationError
from envconn.drivers import pg8000 as pg8000_arguments
from envconn_celery.settings import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envconn import SecuredConnection
    from envconn.drivers.installed import Driver

    Connect = Callable[..., str]

__all__ = ["ASYNC", "STACKS", "SYNC", "Stack", "in_use_below", "opened", "outcome"]

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
    r"unexpected connection_lost\(\) call|connection was closed in the middle": {matrix.CLOSED},
    # pg8000
    r"Server refuses SSL": {matrix.NO_TLS, matrix.ERROR, matrix.CLOSED},
    r"InterfaceError: network error": {matrix.CLOSED},
    r"codec can't decode": {matrix.GARBAGE},
    **{re.escape(words): {meaning} for words, meaning in libpq_drivers.WORDS.items()},
    r"^OperationalError: +$": {matrix.GARBAGE},  # see libpq_drivers.recognised
}


class Stack(NamedTuple):
    """The driver that does the work, and how to connect and say whether TLS is in use, at both ends if `ask`."""

    driver: Driver
    connect: Connect


def outcome(stack: str, environ: Mapping[str, str], *, ask: bool = True) -> set[str]:
    """Connect to the default database of `environ` and return what may have come of it; an unknown error as it is.

    Raises:
        ConfigurationError: the environment is wrong, or the driver cannot honour it.
    """
    with warnings.catch_warnings():
        if STACKS[stack].driver == "pg8000":  # it forgets to close the socket when it refuses
            warnings.simplefilter("ignore", ResourceWarning)
        text = _attempted(stack, environ, ask=ask)
        gc.collect(1)
    return next((means for words, means in _WORDS.items() if re.search(words, text)), {text})


def _attempted(stack: str, environ: Mapping[str, str], *, ask: bool) -> str:
    try:
        return STACKS[stack].connect(environ, ask=ask)
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001 - five drivers have five trees of exceptions
        return f"{type(error).__name__}: {error} {error.__cause__ or ''}"


def _judged(connect: Connect) -> Connect:
    """Let `connect` have the judged connection in place of the environment."""
    return lambda environ, *, ask: connect(envconn.load(environ, env_file=None).database, ask=ask)


def _told(in_use: object, server: object) -> str:
    if server is not None and bool(server) is not bool(in_use):
        return matrix.DISAGREE
    return matrix.TLS if in_use else matrix.CLEAR


@_judged
def _asyncpg(judged: SecuredConnection, *, ask: bool) -> str:
    async def connect() -> str:
        connection = await envconn_asyncpg.connect(judged)
        try:
            return _told(in_use_below(connection), await connection.fetchval(_QUERY) if ask else None)
        finally:
            connection.terminate()

    return asyncio.run(connect())


@_judged
def _pg8000(judged: SecuredConnection, *, ask: bool) -> str:
    with closing(pg8000.dbapi.connect(**pg8000_arguments.arguments(judged))) as connection:
        cursor = connection.cursor()
        if ask:
            cursor.execute(_QUERY)
        return _told(in_use_below(connection), cursor.fetchone()[0] if ask else None)


def _libpq(driver: str) -> Connect:
    def connect(judged: SecuredConnection, *, ask: bool) -> str:
        arguments = envconn_psycopg.kwargs(judged, driver=libpq_drivers.family(driver))
        return libpq_drivers.DRIVERS[driver]("", arguments, ask=ask)

    return _judged(connect)


def _engine(driver: Driver) -> Connect:
    return _judged(lambda judged, *, ask: _through(envconn_sqlalchemy.create_engine(judged, driver=driver), ask=ask))


def _async_engine(driver: Driver) -> Connect:
    async def connect(judged: SecuredConnection, *, ask: bool) -> str:
        engine = envconn_sqlalchemy.create_async_engine(judged, driver=driver)
        try:
            if not ask:
                return await greenlet_spawn(opened, engine.sync_engine)
            async with engine.connect() as connection:
                raw = await connection.get_raw_connection()
                server = (await connection.execute(text(_QUERY))).scalar_one()
                return _told(in_use_below(raw.driver_connection), server)
        finally:
            await engine.dispose()

    return _judged(lambda judged, *, ask: asyncio.run(connect(judged, ask=ask)))


def opened(engine: sqlalchemy.Engine) -> str:
    """Open a connection as the engine would, and ask nothing: a fake has no answers to what SQLAlchemy asks first."""
    opened = engine.pool._creator(None)  # type: ignore[call-arg, arg-type]
    try:
        return _told(in_use_below(engine.dialect.get_driver_connection(opened)), None)
    finally:
        engine.dialect.do_terminate(opened)


@_judged
def _flask(judged: SecuredConnection, *, ask: bool) -> str:
    app = flask.Flask("matrix")
    envconn_flask.EnvConn(app, services=judged)
    db = flask_sqlalchemy.SQLAlchemy(app)
    with app.app_context():
        return _through(db.engine, ask=ask)


@_judged
def _celery(judged: SecuredConnection, *, ask: bool) -> str:
    """Through the engine that Celery's backend for results makes of the settings; the broker plays no part."""
    from celery import Celery
    from celery.backends.database.session import SessionManager

    app = Celery("matrix", set_as_current=False)
    broker = envconn.load({"BROKER_URL": "amqp://localhost"}, env_file=None).broker
    app.conf.update(settings(broker, judged))
    app.conf.database_create_tables_at_setup = False  # or it would connect already, eleven times where it cannot
    backend = app.backend
    return _through(SessionManager().get_engine(backend.url, **backend.engine_options), ask=ask)


def _through(engine: sqlalchemy.Engine, *, ask: bool) -> str:
    try:
        if not ask:
            return opened(engine)
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
    session = getattr(connection, "pgconn", None) or connection.info  # type: ignore[attr-defined]
    return bool(session.ssl_in_use)


STACKS: dict[str, Stack] = {
    "psycopg": Stack("psycopg", _libpq("psycopg")),
    "psycopg, async": Stack("psycopg", _libpq("psycopg-async")),
    "psycopg2": Stack("psycopg2", _libpq("psycopg2")),
    "asyncpg": Stack("asyncpg", _asyncpg),
    "pg8000": Stack("pg8000", _pg8000),
    **{f"sqlalchemy+{driver}": Stack(driver, _engine(driver)) for driver in SYNC},
    **{f"sqlalchemy+{driver}, async": Stack(driver, _async_engine(driver)) for driver in ASYNC},
    "flask-sqlalchemy": Stack("psycopg", _flask),
    "django on psycopg": Stack("psycopg", partial(django_stack.outcome, "psycopg")),
    "django on psycopg2": Stack("psycopg2", partial(django_stack.outcome, "psycopg2")),
    "celery results": Stack("psycopg", _celery),
}
