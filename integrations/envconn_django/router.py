"""The database router: reads of the default database go to its replicas, but not those that follow a write."""

from __future__ import annotations

import random
import re
import time
from contextvars import ContextVar
from math import inf

from django.db import connections
from django.db.backends.signals import connection_created

from envconn_django.aliases import is_of_default, is_replica, replicas

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from django.db.backends.base.base import BaseDatabaseWrapper


class ReplicaRouter:
    """Routes models of the default database; has no opinion on objects of other databases.

    A replica lags: a recent write may not be visible there yet. So reads stay on the primary for `pinned_seconds`
    after this thread or asyncio task has written there, by any way (models, ``using``, cursors), and while it is in
    a transaction of the primary. After a transaction, the time begins with the first read, even if that is a later
    request of the same thread. 0 means that only transactions count.
    """

    def __init__(self, pinned_seconds: float = 5.0) -> None:
        self._pinned_seconds = pinned_seconds
        connection_created.connect(_watch, dispatch_uid=__name__)

    def db_for_read(self, model: object, **hints: object) -> str | None:
        """Return one of the replicas, at random, or the primary after a write and in a transaction."""
        if not is_of_default(hints.get("instance")):
            return None
        found = [] if self._is_pinned() else replicas(connections)
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

    def _is_pinned(self) -> bool:
        if _in_transaction(connections["default"]):
            return True
        written = _written.get()
        if written == _IN_TRANSACTION:
            # It has ended since, and nothing was read in the meantime.
            written = time.monotonic()
            _written.set(written)
        return time.monotonic() < written + self._pinned_seconds


_IN_TRANSACTION = inf
_written: ContextVar[float] = ContextVar("written", default=-inf)
"""When this thread or task has last written to the primary, on the monotonic clock."""


def _watch(connection: BaseDatabaseWrapper, **_: object) -> None:
    if connection.alias == "default" and _note_write not in connection.execute_wrappers:
        # Not at the end: connection.execute_wrapper() removes the last one, whichever that is, when its block ends.
        connection.execute_wrappers.insert(0, _note_write)


def _note_write(execute: Callable[..., Any], sql: object, params: object, many: object, context: dict[str, Any]) -> Any:
    """Run a statement, and note whether it may have written, even if it fails."""
    try:
        return execute(sql, params, many, context)
    finally:
        if not _READS.match(str(sql)):
            _written.set(_IN_TRANSACTION if _in_transaction(context["connection"]) else time.monotonic())


_READS = re.compile(r"[\s(]*(?:SELECT|SHOW|SET|BEGIN|SAVEPOINT|RELEASE|ROLLBACK)\b", re.IGNORECASE)
"""What a statement begins with that is taken for a read. All others count as writes: EXPLAIN ANALYZE may be one.

A ``SELECT`` that writes, as by a function or with ``INTO``, cannot be told from one that does not.
"""


def _in_transaction(connection: BaseDatabaseWrapper) -> bool:
    is_manual = connection.connection is not None and not connection.autocommit
    return connection.in_atomic_block or is_manual
