"""Which provider a connection belongs to, and what its host, port and user name give away.

Recognition is a dictionary look-up by domain and then the one or two patterns under it, so its
cost does not grow with the number of records. Names are compared as written: providers hand out
lower-case hosts, and a host in another spelling proves nothing.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from envconn.providers.neon import NEON
from envconn.providers.planetscale import PLANETSCALE
from envconn.providers.record import Certificates, Endpoint, Provider, Variable
from envconn.providers.scalingo import SCALINGO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envconn.connection import Connection

__all__ = ["PROVIDERS", "Certificates", "Endpoint", "Provider", "Variable", "identify"]

PROVIDERS = (SCALINGO, PLANETSCALE, NEON)

_BY_SUFFIX = {suffix: provider for provider in PROVIDERS for suffix in provider.suffixes}
_BY_VARIABLE = {variable.name: provider for provider in PROVIDERS for variable in provider.variables}


def identify(connection: Connection) -> Endpoint:
    """Say what the first host, its port, the user name and the variable of `connection` give away."""
    first = connection.hosts[0]
    for provider in _candidates(first.host):
        for pattern in provider.hosts:
            if match := _compiled(pattern).fullmatch(first.host):
                return _endpoint(provider, match.groupdict(), connection)
    return Endpoint(provider=_by_variable(connection), role=connection.user)


def _candidates(host: str) -> Iterator[Provider]:
    labels = host.split(".")
    for length in (2, 3):
        if provider := _BY_SUFFIX.get(".".join(labels[-length:])):
            yield provider


def _endpoint(provider: Provider, seen: dict[str, str | None], connection: Connection) -> Endpoint:
    user = _compiled(provider.users).fullmatch(connection.user)
    named = {**seen, **(user.groupdict() if user else {"role": connection.user})}
    pooled = provider.ports.get(connection.hosts[0].port, True if seen.get("pooler") else provider.pooled)
    target = named.get("target")
    replica = provider.replica if target is None else True if target == provider.replica_target and not pooled else None
    return Endpoint(
        provider=provider.name,
        pooled=pooled,
        pool_mode=provider.pool_mode if pooled else None,
        replica=replica,
        branch=named.get("branch"),
        role=named.get("role"),
        region=provider.region.format_map(named) if named.get("region") else None,
        certificates=provider.certificates,
    )


def _by_variable(connection: Connection) -> str | None:
    # A tunnel on 127.0.0.1 hides the host; the variable's name still says whose database it is.
    for name in (*connection.origin.via[::-1], connection.origin.variable):
        if provider := _BY_VARIABLE.get(name):
            return provider.name if name.startswith(provider.name.upper()) else None
    return None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
