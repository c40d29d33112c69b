"""Connections and pools for a Redis behind sentinels: one verdict for the sentinels and the Redis."""

from __future__ import annotations

from typing import cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool, SentinelManagedConnection

from envconn.connection import Host
from envconn.tls.policy import Policy, combined, reach
from envconn_redis.connections import VerifyingConnection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Self


class SentinelConnection(SentinelManagedConnection, VerifyingConnection):
    """A `VerifyingConnection` to the master that sentinels name, verified as that name or address."""

    def __init__(self, *, health_check_interval: float = 0, **arguments: Any) -> None:
        super().__init__(health_check_interval=health_check_interval, **arguments)


class SentinelClearConnection(SentinelManagedConnection):
    """A connection without TLS, only to this machine and to hosts in `clear_text_to`, whatever the sentinels name."""

    def __init__(
        self, *, health_check_interval: float = 0, clear_text_to: Iterable[str] = (), **arguments: Any
    ) -> None:
        self._waived = tuple(clear_text_to)
        super().__init__(health_check_interval=health_check_interval, **arguments)

    def connect_to(self, address: tuple[str, int]) -> None:
        """Connect to the address that the sentinels name.

        Raises:
            redis.ConnectionError: that address requires TLS.
        """
        permit_clear_text(address, self._waived)
        super().connect_to(address)


def permit_clear_text(address: tuple[str, int], waived: tuple[str, ...]) -> None:
    """Raise if an `address` that sentinels name is neither this machine nor `waived`.

    Raises:
        redis.ConnectionError: so it is.
    """
    if not reach((Host(*address),), combined(Policy(waive=waived))).exempt:
        raise redis.ConnectionError(_REMOTE)


_REMOTE = (
    "the sentinels name a master on another machine, but the connection has no TLS. Use rediss+sentinel://, or add "
    "the master's address to ENVCONN_TLS_WAIVE"
)


class SentinelPool(SentinelConnectionPool):
    """A pool of connections to the master that sentinels name; `envconn.drivers.redis` makes its arguments.

    TLS is the same for the sentinels. `connection_class` is for kombu, which has its own
    subclass of one of the two.
    """

    def __init__(
        self,
        *,
        sentinels: Iterable[tuple[str, int]],
        master_name: str,
        sentinel_kwargs: Mapping[str, object],
        min_other_sentinels: int = 0,
        connection_class: type[redis.Connection] | None = None,
        **arguments: Any,
    ) -> None:
        in_clear = "clear_text_to" in arguments
        manager = _Sentinels(
            sentinels,
            min_other_sentinels,
            {**sentinel_kwargs, "connection_class": redis.Connection if in_clear else VerifyingConnection},
        )
        chosen = connection_class or (SentinelClearConnection if in_clear else SentinelConnection)
        super().__init__(master_name, manager, connection_class=chosen, **arguments)

    @classmethod
    def from_url(cls, url: str, **arguments: Any) -> Self:
        """Make a pool of `arguments` alone, as Django does; `url` is for display."""
        del url
        return cls(**arguments)


class _Sentinels(Sentinel):
    """redis-py's Sentinel with a given class for its connections, and with the reason of a failure in its error.

    redis-py's own error does not say what is wrong with a certificate.
    """

    def __init__(
        self, sentinels: Iterable[tuple[str, int]], min_other_sentinels: int, arguments: Mapping[str, Any]
    ) -> None:
        super().__init__([], min_other_sentinels, sentinel_kwargs={})
        # A sentinel that is down is not waited for: there are others, and the caller tries again.
        self.sentinels = [
            redis.Redis(
                connection_pool=redis.ConnectionPool(host=host, port=port, retry=Retry(NoBackoff(), 0), **arguments)
            )
            for host, port in sentinels
        ]

    def discover_master(self, service_name: str) -> tuple[str, int]:
        """Return host and port of the master, from the first sentinel that knows it.

        Raises:
            MasterNotFoundError: no sentinel knows it; the text says why.
        """
        errors: list[Exception] = []
        for position, sentinel in enumerate(self.sentinels):
            try:
                masters = cast("dict[str, dict[str, Any]]", sentinel.sentinel_masters())
            except (redis.ConnectionError, redis.TimeoutError) as error:
                errors.append(error)
                continue
            state = masters.get(service_name)
            if state and self.check_master_state(state, service_name):
                # The sentinel that knows is asked first from now on.
                self.sentinels[0], self.sentinels[position] = sentinel, self.sentinels[0]
                return state["ip"], state["port"]
        raise not_found(service_name, errors)


def not_found(service_name: str, errors: list[Exception]) -> MasterNotFoundError:
    """Return the error that says why no sentinel knows the master; its cause is the first of their `errors`."""
    told = "; ".join(map(str, errors)) or "no sentinel knows a running master of that name"
    found = MasterNotFoundError(f"No master found for {service_name!r}: {told}")
    found.__cause__ = next(iter(errors), None)
    return found
