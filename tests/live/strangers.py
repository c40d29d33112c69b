"""Servers that are no databases, or no servers at all; they remember every byte they were sent."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from throwaway.certificates import Pair

__all__ = ["Behaviour", "Stranger", "behind_tls", "drip", "endless", "never", "running", "say", "wait_and"]

_PATIENCE = 20.0  # seconds that a thread lasts at most

Behaviour: TypeAlias = "Callable[[socket.socket, Stranger], None]"

SSL_REQUEST = struct.pack("!II", 8, 80877103)


@dataclass
class Stranger:
    """A server on `port` of the loopback interface; `received` holds what came on each connection, and inside TLS."""

    port: int
    received: list[bytes] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def uri(self, host: str = "localhost", scheme: str = "postgresql", **parameters: str) -> str:
        """Return an address with a password to be lost."""
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        return f"{scheme}://app:marker-password@{host}:{self.port}/0" + (f"?{query}" if query else "")

    def hear(self, connection: socket.socket) -> bytes:
        """Read and remember."""
        data = connection.recv(4_096)
        self.received.append(data)
        return data

    def pause(self, seconds: float) -> bool:
        """Wait, and say whether it is not over yet."""
        return not self.over.wait(seconds)


def never(connection: socket.socket, stranger: Stranger) -> None:
    """Say nothing, and keep the connection."""
    while stranger.hear(connection):
        pass


def say(*words: bytes, greets: bool = False) -> Behaviour:
    """Say one word for each that was heard (or the first at once, if it `greets`), then close."""

    def behave(connection: socket.socket, stranger: Stranger) -> None:
        for position, word in enumerate(words):
            if position or not greets:
                stranger.hear(connection)
            connection.sendall(word)

    return behave


def drip(word: bytes) -> Behaviour:
    """Say `word` byte by byte, over and over, ten of them in a second."""

    def behave(connection: socket.socket, stranger: Stranger) -> None:
        stranger.hear(connection)
        for position in range(int(_PATIENCE * 10)):
            connection.sendall(word[position % len(word) :][:1])
            if not stranger.pause(0.1):
                return

    return behave


def endless(start: bytes, more: bytes) -> Behaviour:
    """Say `start`, and then `more` without end."""

    def behave(connection: socket.socket, stranger: Stranger) -> None:
        stranger.hear(connection)
        connection.sendall(start)
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until and not stranger.over.is_set():
            connection.sendall(more)

    return behave


def behind_tls(
    pair: Pair, behave: Behaviour, *, asked: bool = True, context: ssl.SSLContext | None = None
) -> Behaviour:
    """Agree to TLS where that is `asked` for, shake hands, and behave inside. In clear: hear, and close."""
    if context is None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.chain, pair.key)

    def begin(connection: socket.socket, stranger: Stranger) -> None:
        if asked and stranger.hear(connection) != SSL_REQUEST:
            return
        if asked:
            connection.sendall(b"S")
        with context.wrap_socket(connection, server_side=True) as encrypted:
            behave(encrypted, stranger)

    return begin


def wait_and(seconds: float, behave: Behaviour) -> Behaviour:
    """Behave so, after `seconds`."""

    def begin(connection: socket.socket, stranger: Stranger) -> None:
        stranger.pause(seconds)
        behave(connection, stranger)

    return begin


@contextmanager
def running(behave: Behaviour, place: tuple[str, int] = ("127.0.0.1", 0)) -> Iterator[Stranger]:
    """Listen until the block ends, and treat every client like that."""
    with socket.create_server(place) as listener:
        stranger = Stranger(listener.getsockname()[1])
        threading.Thread(target=_accept, args=(listener, behave, stranger), daemon=True).start()
        try:
            yield stranger
        finally:
            stranger.over.set()
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, behave: Behaviour, stranger: Stranger) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_serve, args=(client, behave, stranger), daemon=True).start()


def _serve(client: socket.socket, behave: Behaviour, stranger: Stranger) -> None:
    client.settimeout(_PATIENCE)
    with client, suppress(OSError):
        behave(client, stranger)
