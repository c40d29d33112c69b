"""One query over HTTPS, in the format of Neon's serverless driver, which PlanetScale supports, too."""

from __future__ import annotations

import json
import re
import time

from envconn.connection import Secret
from envconn.errors import ConfigurationError, EndpointUnavailable, EnvconnError, Finding, QueryError, problem
from envconn.records import Value
from envconn.remote import request
from envconn.remote.api_errors import Failure
from envconn.remote.http import Call, client, context, exchange, status_failure, within
from envconn.remote.session import Answer
from envconn.remote.sql_over_https import serverless
from envconn.tls.ca import read as read_ca

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
        call = Call("POST", url, _headers(endpoint.headers), _body(connection, statement, parameters), LIMIT)
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


def _headers(secrets: Mapping[str, Secret]) -> dict[str, str]:
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
