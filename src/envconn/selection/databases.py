"""The databases of an environment: the default one, the named ones, and the siblings of each."""

from __future__ import annotations

import re

from envconn.connection import Secret
from envconn.errors import note, problem
from envconn.families import POSTGRESQL, serving
from envconn.grammar.libpq_keywords import DEMANDS, NEWEST, OVERRULED, VARIABLES, pins
from envconn.records import Record
from envconn.selection import host_variables, variables
from envconn.selection.scan import Other
from envconn.selection.variables import CHOOSERS, RESERVED
from envconn.sources import Lookup, Text
from envconn.sources.order import BOUND_SERVICE_VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envconn.connection import Connection
    from envconn.selection.scan import PlatformService, Scan


CHOOSER = CHOOSERS["database"]
"""The variable that resolves a conflict; it holds the name of the variable to use."""

DATABASES = frozenset(serving("database"))
"""The families of databases."""

DATABASE = "database"
"""The name of the default database among the services."""

_PROMOTED = ("public", "direct", "pooled", "private", "replica")
_LIST = r"(?<=[\s,])(?=[a-z][a-z0-9+]*://)"


class Selected(Record):
    """A service to judge: its name, its connection, and its siblings."""

    name: str
    connection: Connection
    siblings: tuple[Connection, ...] = ()


def select(scan: Scan) -> Iterator[Selected]:
    """Yield every database that the environment configures, the default one first."""
    before = len(scan.problems)
    stated = scan.connections(variables.SIBLINGS, other=_ENDPOINT)
    siblings = _one_for_each_role(scan, [*stated, *_siblings_in_parts(scan)])
    siblings += _replicas(scan)
    default, others = _default(scan, siblings)
    known = [each for each in (default, *others, *siblings) if each]
    usable = [each for each in known if scan.expect(each, DATABASES, "a database")]
    if default and default in usable:
        scan.excuse(before, default)
        scan.excuse(0, default, BOUND_SERVICE_VARIABLES)
        siblings = _as_trusted(scan, default, [each for each in siblings if each in usable])
        beside = [each for each in others if each in usable]
        yield Selected(DATABASE, default, tuple(_elsewhere(scan, default, (*beside, *siblings))))
    yield from _named(scan, default, known)
    yield from _of_platform(scan, known)
    _report_overruled(scan, known)


def _named(scan: Scan, default: Connection | None, known: list[Connection]) -> Iterator[Selected]:
    """Yield the databases of ``<NAME>_DATABASE_URL``, and add every connection that is read to `known`."""
    for name, variable in variables.named(scan.present):
        if _is_reserved(scan, name, variable):
            continue
        for connection in scan.connections([variable], other=Other(DATABASE, name)):
            known.append(connection)
            if not scan.expect(connection, DATABASES, "a database", name):
                continue
            # Heroku sets DATABASE_URL to one of the coloured ones.
            if not (variable.startswith("HEROKU_") and default and not [*_elsewhere(scan, default, [connection])]):
                yield Selected(name, connection, _own_siblings(scan, variable, connection))


def _own_siblings(scan: Scan, variable: str, connection: Connection) -> tuple[Connection, ...]:
    before = len(scan.problems)
    own = [*scan.connections(variables.siblings_of(variable), other=_ENDPOINT)]
    scan.excuse(before, connection)
    return tuple(_as_trusted(scan, connection, own))


def _of_platform(scan: Scan, known: list[Connection]) -> Iterator[Selected]:
    """Yield the bound databases that are not `known` from a variable, and add them to `known`."""
    for bound in _bound(scan):
        variable = bound.connection.origin.variable
        if not _is_known(bound.connection, known) and not _is_reserved(scan, bound.name, variable):
            known.append(bound.connection)
            yield Selected(bound.name, bound.connection)


_ENDPOINT = Other(DATABASE)
"""Of a variable for a sibling."""


def _is_known(connection: Connection, others: Iterable[Connection]) -> bool:
    from envconn.selection.conflicts import same_target

    return any(same_target(connection, other) for other in others)


def _as_trusted(scan: Scan, default: Connection, siblings: list[Connection]) -> list[Connection]:
    """Return `siblings` without those that an env file adds to a database outside of one, or of another family."""
    trusted = siblings if default.origin.env_file else scan.most_trusted([default, *siblings])[1:]
    return [each for each in trusted if scan.expect_endpoint(each, default)]


def _is_reserved(scan: Scan, name: str, variable: str) -> bool:
    if name in RESERVED:
        scan.notes.append(note("service-reserved", variable, _RESERVED.format(name=name)))
    return name in RESERVED


_RESERVED = "is not used: no database can be called {name}, which is the name of another service. Rename it"


def _elsewhere(scan: Scan, default: Connection, others: Iterable[Connection]) -> Iterator[Connection]:
    """Yield those of `others` that lead to another place than `default`, and add a note on the rest."""
    for other in others:
        if not _is_known(other, (default,)):
            yield other
        elif other is not default:
            message = f"is not used: {default.origin.variable} is the same endpoint"
            scan.notes.append(note("variable-duplicate", other.origin.variable, message))


def _default(scan: Scan, siblings: list[Connection]) -> tuple[Connection | None, tuple[Connection, ...]]:
    """Return the default database: the chosen one, otherwise from a URL, parts, a binding or a sibling."""
    before = len(scan.problems)
    found, usual = _candidates(scan, siblings)
    candidates = scan.most_trusted(found)
    if candidates:
        _note_unused(scan, candidates[0].origin.variable, usual)
    if not candidates or len(scan.problems) > before:
        return None, ()
    if len(candidates) == 1:
        return candidates[0], ()
    from envconn.selection.conflicts import choose

    choice = choose(candidates, CHOOSER)
    scan.problems += choice.problems
    scan.notes += choice.notes
    return choice.connection, choice.siblings


def _candidates(scan: Scan, siblings: list[Connection]) -> tuple[list[Connection], list[str]]:
    """Return what the default database may be, and the usual variables (``POSTGRES_URL``) that are not needed."""
    before = len(scan.problems)
    candidates = _stated(scan)
    trusted = [each for each in siblings if not each.origin.env_file]
    for each in (*candidates, *trusted):
        scan.excuse(before, each)
    if len(scan.problems) == before and all(each.origin.env_file for each in candidates):
        candidates += _best_sibling(trusted if candidates else trusted or siblings)
    usual = [*_usual(scan)]
    if candidates or len(scan.problems) > before:
        return candidates, usual
    return [*_read_usual(scan, usual)], []


def _stated(scan: Scan) -> list[Connection]:
    """Return the connections of the chosen variable, otherwise of those that are for the default database."""
    if chosen := scan.chooser(CHOOSER, _CHOICES):
        return _chosen(scan, chosen)
    candidates = list(scan.connections(variables.DEFAULTS))
    is_taken = bool(candidates) or "PGHOST" in scan.completing
    candidates += _from_parts(scan, skip_pg=is_taken and not _is_more_trusted(scan, candidates))
    return candidates + _beside(scan, candidates)


def _note_unused(scan: Scan, leader: str, usual: Iterable[str]) -> None:
    """Note the parts without a host and the `usual` variables, as the database is in `leader`."""
    scan.notes += [
        note("part-unused", name, f"is not used: {host} is not set, and {leader} is the whole connection")
        for name, host in host_variables.without_host(scan.present)
        if name not in host_variables.FAMILIES.get(leader, ())
    ]
    unused = dict.fromkeys(usual, f"{leader} is the database") | variables.unread_of_aspire(scan.environment, leader)
    seen = {name: why for name, why in unused.items() if name not in scan.left_out}
    scan.notes += [note("variable-unused", name, f"is not used: {why}") for name, why in seen.items()]


_CHOICES = (*variables.DEFAULTS, *host_variables.DEFAULTS, *variables.SIBLINGS)


def _is_more_trusted(scan: Scan, candidates: Iterable[Connection]) -> bool:
    """Whether ``PGHOST`` is in the process environment, and all `candidates` in an env file."""
    in_env_files = [each.origin.env_file for each in candidates]
    return bool(in_env_files) and all(in_env_files) and not scan.environment.in_env_file("PGHOST")


def _chosen(scan: Scan, chosen: str) -> list[Connection]:
    before = len(scan.problems)
    environment = scan.environment
    in_parts = chosen in host_variables.FAMILIES
    lookup = _in_parts(scan, chosen) if in_parts else environment.lookup(chosen)
    candidates = list(scan.accept(lookup)) or _bound_as(scan, chosen)
    if not candidates and len(scan.problems) == before:
        scan.problems.append(problem("chosen-variable-missing", CHOOSER, CHOICE_MISSING))
    scan.notes += [
        note("variable-not-chosen", name, f"is ignored: {CHOOSER} names another variable")
        for name in (*variables.DEFAULTS, *host_variables.DEFAULTS)
        if candidates and name != chosen and name in scan.present
    ]
    return candidates


CHOICE_MISSING = "names neither a variable that is set nor a bound service. Set it to the name of one, or unset it"


def _bound_as(scan: Scan, chosen: str) -> list[Connection]:
    from envconn.selection.platform_services import chosen_by_name

    return chosen_by_name(_bound(scan), chosen)


def _bound(scan: Scan) -> list[PlatformService]:
    return [bound for bound in scan.bound if bound.connection.family in DATABASES]


def _beside(scan: Scan, candidates: list[Connection]) -> list[Connection]:
    """Return the bound databases to use with the `candidates` of variables: those that agree, otherwise all."""
    bound = _bound(scan)
    connections = [each.connection for each in bound]
    if candidates:
        return [each for each in connections if _agree(candidates, each)] or connections
    if bound and _differ(connections):
        from envconn.selection.platform_services import ambiguity

        scan.problems.append(ambiguity(bound, CHOOSER, "the default database"))
        return []
    return connections


def _agree(candidates: Iterable[Connection], other: Connection) -> bool:
    return any(not _differ([candidate, other]) for candidate in candidates)


def _differ(connections: list[Connection]) -> bool:
    from envconn.selection.conflicts import choose

    return bool(choose(connections, None).problems)


def _siblings_in_parts(scan: Scan) -> Iterator[Connection]:
    for leader in host_variables.SIBLINGS:
        if leader in scan.present:
            yield from scan.accept(_in_parts(scan, leader))


def _one_for_each_role(scan: Scan, siblings: list[Connection]) -> list[Connection]:
    """Refuse two variables with different endpoints for one role, except replicas, of which there may be several."""
    agreed = [sibling for sibling in siblings if variables.ROLES[sibling.origin.variable] == "replica"]
    for role in ("direct", "pooled", "public", "private"):
        if candidates := [sibling for sibling in siblings if variables.ROLES[sibling.origin.variable] == role]:
            from envconn.selection.conflicts import choose

            choice = choose(candidates, None)
            scan.problems += choice.problems
            scan.notes += choice.notes
            agreed += [choice.connection] if choice.connection else []
    return agreed


def _usual(scan: Scan) -> Iterator[str]:
    """Yield the other usual names of the default database that are set."""
    yield from (name for name in (*variables.USUAL, *host_variables.USUAL) if name in scan.present)


def _read_usual(scan: Scan, names: list[str]) -> Iterator[Connection]:
    for name in names:
        lookup = _in_parts(scan, name) if name in host_variables.USUAL else scan.environment.lookup(name)
        yield from scan.accept(lookup, other=_ENDPOINT)
    found = [] if names or scan.bound else variables.of_aspire(scan.environment)
    if len(found := [name for name in found if name not in scan.left_out]) == 1:
        yield from scan.accept(scan.environment.lookup(found[0]))


def _in_parts(scan: Scan, leader: str) -> Lookup:
    """Return the connection in the parts of `leader`, with what is not read beside it."""
    lookup = host_variables.compose(scan.environment, scan.present, leader)
    if not (lookup.found and lookup.found.origin.parts):
        return lookup
    found = [*host_variables.unread(scan.environment, leader, lambda name: _is_read(scan, name))]
    wrong, notes = (tuple(each for each in found if each.severity == kind) for kind in ("error", "note"))
    return lookup._replace(problems=wrong, notes=(*lookup.notes, *notes), found=None if wrong else lookup.found)


def _is_read(scan: Scan, name: str) -> bool:
    return name in scan.left_out or variables.is_read(name) or not scan.environment.plain(name)


def _best_sibling(siblings: list[Connection]) -> list[Connection]:
    # If only DIRECT_URL is set, that is the database.
    order = {role: place for place, role in enumerate(_PROMOTED)}
    return sorted(siblings, key=lambda sibling: order[variables.ROLES.get(sibling.origin.variable, "replica")])[:1]


def _from_parts(scan: Scan, *, skip_pg: bool) -> Iterable[Connection]:
    found = [leader for leader in host_variables.DEFAULTS if leader in scan.present]
    leaders = [leader for leader in found if not (skip_pg and leader == "PGHOST")]
    return [connection for leader in leaders for connection in scan.accept(_in_parts(scan, leader))]


def _replicas(scan: Scan) -> Iterator[Connection]:
    """Yield replicas by list or number. A comma splits a list only before a scheme, as passwords contain commas."""
    for variable in variables.replicas(scan.present):
        lookup = scan.environment.lookup(variable)
        if lookup.found is None:
            yield from scan.accept(lookup)
            continue
        scan.notes += lookup.notes
        for text in re.split(_LIST, lookup.found.text.reveal().strip()):
            one = Lookup(Text(Secret(text.rstrip(", \t\r\n")), lookup.found.origin))
            yield from scan.accept(one, other=_ENDPOINT)


def _report_overruled(scan: Scan, found: Iterable[Connection]) -> None:
    """Add a note for each variable that libpq alone would use for a text that was `found`, if they are not used.

    One that says what the connection has anyway is not worth a note: ``exec --export pg`` sets twenty.
    """
    texts = {each.origin.variable: each for each in found if each.family == POSTGRESQL}
    if not texts or "PGHOST" in texts:
        return
    variable, first = next(iter(texts.items()))
    message = f"has no effect on {variable}: the connection states every value that matters"
    ignored = [
        name
        for name in OVERRULED
        if name not in {"PGSERVICE", "PGREQUIRESSL", *DEMANDS, *scan.completing}
        and name in scan.present
        and scan.plain(name) not in {"", _written(first, name)}
    ]
    scan.notes += [note("pg-variable-ignored", name, message) for name in ignored]


def _written(connection: Connection, variable: str) -> str:
    """Return what a driver of libpq is given for `variable`, as the variable would say it; empty for nothing."""
    name = VARIABLES.get(variable, "")
    attributes = {
        "host": ",".join(host.host for host in connection.hosts),
        "port": ",".join(str(host.port) for host in connection.hosts),
        "user": connection.user,
        "dbname": connection.dbname,
    }
    return {**pins(connection.parameters, NEWEST), **connection.parameters, **attributes}.get(name, "")
