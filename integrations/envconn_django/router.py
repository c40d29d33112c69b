"""The database router: reads of the default database go to its replicas."""

import random

from django.db import connections

from envconn_django.aliases import is_of_default, is_replica, replicas


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
