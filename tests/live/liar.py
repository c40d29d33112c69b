"""A sentinel with a right certificate that names any server as the master, and a Redis that names another host."""

from __future__ import annotations

import socket
import ssl
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from envconn_pytest.tls_server import serving
from sentinels import MASTER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import BufferedRWPair

    from throwaway.certificates import Pair

__all__ = ["moving", "naming"]


@contextmanager
def naming(pair: Pair | None, host: str, port: int) -> Iterator[int]:
    """Listen until the block ends, present `pair` (`None`: no TLS), and name `host` and `port`; the port is yielded."""
    answer = ("name", MASTER, "ip", host, "port", str(port), "flags", "master", "num-other-sentinels", "0")
    context = None
    if pair is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.chain, pair.key)
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        serving(listener, lambda client: _answer(client, context, answer)),
    ):
        yield listener.getsockname()[1]


def _answer(client: socket.socket, context: ssl.SSLContext | None, answer: Sequence[str]) -> None:
    client.settimeout(20)
    mark, count = b"*", len(answer)
    with suppress(OSError), client:
        if context:
            client = context.wrap_socket(client, server_side=True)
        with client, client.makefile("rwb") as stream:
            while words := _command(stream):
                if words[0].upper() == b"HELLO":
                    mark, count = b"%", len(answer) // 2  # RESP 3 has maps
                masters = b"*1\r\n%b%d\r\n%b" % (mark, count, b"".join(map(_text, answer)))
                stream.write({b"SENTINEL": masters, b"HELLO": _HELLO}.get(words[0].upper(), b"+OK\r\n"))
                stream.flush()


@contextmanager
def moving() -> Iterator[tuple[int, list[object]]]:
    """Run a Redis that names 127.0.0.2 with each answer; its port, and who has connected there, are yielded."""
    arrived: list[object] = []

    def arrive(client: socket.socket) -> None:
        with client:
            arrived.append(client.getsockname())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with (
            socket.create_server(("127.0.0.2", port)) as other,
            serving(other, arrive),
            serving(listener, _announce),
        ):
            yield port, arrived


def _announce(client: socket.socket) -> None:
    announces = False
    with suppress(OSError), client, client.makefile("rwb") as stream:
        while words := _command(stream):
            if words[0].upper() == b"HELLO":
                announces = words[1] == b"3"
                stream.write(_HELLO)
            else:
                stream.write((_MOVING if announces else b"") + b"+OK\r\n")
            stream.flush()


_MOVING = b">4\r\n+MOVING\r\n:1\r\n:1\r\n+127.0.0.2:6379\r\n"
_HELLO = b"%3\r\n+server\r\n+redis\r\n+proto\r\n:3\r\n+version\r\n+7.0.0\r\n"


def _command(stream: BufferedRWPair) -> list[bytes]:
    """The words of one command, none when the client is gone."""
    words = []
    for _ in range(int(stream.readline()[1:] or 0)):
        size = int(stream.readline()[1:])
        words.append(stream.read(size + 2)[:-2])
    return words


def _text(word: str) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(word), word.encode())
