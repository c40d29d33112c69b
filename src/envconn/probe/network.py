"""A connection to one address: send, receive, and TLS over it when it is requested. Threads for calls that block.

asyncio's streams are not used because they read ahead: what a man in the middle sends unencrypted after a server's
consent to TLS (CVE-2021-23222) would be read as if it were encrypted. Here these bytes go into the TLS engine.
Nothing here has a time limit of its own; the caller sets one with `asyncio.timeout`.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import sys
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from typing import TypeVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self, TypeAlias

    from envconn.connection import Host


LIMIT = 262_144
"""The most bytes read from one connection; a handshake with a long chain takes 10,000."""

_AT_ONCE = 16_384

Place: TypeAlias = tuple[int, object]
"""An address family, and an address of it in `socket`'s form."""

T = TypeVar("T")


class TooMuch(Exception):
    """More than `LIMIT` bytes were received."""


async def places(host: Host, socket_path: str) -> list[Place]:
    """Return the addresses of `host`, none if its name is unknown; `socket_path` is that of its unix socket."""
    if host.is_socket:
        if sys.platform == "win32":
            return []
        return [(socket.AF_UNIX, f"\0{socket_path[1:]}" if socket_path.startswith("@") else socket_path)]
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[Place]] = loop.create_future()

    def look_up() -> None:
        answer = _look_up(host.hostaddr or host.host, host.port)
        with suppress(RuntimeError):  # the event loop is closed
            loop.call_soon_threadsafe(_settle, found, answer)

    # A look-up cannot be cancelled. A daemon thread does not delay the end of the process; asyncio's own would.
    Thread(target=look_up, daemon=True).start()
    return await found


def _look_up(name: str, port: int) -> list[Place]:
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [(family, address) for family, _, _, _, address in found]


def _settle(future: asyncio.Future[T], value: T) -> None:
    with suppress(asyncio.InvalidStateError):  # cancelled meanwhile
        future.set_result(value)


def address(place: Place) -> str:
    """Return the IP address or the path of `place`."""
    where = place[1]
    return str(where[0]) if isinstance(where, tuple) else str(where).replace("\0", "@", 1)


async def dial(place: Place) -> Wire:
    """Connect to `place`.

    Raises:
        OSError: it is unreachable.
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


_PARTING = 0.5
"""Seconds to wait until the other side has closed as well."""


_CREDENTIALS = struct.Struct("3i")
"""Process, user and group (unix(7), SO_PEERCRED)."""


class Wire:
    """A connection that is open until the end of its ``async with`` block."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._left = LIMIT
        self.tls: ssl.SSLObject | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.finish()

    async def finish(self) -> None:
        """Close the connection. One that uses TLS is ended first, and the other side's end is waited for shortly.

        PostgreSQL logs a connection that is reset, which closing it does while something is unread, such as TLS 1.3's
        session tickets.
        """
        try:
            if self.tls is not None:
                async with asyncio.timeout(_PARTING):
                    await self._pump(self.tls.unwrap)
                    while await self._read(_AT_ONCE):
                        pass
        except (OSError, TooMuch):
            pass  # it is closed without it
        finally:
            self._sock.close()

    @property
    def silent(self) -> bool:
        """Whether nothing has been received."""
        return self._left == LIMIT

    def account(self) -> str | None:
        """Return the account that the server of this unix socket runs under, `None` if that is unknown."""
        if sys.platform == "linux":  # unix(7); other systems have other calls
            from pwd import getpwuid

            with suppress(KeyError, OSError):
                found = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
                return getpwuid(_CREDENTIALS.unpack(found)[1]).pw_name
        return None

    async def send(self, data: bytes) -> None:
        """Send `data`, over TLS once it has begun. A broken connection is noticed when its answer is read."""
        with suppress(ConnectionError):
            if self.tls is None:
                await self._loop.sock_sendall(self._sock, data)
            else:
                self.tls.write(data)
                await self._flush()

    async def receive(self, count: int) -> bytes:
        """Return the next bytes, at most `count`; nothing when the other side has closed.

        Raises:
            OSError, ssl.SSLError: the connection broke, or a TLS alert arrived.
            TooMuch: more than `LIMIT` bytes were received.
        """
        if self.tls is None:
            return await self._read(count)
        tls = self.tls
        data = b""
        with suppress(ssl.SSLEOFError):
            data = await self._pump(lambda: tls.read(count))
        return data

    async def exactly(self, count: int) -> bytes:
        """Return the next `count` bytes, fewer if the other side closes first."""
        data = b""
        while len(data) < count and (more := await self.receive(count - len(data))):
            data += more
        return data

    async def shake_hands(self, context: ssl.SSLContext, name: str | None) -> ssl.SSLObject:
        """Begin TLS as a client of the server `name`, which is not sent if it is `None`.

        Raises:
            OSError, ssl.SSLError: it failed.
            ValueError: `name` is not a valid server name.
            TooMuch: more than `LIMIT` bytes were received.
        """
        tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        await self._pump(tls.do_handshake)
        self.tls = tls
        return tls

    async def _pump(self, step: Callable[[], T]) -> T:
        """Repeat `step`, receive the bytes that it needs, and send those that it produces, until it is done."""
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                pass
            finally:
                await self._flush()  # an alert, if it failed
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


def run_in_thread(work: Callable[[], T]) -> Future[T]:
    """Start `work` in a thread of its own, and return the future of its result.

    It is a daemon thread: if a resolver or driver hangs, neither the end of the process nor a signal waits for
    it. An event loop that runs in the caller's thread is not affected.
    """
    future: Future[T] = Future()
    Thread(target=_run, args=(work, future), daemon=True).start()
    return future


def _run(work: Callable[[], T], future: Future[T]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
        future.set_exception(error)
