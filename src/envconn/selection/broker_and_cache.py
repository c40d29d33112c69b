"""The message broker, the store for results, and the cache, each from its own variables.

A Redis without a role in its name is broker and cache if these have no variable of their own. Results are a service
only if a variable names them.
"""

from __future__ import annotations

from functools import partial

from envconn import grammar
from envconn.connection import Connection
from envconn.errors import note, problem
from envconn.families import serving
from envconn.records import Record
from envconn.selection import other_products
from envconn.selection import variables as names
from envconn.selection.conflicts import choose
from envconn.selection.databases import CHOICE_MISSING, Selected
from envconn.selection.platform_services import ambiguity, chosen_by_name, unrelated
from envconn.selection.scan import Other
from envconn.selection.variables import CHOOSERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from envconn.connection import Origin, Secret
    from envconn.errors import Finding
    from envconn.selection.scan import PlatformService, Read, Scan
    from envconn.selection.scope import Scopes


def _read_broker(text: Secret, origin: Origin) -> Connection | tuple[Finding, ...]:
    outcome = grammar.read(text, origin, kombu=True, role="broker")
    if isinstance(outcome, Connection):
        return outcome
    from envconn.grammar.celery import in_process

    if position := other_products.known_member(text.reveal(), "broker"):
        return (problem("semicolon-unencoded", origin.variable, _LIST.format(position)),)
    return in_process(text.reveal().strip(), origin) or outcome


_LIST = 'raw ";" at character {} begins another broker, to which Celery fails over. Write %3B, or name one broker'


def _read_cache(text: Secret, origin: Origin) -> Connection | tuple[Finding, ...]:
    outcome = grammar.read(text, origin, role="cache")
    if isinstance(outcome, Connection):
        return outcome
    from envconn.grammar.django_cache import memcached, serverless

    written = text.reveal().strip()
    return serverless(written, origin) or memcached(written, origin) or outcome


def _read_results(text: Secret, origin: Origin) -> Connection | tuple[Finding, ...]:
    from envconn.grammar import celery  # imported only where results have a variable

    return celery.read(text, origin)


_READ_REDIS = partial(grammar.read, role="cache")


class _Role(Record):
    """A service: its name and its variables, how they are read, and whether any Redis will do without them.

    `is_waivable` is whether a waiver may leave one that envconn cannot judge to the program.
    """

    name: str
    variables: tuple[str, ...]
    read: Read
    is_implied: bool = True
    is_waivable: bool = True

    @property
    def chooser(self) -> str:
        return CHOOSERS[self.name]

    @property
    def families(self) -> tuple[str, ...]:
        return serving(self.name)


_ROLES = (
    _Role("broker", names.BROKER, _read_broker),
    _Role("results", names.RESULTS, _read_results, is_implied=False),
    _Role("cache", names.CACHE, _read_cache, is_waivable=False),
)
READERS: Mapping[str, Read] = {role.name: role.read for role in _ROLES}
"""How the texts of each service are read, by its name."""


def select(scan: Scan, scopes: Scopes) -> Iterator[Selected]:
    """Yield the broker, the store for results and the cache that the environment configures."""
    before, used = len(scan.problems), []
    chosen = {role.name: scan.chooser(role.chooser, (*role.variables, *names.REDIS)) for role in _ROLES}
    shared = _without_clear_twin(scan, list(scan.connections(names.REDIS, _READ_REDIS, Other("cache"))))
    stated = {role.name: [] if chosen[role.name] else _stated(scan, role, scopes) for role in _ROLES}
    known = [*shared, *(connection for connections in stated.values() for connection in connections)]
    for role in _ROLES:
        if variable := chosen[role.name]:
            candidates = _chosen(scan, role, variable)
        elif role.is_implied and (stated[role.name] or not _is_elsewhere(scan, role)):
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
            found = choice.connection
            if found and scan.expect(found, role.families, _expected(found, role)):
                yield Selected(role.name, found)
    if len(used) == sum(role.is_implied for role in _ROLES):
        scan.excuse(before, max(used, key=lambda each: each.origin.env_file), names.REDIS)


def _stated(scan: Scan, role: _Role, scopes: Scopes) -> list[Connection]:
    policy = partial(scopes.policy, role.name) if role.is_waivable else None
    return list(scan.connections(role.variables, role.read, Other(role.name, role.name, policy)))


def _is_elsewhere(scan: Scan, role: _Role) -> bool:
    """Whether a variable of the role's own holds what envconn does not configure, as ``sqs://``."""
    return role.name in scan.waived or any(
        each.code == other_products.CODE and each.service == role.name for each in scan.notes
    )


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
    scan.notes += [
        note("variable-not-chosen", name, f"is ignored: {role.chooser} names another variable")
        for name in role.variables
        if candidates and name != chosen and name in scan.present
    ]
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
