"""Strangers at the stand-in for a PostgreSQL: clients that send other bytes than drivers do."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from envconn_pytest.tls_server import StandIn, stand_in

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def good() -> Iterator[StandIn]:
    with stand_in("good") as server:
        yield server


@pytest.fixture(scope="module")
def notls() -> Iterator[StandIn]:
    with stand_in("notls") as server:
        yield server


def message(kind: bytes, content: bytes = b"") -> bytes:
    return kind + (len(content) + 4).to_bytes(4) + content


def startup(version: int = 3 << 16, *words: str) -> bytes:
    words = words or ("user", "app", "database", "app", "")
    return message(b"", version.to_bytes(4) + "".join(f"{word}\0" for word in words).encode())


LOGIN = startup() + message(b"p", b"FAKE_password\0")
SSL_REQUEST, GSS_REQUEST, CANCEL = (message(b"", code.to_bytes(4)) for code in (80877103, 80877104, 80877102))
PARSE = message(b"P", b"s\0select 1\0\0\0")


def answer_of(server: StandIn, *packets: bytes, leave: bool = True) -> bytes:
    """Send `packets`, and return what is answered until the server closes, on its own if we do not `leave`."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as stranger:
        stranger.sendall(b"".join(packets))
        data = b""
        with suppress(OSError):  # it may be gone by then
            if leave:
                stranger.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):  # it closes before it has read everything
            while more := stranger.recv(10_000):
                data += more
    return data


@pytest.mark.parametrize(
    ("packets", "answer"),
    [
        ([], b""),
        ([b"\0"], b""),
        ([b"GET / HTTP/1.1\r\n\r\n"], b""),
        ([b"\x16\x03\x01\x00\x05hello"], b""),
        ([b"\0\0\0\3"], b""),
        ([b"\0\0\0\4"], b""),
        ([b"\0\0\0\6\0\3"], b""),
        ([b"\x7f\xff\xff\xff" + b"x" * 100], b""),
        ([message(b"", b"\0\3\0\0user")], b""),
        ([CANCEL], b""),
        ([SSL_REQUEST], b"N"),
        ([GSS_REQUEST, SSL_REQUEST], b"NN"),
        ([startup()], b"R\0\0\0\x08\0\0\0\3"),
        ([startup(), b"Q"], b"R\0\0\0\x08\0\0\0\3"),
        ([startup(), message(b"p", b"no end")], b"R\0\0\0\x08\0\0\0\3"),
    ],
)
def test_strangers_learn_nothing(notls: StandIn, packets: list[bytes], answer: bytes) -> None:
    assert answer_of(notls, *packets) == answer
    assert not notls.clients[-1].authenticated


@pytest.mark.parametrize("packet", [b"", SSL_REQUEST + b"no hello", SSL_REQUEST + startup(), b"\x16\x03\x01\0\5hello"])
def test_strangers_to_one_with_tls(good: StandIn, packet: bytes) -> None:
    assert answer_of(good, packet)[:1] in {b"", b"S", b"\x15"}  # an alert at the most
    assert (good.clients[-1].tls, good.clients[-1].parameters) == (None, {})


@pytest.mark.parametrize("protocols", [None, ["http/1.1"], ["http/1.1", "postgresql"]])
def test_direct_tls_requires_alpn(good: StandIn, protocols: list[str] | None) -> None:
    context = ssl.create_default_context(cadata=good.ca)
    if protocols:
        context.set_alpn_protocols(protocols)
    with (
        socket.create_connection(("127.0.0.1", good.port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as stranger,
    ):
        stranger.sendall(startup())
        with suppress(OSError):
            assert stranger.recv(1) == (b"R" if protocols and "postgresql" in protocols else b"")
    assert good.clients[-1].direct


@pytest.mark.parametrize(("version", "state"), [(2 << 16, b"0A000"), (4 << 16, b"0A000"), (0, b"0A000")])
def test_other_protocols(notls: StandIn, version: int, state: bytes) -> None:
    assert b"C" + state in answer_of(notls, startup(version))


def test_a_newer_minor_version_is_negotiated_down(notls: StandIn) -> None:
    answer = answer_of(notls, startup((3 << 16) + 2, "user", "app", "_pq_.x", "1", ""))
    assert answer.startswith(b"v\0\0\0\x13\0\3\0\0\0\0\0\1_pq_.x\0R")


@pytest.mark.parametrize("kind", [b"B", b"C", b"D", b"E", b"P", b"f", b"z", b"\0"])
def test_an_extended_query_is_refused_once(notls: StandIn, kind: bytes) -> None:
    answer = answer_of(notls, LOGIN, message(kind, b"\0"), message(b"H"), PARSE, message(b"S"), message(b"X"))
    assert answer.count(b"C0A000") == 1
    assert answer.endswith(message(b"Z", b"I"))


@pytest.mark.parametrize("packet", [b"Q\0\0\0\1", b"Q\xff\xff\xff\xff", message(b"Q", b"no end")])
def test_a_malformed_message_ends_the_connection(notls: StandIn, packet: bytes) -> None:
    assert answer_of(notls, LOGIN, packet, leave=False).endswith(message(b"Z", b"I"))
