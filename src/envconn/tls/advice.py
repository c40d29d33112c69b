"""Notes about settings that are possible but not used, and what to do about a certificate that cannot be verified."""

from __future__ import annotations

from envconn import providers
from envconn.errors import Finding, note
from envconn.families import FAMILIES, serving
from envconn.grammar.libpq_keywords import KEYWORDS, without_effect
from envconn.tls.levels import SSLMODES, TlsLevel
from envconn.tls.policy import is_container, prefix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envconn.connection import Connection
    from envconn.providers import Certificates, Endpoint
    from envconn.tls.judged import Judgement
    from envconn.tls.policy import Demands


def notes(judgement: Judgement) -> tuple[Finding, ...]:
    """Return notes about settings that are possible but not used, and the provider's notes on this endpoint."""
    known = judgement.endpoint.provider.certificates if judgement.endpoint.provider else None
    variable, verdict = judgement.connection.origin.variable, judgement.verdict
    found = (
        *providers.advice(judgement.connection, judgement.endpoint),
        *_without_effect(judgement.connection),
        *_about_demands(judgement),
        *_self_signed(judgement),
        *_about_containers(judgement),
    )
    if not known and judgement.context.policy.best and verdict.level == TlsLevel.ENCRYPTED:
        verify = FAMILIES[judgement.connection.family].verify
        return (*found, note("best-unknown", variable, _BEST_UNKNOWN.format(verify)))
    if not known or verdict.local or verdict.level >= SSLMODES[known.sslmode]:
        return found
    message = f"could be {known.sslmode}. {_better(known, judgement.endpoint)}"
    return (*found, note("tls-better", variable, message))


def _better(known: Certificates, endpoint: Endpoint) -> str:
    """Return how to reach the level of `known`."""
    if not endpoint.ca:
        return known.remedy
    return f"Use sslmode={known.sslmode}{_BEST}: {_AT_HAND}" if known.roots else f"{known.remedy}{_BEST}"


_AT_HAND = "envconn has the provider's CA"


def _without_effect(connection: Connection) -> Iterator[Finding]:
    """Yield a note about the parameters of other tools that have no effect."""
    told = [
        f"{name} ({each.tool}{each.instead and ': '}{each.instead})"
        for name, each in without_effect(connection.foreign).items()
    ]
    if told:
        yield note("parameter-ignored", connection.origin.variable, f"has parameters without effect: {', '.join(told)}")


def _about_demands(judgement: Judgement) -> Iterable[Finding]:
    if not (demanded := judgement.context.policy.demanded):
        return ()
    from envconn.tls import libpq_demands

    return libpq_demands.notes(judgement.connection, demanded, judgement.demanded)


def _about_containers(judgement: Judgement) -> Iterator[Finding]:
    """Yield a note if TLS is required where nobody asked for it, and the server is most likely a container without."""
    verdict, connection = judgement.verdict, judgement.connection
    if verdict.raised and not judgement.endpoint.provider and any(map(is_container, connection.hosts)):
        waiver = judgement.context.policy.waiver(connection.hosts)
        message = f"TLS is required. If the server is a container without TLS, {waiver}"
        yield note("container-raised", connection.origin.variable, message)


def _self_signed(judgement: Judgement) -> Iterator[Finding]:
    """Yield a note if a scheme means a verified server, but no known CA signs the provider's certificates."""
    known, verdict, connection = judgement.endpoint.self_signed, judgement.verdict, judgement.connection
    provider = judgement.endpoint.provider
    if not (known and provider and FAMILIES[connection.family].verified and not verdict.local):
        return
    if not providers.is_recognised(connection, provider.name):
        return
    if verdict.ca and verdict.ca.kind == "system":
        besides = floor_remedy(judgement.context.policy, judgement.name)
        yield note("certificate-self-signed", connection.origin.variable, known.remedy + besides)
    elif verdict.level < TlsLevel.VERIFY_CA and "sslmode" not in connection.parameters:
        yield note("certificate-self-signed", connection.origin.variable, _UNVERIFIED)


_UNVERIFIED = "the server is not verified, because ENVCONN_PROVIDER names a provider whose certificates are self-signed"
_BEST = ", or set ENVCONN_TLS=best"
_BEST_UNKNOWN = "ENVCONN_TLS=best means require here, because the provider is unknown. {}, or set ENVCONN_PROVIDER"


def ca_remedy(connection: Connection, endpoint: Endpoint, policy: Demands, service: str) -> str:
    """Return how `service` gets the CA that it needs, or does without where the provider has none."""
    family = FAMILIES[connection.family]
    variable = "DATABASE_CA_CERT" if connection.family in serving("database") else "ENVCONN_TLS_CA"
    if endpoint.self_signed:
        word = family.instead.removesuffix(" or stronger")
        return f"{word}{floor_remedy(policy, service)}: the provider's certificates are self-signed and have no CA"
    known = endpoint.provider.certificates if endpoint.provider else None
    if known and known.roots and endpoint.ca:  # and another one is stated
        if "sslrootcert" in connection.parameters:
            return f"Use sslmode={known.sslmode} without sslrootcert: {_AT_HAND}"
        stated = policy.ca_for(connection.family)
        return f"Unset {stated[1] if stated else variable}: {_AT_HAND}"
    if known:
        return known.remedy.replace("DATABASE_CA_CERT", policy.remedy(variable))
    if connection.origin.parts and connection.origin.variable != KEYWORDS["host"].variable:
        return f"Set {policy.remedy(variable)} to its path"  # such parts have no variable for the CA
    return f"{family.name_ca}, or set {policy.remedy(variable)}"


def floor_remedy(policy: Demands, service: str) -> str:
    """Return what has to be set besides, so that the policy does not ask for verification all the same; or nothing."""
    if policy.floor < TlsLevel.VERIFY_CA:
        return ""
    stated = policy.place("ENVCONN_TLS")
    if stated.startswith("Policy"):
        return ', and pass Policy(tls="require")'
    if stated.startswith("PGSSLMODE"):
        return ", and set PGSSLMODE=require"
    return f", and set {prefix(service)}TLS=require"
