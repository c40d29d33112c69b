"""case.dev: one request, by project; a branch is given by name, and the answer repeats what it is about.

Source: the page "Get connection string" of its documentation, and its published clients.
"""

from __future__ import annotations

from envconn.connection import Secret
from envconn.remote.api_errors import Failure
from envconn.remote.request import Found
from envconn.remote.session import path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from envconn.remote.request import ConnectionRequest
    from envconn.remote.session import Session


def authorization(tokens: Sequence[str]) -> str:
    """Return the header field."""
    return f"Bearer {tokens[0]}"


def fetch(session: Session, wanted: ConnectionRequest) -> Found:
    """Request the connection of a project, by default that of its branch ``main``, without a pooler."""
    parameters = {"branch": wanted.branch, "pooled": "true" if wanted.pooled else None}
    query = {name: value for name, value in parameters.items() if value is not None}
    answer = session.get(path("projects", str(wanted.project), "connection"), "the project or its branch", **query)
    branch, pooled = answer.text("branch"), answer.flag("pooled")
    if branch != (wanted.branch or branch) or pooled is not wanted.pooled:
        raise Failure("answer-contradicts", session.title, _OTHER)
    return Found(Secret(answer.text("connectionUri")), branch, pooled)


_OTHER = "the answer is for another branch or endpoint. Do not use it, and try again"
