"""The message broker and the cache: a variable of their own each, else the Redis that serves as both."""

from __future__ import annotations

from envconn.errors import note, problem
from envconn.families import serving
from envconn.selection import variables as names
from envconn.selection.conflicts import choose
from envconn.selection.databases import CHOICE_MISSING, Wanted
from envconn.selection.platform_services import ambiguity, among, strangers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from envconn.connection import Connection
    from envconn.selection.scan import Named, Reading


_ROLES = {"broker": (names.BROKER, "ENVCONN_BROKER_VARIABLE"), "cache": (names.CACHE, "ENVCONN_CACHE_VARIABLE")}

_KINDS = {role: serving(role) for role in _ROLES}


def gather(reading: Reading) -> Iterator[Wanted]:
    """Yield the broker and the cache that the environment configures."""
    shared = _without_clear_twin(reading, list(reading.connections(names.REDIS)))
    stated = {role: list(reading.connections(variables)) for role, (variables, _) in _ROLES.items()}
    known = [*shared, *(connection for connections in stated.values() for connection in connections)]
    for role, (_, chooser) in _ROLES.items():
        if chosen := reading.plain(chooser):
            candidates = _chosen(reading, role, chosen)
        else:
            candidates = _beside(reading, role, stated[role] or shared, known)
        if candidates:
            choice = choose(candidates, chooser)
            reading.problems += choice.problems
            reading.notes += choice.notes
            if choice.connection:
                reading.expect(choice.connection, _KINDS[role], f"a {role}")
                yield Wanted(role, choice.connection)


def _chosen(reading: Reading, role: str, chosen: str) -> list[Connection]:
    before = len(reading.problems)
    candidates = list(reading.accept(reading.environment.lookup(chosen))) or among(
        _bound(reading, _KINDS[role]), chosen
    )
    if not candidates and len(reading.problems) == before:
        reading.problems.append(problem("choice-missing", _ROLES[role][1], CHOICE_MISSING))
    return candidates


def _beside(reading: Reading, role: str, candidates: list[Connection], known: list[Connection]) -> list[Connection]:
    """The `candidates` of variables; with what is bound, if all of that contradicts what is `known`; or that alone."""
    if candidates:
        return [*candidates, *strangers(_bound(reading, [candidates[0].family]), known)]
    found = next((bound for family in _KINDS[role] if (bound := _bound(reading, [family]))), [])
    connections = [each.connection for each in found]
    if found and choose(connections, None).problems:
        reading.problems.append(ambiguity(found, _ROLES[role][1], f"the {role}"))
        return []
    return connections


def _bound(reading: Reading, families: Collection[str]) -> list[Named]:
    return [bound for bound in reading.bound if bound.connection.family in families]


def _without_clear_twin(reading: Reading, found: list[Connection]) -> list[Connection]:
    # Heroku sets both for one Redis, on different ports.
    if not any(connection.origin.variable == "REDIS_TLS_URL" for connection in found):
        return found
    kept = [connection for connection in found if connection.origin.variable != "REDIS_URL"]
    if len(kept) < len(found):
        reading.notes.append(note("tls-twin", "REDIS_URL", "is not used: REDIS_TLS_URL is the same service with TLS"))
    return kept
