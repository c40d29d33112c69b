"""The siblings of a judged database: named by a variable, or derived and judged again."""

from __future__ import annotations

from envconn import providers
from envconn.errors import Finding, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.tls.judged import Judged, Judgement


def find(
    connection: Judged,
    judgement: Judgement,
    *,
    pooled: bool | None,
    replica: bool | None,
    branch: str | None,
) -> Judged | Finding:
    """Return the endpoint of `connection`, judged as in `judgement`, with these properties, or why there is none.

    `None` means any; the arguments are those of `envconn.Services.connection`.

    Raises:
        TypeError: an argument has a wrong type.
    """
    _require(pooled=pooled, replica=replica, branch=branch)
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
    variable = connection.origin.variable
    described = _described(pooled=pooled, replica=replica, branch=branch)
    if branch not in {None, connection.branch}:
        return _unavailable(
            variable, f"{described}: a branch has its own credentials. Set <NAME>_DATABASE_URL to its URL"
        )
    outcome = _derived(judgement, pooled=pooled, replica=replica)
    return _unavailable(variable, f"{described}: {outcome}") if isinstance(outcome, str) else outcome


def _derived(judgement: Judgement, *, pooled: bool | None, replica: bool | None) -> Judged | str:
    """Return the endpoint that the provider's rule derives, judged; or why there is none."""
    from envconn.providers.rewrites import derive_sibling

    hints = judgement.context.hints or providers.ProviderHints()
    derived = derive_sibling(judgement.connection, judgement.endpoint, pooled=pooled, replica=replica, hints=hints)
    if isinstance(derived, str):
        return derived
    outcome = judgement.judge(derived, judgement.context, judgement.name)
    return "; ".join(found.message for found in outcome) if isinstance(outcome, tuple) else outcome


def _require(*, pooled: object, replica: object, branch: object) -> None:
    for name, value in (("pooled", pooled), ("replica", replica)):
        if not isinstance(value, bool | None):
            raise TypeError(f"{name} must be True, False or None")
    if not isinstance(branch, str | None):
        raise TypeError("branch must be the name of a branch, or None")


def _unavailable(variable: str, message: str) -> Finding:
    return problem("endpoint-unavailable", variable, message)


def _fits(candidate: Judged, *, pooled: bool | None, replica: bool | None, branch: str | None) -> bool:
    """Whether `candidate` is the requested endpoint; an unknown property counts as "not"."""
    is_so = [
        pooled is None or bool(candidate.pooled) is pooled,
        replica is None or bool(candidate.replica) is replica,
        branch is None or candidate.branch == branch,
    ]
    return all(is_so)


def _described(*, pooled: bool | None, replica: bool | None, branch: str | None) -> str:
    words = [
        {True: "a pooled", False: "a direct", None: "an"}[pooled] + " endpoint",
        {True: "on a replica", False: "on the primary", None: ""}[replica],
        "on the branch asked for" if branch else "",
    ]
    return " ".join(filter(None, words))
