"""Django's dummy backend, with a sentence that says what is going on."""

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.dummy import base

from envconn_django.aliases import NOT_HERE


def _refuse(*_: object, **__: object) -> None:
    raise ImproperlyConfigured(NOT_HERE)


def _refusing(kind: type) -> type:
    """Derive a class that refuses wherever Django's dummy complains."""
    return type(kind.__name__, (kind,), {name: _refuse for name, is_so in vars(kind).items() if is_so is base.complain})


class DatabaseWrapper(_refusing(base.DatabaseWrapper)):  # type: ignore[misc]
    """Refuses to be used."""

    client_class = _refusing(base.DatabaseClient)
    introspection_class = _refusing(base.DatabaseIntrospection)
    ops_class = _refusing(base.DatabaseOperations)
