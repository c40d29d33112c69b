"""A PostgreSQL that completes the handshake of TLS and the start-up packet, and then does as it is told.

`fakes` is for what happens before TLS. Messages are those of the PostgreSQL manual, "Message Formats".
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from throwaway.certificates import Pair

__all__ = ["Script", "Talker", "running"]

_PATIENCE = 8.0  # seconds for the client's next packet


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def _error(code: str, severity: str = "FATAL") -> bytes:
    # The marker is what a server could echo, and the severity is translated by those that speak another language.
    text = f"S{severity}\0VFATAL\0C{code}\0MhX7qZ2vK9wMb: talkative: no\0\0"
    return _message(b"E", text.encode())


_READY = _message(b"Z", b"I")
_ASK_PASSWORD = _message(b"R", struct.pack("!I", 3))
_WELCOME = b"".join(
    (
        _message(b"R", struct.pack("!I", 0)),
        _message(b"S", b"server_version\x0017.0\0"),
        _message(b"S", b"client_encoding\0UTF8\0"),
        _message(b"S", b"DateStyle\0ISO, MDY\0"),
        _message(b"S", b"standard_conforming_strings\0on\0"),
        _message(b"K", struct.pack("!II", 1, 1)),
        _READY,
    )
)


_IGNORANCE = _error("42883", "ERROR") + _READY


class Script(Enum):
    """What follows the start-up packet: what is sent at once, to every message after that, and to every later client.

    `None` closes the connection.
    """

    SILENT = (b"", b"")
    MUTE = (_WELCOME, b"")
    CLOSE = (None, None)
    GARBAGE = (b"HTTP/1.1 400 Bad Request\r\n\r\n" * 40, b"")
    STARTING = (_error("57P03"), b"")
    TRANSLATED = (_error("28P01", "СЕРЬЁЗНО"), b"")
    IGNORANT = (_WELCOME, _IGNORANCE)
    LEAVING = (_WELCOME, _error("57P01"))
    GONE = (_WELCOME, None)
    ONCE = (_WELCOME, _IGNORANCE, _error("53300"))
    ONCE_THEN_SILENT = (_WELCOME, _IGNORANCE, b"")
    CLEAR_TEXT = (_ASK_PASSWORD, b"")
    CLEAR_TEXT_IGNORANT = (_ASK_PASSWORD, _IGNORANCE)


@dataclass
class Talker:
    """One on `port` of the loopback interface; `passwords` are those that it was sent in clear text inside TLS."""

    script: Script
    port: int
    context: ssl.SSLContext = field(repr=False)
    passwords: list[str] = field(default_factory=list)
    startups: int = 0

    def uri(self, driver: str = "", **parameters: str) -> str:
        """Return its address, through that driver, with a password to be lost."""
        scheme = f"postgresql+{driver}" if driver else "postgresql"
        query = urlencode(parameters, quote_via=quote)
        return f"{scheme}://talkative:hX7qZ2vK9wMb@localhost:{self.port}/postgres?{query}"

    def serve(self, plain: socket.socket) -> None:
        """Talk to one client until it leaves, or for as long as patience lasts."""
        plain.settimeout(_PATIENCE)
        try:
            with plain:
                _body(plain)
                plain.sendall(b"S")
                with self.context.wrap_socket(plain, server_side=True) as connection:
                    _body(connection)
                    self._follow(connection)
        except OSError:
            return

    def _follow(self, connection: socket.socket) -> None:
        first, rest, *later = self.script.value
        self.startups += 1
        if later and self.startups > 1:
            [first] = later
        if first is None:
            return
        if first:  # OpenSSL writes no nothing
            connection.sendall(first)
        while (kind := _exactly(connection, 1)) != b"X":
            body = _body(connection)
            if first == _ASK_PASSWORD and kind == b"p":
                self.passwords.append(body.rstrip(b"\0").decode())
                connection.sendall(_WELCOME)
            elif rest is None:
                return
            elif rest and kind in b"QS":  # the end of a question, whatever came before
                connection.sendall(rest)
                if self.script is Script.LEAVING:
                    return


@contextmanager
def running(script: Script, pair: Pair) -> Iterator[Talker]:
    """Run one until the block ends, with the certificate of `pair`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.chain, pair.key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        talker = Talker(script, listener.getsockname()[1], context)
        thread = threading.Thread(target=_accept, args=(listener, talker), daemon=True)
        thread.start()
        try:
            yield talker
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(_PATIENCE)


def _accept(listener: socket.socket, talker: Talker) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=talker.serve, args=(connection,), daemon=True).start()


def _body(connection: socket.socket) -> bytes:
    length: int = struct.unpack("!I", _exactly(connection, 4))[0]
    if not 4 <= length <= 10_000:
        raise ConnectionError("not a packet")
    return _exactly(connection, length - 4)


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise ConnectionError("the client left")
        data += more
    return data
