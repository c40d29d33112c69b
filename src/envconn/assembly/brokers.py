"""The message broker and the cache: a variable of their own each, else the Redis that serves as both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envconn.assembly import names
from envconn.assembly.choice import choose
from envconn.assembly.databases import CHOICE_MISSING, Wanted
from envconn.errors import Note, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envconn.assembly.reading import Reading
    from envconn.connection import Connection

__all__ = ["gather"]

_ROLES = {"broker": (names.BROKER, "ENVCONN_BROKER"), "cache": (names.CACHE, "ENVCONN_CACHE")}

_KINDS = {"broker": ("amqp", "redis", "sentinel"), "cache": ("redis", "sentinel")}


def gather(reading: Reading) -> Iterator[Wanted]:
    """Yield the broker and the cache that the environment configures."""
    shared = _without_clear_twin(reading, list(reading.connections(names.REDIS)))
    for role, (variables, chooser) in _ROLES.items():
        chosen = reading.environment.plain(chooser)
        before = len(reading.problems)
        candidates = list(reading.connections([chosen] if chosen else variables)) or ([] if chosen else shared)
        if chosen and not candidates and len(reading.problems) == before:
            reading.problems.append(Problem("choice-missing", chooser, CHOICE_MISSING))
        if candidates:
            choice = choose(candidates, chooser)
            reading.problems += choice.problems
            reading.notes += choice.notes
            if choice.connection:
                reading.expect(choice.connection, _KINDS[role], f"a {role}")
                yield Wanted(role, choice.connection)


def _without_clear_twin(reading: Reading, found: list[Connection]) -> list[Connection]:
    # Heroku sets both for one Redis, on different ports.
    if not any(connection.origin.variable == "REDIS_TLS_URL" for connection in found):
        return found
    kept = [connection for connection in found if connection.origin.variable != "REDIS_URL"]
    if len(kept) < len(found):
        reading.notes.append(Note("tls-twin", "REDIS_URL", "not used: REDIS_TLS_URL names the same service with TLS"))
    return kept
