"""Connection strings from a provider's API, and one-shot queries over HTTPS. Needs the extra ``remote`` (httpx).

    from envconn.remote import get_connection

    found = get_connection("casedev", project="proj_abc123", branch="staging", pooled=True)
    psycopg.connect(**envconn_psycopg.kwargs(found.connection))

The connection is judged like one from the environment. Tokens are read from the environment and nowhere else;
every request uses TLS and verifies the server.

- ``casedev`` requires `project`, and accepts `branch` (by name, ``main`` if left out) and `pooled`.
- ``neon`` requires `project`, `database` and `role`, and accepts `branch` (name or id), `endpoint` (id) and `pooled`.
- ``planetscale`` requires `organization`, `database` and `role` (a name), and accepts `branch` (``main`` if left out)
  and `pooled`. It returns a password only when it sets one, so one of `create`, with `ttl` and `inherit`, and `reset`
  is required.
- ``scalingo`` requires `app` (name or id; also that of a dedicated database), and accepts `variable`, `endpoint`
  (``public-rw``, ``private-peering-rw``), `database` (whose endpoints to use, the application's own if left out) and
  `region`.
"""

from __future__ import annotations

from envconn.remote.api_errors import QueryError, RemoteError
from envconn.remote.provider_api import fetch_connection
from envconn.remote.request import ConnectionRequest, RemoteConnection
from envconn.remote.sql_over_https import Field, Result, Serverless, run_query, serverless
from envconn.sources import DOTENV
from envconn.tls import require_sealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envconn.sources import Dotenv
    from envconn.tls import Policy, SecuredConnection

__all__ = [
    "Field",
    "QueryError",
    "RemoteConnection",
    "RemoteError",
    "Result",
    "Serverless",
    "get_connection",
    "query",
    "serverless",
]


def get_connection(  # noqa: PLR0913 - one for each thing that some provider wants to know
    provider: str,
    *,
    project: str | None = None,
    organization: str | None = None,
    app: str | None = None,
    database: str | None = None,
    role: str | None = None,
    branch: str | None = None,
    endpoint: str | None = None,
    variable: str | None = None,
    region: str | None = None,
    pooled: bool = False,
    create: bool = False,
    reset: bool = False,
    ttl: int | None = None,
    inherit: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    env_file: Dotenv = DOTENV,
    policy: Policy | None = None,
    timeout: float = 30.0,
) -> RemoteConnection:
    """Return a connection from the API of `provider`, with its TLS checked.

    `project` to `region` and `pooled` select the connection; the docstring of `envconn.remote` lists what each
    provider requires and accepts. `create` makes the `role`, for `ttl` seconds and with the rights of the roles in
    `inherit`; `reset` gives it a new password.

    Tokens are read from `environ` and `env_file`, which are those of `envconn.load`, and so is the policy, combined
    with `policy`. The whole call takes at most `timeout` seconds, repeated requests included.

    Raises:
        ConfigurationError: the connection is not as secure as the policy requires, or the environment is wrong.
        RemoteError: the provider could not be asked, or did not return what was requested.
    """
    wanted = ConnectionRequest(
        project, organization, app, database, role, branch, endpoint, variable, region, pooled, create, reset, ttl,
        tuple(inherit),
    )  # fmt: skip
    outcome = fetch_connection(provider, wanted, environ, env_file, policy, timeout)
    # The frame of this function is part of the traceback, and some tools print its variables.
    del environ
    if isinstance(outcome, RemoteConnection):
        return outcome
    raise outcome


def query(
    connection: SecuredConnection,
    statement: str,
    parameters: Sequence[object] = (),
    *,
    address: str | None = None,
    timeout: float = 30.0,
) -> Result:
    """Run one `statement` over HTTPS, in a transaction of its own, and return its result. It is never repeated.

    ``$1`` and so on stand for `parameters`: `None`, booleans, integers, text, `bytes`; lists and dictionaries of
    them are sent as JSON, everything else as its `str`. `address` is the endpoint's address, if it is not the
    provider's own (``https://localhost:4444/sql`` of a local proxy). The server is verified by the CA of
    `connection`, or the system's. Query and answer are limited to 10 MiB each, and to `timeout` seconds.

    Raises:
        EndpointUnavailable: the provider has no such endpoint.
        QueryError: the server refused the statement.
        RemoteError: the endpoint is unreachable, or the query could not be sent.
        TypeError: `connection` was not judged.
    """
    require_sealed(connection)
    outcome = run_query(connection, statement, parameters, address, timeout)
    del statement, parameters
    if isinstance(outcome, Result):
        return outcome
    raise outcome
