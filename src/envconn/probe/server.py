"""One look at one host: as far as TLS at the connection's level, then what else can be seen from there."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import ExitStack, suppress
from typing import TypeVar

from envconn.errors import ConfigurationError
from envconn.probe import handshake
from envconn.probe.assessment import Sight, conclude, held, refuted, verify
from envconn.probe.channel import Line
from envconn.probe.failures import Failure, Rejected
from envconn.probe.network import TooMuch
from envconn.probe.postgres import Postgres
from envconn.probe.proof import Seen
from envconn.records import Record
from envconn.tls import TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine

    from envconn.connection import Host
    from envconn.probe.handshake import Presented
    from envconn.probe.network import Wire
    from envconn.probe.protocol import Dialect
    from envconn.tls import SecuredConnection


_PATIENCE = 3.0
"""Seconds for the answer in clear, once that inside TLS is there."""

_AMBIGUOUS = frozenset({"connection-closed", "protocol-unexpected"})
"""Failures behind which something else may be that answers to the port."""

T = TypeVar("T")


class Terms(Record):
    """`deadline` is by the loop's clock, `within` the seconds that it leaves; `enforced`: clear text must be denied."""

    deadline: float
    within: float
    enforced: bool


async def visit(service: SecuredConnection, host: Host, dialect: Dialect, terms: Terms) -> Seen:
    """Look at `host` of `service` and return what was seen; nothing is raised, and nothing lasts past the deadline."""
    clock = asyncio.get_running_loop().time
    begun, sight = clock(), Sight(Line(service, host, dialect))
    look = _Visit(sight, terms)
    try:
        await look.first()
        await look.then()
    finally:
        await look.release()
    conclude(sight, enforced=terms.enforced)
    shown = sight.presented and sight.presented.handshake(chain=sight.verified.chain, host=sight.verified.host)
    return Seen(
        service,
        host,
        sight.line.address,
        shown,
        sight.enforced,
        problems=tuple(sight.problems),
        notes=tuple(sight.notes),
        seconds=clock() - begun,
    )


class _Visit:
    """The steps, and the connections that are open meanwhile."""

    def __init__(self, sight: Sight, terms: Terms) -> None:
        self._sight, self._line, self._terms = sight, sight.line, terms
        self._service, self._level = sight.line.service, sight.line.service.tls.level
        self._stack = ExitStack()
        self._stage = "connecting"
        self._clear: asyncio.Task[bytes | None] | None = None

    async def first(self) -> None:
        """Go as far as the level and the first answer; what stands in the way is kept."""
        try:
            async with asyncio.timeout_at(self._terms.deadline):
                await self._go()
        except Rejected as rejected:
            self._sight.rejected, self._sight.verified = rejected, refuted(rejected)
        except (Failure, TooMuch, OSError, ConfigurationError) as error:
            self._sight.fault(*self._understood(error))

    def _understood(self, error: Exception) -> tuple[str, str]:
        """The code and the sentence for `error`."""
        where, stage = self._line.where, self._stage
        if isinstance(error, ssl.SSLError):
            error = self._line.failure(error)
        if isinstance(error, Failure):
            return error.code, str(error)
        if isinstance(error, TooMuch):
            return "protocol-unexpected", _ENDLESS.format(where)
        if isinstance(error, ConfigurationError):
            return "client-files-unusable", error.problems[0].message
        if isinstance(error, TimeoutError):
            return "timed-out", _TIMED_OUT.format(where, self._terms.within, stage)
        return "connection-closed", _LOST.format(where, stage)

    async def _go(self) -> None:
        wire = self._stack.enter_context(await self._line.reach(self._terms.deadline))
        hello = self._line.dialect.hello
        if self._level > TlsLevel.NONE:
            if hello and not self._service.tls.exempt:
                self._clear = asyncio.create_task(self._line.ask_in_clear())
                self._sight.asked = True
            self._stage = "asking for TLS"
            wire = await self._encrypted(wire)
        if hello or self._level == TlsLevel.NONE:
            self._stage = "waiting for its first answer"
            answer = await self._line.ask(wire)
            self._line.dialect.check(answer, self._line.where)
            self._sight.answer = answer

    async def _encrypted(self, wire: Wire) -> Wire:
        """Shake hands at the level, and return the connection to go on with."""
        if self._line.dialect.alpn:
            if await self._directly(wire):
                return wire
            self._sight.indirect, self._line.dialect = True, Postgres()
            wire = self._stack.enter_context(await self._line.dial())
        try:
            context = handshake.at_level(self._service, None)
            presented = await self._suspecting(self._line.encrypt(wire, context))
        except Failure as failure:
            if self._level >= TlsLevel.ENCRYPTED:
                raise
            # What only would have liked to be encrypted goes on without, as it does with libpq.
            self._sight.note(failure.code, str(failure))
            return self._stack.enter_context(await self._line.dial())
        self._sight.presented, self._sight.verified = presented, held(self._service.tls)
        return wire

    async def _directly(self, wire: Wire) -> bool:
        """Whether the server takes TLS from the first byte, as libpq demands it: it has to agree on the protocol."""
        context = handshake.at_level(self._service, self._line.dialect.alpn)
        with suppress(Failure):
            presented = await self._line.encrypt(wire, context)
            if presented.alpn == self._line.dialect.alpn:
                self._sight.presented, self._sight.verified = presented, held(self._service.tls)
        return self._sight.presented is not None

    async def _suspecting(self, attempt: Coroutine[object, object, T]) -> T:
        """Await `attempt`; where nothing comes of it, or not for half of the time, see who it is that is silent."""
        task = asyncio.ensure_future(attempt)
        try:
            left = self._terms.deadline - asyncio.get_running_loop().time()
            done, _ = await asyncio.wait({task}, timeout=left / 2)
            if not done:
                await self._line.identify()
            return await task
        except Failure as failure:
            if failure.code in _AMBIGUOUS and task.done():
                await self._line.identify()
            raise
        finally:
            await _end(task)

    async def then(self) -> None:
        """See what the level did not ask for, as long as there is time."""
        sight = self._sight
        with suppress(Failure, TooMuch, OSError, ValueError):
            async with asyncio.timeout_at(self._terms.deadline):
                if sight.rejected or any(problem.code == "tls-too-old" for problem in sight.problems):
                    sight.presented = await self._glance()
                if sight.presented:
                    await asyncio.gather(self._compare(), self._verify(sight.presented.der))

    async def _glance(self) -> Presented:
        """Shake hands with whoever it is, to see the certificate."""
        with await self._line.dial() as wire:
            return await self._line.encrypt(wire, handshake.for_nothing(self._line.dialect.alpn))

    async def _verify(self, der: bytes) -> None:
        self._sight.verified = await verify(self._line, der, self._sight.verified)

    async def _compare(self) -> None:
        """Hold the answer in clear against that inside TLS."""
        if self._clear is None or not self._sight.answer:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                clear = await self._clear
            self._sight.enforced = None if clear is None else self._line.dialect.denies(self._sight.answer, clear)

    async def release(self) -> None:
        """Close everything."""
        self._stack.close()
        if self._clear:
            await _end(self._clear)


async def _end(task: asyncio.Task[T]) -> None:
    """Cancel `task`, and wait until it has closed what it held."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


_TIMED_OUT = (
    "{0} did not answer within {1:g} seconds ({2}); see whether the right server listens there, "
    "and whether this machine is let through to it"
)
_LOST = "{0} closed the connection ({1}); see its log, or that of a proxy before it"
_ENDLESS = "{0} talks without end, which no server of this kind does; correct host and port"
