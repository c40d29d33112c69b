"""asyncpg: a login in an event loop of its own."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import cast

import asyncpg

from envconn.drivers import asyncpg as arguments
from envconn.probe.login.libpq import refused
from envconn.probe.login.outcome import Failure, classify, left

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from envconn.tls import SecuredConnection


def open_session(connection: SecuredConnection, until: float) -> _Session | Failure:
    """Log in with asyncpg's arguments for `connection`, with less time, and as if there were a pooler.

    Raises:
        ConfigurationError: asyncpg does not support what the connection requires.
    """
    given = arguments.arguments(connection)
    # A pooler that is not known to be there would mix up named statements.
    given |= {"statement_cache_size": 0, "timeout": min(left(until), given.get("timeout", left(until)))}
    loop = _Loop()
    runner = asyncio.Runner(loop_factory=lambda: loop)
    raw = _run(runner, asyncpg.connect, until, **given)
    session = _Session(runner, loop, raw)
    if isinstance(raw, Failure):
        session.close()
        return raw
    return session


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that looks names up itself, and leaves no socket behind.

    A thread of the executor would delay the end of the process. asyncpg ends what it gives up by closing TLS, and
    a server that does not answer delays that.
    """

    def __init__(self) -> None:
        super().__init__()
        self._opened: list[asyncio.BaseTransport] = []

    async def create_connection(self, *given: Any, **named: Any) -> Any:
        transport, protocol = await super().create_connection(*given, **named)
        self._opened.append(transport)
        return transport, protocol

    async def getaddrinfo(self, *given: Any, **named: Any) -> Any:
        return socket.getaddrinfo(*given, **named)

    async def abandon(self) -> None:
        """Close every socket."""
        for transport in self._opened:
            cast("asyncio.Transport", transport).abort()
        await asyncio.sleep(0)


def _run(runner: asyncio.Runner, work: Any, until: float, *given: object, **named: object) -> Any:
    """Return the result of `work` if it ends in time, or the failure."""

    async def limited() -> Any:
        async with asyncio.timeout(left(until)):
            return await work(*given, **named)

    try:
        return runner.run(limited())
    except asyncpg.PostgresError as error:
        return refused(error.sqlstate or "", str(error))
    except Exception as error:  # noqa: BLE001 - of what the other side may send, asyncpg foresees a part
        return next((Failure(code) for words, code in _SAID if words in str(error)), None) or classify(error)


_SAID = (
    ("rejected SSL", "tls-failed"),
    ("authentication method", "login-method-unsupported"),
    ("Authentication methods", "login-method-unsupported"),
    ("gssapi module", "login-method-unsupported"),
)
"""asyncpg's own texts (connect_utils.py, protocol/coreproto.pyx)."""


class _Session:
    tls = None

    def __init__(self, runner: asyncio.Runner, loop: _Loop, raw: Any) -> None:
        self._runner = runner
        self._loop = loop
        self._raw = raw
        self._answers = not isinstance(raw, Failure)

    @property
    def backend_pid(self) -> int | None:
        return int(self._raw.get_server_pid())

    def ask(self, query: str, until: float) -> Sequence[str | None] | Failure:
        row: Sequence[str | None] | Failure = _run(self._runner, self._row, until, query)
        self._answers = not isinstance(row, Failure)
        return row

    async def _row(self, query: str) -> Sequence[str | None]:
        # In a transaction, so that a pooler keeps Parse and Execute together.
        async with self._raw.transaction():
            return [None if value is None else str(value) for value in await self._raw.fetchrow(query) or ()]

    def close(self) -> None:
        with self._runner as runner:
            if self._answers:
                with suppress(Exception):
                    runner.run(self._raw.close(timeout=1))
            runner.run(self._loop.abandon())
