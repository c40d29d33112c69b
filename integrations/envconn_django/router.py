"""Reads to a replica, everything else to the primary."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

from django.db import connections

if TYPE_CHECKING:
    from django.db.models import Model

__all__ = ["ReplicaRouter"]

_REPLICA = re.compile(r"replica(?:_[0-9]+)?")


class ReplicaRouter:
    """Routes models of the default database; has no opinion on objects that came from another one.

    Reads inside a transaction of the primary stay there, so that they see what it wrote. A replica
    lags: what has just been written may not be read there yet.
    """

    def db_for_read(self, model: type[Model], **hints: object) -> str | None:
        """Return one of the replicas, at random."""
        if not self._is_ours(hints.get("instance")):
            return None
        replicas = [alias for alias in connections if _REPLICA.fullmatch(alias)]
        stay = connections["default"].in_atomic_block or not replicas
        return "default" if stay else random.choice(replicas)  # noqa: S311 - a choice, not a secret

    def db_for_write(self, model: type[Model], **hints: object) -> str | None:
        """Return the primary, also for objects that were read from a replica."""
        return "default" if self._is_ours(hints.get("instance")) else None

    def allow_relation(self, obj1: Model, obj2: Model, **hints: object) -> bool | None:
        """Allow relations between objects of the primary and of its replicas."""
        return True if self._is_ours(obj1) and self._is_ours(obj2) else None

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool | None:
        """Keep migrations off replicas."""
        return False if re.search(r"(?:^|_)replica(?:_[0-9]+)?$", db) else None

    def _is_ours(self, instance: object) -> bool:
        alias = getattr(getattr(instance, "_state", None), "db", None)
        return alias in {None, "default", "direct"} or bool(_REPLICA.fullmatch(str(alias)))
