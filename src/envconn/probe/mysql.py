"""MySQL: the server greets, and TLS is asked for by ``SSLRequest``, the beginning of a login that stops there."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from envconn.probe.dialect import Dialect, Trouble

if TYPE_CHECKING:
    from envconn.probe.wire import Wire

__all__ = ["MySQL"]

_LONGEST = 4_096
_VERSION, _ERROR = 10, 0xFF
_CLIENT_SSL, _PROTOCOL_41 = 0x0800, 0x0200
_TOO_MANY_CONNECTIONS = 1040

_REQUEST = struct.pack("<I", 32)[:3] + b"\x01" + struct.pack("<IIB23x", _PROTOCOL_41 | _CLIENT_SSL, 1 << 24, 45)
"""Capabilities, the largest packet, a character set, and 23 zeros (Protocol::SSLRequest)."""


class MySQL(Dialect):
    """No question is put behind TLS: each would be a login."""

    title = "a MySQL server"
    enforcing = "set require_secure_transport = ON"
    full = "ssl-mode=VERIFY_IDENTITY"
    ca = "ssl-ca"
    negotiates = True

    async def consents(self, wire: Wire, where: str) -> bool:
        """Read the greeting, and ask for TLS if it offers that."""
        greeting = await self.answer(wire)
        self.check(greeting, where)
        if not _capabilities(greeting) & _CLIENT_SSL:
            return False
        await wire.send(_REQUEST)
        return True

    async def answer(self, wire: Wire) -> bytes:
        """Return the greeting with the four bytes before it."""
        start = await wire.exactly(5)
        length = int.from_bytes(start[:3], "little")
        if len(start) < 5 or not 3 <= length <= _LONGEST:
            return start
        return start + await wire.exactly(length - 1)

    def understood(self, answer: bytes) -> bool:
        """Whether it is a greeting of version 10, or an error in place of one."""
        return len(answer) > 6 and answer[3] == 0 and answer[4] in {_VERSION, _ERROR}

    def trouble(self, answer: bytes) -> Trouble | None:
        """What keeps it from serving."""
        if answer[4] != _ERROR:
            return None
        number = int.from_bytes(answer[5:7], "little")
        if number == _TOO_MANY_CONNECTIONS:
            return Trouble("server-full", "takes no more connections; raise max_connections")
        return Trouble("login-refused", f"denies this machine (error {number}); see its log")


def _capabilities(greeting: bytes) -> int:
    """The lower half of the server's capabilities: behind its version, a number, eight bytes and a zero."""
    _, end, rest = greeting[5:].partition(b"\0")
    return int.from_bytes(rest[13:15], "little") if end else 0
