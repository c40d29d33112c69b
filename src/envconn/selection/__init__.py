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
from envconn.grammar.libpq_keywords import UNWRITTEN
from envconn.providers import POOLERS, ProviderHints, provider_named
from envconn.records import Record
from envconn.report import Report
from envconn.selection import databases, platform_services, variables, vocabulary
from envconn.selection.broker_and_cache import select as select_brokers
from envconn.selection.databases import DATABASE, DATABASES, Selected
from envconn.selection.scan import Scan
from envconn.sources import DOTENV, Lookup, Text
from envconn.tls import Context, SecuredConnection, judge
from envconn.tls.policy import VARIABLES as POLICY_VARIABLES
from envconn.tls.policy import combined, stated, waived_in_code
from envconn.tls.secured import advice

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
    scan = Scan(environment, unreadable)
    scan.bound = platform_services.find(scan)
    context = stated_context(scan, policy)
    services: dict[str, SecuredConnection] = {}
    found = (*databases.select(scan), *select_brokers(scan))
    if found and scan.environment.is_set("OPENSSL_CONF"):
        from envconn.selection import openssl_variables

        scan.accept_findings(openssl_variables.findings(scan))
    if not UNWRITTEN.isdisjoint(scan.present):
        from envconn.selection import libpq_variables

        scan.problems += libpq_variables.problems(scan, [selected.connection for selected in found])
    for selected in found:
        if selected.name in services:
            scan.problems.append(_duplicate_name(selected, services[selected.name]))
        elif service := _judged(selected, context, scan):
            services[selected.name] = service
            scan.notes += advice(service)
    if not (DATABASE in services or scan.problems):
        _check_database(scan, services)
    # A copy: the report does not hold the mapping of the services.
    # Without the CA, which may be a text, or anything else that was meant for another variable.
    report = Report(dict(services), policy=context.policy._replace(ca=None))
    return Assembly(services, _with_findings(report, scan, found) if scan.problems or scan.notes else report)


def _with_findings(report: Report, scan: Scan, found: Sequence[Selected]) -> Report:
    from envconn.selection import attribution

    known = attribution.owners(scan.present, found)
    problems = attribution.attributed(scan.problems, known)
    notes = attribution.attributed(scan.notes, known)
    refused = attribution.refusals(problems, known, report.services)
    return report._replace(problems=problems, notes=notes, refused=refused)


def judged_text(
    text: Secret, name: str, env_file: Dotenv = DOTENV, layers: Sequence[Layer] = ()
) -> SecuredConnection | tuple[Finding, ...]:
    """Read and judge one `text` as if the variable `name` held it in this process. Blank is a problem here."""
    environment, problems = sources.read(ChainMap({name: text.reveal()}, os.environ), env_file, layers)
    scan = Scan(environment, problems)
    context = stated_context(scan)
    lookup = environment.lookup(name)
    if not (lookup.found or lookup.problems):
        lookup = Lookup(Text(text, Origin(name)))
    judged = [_judged(Selected(name, connection), context, scan) for connection in scan.accept(lookup)]
    return tuple(scan.problems) or next(service for service in judged if service)


def process_context(policy: Policy | None = None) -> Context | tuple[Finding, ...]:
    """Return what this process is judged by, with what `policy` states above it, or what is wrong with that."""
    scan = Scan(*sources.read())
    context = stated_context(scan, policy)
    return tuple(scan.problems) or context


def stated_context(scan: Scan, policy: Policy | None = None) -> Context:
    """Return what the environment and `policy` state about judging. What is wrong goes to `scan`."""
    for found in vocabulary.unknown(scan.present):
        (scan.problems if found.severity == "error" else scan.notes).append(found)
    demands = combined(policy, _stated_demands(scan))
    scan.notes += waived_in_code(policy)
    return Context(demands, stated_hints(scan))


def _judged(selected: Selected, context: Context, scan: Scan) -> SecuredConnection | None:
    """Judge the siblings first: they go along with the service."""
    judged = [judge(sibling, context, selected.name) for sibling in selected.siblings]
    siblings = tuple(sibling for sibling in judged if isinstance(sibling, SecuredConnection))
    outcome = judge(selected.connection, Context(context.policy, context.hints, siblings), selected.name)
    for refused in (outcome, *judged):
        if not isinstance(refused, SecuredConnection):
            scan.problems += refused
    return outcome if isinstance(outcome, SecuredConnection) else None


def _stated_demands(scan: Scan) -> Demands:
    lookups = {name: scan.environment.lookup(name) for name in POLICY_VARIABLES if name in scan.present}
    for lookup in lookups.values():
        scan.record(lookup)
    answer = stated({name: lookup.found.text.reveal().strip() for name, lookup in lookups.items() if lookup.found})
    scan.problems += answer.problems
    scan.notes += answer.notes
    return answer.demands


def _duplicate_name(selected: Selected, first: SecuredConnection) -> Finding:
    # DATABASE_DATABASE_URL would be the default database, and BROKER_DATABASE_URL the broker.
    message = f"makes a second service called {selected.name}, next to {first.origin.variable}. Rename one of the two"
    return problem("service-duplicate", selected.connection.origin.variable, message)


def _check_database(scan: Scan, services: Mapping[str, SecuredConnection]) -> None:
    """Say that there is no default database: an error where there is nothing else, except while an image is built."""
    if scan.plain("ENVCONN_PHASE") == "build":
        scan.notes.append(note("build-phase", "ENVCONN_PHASE", "is build, so no database is required"))
    elif not services:
        _report_missing(scan)


def _report_missing(scan: Scan) -> None:
    variable, message = variables.meant(scan.environment) or ("DATABASE_URL", NOT_SET)
    scan.problems.append(problem("database-missing", variable, message))


NOT_SET = (
    "not set. Set it to the connection string of your database, for example postgresql://user:password@host/name. "
    "envconn show --sources lists every other name that is read"
)


def stated_hints(scan: Scan) -> ProviderHints:
    """Read what is stated about every endpoint; a word that is not known becomes a problem."""
    if (phase := scan.plain("ENVCONN_PHASE")) and phase != "build":
        scan.problems.append(problem("phase-unknown", "ENVCONN_PHASE", "is invalid: expected build, or nothing"))
    provider = scan.plain("ENVCONN_PROVIDER") or None
    pooler = scan.plain("ENVCONN_POOL_MODE") or None
    if provider and provider_named(provider) is None:
        scan.problems.append(problem("provider-unknown", "ENVCONN_PROVIDER", _PROVIDER))
        provider = None
    if pooler and pooler not in POOLERS:
        scan.problems.append(problem("pooler-unknown", "ENVCONN_POOL_MODE", _POOLER))
        pooler = None
    return ProviderHints(provider, pooler)


_PROVIDER = "unknown provider. Use one of the names in docs/providers.md, for example scalingo, planetscale or neon"
_POOLER = "is invalid: expected transaction, session or none"
