"""The message broker, the store for results, and the cache, each from its own variables.

A Redis without a role in its name is broker and cache if these have no variable of their own. Results are a service
only if a variable names them.
"""

from __future__ import annotations

from envconn import grammar
from envconn.errors import note, problem
from envconn.families import serving
from envconn.records import Record
from envconn.selection import variables as names
from envconn.selection.conflicts import choose
from envconn.selection.databases import CHOICE_MISSING, Selected
from envconn.selection.platform_services import ambiguity, chosen_by_name, unrelated
from envconn.selection.variables import CHOOSERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from envconn.connection import Connection, Origin, Secret
    from envconn.errors import Finding
    from envconn.selection.scan import PlatformService, Read, Scan


def _read_results(text: Secret, origin: Origin) -> Connection | tuple[Finding, ...]:
    from envconn.grammar import celery  # imported only where results have a variable

    return celery.read(text, origin)


class _Role(Record):
    """A service: its name and its variables, how they are read, and whether any Redis will do without them."""

    name: str
    variables: tuple[str, ...]
    read: Read = grammar.read
    is_implied: bool = True

    @property
    def chooser(self) -> str:
        return CHOOSERS[self.name]

    @property
    def families(self) -> tuple[str, ...]:
        return serving(self.name)


_ROLES = (
    _Role("broker", names.BROKER),
    _Role("results", names.RESULTS, _read_results, is_implied=False),
    _Role("cache", names.CACHE),
)
READERS: Mapping[str, Read] = {role.name: role.read for role in _ROLES}
"""How the texts of each service are read, by its name."""


def select(scan: Scan) -> Iterator[Selected]:
    """Yield the broker, the store for results and the cache that the environment configures."""
    before, used = len(scan.problems), []
    shared = _without_clear_twin(scan, list(scan.connections(names.REDIS)))
    stated = {role.name: list(scan.connections(role.variables, role.read)) for role in _ROLES}
    known = [*shared, *(connection for connections in stated.values() for connection in connections)]
    for role in _ROLES:
        if chosen := scan.chooser(role.chooser, (*role.variables, *names.REDIS)):
            candidates = _chosen(scan, role, chosen)
        elif role.is_implied:
            candidates = _beside(scan, role, _first(stated[role.name], shared), known)
        else:
            candidates = stated[role.name]
        if candidates := scan.most_trusted(candidates):
            choice = choose(candidates, role.chooser)
            scan.problems += choice.problems
            scan.notes += choice.notes
            if role.is_implied:
                used.append(candidates[0])
            scan.excuse(before, candidates[0], role.variables)
            if choice.connection and scan.expect(choice.connection, role.families, _expected(choice.connection, role)):
                yield Selected(role.name, choice.connection)
    if len(used) == sum(role.is_implied for role in _ROLES):
        scan.excuse(before, max(used, key=lambda each: each.origin.env_file), names.REDIS)


def _expected(connection: Connection, role: _Role) -> str:
    # What serves as both is told once.
    return "a Redis" if connection.origin.variable in names.REDIS else f"a {role.name}"


def _first(own: list[Connection], shared: list[Connection]) -> list[Connection]:
    """Return the connections of the role's own variables, otherwise the `shared` ones; the more trusted come first."""
    is_weaker = all(each.origin.env_file for each in own) and not all(each.origin.env_file for each in shared)
    return [*own, *shared] if own and is_weaker else own or shared


def _chosen(scan: Scan, role: _Role, chosen: str) -> list[Connection]:
    before = len(scan.problems)
    candidates = list(scan.accept(scan.environment.lookup(chosen), role.read)) or chosen_by_name(
        _bound(scan, role.families), chosen
    )
    if not candidates and len(scan.problems) == before:
        scan.problems.append(problem("chosen-variable-missing", role.chooser, CHOICE_MISSING))
    return candidates


def _beside(scan: Scan, role: _Role, candidates: list[Connection], known: list[Connection]) -> list[Connection]:
    """Return the `candidates`, with bound services if all of these contradict what is `known`; or these alone."""
    if candidates:
        return [*candidates, *unrelated(_bound(scan, [candidates[0].family]), known)]
    found = next((bound for family in role.families if (bound := _bound(scan, [family]))), [])
    connections = [each.connection for each in found]
    if found and choose(connections, None).problems:
        scan.problems.append(ambiguity(found, role.chooser, f"the {role.name}"))
        return []
    return connections


def _bound(scan: Scan, families: Collection[str]) -> list[PlatformService]:
    return [bound for bound in scan.bound if bound.connection.family in families]


def _without_clear_twin(scan: Scan, found: list[Connection]) -> list[Connection]:
    # Heroku sets both for one Redis, on different ports.
    if not any(connection.origin.variable == "REDIS_TLS_URL" for connection in found):
        return found
    others = [connection for connection in found if connection.origin.variable != "REDIS_URL"]
    if len(others) < len(found):
        scan.notes.append(
            note("redis-tls-url-used", "REDIS_URL", "is not used: REDIS_TLS_URL is the same service with TLS")
        )
    return others
