"""What a statement comes to, and the messages that say so."""

from __future__ import annotations

import struct

from envconn.records import Record
from envconn_pytest.messages import message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


BOOL, INT4, TEXT, VOID = 16, 23, 25, 2278
"""Object identifiers of types (pg_type.dat)."""

_SIZES = {BOOL: 1, INT4: 4}
_BINARY = {BOOL: lambda text: struct.pack("!?", text == "t"), INT4: lambda text: struct.pack("!i", int(text))}


class Column(Record):
    """One value in PostgreSQL's text form, its name and its type. `None` is null."""

    name: str
    oid: int
    value: str | None

    def described(self, *, binary: bool) -> bytes:
        """Return the field of a RowDescription."""
        facts = struct.pack("!IhIhih", 0, 0, self.oid, _SIZES.get(self.oid, -1), -1, binary)
        return self.name.encode() + b"\0" + facts

    def packed(self, *, binary: bool) -> bytes:
        """Return the field of a DataRow."""
        if self.value is None:
            return struct.pack("!i", -1)
        pack = _BINARY.get(self.oid) if binary else None
        data = pack(self.value) if pack else self.value.encode()
        return struct.pack("!i", len(data)) + data


class Result(Record):
    """The tag of the command, and one row; an empty one is of a search that finds nothing, `None` of no search."""

    tag: str
    row: tuple[Column, ...] | None = None

    def description(self, formats: Sequence[int] = ()) -> bytes:
        """Return the message about the columns; `formats` are those of Bind, of which one is for all."""
        if self.row is None:
            return message(b"n")
        fields = [column.described(binary=asked) for column, asked in self._with(formats)]
        return message(b"T", struct.pack("!h", len(fields)) + b"".join(fields))

    def rows(self, formats: Sequence[int] = ()) -> bytes:
        """Return the messages with the row, if there is anything in it, and the tag."""
        cells = [column.packed(binary=asked) for column, asked in self._with(formats)]
        row = message(b"D", struct.pack("!h", len(cells)) + b"".join(cells)) if cells else b""
        return row + message(b"C", self.tag.encode() + b"\0")

    def _with(self, formats: Sequence[int]) -> list[tuple[Column, bool]]:
        asked = [bool(each) for each in formats] or [False]
        row = self.row or ()
        return list(zip(row, asked if len(asked) > 1 else asked * len(row), strict=False))
