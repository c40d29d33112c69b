"""PostgreSQL's protocol: ask for TLS or begin it at once, and read what a client without a login is answered.

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
"""The user and the database of the start-up. Nobody has them; they are what is seen in the server's log."""

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
"""By SQLSTATE (manual, appendix A), answers that a stranger gets before anybody asks who he is."""

_CERTIFICATE = Trouble("client-certificate-required", "requires a client certificate. Name one with sslcert and sslkey")
_WANTS_CERTIFICATE = "connection requires a valid client certificate"
"""The one text that is read (auth.c, ClientAuthentication). A server whose language is another is told by the login."""

_NO_RULE = ("28000", "ClientAuthentication")
"""SQLSTATE and routine of what pg_hba.conf denies."""
_CHECKED = ("28000", "auth_failed")
"""And of a user who was let in by it and failed then, such as by ``ident``."""
_POOLER_DENIES = "SSL required"
"""PgBouncer's words under ``client_tls_sslmode=require`` (client.c); it has no other field, and one language."""


class Postgres(WireProtocol):
    """Says ``SSLRequest`` first, or nothing where TLS is to begin at once (`direct`)."""

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
        """Return the protocol as `service` speaks it."""
        return cls(direct=service.features.direct_tls and service.tls.level >= TlsLevel.ENCRYPTED)

    def socket_path(self, host: Host) -> str:
        """Return the path of the socket in the directory that `host` is."""
        return f"{host.host}/.s.PGSQL.{host.port}"

    async def consents(self, wire: Wire, where: str) -> bool:
        """Read one byte and no more: what comes behind it is TLS, or nothing that is listened to."""
        if self.alpn:
            return True
        await wire.send(SSL_REQUEST)
        said = await wire.receive(1)
        if said in {b"S", b"N"}:
            return said == b"S"
        if not said:
            raise Failure("connection-closed", f"{where} {_CLOSED}")
        said += await _body(wire) if said == b"E" else await _more(wire)
        if said.startswith(b"E"):
            trouble = self.trouble(said) or _REFUSES
            raise Failure(trouble.code, f"{where} {trouble.message}")
        raise unexpected(self.title, where, said)

    async def answer(self, wire: Wire) -> bytes:
        """Return the first message."""
        kind = await wire.receive(1)
        return kind + await _body(wire) if kind in {b"E", b"R"} else kind + await wire.exactly(4)

    def understood(self, answer: bytes) -> bool:
        """Whether it is a question for a password or the like, or an error with a SQLSTATE."""
        return answer.startswith(b"R\0\0") or "C" in _fields(answer)

    def trouble(self, answer: bytes) -> Trouble | None:
        """What keeps it from serving, or from serving those without a certificate."""
        fields = _fields(answer)
        return _CERTIFICATE if fields.get("M") == _WANTS_CERTIFICATE else _TROUBLES.get(fields.get("C", ""))

    def denies(self, encrypted: bytes, clear: bytes) -> bool | None:
        """Compare by SQLSTATE and the place in the source; `None` where strangers get the same on both.

        Who is asked for a password in clear, or was let in and failed then, was not denied for the lack of TLS.
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
    """As much as tells what speaks there, if that comes at all."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_MOMENT):
            return await wire.receive(16)
    return b""


async def _body(wire: Wire) -> bytes:
    """The length of a message, and as much of it as an honest server sends."""
    start = await wire.exactly(4)
    length = int.from_bytes(start)
    return start + await wire.exactly(length - 4) if 4 < length <= _LONGEST else start


def _fields(answer: bytes) -> Mapping[str, str]:
    """The fields of an error by their letter; none for anything else."""
    parts = answer[5:].decode("utf-8", "replace").split("\0") if answer.startswith(b"E") else []
    return {part[0]: part[1:] for part in parts if part}


def _reason(fields: Mapping[str, str]) -> tuple[str, str]:
    return fields.get("C", ""), fields.get("R", "")


def _place(fields: Mapping[str, str]) -> tuple[str | None, ...]:
    return tuple(fields.get(letter) for letter in "CFLR")
