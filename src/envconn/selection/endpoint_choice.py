"""The endpoint of each database that this process uses, as ``ENVCONN_ENDPOINT`` states it.

A database whose endpoint is another one is that endpoint for everything in the process: `load`, the integrations and
the command. The endpoint that its variable names is a sibling then.
"""

from __future__ import annotations

from envconn.errors import EndpointUnavailable, note
from envconn.families import POSTGRESQL
from envconn.providers.recognition import named_endpoint
from envconn.selection.databases import DATABASE
from envconn.selection.variables import ENDPOINTS
from envconn.tls.policy import PREFIX
from envconn.tls.secured import foreign_parameters, is_exempt, judgement_of, seal, stated_endpoint, weaker_parameters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

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
            scan.notes += _weaker_note(service, found)
        return _in_place(service, found, word)
    if word == "direct" or (word == "replica" and service.name == DATABASE):
        scan.problems += unavailable
    else:
        message = f"is {word}, but {service.name} has no such endpoint, and is used as it is"
        scan.notes.append(note("endpoint-not-found", VARIABLE, message))
    return _in_place(service, service, word)


def missing_words(service: SecuredConnection, found: SecuredConnection) -> list[str]:
    """Return what to write into the text of the endpoint `found`, so that it requires what `service` does.

    That is the schema, the role and the server of its sessions, and TLS, unless `found` is local or has a waiver.
    """
    return [*_unlike(service, found), *(() if is_exempt(found) else _weaker(service, found))]


def _weaker_note(service: SecuredConnection, found: SecuredConnection) -> Iterator[Finding]:
    if missing := missing_words(service, found):
        message = _WEAKER.format(service.origin.variable, VARIABLE, " and ".join(missing))
        yield note("endpoint-weaker", found.origin.variable, message).of(service.name)


_WEAKER = "does not have everything that {0} requires, but is used because of {1}. Write {2} in it"


def _unlike(service: SecuredConnection, found: SecuredConnection) -> Iterator[str]:
    """Yield the settings that decide in which schema, as which role and on which server `found` would do its work."""
    stated = _session_settings(found)
    schema = next((name for name in ("schema", "currentSchema") if name in foreign_parameters(service)), "options")
    for name, value in _session_settings(service).items():
        is_of_primary = name == "target_session_attrs" and found.replica
        if stated.get(name) != value and not is_of_primary:
            yield f"the same {schema if name == 'options' else name}"


def _weaker(service: SecuredConnection, found: SecuredConnection) -> list[str]:
    names = weaker_parameters(service, found)
    if service.family != POSTGRESQL:
        return ["the same TLS parameters"] if names else []
    return [f"sslmode={service.tls.level.sslmode}" if name == "sslmode" else f"the same {name}" for name in names]


def _session_settings(connection: SecuredConnection) -> dict[str, str]:
    """Return what says which schema, role and server a session has, by the parameter that states it."""
    judgement = judgement_of(connection)
    found = {name: connection.parameters[name] for name in _OF_SESSION if name in connection.parameters}
    if named_endpoint(found, judgement.endpoint.provider):
        del found["options"]
    return found


_OF_SESSION = ("options", "target_session_attrs")


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
