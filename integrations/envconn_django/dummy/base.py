"""Django's dummy backend, with a message that says why there is no database."""

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.dummy import base
from django.db.utils import OperationalError

from envconn_django.aliases import NOT_HERE


class NoDatabase(ImproperlyConfigured, OperationalError):
    """No database is configured. It is an `OperationalError`, too, as if the server could not be reached.

    What continues without a server does so here: ``makemigrations``, which warns, and applications that read a table
    when they are imported.
    """


def _refuse(*_: object, **__: object) -> None:
    raise NoDatabase(NOT_HERE)


def _refusing(kind: type) -> type:
    """Return a subclass that raises this message instead of the dummy's own."""
    return type(kind.__name__, (kind,), {name: _refuse for name, is_so in vars(kind).items() if is_so is base.complain})


class DatabaseWrapper(_refusing(base.DatabaseWrapper)):  # type: ignore[misc]
    """Raises when it is used."""

    client_class = _refusing(base.DatabaseClient)
    introspection_class = _refusing(base.DatabaseIntrospection)
    ops_class = _refusing(base.DatabaseOperations)
