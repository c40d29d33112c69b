"""Clients that share a pooler, by driver: each opened the naive way, and our way.

A `Client` runs statements, one transaction each, with its own number in the text, so that running
somebody else's statement shows. To add a driver, add a line to `NAIVE` and to `OURS`.
"""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
import psycopg2

import envconn_psycopg

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envconn import SecuredConnection

__all__ = ["NAIVE", "OK", "OURS", "WRONG", "Client", "is_direct", "own_port", "storm"]

OK = "ok"
WRONG = "wrong result"

CLIENTS = 6
ROUNDS = 25


class Client(Protocol):
    """An open connection."""

    def ask(self, number: int) -> int:
        """Return what the server makes of `number`, by a statement that only this number has, in a transaction."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class DbApi:
    """A client of a DB-API driver."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def ask(self, number: int) -> int:
        with self._connection.cursor() as cursor:
            cursor.execute(f"select {number} + %s", (0,))
            (found,) = cursor.fetchone()
        self._connection.commit()
        return int(found)

    def close(self) -> None:
        self._connection.close()


NAIVE: Mapping[str, Callable[[str], Client]] = {
    "psycopg": lambda uri: DbApi(psycopg.connect(uri)),
    "psycopg2": lambda uri: DbApi(psycopg2.connect(uri)),
}
"""Open a client with the URL as it is."""

OURS: Mapping[str, Callable[[SecuredConnection], Client]] = {
    "psycopg": lambda judged: DbApi(psycopg.connect(**envconn_psycopg.kwargs(judged))),
    "psycopg2": lambda judged: DbApi(psycopg2.connect(**envconn_psycopg.kwargs(judged, driver="psycopg2"))),
}
"""Open a client with what the integration makes of the judged connection."""


def storm(connect: Callable[[], Client]) -> str:
    """Let several clients take turns and return `OK`, `WRONG`, or the name of the error that ended it."""
    with ExitStack() as cleanup:
        clients = [cleanup.enter_context(closing(connect())) for _ in range(CLIENTS)]
        try:
            answers = [(n, client.ask(n)) for _ in range(ROUNDS) for n, client in enumerate(clients)]
        except Exception as error:  # noqa: BLE001 every driver has its own
            return type(error).__name__
    return OK if all(number == answer for number, answer in answers) else WRONG


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
