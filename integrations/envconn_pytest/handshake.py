"""Messages of PostgreSQL's protocol from a server's side: framing, and reading what a client has packed.

They are those of the PostgreSQL manual, "Message Formats".
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass, field

from envconn.probe.postgres import SSL_REQUEST
from envconn.records import Record
from envconn_pytest.answers import PARAMETERS, Who
from envconn_pytest.certificates import ALPN
from envconn_pytest.dialogue import Dialogue
from envconn_pytest.messages import Malformed, Reader, body, error, exactly, message

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable


@dataclass
class Client:
    """What was seen of one connection so far.

    `number` counts connections from 1. `tls` is the version (``TLSv1.3``) once the handshake is complete, `None`
    without; `sni` the server name that was asked for, and `direct` whether TLS began without asking. `parameters` are
    those of the start-up packet. `password` says whether one was sent; it is never kept. `authenticated` is whether the
    client was let in, and `statements` holds what it asked then.
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
        """The user's name, or nothing as long as there was no start-up packet."""
        return self.parameters.get("user", "")

    @property
    def dbname(self) -> str:
        """The database's name, which is the user's where none is stated."""
        return self.parameters.get("database", self.user)

    @property
    def startup_in_clear(self) -> bool:
        """Whether the names of user and database arrived unencrypted."""
        return self.tls is None and bool(self.parameters)

    @property
    def password_in_clear(self) -> bool:
        """Whether a password arrived unencrypted."""
        return self.tls is None and self.password


_SSL, _GSS, _CANCEL = int.from_bytes(SSL_REQUEST[4:]), 80877104, 80877102
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
    """Talk to `client` until it leaves, and write down what is seen. Without `context`, there is no TLS.

    Raises:
        OSError: it left without a word, did not like the certificate, or said what is no message (`Malformed`).
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
            # Who began without asking has to say what for, as of PostgreSQL 17.
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
        who = Who(self._client.user, self._client.dbname, self._client.tls or "", self._client.number)
        Dialogue(connection, who, self._client.statements).hold()

    def _refusal(self, connection: socket.socket) -> bytes:
        """Why the client is not let in, or nothing."""
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
    """NegotiateProtocolVersion: 3.0 is spoken here, and none of the options that begin in ``_pq_.`` is known."""
    options = [name for name in client.parameters if name.startswith("_pq_.")]
    return message(
        b"v", struct.pack("!II", _VERSION_3, len(options)) + "".join(f"{name}\0" for name in options).encode()
    )


def _greeting(client: Client) -> bytes:
    parameters = {**PARAMETERS, "session_authorization": client.user}
    reported = b"".join(message(b"S", f"{name}\0{value}\0".encode()) for name, value in parameters.items())
    return _LET_IN + reported + message(b"K", struct.pack("!II", client.number, client.number))
