"""Messages of PostgreSQL's protocol on the server's side: write messages, and read those of a client.

They are those of the PostgreSQL manual, "Message Formats".
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket


_LONGEST = 1_000_000


class Malformed(ConnectionError):
    """The bytes are not a valid message, or not a complete one."""


def message(kind: bytes, content: bytes = b"") -> bytes:
    """Return a message of that kind."""
    return kind + struct.pack("!I", len(content) + 4) + content


def error(state: str, text: str, *, severity: str = "ERROR", routine: str = "") -> bytes:
    """Return an error with the SQLSTATE `state`; the other fields are as in "Error and Notice Message Fields"."""
    fields = {"S": severity, "V": severity, "C": state, "M": text, "R": routine}
    return message(b"E", "".join(f"{letter}{value}\0" for letter, value in fields.items() if value).encode() + b"\0")


def exactly(connection: socket.socket, count: int) -> bytes:
    """Read `count` bytes.

    Raises:
        Malformed: the client closes first.
        OSError: the connection is broken, or nothing arrived in time.
    """
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise Malformed("the client left")
        data += more
    return data


def body(connection: socket.socket, longest: int = _LONGEST) -> bytes:
    """Read the rest of a message, its length and its body, and return the body.

    Raises:
        Malformed: the length is invalid, or above `longest` bytes; or as for `exactly`.
        OSError: as for `exactly`.
    """
    length = int.from_bytes(exactly(connection, 4))
    if not 4 <= length <= longest:
        raise Malformed("not a packet")
    return exactly(connection, length - 4)


class Reader:
    """Reads one value after the other from the body of a message.

    Raises:
        Malformed: there are not enough bytes.
    """

    def __init__(self, content: bytes) -> None:
        self._left = content

    def bytes(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        if count > len(self._left):
            raise Malformed("a message ends too soon")
        taken, self._left = self._left[:count], self._left[count:]
        return taken

    def integer(self, size: int) -> int:
        """Return the next integer of `size` bytes."""
        return int.from_bytes(self.bytes(size), signed=True)

    def text(self) -> str:
        """Return the next string, which ends in a zero byte."""
        text, end, self._left = self._left.partition(b"\0")
        if not end:
            raise Malformed("a string has no end")
        return text.decode("utf-8", "replace")
