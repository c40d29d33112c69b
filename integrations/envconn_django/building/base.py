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


def _refusing(kind: type) -> type:
    """Derive a class that refuses wherever Django's dummy complains."""
    return type(kind.__name__, (kind,), {name: _refuse for name, is_so in vars(kind).items() if is_so is base.complain})


class DatabaseWrapper(_refusing(base.DatabaseWrapper)):  # type: ignore[misc]
    """Refuses to be used."""

    client_class = _refusing(base.DatabaseClient)
    introspection_class = _refusing(base.DatabaseIntrospection)
    ops_class = _refusing(base.DatabaseOperations)
