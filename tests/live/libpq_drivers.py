"""What is linked with libpq connects, with a text or with arguments, and tells what happened as `matrix` words it."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import TYPE_CHECKING, Any, Literal

import psycopg
import psycopg2

import matrix

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DRIVERS", "QUERY", "WORDS", "family", "naive", "outcome", "recognised"]

WORDS = {
    "certificate verify failed": matrix.UNTRUSTED,
    "does not match host name": matrix.MISNAMED,
    "server does not support SSL": matrix.NO_TLS,
    "server sent an error response during SSL exchange": matrix.ERROR,
    "received invalid response to SSL negotiation": matrix.GARBAGE,
    "UnicodeDecodeError": matrix.GARBAGE,  # psycopg2 cannot read what libpq says about it
    "received unencrypted data after SSL response": matrix.INJECTED,
    "server closed the connection unexpectedly": matrix.CLOSED,
    "no encryption": matrix.NOT_IN_CLEAR,
}
"""libpq's words for a refusal (fe-secure.c, fe-secure-openssl.c, fe-connect.c), and ours."""

QUERY = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"


def _psycopg(conninfo: str, arguments: Mapping[str, Any], *, ask: bool) -> str:
    with psycopg.connect(conninfo, **arguments) as connection:
        row = connection.execute(QUERY).fetchone() if ask else None
        return _told(row, in_use=connection.pgconn.ssl_in_use)


async def _psycopg_async(conninfo: str, arguments: Mapping[str, Any], *, ask: bool) -> str:
    async with await psycopg.AsyncConnection.connect(conninfo, **arguments) as connection:
        row = await (await connection.execute(QUERY)).fetchone() if ask else None
        return _told(row, in_use=connection.pgconn.ssl_in_use)


def _psycopg2(conninfo: str, arguments: Mapping[str, Any], *, ask: bool) -> str:
    with closing(psycopg2.connect(conninfo, **arguments)) as connection, connection.cursor() as cursor:
        if ask:
            cursor.execute(QUERY)
        return _told(cursor.fetchone() if ask else None, in_use=connection.info.ssl_in_use)


def _told(row: tuple[bool] | None, *, in_use: bool) -> str:
    if row is not None and row[0] is not in_use:
        return matrix.DISAGREE
    return matrix.TLS if in_use else matrix.CLEAR


DRIVERS = {
    "psycopg": _psycopg,
    "psycopg-async": lambda conninfo, arguments, *, ask: asyncio.run(_psycopg_async(conninfo, arguments, ask=ask)),
    "psycopg2": _psycopg2,
}


def family(driver: str) -> Literal["psycopg", "psycopg2"]:
    """Return the name that `envconn_psycopg.kwargs` knows `driver` by."""
    return "psycopg2" if driver == "psycopg2" else "psycopg"


def outcome(driver: str, conninfo: str, arguments: Mapping[str, Any], *, ask: bool = True) -> str:
    """Connect and say what came of it, an unknown error in its own words. `ask` the server too, unless it is a fake."""
    try:
        return DRIVERS[driver](conninfo, arguments, ask=ask)
    except (psycopg.Error, psycopg2.Error, UnicodeDecodeError) as error:
        return recognised(f"{type(error).__name__}: {error}")


def recognised(error: str) -> str:
    """Return the word for `error`, the name and text of an exception, or `error` itself where there is none."""
    if error == "OperationalError: ":
        return matrix.GARBAGE  # psycopg2, on the Python of Debian 12 (3.11.2), where the error of reading is lost
    return next((meaning for words, meaning in WORDS.items() if words in error), error)


def naive(driver: str, uri: str) -> str:
    """Connect with the text and nothing else. The server is not asked anything."""
    return outcome(driver, uri, {}, ask=False)
