"""The protocols of AMQP, Memcached, MySQL and Redis for a client without a login: up to TLS and the first answer."""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod

from envconn.probe.failures import Failure, resembles
from envconn.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.connection import Host
    from envconn.probe.network import Wire
    from envconn.tls import SecuredConnection


class Trouble(Record):
    """An answer that says the server does not serve: a code of `FAULTS`, and the text after the name of the host."""

    code: str
    message: str


class WireProtocol(ABC):
    """A protocol. Everything sent here is anonymous: no name, no password.

    `hello` is the first message of a client, `title` the kind of server that answers it, and `troubles` are the
    answers, by how they begin, that mean it does not serve now. `negotiates` is whether TLS is requested in an
    unencrypted message; `alpn` is the protocol to name in the handshake. `enforcing` says how to make such a server
    reject unencrypted connections, `full` what a URL needs for its server to be fully verified, and `ca` is the
    parameter for a CA.
    """

    title = ""
    hello = b""
    troubles: tuple[tuple[bytes, Trouble], ...] = ()
    negotiates = False
    alpn: str | None = None
    enforcing = ""
    full = ""
    ca = ""

    @classmethod
    def of(cls, service: SecuredConnection) -> WireProtocol:  # noqa: ARG003 - for those that ask it
        """Return the protocol for `service`."""
        return cls()

    def socket_path(self, host: Host) -> str:
        """Return the path of the unix socket of `host`."""
        return host.host

    async def consents(self, wire: Wire, where: str) -> bool:  # noqa: ARG002 - for those that negotiate
        """Request TLS if the protocol negotiates it, and return whether the server offers it.

        Raises:
            Failure: it answers something else.
        """
        return True

    @abstractmethod
    async def answer(self, wire: Wire) -> bytes:
        """Return the first answer to `hello`; nothing when the other side closes."""

    @abstractmethod
    def understood(self, answer: bytes) -> bool:
        """Whether `answer` belongs to this protocol."""

    def trouble(self, answer: bytes) -> Trouble | None:
        """Return the problem that `answer` reports, if any."""
        return next((trouble for start, trouble in self.troubles if answer.startswith(start)), None)

    def denies(self, encrypted: bytes, clear: bytes) -> bool | None:  # noqa: ARG002 - for those that compare
        """Return whether unencrypted connections are rejected, by the answers to `hello` with and without TLS.

        `None` if the answers do not show it.
        """
        return not self.understood(clear)

    def check(self, answer: bytes, where: str) -> None:
        """Raise if `answer` is not that of a server that serves.

        Raises:
            Failure: it does not belong to this protocol, or says that the server does not serve now.
        """
        if not answer:
            raise Failure("connection-closed", f"{where} {_CLOSED}")
        if not self.understood(answer):
            raise unexpected(self.title, where, answer)
        if trouble := self.trouble(answer):
            raise Failure(trouble.code, f"{where} {trouble.message}")


def unexpected(title: str, where: str, data: bytes) -> Failure:
    """Return the failure of `where`, whose first answer is not that of `title`."""
    label = resembles(data)
    looks = f": it looks like {label}" if label else ""
    return Failure("protocol-unexpected", f"{where} is not {title}{looks}. Correct host and port")


_CLOSED = "closed the connection without an answer. Read its log, or the log of the proxy in front of it"


_START = b"\x00\x0a\x00\x0a"
"""Class 10, method 10 (AMQP 0-9-1, section 1.4.2.1), after the seven bytes of the frame's header."""


class Amqp(WireProtocol):
    """A broker of another version answers with its own header."""

    title = "an AMQP broker"
    hello = b"AMQP\x00\x00\x09\x01"
    enforcing = "set listeners.tcp = none in RabbitMQ's configuration"
    full = "verify=verify_peer"
    ca = "cacertfile"

    async def answer(self, wire: Wire) -> bytes:
        """Return the header of the first frame and its method."""
        return await wire.exactly(7 + len(_START))

    def understood(self, answer: bytes) -> bool:
        """Whether it is a frame with ``Connection.Start``, or a protocol header."""
        return answer.startswith(b"AMQP") or (answer.startswith(b"\x01\x00\x00") and answer[7:] == _START)


_LONGEST = 4_096
_VERSION, _ERROR = 10, 0xFF
_CLIENT_SSL, _PROTOCOL_41 = 0x0800, 0x0200
_TOO_MANY_CONNECTIONS = 1040

_REQUEST = struct.pack("<I", 32)[:3] + b"\x01" + struct.pack("<IIB23x", _PROTOCOL_41 | _CLIENT_SSL, 1 << 24, 45)
"""Capabilities, the largest packet, a character set, and 23 zeros (Protocol::SSLRequest)."""


class MySQL(WireProtocol):
    """Nothing is asked over TLS: each connection would be a login."""

    title = "a MySQL server"
    enforcing = "set require_secure_transport = ON"
    full = "ssl-mode=VERIFY_IDENTITY"
    ca = "ssl-ca"
    negotiates = True

    async def consents(self, wire: Wire, where: str) -> bool:
        """Read the greeting, and request TLS if it offers that."""
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
        """Whether it is a greeting of version 10, or an error instead of one."""
        return len(answer) > 6 and answer[3] == 0 and answer[4] in {_VERSION, _ERROR}

    def trouble(self, answer: bytes) -> Trouble | None:
        """Return why the server does not serve."""
        if answer[4] != _ERROR:
            return None
        number = int.from_bytes(answer[5:7], "little")
        if number == _TOO_MANY_CONNECTIONS:
            return Trouble("server-full", "accepts no more connections. Raise max_connections")
        return Trouble("login-refused", f"refuses this machine (error {number}). Read its log")


def _capabilities(greeting: bytes) -> int:
    """Return the lower half of the capabilities: after the version, a number, eight bytes and a zero."""
    _, end, rest = greeting[5:].partition(b"\0")
    return int.from_bytes(rest[13:15], "little") if end else 0


_LINE = 512


class _Lines(WireProtocol):
    """A protocol whose first answer is a line."""

    async def answer(self, wire: Wire) -> bytes:
        """Return the first line, or its beginning if it does not end."""
        line = b""
        while b"\n" not in line and len(line) < _LINE and (more := await wire.receive(_LINE - len(line))):
            line += more
        return line


class Memcached(_Lines):
    """Nothing is asked over TLS: no URL states it."""

    title = "a Memcached server"
    hello = b"version\r\n"

    def understood(self, answer: bytes) -> bool:
        """Whether it is the number of a version (protocol.txt, "version")."""
        return answer.startswith(b"VERSION ") and answer.endswith(b"\r\n")


class Redis(_Lines):
    """``-NOAUTH`` is a good answer: it comes from a Redis that is up and has a password."""

    title = "a Redis server"
    hello = b"PING\r\n"
    enforcing = "set port to 0 and tls-port to the port with TLS"
    full = "ssl_cert_reqs=required"
    ca = "ssl_ca_certs"
    troubles = (
        (b"-LOADING", Trouble("server-starting", "is loading its data. Wait until it is ready")),
        (b"-ERR max number of clients", Trouble("server-full", "accepts no more clients. Raise maxclients")),
    )

    def understood(self, answer: bytes) -> bool:
        """Whether it is a status or an error of Redis's protocol."""
        return answer.startswith((b"+PONG", b"-")) and answer.endswith(b"\r\n")
