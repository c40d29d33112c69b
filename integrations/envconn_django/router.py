"""The database router, the exception and the reporter filter for Django."""

import random

from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.views import debug

from envconn.drivers import hidden_text
from envconn.errors import ConfigurationError
from envconn.selection.variables import is_read
from envconn_django.aliases import is_of_default, is_replica, replicas


class ImproperEnvironment(ConfigurationError, ImproperlyConfigured):
    """A `ConfigurationError` that Django handles as its own: commands that need no settings continue, and print it."""


class ReplicaRouter:
    """Routes models of the default database; has no opinion on objects of other databases.

    Reads inside a transaction of the primary stay there, so that they see its writes. A replica
    lags: recent writes may not be visible there yet.
    """

    def db_for_read(self, model: object, **hints: object) -> str | None:
        """Return one of the replicas, at random."""
        if not is_of_default(hints.get("instance")):
            return None
        found = [] if connections["default"].in_atomic_block else replicas(connections)
        return random.choice(found or ["default"])  # noqa: S311 - a choice, not a secret

    def db_for_write(self, model: object, **hints: object) -> str | None:
        """Return the primary, also for objects that were read from a replica."""
        return "default" if is_of_default(hints.get("instance")) else None

    def allow_relation(self, obj1: object, obj2: object, **hints: object) -> bool | None:
        """Allow relations between objects of the primary and of its replicas."""
        return True if is_of_default(obj1) and is_of_default(obj2) else None

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool | None:
        """Keep migrations off replicas."""
        return False if is_replica(db) else None


class SafeExceptionReporterFilter(debug.SafeExceptionReporterFilter):
    """Django's filter, which also hides the variables that envconn reads, and every URL with credentials."""

    def cleanse_setting(self, key: str, value: object) -> object:
        """Return `value`, or asterisks if `key` or the text itself shows that it is a secret."""
        secret = hidden_text.holds_credentials(value) or is_read(str(key))
        return self.cleansed_substitute if secret else super().cleanse_setting(key, value)

    def get_traceback_frame_variables(self, request: object, tb_frame: object) -> list[tuple[str, object]]:
        """Return the variables of a frame, with the same texts hidden."""
        found = super().get_traceback_frame_variables(request, tb_frame)
        return [(name, self.cleanse_setting(name, value) if isinstance(value, str) else value) for name, value in found]
