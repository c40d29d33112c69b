"""Direct TLS: a server that does not agree on PostgreSQL's protocol is refused, as by libpq."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import pytest

import envconn
from envconn.drivers.asyncpg import arguments

if TYPE_CHECKING:
    from throwaway.certificates import Certificates


@pytest.mark.parametrize(("protocols", "agrees"), [(["postgresql"], True), (["http/1.1"], False), ([], False)])
def test_agreement(certificates: Certificates, protocols: list[str], agrees: bool) -> None:  # noqa: FBT001
    pair = certificates.issue("localhost")
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(pair.chain, pair.key)
    if protocols:
        server_context.set_alpn_protocols(protocols)

    async def visit() -> None:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=server_context)
        async with server:
            port = server.sockets[0].getsockname()[1]
            url = f"postgresql://u@localhost:{port}/d?sslnegotiation=direct&sslmode=verify-full"
            judged = envconn.secure(f"{url}&sslrootcert={certificates.ca}")
            _, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=arguments(judged)["ssl"], server_hostname="localhost"
            )
            writer.close()

    if agrees:
        asyncio.run(visit())
    else:
        with pytest.raises(ssl.SSLError, match=r"ALPN|no application protocol"):
            asyncio.run(visit())
