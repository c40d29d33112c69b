"""Django's dummy backend, with a sentence that says what is going on."""

from __future__ import annotations

from typing import NoReturn

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.dummy import base

__all__ = ["DatabaseWrapper"]


def _refuse(*_: object, **__: object) -> NoReturn:
    raise ImproperlyConfigured(
        "ENVCONN_PHASE: is build and no database is configured, so that none can be used; "
        "unset it where the program runs, and set DATABASE_URL"
    )


class _Operations(base.DatabaseOperations):
    quote_name = _refuse


class DatabaseWrapper(base.DatabaseWrapper):
    """Refuses to be used."""

    ops_class = _Operations
    ensure_connection = _refuse
    _cursor = _refuse
    _commit = _refuse
    _set_autocommit = _refuse
