"""The entries of ``DATABASES``, with what their logins follow."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from envconn.drivers import django
from envconn.following import connections
from envconn.services import Services, database

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envconn.drivers.django import DatabaseSettings, Handed
    from envconn.tls import SecuredConnection

__all__ = ["entries"]


def entries(
    source: Services | SecuredConnection, pool: Mapping[str, float] | None, *, rotate: bool
) -> dict[str, Handed]:
    """Return the entries of `envconn.drivers.django.entries` for every database of `source`.

    Raises:
        ConfigurationError: as there.
        TypeError: `source` is neither services nor a judged connection.
    """
    others = source.databases if isinstance(source, Services) else {}
    found = django.entries({"database": database(source), **others}, pool, rotate=rotate)
    for alias, handed in found.items():
        if django.rotates(handed.settings):
            choose = partial(django.current, alias=alias)
            _follow(handed.settings, source.view(choose) if isinstance(source, Services) else handed.connection)
    return found


def _follow(entry: DatabaseSettings, source: Services | SecuredConnection) -> None:
    entry["ENVCONN"] = source
    if isinstance(lent := entry["OPTIONS"].get("pool"), dict):
        lent["connection_class"] = connections(import_module("psycopg").Connection, source, django.renewed)
