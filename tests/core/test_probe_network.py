"""A connection of the probe: how it ends, and whose socket it is."""

from __future__ import annotations

import asyncio
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from envconn.probe.network import dial

if TYPE_CHECKING:
    from collections.abc import Callable

    from throwaway.certificates import Certificates


@pytest.mark.parametrize("more", [b"", b"x", b"x" * 40_000])
def test_the_end_of_the_other_side_is_waited_for(certificates: Certificates, more: bytes) -> None:
    """A server may send more after it has ended TLS. A connection with unread bytes would be reset."""

    def serve(plain: socket.socket) -> bytes:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        pair = certificates.issue("localhost")
        context.load_cert_chain(pair.chain, pair.key)
        with context.wrap_socket(plain, server_side=True) as secure, secure.unwrap() as bare:
            bare.sendall(more)
            bare.shutdown(socket.SHUT_WR)
            return bare.recv(1)

    async def visit(port: int) -> None:
        async with await dial((socket.AF_INET, ("127.0.0.1", port))) as wire:
            context = ssl.create_default_context(cafile=str(certificates.ca))
            await wire.shake_hands(context, "localhost")

    assert _visited(serve, visit) == b""


def test_a_port_has_no_account() -> None:
    async def visit(port: int) -> None:
        async with await dial((socket.AF_INET, ("127.0.0.1", port))) as wire:
            assert wire.account() is None

    assert _visited(lambda plain: plain.recv(1), visit) == b""


def _visited(serve: Callable[[socket.socket], bytes], visit: Callable[[int], object]) -> bytes:
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        server.settimeout(10)

        def one() -> bytes:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(10)
                return serve(connection)

        served = pool.submit(one)
        asyncio.run(visit(server.getsockname()[1]))  # type: ignore[arg-type]
        return served.result(10)
