"""What is different between two readings of the environment. It holds names of facts and no values."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envconn.tls import SecuredConnection

__all__ = ["Changes", "changes", "differences", "weakened"]


class Changes(NamedTuple):
    """What changed between two readings of the environment; false when nothing did.

    `added` and `removed` are names of services, and so are the keys of `changed`, whose values say which
    facts are different: ``kind``, ``host``, ``port``, ``user``, ``password``, ``dbname``, ``parameters``,
    ``tls.level``, ``tls.ca``, ``provider``, ``pooled``, ``replica``, ``origin``, ``siblings``.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def __str__(self) -> str:
        told = [f"{name}: added" for name in self.added] + [f"{name}: removed" for name in self.removed]
        told += [f"{name}: changed {', '.join(facts)}" for name, facts in self.changed.items()]
        return "; ".join(told) or "nothing changed"


def changes(before: Mapping[str, SecuredConnection], after: Mapping[str, SecuredConnection]) -> Changes:
    """Return what is different in `after`."""
    changed = {name: differences(before[name], each) for name, each in after.items() if name in before}
    return Changes(
        tuple(name for name in after if name not in before),
        tuple(name for name in before if name not in after),
        MappingProxyType({name: facts for name, facts in changed.items() if facts}),
    )


def differences(before: SecuredConnection, after: SecuredConnection) -> tuple[str, ...]:
    """Return the names of the facts in which the two are different."""
    return tuple(name for name, fact in _FACTS.items() if fact(before) != fact(after))


def weakened(before: Mapping[str, SecuredConnection], after: Mapping[str, SecuredConnection]) -> list[str]:
    """Return the names of the services that are promised less in `after`: a lower level, or a demand that is gone."""
    return [name for name, each in after.items() if name in before and _is_weaker(before[name], each)]


def _is_weaker(before: SecuredConnection, after: SecuredConnection) -> bool:
    return after.tls.level < before.tls.level or bool(_DEMANDS & before.parameters.keys() - after.parameters.keys())


_DEMANDS = frozenset(
    {"channel_binding", "require_auth", "requirepeer", "sslcrl", "sslcrldir", "ssl_min_protocol_version"}
)
"""Parameters that make a connection stricter, whatever they say."""


def _siblings(connection: SecuredConnection) -> tuple[object, ...]:
    return tuple(fact(sibling) for sibling in connection.siblings for fact in _FACTS.values())


_FACTS: dict[str, Callable[[SecuredConnection], object]] = {
    "kind": lambda each: each.kind,
    "host": lambda each: [(host.host, host.hostaddr) for host in each.hosts],
    "port": lambda each: [host.port for host in each.hosts],
    "user": lambda each: each.user,
    "password": lambda each: each.password,
    "dbname": lambda each: each.dbname,
    "parameters": lambda each: (dict(each.parameters), dict(each.foreign)),
    "tls.level": lambda each: each.tls.level,
    "tls.ca": lambda each: each.tls.ca,
    "provider": lambda each: each.provider,
    "pooled": lambda each: (each.pooled, each.pool_mode),
    "replica": lambda each: each.replica,
    "origin": lambda each: each.origin,
    "siblings": _siblings,
}
