"""The siblings of a judged database: named by a variable, or derived and judged again."""

from __future__ import annotations

from envconn import providers
from envconn.errors import Finding, note, problem
from envconn.families import FAMILIES
from envconn.tls import libpq_demands
from envconn.tls.levels import SSLMODES, TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from envconn.tls.judged import Judged, Judgement


def find(
    connection: Judged,
    judgement: Judgement,
    *,
    pooled: bool | None,
    replica: bool | None,
    branch: str | None,
) -> Judged | Finding:
    """Return the requested endpoint (`None`: any), or why there is none."""
    # The direct endpoint of a primary is not that of a replica.
    side = bool(connection.replica) if replica is None else replica
    fitting: list[Judged] = [
        candidate
        for candidate in (connection, *judgement.context.siblings)
        if _fits(candidate, pooled=pooled, replica=side, branch=branch)
    ]
    if fitting:
        # One that is known to be direct, by a variable's name, has precedence over one for which that is unknown.
        return next((candidate for candidate in fitting if candidate.pooled is pooled), fitting[0])
    told, variable = _told(pooled=pooled, replica=replica, branch=branch), connection.origin.variable
    if branch not in {None, connection.branch}:
        return _unavailable(variable, f"{told}: a branch has its own credentials. Set <NAME>_DATABASE_URL to its URL")
    hints = judgement.context.hints or providers.ProviderHints()
    derived = providers.derive_sibling(
        judgement.connection, judgement.endpoint, pooled=pooled, replica=replica, hints=hints
    )
    if isinstance(derived, str):
        return _unavailable(variable, f"{told}: {derived}")
    outcome = judgement.judge(derived, judgement.context, judgement.name)
    if not isinstance(outcome, tuple):
        return outcome
    return _unavailable(variable, f"{told}: {'; '.join(found.message for found in outcome)}")


_BRANCH = "a branch has its own credentials. Set <NAME>_DATABASE_URL to its URL"


def _unavailable(variable: str, message: str) -> Finding:
    return problem("endpoint-unavailable", variable, message)


def advice(judgement: Judgement) -> tuple[Finding, ...]:
    """Return notes about settings that are possible but not used, and the provider's notes on this endpoint."""
    known = judgement.endpoint.provider.certificates if judgement.endpoint.provider else None
    variable, verdict = judgement.connection.origin.variable, judgement.verdict
    demanded = judgement.context.policy.demanded
    notes = (
        *providers.advice(judgement.connection, judgement.endpoint),
        *libpq_demands.notes(judgement.connection, demanded, judgement.demanded),
        *_self_signed(judgement),
    )
    if not known and judgement.context.policy.best and verdict.level == TlsLevel.ENCRYPTED:
        return (*notes, note("best-unknown", variable, _BEST_UNKNOWN))
    if not known or verdict.local or verdict.level >= SSLMODES[known.sslmode]:
        return notes
    message = f"could be {known.sslmode}. {known.remedy}{_BEST if known.ca else ''}"
    return (*notes, note("tls-better", variable, message))


def _self_signed(judgement: Judgement) -> Iterator[Finding]:
    """Yield a note if a scheme means a verified server, but no known CA signs the provider's certificates."""
    known, verdict, connection = judgement.endpoint.self_signed, judgement.verdict, judgement.connection
    provider = judgement.endpoint.provider
    if not (known and provider and FAMILIES[connection.family].verified and not verdict.local):
        return
    if not providers.is_recognised(connection, provider.name):
        return
    if verdict.ca and verdict.ca.kind == "system":
        from envconn.tls.certificate_advice import floor_remedy

        besides = floor_remedy(judgement.context.policy, judgement.name)
        yield note("certificate-self-signed", connection.origin.variable, known.remedy + besides)
    elif verdict.level < TlsLevel.VERIFY_CA and "sslmode" not in connection.parameters:
        yield note("certificate-self-signed", connection.origin.variable, _UNVERIFIED)


_UNVERIFIED = "the server is not verified, because ENVCONN_PROVIDER names a provider whose certificates are self-signed"
_BEST = ", or set ENVCONN_TLS=best"
_BEST_UNKNOWN = (
    "ENVCONN_TLS=best means require here, because the provider is unknown. Use sslmode=verify-full and name the CA, "
    "or set ENVCONN_PROVIDER"
)


def _fits(candidate: Judged, *, pooled: bool | None, replica: bool | None, branch: str | None) -> bool:
    """Whether `candidate` is the requested endpoint; an unknown property counts as "not"."""
    is_so = [
        pooled is None or bool(candidate.pooled) is pooled,
        replica is None or bool(candidate.replica) is replica,
        branch is None or candidate.branch == branch,
    ]
    return all(is_so)


def _told(*, pooled: bool | None, replica: bool | None, branch: str | None) -> str:
    words = [
        {True: "a pooled", False: "a direct", None: "an"}[pooled] + " endpoint",
        {True: "on a replica", False: "on the primary", None: ""}[replica],
        "on the branch asked for" if branch else "",
    ]
    return " ".join(filter(None, words))
