"""Log in to a real RabbitMQ, and to other servers."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

import envconn
from envconn.probe.proof import Login
from envconn_celery import config
from logins import MARKER, assert_no_login_is_running, codes, noted, tried

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rabbitmq import RabbitMQ
    from servers import States
    from throwaway.certificates import Certificates


def uri(server: RabbitMQ, certificates: Certificates, vhost: str = "/") -> str:
    return f"{server.uri(vhost=vhost)}?cacertfile={certificates.ca}"


def test_a_login(rabbitmq: States[RabbitMQ], certificates: Certificates) -> None:
    outcome = tried(uri(rabbitmq["good"], certificates))
    assert noted(outcome) == []
    login = outcome.login
    assert login
    assert (login.driver, login.user, login.dbname) == ("py-amqp", "app", "/")
    assert login.server_version
    assert login.server_version.startswith("RabbitMQ ")


def test_a_list(rabbitmq: States[RabbitMQ], certificates: Certificates) -> None:
    """The next one where one is down, and the one that answers where it refuses."""
    good = uri(rabbitmq["good"], certificates)
    down = good.replace(f":{rabbitmq['good'].port}/", ":1/")
    assert tried(f"{down};{good}").login
    assert tried(f"{good};{down}").login
    assert codes(tried(f"{down};{down}")) == ["connection-refused"]
    wrong = good.replace(f":{rabbitmq['good'].port}/", f":{rabbitmq['wronghost'].port}/")
    assert codes(tried(f"{wrong};{good}")) == ["tls-failed"]


def test_celerys_failover(rabbitmq: States[RabbitMQ], certificates: Certificates) -> None:
    """kombu goes on to the second URL, where the server is verified by its own name."""
    good = uri(rabbitmq["good"], certificates)
    down = good.replace("localhost", "127.0.0.1").replace(f":{rabbitmq['good'].port}/", ":1/")
    app = Celery("list", set_as_current=False)
    app.conf.update(config(envconn.load({"CELERY_BROKER_URL": f"{down};{good}"}, env_file=None)))
    with app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=3, interval_start=0.1)
        assert connection.port == rabbitmq["good"].port
        assert connection.ssl["server_hostname"] == "localhost"
    wrong = good.replace(f":{rabbitmq['good'].port}/", f":{rabbitmq['wronghost'].port}/")
    app.conf.update(config(envconn.load({"CELERY_BROKER_URL": f"{down};{wrong}"}, env_file=None)))
    with app.connection_for_write() as connection, pytest.raises(OperationalError):
        connection.ensure_connection(max_retries=2, interval_start=0.1)


def test_a_wrong_password(rabbitmq: States[RabbitMQ], certificates: Certificates) -> None:
    server = rabbitmq["good"]
    outcome = tried(uri(server, certificates).replace(server.password, "wrong"))
    assert codes(outcome) == ["password-refused"]


def test_no_password(rabbitmq: States[RabbitMQ], certificates: Certificates) -> None:
    server = rabbitmq["good"]
    outcome = tried(uri(server, certificates).replace(f"{server.user}:{server.password}@", ""))
    assert codes(outcome) == ["password-refused"]
    assert "has no password" in outcome.problems[0].message


def test_an_unknown_vhost(rabbitmq: States[RabbitMQ], certificates: Certificates) -> None:
    outcome = tried(uri(rabbitmq["good"], certificates, vhost="absent"))
    assert codes(outcome) == ["database-absent"]
    assert "absent" not in outcome.problems[0].message


@pytest.mark.parametrize("state", ["wronghost", "expired", "unknownca"])
def test_a_certificate_that_changed(rabbitmq: States[RabbitMQ], certificates: Certificates, state: str) -> None:
    assert codes(tried(uri(rabbitmq[state], certificates))) == ["tls-failed"]


def test_a_user_of_another_vhost(rabbitmq: States[RabbitMQ], certificates: Certificates) -> None:
    server = rabbitmq["good"]
    server.control("add_user", "stranger", MARKER)
    outcome = tried(uri(server, certificates).replace(f"{server.user}:{server.password}@", f"stranger:{MARKER}@"))
    assert codes(outcome) == ["permission-denied"]
    server.control("set_permissions", "stranger", ".*", ".*", ".*")
    server.control("set_user_limits", "stranger", '{"max-connections": 0}')
    outcome = tried(uri(server, certificates).replace(f"{server.user}:{server.password}@", f"stranger:{MARKER}@"))
    assert codes(outcome) == ["server-full"]


@contextmanager
def answering(*answers: bytes) -> Iterator[int]:
    """Take a client on the port yielded, and answer each of its messages with one of `answers`; then stay, or leave."""

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            connection.settimeout(5)
            with connection:
                for answer in answers:
                    connection.recv(10_000)
                    connection.sendall(answer)
                while LEAVE not in answers and connection.recv(10_000):
                    pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def method(number: int, arguments: bytes) -> bytes:
    """Return a frame of the connection itself (AMQP 0-9-1, 2.3.5); its class is 10."""
    payload = struct.pack("!HH", 10, number) + arguments
    return b"\x01\x00\x00" + struct.pack("!I", len(payload)) + payload + b"\xce"


def text(words: bytes) -> bytes:
    return struct.pack("!I", len(words)) + words


def closed(code: int, words: bytes) -> bytes:
    return method(50, struct.pack("!H", code) + bytes([len(words)]) + words + bytes(4))


LEAVE = b""
START = method(10, b"\x00\x09" + text(b"") + text(b"PLAIN") + text(b"en_US"))
TUNE = method(30, struct.pack("!HIH", 10, 100_000, 0))
OPENED = method(41, b"\x00")


def plain(port: int) -> str:
    return f"amqp://app:{MARKER}@127.0.0.1:{port}/"


def test_a_broker_without_properties_that_closes_abruptly() -> None:
    with answering(START, TUNE, OPENED, LEAVE) as port:
        outcome = tried(plain(port), timeout=20)
    assert noted(outcome) == []
    assert outcome.login == Login("py-amqp", "app", "/")


ANSWERS = {
    "it shuts down": ((START, closed(320, b"CONNECTION_FORCED - bye")), "server-starting"),
    "it has no memory": ((START, closed(506, b"RESOURCE_ERROR - none")), "server-full"),
    "it refuses the password": ((START, closed(403, b"ACCESS_REFUSED - Zq7xWv9kJb3")), "password-refused"),
    "it has no such vhost": ((START, TUNE, closed(530, b"NOT_ALLOWED - vhost hX7q not found")), "database-absent"),
    "it has lost the vhost": ((START, TUNE, closed(530, b"NOT_ALLOWED - vhost hX7q is down")), "server-starting"),
    "it allows no more": ((START, TUNE, closed(530, b"NOT_ALLOWED - limit (1) is reached")), "server-full"),
    "it does not allow it": ((START, TUNE, closed(530, b"NOT_ALLOWED - access refused")), "permission-denied"),
    "it says nothing": ((), "timed-out"),
    "it is no broker": ((START[:-1] + b"?",), "protocol-unexpected"),
    "it leaves": ((START, LEAVE), "connection-closed"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_no_login(case: str) -> None:
    answers, code = ANSWERS[case]
    with answering(*answers) as port:
        outcome = tried(plain(port), timeout=1 if code == "timed-out" else 20)
        assert_no_login_is_running()
    assert codes(outcome) == [code]


def test_no_server() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        outcome = tried(plain(unused.getsockname()[1]))
    assert codes(outcome) == ["connection-refused"]
