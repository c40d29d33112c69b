"""What `envconn.drivers.redis_py.SentinelPool` is given, which asks sentinels for the master, and connects to it.

There are two legs, to the sentinels and to the Redis that they name, and the verdict holds on both. The second
host is known at run time only: with a CA, whoever is named has to show a certificate of that CA, at
``VERIFY_FULL`` for the very address or name that was announced (``sentinel announce-hostnames``). Without TLS,
which is for this machine and for hosts that are waived, the pool connects to no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, cast

from envconn.drivers import redis
from envconn.tls import TlsLevel

if TYPE_CHECKING:
    from envconn.tls import SecuredConnection

__all__ = ["PARAMETERS", "Arguments", "Sentinels", "arguments", "sentinels"]

PARAMETERS = frozenset({"master_name", "min_other_sentinels", "sentinel_username", "sentinel_password"})
"""What is said about the sentinels, beside what redis-py is told."""


class Sentinels(TypedDict, total=False):
    """Whom to ask, and for which master.

    `sentinels` are host and port of each; `sentinel_kwargs` what redis-py's connections to them are given.
    `clear_text_to` is there where there is no TLS, and holds the waivers beside which only this machine is
    connected to.
    """

    sentinels: list[tuple[str, int]]
    master_name: str
    min_other_sentinels: int
    sentinel_kwargs: dict[str, object]
    clear_text_to: list[str]


class Arguments(redis.Arguments, Sentinels, total=False):
    """Everything that `SentinelPool` is given."""

    db: int


def arguments(connection: SecuredConnection) -> Arguments:
    """Return the arguments that make `SentinelPool` hold the verdict on both legs.

    Raises:
        ConfigurationError: redis-py cannot do what the connection asks for.
        TypeError: `connection` was not judged.
    """
    given = redis.spoken(connection, "sentinel", PARAMETERS)
    return cast("Arguments", {**given, "db": int(connection.dbname), **sentinels(connection)})


def sentinels(connection: SecuredConnection) -> Sentinels:
    """Return the part of `arguments` that is about the sentinels.

    Raises:
        ConfigurationError: redis-py cannot do what the connection asks for.
        TypeError: `connection` was not judged.
    """
    given, stated = redis.spoken(connection, "sentinel", PARAMETERS), connection.parameters
    # The TLS of both legs is the same; passwords are not, and nobody is told another one's.
    asked = {name: value for name, value in given.items() if name.startswith("ssl_")}
    asked |= {name: given.get(name, redis.HANDSHAKE_SECONDS) for name in ("socket_connect_timeout", "socket_timeout")}
    asked |= {name: stated[f"sentinel_{name}"] for name in ("username", "password") if f"sentinel_{name}" in stated}
    found = Sentinels(
        sentinels=[(host.host, host.port) for host in connection.hosts],
        master_name=stated["master_name"],
        min_other_sentinels=int(stated.get("min_other_sentinels", "0")),
        sentinel_kwargs=asked,
    )
    if connection.tls.level < TlsLevel.ENCRYPTED:
        found["clear_text_to"] = (connection.tls.waived or "").replace(",", " ").split()
    return found
