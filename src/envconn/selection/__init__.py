"""From the environment to judged services: the whole way, once, without raising.

Everything that goes wrong becomes a `Finding` in the report. Raising is left to the outermost
function of a door (`envconn.load`, `envconn.Settings`), whose frame holds no text by then: a
traceback with local variables is a place where passwords are found.
"""

from __future__ import annotations

import os
from collections import ChainMap

from envconn import sources
from envconn.connection import Origin
from envconn.errors import Finding, note, problem
from envconn.providers import POOLERS, ProviderHints, provider_named
from envconn.records import Record
from envconn.report import Report
from envconn.selection import databases, platform_services, variables
from envconn.selection.broker_and_cache import gather as gather_brokers
from envconn.selection.databases import DATABASE, DATABASES, Wanted
from envconn.selection.scan import Reading
from envconn.sources import DOTENV, Lookup, Text
from envconn.tls import Context, SecuredConnection, judge
from envconn.tls.policy import VARIABLES as POLICY_VARIABLES
from envconn.tls.policy import combined, stated, waived_in_code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envconn.connection import Secret
    from envconn.sources import Dotenv
    from envconn.sources.environment import Layer
    from envconn.tls.policy import Demands, Policy


__all__ = [
    "DATABASE",
    "DATABASES",
    "Assembly",
    "assemble",
    "judged_text",
    "process_context",
    "stated_context",
    "stated_hints",
]


class Assembly(Record):
    """The judged services by name, and the report about them."""

    services: Mapping[str, SecuredConnection]
    report: Report


def assemble(
    environ: Mapping[str, str] | None = None,
    env_file: Dotenv = DOTENV,
    policy: Policy | None = None,
    layers: Sequence[Layer] = (),
) -> Assembly:
    """Read, choose, identify and judge. Arguments are those of `envconn.load`; nothing is raised for bad input.

    `layers` are those of `envconn.sources.read`.
    """
    environment, unreadable = sources.read(environ, env_file, layers)
    reading = Reading(environment, unreadable)
    reading.bound = platform_services.gather(reading)
    context = stated_context(reading, policy)
    services: dict[str, SecuredConnection] = {}
    found = (*databases.gather(reading), *gather_brokers(reading))
    for wanted in found:
        if wanted.name in services:
            reading.problems.append(_second(wanted, services[wanted.name]))
        elif service := _judged(wanted, context, reading):
            services[wanted.name] = service
            reading.notes += service.advice
    if not (DATABASE in services or reading.problems):
        _without_database(reading, services)
    # A copy: the report does not hold the mapping of the services.
    report = Report(dict(services), policy=context.policy)
    return Assembly(services, _with_findings(report, reading, found) if reading.problems or reading.notes else report)


def _with_findings(report: Report, reading: Reading, found: Sequence[Wanted]) -> Report:
    from envconn.selection import attribution

    known = attribution.owners(reading.present, found)
    problems = attribution.attributed(reading.problems, known)
    notes = attribution.attributed(reading.notes, known)
    refused = attribution.refusals(problems, known, report.services)
    return report._replace(problems=problems, notes=notes, refused=refused)


def judged_text(
    text: Secret, name: str, env_file: Dotenv = DOTENV, layers: Sequence[Layer] = ()
) -> SecuredConnection | tuple[Finding, ...]:
    """Read and judge one `text` as if the variable `name` held it in this process. Blank is a problem here."""
    environment, problems = sources.read(ChainMap({name: text.reveal()}, os.environ), env_file, layers)
    reading = Reading(environment, problems)
    context = stated_context(reading)
    lookup = environment.lookup(name)
    if not (lookup.found or lookup.problems):
        lookup = Lookup(Text(text, Origin(name)))
    judged = [_judged(Wanted(name, connection), context, reading) for connection in reading.accept(lookup)]
    return tuple(reading.problems) or next(service for service in judged if service)


def process_context(policy: Policy | None = None) -> Context | tuple[Finding, ...]:
    """Return what this process is judged by, with what `policy` states above it, or what is wrong with that."""
    reading = Reading(*sources.read())
    context = stated_context(reading, policy)
    return tuple(reading.problems) or context


def stated_context(reading: Reading, policy: Policy | None = None) -> Context:
    """Return what the environment and `policy` state about judging. What is wrong goes to `reading`."""
    demands = combined(policy, _stated_demands(reading))
    reading.notes += waived_in_code(policy)
    return Context(demands, stated_hints(reading))


def _judged(wanted: Wanted, context: Context, reading: Reading) -> SecuredConnection | None:
    """Judge the siblings first: they go along with the service."""
    judged = [judge(sibling, context, wanted.name) for sibling in wanted.siblings]
    siblings = tuple(sibling for sibling in judged if isinstance(sibling, SecuredConnection))
    outcome = judge(wanted.connection, Context(context.policy, context.hints, siblings), wanted.name)
    for refused in (outcome, *judged):
        if not isinstance(refused, SecuredConnection):
            reading.problems += refused
    return outcome if isinstance(outcome, SecuredConnection) else None


def _stated_demands(reading: Reading) -> Demands:
    lookups = {name: reading.environment.lookup(name) for name in POLICY_VARIABLES if name in reading.present}
    for lookup in lookups.values():
        reading.record(lookup)
    answer = stated({name: lookup.found.text.reveal().strip() for name, lookup in lookups.items() if lookup.found})
    reading.problems += answer.problems
    reading.notes += answer.notes
    return answer.demands


def _second(wanted: Wanted, first: SecuredConnection) -> Finding:
    # DATABASE_DATABASE_URL would be the default database, and BROKER_DATABASE_URL the broker.
    message = f"makes a second service called {wanted.name}, next to {first.variable}. Rename one of the two"
    return problem("service-duplicate", wanted.connection.origin.variable, message)


def _without_database(reading: Reading, services: Mapping[str, SecuredConnection]) -> None:
    """Say that there is no default database: an error where there is nothing else, except while an image is built."""
    if reading.plain("ENVCONN_PHASE") == "build":
        reading.notes.append(note("build-phase", "ENVCONN_PHASE", "is build, so no database is required"))
    elif not services:
        _nothing(reading)


def _nothing(reading: Reading) -> None:
    variable, message = variables.meant(reading.environment) or ("DATABASE_URL", NOT_SET)
    reading.problems.append(problem("database-missing", variable, message))


NOT_SET = (
    "not set. Set it to the connection string of your database, for example postgresql://user:password@host/name. "
    "envconn show --sources lists every other name that is read"
)


def stated_hints(reading: Reading) -> ProviderHints:
    """Read the two variables; a word that is not known becomes a problem."""
    provider = reading.plain("ENVCONN_PROVIDER") or None
    pooler = reading.plain("ENVCONN_POOL_MODE") or None
    if provider and provider_named(provider) is None:
        reading.problems.append(problem("provider-unknown", "ENVCONN_PROVIDER", _PROVIDER))
        provider = None
    if pooler and pooler not in POOLERS:
        reading.problems.append(problem("pooler-unknown", "ENVCONN_POOL_MODE", _POOLER))
        pooler = None
    return ProviderHints(provider, pooler)


_PROVIDER = "unknown provider. Use one of the names in docs/providers.md, for example scalingo, planetscale or neon"
_POOLER = "is invalid: expected transaction, session or none"
