"""Get a judged connection from a provider: check the arguments, read the token, send the request, judge the answer."""

from __future__ import annotations

import time
from types import MappingProxyType

from envconn import grammar, sources
from envconn.connection import Connection, Origin
from envconn.errors import ConfigurationError, EnvconnError, Finding
from envconn.families import POSTGRESQL
from envconn.providers import ProviderHints
from envconn.remote import casedev, neon, planetscale, request, scalingo
from envconn.remote.api_errors import Failure
from envconn.remote.http import client, context, within
from envconn.remote.request import RemoteConnection, Service
from envconn.remote.session import Session
from envconn.selection import stated_scopes
from envconn.selection.databases import DATABASE
from envconn.selection.scan import Scan
from envconn.selection.variables import APIS
from envconn.sources.environment import Text
from envconn.tls import CA, SecuredConnection, judge
from envconn.tls.ca import read as read_ca

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from envconn.remote.request import ConnectionRequest, Found
    from envconn.sources import Dotenv, Environment
    from envconn.tls import Context, Policy


def fetch_connection(  # noqa: PLR0913, PLR0917 - what was asked for, and everything that it is read and judged with
    provider: str,
    wanted: ConnectionRequest,
    environ: Mapping[str, str] | None,
    env_file: Dotenv,
    policy: Policy | None,
    seconds: float,
) -> RemoteConnection | EnvconnError:
    """Return the connection that `wanted` selects at `provider`, or the exception that says why not.

    The exception is returned for the caller to raise: the frames here hold the token.
    """
    environment, unreadable = sources.read(environ, env_file)
    scan = Scan(environment, unreadable)
    judging = stated_scopes(scan, policy).general(env_file=False)
    try:
        service = _service(provider, wanted, seconds)
        authorities = _authorities(environment, service)
        problems = [*scan.problems, *(ca for ca in authorities if isinstance(ca, Finding))]
        if problems:
            return ConfigurationError(problems)
        trusted = [ca for ca in authorities if isinstance(ca, CA)]
        found = within(
            seconds, lambda: _response(service, wanted, environment, trusted, seconds), f"{service.title} API"
        )
        return _judged(provider, found, wanted, judging)
    except Failure as failure:
        return failure.as_error()


def _service(provider: str, wanted: ConnectionRequest, seconds: float) -> Service:
    service = PROVIDERS.get(provider)
    if service is None:
        raise Failure("argument-invalid", "provider", f"is unknown. Use one of {', '.join(PROVIDERS)}")
    if not 0 < seconds <= LONGEST:  # false for nan, too
        raise Failure("argument-invalid", "timeout", f"must be a number of seconds above 0, {LONGEST:g} at most")
    request.arguments(service, wanted)
    return service


LONGEST = 3600.0
"""The longest time limit, in seconds."""


def _authorities(environment: Environment, service: Service) -> list[CA | Finding]:
    """Return the CAs to trust: the system's, which the APIs use, and the one in ``ENVCONN_TLS_CA``.

    The CA of the user's database must not replace the system's: it cannot verify the API.
    """
    lookup = environment.lookup("ENVCONN_TLS_CA")
    stated = [read_ca(lookup.found.text.reveal(), "ENVCONN_TLS_CA")] if lookup.found else []
    system = read_ca("system", f"{service.title} API")
    return [*stated, *([] if stated and isinstance(system, Finding) else [system])]


def _response(
    service: Service, wanted: ConnectionRequest, environment: Environment, trusted: list[CA], seconds: float
) -> Found:
    deadline = time.monotonic() + seconds
    tokens = [_token(environment, variable, service) for variable in service.tokens]
    title, secret = f"{service.title} API", service.tokens[-1]
    base = _base(environment, service.address, service.base.format_map(request.region(wanted.region)))
    with client(context(*trusted), title) as asking:
        authorization = service.authorization(tokens)
        if service.exchange:
            auth = _base(environment, service.auth_address, service.auth)
            login = Session(asking, title, auth, variable=secret, authorization=authorization, deadline=deadline)
            authorization = service.exchange(login)
        session = Session(asking, title, base, variable=secret, authorization=authorization, deadline=deadline)
        return service.fetch(session, wanted)


def _token(environment: Environment, variable: str, service: Service) -> str:
    lookup = environment.lookup(variable)
    for problem in lookup.problems:
        raise Failure("token-missing", problem.variable, f"{problem.message} [{problem.code}]")
    if lookup.found is None:
        message = (
            f"is not set, but {service.title} requires a token. Set it, or set {variable}_FILE to the path of a file "
            "with it"
        )
        raise Failure("token-missing", variable, message)
    return request.usable(lookup.found.text.reveal(), variable)


def _base(environment: Environment, variable: str, default: str) -> str:
    """Return the address of an API. A token is sent there, so a file in the working directory must not change it."""
    written = environment.written(variable)
    if isinstance(written, Text) and written.origin.source != "environment":
        raise Failure("address-invalid", variable, _ELSEWHERE)
    return request.address(environment.plain(variable) or default, variable)


_ELSEWHERE = "is set in a file. A token is sent to that address, so set it in the process environment, or remove it"


def _judged(
    provider: str, found: Found, wanted: ConnectionRequest, judging: Context
) -> RemoteConnection | ConfigurationError:
    service = PROVIDERS[provider]
    title = f"{service.title} API"
    connection = grammar.read(found.uri, Origin(title, "remote"))
    if not isinstance(connection, Connection):
        return ConfigurationError(connection)
    if connection.family != POSTGRESQL or not connection.scheme:
        raise Failure("answer-malformed", title, _NOT_A_URL)
    # The provider's own API is better evidence than the hostname.
    hints = (judging.hints or ProviderHints())._replace(provider=service.record) if service.record else judging.hints
    judged = judge(connection, judging._replace(hints=hints), DATABASE)
    if not isinstance(judged, SecuredConnection):
        return ConfigurationError(judged)
    _check_answer(judged, found, wanted, title)
    pooled = bool(judged.pooled if judged.pooled is not None else found.pooled)
    return RemoteConnection(provider, found.uri, found.branch, pooled, judged)


def _check_answer(judged: SecuredConnection, found: Found, wanted: ConnectionRequest, title: str) -> None:
    if wrong := [argument for argument, is_other in _others(judged, found, wanted).items() if is_other]:
        message = f"the answer is for another {wrong[0]}. Do not use it, and check the address of the API"
        raise Failure("answer-contradicts", title, message)


def _others(judged: SecuredConnection, found: Found, wanted: ConnectionRequest) -> dict[str, bool]:
    """Return, for each part, whether the connection visibly differs from the requested one."""
    shown = {"role": judged.user, "database": judged.dbname, "endpoint": judged.host.partition(".")[0]}
    others = {
        name: not shown[name].startswith(expected) if name == "endpoint" else shown[name] != expected
        for name, expected in found.expected.items()
        if expected is not None
    }
    return {"pooler": judged.pooled is not None and judged.pooled is not wanted.pooled, **others}


_NOT_A_URL = "the connection string in the answer is not a PostgreSQL URL. Correct the address of the API"

PROVIDERS: Mapping[str, Service] = MappingProxyType(
    {
        "casedev": Service(
            title="case.dev",
            fetch=casedev.fetch,
            authorization=casedev.authorization,
            record=None,
            tokens=("CASEDEV_API_KEY",),
            address=APIS["casedev"],
            base="https://api.case.dev/database/v1",
            required=("project",),
            optional=("branch", "pooled"),
        ),
        "neon": Service(
            title="Neon",
            fetch=neon.fetch,
            authorization=neon.authorization,
            record="neon",
            tokens=("NEON_API_KEY",),
            address=APIS["neon"],
            base="https://console.neon.tech/api/v2",
            required=("project", "database", "role"),
            optional=("branch", "endpoint", "pooled"),
        ),
        "planetscale": Service(
            title="PlanetScale",
            fetch=planetscale.fetch,
            authorization=planetscale.authorization,
            record="planetscale",
            tokens=("PLANETSCALE_SERVICE_TOKEN_ID", "PLANETSCALE_SERVICE_TOKEN"),
            address=APIS["planetscale"],
            base="https://api.planetscale.com/v1",
            required=("organization", "database", "role"),
            optional=("branch", "pooled", "create", "reset", "ttl", "inherit"),
        ),
        "scalingo": Service(
            title="Scalingo",
            fetch=scalingo.fetch,
            authorization=scalingo.authorization,
            record="scalingo",
            tokens=("SCALINGO_API_TOKEN",),
            address=APIS["scalingo"],
            base="https://api.{region}.scalingo.com/v1",
            required=("app",),
            optional=("variable", "endpoint", "database", "region"),
            exchange=scalingo.exchange,
            auth="https://auth.scalingo.com/v1",
            auth_address=APIS["scalingo_auth"],
        ),
    }
)
"""The APIs by the names that `get_connection` and ``envconn fetch`` accept."""
