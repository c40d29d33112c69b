"""PlanetScale for Postgres: a role of a branch. Its password is returned only when the role is created or reset.

Source: planetscale.com/docs/api/reference, roles of a branch; postgres/connecting for ports and TLS.
"""

from __future__ import annotations

from urllib.parse import quote

from envconn.connection import Secret
from envconn.providers import Rewrite, provider_named
from envconn.remote.api_errors import Failure
from envconn.remote.request import Found, host
from envconn.remote.session import names, path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envconn.remote.request import ConnectionRequest
    from envconn.remote.session import Answer, Session

_DEFAULT = "postgres"
"""The role that every branch has; the API has separate paths for it."""


def authorization(tokens: Sequence[str]) -> str:
    """Return the header field of a service token."""
    return ":".join(tokens)


def fetch(session: Session, wanted: ConnectionRequest) -> Found:
    """Create the role or reset its password, as requested, and build its connection.

    Raises:
        Failure: neither is requested; or the request failed.
    """
    branch = wanted.branch or "main"
    database = ("organizations", str(wanted.organization), "databases", str(wanted.database))
    roles = (*database, "branches", branch, "roles")
    if wanted.create:
        role = session.post(path(*roles), "the role, its database or branch", _new(wanted))
    elif wanted.role == _DEFAULT:
        role = _of_default(session, roles, wanted)
    else:
        role = _of_existing(session, roles, wanted)
    return Found(_uri(session, role, wanted), branch)


def _new(wanted: ConnectionRequest) -> dict[str, object]:
    ttl = {"ttl": wanted.ttl} if wanted.ttl is not None else {}
    inherited = {"inherited_roles": list(wanted.inherit)} if wanted.inherit else {}
    return {"name": wanted.role, **ttl, **inherited}


def _of_default(session: Session, roles: Sequence[str], wanted: ConnectionRequest) -> Answer:
    if wanted.reset:
        return session.post(path(*roles, "reset-default"), "the default role, its database or branch")
    session.get(path(*roles, "default"), "the default role, its database or branch")
    raise _untold(session)


def _of_existing(session: Session, roles: Sequence[str], wanted: ConnectionRequest) -> Answer:
    found: list[str] = []
    for page in session.pages(path(*roles), "the database or its branch", {}, _next):
        for role in page.items("data"):
            if wanted.role != role.text("name"):
                found.append(role.text("name"))
            elif wanted.reset:
                return session.post(path(*roles, role.text("id"), "reset"), "the role")
            else:
                raise _untold(session)
    message = f"the branch has no such role. Use one of: {names(found)}, or create one with --create"
    raise Failure("resource-missing", session.title, message)


def _untold(session: Session) -> Failure:
    return Failure("password-not-returned", session.title, _UNTOLD)


_UNTOLD = (
    "the role exists, but its password is returned only once. Create another role with --create, or a new password "
    "with --reset, after which the old one stops working"
)


def _next(page: Answer) -> Mapping[str, str] | None:
    return {"page": str(page.number("next_page"))} if page.has("next_page") else None


def _uri(session: Session, role: Answer, wanted: ConnectionRequest) -> Secret:
    record = provider_named("planetscale")
    rule = record.siblings["pooled" if wanted.pooled else "direct"] if record else None
    port = rule.port if isinstance(rule, Rewrite) else None
    who = f"{quote(role.text('username'), safe='')}:{quote(role.text('password'), safe='')}"
    where = f"{host(role.text('access_host_url'), session.title)}:{port}"
    # Its certificates are those of a public CA, and its own documentation uses both parameters.
    return Secret(
        f"postgresql://{who}@{where}/{quote(role.text('database_name'), safe='')}"
        "?sslmode=verify-full&sslrootcert=system"
    )
