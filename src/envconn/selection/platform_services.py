"""Services bound by a platform: which of them are used in addition to variables, and under which name.

Variables have precedence. A bound service with the same target as a variable is the same one; if
none has the target of a variable, that is a conflict, because one of the two is wrong. If no variable
names a service, the only bound one is used, and of several the user must choose one.
"""

from __future__ import annotations

from envconn.errors import Finding, problem
from envconn.records import replace
from envconn.selection import variables
from envconn.selection.conflicts import same_target
from envconn.selection.scan import PlatformService
from envconn.sources import Text
from envconn.sources.order import BOUND_SERVICE_VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from envconn.connection import Connection
    from envconn.selection.scan import Scan


def find(scan: Scan) -> tuple[PlatformService, ...]:
    """Return every bound service, without duplicates if the platform describes it in several ways."""
    found: dict[str, PlatformService] = {}
    for service in _every(scan):
        before = found.setdefault(service.name, service)
        if not same_target(before.connection, service.connection):
            scan.problems.append(_duplicate_name(service, before))
    return tuple(found.values())


def chosen_by_name(services: Iterable[PlatformService], chosen: str) -> list[Connection]:
    """Return the one of `services` that is called `chosen`, with or without the variable that it comes from."""
    return [each.connection for each in services if chosen in {each.name, each.connection.origin.variable}][:1]


def unrelated(services: Sequence[PlatformService], known: Iterable[Connection]) -> list[Connection]:
    """Return all `services` if none of them is one of `known`, otherwise nothing."""
    known = list(known)
    if any(same_target(each.connection, other) for each in services for other in known):
        return []
    return [each.connection for each in services]


def ambiguity(services: Sequence[PlatformService], chooser: str, what: str) -> Finding:
    """Return the problem that each of `services` could be `what`, and that `chooser` decides."""
    others = " and ".join(each.connection.origin.variable for each in services[1:])
    message = (
        f"could be {what}, and so could {others}. Set {chooser}={services[0].name}, or set it to another of these names"
    )
    return problem("binding-ambiguous", services[0].connection.origin.variable, message)


def _every(scan: Scan) -> Iterator[PlatformService]:
    if not scan.present.isdisjoint(BOUND_SERVICE_VARIABLES):
        yield from _credentials(scan)
    if candidates := sorted(scan.environment.names_with("SQLCONNSTR_")):
        yield from _connection_strings(scan, candidates)


def _connection_strings(scan: Scan, candidates: Iterable[str]) -> Iterator[PlatformService]:
    """Yield what Azure's App Service sets for a database, unless its name is that of a variable that is read."""
    from envconn.sources.azure_app_service import TYPED, plain_name
    from envconn.sources.bound_service import slug

    for variable in candidates:
        if (
            variable.startswith(TYPED)
            and variable not in scan.left_out
            and not variables.is_read(name := plain_name(variable))
        ):
            lookup = scan.environment.lookup(variable)
            found = lookup.found and Text(lookup.found.text, replace(lookup.found.origin, source="connstr"))
            for connection in scan.accept(lookup._replace(found=found)):
                yield PlatformService(slug(name), connection)


def _credentials(scan: Scan) -> Iterator[PlatformService]:
    from envconn.grammar import json_credentials, read_text
    from envconn.sources import bound_services

    for finding in bound_services(scan.environment):
        variable = finding.variable if isinstance(finding, Finding) else finding.origin.variable
        if variable.partition("/")[0] in scan.left_out:
            continue
        if isinstance(finding, Finding):
            (scan.problems if finding.severity == "error" else scan.notes).append(finding)
        else:
            outcome = json_credentials.read(finding.credentials, finding.origin, read_text, finding.family)
            for connection in scan.understand(outcome):
                yield PlatformService(finding.name, connection)


def _duplicate_name(service: PlatformService, first: PlatformService) -> Finding:
    message = (
        f"is bound as {service.name}, and so is {first.connection.origin.variable} with another target. Rename one of "
        "the two"
    )
    return problem("service-duplicate", service.connection.origin.variable, message)
