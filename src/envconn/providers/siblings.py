"""Another endpoint of the same database, by the provider's rule."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from envconn.connection import Parameters
from envconn.providers.recognition import compiled, identify

if TYPE_CHECKING:
    from envconn.connection import Connection, Host
    from envconn.providers.recognition import Facts
    from envconn.providers.record import Endpoint, Rewrite

__all__ = ["derive"]


def derive(
    connection: Connection, endpoint: Endpoint, *, pooled: bool | None, replica: bool | None, facts: Facts
) -> Connection | str:
    """Rewrite `connection` to the endpoint asked for, or return why that cannot be done and where to get it.

    `pooled` and `replica` are `None` where it does not matter. A result is recognised again, and
    counts only if it is what was asked for.
    """
    if facts.pooler:
        return "ENVCONN_POOLER states what this variable leads to; set a variable for the other endpoint"
    for wish in _wishes(endpoint, pooled=pooled, replica=replica):
        rule = endpoint.provider.siblings.get(wish) if endpoint.provider else None
        if rule is None:
            return _unknown(endpoint, wish)
        if isinstance(rule, str):
            return rule
        connection = _rewritten(connection, rule)
        endpoint = identify(connection, facts)
    reached = (pooled in {None, endpoint.pooled}) and (replica in {None, endpoint.replica} or not replica)
    return connection if reached else "the provider has no endpoint that is both; set a variable for it"


def _wishes(endpoint: Endpoint, *, pooled: bool | None, replica: bool | None) -> list[str]:
    """The steps from here to there. What is not visible counts as neither pooled nor a replica."""
    steps = [
        ("replica", replica is True and endpoint.replica is not True),
        ("primary", replica is False and endpoint.replica is True),
        ("pooled", pooled is True and endpoint.pooled is not True),
        ("direct", pooled is False and endpoint.pooled is True),
    ]
    return [wish for wish, is_needed in steps if is_needed]


def _unknown(endpoint: Endpoint, wish: str) -> str:
    who = (
        f"{endpoint.provider.title} gives no rule"
        if endpoint.provider
        else "the provider is not known, so there is no rule"
    )
    return f"{who} for the {wish} endpoint; set {_EXAMPLES[wish]}"


_EXAMPLES = {
    "replica": "DATABASE_REPLICA_URL",
    "primary": "DATABASE_URL to the primary",
    "pooled": "DATABASE_CONNECTION_POOL_URL",
    "direct": "DIRECT_URL",
}


def _rewritten(connection: Connection, rule: Rewrite) -> Connection:
    parameters = {name: value for name, value in connection.parameters.items() if name not in rule.drop}
    return replace(
        connection,
        hosts=tuple(_moved(host, rule) for host in connection.hosts),
        user=compiled(rule.user[0]).sub(rule.user[1], connection.user) if rule.user else connection.user,
        parameters=Parameters(parameters),
    )


def _moved(host: Host, rule: Rewrite) -> Host:
    name = compiled(rule.host[0]).sub(rule.host[1], host.host) if rule.host else host.host
    # Another name is another address: an address that was stated for the first one is dropped.
    return replace(host, host=name, port=rule.port or host.port, hostaddr=host.hostaddr if name == host.host else "")
