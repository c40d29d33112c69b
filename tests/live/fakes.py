"""Servers that answer a request for TLS as no honest PostgreSQL would, and remember what they were told.

After its answer a fake behaves like a server without TLS: it takes a start-up packet, asks for the
password as plain text, and accepts any. A client that gets that far has been downgraded.
Messages are those of the PostgreSQL manual, "Message Formats".
"""

from __future__ import annotations

import socket
import ssl
import struct
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from envconn_pytest.server_protocol import body, exactly, message
from envconn_pytest.tls_server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from throwaway.certificates import Pair

__all__ = ["Answer", "Fake", "running"]

_PATIENCE = 5.0  # seconds for the client's next packet


def _error(code: str, text: str) -> bytes:
    return message(b"E", f"SFATAL\0VFATAL\0C{code}\0M{text}\0\0".encode())


_ASK_PASSWORD = message(b"R", struct.pack("!I", 3))
_PARAMETERS = {
    "server_version": "17.0",
    "client_encoding": "UTF8",
    "DateStyle": "ISO, MDY",
    "standard_conforming_strings": "on",
}
_WELCOME = b"".join(
    (
        message(b"R", struct.pack("!I", 0)),
        *(message(b"S", f"{name}\0{value}\0".encode()) for name, value in _PARAMETERS.items()),
        message(b"K", struct.pack("!II", 1, 1)),
        message(b"Z", b"I"),
    )
)


class Answer(Enum):
    """What a fake says to SSLRequest."""

    N = b"N"
    ERROR = _error("0A000", "no")
    GARBAGE = b"\xff\xfe\x00garbage\r\n"
    CLOSE = b""
    INJECT = (
        b"S" + _ASK_PASSWORD
    )  # CVE-2021-23222: unencrypted bytes after the consent; libpq looks after the handshake
    CONSENT = b"S"  # honest so far: it asks for the password as plain text over TLS, as a man in the middle would


class Request(Enum):
    """The codes that stand where a start-up packet has its protocol version."""

    CANCEL = 80877102
    SSL = 80877103
    GSSENC = 80877104


@dataclass
class Fake:
    """A fake on `port` of the loopback interface, with what it has seen on all connections so far.

    `startups` and `passwords` arrived unencrypted, `confided` are the passwords that arrived over TLS.
    """

    answer: Answer
    port: int
    context: ssl.SSLContext | None = field(default=None, repr=False)
    requests: list[str] = field(default_factory=list)
    startups: list[dict[str, str]] = field(default_factory=list)
    passwords: list[str] = field(default_factory=list)
    confided: list[str] = field(default_factory=list)
    saw_tls: bool = False

    @property
    def saw_startup_unencrypted(self) -> bool:
        """Say whether a user name and a database name arrived unencrypted."""
        return bool(self.startups)

    @property
    def saw_password_unencrypted(self) -> bool:
        """Say whether a password arrived unencrypted."""
        return bool(self.passwords)

    def uri(self, host: str = "localhost", **parameters: str) -> str:
        """Return an address like `throwaway.server.Server.uri` does, with a password to be lost."""
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        return f"postgresql://app:marker-password@{host}:{self.port}/postgres" + (f"?{query}" if query else "")

    def serve(self, connection: socket.socket) -> None:
        """Talk to one client until it leaves, or for as long as patience lasts."""
        connection.settimeout(_PATIENCE)
        with connection:
            try:
                while self._step(connection):
                    pass
            except OSError:
                return

    def _step(self, connection: socket.socket) -> bool:
        """Answer one packet of the start-up phase; false when the connection is over."""
        packet = _packet(connection)
        if packet is None:
            self.saw_tls = True
            if self.context is not None:
                self._shake_hands(connection, self.context)
            return False
        code = struct.unpack("!I", packet[:4])[0]
        if code == Request.SSL.value:
            self.requests.append("ssl")
            connection.sendall(self.answer.value)
            return self.answer is not Answer.CLOSE
        if code == Request.GSSENC.value:
            self.requests.append("gssenc")
            connection.sendall(b"N")
            return True
        if code != Request.CANCEL.value:
            self._startup(connection, packet[4:])
        return False

    def _shake_hands(self, connection: socket.socket, context: ssl.SSLContext) -> None:
        """Complete the handshake; go on over TLS after an honest consent, else say nothing until the client leaves."""
        with context.wrap_socket(connection, server_side=True) as encrypted:
            if self.answer is Answer.CONSENT:
                body(encrypted)
                self._login(encrypted, self.confided)
            while encrypted.recv(1_000):
                pass

    def _startup(self, connection: socket.socket, packet: bytes) -> None:
        words = [word.decode("utf-8", "replace") for word in packet.split(b"\0")]
        self.startups.append(dict(zip(words[::2], words[1::2], strict=False)))
        self._login(connection, self.passwords)

    def _login(self, connection: socket.socket, passwords: list[str]) -> None:
        connection.sendall(_ASK_PASSWORD)
        if exactly(connection, 1) == b"p":
            passwords.append(body(connection).rstrip(b"\0").decode("utf-8", "replace"))
            connection.sendall(_WELCOME)
        while exactly(connection, 1) != b"X":
            body(connection)
            connection.sendall(_error("0A000", "this server is a fake"))


@contextmanager
def running(answer: Answer, pair: Pair | None = None, *, address: str = "127.0.0.1", port: int = 0) -> Iterator[Fake]:
    """Run a fake until the block ends, on a free port unless one is given. With `pair` it can do TLS after all."""
    context = None
    if pair is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.chain, pair.key)
    with socket.create_server((address, port)) as listener:
        fake = Fake(answer, listener.getsockname()[1], context)
        with serving(listener, fake.serve):
            yield fake


def _packet(connection: socket.socket) -> bytes | None:
    """Read a packet of the start-up phase without its length; `None` when TLS begins instead."""
    if connection.recv(1, socket.MSG_PEEK) == b"\x16":  # a TLS handshake: sslnegotiation=direct, or after our "S"
        return None
    return body(connection)
