"""A PostgreSQL that completes the handshake of TLS and the start-up packet, and then does as it is told.

`fakes` is for what happens before TLS. Messages are those of the PostgreSQL manual, "Message Formats".
"""

from __future__ import annotations

import socket
import ssl
import struct
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from envconn_pytest.server_protocol import body, exactly, message
from envconn_pytest.tls_server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from throwaway.certificates import Pair

__all__ = ["Script", "Talker", "running"]

_PATIENCE = 8.0  # seconds for the client's next packet


def _error(code: str, severity: str = "FATAL") -> bytes:
    # The marker is what a server could echo, and the severity is translated by those that speak another language.
    text = f"S{severity}\0VFATAL\0C{code}\0MZq7xWv9kJb3: talkative: no\0\0"
    return message(b"E", text.encode())


_READY = message(b"Z", b"I")
_ASK_PASSWORD = message(b"R", struct.pack("!I", 3))


def _ask(method: int, *mechanisms: str) -> bytes:
    """A request for authentication, by its number in the manual; names are those of SASL's."""
    listed = "".join(f"{name}\0" for name in mechanisms).encode() + b"\0" if mechanisms else b""
    return message(b"R", struct.pack("!I", method) + listed)


_WELCOME = b"".join(
    (
        message(b"R", struct.pack("!I", 0)),
        message(b"S", b"server_version\x0017.0\0"),
        message(b"S", b"client_encoding\0UTF8\0"),
        message(b"S", b"DateStyle\0ISO, MDY\0"),
        message(b"S", b"standard_conforming_strings\0on\0"),
        message(b"K", struct.pack("!II", 1, 1)),
        _READY,
    )
)


_BABBLE = b"".join(
    (
        *(message(kind, b"") for kind in (b"1", b"2")),
        message(b"T", struct.pack("!H", 1) + b"x\0" + struct.pack("!IHIHIH", 0, 0, 25, 0xFFFF, 0xFFFFFFFF, 0)),
        message(b"D", struct.pack("!HI", 1, 14) + b"\xff\x1b[31m 1.5 \x00e9"),
        message(b"C", b"SELECT 1\0"),
        _READY,
    )
)
_NOTHING = message(b"I", b"") + _READY
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
    BABBLING = (_WELCOME, _BABBLE)
    EMPTY = (_WELCOME, _NOTHING)
    LEAVING = (_WELCOME, _error("57P01"))
    GONE = (_WELCOME, None)
    ONCE = (_WELCOME, _IGNORANCE, _error("53300"))
    ONCE_THEN_SILENT = (_WELCOME, _IGNORANCE, b"")
    GSS = (_ask(7), b"")
    SSPI = (_ask(9), b"")
    OAUTH = (_ask(10, "OAUTHBEARER"), b"")
    OTHER_SASL = (_ask(10, "SCRAM-SHA-1024"), b"")
    KERBEROS_4 = (_ask(1), b"")
    CLEAR_TEXT = (_ASK_PASSWORD, b"")
    CLEAR_TEXT_IGNORANT = (_ASK_PASSWORD, _IGNORANCE)


@dataclass
class Talker:
    """One on `port` of the loopback interface; `passwords` are those that it received as plain text inside TLS."""

    script: Script
    port: int
    context: ssl.SSLContext = field(repr=False)
    passwords: list[str] = field(default_factory=list)
    startups: int = 0

    def uri(self, driver: str = "", **parameters: str) -> str:
        """Return its address, through that driver, with a password to be lost."""
        scheme = f"postgresql+{driver}" if driver else "postgresql"
        query = urlencode(parameters, quote_via=quote)
        return f"{scheme}://talkative:Zq7xWv9kJb3@localhost:{self.port}/postgres?{query}"

    def serve(self, plain: socket.socket) -> None:
        """Talk to one client until it leaves, or for as long as patience lasts."""
        plain.settimeout(_PATIENCE)
        try:
            with plain:
                body(plain)
                plain.sendall(b"S")
                with self.context.wrap_socket(plain, server_side=True) as connection:
                    body(connection)
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
        while (kind := exactly(connection, 1)) != b"X":
            content = body(connection)
            if first == _ASK_PASSWORD and kind == b"p":
                self.passwords.append(content.rstrip(b"\0").decode())
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
        with serving(listener, talker.serve):
            yield talker
