"""Connect as Django does, again and again: a line of JSON comes in, a line of JSON goes out.

Started by `django_stack` with the driver that Django is to find. A request holds what to load, the
environment of the process meanwhile, and whether the server can be asked; the answer what came of it.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TypedDict, cast

if sys.argv[1] == "psycopg2":
    sys.modules["psycopg"] = None  # type: ignore[assignment]

import django
from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.db.utils import ConnectionHandler

import envconn
from envconn_django import databases

_QUERY = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"


class Request(TypedDict):
    """One cell."""

    environ: dict[str, str]
    process: dict[str, str]
    ask: bool


def answer(request: Request) -> dict[str, str]:
    """Load the environment, let Django connect, and tell."""
    os.environ.clear()
    os.environ.update(request["process"])
    try:
        entries = databases(envconn.load(request["environ"], env_file=None))
    except envconn.ConfigurationError as error:
        return {"error": str(error)}
    return _connect(cast("dict[str, object]", entries), request)


def _connect(entries: dict[str, object], request: Request) -> dict[str, str]:
    connection = ConnectionHandler(entries)["default"]
    try:
        if not request["ask"]:
            connection.connection = connection.get_new_connection(connection.get_connection_params())
            return {"client": str(_in_use(connection.connection))}
        with connection.cursor() as cursor:
            cursor.execute(_QUERY)
            return {"client": str(_in_use(connection.connection)), "server": str(cursor.fetchone()[0])}
    except (DatabaseError, InterfaceError, UnicodeDecodeError, connection.Database.Error) as error:
        return {"error": f"{type(error).__name__}: {error}"}
    finally:
        connection.close()


def _in_use(connection: object) -> bool:
    pgconn = getattr(connection, "pgconn", None) or getattr(connection, "info")  # noqa: B009 - of either driver
    return bool(pgconn.ssl_in_use)


if __name__ == "__main__":
    settings.configure(USE_TZ=True)
    django.setup()
    for line in sys.stdin:
        from django.db.backends.postgresql.base import Database

        sys.stdout.write(json.dumps({"driver": Database.__name__, **answer(json.loads(line))}) + "\n")
        sys.stdout.flush()
