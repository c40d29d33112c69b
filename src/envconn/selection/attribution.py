"""Attribute each finding to its service, and find the services that are refused, by the variable."""

from __future__ import annotations

from collections import defaultdict

from envconn.families import POSTGRESQL
from envconn.grammar.libpq_keywords import DEMANDS
from envconn.records import Record
from envconn.report import Refusal
from envconn.selection import host_variables, variables
from envconn.selection.databases import DATABASE
from envconn.selection.variables import CHOOSERS
from envconn.tls.policy import VARIABLES as POLICY_VARIABLES
from envconn.tls.policy import prefix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from envconn.errors import Finding
    from envconn.selection.databases import Selected
    from envconn.selection.scan import Scan


class Owners(Record):
    """The names of the services that each variable belongs to, and of those that each finding was `made_for`.

    `postgresql` are those that libpq's demands apply to (``PGREQUIREAUTH``).
    """

    variables: Mapping[str, set[str]]
    made_for: Mapping[Finding, set[str]]
    postgresql: set[str]

    def of(self, finding: Finding) -> set[str]:
        """Return the services that `finding` is about; none if it is about judging all of them."""
        if finding.service:
            return {finding.service}
        if finding.code == "envconn-variable-ambiguous":
            return set()
        if finding.code == _POLICY and finding.variable in POLICY_VARIABLES:
            return self.postgresql if finding.variable in DEMANDS else set()
        return self.made_for.get(finding) or self.variables.get(finding.variable.removesuffix("_FILE"), set())


def owners(scan: Scan, selected: Iterable[Selected], chosen: Mapping[str, str]) -> Owners:
    """Return the services of each variable: from what was found, and by name if it could not be read.

    `chosen` are the services by the variable that the user chose for them. The variables of the policy for one
    service (``ENVCONN_<SERVICE>_TLS``) belong to it if it exists.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for variable, names in _FIXED.items():
        found[variable].update(names)
    for variable, name in chosen.items():
        found[variable].add(name)
    for name, variable in variables.named(scan.present):
        for each in (variable, *variables.siblings_of(variable), *_of_policy(name)):
            found[each].add(name)
    postgresql = set()
    for service in selected:
        origins = [connection.origin.variable for connection in (service.connection, *service.siblings)]
        for each in (*origins, *_of_policy(service.name)):
            found[each].add(service.name)
        if service.connection.family == POSTGRESQL:
            postgresql.add(service.name)
    return Owners(found, scan.made_for, postgresql or {DATABASE})


def _of_policy(service: str) -> Iterator[str]:
    return (prefix(service) + word for word in variables.FOR_EACH)


_DATABASE = (
    *(*variables.DEFAULTS, *variables.USUAL, *variables.SIBLINGS, CHOOSERS["database"]),
    *(name for family in host_variables.FAMILIES.values() for name in family),
)
_FIXED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_DATABASE, (DATABASE,)),
    **dict.fromkeys((*variables.BROKER, CHOOSERS["broker"]), ("broker",)),
    **dict.fromkeys((*variables.RESULTS, CHOOSERS["results"]), ("results",)),
    **dict.fromkeys((*variables.CACHE, CHOOSERS["cache"]), ("cache",)),
    **dict.fromkeys(variables.REDIS, ("broker", "cache")),
}


def attributed(findings: Iterable[Finding], known: Owners) -> tuple[Finding, ...]:
    """Return `findings` without duplicates, with the service if each is about a single one."""
    found = dict.fromkeys(findings)
    # PGREQUIREAUTH beside PGHOST is a part of the connection, and a demand of the policy.
    reported = {finding.variable for finding in found if finding.code != _POLICY}
    return tuple(
        _about(each, known.of(each)) for each in found if not (each.code == _POLICY and each.variable in reported)
    )


_POLICY = "policy-unknown"


def misjudged(problems: Iterable[Finding], known: Owners) -> set[str]:
    """Return the services with a problem in a variable about judging them: it was not done as the user stated."""
    return {
        name
        for problem in problems
        for name in known.of(problem)
        if problem.code == _POLICY
        or (problem.variable.startswith(prefix(name)) and problem.variable not in CHOOSERS.values())
    }


def _about(finding: Finding, names: set[str]) -> Finding:
    return finding.of(*names) if len(names) == 1 else finding


def refusals(problems: Iterable[Finding], known: Owners, services: Iterable[str]) -> dict[str, Refusal]:
    """Return the services that have `problems`, by name, except those that were judged all the same."""
    judged = set(services)
    found: dict[str, list[Finding]] = defaultdict(list)
    for problem in problems:
        for name in sorted(known.of(problem) - judged):
            found[name].append(problem)
    return {name: Refusal(against[0].variable, tuple(against)) for name, against in found.items()}
