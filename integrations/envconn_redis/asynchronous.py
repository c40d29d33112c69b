"""Connections, sentinels and pools of `redis.asyncio`, with a context that trusts one CA."""

from __future__ import annotations

from asyncio import to_thread
from typing import cast

import redis
from redis import asyncio
from redis.asyncio import sentinel as managed
from redis.asyncio.retry import Retry

from envconn.drivers.redis import HANDSHAKE_SECONDS
from envconn.rotation import alogin
from envconn_redis.connections import (
    Classes,
    OneCA,
    make_pool,
    not_found,
    permit_unencrypted,
    renewing,
    running_master,
    sentinel_clients,
    to_sentinel,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping
    from typing import Any

    from envconn import SecuredConnection, Services


def pool(source: Services | SecuredConnection, stated: Mapping[str, Any]) -> asyncio.ConnectionPool:
    """Return a pool as `envconn_redis.connections.pool` does; arguments and errors are the same."""
    classes = Classes(
        library=asyncio,
        pool=asyncio.ConnectionPool,
        plain=asyncio.Connection,
        socket=asyncio.UnixDomainSocketConnection,
        verifying=VerifyingConnection,
        sentinel_pool=SentinelPool,
        sentinel=SentinelConnection,
        sentinel_unencrypted=SentinelUnencryptedConnection,
        following=following,
    )
    made: asyncio.ConnectionPool = make_pool(classes, source, stated)
    return made


def following(kind: type[Any], source: Services | SecuredConnection, used: SecuredConnection) -> type[Any]:
    """Return a `kind` of connection that logs in with the current `source`; the pool was made for `used`."""
    renew = renewing(used)

    class Connection(kind):  # type: ignore[misc]
        async def connect(self) -> None:
            opened = super().connect

            async def log_in(judged: SecuredConnection) -> None:
                await to_thread(renew, self, judged)
                await opened()

            if not self.is_connected:
                await alogin(source, log_in)

    return Connection


class VerifyingConnection(OneCA, asyncio.SSLConnection):
    """A connection of redis-py that always uses TLS; without ``ssl_`` arguments it trusts no server."""

    _trusted_now: ssl.SSLContext | None = None

    async def _connect(self) -> None:
        self._trusted_now = self._context or await to_thread(self._trusted)
        await super()._connect()

    def _connection_arguments(self) -> Mapping[str, Any]:
        within = self.socket_connect_timeout or HANDSHAKE_SECONDS
        plain = asyncio.Connection._connection_arguments(self)  # noqa: SLF001 - the one below makes its own context
        return {**plain, "ssl": self._trusted_now, "ssl_handshake_timeout": within}


class SentinelConnection(managed.SentinelManagedConnection, VerifyingConnection):
    """A `VerifyingConnection` to the master that sentinels name, verified as that name or address."""


class SentinelUnencryptedConnection(managed.SentinelManagedConnection):
    """A connection without TLS, only to this machine and to hosts in `unencrypted_to`, whatever the sentinels name."""

    def __init__(self, *, unencrypted_to: Iterable[str] = (), **arguments: Any) -> None:
        self._waived = tuple(unencrypted_to)
        super().__init__(**arguments)

    async def connect_to(self, address: tuple[str, int]) -> None:
        """Connect to the address that the sentinels name.

        Raises:
            redis.ConnectionError: that address requires TLS.
        """
        permit_unencrypted(address, self._waived)
        await super().connect_to(address)


class SentinelPool(managed.SentinelConnectionPool):
    """A pool of connections to the master that sentinels name. TLS is the same for the sentinels."""

    def __init__(
        self,
        *,
        sentinels: Iterable[tuple[str, int]],
        master_name: str,
        sentinel_kwargs: Mapping[str, object],
        min_other_sentinels: int = 0,
        **arguments: Any,
    ) -> None:
        kind = asyncio.Connection if "unencrypted_to" in arguments else VerifyingConnection
        manager = _Sentinels(sentinels, min_other_sentinels, kind, sentinel_kwargs)
        super().__init__(master_name, manager, **arguments)

    async def disconnect(self, inuse_connections: bool = True) -> None:  # noqa: FBT001, FBT002 - redis-py's own
        """Close the connections; those in use include the ones to the sentinels."""
        await super().disconnect(inuse_connections)
        for sentinel in self.sentinel_manager.sentinels if inuse_connections else ():
            await sentinel.connection_pool.disconnect()


class _Sentinels(managed.Sentinel):
    """redis-py's Sentinel with a given class for its connections, and with the reason of a failure in its error."""

    def __init__(
        self,
        sentinels: Iterable[tuple[str, int]],
        min_other_sentinels: int,
        kind: type[Any],
        arguments: Mapping[str, Any],
    ) -> None:
        super().__init__([], min_other_sentinels, sentinel_kwargs={})
        self.arguments = dict(arguments)
        self.sentinels = sentinel_clients(asyncio, Retry, sentinels, to_sentinel(kind, self.arguments))

    async def discover_master(self, service_name: str) -> tuple[str, int]:
        """Return host and port of the master, from the first sentinel that knows it.

        Raises:
            MasterNotFoundError: no sentinel knows it; the text says why.
        """
        errors: list[Exception] = []
        for position, sentinel in enumerate(self.sentinels):
            try:
                masters = cast("dict[str, dict[str, Any]]", await sentinel.sentinel_masters())
            except (redis.ConnectionError, redis.TimeoutError) as error:
                errors.append(error)
                continue
            if master := running_master(self, service_name, position, masters):
                return master
        raise not_found(service_name, errors)
