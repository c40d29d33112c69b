"""AMQP 0-9-1: TLS from the first byte, then the protocol header, which a broker answers with ``Connection.Start``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envconn.probe.dialect import Dialect

if TYPE_CHECKING:
    from envconn.probe.wire import Wire

__all__ = ["Amqp"]

_START = b"\x00\x0a\x00\x0a"
"""Class 10, method 10 (AMQP 0-9-1, section 1.4.2.1), behind the seven bytes of the frame's header."""


class Amqp(Dialect):
    """A broker of another version answers with the header of its own."""

    title = "an AMQP broker"
    hello = b"AMQP\x00\x00\x09\x01"
    enforcing = "write listeners.tcp = none in RabbitMQ's configuration"
    full = "verify=verify_peer"
    ca = "cacertfile"

    async def answer(self, wire: Wire) -> bytes:
        """Return the header of the first frame and which method it is."""
        return await wire.exactly(7 + len(_START))

    def understood(self, answer: bytes) -> bool:
        """Whether it is a frame with ``Connection.Start``, or a protocol header."""
        return answer.startswith(b"AMQP") or (answer.startswith(b"\x01\x00\x00") and answer[7:] == _START)
