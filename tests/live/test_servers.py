"""The servers beside PostgreSQL: every state is what its name says, with nothing of ours between."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import rabbitmq as rabbits
import redisserver

if TYPE_CHECKING:
    from pathlib import Path

    from rabbitmq import RabbitMQ
    from redisserver import Redis
    from servers import States
    from throwaway.certificates import Certificates

OUTCOMES = {
    "good": "",
    "wronghost": "Hostname mismatch",
    "expired": "expired",
    "unknownca": "unable to get local issuer",
}


def handshake(port: int, certificates: Certificates, *, send: bytes) -> tuple[str, bytes]:
    """Return what is wrong with the certificate, and the first words of the server to `send`."""
    context = ssl.create_default_context(cafile=certificates.ca)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        try:
            with context.wrap_socket(plain, server_hostname="localhost") as encrypted:
                encrypted.sendall(send)
                return "", encrypted.recv(100)
        except ssl.SSLCertVerificationError as error:
            return error.verify_message, b""


@pytest.mark.parametrize("state", OUTCOMES)
def test_redis(redis_server: States[Redis], certificates: Certificates, state: str) -> None:
    server = redis_server[state]
    wrong, answer = handshake(server.port, certificates, send=f"AUTH {server.password}\r\nPING\r\n".encode())
    assert OUTCOMES[state] in wrong
    assert bool(wrong) is bool(OUTCOMES[state])
    assert answer.startswith(b"" if wrong else b"+OK\r\n")


def test_redis_without_tls(redis_server: States[Redis]) -> None:
    server = redis_server["plain"]
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain:
        plain.sendall(b"PING\r\n")
        assert plain.recv(100).startswith(b"-NOAUTH")
    assert server.uri().startswith("redis://")
    assert redis_server["good"].uri(scheme="valkeys").startswith("valkeys://")


@pytest.mark.parametrize("state", OUTCOMES)
def test_rabbitmq(rabbitmq: States[RabbitMQ], certificates: Certificates, state: str) -> None:
    wrong, answer = handshake(rabbitmq[state].port, certificates, send=b"AMQP\x00\x00\x09\x01")
    assert OUTCOMES[state] in wrong
    assert bool(wrong) is bool(OUTCOMES[state])
    assert answer.startswith(b"" if wrong else b"\x01\x00\x00")


def test_every_state_is_expected_of() -> None:
    assert {*OUTCOMES, "plain"} == set(redisserver.STATES)
    assert OUTCOMES.keys() == set(rabbits.STATES)


@pytest.mark.checkout
def test_nothing_is_fetched_without_apt(checkout: Path, tmp_path: Path) -> None:
    program = """
import pathlib, sys
from debian import SERVERS, unpack
from jobs import Jobs
with Jobs() as jobs:
    unpack(jobs, pathlib.Path(sys.argv[1]), *SERVERS)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "servers"],
        env={"PATH": str(tmp_path), "PYTHONPATH": str(checkout / "tests" / "runner"), "ENVCONN_TEST_VALKEY": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert list((tmp_path / "servers").iterdir()) == []
    failures = done.stdout.count("that failed, so its tests skip: [Errno 2] No such file or directory: 'apt-")
    assert failures == done.stdout.count("unpacking") >= 1  # some machines have a PgBouncer and a Redis
    assert done.stderr == ""
