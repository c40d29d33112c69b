"""Addresses for programs that cannot use TCP: SQL over HTTPS, and PostgreSQL's protocol in a WebSocket.

Both always use TLS, with full verification of the certificate, whatever level the connection has.
"""

from __future__ import annotations

from types import MappingProxyType
from urllib.parse import quote, urlencode

from envconn.connection import Secret
from envconn.errors import EndpointUnavailable, problem
from envconn.records import Value
from envconn.tls.secured import judgement_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from envconn.tls import SecuredConnection


class Serverless(Value):
    """Where a provider accepts SQL without a PostgreSQL connection.

    `http` is the address for one query or one batch in each request, with `headers`, whose values are secrets:
    ``Neon-Connection-String`` contains the password. `websocket` is the address for the protocol in
    a WebSocket. `pipelines` is whether a client may send the password there before it is asked for one.
    """

    http: str
    websocket: str
    headers: Mapping[str, Secret]
    pipelines: bool


def serverless(connection: SecuredConnection, *, jwt: Secret | None = None) -> Serverless:
    """Return where the provider of `connection` accepts SQL over HTTPS and in a WebSocket, and the headers to send.

    `jwt` is a JSON Web Token for a provider that accepts one instead of the password.

    Raises:
        EndpointUnavailable: the provider has no such address; the text says why.
        TypeError: `connection` was not judged.
    """
    provider = judgement_of(connection).endpoint.provider
    rule = provider.serverless if provider else None
    obstacles = [
        (rule is None, f"{provider.title if provider else 'the unknown provider'} has no address for it"),
        (len(connection.hosts) > 1, "several hosts are not supported. Use one variable for each"),
        (
            jwt is not None and not (rule and rule.jwt),
            "the provider does not support a JWT. Remove it, and use the password",
        ),
        (jwt is None and not connection.password, "the connection has no password. Add it"),
    ]
    reason = next((message for is_so, message in obstacles if is_so), None)
    if rule is None or reason:
        raise EndpointUnavailable(
            [problem("endpoint-unavailable", connection.origin.variable, f"SQL over HTTPS: {reason}")]
        )
    where = {
        "host": connection.host,
        "domain": connection.host.partition(".")[2],
        "port": connection.port,
    }
    return Serverless(
        http=(rule.jwt if jwt else rule.http).format_map(where),
        websocket=rule.websocket.format_map(where),
        headers=MappingProxyType(_headers(connection, jwt)),
        pipelines=rule.pipelines,
    )


def _headers(connection: SecuredConnection, jwt: Secret | None) -> dict[str, Secret]:
    authorization = {"Authorization": Secret(f"Bearer {jwt.reveal()}")} if jwt else {}
    return {"Neon-Connection-String": Secret(_uri(connection, with_password=jwt is None)), **authorization}


def _uri(connection: SecuredConnection, *, with_password: bool) -> str:
    """Return the URI for the provider, without the paths of files on this machine."""
    password = connection.password.reveal() if with_password and connection.password else ""
    who = quote(connection.user, safe="") + (f":{quote(password, safe='')}" if password else "")
    place = connection.host if connection.port == _PORT else f"{connection.host}:{connection.port}"
    query = {"sslmode": "require"} | {
        name: connection.parameters[name] for name in _PASSED if name in connection.parameters
    }
    parameters = urlencode(query, quote_via=quote)
    return f"postgresql://{who}@{place}/{quote(connection.dbname, safe='')}?{parameters}"


_PORT = 5432
_PASSED = ("options", "application_name")
