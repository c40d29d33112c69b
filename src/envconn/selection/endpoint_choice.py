"""The endpoint of each database that this process uses, as ``ENVCONN_ENDPOINT`` states it.

A database whose endpoint is another one is that endpoint for everything in the process: `load`, the integrations and
the command. The endpoint that its variable names is a sibling then.
"""

from __future__ import annotations

from envconn.errors import EndpointUnavailable, note
from envconn.selection.databases import DATABASE
from envconn.selection.variables import ENDPOINTS
from envconn.tls.policy import PREFIX
from envconn.tls.secured import judgement_of, seal, stated_endpoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.errors import Finding
    from envconn.selection.scan import Scan
    from envconn.tls import SecuredConnection

VARIABLE = f"{PREFIX}ENDPOINT"


def at_endpoint(service: SecuredConnection, scan: Scan) -> SecuredConnection:
    """Return the endpoint of `service` that the variable states, or `service` if it states none.

    Direct is required of every database that is known to be pooled, a replica of the default one: without it, there is
    a problem in `scan`. Everything else is used as it is if there is no such endpoint.
    """
    word = scan.plain(VARIABLE)
    if word not in ENDPOINTS:
        return service
    try:
        found = service.endpoint(**ENDPOINTS[word])
    except EndpointUnavailable as error:
        unavailable = error.problems
    else:
        if found is not service:
            scan.notes.append(note("endpoint-chosen", VARIABLE, f"is {word}, so {service.name} uses that endpoint"))
        return _in_place(service, found, word)
    if word == "direct" or (word == "replica" and service.name == DATABASE):
        scan.problems += unavailable
    else:
        message = f"is {word}, but {service.name} has no such endpoint, and is used as it is"
        scan.notes.append(note("endpoint-not-found", VARIABLE, message))
    return _in_place(service, service, word)


def pooler_missed(service: SecuredConnection, platform: str) -> tuple[Finding, ...]:
    """Return the note that `service` has a pooled endpoint, which the `platform` of that variable needs."""
    if stated_endpoint(service):
        return ()
    try:
        service.endpoint(pooled=True)
    except EndpointUnavailable:
        return ()
    message = (
        f"is the direct endpoint, but {platform} is set, so many processes may connect at once. Set {VARIABLE}=pooled, "
        f"or {VARIABLE}=direct if this is meant"
    )
    return (note("pooler-missed", service.origin.variable, message).of(service.name),)


def _in_place(service: SecuredConnection, found: SecuredConnection, word: str) -> SecuredConnection:
    """Return `found` with `service` and the rest of its siblings as siblings."""
    if found is service:
        return _with(service, service.siblings, word)
    others = [each for each in service.siblings if each is not found]
    return _with(found, (_with(service, (), word), *others), word)


def _with(connection: SecuredConnection, siblings: tuple[SecuredConnection, ...], word: str) -> SecuredConnection:
    judgement = judgement_of(connection)
    return seal(judgement._replace(context=judgement.context._replace(siblings=siblings, endpoint=word)))
