"""Derive the address of another endpoint of the same database, by the provider's rule."""

from __future__ import annotations

from envconn.connection import Parameters
from envconn.families import POSTGRESQL
from envconn.providers.recognition import compiled, identify, named_endpoint
from envconn.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.connection import Connection, Host
    from envconn.providers.recognition import Endpoint, ProviderHints
    from envconn.providers.record import Rewrite


def derive_sibling(
    connection: Connection, endpoint: Endpoint, *, pooled: bool | None, replica: bool | None, hints: ProviderHints
) -> Connection | str:
    """Return `connection` with the requested endpoint, or why that is not possible and where to get the address.

    `pooled` and `replica` are `None` if any will do. A result is recognised again, and
    used only if it is what was requested.
    """
    steps = _steps(endpoint, pooled=pooled, replica=replica)
    if steps and hints.pooler:
        return f"{hints.pooler_from} applies to this endpoint only. Set {VARIABLES[steps[-1]]}"
    for step in steps:
        rule = endpoint.provider.siblings.get(step) if endpoint.provider else None
        if rule is None:
            return _no_rule(endpoint, step) if connection.family == POSTGRESQL else _ONE.format(VARIABLES[step])
        if isinstance(rule, str):
            return rule
        connection = _rewritten(connection, endpoint, rule)
        endpoint = identify(connection, hints)
    reached = (pooled in {None, endpoint.pooled}) and (replica in {None, endpoint.replica} or not replica)
    if reached:
        return connection
    return _BOTH if pooled and replica else _UNFIT.format(VARIABLES[steps[-1]])


_ONE = "other endpoints are known for PostgreSQL only. Set {}"
_BOTH = "the provider has no such combination of endpoints. Set DATABASE_REPLICA_URL to it"
_UNFIT = "the other endpoint cannot be derived from this host and user. Set {}"


def _steps(endpoint: Endpoint, *, pooled: bool | None, replica: bool | None) -> list[str]:
    """Return the steps to the requested endpoint. If unknown, this one may be pooled or direct, and is the primary."""
    needed = [
        ("replica", replica is True and endpoint.replica is not True),
        ("primary", replica is False and endpoint.replica is True),
        ("pooled", pooled is True and endpoint.pooled is not True),
        ("direct", pooled is False and endpoint.pooled is not False),
    ]
    return [step for step, is_needed in needed if is_needed]


def _no_rule(endpoint: Endpoint, step: str) -> str:
    who = (
        f"{endpoint.provider.title} has no rule"
        if endpoint.provider
        else "the provider is unknown, so there is no rule"
    )
    return f"{who} for the {step} endpoint. Set {VARIABLES[step]}"


VARIABLES = {
    "replica": "DATABASE_REPLICA_URL",
    "primary": "DATABASE_URL to the primary",
    "pooled": "DATABASE_CONNECTION_POOL_URL",
    "direct": "DIRECT_URL",
}
"""What to set, by the step to the endpoint, for the default database."""


def _rewritten(connection: Connection, endpoint: Endpoint, rule: Rewrite) -> Connection:
    # Only what names the other endpoint: a schema or a role in ``options`` is one of this endpoint, too.
    dropped = {"options"} if named_endpoint(connection.parameters, endpoint.provider) else set()
    parameters = {name: value for name, value in connection.parameters.items() if name not in dropped}
    moved = [_moved(host, connection.user, rule) for host in connection.hosts]
    return replace(
        connection, hosts=tuple(host for host, _ in moved), user=moved[0][1], parameters=Parameters(parameters)
    )


def _moved(host: Host, user: str, rule: Rewrite) -> tuple[Host, str]:
    address = f"{_replaced(rule.user, user)}@{_replaced(rule.host, host.host)}"
    user, _, name = _replaced(rule.address, address).rpartition("@")
    # Another name has another address: a `hostaddr` stated for the first one is removed.
    hostaddr = host.hostaddr if name == host.host else ""
    return replace(host, host=name, port=rule.port or host.port, hostaddr=hostaddr), user


def _replaced(pair: tuple[str, str] | None, text: str) -> str:
    return compiled(pair[0]).sub(pair[1], text) if pair else text
