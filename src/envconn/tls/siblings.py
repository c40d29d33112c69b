"""The other endpoints of a judged database: named by a variable, or derived and judged again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envconn.providers import derive
from envconn.tls.judge import judge
from envconn.tls.secured import SecuredConnection

if TYPE_CHECKING:
    from envconn.tls.secured import Context

__all__ = ["find"]


def find(
    connection: SecuredConnection, context: Context, *, pooled: bool | None, replica: bool | None, branch: str | None
) -> SecuredConnection | str:
    """Return the endpoint asked for (`None`: any), or the sentence that says why there is none."""
    for candidate in (connection, *context.siblings):
        if _fits(candidate, pooled=pooled, replica=replica, branch=branch):
            return candidate
    told = _told(pooled=pooled, replica=replica, branch=branch)
    if branch not in {None, connection.branch}:
        return f"{connection.variable}: {told}: a branch has credentials of its own; set <NAME>_DATABASE_URL to its URL"
    derived = derive(
        connection._connection, connection._endpoint, pooled=pooled, replica=replica, facts=context.facts  # noqa: SLF001 - one package
    )
    if isinstance(derived, str):
        return f"{connection.variable}: {told}: {derived}"
    judgement = judge(derived, context, connection.name)
    if isinstance(judgement, SecuredConnection):
        return judgement
    return f"{connection.variable}: {told}: {'; '.join(problem.message for problem in judgement)}"


def _fits(candidate: SecuredConnection, *, pooled: bool | None, replica: bool | None, branch: str | None) -> bool:
    """Whether `candidate` is what was asked for; a wish for "not" is met by what is not visible."""
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
