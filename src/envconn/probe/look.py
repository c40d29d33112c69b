"""Every host of every connection at once, in one span of time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from envconn.errors import Note
from envconn.probe.amqp import Amqp
from envconn.probe.faults import EX_UNAVAILABLE, FAULTS
from envconn.probe.mysql import MySQL
from envconn.probe.postgres import Postgres
from envconn.probe.proof import Proof
from envconn.probe.redis import Redis
from envconn.probe.visit import Terms, visit
from envconn.providers.table import role
from envconn.tls import TlsLevel, require_sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from envconn.probe.dialect import Dialect
    from envconn.probe.proof import Seen
    from envconn.tls import SecuredConnection

__all__ = ["look"]

_DIALECTS: dict[str, Callable[[SecuredConnection], Dialect]] = {
    "amqp": lambda _: Amqp(),
    "mysql": lambda _: MySQL(),
    "postgresql": lambda service: Postgres(direct=service.direct_tls and service.tls.level >= TlsLevel.ENCRYPTED),
    "redis": lambda _: Redis(),
    "sentinel": lambda _: Redis(),
}
"""A database that is a file is at the end of no wire."""


async def look(connections: Iterable[SecuredConnection], *, within: float = 10.0, enforced: bool = False) -> Proof:
    """Look at every host of `connections` and of their siblings, at the same time, for at most `within` seconds.

    No password, no name of a user or a database, and no query is sent; a client certificate is shown only in the
    handshake that holds the level. With `enforced`, a server that takes clear text is a problem, and not a note;
    so it is where the provider promises to deny it. Local connections and waived hosts are not asked for that.

    Raises:
        TypeError: one of them was not judged.
    """
    terms = Terms(asyncio.get_running_loop().time() + within, within, enforced)
    endpoints = [
        (service, host, _DIALECTS[service.kind](service))
        for service in _all(connections)
        if service.kind in _DIALECTS
        for host in service.hosts
    ]
    seen = await asyncio.gather(*(visit(service, host, dialect, terms) for service, host, dialect in endpoints))
    groups = (list(group) for _, group in groupby(seen, key=lambda each: id(each.service)))
    return Proof(tuple(each for group in groups for each in _tolerated(group)))


def _all(connections: Iterable[SecuredConnection]) -> list[SecuredConnection]:
    """The connections, and those of their siblings that this process may use, each once."""
    found: dict[int, SecuredConnection] = {}
    for connection in connections:
        require_sealed(connection)
        for each in (connection, *connection.siblings):
            if each is connection or role(each.variable) not in _FROM_ELSEWHERE:
                found.setdefault(id(each), each)
    return list(found.values())


_FROM_ELSEWHERE = frozenset({"private", "public"})
"""Roles of a sibling that is for other networks than this one: no driver is handed it unless a program asks."""


def _tolerated(group: list[Seen]) -> Iterator[Seen]:
    """Of several hosts some may be away, as long as one is not: drivers go on to the next."""
    one_is_good = any(not each.problems for each in group)
    for each in group:
        away = tuple(found for found in each.problems if one_is_good and FAULTS[found.code].exit_code == EX_UNAVAILABLE)
        problems = tuple(found for found in each.problems if found not in away)
        notes = tuple(Note(found.code, found.variable, found.message) for found in away)
        yield replace(each, problems=problems, notes=each.notes + notes)
