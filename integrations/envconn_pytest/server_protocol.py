"""PostgreSQL's protocol on the server's side: messages, and a login with TLS, a password and ``select 1``.

Messages are those of the PostgreSQL manual, "Message Formats".
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass, field

from envconn.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable


ALPN = "postgresql"
"""The protocol's name in a TLS handshake that begins without a request."""

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


@dataclass
class Client:
    """What has been observed of one connection so far.

    `number` counts connections from 1. `tls` is the version (``TLSv1.3``) after a complete handshake, `None`
    without; `sni` the server name in the handshake, and `direct` whether TLS began without a request. `parameters` are
    those of the start-up packet. `password` is whether one was sent; it is never kept. `authenticated` is whether the
    client was accepted, and `statements` holds its queries.
    """

    number: int
    tls: str | None = None
    sni: str | None = None
    direct: bool = False
    parameters: dict[str, str] = field(default_factory=dict)
    password: bool = False
    authenticated: bool = False
    statements: list[str] = field(default_factory=list)

    @property
    def user(self) -> str:
        """The user's name, empty before the start-up packet."""
        return self.parameters.get("user", "")

    @property
    def dbname(self) -> str:
        """The database's name, which is the user's if none is stated."""
        return self.parameters.get("database", self.user)

    @property
    def startup_unencrypted(self) -> bool:
        """Whether the names of user and database arrived unencrypted."""
        return self.tls is None and bool(self.parameters)

    @property
    def password_unencrypted(self) -> bool:
        """Whether a password arrived unencrypted."""
        return self.tls is None and self.password


_SSL, _GSS, _CANCEL = 80877103, 80877104, 80877102
_VERSION_3 = 3 << 16
_HANDSHAKE = b"\x16"
_LONGEST_STARTUP = 10_000  # bytes of a packet before the login, as in PostgreSQL

_ASK_PASSWORD, _LET_IN = message(b"R", struct.pack("!I", 3)), message(b"R", struct.pack("!I", 0))


class Account(Record):
    """Who may log in, and to which database."""

    user: str
    password: str
    dbname: str


def welcome(
    connection: socket.socket, client: Client, account: Account, context: Callable[[], ssl.SSLContext] | None
) -> None:
    """Talk to `client` until it closes, and record what it does. Without `context`, there is no TLS.

    Raises:
        OSError: it closed early, rejected the certificate, or sent an invalid message (`Malformed`).
    """
    _Welcome(client, account, context).begin(connection)


class _Welcome:
    def __init__(self, client: Client, account: Account, context: Callable[[], ssl.SSLContext] | None) -> None:
        self._client, self._account, self._context = client, account, context

    def begin(self, connection: socket.socket) -> None:
        if connection.recv(1, socket.MSG_PEEK) == _HANDSHAKE and self._context:
            self._client.direct = True
            self._encrypt(connection, self._context())
            return
        while (code := int.from_bytes((packet := body(connection, _LONGEST_STARTUP))[:4])) in {_SSL, _GSS}:
            if code == _SSL and self._context:
                connection.sendall(b"S")
                self._encrypt(connection, self._context())
                return
            connection.sendall(b"N")
        if code != _CANCEL:
            self._start(connection, packet)

    def _encrypt(self, connection: socket.socket, context: ssl.SSLContext) -> None:
        context.sni_callback = self._called
        with context.wrap_socket(connection, server_side=True) as encrypted:
            self._client.tls = encrypted.version()
            # A client that began without a request must name the protocol (ALPN), since PostgreSQL 17.
            if not self._client.direct or encrypted.selected_alpn_protocol() == ALPN:
                self._start(encrypted, body(encrypted, _LONGEST_STARTUP))

    def _called(self, _: object, name: str | None, __: object) -> None:
        self._client.sni = name

    def _start(self, connection: socket.socket, packet: bytes) -> None:
        reader = Reader(packet)
        version = reader.integer(4)
        if version >> 16 != _VERSION_3 >> 16:
            connection.sendall(_fatal("0A000", "unsupported frontend protocol"))
            return
        while name := reader.text():
            self._client.parameters[name] = reader.text()
        if version > _VERSION_3:
            connection.sendall(_older(self._client))
        if refusal := self._refusal(connection):
            connection.sendall(refusal)
            return
        self._client.authenticated = True
        connection.sendall(_greeting(self._client))
        _converse(connection, self._client.statements)

    def _refusal(self, connection: socket.socket) -> bytes:
        """Return why the client is refused, empty if it is not."""
        client, account = self._client, self._account
        if self._context and not client.tls:
            return _fatal("28000", "no pg_hba.conf entry for this host, no encryption", "ClientAuthentication")
        connection.sendall(_ASK_PASSWORD)
        if exactly(connection, 1) != b"p":
            raise Malformed("no password where one was asked for")
        password = Reader(body(connection)).text()
        client.password = True
        if (client.user, password) != (account.user, account.password):
            return _fatal("28P01", "password authentication failed", "auth_failed")
        if client.dbname != account.dbname:
            return _fatal("3D000", "database does not exist", "InitPostgres")
        return b""


def _fatal(state: str, text: str, routine: str = "") -> bytes:
    return error(state, text, severity="FATAL", routine=routine)


def _older(client: Client) -> bytes:
    """NegotiateProtocolVersion: only 3.0 is supported here, and no option that begins with ``_pq_.``."""
    options = [name for name in client.parameters if name.startswith("_pq_.")]
    return message(
        b"v", struct.pack("!II", _VERSION_3, len(options)) + "".join(f"{name}\0" for name in options).encode()
    )


_PARAMETERS = {
    "server_version": "17.0",
    "server_encoding": "UTF8",
    "client_encoding": "UTF8",
    "DateStyle": "ISO, MDY",
    "TimeZone": "UTC",
    "integer_datetimes": "on",
    "standard_conforming_strings": "on",
    "in_hot_standby": "off",
    "default_transaction_read_only": "off",
}
"""What the server reports at start-up."""


def _greeting(client: Client) -> bytes:
    parameters = {**_PARAMETERS, "session_authorization": client.user}
    reported = b"".join(message(b"S", f"{name}\0{value}\0".encode()) for name, value in parameters.items())
    return _LET_IN + reported + message(b"K", struct.pack("!II", client.number, client.number))


def _converse(connection: socket.socket, statements: list[str]) -> None:
    """Answer until the client closes: ``select 1``, transactions, and an error for everything else.

    Raises:
        OSError: it closed early, or sent an invalid message (`Malformed`).
    """
    state, skipping = b"I", False
    connection.sendall(_ready(state))
    while (kind := exactly(connection, 1)) != b"X":
        content = body(connection)
        if kind == b"Q":
            statements.append(Reader(content).text())
            answer, state = _answer(statements[-1].strip(" \n;").lower(), state)
            connection.sendall(answer + _ready(state))
        elif kind == b"S":
            connection.sendall(_ready(state))
            skipping = False
        elif not skipping:
            connection.sendall(_STRANGE)
            state, skipping = _broken(state), True


def _ready(state: bytes) -> bytes:
    return message(b"Z", state)


def _broken(state: bytes) -> bytes:
    """Return the state of a session after an error, which only breaks a transaction."""
    return b"I" if state == b"I" else b"E"


def _answer(statement: str, state: bytes) -> tuple[bytes, bytes]:
    """Return the answer to a simple query, and the state of the session afterwards."""
    if statement == "select 1":
        return _ONE, state
    if statement in _AFTER:
        return message(b"C", statement.upper().encode() + b"\0"), _AFTER[statement]
    return _STRANGE, _broken(state)


_AFTER = {"begin": b"T", "commit": b"I", "rollback": b"I"}
_ONE = b"".join(
    (
        message(b"T", struct.pack("!h", 1) + b"?column?\0" + struct.pack("!IhIhih", 0, 0, 23, 4, -1, 0)),
        message(b"D", struct.pack("!hi", 1, 1) + b"1"),
        message(b"C", b"SELECT 1\0"),
    )
)
_STRANGE = error("0A000", "this stands in for a PostgreSQL until a login is over, and answers nothing but select 1")
