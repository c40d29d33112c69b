"""A connection to one address: sending, receiving, and TLS over it once that is asked for.

Not asyncio's streams: they read ahead, and what a man in the middle says in clear behind a server's consent to TLS
(CVE-2021-23222) would then be read as if it had come encrypted. Here the bytes that follow go into the TLS engine.
Nothing waits here with a limit of its own; whoever calls sets one with `asyncio.timeout`.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from contextlib import suppress
from typing import TypeVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self, TypeAlias

    from envconn.connection import Host


LIMIT = 262_144
"""The most that is read from one connection, in bytes; a handshake with a long chain takes 10,000."""

_AT_ONCE = 16_384

Place: TypeAlias = tuple[int, object]
"""An address family, and an address of it as `socket` wants it."""

T = TypeVar("T")


class TooMuch(Exception):
    """More than `LIMIT` bytes came."""


async def places(host: Host, socket_path: str) -> list[Place]:
    """Return the addresses of `host`, none if its name is not known; `socket_path` is that of its unix socket."""
    if host.is_socket:
        return [(socket.AF_UNIX, f"\0{socket_path[1:]}" if socket_path.startswith("@") else socket_path)]
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[Place]] = loop.create_future()

    def look_up() -> None:
        answer = _look_up(host.hostaddr or host.host, host.port)
        with suppress(RuntimeError):  # nobody waits any more
            loop.call_soon_threadsafe(_settle, found, answer)

    # A look-up cannot be cancelled. A daemon's thread holds up nobody, where asyncio's own would be waited for.
    threading.Thread(target=look_up, daemon=True).start()
    return await found


def _look_up(name: str, port: int) -> list[Place]:
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [(family, address) for family, _, _, _, address in found]


def _settle(future: asyncio.Future[T], value: T) -> None:
    with suppress(asyncio.InvalidStateError):  # given up meanwhile
        future.set_result(value)


def address(place: Place) -> str:
    """Return the IP address or the path of `place`."""
    where = place[1]
    return str(where[0]) if isinstance(where, tuple) else str(where).replace("\0", "@", 1)


async def dial(place: Place) -> Wire:
    """Connect to `place`.

    Raises:
        OSError: it cannot be reached.
    """
    family, address = place
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)  # noqa: FBT003
        await asyncio.get_running_loop().sock_connect(sock, address)  # type: ignore[arg-type]
    except BaseException:
        sock.close()
        raise
    return Wire(sock)


class Wire:
    """A connection that is open until the end of its ``with`` block."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._left = LIMIT
        self.tls: ssl.SSLObject | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.close()

    @property
    def silent(self) -> bool:
        """Whether nothing at all has come."""
        return self._left == LIMIT

    async def send(self, data: bytes) -> None:
        """Send `data`, over TLS if there is any. A connection that is gone shows when its answer is read."""
        with suppress(ConnectionError):
            if self.tls is None:
                await self._loop.sock_sendall(self._sock, data)
            else:
                self.tls.write(data)
                await self._flush()

    async def receive(self, count: int) -> bytes:
        """Return what comes next, at most `count` bytes; nothing when the other side has closed.

        Raises:
            OSError, ssl.SSLError: the connection broke, or a TLS alert came.
            TooMuch: that is enough.
        """
        if self.tls is None:
            return await self._read(count)
        tls = self.tls
        data = b""
        with suppress(ssl.SSLEOFError):
            data = await self._pump(lambda: tls.read(count))
        return data

    async def exactly(self, count: int) -> bytes:
        """Return the next `count` bytes, fewer where the other side closes before."""
        data = b""
        while len(data) < count and (more := await self.receive(count - len(data))):
            data += more
        return data

    async def shake_hands(self, context: ssl.SSLContext, name: str) -> ssl.SSLObject:
        """Begin TLS as a client of the server `name`.

        Raises:
            OSError, ssl.SSLError: it failed.
            ValueError: `name` cannot be asked for.
            TooMuch: that is enough.
        """
        tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        await self._pump(tls.do_handshake)
        self.tls = tls
        return tls

    async def _pump(self, step: Callable[[], T]) -> T:
        """Repeat `step` until it has all the bytes that it wants, and send what it wants to be sent."""
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                pass
            finally:
                await self._flush()  # an alert, where it failed
            if data := await self._read(_AT_ONCE):
                self._incoming.write(data)
            else:
                self._incoming.write_eof()

    async def _flush(self) -> None:
        with suppress(ConnectionError):
            if data := self._outgoing.read():
                await self._loop.sock_sendall(self._sock, data)

    async def _read(self, count: int) -> bytes:
        data = await self._loop.sock_recv(self._sock, count)
        self._left -= len(data)
        if self._left < 0:
            raise TooMuch
        return data
