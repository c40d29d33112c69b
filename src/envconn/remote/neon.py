"""Neon: the connection URI of a project's branch or endpoint. The API needs a branch's id; here its name works, too.

Source: neon.com/docs/reference/api, operations getConnectionURI and listProjectBranches.
"""

from __future__ import annotations

from envconn.connection import Secret
from envconn.remote.api_errors import Failure
from envconn.remote.request import Found
from envconn.remote.session import names, path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envconn.remote.request import ConnectionRequest
    from envconn.remote.session import Answer, Session

_PAGE = "100"


def authorization(tokens: Sequence[str]) -> str:
    """Return the header field."""
    return f"Bearer {tokens[0]}"


def fetch(session: Session, wanted: ConnectionRequest) -> Found:
    """Request the URI, of the default branch and its read-write endpoint if none is named."""
    parameters = {
        "database_name": wanted.database,
        "role_name": wanted.role,
        "branch_id": _branch_id(session, wanted) if wanted.branch else None,
        "endpoint_id": wanted.endpoint,
        "pooled": "true" if wanted.pooled else None,
    }
    query = {name: value for name, value in parameters.items() if value is not None}
    answer = session.get(path("projects", str(wanted.project), "connection_uri"), _WHAT, **query)
    expected = {"role": wanted.role, "database": wanted.database, "endpoint": wanted.endpoint}
    return Found(Secret(answer.text("uri")), wanted.branch, expected=expected)


_WHAT = "the project, or its database, role or endpoint"


def _branch_id(session: Session, wanted: ConnectionRequest) -> str:
    """Return the id of the branch with the requested name or id."""
    found: list[str] = []
    where = path("projects", str(wanted.project), "branches")
    for page in session.pages(where, "the project", {"limit": _PAGE}, _next):
        for branch in page.items("branches"):
            if wanted.branch in {branch.text("name"), branch.text("id")}:
                return branch.text("id")
            found.append(branch.text("name"))
    raise Failure("resource-missing", session.title, f"the project has no such branch. Use one of: {names(found)}")


def _next(page: Answer) -> Mapping[str, str] | None:
    # There may be a cursor after the last page, too.
    if not page.has("pagination") or not page.values("branches"):
        return None
    pagination = page.inner("pagination")
    return {"cursor": pagination.text("next")} if pagination.has("next") else None
