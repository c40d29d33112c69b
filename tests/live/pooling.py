"""Clients that share a pooler, by driver: each opened the naive way, and our way.

To add a driver, add a line to `NAIVE` and to `OURS`.
"""

from __future__ import annotations

import os
import socket
import ssl
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import asyncpg
import flask
import flask_sqlalchemy
import pg8000.dbapi
import psycopg
import psycopg2
import sqlalchemy
from psycopg_pool import ConnectionPool
from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import create_async_engine

import envconn_asyncpg
import envconn_flask
import envconn_psycopg
import envconn_sqlalchemy
from clients import Alchemy, AsyncAlchemy, Asyncpg, AsyncpgPool, Client, DbApi, PsycopgPool
from envconn.drivers import pg8000 as pg8000_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envconn import SecuredConnection
    from envconn.drivers.installed import Driver

__all__ = ["NAIVE", "OK", "OURS", "WRONG", "Client", "is_direct", "own_port", "storm"]

OK = "ok"
WRONG = "wrong result"

# An odd number of transactions in a round, so that everybody meets the other one of two server connections next.
CLIENTS = 5
ROUNDS = 20


def naive(uri: str, driver: str) -> URL:
    """Return the URL with SQLAlchemy's name of the driver. Parameters stay where the driver reads libpq's."""
    url = make_url(uri).set(drivername=f"postgresql+{driver}")
    return url if driver.startswith("psycopg") else url.set(query={})


def _context(uri: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(make_url(uri).query["sslrootcert"]))


def _settings(uri: str) -> dict[str, str]:
    return {name: str(value) for name, value in make_url(uri).query.items() if name == "options"}


def _pg8000(uri: str) -> dict[str, object]:
    settings = {"startup_params": _settings(uri)} if _settings(uri) else {}
    return {"ssl_context": _context(uri), **settings}


def _naive_pg8000(uri: str) -> Any:
    url = naive(uri, "pg8000")
    where = {"host": url.host, "port": url.port, "database": url.database}
    return pg8000.dbapi.connect(url.username, password=url.password, **where, **_pg8000(uri))


def _naive_engine(uri: str, driver: str, **options: Any) -> Alchemy:
    arguments = _pg8000(uri) if driver == "pg8000" else {}
    return Alchemy(sqlalchemy.create_engine(naive(uri, driver), connect_args=arguments, **options))


def _naive_async_engine(uri: str, driver: str) -> AsyncAlchemy:
    known = {"ssl": _context(uri), "server_settings": _settings(uri)} if driver == "asyncpg" else {}
    return AsyncAlchemy(create_async_engine(naive(uri, driver), connect_args=known))


def _flask(configure: Callable[[flask.Flask], object]) -> Alchemy:
    app = flask.Flask("pooled")
    configure(app)
    db = flask_sqlalchemy.SQLAlchemy(app)
    with app.app_context():
        return Alchemy(db.engine)


def _naive_flask(uri: str) -> Alchemy:
    return _flask(lambda app: app.config.update(SQLALCHEMY_DATABASE_URI=naive(uri, "psycopg")))


NAIVE: Mapping[str, Callable[[str], Client]] = {
    "psycopg": lambda uri: DbApi(psycopg.connect(uri)),
    "psycopg pool": lambda uri: PsycopgPool(ConnectionPool(uri, min_size=1, max_size=1, open=False)),
    "psycopg2": lambda uri: DbApi(psycopg2.connect(uri)),
    "asyncpg": lambda uri: Asyncpg(lambda: asyncpg.connect(uri)),
    "asyncpg pool": lambda uri: AsyncpgPool(lambda: asyncpg.create_pool(uri, min_size=1, max_size=1)),
    "pg8000": lambda uri: DbApi(_naive_pg8000(uri)),
    "sqlalchemy+psycopg": lambda uri: _naive_engine(uri, "psycopg"),
    "sqlalchemy+psycopg2": lambda uri: _naive_engine(uri, "psycopg2"),
    "sqlalchemy+pg8000": lambda uri: _naive_engine(uri, "pg8000"),
    "sqlalchemy+pg8000, autocommit": lambda uri: _naive_engine(uri, "pg8000", isolation_level="AUTOCOMMIT"),
    "sqlalchemy+psycopg, async": lambda uri: _naive_async_engine(uri, "psycopg"),
    "sqlalchemy+asyncpg, async": lambda uri: _naive_async_engine(uri, "asyncpg"),
    "flask-sqlalchemy": _naive_flask,
}
"""Open a client with the URL as it is. What pg8000 and SQLAlchemy cannot read in it, they are told beside it."""


def _engine(driver: Driver) -> Callable[[SecuredConnection], Client]:
    return lambda judged: Alchemy(envconn_sqlalchemy.create_engine(judged, driver=driver))


def _async_engine(driver: Driver) -> Callable[[SecuredConnection], Client]:
    return lambda judged: AsyncAlchemy(envconn_sqlalchemy.create_async_engine(judged, driver=driver))


OURS: Mapping[str, Callable[[SecuredConnection], Client]] = {
    "psycopg": lambda judged: DbApi(psycopg.connect(**envconn_psycopg.kwargs(judged))),
    "psycopg pool": lambda judged: PsycopgPool(
        ConnectionPool(kwargs={**envconn_psycopg.kwargs(judged)}, min_size=1, max_size=1, open=False)
    ),
    "psycopg2": lambda judged: DbApi(psycopg2.connect(**envconn_psycopg.kwargs(judged, driver="psycopg2"))),
    "asyncpg": lambda judged: Asyncpg(lambda: envconn_asyncpg.connect(judged)),
    "asyncpg pool": lambda judged: AsyncpgPool(lambda: envconn_asyncpg.create_pool(judged, min_size=1, max_size=1)),
    "pg8000": lambda judged: DbApi(pg8000.dbapi.connect(**pg8000_arguments.arguments(judged))),
    "sqlalchemy+psycopg": _engine("psycopg"),
    "sqlalchemy+psycopg2": _engine("psycopg2"),
    "sqlalchemy+pg8000": _engine("pg8000"),
    "sqlalchemy+psycopg, async": _async_engine("psycopg"),
    "sqlalchemy+asyncpg, async": _async_engine("asyncpg"),
    "flask-sqlalchemy": lambda judged: _flask(
        lambda app: envconn_flask.EnvConn(app, services=judged, driver="psycopg")
    ),
}
"""Open a client with what the integration makes of the judged connection."""


def storm(connect: Callable[[], Client]) -> str:
    """Let several clients take turns and return `OK`, `WRONG`, or the name of the error that ended it."""
    with ExitStack() as cleanup:
        clients = [cleanup.enter_context(closing(connect())) for _ in range(CLIENTS)]
        try:
            answers = [(n, client.ask(n)) for _ in range(ROUNDS) for n, client in enumerate(clients)]
        except Exception as error:  # noqa: BLE001 every driver has its own
            return type(_cause(error)).__name__
    return OK if all(number == answer for number, answer in answers) else WRONG


def _cause(error: BaseException) -> BaseException:
    """What the driver said, below what SQLAlchemy made of it."""
    return error if error.__cause__ is None else _cause(error.__cause__)


def own_port(connection: Any) -> int:
    """Return the port at this end of a DB-API connection; what is at the other end tells by it who is connected."""
    with socket.socket(fileno=os.dup(connection.fileno())) as ours:
        port: int = ours.getsockname()[1]
        return port


def is_direct(connection: Any) -> bool:
    """Whether the process that the other end named at start-up is the one that answers; a pooler names none."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        (answers,) = cursor.fetchone()
    return bool(connection.info.backend_pid == answers)
