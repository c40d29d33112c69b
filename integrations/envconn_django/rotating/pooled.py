"""What Django's own pool makes its connections of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

import envconn
from envconn.drivers import django

if TYPE_CHECKING:
    from envconn import SecuredConnection, Services

__all__ = ["following"]


def following(source: Services | SecuredConnection) -> type[psycopg.Connection]:
    """Return a class whose connections are opened through `envconn.login`."""

    class Connection(psycopg.Connection):
        @classmethod
        def connect(cls, conninfo: str = "", **given: Any) -> psycopg.Connection:  # type: ignore[override]
            opened: Any = super().connect
            return envconn.login(source, lambda judged: opened(conninfo, **django.renewed(given, judged)))

    return Connection
