"""The assembly in use, and the way to another one; shared by every thread and every view of the services."""

from __future__ import annotations

import time
from _thread import LockType, allocate_lock  # what `threading.Lock` is, without the import of `threading`
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envconn.assembly import Assembly
    from envconn.tls import SecuredConnection

__all__ = ["PATIENCE", "Kept", "Reading", "View"]

PATIENCE = 5.0
"""Seconds that a thread waits for another one which is reading; reading twice does no harm."""


class Reading(NamedTuple):
    """What the environment came to when it was read from the moment `began` on (``time.monotonic()``)."""

    assembly: Assembly
    began: float


class Kept:
    """One `assembly` at a time, replaced as a whole: who asks for it gets the old one or the new one.

    `read` assembles the same environment again and raises nothing; `None` where there is no way back to it.
    """

    __slots__ = ("_in_use", "_latest", "_lock", "_read")

    def __init__(self, assembly: Assembly, read: Callable[[], Assembly] | None) -> None:
        self._in_use = self._latest = Reading(assembly, time.monotonic())
        self._read = read
        self._lock = allocate_lock()

    @property
    def assembly(self) -> Assembly:
        """The one in use."""
        return self._in_use.assembly

    @property
    def is_fixed(self) -> bool:
        """Whether there is no environment to read again."""
        return self._read is None

    def reread(self, since: float) -> Reading:
        """Return what the environment comes to after the moment `since` (``time.monotonic()``), without using it yet.

        Whoever waits for a reading that began after his `since` shares it.

        Raises:
            TypeError: these services were not read from variables and files alone.
        """
        if self._read is None:
            raise TypeError(_FIXED)
        lock = self._taken()
        try:
            if self._latest.began <= since:
                began = time.monotonic()
                self._latest = Reading(self._read(), began)
            return self._latest
        finally:
            lock.release()

    def adopt(self, found: Reading) -> None:
        """Use `found` from now on, unless a later one is in use already."""
        lock = self._taken()
        try:
            if found.began > self._in_use.began:
                self._in_use = found
        finally:
            lock.release()

    def _taken(self) -> LockType:
        lock = self._lock
        if not lock.acquire(timeout=PATIENCE):
            # A fork has copied it while a thread of the parent held it, which the child does not have.
            lock = self._lock = allocate_lock()
            lock.acquire()
        return lock


_FIXED = (
    "these services were not read from variables and files alone, so there is nothing to read again; load them, or "
    "make the settings, anew"
)


def _all(services: Mapping[str, SecuredConnection]) -> Mapping[str, SecuredConnection]:
    return services


def _one(
    services: Mapping[str, SecuredConnection],
    known_as: str,
    choose: Callable[[Mapping[str, SecuredConnection]], SecuredConnection],
) -> Mapping[str, SecuredConnection]:
    try:
        return {known_as: choose(services)}
    except KeyError:
        return {}


class View(NamedTuple):
    """What `Services` show of what is `kept`: all of it, or what `select` makes of it."""

    kept: Kept
    select: Callable[[Mapping[str, SecuredConnection]], Mapping[str, SecuredConnection]] = _all

    def of(self, assembly: Assembly) -> Mapping[str, SecuredConnection]:
        """Return the services of `assembly` as this view shows them."""
        return self.select(assembly.services)

    def only(self, known_as: str, choose: Callable[[Mapping[str, SecuredConnection]], SecuredConnection]) -> View:
        """Return the view of one service: what `choose` makes of those of this one; none if it is a `KeyError`."""
        return View(self.kept, lambda services: _one(self.select(services), known_as, choose))
