"""A look at Redis, RabbitMQ and MySQL, as far as their protocols go without a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import envconn
import strangers
from envconn.probe import examine
from probing import VARIABLE, codes, look, notes, only
from strangers import Stranger, behind_tls, endless, never, say

if TYPE_CHECKING:
    import socket

    from lab import Lab
    from rabbitmq import RabbitMQ
    from redisserver import Redis
    from servers import States
    from strangers import Behaviour
    from throwaway.certificates import Certificates

# the words of each family for: encrypted, verified by CA, verified in full
REDIS = (
    {"ssl_cert_reqs": "none"},
    {"ssl_cert_reqs": "required", "ssl_check_hostname": "false"},
    {"ssl_cert_reqs": "required"},
)
STATES = {
    "good": ("", "", ""),
    "wronghost": ("", "", "certificate-misnamed"),
    "expired": ("", "certificate-expired", "certificate-expired"),
    "unknownca": ("", "certificate-untrusted", "certificate-untrusted"),
}


def words(certificates: Certificates, level: int) -> dict[str, str]:
    return {**REDIS[level], **({"ssl_ca_certs": str(certificates.ca)} if level else {})}


@pytest.mark.parametrize("level", range(3))
@pytest.mark.parametrize("state", STATES)
def test_redis(redis_server: States[Redis], certificates: Certificates, state: str, level: int) -> None:
    expected = STATES[state][level]
    proof = look(redis_server[state].uri(scheme="rediss", database=0, **words(certificates, level)))
    assert codes(proof) == ((expected,) if expected else ())
    assert only(proof).handshake is not None
    assert only(proof).enforced is (None if expected else True)


@pytest.mark.parametrize("level", range(3))
def test_redis_without_tls(redis_server: States[Redis], certificates: Certificates, level: int) -> None:
    uri = redis_server["plain"].uri(scheme="rediss", database=0, **words(certificates, level))
    proof = look(uri, timeout=2)
    assert (codes(proof), proof.exit_code) == (("tls-refused",), 76)
    assert "answers without TLS, but TLS is required" in proof.problems[0].message


def test_redis_unencrypted(redis_server: States[Redis]) -> None:
    plain = envconn.secure(envconn.parse(redis_server["plain"].uri(), VARIABLE))
    assert codes(examine(plain)) == ()
    wrong = envconn.secure(envconn.parse(redis_server["good"].uri(scheme="redis"), VARIABLE))
    assert codes(examine(wrong)) == ("connection-closed",)


def test_redis_where_postgresql_is(lab: Lab, certificates: Certificates) -> None:
    uri = Stranger(lab["good"].port).uri(scheme="rediss", **words(certificates, 2))
    proof = look(uri, timeout=3)
    assert codes(proof) == ("protocol-unexpected",)
    assert "is not a Redis server: it looks like a PostgreSQL server" in proof.problems[0].message


# what is said behind the handshake -> the code, and a part of the sentence
INSIDE: dict[str, tuple[Behaviour, str, str]] = {
    "ready": (say(b"+PONG\r\n"), "", ""),
    "asks for a password": (say(b"-NOAUTH Authentication required.\r\n"), "", ""),
    "loads": (say(b"-LOADING Redis is loading the dataset in memory\r\n"), "server-starting", "is loading its data"),
    "is full": (say(b"-ERR max number of clients reached\r\n"), "server-full", "Raise maxclients"),
    "HTTP": (say(b"HTTP/1.1 400 Bad Request\r\n"), "protocol-unexpected", "it looks like an HTTP server"),
    "no line": (endless(b"+PONG", b"x"), "protocol-unexpected", "is not a Redis server"),
    "closes": (say(b""), "connection-closed", "closed the connection without an answer"),
    "silent": (never, "timed-out", "did not answer"),
}


@pytest.mark.parametrize("name", INSIDE)
def test_redis_behind_tls(certificates: Certificates, name: str) -> None:
    behave, code, sentence = INSIDE[name]
    with strangers.running(behind_tls(certificates.good, behave, asked=False)) as stranger:
        proof = look(stranger.uri(scheme="rediss", **words(certificates, 2)), timeout=2)
    assert codes(proof) == ((code,) if code else ())
    assert not code or sentence in proof.problems[0].message
    assert all(data in {b"PING\r\n", b""} for data in stranger.received)


@pytest.mark.parametrize(
    ("behave", "code"),
    [
        (say(), "connection-closed"),
        (say(b""), "connection-closed"),
        (say(b"x"), "tls-failed"),
        (say(b"\x16"), "tls-failed"),
        (never, "timed-out"),
        (say(b"SSH-2.0-x\r\n", greets=True), "protocol-unexpected"),
        (endless(b"", b"noise" * 99), "protocol-unexpected"),
        (say(b"\x15\x03\x03\0\x02\x02\x28"), "tls-failed"),
        (say(b"\x15\x03\x03\0\x02\x02\x70"), "tls-failed"),
        (say(b"\x15\x03\x03\0\x02\x02\x50"), "tls-failed"),
    ],
)
def test_redis_strangers(certificates: Certificates, behave: Behaviour, code: str) -> None:
    with strangers.running(behave) as stranger:
        proof = look(stranger.uri(scheme="rediss", **words(certificates, 2)), timeout=2)
    assert codes(proof) == (code,)
    assert all(b"marker" not in data for data in stranger.received)


def test_redis_that_does_not_enforce(certificates: Certificates) -> None:
    inside = behind_tls(certificates.good, say(b"+PONG\r\n"), asked=False)

    def behave(connection: socket.socket, stranger: Stranger) -> None:
        if connection.recv(1, 2) == b"\x16":  # MSG_PEEK
            inside(connection, stranger)
        else:
            say(b"-NOAUTH\r\n")(connection, stranger)

    with strangers.running(behave) as stranger:
        uri = stranger.uri(scheme="rediss", **words(certificates, 2))
        proof, strict = look(uri), look(uri, enforcement="require")
    assert (codes(proof), notes(proof)) == ((), {"tls-not-enforced"})
    assert codes(strict) == ("tls-not-enforced",)
    assert "set port to 0" in strict.problems[0].message


def test_redis_could_be_verified(
    redis_server: States[Redis], certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))
    proof = look(redis_server["good"].uri(scheme="rediss", database=0, **REDIS[0]))
    assert notes(proof) == {"tls-verifiable"}
    assert proof.notes[0].message.endswith("which is for this host. Use ssl_cert_reqs=required")


AMQP = ({"verify": "verify_none"}, {"verify": "verify_peer"})


@pytest.mark.parametrize("state", STATES)
def test_rabbitmq(rabbitmq: States[RabbitMQ], certificates: Certificates, state: str) -> None:
    broker, expected = rabbitmq[state], STATES[state][2]
    assert codes(look(broker.uri(**AMQP[0]))) == ()
    proof = look(broker.uri(**AMQP[1], cacertfile=str(certificates.ca)))
    assert codes(proof) == ((expected,) if expected else ())
    assert only(proof).enforced is (None if expected else True)


def start(method: bytes) -> bytes:
    return b"\x01\0\0\0\0\0\x04" + method + b"\xce"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (start(b"\0\x0a\0\x0a"), ""),
        (b"AMQP\0\0\x09\x01", ""),
        (start(b"\0\x0a\0\x32"), "protocol-unexpected"),
        (b"+PONG\r\n", "protocol-unexpected"),
        (b"", "connection-closed"),
    ],
)
def test_amqp(certificates: Certificates, answer: bytes, code: str) -> None:
    with strangers.running(behind_tls(certificates.good, say(answer), asked=False)) as stranger:
        proof = look(stranger.uri(scheme="amqps", **AMQP[1], cacertfile=str(certificates.ca)))
    assert codes(proof) == ((code,) if code else ())
    with strangers.running(say(b"AMQP\0\0\x09\x01", b"AMQP\0\0\x09\x01")) as stranger:
        proof = look(stranger.uri(scheme="amqps", **AMQP[1], cacertfile=str(certificates.ca)))
    assert codes(proof) == ("tls-refused",)


def greeting(capabilities: int) -> bytes:
    body = b"\x0a8.4.0\0" + b"\x01\0\0\0" + b"saltsalt" + b"\0" + capabilities.to_bytes(2, "little") + b"\x2d"
    return len(body).to_bytes(3, "little") + b"\0" + body


def refusal(number: int) -> bytes:
    body = b"\xff" + number.to_bytes(2, "little") + b"no"
    return len(body).to_bytes(3, "little") + b"\0" + body


def mysql(certificates: Certificates, capabilities: int) -> Behaviour:
    inside = behind_tls(certificates.good, never, asked=False)

    def behave(connection: socket.socket, stranger: Stranger) -> None:
        connection.sendall(greeting(capabilities))
        request = connection.recv(36)
        stranger.received.append(request)
        if request:
            inside(connection, stranger)

    return behave


def test_mysql(certificates: Certificates) -> None:
    with strangers.running(mysql(certificates, 0x0A00)) as stranger:
        full = look(stranger.uri(scheme="mysql", **{"ssl-mode": "VERIFY_IDENTITY", "ssl-ca": str(certificates.ca)}))
        local = examine(envconn.secure(envconn.parse(stranger.uri(scheme="mysql"), VARIABLE)))
    assert codes(full) == ()
    handshake = only(full).handshake
    assert handshake is not None
    assert (handshake.chain_verified, handshake.host_verified) == (True, True)
    # Only a login shows whether unencrypted connections are rejected.
    assert only(full).enforced is None
    assert codes(local) == ()
    assert all(len(data) in {0, 36} for data in stranger.received)


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (greeting(0x0200), "tls-refused", "does not support TLS"),
        (b"\x20\0\0\0\x0a8.4.0no end", "tls-refused", "does not support TLS"),
        (refusal(1040), "server-full", "Raise max_connections"),
        (refusal(1130), "login-refused", "refuses this machine (error 1130)"),
        (b"\x03\0\0\0\x0a", "protocol-unexpected", "is not a MySQL server"),
        (b"\xff\xff\xff\0\x0a", "protocol-unexpected", "is not a MySQL server"),
        (b"SSH-2.0-x\r\n", "protocol-unexpected", "it looks like an SSH server"),
        (b"", "connection-closed", "closed the connection"),
    ],
)
def test_mysql_strangers(words: bytes, code: str, sentence: str) -> None:
    with strangers.running(say(words, greets=True)) as stranger:
        proof = look(stranger.uri(scheme="mysql", **{"ssl-mode": "REQUIRED"}), timeout=2)
        unencrypted = examine(envconn.secure(envconn.parse(stranger.uri(scheme="mysql", **{"ssl-mode": "DISABLED"}))))
    assert codes(proof) == (code,)
    assert sentence in proof.problems[0].message
    assert codes(unencrypted) == (() if code == "tls-refused" else (code,))
