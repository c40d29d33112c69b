"""A look at those who are no PostgreSQL, or none that answers: in time, with the right code, without a traceback."""

from __future__ import annotations

import http.server
import socket
import ssl
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

import strangers
from envconn.probe.postgres_protocol import NOBODY
from probing import LEVELS, codes, look, only, trust
from strangers import SSL_REQUEST, Stranger, behind_tls, drip, endless, never, say, wait_and
from throwaway.process import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redisserver import Redis
    from servers import States
    from strangers import Behaviour
    from throwaway.certificates import Certificates

WITHIN = 1.5
STARTUP = f"\0\0\0\x33\0\x03\0\0user\0{NOBODY}\0database\0{NOBODY}\0\0".encode()
NOISE = bytes(range(256)) * 16

# name -> behaviour, code, exit code, a part of the sentence
STRANGERS: dict[str, tuple[Behaviour, str, int, str]] = {
    "silent": (never, "timed-out", 69, "did not answer within 1.5 seconds (asking for TLS)"),
    "drips an error": (drip(b"E\0\0\x20\0"), "timed-out", 69, "did not answer within 1.5 seconds"),
    "drips a handshake": (drip(b"S\x16\x03\x03\x40\0"), "timed-out", 69, "did not answer within 1.5 seconds"),
    "closes": (say(), "connection-closed", 69, "closed the connection"),
    "closes when asked": (say(b""), "connection-closed", 69, "closed the connection when it was asked for TLS"),
    "consents and closes": (say(b"S"), "tls-failed", 76, "closed the connection during the TLS handshake"),
    "one byte and closes": (say(b"?"), "protocol-unexpected", 76, "is not a PostgreSQL server"),
    "one byte and waits": (strangers.endless(b"?", b""), "protocol-unexpected", 76, "is not a PostgreSQL server"),
    "noise for ever": (endless(b"", NOISE), "protocol-unexpected", 76, "is not a PostgreSQL server"),
    "noise behind consent": (endless(b"S", NOISE), "protocol-unexpected", 76, "does not answer with TLS"),
    "an error for ever": (endless(b"E\0\xff\xff\xff", NOISE), "tls-refused", 76, "answers with an error"),
    "an HTTP server": (say(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "protocol-unexpected", 76, "like an HTTP server"),
    "an SSH server": (say(b"SSH-2.0-x\r\n", greets=True), "protocol-unexpected", 76, "looks like an SSH server"),
    "a mail server": (say(b"220 mail\r\n", greets=True), "protocol-unexpected", 76, "like a mail or FTP server"),
    "an AMQP broker": (say(b"AMQP\0\0\x09\x01"), "protocol-unexpected", 76, "looks like an AMQP broker"),
    "a MySQL server": (say(b"\x4a\0\0\0\x0a8.0.1\0", greets=True), "protocol-unexpected", 76, "like a MySQL server"),
    "TLS only": (say(b"\x15\x03\x01\0\x02\x02\x0a"), "protocol-unexpected", 76, "requires TLS"),
    "too many": (say(b"E\0\0\0\x0eC53300\0\0"), "server-full", 69, "has no free connection"),
    "is starting": (say(b"E\0\0\0\x0eC57P03\0\0"), "server-starting", 69, "is starting"),
}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", STRANGERS)
def test_stranger(certificates: Certificates, name: str, level: str) -> None:
    behave, code, exit_code, sentence = STRANGERS[name]
    with strangers.running(behave) as stranger:
        proof = look(stranger.uri(**trust(certificates, level)), timeout=WITHIN)
    assert (codes(proof), proof.exit_code) == ((code,), exit_code)
    assert sentence in proof.problems[0].message
    assert f"localhost:{stranger.port}" in proof.problems[0].message
    assert only(proof).handshake is None
    assert only(proof).enforced is None
    assert_nothing_sent(stranger)


def assert_nothing_sent(stranger: Stranger) -> None:
    """Nothing was sent but the request, the nameless start-up, TLS, and what any server answers to."""
    for data in stranger.received:
        assert data in {SSL_REQUEST, STARTUP, b"PING\r\n\r\n", b""} or data.startswith(b"\x16\x03\x01")
        assert b"marker" not in data


# the same, behind a handshake that is as it should be
BEHIND: dict[str, tuple[Behaviour, str, int, str]] = {
    "silent": (never, "timed-out", 69, "did not answer within 1.5 seconds (waiting for its first answer)"),
    "drips": (drip(b"R\0\0\0"), "timed-out", 69, "(waiting for its first answer)"),
    "closes": (say(b""), "connection-closed", 69, "closed the connection without an answer"),
    "noise": (endless(b"", NOISE), "protocol-unexpected", 76, "is not a PostgreSQL server. Correct"),
    "an error for ever": (endless(b"E\0\xff\xff\xff", NOISE), "protocol-unexpected", 76, "is not a PostgreSQL"),
    "an HTTP server": (say(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "protocol-unexpected", 76, "like an HTTP server"),
    "is starting": (say(b"E\0\0\0\x0eC57P03\0\0"), "server-starting", 69, "Wait until it is ready"),
    "too many": (say(b"E\0\0\0\x0eC53300\0\0"), "server-full", 69, "Raise max_connections"),
}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", BEHIND)
def test_behind_tls(certificates: Certificates, name: str, level: str) -> None:
    behave, code, exit_code, sentence = BEHIND[name]
    with strangers.running(behind_tls(certificates.good, behave)) as stranger:
        proof = look(stranger.uri(**trust(certificates, level)), timeout=WITHIN)
    assert (codes(proof), proof.exit_code) == ((code,), exit_code)
    assert sentence in proof.problems[0].message
    assert only(proof).handshake is not None
    assert_nothing_sent(stranger)


@pytest.mark.parametrize("level", LEVELS)
def test_slow(certificates: Certificates, level: str) -> None:
    slow = wait_and(0.7, behind_tls(certificates.good, wait_and(0.7, say(b"R\0\0\0\x08\0\0\0\x05"))))
    with strangers.running(slow) as stranger:
        proof = look(stranger.uri(**trust(certificates, level)))
    assert codes(proof) == ()
    assert only(proof).enforced is True


@pytest.mark.parametrize("level", LEVELS)
def test_what_it_costs(certificates: Certificates, level: str) -> None:
    with strangers.running(behind_tls(certificates.good, say(b"R\0\0\0\x08\0\0\0\x05"))) as stranger:
        assert look(stranger.uri(**trust(certificates, level))).ok
    # One round trip inside TLS, and one without; what the level does not require takes a handshake each.
    requests = {"require": 3, "verify-ca": 2, "verify-full": 1}[level]
    assert [stranger.received.count(data) for data in (SSL_REQUEST, STARTUP)] == [requests, 2]


def test_tickets_without_end(certificates: Certificates) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.num_tickets = 4_000
    with strangers.running(behind_tls(certificates.good, never, context=context)) as stranger:
        proof = look(stranger.uri(**trust(certificates, "verify-full")))
    assert codes(proof) == ("protocol-unexpected",)
    assert "sends an endless answer" in proof.problems[0].message


def test_a_full_queue_of_connections() -> None:
    # A queue that is full: the kernel does not answer the next client.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as waiting:
        where = listener.getsockname()
        for _ in range(4):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)  # noqa: FBT003
            client.connect_ex(where)
        proof = look(f"postgresql://app:pw-marker@127.0.0.1:{where[1]}/app?sslmode=require", timeout=WITHIN)
    assert (codes(proof), proof.exit_code) == (("timed-out",), 69)
    assert "does not answer. Allow the address of this machine" in proof.problems[0].message


def test_a_connection_that_is_never_accepted(certificates: Certificates) -> None:
    # The kernel completes the connection, and no server ever accepts it.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        proof = look(f"postgresql://app:pw-marker@localhost:{port}/app?sslmode=require", timeout=WITHIN)
    assert codes(proof) == ("timed-out",)


@pytest.mark.parametrize(
    ("host", "code", "sentence"),
    [
        ("localhost", "connection-refused", "refuses the connection"),
        ("127.255.255.255", "host-unreachable", "is unreachable"),
        ("[::1%25nothing]", "host-unresolved", "::1%nothing has no address in DNS"),
    ],
)
@pytest.mark.parametrize("level", LEVELS)
def test_no_server(certificates: Certificates, host: str, code: str, sentence: str, level: str) -> None:
    query = "&".join(f"{name}={value}" for name, value in trust(certificates, level).items())
    proof = look(f"postgresql://app:pw-marker@{host}:{free_port()}/app?{query}")
    assert (codes(proof), proof.exit_code) == ((code,), 69)
    assert sentence in proof.problems[0].message
    assert only(proof).address is None


def test_hardly_any_time(certificates: Certificates) -> None:
    with strangers.running(never) as stranger:
        assert codes(look(stranger.uri(sslmode="require"), timeout=0.001)) == ("timed-out",)


@contextmanager
def web() -> Iterator[int]:
    """A real HTTP server, which waits for a line that PostgreSQL's clients never send."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join(10)


@pytest.mark.parametrize("level", LEVELS)
def test_a_real_http_server(certificates: Certificates, level: str) -> None:
    with web() as port:
        stranger = Stranger(port)
        proof = look(stranger.uri(**trust(certificates, level)), timeout=2)
    assert codes(proof) == ("protocol-unexpected",)
    assert "it looks like an HTTP server. Correct host and port" in proof.problems[0].message


@pytest.mark.parametrize("level", LEVELS)
def test_a_real_redis(certificates: Certificates, redis_server: States[Redis], level: str) -> None:
    stranger = Stranger(redis_server["plain"].port)
    proof = look(stranger.uri(**trust(certificates, level)), timeout=2)
    assert codes(proof) == ("protocol-unexpected",)
    assert "it looks like a Redis server" in proof.problems[0].message


@pytest.mark.parametrize("level", LEVELS)
def test_tls_of_yesterday(certificates: Certificates, level: str) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with strangers.running(behind_tls(certificates.good, never, context=old)) as stranger:
        proof = look(stranger.uri(**trust(certificates, level)))
    assert (codes(proof), proof.exit_code) == (("tls-too-old",), 76)
    assert "(TLSv1.2 or newer). Upgrade the server" in proof.problems[0].message
    handshake = only(proof).handshake
    assert handshake is not None
    assert handshake.version == "TLSv1.1"
    assert handshake.certificate is not None


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ({"ssl_min_protocol_version": "TLSv1.3"}, "TLSv1.3 or newer"),
        ({"ssl_min_protocol_version": "TLSv1.3", "ssl_max_protocol_version": "TLSv1.3"}, "(TLSv1.3)"),
    ],
)
def test_tls_of_a_stated_version(certificates: Certificates, bounds: dict[str, str], words: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with strangers.running(behind_tls(certificates.good, never, context=context)) as stranger:
        proof = look(stranger.uri(sslmode="require", **bounds))
    assert codes(proof) == ("tls-too-old",)
    assert words in proof.problems[0].message
    newer = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    newer.minimum_version = ssl.TLSVersion.TLSv1_3
    with strangers.running(behind_tls(certificates.good, never, context=newer)) as stranger:
        proof = look(stranger.uri(sslmode="require", ssl_max_protocol_version="TLSv1.2"))
    assert codes(proof) == ("tls-too-old",)
    assert "TLSv1.2 to TLSv1.2" not in proof.problems[0].message
