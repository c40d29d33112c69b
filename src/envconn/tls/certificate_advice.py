"""What to do about a provider's certificate that cannot be verified as it is: in the words of the family and policy."""

from __future__ import annotations

from envconn.families import FAMILIES, serving
from envconn.grammar.libpq_keywords import KEYWORDS
from envconn.tls.levels import TlsLevel
from envconn.tls.policy import prefix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.connection import Connection
    from envconn.providers import Endpoint
    from envconn.tls.policy import Demands


def ca_remedy(connection: Connection, endpoint: Endpoint, policy: Demands, service: str) -> str:
    """Return how `service` gets the CA that it needs, or does without where the provider has none."""
    family = FAMILIES[connection.family]
    variable = "DATABASE_CA_CERT" if connection.family in serving("database") else "ENVCONN_TLS_CA"
    if endpoint.self_signed:
        word = family.instead.removesuffix(" or stronger")
        return f"{word}{floor_remedy(policy, service)}: the provider's certificates are self-signed and have no CA"
    known = endpoint.provider.certificates if endpoint.provider else None
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
