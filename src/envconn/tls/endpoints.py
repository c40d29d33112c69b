"""The siblings of a judged database: named by a variable, or derived and judged again."""

from __future__ import annotations

import re

from envconn import providers
from envconn.errors import Finding, problem
from envconn.providers.table import role

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
    found = _stated(connection, judgement, pooled=pooled, replica=side, branch=branch)
    if found is connection and pooled is False and providers.looks_pooled(judgement.connection, judgement.endpoint):
        why = _named(_LIKELY, judgement.name)
    elif found:
        return found
    elif branch not in {None, connection.branch}:
        why = _OTHER_BRANCH
    else:
        outcome = _derived(judgement, pooled=pooled, replica=replica)
        if not isinstance(outcome, str):
            return outcome
        misnamed = _misnamed(judgement) if pooled is False and not side else ""
        why = misnamed or _named(outcome, judgement.name)
    described = _described(pooled=pooled, replica=replica, branch=branch)
    return _unavailable(connection.origin.variable, f"{described}: {why}")


_OTHER_BRANCH = "a branch has its own credentials. Set <NAME>_DATABASE_URL to its URL"


def _stated(
    connection: Judged, judgement: Judgement, *, pooled: bool | None, replica: bool, branch: str | None
) -> Judged | None:
    """Return the one of `connection` and its siblings with these properties, if there is one.

    One that is known to be direct, by a variable's name, has precedence over one for which that is unknown.
    """
    fitting: list[Judged] = [
        candidate
        for candidate in (connection, *judgement.context.siblings)
        if _fits(candidate, pooled=pooled, replica=replica, branch=branch)
        # The variable of a sibling for the direct endpoint is not one for the pooler.
        and not (pooled and candidate is not connection and is_direct(candidate))
    ]
    return next((each for each in fitting if _is_known(each, pooled=pooled)), next(iter(fitting), None))


def is_direct(connection: Judged) -> bool:
    """Whether `connection` has no pooler, or one in session mode that a variable for the direct endpoint names."""
    return connection.pooled is False or (
        connection.pool_mode == "session" and role(connection.origin.variable) == "direct"
    )


def _is_known(candidate: Judged, *, pooled: bool | None) -> bool:
    return is_direct(candidate) if pooled is False else candidate.pooled is pooled


def _misnamed(judgement: Judgement) -> str:
    """Return that a variable for the direct endpoint names a pooler in transaction mode, or nothing."""
    wrong = [each.origin.variable for each in judgement.context.siblings if each.pool_mode == "transaction"]
    return next((_TRANSACTION.format(variable) for variable in wrong if role(variable) == "direct"), "")


def _named(message: str, name: str) -> str:
    """Return `message` with the names of variables that service `name` has."""
    if name == _DEFAULT:
        return message
    prefix = re.sub(r"\W", "_", name.upper())
    return _ENDPOINTS.sub(rf"{prefix}_\g<0>", message).replace(
        "ENVCONN_POOL_MODE=none", f"ENVCONN_{prefix}_POOL_MODE=none"
    )


_DEFAULT = "database"
_ENDPOINTS = re.compile(r"\b(?:DIRECT_URL|DATABASE_REPLICA_URL|DATABASE_CONNECTION_POOL_URL)\b")
_LIKELY = "may be a pooler, by its host or port. Set DIRECT_URL, or ENVCONN_POOL_MODE=none if it is no pooler"
_TRANSACTION = "{} is a pooler in transaction mode. Set it to the direct endpoint, or to a pooler in session mode"


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
        pooled is None or bool(candidate.pooled) is pooled or (not pooled and is_direct(candidate)),
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
