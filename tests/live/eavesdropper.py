"""A server without a protocol: it accepts clients, over TLS or not, and keeps what they send first."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from throwaway.certificates import Pair

__all__ = ["Eavesdropper", "listening", "one_by_one"]

_PATIENCE = 0.5  # seconds of silence after which a client has sent everything,
_BEFORE = 3  # and before its first word, when it may still be reading its CAs


@dataclass
class Eavesdropper:
    """Listens on `port` of the loopback interface. `received` is what each client sent, decrypted."""

    port: int
    context: ssl.SSLContext | None = field(repr=False)
    received: list[bytes] = field(default_factory=list)

    def attend(self, client: socket.socket) -> None:
        """Receive from `client` until it is silent. One that refuses the certificate has sent nothing."""
        client.settimeout(_BEFORE)
        data = b""
        with suppress(OSError):
            if self.context:
                client = self.context.wrap_socket(client, server_side=True)
            while part := client.recv(4096):
                data += part
                client.settimeout(_PATIENCE)
        self.received.append(data)
        client.close()


@contextmanager
def listening(pair: Pair | None, address: tuple[str, int] = ("127.0.0.1", 0)) -> Iterator[Eavesdropper]:
    """Listen at `address` until the block ends, presenting `pair`, or without TLS."""
    context = None
    if pair is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.chain, pair.key)
    with socket.create_server(address) as listener:
        recorder = Eavesdropper(listener.getsockname()[1], context)
        with one_by_one(listener, recorder.attend):
            yield recorder


@contextmanager
def one_by_one(listener: socket.socket, attend: Callable[[socket.socket], None]) -> Iterator[None]:
    """Call `attend` with each client of `listener`, one after the other, until the block ends."""

    def accept() -> None:
        with suppress(OSError):
            while True:
                attend(listener.accept()[0])

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)
