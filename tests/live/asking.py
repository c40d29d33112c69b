"""A PostgreSQL without TLS that requests the password of each client in plain text, and keeps it."""

from __future__ import annotations

import socket
import struct
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eavesdropper import one_by_one
from envconn_pytest.server_protocol import Malformed, exactly

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Asking", "asking"]

_ENCRYPTION = {80877103, 80877104}  # SSLRequest and GSSENCRequest (PostgreSQL manual, Message Formats)
_PLAIN_PASSWORD = b"R" + struct.pack("!II", 8, 3)


@dataclass
class Asking:
    """Listens on `port` of the loopback interface; `passwords` are those that it was sent."""

    port: int
    passwords: list[str] = field(default_factory=list)

    def ask(self, client: socket.socket) -> None:
        """Refuse encryption, and ask for the password."""
        client.settimeout(10)
        with suppress(OSError, Malformed), client:
            while True:
                length, code = struct.unpack("!II", exactly(client, 8))
                if code not in _ENCRYPTION:
                    break
                client.sendall(b"N")
            exactly(client, length - 8)
            client.sendall(_PLAIN_PASSWORD)
            _, length = struct.unpack("!cI", exactly(client, 5))
            self.passwords.append(exactly(client, length - 4).rstrip(b"\0").decode())


@contextmanager
def asking() -> Iterator[Asking]:
    """Listen until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Asking(listener.getsockname()[1])
        with one_by_one(listener, server.ask):
            yield server
