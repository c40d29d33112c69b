"""The databases of an environment: the default one, the named ones, and the other endpoints of each."""

from __future__ import annotations

import re

from envconn.connection import Secret
from envconn.errors import note, problem
from envconn.families import serving
from envconn.grammar.libpq_keywords import OVERRULED
from envconn.records import Record
from envconn.selection import host_variables, variables
from envconn.selection.conflicts import choose, same_target
from envconn.selection.platform_services import ambiguity, among
from envconn.sources import Lookup, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envconn.connection import Connection
    from envconn.selection.scan import Named, Reading


CHOOSER = "ENVCONN_DATABASE_VARIABLE"
"""The variable that settles a conflict; it holds the name of the variable to believe."""

DATABASES = frozenset(serving("database"))
"""The protocols that databases speak."""

DATABASE = "database"
"""The name of the default database among the services."""

_PROMOTED = ("public", "direct", "pooled", "private", "replica")
_LIST = r"(?<=[\s,])(?=[a-z][a-z0-9+]*://)"


class Wanted(Record):
    """A service to judge: its name, its connection, and other endpoints of the same database."""

    name: str
    connection: Connection
    siblings: tuple[Connection, ...] = ()


def gather(reading: Reading) -> Iterator[Wanted]:
    """Yield every database that the environment configures, the default one first."""
    siblings = [*_agreed(reading, [*reading.connections(variables.SIBLINGS), *_siblings_in_parts(reading)])]
    siblings += _replicas(reading)
    default, others = _default(reading, siblings)
    for connection in filter(None, (default, *others, *siblings)):
        reading.expect(connection, DATABASES, "a database")
    if default:
        yield Wanted(DATABASE, default, tuple(_elsewhere(reading, default, (*others, *siblings))))
    known = [each for each in (default, *others, *siblings) if each]
    for name, variable in variables.named(reading.present):
        for connection in reading.connections([variable]):
            reading.expect(connection, DATABASES, "a database")
            known.append(connection)
            # Heroku sets DATABASE_URL to one of the coloured ones.
            if not (variable.startswith("HEROKU_") and default and not [*_elsewhere(reading, default, [connection])]):
                yield Wanted(name, connection, tuple(reading.connections(variables.siblings_of(variable))))
    for bound in _bound(reading):
        if not any(same_target(bound.connection, other) for other in known):
            yield Wanted(bound.name, bound.connection)


def _elsewhere(reading: Reading, default: Connection, others: Iterable[Connection]) -> Iterator[Connection]:
    """Yield those of `others` that lead to another place than `default`; the rest are noted."""
    for other in others:
        if not same_target(other, default):
            yield other
        elif other is not default:
            message = f"is not used: {default.origin.variable} is the same endpoint"
            reading.notes.append(note("duplicate", other.origin.variable, message))


def _default(reading: Reading, siblings: list[Connection]) -> tuple[Connection | None, tuple[Connection, ...]]:
    """The default database by what the chooser names, else by URL, by parts, by a binding, by a sibling."""
    before = len(reading.problems)
    if chosen := reading.plain(CHOOSER):
        candidates = _chosen(reading, chosen)
    else:
        candidates = list(reading.connections(variables.DEFAULTS))
        candidates += _from_parts(reading, skip_pg=bool(candidates))
        candidates += _beside(reading, candidates)
    if not candidates and len(reading.problems) == before:
        candidates = _promoted(siblings)
    if candidates:
        _report_overruled(reading, candidates[0].origin.variable)
    if not candidates or len(reading.problems) > before:
        return None, ()
    choice = choose(candidates, CHOOSER)
    reading.problems += choice.problems
    reading.notes += choice.notes
    return choice.connection, choice.siblings


def _chosen(reading: Reading, chosen: str) -> list[Connection]:
    before = len(reading.problems)
    environment = reading.environment
    in_parts = chosen in host_variables.FAMILIES
    lookup = host_variables.compose(environment, reading.present, chosen) if in_parts else environment.lookup(chosen)
    candidates = list(reading.accept(lookup)) or among(_bound(reading), chosen)
    if not candidates and len(reading.problems) == before:
        reading.problems.append(problem("choice-missing", CHOOSER, CHOICE_MISSING))
    reading.notes += [
        note("not-chosen", name, f"is ignored: {CHOOSER} names another variable")
        for name in (*variables.DEFAULTS, *host_variables.DEFAULTS)
        if candidates and name != chosen and name in reading.present
    ]
    return candidates


CHOICE_MISSING = "names neither a variable that is set nor a bound service. Set it to the name of one, or unset it"


def _bound(reading: Reading) -> list[Named]:
    return [bound for bound in reading.bound if bound.connection.family in DATABASES]


def _beside(reading: Reading, candidates: list[Connection]) -> list[Connection]:
    """The bound databases that count beside the `candidates` of variables: those that agree, else all of them."""
    bound = _bound(reading)
    connections = [each.connection for each in bound]
    if candidates:
        return [each for each in connections if _agree(candidates, each)] or connections
    if bound and choose(connections, None).problems:
        reading.problems.append(ambiguity(bound, CHOOSER, "the default database"))
        return []
    return connections


def _agree(candidates: Iterable[Connection], other: Connection) -> bool:
    return any(not choose([candidate, other], None).problems for candidate in candidates)


def _siblings_in_parts(reading: Reading) -> Iterator[Connection]:
    for leader in host_variables.SIBLINGS:
        if leader in reading.present:
            yield from reading.accept(host_variables.compose(reading.environment, reading.present, leader))


def _agreed(reading: Reading, siblings: list[Connection]) -> list[Connection]:
    """Refuse two variables that name different endpoints for one role, replicas excepted: of those there are many."""
    agreed = [sibling for sibling in siblings if variables.ROLES[sibling.origin.variable] == "replica"]
    for role in ("direct", "pooled", "public", "private"):
        if candidates := [sibling for sibling in siblings if variables.ROLES[sibling.origin.variable] == role]:
            choice = choose(candidates, None)
            reading.problems += choice.problems
            reading.notes += choice.notes
            agreed += [choice.connection] if choice.connection else []
    return agreed


def _promoted(siblings: list[Connection]) -> list[Connection]:
    # Somebody who sets nothing but DIRECT_URL has a database all the same.
    order = {role: place for place, role in enumerate(_PROMOTED)}
    return sorted(siblings, key=lambda sibling: order[variables.ROLES.get(sibling.origin.variable, "replica")])[:1]


def _from_parts(reading: Reading, *, skip_pg: bool) -> Iterable[Connection]:
    found = [leader for leader in host_variables.DEFAULTS if leader in reading.present]
    leaders = [leader for leader in found if not (skip_pg and leader == "PGHOST")]
    return [
        connection
        for leader in leaders
        for connection in reading.accept(host_variables.compose(reading.environment, reading.present, leader))
    ]


def _replicas(reading: Reading) -> Iterator[Connection]:
    """Replicas by list or number. A comma splits a list only in front of another scheme: passwords have commas, too."""
    for variable in variables.replicas(reading.present):
        lookup = reading.environment.lookup(variable)
        if lookup.found is None:
            yield from reading.accept(lookup)
            continue
        reading.notes += lookup.notes
        for text in re.split(_LIST, lookup.found.text.reveal().strip()):
            yield from reading.accept(Lookup(Text(Secret(text.rstrip(", \t\r\n")), lookup.found.origin)))


def _report_overruled(reading: Reading, variable: str) -> None:
    if variable == "PGHOST":
        return
    message = f"has no effect on {variable}: the connection states every value that matters"
    found = [name for name in OVERRULED if name in reading.present and reading.plain(name)]
    reading.notes += [note("overruled", name, message) for name in found]
