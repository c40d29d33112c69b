"""Scalingo: a variable of an application or dedicated database, at one of the database's endpoints.

The API token is exchanged for one that is valid for an hour. Source: developers.scalingo.com (tokens, environment,
databases) and the published Go client.
"""

from __future__ import annotations

from base64 import b64encode

from envconn.connection import Secret
from envconn.remote.api_errors import Failure
from envconn.remote.request import Found, host, usable
from envconn.remote.session import names, path
from envconn.selection.variables import DEFAULTS
from envconn.sources import Environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from envconn.remote.request import ConnectionRequest
    from envconn.remote.session import Session


def authorization(tokens: Sequence[str]) -> str:
    """Return the header field for `exchange`: the token as a password without a user (RFC 7617)."""
    return f"Basic {b64encode(f':{tokens[0]}'.encode()).decode()}"


def exchange(session: Session) -> str:
    """Return the header field for all other requests. `session` is one with the API that exchanges tokens."""
    # A second token does no harm: it is not stored, and the first one expires.
    answer = session.post(path("tokens", "exchange"), "an exchange", repeats=True)
    return f"Bearer {usable(answer.text('token'), session.title)}"


def fetch(session: Session, wanted: ConnectionRequest) -> Found:
    """Read the variable, and move the connection to the requested endpoint, which has the same credentials."""
    uri = _variable(session, wanted)
    if wanted.endpoint is None:
        return Found(uri)
    where = path("databases", str(wanted.database or wanted.app), "endpoints")
    kinds: list[str] = []
    for endpoint in session.get(where, "the database").items("endpoints"):
        if endpoint.text("type") == wanted.endpoint:
            name = host(endpoint.text("hostname"), session.title)
            return Found(_moved(uri, f"{name}:{endpoint.number('port')}"))
        kinds.append(endpoint.text("type"))
    raise Failure("resource-missing", session.title, f"the database has no such endpoint. Use one of: {names(kinds)}")


def _variable(session: Session, wanted: ConnectionRequest) -> Secret:
    answer = session.get(path("apps", str(wanted.app), "variables"), "the application", aliases="false")
    values = {variable.text("name"): variable.string("value") for variable in answer.items("variables")}
    candidates = [wanted.variable] if wanted.variable else [name for name in DEFAULTS if name in values]
    # An alias that comes unresolved in spite of the parameter is followed; no file of this machine is read.
    environment = Environment({name: value for name, value in values.items() if not name.endswith("_FILE")})
    found = next((found for name in candidates if (found := environment.lookup(name).found)), None)
    if found is None:
        message = f"the application has no such variable. Use one of: {names(sorted(values))}"
        raise Failure("resource-missing", session.title, message)
    return found.text


def _moved(uri: Secret, place: str) -> Secret:
    """Replace host and port by `place`. No grammar allows a raw slash or at sign in the credentials."""
    scheme, _, rest = uri.reveal().partition("://")
    authority, slash, path_and_query = rest.partition("/")
    return Secret(f"{scheme}://{authority.rpartition('@')[0]}@{place}{slash}{path_and_query}")
