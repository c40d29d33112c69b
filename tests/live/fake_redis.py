"""As much of a Redis as Django's cache needs, over TLS or in clear, which remembers what it was told."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from throwaway.certificates import Pair

__all__ = ["FakeRedis", "running"]

_PATIENCE = 5.0  # seconds for the client's next command


@dataclass
class FakeRedis:
    """A server on `port` of the loopback interface; `commands` are the words of each, in order of arrival."""

    port: int
    context: ssl.SSLContext | None = field(default=None, repr=False)
    commands: list[list[bytes]] = field(default_factory=list)
    values: dict[bytes, bytes] = field(default_factory=dict)

    def serve(self, connection: socket.socket) -> None:
        """Answer one client until it leaves, or for as long as patience lasts."""
        connection.settimeout(_PATIENCE)
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rwb") as stream:
                while command := _command(stream):
                    self.commands.append(command)
                    stream.write(self._answer(*command))
                    stream.flush()
        except (OSError, ValueError):  # the latter for a TLS handshake where none is expected
            return

    def _answer(self, name: bytes, *arguments: bytes) -> bytes:
        if name == b"HELLO":
            return b"%2\r\n+server\r\n+fake\r\n+proto\r\n:3\r\n"
        if name == b"GET":
            value = self.values.get(arguments[0])
            return b"$-1\r\n" if value is None else b"$%d\r\n%s\r\n" % (len(value), value)
        if name == b"SET":
            self.values[arguments[0]] = arguments[1]
        return b"+PONG\r\n" if name == b"PING" else b"+OK\r\n"


@contextmanager
def running(pair: Pair | None) -> Iterator[FakeRedis]:
    """Run one until the block ends, with the certificate of `pair`, or without TLS."""
    context = None
    if pair is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.chain, pair.key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fake = FakeRedis(listener.getsockname()[1], context)
        thread = threading.Thread(target=_accept, args=(listener, fake), daemon=True)
        thread.start()
        try:
            yield fake
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(_PATIENCE)


def _accept(listener: socket.socket, fake: FakeRedis) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=fake.serve, args=(connection,), daemon=True).start()


class _Stream(Protocol):
    def readline(self) -> bytes: ...
    def read(self, size: int, /) -> bytes: ...


def _command(stream: _Stream) -> list[bytes]:
    """Read one command of the Redis protocol: an array of strings, each with its length."""
    count = int(stream.readline()[1:] or 0)
    return [stream.read(int(stream.readline()[1:]) + 2)[:-2] for _ in range(count)]
