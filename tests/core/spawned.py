"""What a spawned child process is asked. It finds this module by its name, and no test module."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable


def ask(question: Callable[[dict[str, Any]], object], arguments: dict[str, Any]) -> Any:
    """Return what `question` returns in a child process that is given a copy of `arguments`."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(question, arguments).result(60)


def ca(arguments: dict[str, Any]) -> tuple[str, str]:
    """Return the path of the CA in `arguments`, and what it holds."""
    path = arguments["sslrootcert"]
    with open(path, encoding="utf-8") as stream:
        return path, stream.read()


def user(arguments: dict[str, Any]) -> str:
    """Return the user of a connection with `arguments`, and the path of its CA."""
    with psycopg.connect(**arguments) as connection:
        return f"{connection.execute('select session_user').fetchone()} {arguments['sslrootcert']}"
