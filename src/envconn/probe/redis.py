"""Redis: TLS from the first byte, then ``PING``, which says whether it is one and whether it is ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envconn.probe.dialect import Dialect, Trouble

if TYPE_CHECKING:
    from envconn.probe.wire import Wire

__all__ = ["Redis"]

_LINE = 512


class Redis(Dialect):
    """``-NOAUTH`` is a fine answer: it comes from a Redis that is up and has a password."""

    title = "a Redis server"
    hello = b"PING\r\n"
    enforcing = "set port to 0 and tls-port to the one that speaks TLS"
    full = "ssl_cert_reqs=required"
    ca = "ssl_ca_certs"
    troubles = (
        (b"-LOADING", Trouble("server-starting", "loads its data; wait until it is ready")),
        (b"-ERR max number of clients", Trouble("server-full", "takes no more clients; raise maxclients")),
    )

    async def answer(self, wire: Wire) -> bytes:
        """Return the first line, or the beginning of one that does not end."""
        line = b""
        while b"\n" not in line and len(line) < _LINE and (more := await wire.receive(_LINE - len(line))):
            line += more
        return line

    def understood(self, answer: bytes) -> bool:
        """Whether it is a status or an error of Redis's protocol."""
        return answer.startswith((b"+PONG", b"-")) and answer.endswith(b"\r\n")
