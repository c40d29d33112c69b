"""The message broker and the cache: each from its own variable, otherwise from the Redis that serves as both."""

from __future__ import annotations

from envconn.errors import note, problem
from envconn.families import serving
from envconn.selection import variables as names
from envconn.selection.conflicts import choose
from envconn.selection.databases import CHOICE_MISSING, Selected
from envconn.selection.platform_services import ambiguity, chosen_by_name, unrelated
from envconn.selection.vocabulary import CHOOSERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from envconn.connection import Connection
    from envconn.selection.scan import PlatformService, Scan


_ROLES = {"broker": (names.BROKER, CHOOSERS["broker"]), "cache": (names.CACHE, CHOOSERS["cache"])}

_KINDS = {role: serving(role) for role in _ROLES}


def select(scan: Scan) -> Iterator[Selected]:
    """Yield the broker and the cache that the environment configures."""
    shared = _without_clear_twin(scan, list(scan.connections(names.REDIS)))
    stated = {role: list(scan.connections(variables)) for role, (variables, _) in _ROLES.items()}
    known = [*shared, *(connection for connections in stated.values() for connection in connections)]
    for role, (variables, chooser) in _ROLES.items():
        if chosen := scan.chooser(chooser, (*variables, *names.REDIS)):
            candidates = _chosen(scan, role, chosen)
        else:
            candidates = _beside(scan, role, _first(stated[role], shared), known)
        if candidates := scan.most_trusted(candidates):
            choice = choose(candidates, chooser)
            scan.problems += choice.problems
            scan.notes += choice.notes
            if choice.connection and scan.expect(choice.connection, _KINDS[role], _expected(choice.connection, role)):
                yield Selected(role, choice.connection)


def _expected(connection: Connection, role: str) -> str:
    # What serves as both is told once.
    return "a Redis" if connection.origin.variable in names.REDIS else f"a {role}"


def _first(own: list[Connection], shared: list[Connection]) -> list[Connection]:
    """Return the connections of the role's own variables, otherwise the `shared` ones; the more trusted come first."""
    is_weaker = all(each.origin.env_file for each in own) and not all(each.origin.env_file for each in shared)
    return [*own, *shared] if own and is_weaker else own or shared


def _chosen(scan: Scan, role: str, chosen: str) -> list[Connection]:
    before = len(scan.problems)
    candidates = list(scan.accept(scan.environment.lookup(chosen))) or chosen_by_name(
        _bound(scan, _KINDS[role]), chosen
    )
    if not candidates and len(scan.problems) == before:
        scan.problems.append(problem("chosen-variable-missing", _ROLES[role][1], CHOICE_MISSING))
    return candidates


def _beside(scan: Scan, role: str, candidates: list[Connection], known: list[Connection]) -> list[Connection]:
    """Return the `candidates`, with bound services if all of these contradict what is `known`; or these alone."""
    if candidates:
        return [*candidates, *unrelated(_bound(scan, [candidates[0].family]), known)]
    found = next((bound for family in _KINDS[role] if (bound := _bound(scan, [family]))), [])
    connections = [each.connection for each in found]
    if found and choose(connections, None).problems:
        scan.problems.append(ambiguity(found, _ROLES[role][1], f"the {role}"))
        return []
    return connections


def _bound(scan: Scan, families: Collection[str]) -> list[PlatformService]:
    return [bound for bound in scan.bound if bound.connection.family in families]


def _without_clear_twin(scan: Scan, found: list[Connection]) -> list[Connection]:
    # Heroku sets both for one Redis, on different ports.
    if not any(connection.origin.variable == "REDIS_TLS_URL" for connection in found):
        return found
    kept = [connection for connection in found if connection.origin.variable != "REDIS_URL"]
    if len(kept) < len(found):
        scan.notes.append(
            note("redis-tls-url-used", "REDIS_URL", "is not used: REDIS_TLS_URL is the same service with TLS")
        )
    return kept
