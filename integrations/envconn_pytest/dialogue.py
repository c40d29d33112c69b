"""What is spoken after a login: simple queries, extended ones, and what an error does to a transaction."""

from __future__ import annotations

from envconn.records import Record
from envconn_pytest.answers import Refused, answer, statements
from envconn_pytest.messages import Malformed, Reader, body, error, exactly, message
from envconn_pytest.result import Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    from envconn_pytest.answers import Who


_STRANGE = "this stands in for a PostgreSQL: it has no tables, takes no parameters, and knows no such statement"
_BROKEN = "current transaction is aborted, commands ignored until end of transaction block"
_AFTER = {"BEGIN": b"T", "START TRANSACTION": b"T", "COMMIT": b"I", "ROLLBACK": b"I"}
"""The state of the session after a command, by its tag: in a transaction, or idle."""

_NOTHING = Result("")


class _Portal(Record):
    """A statement that is to be executed, and the formats of its columns."""

    statement: str
    formats: tuple[int, ...] = ()


class _Failed(Exception):
    """What the client is told: a SQLSTATE, and a sentence."""


class Dialogue:
    """One with the client `who`, from its login to its leave. Each statement that it sends is added to `asked`."""

    def __init__(self, connection: socket.socket, who: Who, asked: list[str]) -> None:
        self._connection, self._who, self._asked = connection, who, asked
        self._state = b"I"
        self._prepared: dict[str, str] = {}
        self._portals: dict[str, _Portal] = {}

    def hold(self) -> None:
        """Answer until the client leaves.

        Raises:
            OSError: it left without a word, or said what is no message (`Malformed`).
        """
        self._connection.sendall(self._ready())
        skipping = False
        while (kind := exactly(self._connection, 1)) != b"X":
            reader = Reader(body(self._connection))
            if skipping and kind != b"S":
                continue
            if kind not in _HANDLERS:
                raise Malformed("no message of a client")
            try:
                said, skipping = _HANDLERS[kind](self, reader), False
            except _Failed as failed:
                said, skipping = self._sorry(*failed.args), kind != b"Q"
            self._connection.sendall(said + (self._ready() if kind in b"QS" else b""))

    def _ready(self) -> bytes:
        return message(b"Z", self._state)

    def _sorry(self, state: str, text: str) -> bytes:
        self._state = b"I" if self._state == b"I" else b"E"
        return error(state, text)

    def _query(self, reader: Reader) -> bytes:
        said = b""
        for statement in statements(reader.text()):
            self._asked.append(statement)
            result = self._meaning(statement)
            said += (b"" if result.row is None else result.description()) + self._done(result)
        return said or message(b"I")

    def _parse(self, reader: Reader) -> bytes:
        name, sql = reader.text(), statements(reader.text())
        if len(sql) > 1:
            raise _Failed("42601", "cannot insert multiple commands into a prepared statement")
        self._prepared[name] = next(iter(sql), "")
        self._meaning(self._prepared[name])
        return message(b"1")

    def _bind(self, reader: Reader) -> bytes:
        portal, name = reader.text(), reader.text()
        for _ in range(reader.integer(2)):
            reader.integer(2)
        for _ in range(reader.integer(2)):
            reader.bytes(max(reader.integer(4), 0))
        formats = tuple(reader.integer(2) for _ in range(reader.integer(2)))
        self._portals[portal] = _Portal(self._statement(name), formats)
        return message(b"2")

    def _describe(self, reader: Reader) -> bytes:
        kind, name = reader.bytes(1), reader.text()
        if kind == b"S":
            return message(b"t", b"\0\0") + self._meaning(self._statement(name)).description()
        portal = self._portal(name)
        return self._meaning(portal.statement).description(portal.formats)

    def _execute(self, reader: Reader) -> bytes:
        statement, formats = self._portal(reader.text())
        if not statement:
            return message(b"I")
        self._asked.append(statement)
        return self._done(self._meaning(statement), formats)

    def _close(self, reader: Reader) -> bytes:
        held: dict[str, str] | dict[str, _Portal] = self._prepared if reader.bytes(1) == b"S" else self._portals
        held.pop(reader.text(), None)
        return message(b"3")

    def _nothing(self, _: Reader) -> bytes:
        return b""

    def _statement(self, name: str) -> str:
        if name not in self._prepared:
            raise _Failed("26000", "prepared statement does not exist")
        return self._prepared[name]

    def _portal(self, name: str) -> _Portal:
        if name not in self._portals:
            raise _Failed("34000", "portal does not exist")
        return self._portals[name]

    def _meaning(self, statement: str) -> Result:
        try:
            result = answer(statement, self._who) if statement else _NOTHING
        except Refused:
            result = None
        if self._state == b"E" and (result is None or _AFTER.get(result.tag) != b"I"):
            raise _Failed("25P02", _BROKEN)
        if result is None:
            raise _Failed("0A000", _STRANGE)
        return result

    def _done(self, result: Result, formats: tuple[int, ...] = ()) -> bytes:
        """The rows of `result`, which changes the state of the session."""
        failed = self._state == b"E"
        self._state = _AFTER.get(result.tag, self._state)
        return (result._replace(tag="ROLLBACK") if failed else result).rows(formats)


_HANDLERS: Mapping[bytes, Callable[[Dialogue, Reader], bytes]] = {
    b"Q": Dialogue._query,  # noqa: SLF001 - the table of this class
    b"P": Dialogue._parse,  # noqa: SLF001
    b"B": Dialogue._bind,  # noqa: SLF001
    b"D": Dialogue._describe,  # noqa: SLF001
    b"E": Dialogue._execute,  # noqa: SLF001
    b"C": Dialogue._close,  # noqa: SLF001
    b"H": Dialogue._nothing,  # noqa: SLF001
    b"S": Dialogue._nothing,  # noqa: SLF001
}
