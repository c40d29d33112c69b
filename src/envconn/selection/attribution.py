"""Attribute each finding to its service, and find the services that are refused, by the variable."""

from __future__ import annotations

from collections import defaultdict

from envconn.report import Refusal
from envconn.selection import host_variables, variables
from envconn.selection.databases import DATABASE
from envconn.selection.variables import CHOOSERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from envconn.errors import Finding
    from envconn.selection.databases import Selected

Owners = dict[str, set[str]]
"""The names of the services that each variable belongs to."""


def owners(present: Iterable[str], selected: Iterable[Selected]) -> Owners:
    """Return the services of each variable: from what was found, and by name if it could not be read."""
    found: Owners = defaultdict(set)
    for variable, names in _FIXED.items():
        found[variable].update(names)
    for name, variable in variables.named(present):
        prefix = variable.removesuffix("DATABASE_URL")
        for each in (variable, *(prefix + sibling for sibling in variables.SIBLINGS)):
            found[each].add(name)
    for service in selected:
        for connection in (service.connection, *service.siblings):
            found[connection.origin.variable].add(service.name)
    return found


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
        _about(each, _of(each, known)) for each in found if not (each.code == _POLICY and each.variable in reported)
    )


_POLICY = "policy-unknown"


def _about(finding: Finding, names: set[str]) -> Finding:
    return finding.of(*names) if len(names) == 1 else finding


def refusals(problems: Iterable[Finding], known: Owners, services: Iterable[str]) -> dict[str, Refusal]:
    """Return the services that have `problems`, by name, except those that were judged all the same."""
    judged = set(services)
    found: dict[str, list[Finding]] = defaultdict(list)
    for problem in problems:
        for name in sorted(_of(problem, known) - judged):
            found[name].append(problem)
    return {name: Refusal(against[0].variable, tuple(against)) for name, against in found.items()}


def _of(finding: Finding, known: Owners) -> set[str]:
    return {finding.service} if finding.service else known.get(finding.variable.removesuffix("_FILE"), set())
