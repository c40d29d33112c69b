"""The inspection of one host: TLS at the connection's level first, then everything else that can be observed."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import AsyncExitStack, suppress
from typing import TypeVar

from envconn.errors import ConfigurationError
from envconn.probe import handshake
from envconn.probe.assessment import UNKNOWN, Observation, conclude, explained, refuted_by, verified_by_level, verify
from envconn.probe.channel import Channel
from envconn.probe.failures import Failure, Rejected
from envconn.probe.network import TooMuch
from envconn.probe.postgres_protocol import Postgres
from envconn.probe.proof import Seen
from envconn.records import Record
from envconn.tls import TlsLevel
from envconn.tls.secured import is_exempt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Literal, TypeAlias

    from envconn.connection import Host
    from envconn.probe.handshake import Presented
    from envconn.probe.network import Place, Wire
    from envconn.probe.protocol import WireProtocol
    from envconn.tls import SecuredConnection

    Enforcement: TypeAlias = Literal["require", "report", "skip"]


_CONNECTING = "connecting"
"""The first stage of an attempt."""

_FOR_CONNECTING = 0.9
"""The share of its time after which an address that accepts no connection is given up."""

_PATIENCE = 3.0
"""Seconds for the unencrypted answer, once the answer over TLS has arrived."""

_AMBIGUOUS = frozenset({"connection-closed", "protocol-unexpected"})
"""Failures that may mean that another kind of server answers at the port."""

T = TypeVar("T")


ENFORCEMENTS = ("require", "report", "skip")


class Limits(Record):
    """`deadline` is by the loop's clock, `timeout` the seconds up to it; `enforcement` is that of `prove`."""

    deadline: float
    timeout: float
    enforcement: Enforcement


async def inspect_host(service: SecuredConnection, host: Host, protocol: WireProtocol, limits: Limits) -> Seen:
    """Inspect `host` of `service` and return the observation; never raises, never takes longer than the deadline."""
    clock = asyncio.get_running_loop().time
    begun, observed = clock(), Observation(Channel(service, host, protocol))
    inspection = _Inspection(observed, limits)
    try:
        await inspection.reach_level()
        await inspection.look_further()
    finally:
        await inspection.release()
    conclude(observed, enforced=limits.enforcement == "require")
    verified = observed.verified
    shown = observed.presented and observed.presented.handshake(
        chain=verified.chain, host=verified.host, ca=verified.signer
    )
    return Seen(
        service,
        host,
        observed.channel.address,
        shown,
        observed.enforced,
        problems=tuple(each.of(service.name) for each in observed.problems),
        notes=tuple(each.of(service.name) for each in observed.notes),
        seconds=clock() - begun,
    )


class _Inspection:
    """The steps of an inspection, and the connections that are open meanwhile."""

    def __init__(self, observed: Observation, limits: Limits) -> None:
        self._observed, self._channel, self._limits = observed, observed.channel, limits
        self._service, self._level = observed.channel.service, observed.channel.service.tls.level
        self._stack = AsyncExitStack()
        self._stage, self._until = _CONNECTING, limits.deadline
        self._clear: asyncio.Task[bytes | None] | None = None

    async def reach_level(self) -> None:
        """Continue up to the level and the first answer; the failure that prevents it is recorded."""
        try:
            async with asyncio.timeout_at(self._limits.deadline):
                await self._try_addresses()
        except Rejected as rejected:
            self._observed.rejected, self._observed.verified = rejected, refuted_by(rejected)
        except (Failure, TooMuch, OSError, ConfigurationError) as error:
            self._observed.fault(*self._understood(error))

    def _understood(self, error: Exception) -> tuple[str, str]:
        """Return the code and the message for `error`."""
        where, stage = self._channel.where, self._stage
        if isinstance(error, ssl.SSLError):
            error = self._channel.failure(error)
        if isinstance(error, Failure):
            return error.code, str(error)
        if isinstance(error, TooMuch):
            return "protocol-unexpected", _ENDLESS.format(where)
        if isinstance(error, ConfigurationError):
            return "client-files-unusable", error.problems[0].message
        if isinstance(error, TimeoutError):
            return "timed-out", _TIMED_OUT.format(where, self._limits.timeout, stage)
        return "connection-closed", _LOST.format(where, stage)

    async def _try_addresses(self) -> None:
        """Try one address after the other, until one neither refuses nor hangs; each has its share of the time.

        libpq goes on like this after ``connect_timeout`` (fe-connect.c, pqConnectDBComplete).
        """
        found, failures = await self._channel.places(), list[OSError]()
        for left in range(len(found), 0, -1):
            now = asyncio.get_running_loop().time()
            self._stage, self._until = _CONNECTING, now + (self._limits.deadline - now) / left
            try:
                async with asyncio.timeout_at(self._until):
                    return await self._try(found[-left])
            except OSError as error:
                failures.append(error)
                if self._stage != _CONNECTING:
                    await self._leave(error, last=left == 1)
        raise self._channel.unreached(failures)

    async def _leave(self, error: OSError, *, last: bool) -> None:
        """Forget what an address has shown that did not answer in time; raise if it did, or is the `last`."""
        if last or not isinstance(error, TimeoutError):
            raise error
        self._observed.note("timed-out", _NEXT.format(self._channel.where, self._channel.address))
        if self._clear:
            await _end(self._clear)
        self._clear, self._observed.presented, self._observed.verified = None, None, UNKNOWN

    async def _try(self, place: Place) -> None:
        now = asyncio.get_running_loop().time()
        async with asyncio.timeout((self._until - now) * _FOR_CONNECTING):
            wire = await self._channel.reach(place)
        await self._stack.enter_async_context(wire)
        self._channel.compare_account(wire)
        hello = self._channel.protocol.hello
        if self._level > TlsLevel.NONE:
            if hello and not is_exempt(self._service) and self._limits.enforcement != "skip":
                self._clear = asyncio.create_task(self._channel.ask_unencrypted())
                self._observed.asked = True
            self._stage = "asking for TLS"
            wire = await self._encrypted(wire)
        if hello or self._level == TlsLevel.NONE:
            self._stage = "waiting for its first answer"
            answer = await self._channel.ask(wire)
            self._channel.protocol.check(answer, self._channel.where)
            self._observed.answer = answer

    async def _encrypted(self, wire: Wire) -> Wire:
        """Do the handshake at the level, and return the connection to continue with."""
        if self._channel.protocol.alpn:
            if await self._directly(wire):
                return wire
            self._observed.indirect, self._channel.protocol = True, Postgres()
            wire = await self._stack.enter_async_context(await self._channel.dial())
        try:
            context = handshake.level_context(self._service, None)
            presented = await self._identify_silent(self._channel.encrypt(wire, context))
        except (Failure, Rejected) as failure:
            code, message = explained(failure, self._channel)
            if self._level >= TlsLevel.ENCRYPTED or code == "protocol-unexpected":
                raise
            # Opportunistic TLS continues without TLS, as libpq does.
            self._observed.note(code, message)
            return await self._stack.enter_async_context(await self._channel.dial())
        self._see(presented)
        return wire

    def _see(self, presented: Presented) -> None:
        verified = verified_by_level(self._service.tls, presented)
        self._observed.presented, self._observed.verified = presented, verified

    async def _directly(self, wire: Wire) -> bool:
        """Whether the server accepts TLS from the first byte, as libpq requires it: it must confirm the protocol."""
        context = handshake.level_context(self._service, self._channel.protocol.alpn)
        with suppress(Failure):
            presented = await self._channel.encrypt(wire, context)
            if presented.alpn == self._channel.protocol.alpn:
                self._see(presented)
        return self._observed.presented is not None

    async def _identify_silent(self, attempt: Coroutine[object, object, T]) -> T:
        """Await `attempt`; if it fails or takes half of the time, find out what kind of server is there."""
        task = asyncio.ensure_future(attempt)
        try:
            left = self._until - asyncio.get_running_loop().time()
            done, _ = await asyncio.wait({task}, timeout=left / 2)
            if not done:
                await self._channel.identify()
            return await task
        except Failure as failure:
            if failure.code in _AMBIGUOUS and task.done():
                await self._channel.identify()
            raise
        finally:
            await _end(task)

    async def look_further(self) -> None:
        """Observe what the level does not require, while there is time."""
        observed = self._observed
        with suppress(Failure, TooMuch, OSError, ValueError):
            async with asyncio.timeout_at(self._limits.deadline):
                if observed.rejected or any(problem.code == "tls-too-old" for problem in observed.problems):
                    observed.presented = await self._glance()
                if observed.presented:
                    await asyncio.gather(self._compare(), self._verify(observed.presented.der))

    async def _glance(self) -> Presented:
        """Do a handshake with any server, to see the certificate."""
        async with await self._channel.dial() as wire:
            return await self._channel.encrypt(wire, handshake.inspection_context(self._channel.protocol.alpn))

    async def _verify(self, der: bytes) -> None:
        if self._observed.rejected or self._limits.enforcement != "skip":
            self._observed.verified = await verify(self._channel, der, self._observed.verified)

    async def _compare(self) -> None:
        """Compare the unencrypted answer with the one over TLS."""
        if self._clear is None or not self._observed.answer:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                clear = await self._clear
            denies = self._channel.protocol.denies
            self._observed.enforced = None if clear is None else denies(self._observed.answer, clear)

    async def release(self) -> None:
        """Close every connection, in order if there is time for it."""
        if self._clear:
            await _end(self._clear)
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._limits.deadline):
                await self._stack.aclose()


async def _end(task: asyncio.Task[T]) -> None:
    """Cancel `task`, and wait until it has closed its connections."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


_TIMED_OUT = (
    "{0} did not answer within {1:g} seconds ({2}). Correct host and port, or allow the address of this machine in "
    "firewalls and access lists"
)
_NEXT = "{0} has several addresses, and {1} does not answer. Repair it, or remove it from DNS"
_LOST = "{0} closed the connection ({1}). Read its log, or the log of the proxy in front of it"
_ENDLESS = "{0} sends an endless answer. Correct host and port"
