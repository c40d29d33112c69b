"""A TLS terminator before a PostgreSQL without TLS, as strange as a test wants it: about ALPN, and about SNI.

It takes TLS at once (``sslnegotiation=direct``) as well as after a request.
"""

from __future__ import annotations

import select
import socket
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING

from envconn_pytest.server_protocol import body
from envconn_pytest.tls_server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from throwaway.certificates import Pair

__all__ = ["running"]

_PATIENCE = 10.0


@contextmanager
def running(pair: Pair, backend: int, *, alpn: bool = True, nameless: Pair | None = None) -> Iterator[int]:
    """Run one that shows `pair` until the block ends, and return its port; what it decrypts goes to `backend`.

    Without `alpn` it agrees on no protocol. Who asks for no name is shown `nameless`, where that is given.
    """
    context = _context(pair, alpn=alpn)
    other = _context(nameless, alpn=alpn) if nameless else context

    def by_name(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
        connection.context = context if name else other

    context.sni_callback = by_name
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        serving(listener, lambda connection: _serve(connection, context, backend)),
    ):
        yield int(listener.getsockname()[1])


def _context(pair: Pair, *, alpn: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.chain, pair.key)
    if alpn:
        context.set_alpn_protocols(["postgresql"])
    return context


def _serve(connection: socket.socket, context: ssl.SSLContext, backend: int) -> None:
    connection.settimeout(_PATIENCE)
    try:
        if connection.recv(1, socket.MSG_PEEK) != b"\x16":
            body(connection)  # SSLRequest; who does not ask for TLS gets nothing that he understands
            connection.sendall(b"S")
        with (
            context.wrap_socket(connection, server_side=True) as client,
            socket.create_connection(("127.0.0.1", backend), timeout=_PATIENCE) as server,
        ):
            while _passed_on(client, server):
                pass
    except OSError:
        connection.close()


def _passed_on(client: ssl.SSLSocket, server: socket.socket) -> bool:
    """Pass on what has come from either; false when one of them has left."""
    ready = [client] if client.pending() else select.select([client, server], [], [], _PATIENCE)[0]
    for source in ready:
        if not (content := source.recv(65_536)):
            return False
        (server if source is client else client).sendall(content)
    return bool(ready)
