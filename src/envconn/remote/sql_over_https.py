"""One query over HTTPS, and addresses for programs that cannot use TCP: for SQL over HTTPS, and for a WebSocket.

The format is that of Neon's serverless driver, which PlanetScale supports, too. Both addresses always use TLS, with
full verification of the certificate, whatever level the connection has.
"""

from __future__ import annotations

import json
import re
import time
from types import MappingProxyType
from urllib.parse import quote, urlencode

from envconn.connection import Secret
from envconn.errors import ConfigurationError, EndpointUnavailable, EnvconnError, Finding, problem
from envconn.records import Value
from envconn.remote import request
from envconn.remote.api_errors import Failure, QueryError
from envconn.remote.http import Call, client, context, exchange, status_failure, within
from envconn.remote.session import Answer
from envconn.tls.ca import read as read_ca
from envconn.tls.secured import judgement_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envconn.providers import Provider
    from envconn.remote.http import Reply
    from envconn.report import Json
    from envconn.tls import CA, SecuredConnection


LIMIT = 10 * 1_048_576
"""The largest query and the largest answer in bytes: the limit of Neon's proxy for both."""

_SQLSTATE = re.compile(r"[0-9A-Z]{5}")


class Field(Value):
    """One column: its name, and the OID of its type (``pg_type``)."""

    name: str
    type_oid: int


class Result(Value):
    """The result of a query.

    `command` is its word (``SELECT``), `row_count` how many rows it returned or changed, `None` if it does neither.
    A row has one value for each of `fields`: numbers, booleans, JSON and arrays as such, the rest as text.
    """

    command: str
    row_count: int | None
    fields: tuple[Field, ...]
    rows: tuple[tuple[Json, ...], ...]


def run_query(
    connection: SecuredConnection, statement: str, parameters: Sequence[object], address: str | None, seconds: float
) -> Result | EnvconnError:
    """Return the result, or the exception that says why not, for the caller to raise: the frames here hold secrets."""
    variable = connection.origin.variable
    ca = connection.tls.ca or read_ca("system", variable)
    if isinstance(ca, Finding):
        return ConfigurationError([ca])
    try:
        endpoint = serverless(connection)
        url = endpoint.http if address is None else request.address(address, "address")
        call = Call("POST", url, _header_fields(endpoint.headers), _body(connection, statement, parameters), LIMIT)
        reply = within(seconds, lambda: _sent(call, ca, variable, seconds), variable)
        if reply.status == 400 and (refusal := _refusal(reply, variable)):
            return refusal
        if not 200 <= reply.status < 300:
            raise status_failure(reply, variable, variable, "the query")
        return _result(Answer.read(reply.body, variable))
    except EndpointUnavailable as unavailable:
        return EndpointUnavailable(unavailable.problems)
    except Failure as failure:
        return failure.as_error()


def _sent(call: Call, ca: CA, title: str, seconds: float) -> Reply:
    with client(context(ca), title) as asking:
        return exchange(asking, call, title, time.monotonic() + seconds)


def _header_fields(secrets: Mapping[str, Secret]) -> dict[str, str]:
    # A row as an array, because two columns may have the same name.
    return {**{name: value.reveal() for name, value in secrets.items()}, "Neon-Array-Mode": "true"}


def _body(connection: SecuredConnection, statement: str, parameters: Sequence[object]) -> bytes:
    body = json.dumps({"query": statement, "params": [_parameter(value) for value in parameters]}).encode()
    if len(body) > LIMIT:
        message = f"the query has more than {LIMIT} bytes with its parameters. Send less at once, or connect by TCP"
        raise Failure("query-too-large", connection.origin.variable, message)
    return body


def _parameter(value: object) -> Json:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return f"\\x{bytes(value).hex()}"
    if isinstance(value, dict):
        return {str(name): _parameter(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_parameter(inner) for inner in value]
    return str(value)


def _refusal(reply: Reply, variable: str) -> QueryError | None:
    """Return the server's own error, if the answer is one: proxies use the same status for other errors."""
    answer = Answer.read(reply.body, variable)
    sqlstate = answer.text("code") if answer.has("code") else ""
    if not _SQLSTATE.fullmatch(sqlstate):
        return None
    message = f"the server refuses the query with SQLSTATE {sqlstate}. Look it up in PostgreSQL's table of error codes"
    return QueryError(
        [problem("query-refused", variable, message)],
        sqlstate,
        Secret(answer.string("message") if answer.has("message") else ""),
    )


def _result(answer: Answer) -> Result:
    fields = tuple(Field(field.string("name"), field.number("dataTypeID")) for field in answer.items("fields"))
    rows = tuple(tuple(row) for row in answer.rows("rows", len(fields)))
    return Result(answer.text("command"), answer.number("rowCount") if answer.has("rowCount") else None, fields, rows)


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
    reason = _obstacle(connection, provider, jwt)
    if rule is None or reason:
        message = f"SQL over HTTPS: {reason}"
        raise EndpointUnavailable([problem("endpoint-unavailable", connection.origin.variable, message)])
    where = {"host": connection.host, "domain": connection.host.partition(".")[2], "port": connection.port}
    return Serverless(
        http=(rule.jwt if jwt else rule.http).format_map(where),
        websocket=rule.websocket.format_map(where),
        headers=MappingProxyType(_headers(connection, jwt)),
        pipelines=rule.pipelines,
    )


def _obstacle(connection: SecuredConnection, provider: Provider | None, jwt: Secret | None) -> str | None:
    rule = provider.serverless if provider else None
    obstacles = [
        (rule is None, f"{provider.title if provider else 'the unknown provider'} has no address for it"),
        (len(connection.hosts) > 1, "several hosts are not supported. Use one variable for each"),
        (jwt and not (rule and rule.jwt), "the provider does not support a JWT. Remove it, and use the password"),
        (not (jwt or connection.password), "the connection has no password. Add it"),
    ]
    return next((message for is_so, message in obstacles if is_so), None)


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
