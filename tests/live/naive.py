"""Connect with the text of the URL and nothing else, as each driver's documentation does.

Each function returns in the words of `matrix` whether TLS is in use, or the name and text of the error. The server is
not asked anything.
"""

from __future__ import annotations

import asyncio
import gc
import warnings
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncpg
import pg8000.dbapi
import sqlalchemy

import libpq_drivers
import matrix
from stacks import in_use_below, opened

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["NAIVE", "asyncpg_connect", "engine"]


def asyncpg_connect(uri: str, **arguments: object) -> str:
    """Call ``asyncpg.connect`` with `uri`, and what is stated beside it."""

    async def connect() -> str:
        connection = await asyncpg.connect(uri, **arguments)
        try:
            return matrix.TLS if in_use_below(connection) else matrix.CLEAR
        finally:
            connection.terminate()

    try:
        return asyncio.run(connect())
    except Exception as error:  # noqa: BLE001 - whatever it is called, it is told
        return f"{type(error).__name__}: {error}"


def pg8000_connect(uri: str) -> str:
    """Split `uri` for the five arguments of ``pg8000.dbapi.connect``; the query has no place among them."""
    url = urlsplit(uri)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # it forgets to close the socket when it refuses
            connection = pg8000.dbapi.connect(url.username, url.hostname, url.path[1:], url.port, url.password)
            gc.collect(1)
    except Exception as error:  # noqa: BLE001 - the same
        return f"{type(error).__name__}: {error}"
    outcome = matrix.TLS if in_use_below(connection) else matrix.CLEAR
    connection.close()
    return outcome


def engine(uri: str, driver: str = "psycopg", **options: object) -> str:
    """Call ``sqlalchemy.create_engine`` with `uri` for `driver`, and open a connection."""
    made = None
    try:
        made = sqlalchemy.create_engine(uri.replace("postgresql:", f"postgresql+{driver}:"), **options)
        return opened(made)
    except Exception as error:  # noqa: BLE001 - the same
        return f"{type(error).__name__}: {error}"
    finally:
        if made:
            made.dispose()


NAIVE: dict[str, Callable[[str], str]] = {
    "psycopg": partial(libpq_drivers.naive, "psycopg"),
    "psycopg2": partial(libpq_drivers.naive, "psycopg2"),
    "asyncpg": asyncpg_connect,
    "pg8000": pg8000_connect,
    "sqlalchemy+psycopg": engine,
    "sqlalchemy+psycopg2": partial(engine, driver="psycopg2"),
}
