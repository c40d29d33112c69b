"""``DATABASES`` as JSON, for a ``settings.py`` that reads it: ``DATABASES = json.loads(...)``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from envconn.drivers.django import settings
from envconn.export.consumer import decline
from envconn.export.libpq import reader

if TYPE_CHECKING:
    from envconn.export.consumer import Request

__all__ = ["text"]


def text(request: Request) -> str:
    """Return one entry, called ``default`` or like the service: for psycopg 3 or psycopg2, MySQLdb, or sqlite3.

    Raises:
        ConfigurationError: it is none of Django's databases, or its driver cannot do what is stated.
    """
    connection = request.connection
    if connection.kind not in {"mysql", "postgresql", "sqlite"}:
        decline(connection, f"holds a {connection.kind} connection, which is none of Django's databases; export uri")
    known = reader(request) if connection.kind == "postgresql" else 0
    alias = "default" if connection.name == "database" else connection.name
    return json.dumps({alias: settings(connection, elsewhere=known)}, indent=2, ensure_ascii=False) + "\n"
