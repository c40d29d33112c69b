"""From the environment to judged services: the whole way, once, without raising.

Everything that goes wrong becomes a `Problem` in the report. Raising is left to the outermost
function of a door (`envconn.load`, `envconn.Settings`), whose frame holds no text by then: a
traceback with local variables is a place where passwords are found.
"""

from __future__ import annotations

import os
from collections import ChainMap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from envconn import grammar, sources
from envconn.assembly import names, parts
from envconn.assembly.choice import CHOOSER, Choice, choose
from envconn.connection import Connection, Origin
from envconn.errors import Note, Problem
from envconn.providers import identify
from envconn.report import Report
from envconn.sources import DOTENV, Lookup, Text
from envconn.tls import SecuredConnection, judge
from envconn.tls.policy import VARIABLES as POLICY_VARIABLES
from envconn.tls.policy import Policy, stated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from envconn.connection import Secret
    from envconn.sources import Dotenv, Environment

__all__ = ["Assembly", "assemble", "judged", "judged_text"]

DATABASE = "database"
"""The name of the default database among the services."""


@dataclass(frozen=True, slots=True)
class Assembly:
    """The judged services by name, the siblings of the default database by role, and the report."""

    services: Mapping[str, SecuredConnection]
    siblings: Mapping[str, SecuredConnection]
    report: Report


@dataclass(slots=True)
class _Findings:
    """What one pass has found so far."""

    problems: list[Problem] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def assemble(
    environ: Mapping[str, str] | None = None, dotenv: Dotenv = DOTENV, policy: Policy | None = None
) -> Assembly:
    """Read, choose, identify and judge. Arguments are those of `envconn.load`; nothing is raised for bad input."""
    environment, problems = sources.read(environ, dotenv)
    findings = _Findings(list(problems))
    policy = policy or _stated_policy(environment, findings)
    services: dict[str, SecuredConnection] = {}
    siblings: dict[str, SecuredConnection] = {}
    if default := _default(environment, findings):
        _add(services, DATABASE, default, policy, findings)
    for service, variable in names.named(environment):
        for connection in _connections(environment, [variable], findings):
            if _is_free(services, service, variable, findings):
                _add(services, service, connection, policy, findings)
    for role, candidates in _by_role(_connections(environment, names.SIBLINGS, findings)).items():
        if chosen := _settled(choose(candidates, None), findings):
            _add(siblings, role, chosen, policy, findings)
    if not (services or siblings or findings.problems):
        if environment.plain("ENVCONN_PHASE") == "build":
            findings.notes.append(
                Note("build-phase", "ENVCONN_PHASE", "is build, so that nothing has to be configured")
            )
        else:
            findings.problems.append(_nothing(environment))
    return Assembly(services, siblings, Report(services, tuple(findings.problems), tuple(findings.notes)))


def judged(connection: Connection, policy: Policy, name: str = DATABASE) -> SecuredConnection | tuple[Problem, ...]:
    """Identify and judge one connection."""
    return judge(connection, identify(connection), policy, name)


def judged_text(text: Secret, name: str, dotenv: Dotenv = DOTENV) -> SecuredConnection | tuple[Problem, ...]:
    """Read and judge one `text` as if the variable `name` held it in this process. Blank is a problem here."""
    environment, problems = sources.read(ChainMap({name: text.reveal()}, os.environ), dotenv)
    findings = _Findings(list(problems))
    policy = _stated_policy(environment, findings)
    services: dict[str, SecuredConnection] = {}
    lookup = environment.lookup(name)
    if not (lookup.found or lookup.problems):
        lookup = Lookup(Text(text, Origin(name)))
    for connection in _read(lookup, findings):
        _add(services, name, connection, policy, findings)
    return tuple(findings.problems) or services[name]


def _stated_policy(environment: Environment, findings: _Findings) -> Policy:
    lookups = {name: environment.lookup(name) for name in POLICY_VARIABLES}
    for lookup in lookups.values():
        _record(lookup, findings)
    answer = stated({name: lookup.found.text.reveal().strip() for name, lookup in lookups.items() if lookup.found})
    findings.problems += answer.problems
    findings.notes += answer.notes
    return answer.policy


def _default(environment: Environment, findings: _Findings) -> Connection | None:
    """The default database: by the variable that the chooser names, else by URL, else by parts."""
    before = len(findings.problems)
    if chosen := environment.plain(CHOOSER):
        candidates = _chosen(environment, chosen, findings)
    else:
        candidates = _connections(environment, names.DEFAULTS, findings)
        candidates += _from_parts(environment, findings, skip_pg=bool(candidates))
    if candidates:
        _report_overruled(environment, findings, candidates[0].origin.variable)
    if not candidates or len(findings.problems) > before:
        return None
    return _settled(choose(candidates), findings)


def _chosen(environment: Environment, chosen: str, findings: _Findings) -> list[Connection]:
    before = len(findings.problems)
    lookup = parts.compose(environment, chosen) if chosen in parts.FAMILIES else environment.lookup(chosen)
    candidates = _read(lookup, findings)
    if not candidates and len(findings.problems) == before:
        findings.problems.append(
            Problem("choice-missing", CHOOSER, "names a variable that is not set; write the name of one that is")
        )
    findings.notes += [
        Note("not-chosen", name, f"is ignored: {CHOOSER} names another variable")
        for name in (*names.DEFAULTS, *parts.FAMILIES)
        if candidates and name != chosen and environment.is_set(name)
    ]
    return candidates


def _settled(choice: Choice, findings: _Findings) -> Connection | None:
    findings.problems += choice.problems
    findings.notes += choice.notes
    return choice.connection


def _by_role(connections: list[Connection]) -> dict[str, list[Connection]]:
    roles: dict[str, list[Connection]] = {}
    for connection in connections:
        roles.setdefault(names.SIBLINGS[connection.origin.variable], []).append(connection)
    return roles


def _is_free(services: Mapping[str, SecuredConnection], service: str, variable: str, findings: _Findings) -> bool:
    """Whether no other variable made a service of that name (``DATABASE_DATABASE_URL``, ``Db_DATABASE_URL``)."""
    if service in services:
        message = f"makes a second service called {service}, beside {services[service].variable}; rename one"
        findings.problems.append(Problem("service-duplicate", variable, message))
    return service not in services


def _from_parts(environment: Environment, findings: _Findings, *, skip_pg: bool) -> list[Connection]:
    leaders = [leader for leader in parts.FAMILIES if not (skip_pg and leader == "PGHOST")]
    return [connection for leader in leaders for connection in _read(parts.compose(environment, leader), findings)]


def _connections(environment: Environment, variables: Iterable[str], findings: _Findings) -> list[Connection]:
    return [connection for variable in variables for connection in _read(environment.lookup(variable), findings)]


def _read(lookup: Lookup, findings: _Findings) -> list[Connection]:
    _record(lookup, findings)
    if lookup.found is None:
        return []
    outcome = grammar.read(lookup.found.text, lookup.found.origin)
    if not isinstance(outcome, Connection):
        findings.problems += outcome
        return []
    findings.notes += [Note("tidied", outcome.origin.variable, note) for note in outcome.notes]
    return [outcome]


def _record(lookup: Lookup, findings: _Findings) -> None:
    findings.problems += lookup.problems
    findings.notes += lookup.notes


def _add(
    services: dict[str, SecuredConnection], name: str, connection: Connection, policy: Policy, findings: _Findings
) -> None:
    outcome = judged(connection, policy, name)
    if isinstance(outcome, SecuredConnection):
        services[name] = outcome
    else:
        findings.problems += outcome


def _report_overruled(environment: Environment, findings: _Findings, variable: str) -> None:
    if variable == "PGHOST":
        return
    message = f"has no effect on {variable}: every value that decides is written out for the driver"
    findings.notes += [Note("overruled", name, message) for name in names.OVERRULED if environment.plain(name)]


def _nothing(environment: Environment) -> Problem:
    accepted = ", ".join([*names.DEFAULTS[1:], *parts.FAMILIES])
    hint = f"; {near} is set, but names are upper case" if (near := names.misspelt(environment)) else ""
    message = f"no database is configured; set {names.DEFAULTS[0]} or one of {accepted}, <NAME>_DATABASE_URL{hint}"
    return Problem("database-missing", "DATABASE_URL", message)
