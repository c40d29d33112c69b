"""Read the environment into judged services: all steps, once, without raising.

Everything that goes wrong becomes a `Finding` in the report. Only the public
functions raise (`envconn.load`, `envconn.Settings`), when their frame holds no text any more: a
traceback with local variables would show passwords.
"""

from __future__ import annotations

import os
from collections import ChainMap
from types import MappingProxyType

from envconn import sources
from envconn.connection import Origin
from envconn.errors import Finding, files_exhausted, note, problem
from envconn.grammar.libpq_keywords import REFUSABLE
from envconn.grammar.text import alternatives
from envconn.records import Record, replace
from envconn.report import Report
from envconn.selection import databases, variables
from envconn.selection.databases import DATABASE, Selected
from envconn.selection.scan import READ_DATABASE, Scan
from envconn.selection.scope import Scopes
from envconn.sources import DOTENV, Lookup, Text
from envconn.sources.order import BOUND_SERVICE_VARIABLES
from envconn.tls import SecuredConnection, judge
from envconn.tls.secured import advice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from envconn.connection import Connection, Secret
    from envconn.selection.scan import PlatformService
    from envconn.sources import Dotenv
    from envconn.sources.environment import Layer
    from envconn.tls import Context
    from envconn.tls.policy import Policy


class Selection(Record):
    """The judged services by name, and the report about them."""

    services: Mapping[str, SecuredConnection]
    report: Report


def select_services(
    environ: Mapping[str, str] | None = None,
    env_file: Dotenv = DOTENV,
    policy: Policy | None = None,
    layers: Sequence[Layer] = (),
    directory: str = "",
) -> Selection:
    """Read, choose, recognise and judge. Arguments are those of `envconn.load`; never raises for bad input.

    `layers` are those of `envconn.sources.read`. `directory` is the one that relative paths start from, empty for that
    of the process.
    """
    try:
        return _selected(environ, env_file, policy, layers, directory)
    except (OSError, ImportError):
        # A module that is imported when it is needed is a file, too.
        if (found := files_exhausted("RLIMIT_NOFILE")) is None:
            raise
        return Selection({}, Report(problems=(found,)))


def _selected(
    environ: Mapping[str, str] | None, env_file: Dotenv, policy: Policy | None, layers: Sequence[Layer], directory: str
) -> Selection:
    environment, unreadable = sources.read(environ, env_file, layers, sources.if_left(directory))
    scan = Scan(environment, unreadable)
    scan.bound = _platform_services(scan)
    scopes = stated_scopes(scan, policy, directory)
    found = (*databases.select(scan), *_broker_and_cache(scan, scopes))
    _check_libraries(scan, [each for selected in found for each in (selected.connection, *selected.siblings)])
    services = _judged_services(found, scopes, scan)
    if DATABASE not in services:
        _check_database(scan, services, env_file, directory)
    # A copy: the report does not hold the mapping of the services.
    # Without the CA, which may be a text, or anything else that was meant for another variable.
    of_env_file = any(selected.connection.origin.env_file for selected in found)
    report = Report(
        MappingProxyType(dict(services)),
        waived=MappingProxyType(scan.waived),
        policy=replace(scopes.general(env_file=of_env_file).policy, ca=None, database_ca=None),
    )
    if scan.problems or scan.notes:
        report = _with_findings(report, scan, found)
        services = {**report.services}
    return Selection(services, report)


def _platform_services(scan: Scan) -> tuple[PlatformService, ...]:
    if scan.present.isdisjoint(BOUND_SERVICE_VARIABLES) and not any(scan.environment.names_with("SQLCONNSTR_")):
        return ()
    from envconn.selection.platform_services import find

    return find(scan)


def _broker_and_cache(scan: Scan, scopes: Scopes) -> Iterable[Selected]:
    if not scan.bound and scan.present.isdisjoint(variables.OF_BROKER_AND_CACHE):
        hosts = scan.environment.among({*variables.HOSTS_OF_BROKER_AND_CACHE})
        urls = {name: variables.HOSTS_OF_BROKER_AND_CACHE[name] for name in sorted(hosts)}
        scan.notes += [
            note("part-unused", name, f"is not read. Set {url} to the whole URL") for name, url in urls.items()
        ]
        return ()
    from envconn.selection.broker_and_cache import select

    return select(scan, scopes)


def _check_libraries(scan: Scan, connections: Sequence[Connection]) -> None:
    """Add what OpenSSL's and libpq's own variables would do to `connections`."""
    if connections and scan.environment.is_set("OPENSSL_CONF"):
        from envconn.selection.library_variables import openssl_findings

        scan.accept_findings(openssl_findings(scan))
    if not REFUSABLE.isdisjoint(scan.present):
        from envconn.selection.library_variables import libpq_findings

        scan.accept_findings(libpq_findings(scan, connections))


def _with_findings(report: Report, scan: Scan, found: Sequence[Selected]) -> Report:
    from envconn.selection import attribution, ignore

    chosen = {scan.plain(chooser): name for name, chooser in variables.CHOOSERS.items() if chooser in scan.present}
    known = attribution.owners(scan, found, chosen)
    problems = ignore.way_out(attribution.attributed(scan.problems, known), chosen)
    notes = attribution.attributed(scan.notes, known)
    misjudged = attribution.misjudged(problems, known)
    services = {name: service for name, service in report.services.items() if name not in misjudged}
    refused = attribution.refusals(problems, known, services)
    return replace(
        report,
        services=MappingProxyType(services),
        problems=problems,
        notes=notes,
        refused=MappingProxyType(refused),
    )


def judged_text(
    text: Secret, name: str, env_file: Dotenv = DOTENV, layers: Sequence[Layer] = ()
) -> SecuredConnection | tuple[Finding, ...]:
    """Read and judge one `text` as if the variable `name` held it in this process. A blank text is a problem here."""
    environment, problems = sources.read(None, env_file, layers)
    written = environment.written(name)
    if not (isinstance(written, Text) and written.text == text):
        environment, problems = sources.read(ChainMap({name: text.reveal()}, os.environ), env_file, layers)
    scan = Scan(environment, problems)
    scopes = stated_scopes(scan)
    lookup = environment.lookup(name)
    if not (lookup.found or lookup.problems):
        lookup = Lookup(Text(text, Origin(name)))
    from envconn.selection.broker_and_cache import READERS

    connections = [*scan.accept(lookup, READERS.get(name, READ_DATABASE))]
    _check_libraries(scan, connections)
    judged = [_judged(Selected(name, connection), scopes, scan) for connection in connections]
    return tuple(dict.fromkeys(scan.problems)) or next(service for service in judged if service)


def process_context() -> Context | tuple[Finding, ...]:
    """Return what this process judges the connections of a program by, or the problems."""
    scan = Scan(*sources.read())
    scopes = stated_scopes(scan)
    _check_libraries(scan, [])
    return tuple(dict.fromkeys(scan.problems)) or scopes.general(env_file=False)


def in_process(connection: Connection, policy: Policy | None = None) -> tuple[Connection, Context, tuple[Finding, ...]]:
    """Return a `connection` of the program with libpq's defaults, what this process judges it with, and the problems.

    `policy` is combined with that of the process.
    """
    scan = Scan(*sources.read())
    scopes = stated_scopes(scan, policy)
    completed = next(scan.understand(connection), connection)
    _check_libraries(scan, [completed])
    return completed, scopes.general(env_file=False), tuple(dict.fromkeys(scan.problems))


def stated_scopes(scan: Scan, policy: Policy | None = None, directory: str = "") -> Scopes:
    """Return what the environment and `policy` state about judging, in `directory`. Problems are added to `scan`."""
    if (phase := scan.plain("ENVCONN_PHASE")) and phase != "build":
        scan.problems.append(problem("phase-unknown", "ENVCONN_PHASE", "is invalid: expected build, or nothing"))
    if (word := scan.plain("ENVCONN_ENDPOINT")) and word not in variables.ENDPOINTS:
        message = f"is invalid: expected {alternatives(tuple(variables.ENDPOINTS))}"
        scan.problems.append(problem("endpoint-unknown", "ENVCONN_ENDPOINT", message))
    return Scopes(scan, policy, directory or sources.working_directory())


def _judged_services(found: Iterable[Selected], scopes: Scopes, scan: Scan) -> dict[str, SecuredConnection]:
    services: dict[str, SecuredConnection] = {}
    for selected in found:
        if selected.name in services:
            scan.problems.append(_duplicate_name(selected, services[selected.name]))
        elif service := _judged(selected, scopes, scan):
            service = services[selected.name] = _endpoint(service, scan)
            scan.notes += (*advice(service), *_on_serverless(service, scan))
    return services


def _judged(selected: Selected, scopes: Scopes, scan: Scan) -> SecuredConnection | None:
    """Judge the siblings first, because the service includes them."""
    name = selected.name
    judged = [judge(sibling, scopes.of(sibling, name), name) for sibling in selected.siblings]
    siblings = tuple(sibling for sibling in judged if isinstance(sibling, SecuredConnection))
    connection = scan.named(selected.connection, scopes.master(selected.connection, name))
    outcome = judge(connection, scopes.of(connection, name)._replace(siblings=siblings), name)
    for origin, refused in zip(
        (each.origin for each in (connection, *selected.siblings)), (outcome, *judged), strict=True
    ):
        if not isinstance(refused, SecuredConnection):
            scan.refuse(scan.about_parts(refused, origin), name)
    return outcome if isinstance(outcome, SecuredConnection) else None


def _endpoint(service: SecuredConnection, scan: Scan) -> SecuredConnection:
    """Return the endpoint of `service` that ``ENVCONN_ENDPOINT`` states, or `service`."""
    if "ENVCONN_ENDPOINT" not in scan.present or service.family not in databases.DATABASES:
        return service
    from envconn.selection.endpoint_choice import at_endpoint

    return at_endpoint(service, scan)


def _on_serverless(service: SecuredConnection, scan: Scan) -> tuple[Finding, ...]:
    """Return the note that a platform starts many processes, if this is one and `service` has a pooler it misses."""
    if service.pooled is not False or not (found := scan.environment.among(SERVERLESS)):
        return ()
    from envconn.selection.endpoint_choice import pooler_missed

    return pooler_missed(service, min(found))


def _duplicate_name(selected: Selected, first: SecuredConnection) -> Finding:
    # DATABASE_DATABASE_URL would be the default database, and BROKER_DATABASE_URL the broker.
    message = f"makes a second service called {selected.name}, next to {first.origin.variable}. Rename one of the two"
    return problem("service-duplicate", selected.connection.origin.variable, message)


def _check_database(scan: Scan, services: Mapping[str, SecuredConnection], env_file: Dotenv, directory: str) -> None:
    """Add a problem if there is no default database and nothing else, except while an image is built."""
    if scan.plain("ENVCONN_PHASE") == "build":
        scan.notes.append(note("build-phase", "ENVCONN_PHASE", "is build, so no database is required"))
    elif not (services or scan.problems or scan.waived or _is_other_worker(scan)):
        _report_missing(scan, env_file, directory)
    named = (each.origin.variable for each in services.values() if each.name not in variables.RESERVED)
    if variable := next((name for name in named if name.endswith("_DATABASE_URL")), None):
        scan.notes.append(note("default-missing", variable, _NO_DEFAULT.format(variable)))


_NO_DEFAULT = (
    "names a database, but there is no default one. Set DATABASE_URL, or ENVCONN_DATABASE_VARIABLE={} if this is it"
)


def _is_other_worker(scan: Scan) -> bool:
    """Whether this process has a broker that envconn does not configure (``sqs://``), and so may need no database."""
    return any(each.code == "service-foreign" and each.service == "broker" for each in scan.notes)


def _report_missing(scan: Scan, env_file: Dotenv, directory: str) -> None:
    message = NOT_SET.format(sources.places(env_file, directory))
    variable, message = variables.meant(scan.environment) or ("DATABASE_URL", message)
    scan.problems.append(problem("database-missing", variable, message))


SERVERLESS = frozenset(
    {
        *("AWS_LAMBDA_FUNCTION_NAME", "K_SERVICE", "VERCEL", "FUNCTIONS_WORKER_RUNTIME", "NETLIFY"),
        *("CLOUD_RUN_JOB", "FUNCTION_TARGET"),
    }
)
"""Variables of platforms that start a process for each request or each few: AWS Lambda, Cloud Run, Vercel, Azure
Functions, Netlify."""

NOT_SET = (
    "not set {}. Set it to the connection string of your database, for example postgresql://user:password@host/name. "
    "envconn show --sources lists every other name that is read"
)
