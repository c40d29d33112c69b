"""PostgreSQL's protocol: request TLS or begin it at once, and read the answer to a client without a login.

Messages are those of the PostgreSQL manual, "Message Formats"; the fields of an error are in "Error and Notice
Message Fields". Of these, SQLSTATE and the place in the server's source are the same in every language.
"""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress

from envconn.probe.failures import Failure
from envconn.probe.protocol import Trouble, WireProtocol, unexpected
from envconn.tls import TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from envconn.connection import Host
    from envconn.probe.network import Wire
    from envconn.tls import SecuredConnection

NOBODY = "envconn_probe"
"""The user and the database of the start-up message. They do not exist; the server's log shows them."""

SSL_REQUEST = struct.pack("!II", 8, 80877103)
_VERSION_3 = 196608
_LONGEST = 10_000
_MOMENT = 0.5  # seconds


def _startup() -> bytes:
    body = struct.pack("!I", _VERSION_3) + f"user\0{NOBODY}\0database\0{NOBODY}\0\0".encode()
    return struct.pack("!I", len(body) + 4) + body


_STARTING = Trouble("server-starting", "is starting, shutting down or recovering. Wait until it is ready")
_TROUBLES = {
    "57P01": _STARTING,
    "57P02": _STARTING,
    "57P03": _STARTING,
    "53300": Trouble("server-full", "has no free connection. Raise max_connections, or close other connections"),
}
"""By SQLSTATE (manual, appendix A), answers that any client gets before authentication."""

_CERTIFICATE = Trouble("client-certificate-required", "requires a client certificate. Name one with sslcert and sslkey")
_WANTS_CERTIFICATE = "connection requires a valid client certificate"
"""The one text that is compared (auth.c, ClientAuthentication). If a server's language differs, the login tells."""

_NO_RULE = ("28000", "ClientAuthentication")
"""SQLSTATE and routine of a rejection by pg_hba.conf."""
_CHECKED = ("28000", "auth_failed")
"""SQLSTATE and routine if pg_hba.conf accepts the user and the authentication fails, such as by ``ident``."""
_POOLER_DENIES = "SSL required"
"""PgBouncer's text under ``client_tls_sslmode=require`` (client.c); it sends no other field, and only English."""


class Postgres(WireProtocol):
    """Sends ``SSLRequest`` first, or nothing if TLS is to begin at once (`direct`)."""

    title = "a PostgreSQL server"
    hello = _startup()
    enforcing = "use hostssl in pg_hba.conf, or client_tls_sslmode = require in PgBouncer"
    full = "sslmode=verify-full"
    ca = "sslrootcert"
    negotiates = True

    def __init__(self, *, direct: bool = False) -> None:
        self.alpn = "postgresql" if direct else None
        self.negotiates = not direct

    @classmethod
    def of(cls, service: SecuredConnection) -> Postgres:
        """Return the protocol for `service`."""
        return cls(direct=service.features.direct_tls and service.tls.level >= TlsLevel.ENCRYPTED)

    def socket_path(self, host: Host) -> str:
        """Return the path of the socket in the directory `host`."""
        return f"{host.host}/.s.PGSQL.{host.port}"

    async def consents(self, wire: Wire, where: str) -> bool:
        """Read one byte and no more: the bytes after it are TLS, or are ignored."""
        if self.alpn:
            return True
        await wire.send(SSL_REQUEST)
        data = await wire.receive(1)
        if data in {b"S", b"N"}:
            return data == b"S"
        if not data:
            raise Failure("connection-closed", f"{where} {_CLOSED}")
        data += await _body(wire) if data == b"E" else await _more(wire)
        if data.startswith(b"E"):
            trouble = self.trouble(data) or _REFUSES
            raise Failure(trouble.code, f"{where} {trouble.message}")
        raise unexpected(self.title, where, data)

    async def answer(self, wire: Wire) -> bytes:
        """Return the first message."""
        kind = await wire.receive(1)
        return kind + await _body(wire) if kind in {b"E", b"R"} else kind + await wire.exactly(4)

    def understood(self, answer: bytes) -> bool:
        """Whether it is a request for authentication, or an error with a SQLSTATE."""
        return answer.startswith(b"R\0\0") or "C" in _fields(answer)

    def trouble(self, answer: bytes) -> Trouble | None:
        """Return why the server does not serve now, or does not serve clients without a certificate."""
        fields = _fields(answer)
        return _CERTIFICATE if fields.get("M") == _WANTS_CERTIFICATE else _TROUBLES.get(fields.get("C", ""))

    def denies(self, encrypted: bytes, clear: bytes) -> bool | None:
        """Return whether the server rejects the unencrypted connection, by SQLSTATE and the place in the source.

        `None` if the answers are the same with and without TLS. A client that is asked for a password without TLS, or
        passes pg_hba.conf and fails then, was not rejected for the lack of TLS.
        """
        inside, outside = _fields(encrypted), _fields(clear)
        if not clear or outside.get("M") == _POOLER_DENIES:
            return True
        if clear.startswith(b"R") or _reason(outside) == _CHECKED:
            return False
        if outside.get("C", "") in _TROUBLES or _place(inside) == _place(outside):
            return None
        return True if encrypted.startswith(b"R") or _reason(outside) == _NO_RULE else None


_CLOSED = "closed the connection when it was asked for TLS. Check whether the server behind the proxy is running"
_REFUSES = Trouble("tls-refused", "answers with an error when it is asked for TLS. Read its log")


async def _more(wire: Wire) -> bytes:
    """Return enough bytes to recognise the protocol, if the server sends any."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_MOMENT):
            return await wire.receive(16)
    return b""


async def _body(wire: Wire) -> bytes:
    """Return the length of a message, but no more than an honest server sends."""
    start = await wire.exactly(4)
    length = int.from_bytes(start)
    return start + await wire.exactly(length - 4) if 4 < length <= _LONGEST else start


def _fields(answer: bytes) -> Mapping[str, str]:
    """Return the fields of an error by their letter; none for any other message."""
    parts = answer[5:].decode("utf-8", "replace").split("\0") if answer.startswith(b"E") else []
    return {part[0]: part[1:] for part in parts if part}


def _reason(fields: Mapping[str, str]) -> tuple[str, str]:
    return fields.get("C", ""), fields.get("R", "")


def _place(fields: Mapping[str, str]) -> tuple[str | None, ...]:
    return tuple(fields.get(letter) for letter in "CFLR")
