"""Read the environment again: the selection in use, views of it, and what changed between two of them."""

from __future__ import annotations

import os
import time
from _thread import RLock
from collections.abc import Mapping
from functools import reduce
from types import MappingProxyType

from envconn.errors import EndpointUnavailable
from envconn.records import Record, Value
from envconn.selection import select_services
from envconn.sources import working_directory
from envconn.tls.secured import foreign_parameters, judgement_of, put, weaker_parameters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from envconn.rotation.passwords import Supplier
    from envconn.selection import Selection
    from envconn.sources import Dotenv
    from envconn.tls import Policy, SecuredConnection


PATIENCE = 5.0
"""Seconds that a thread waits for another one that is reading, perhaps a file on a server that does not answer; reading
twice does no harm."""

QUIET = 60.0
"""Seconds for which the same warning is not logged again."""


class Snapshot(Record):
    """The result of reading the environment, begun at the moment `began` (``time.monotonic()``)."""

    selection: Selection
    began: float


class CurrentSelection:
    """One `selection` at a time, replaced as a whole: a reader gets the old one or the new one.

    `read` reads the same environment again and never raises; `None` if it cannot be read again.
    """

    __slots__ = ("_in_use", "_latest", "_lock", "_logged", "_owner", "_read")

    def __init__(self, selection: Selection, read: Callable[[], Selection] | None) -> None:
        self._in_use = self._latest = Snapshot(_placed(selection, self), time.monotonic())
        self._read = read
        self._lock, self._owner = RLock(), os.getpid()
        self._logged = ("", 0.0)

    @property
    def selection(self) -> Selection:
        """The selection in use."""
        return self._in_use.selection

    @property
    def is_fixed(self) -> bool:
        """Whether there is no environment to read again."""
        return self._read is None

    def reread(self, since: float) -> Snapshot:
        """Return a reading that began after the moment `since` (``time.monotonic()``), without using it yet.

        Concurrent calls share a reading that began after the `since` of each.

        Raises:
            TypeError: these services were not read from variables and files alone.
        """
        if self._read is None:
            raise TypeError(_FIXED)
        lock = self._taken()
        try:
            if self._latest.began <= since:
                began = time.monotonic()
                found = Snapshot(_placed(self._read(), self), began)
                # A signal's handler may have read meanwhile.
                self._latest = max(self._latest, found, key=_began)
            return self._latest
        finally:
            lock.release()

    def adopt(self, found: Snapshot) -> Changes | None:
        """Use `found` from now on, and return what changed; `None` if it, or a later one, is in use already."""
        lock = self._taken()
        try:
            if found.began <= self._in_use.began:
                return None
            before, self._in_use, self._logged = self._in_use, found, ("", 0.0)
        finally:
            lock.release()
        return changes(before.selection.services, found.selection.services)

    def is_news(self, text: str) -> bool:
        """Whether to log `text`, why a reading is not used: not again for `QUIET` seconds, however many logins fail."""
        lock, now = self._taken(), time.monotonic()
        try:
            last, since = self._logged
            if text == last and now < since + QUIET:
                return False
            self._logged = (text, now)
        finally:
            lock.release()
        return True

    def _taken(self) -> RLock:
        if self._owner != os.getpid():
            # A fork copied the lock, perhaps while a thread of the parent held it, which does not exist in the child.
            self._lock, self._owner = RLock(), os.getpid()
        lock = self._lock
        if not lock.acquire(timeout=PATIENCE):
            lock = self._lock = RLock()
            lock.acquire()
        return lock


def _began(snapshot: Snapshot) -> float:
    return snapshot.began


_FIXED = (
    "these services were not loaded from variables and files only, so they cannot be reloaded. Call envconn.load(), "
    "or make the settings, again"
)


class Place(Record):
    """The place of a connection among the services in use: logins use the connection that is there now.

    `name` is that of the service, and `variable` that of one of its siblings, `None` for the service itself. `steps`
    are the arguments of the calls of `endpoint` from there.
    """

    current: CurrentSelection
    name: str
    variable: str | None = None
    steps: tuple[Mapping[str, Any], ...] = ()

    def then(self, **step: Any) -> Place:
        """Return the place of the connection that `endpoint` returns for these arguments."""
        return self._replace(steps=(*self.steps, step))

    def of(self, selection: Selection) -> SecuredConnection | None:
        """Return the connection at this place in `selection`, or `None`."""
        service = selection.services.get(self.name)
        candidates = () if service is None else (service, *service.siblings)
        if self.variable is not None:
            candidates = tuple(each for each in candidates[1:] if each.origin.variable == self.variable)
        try:
            return reduce(_after, self.steps, candidates[0]) if candidates else None
        except EndpointUnavailable:
            return None


def _after(connection: SecuredConnection, step: Mapping[str, Any]) -> SecuredConnection:
    return connection.endpoint(**step)


def _placed(selection: Selection, current: CurrentSelection) -> Selection:
    """Return `selection` with the place of each connection stored in it."""
    for name, service in selection.services.items():
        put(service, Place(current, name))
        for sibling in service.siblings:
            put(sibling, Place(current, name, sibling.origin.variable))
    return selection


class Changes(Value):
    """What changed between two readings of the environment; false if nothing did.

    `added` and `removed` are names of services, and so are the keys of `changed`, whose values say which
    facts are different: ``family``, ``host``, ``port``, ``user``, ``password``, ``dbname``, ``parameters``,
    ``tls.level``, ``tls.ca``, ``tls.certificate``, ``tls.key``, ``tls.crl``, ``provider``, ``pooled``, ``replica``,
    ``origin``, ``siblings``. The content of a file is part of the fact that it is about.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def __str__(self) -> str:
        lines = [f"{name}: added" for name in self.added] + [f"{name}: removed" for name in self.removed]
        lines += [f"{name}: changed {', '.join(facts)}" for name, facts in self.changed.items()]
        return "; ".join(lines) or "nothing changed"


def changes(before: Mapping[str, SecuredConnection], after: Mapping[str, SecuredConnection]) -> Changes:
    """Return what is different in the services `after` a reload, by name."""
    changed = {name: differences(before[name], each) for name, each in after.items() if name in before}
    return Changes(
        tuple(name for name in after if name not in before),
        tuple(name for name in before if name not in after),
        MappingProxyType({name: facts for name, facts in changed.items() if facts}),
    )


def differences(before: SecuredConnection, after: SecuredConnection) -> tuple[str, ...]:
    """Return the names of the facts in which `before` and `after` differ, the content of files included."""
    files, others = (judgement_of(before).files, judgement_of(after).files), stated_differences(before, after)
    replaced = {fact for keyword, fact in _FILES.items() if files[0].get(keyword) != files[1].get(keyword)}
    return tuple(name for name in dict.fromkeys((*_FACTS, *_FILES.values())) if name in {*others, *replaced})


def stated_differences(before: SecuredConnection, after: SecuredConnection) -> tuple[str, ...]:
    """Return the names of the facts that are stated differently in `before` and `after`, whatever is in the files."""
    return tuple(name for name, fact in _FACTS.items() if fact(before) != fact(after))


def weakened(before: Mapping[str, SecuredConnection], after: Mapping[str, SecuredConnection]) -> list[str]:
    """Return the names of the services that are weaker in `after`: a lower level, a wider CA, or a weaker demand."""
    return [name for name, each in after.items() if name in before and _is_weaker(before[name], each)]


def _is_weaker(before: SecuredConnection, after: SecuredConnection) -> bool:
    return bool(weaker_parameters(before, after))


def _siblings(connection: SecuredConnection) -> tuple[object, ...]:
    return tuple(
        (judgement_of(sibling).files, *(fact(sibling) for fact in _FACTS.values())) for sibling in connection.siblings
    )


_FACTS: dict[str, Callable[[SecuredConnection], object]] = {
    "family": lambda each: each.family,
    "host": lambda each: [(host.host, host.hostaddr) for host in each.hosts],
    "port": lambda each: [host.port for host in each.hosts],
    "user": lambda each: each.user,
    "password": lambda each: each.password,
    "dbname": lambda each: each.dbname,
    "parameters": lambda each: (dict(each.parameters), dict(foreign_parameters(each))),
    "tls.level": lambda each: each.tls.level,
    "tls.ca": lambda each: each.tls.ca,
    "provider": lambda each: each.provider,
    "pooled": lambda each: (each.pooled, each.pool_mode),
    "replica": lambda each: each.replica,
    "origin": lambda each: each.origin,
    "siblings": _siblings,
}


_FILES = {
    "sslrootcert": "tls.ca",
    "sslcert": "tls.certificate",
    "sslkey": "tls.key",
    "sslcrl": "tls.crl",
    "sslcrldir": "tls.crl",
}
"""The facts that files are about, by their keywords."""


def reader(
    environ: Mapping[str, str] | None, env_file: Dotenv, policy: Policy | None, passwords: Mapping[str, Supplier] | None
) -> Callable[[], Selection]:
    """Return a function that reads and selects with the arguments of `envconn.load` when it is called.

    Its `repr` shows none of them.

    Raises:
        TypeError: `passwords` is not a mapping of names to callables.
    """
    if not _are_suppliers(passwords):
        del passwords
        raise TypeError("passwords must be a mapping of names of services to callables that return the password")

    directory = working_directory()

    def read() -> Selection:
        selection = select_services(environ, env_file, policy, (), directory)
        if not passwords:
            return selection
        from envconn.rotation.passwords import with_passwords

        return with_passwords(selection, passwords)

    return read


def _are_suppliers(passwords: object) -> bool:
    if passwords is None:
        return True
    if not isinstance(passwords, Mapping):
        return False
    return all(isinstance(name, str) and callable(supplier) for name, supplier in passwords.items())
