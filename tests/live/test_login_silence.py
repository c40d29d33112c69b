"""Servers that are silent, gone, starting, or none at all; whatever they do, a login ends in time."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

import talker
from envconn.probe.failures import curable
from envconn.probe.proof import Login
from envconn.records import fields
from fakes import Answer
from logins import DRIVERS, assert_no_login_is_running, codes, noted, tried
from talker import Script

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakes import Fake
    from throwaway.certificates import Certificates

TALK = {
    Script.SILENT: "timed-out",
    Script.MUTE: "timed-out",
    Script.CLOSE: "connection-closed",
    Script.STARTING: "server-starting",
    Script.TRANSLATED: "password-refused",
    Script.GONE: "connection-closed",
}


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("script", TALK)
def test_over_tls(certificates: Certificates, driver: str, script: Script) -> None:
    with talker.running(script, certificates.good) as server:
        uri = server.uri(driver, sslmode="verify-full", sslrootcert=str(certificates.ca))
        outcome = tried(uri, timeout=1 if TALK[script] == "timed-out" else 20)
        assert_no_login_is_running()
    assert codes(outcome) == [TALK[script]]


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_server_that_shuts_down(certificates: Certificates, driver: str) -> None:
    with talker.running(Script.LEAVING, certificates.good) as server:
        outcome = tried(server.uri(driver, sslmode="verify-full", sslrootcert=str(certificates.ca)))
    # Whether its last word is read before its end is up to the driver.
    assert codes(outcome)[0] in {"connection-closed", "server-starting"}
    assert curable(each.code for each in outcome.problems)


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_server_that_knows_none_of_it(certificates: Certificates, driver: str) -> None:
    with talker.running(Script.IGNORANT, certificates.good) as server:
        outcome = tried(server.uri(driver, sslmode="verify-full", sslrootcert=str(certificates.ca)))
    assert noted(outcome) == []
    assert outcome.login == Login(driver, "talkative")


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("script", [Script.BABBLING, Script.EMPTY])
def test_malformed_answers(certificates: Certificates, driver: str, script: Script) -> None:
    with talker.running(script, certificates.good) as server:
        outcome = tried(server.uri(driver, sslmode="verify-full", sslrootcert=str(certificates.ca)), timeout=3)
    if outcome.login:
        assert outcome.login.server_version is None
        assert all(str(each).isprintable() for each in fields(outcome.login).values())
    assert set(codes(outcome)) <= {"protocol-unexpected", "connection-closed", "timed-out"}


@pytest.mark.parametrize("driver", DRIVERS)
def test_garbage(certificates: Certificates, driver: str) -> None:
    with talker.running(Script.GARBAGE, certificates.good) as server:
        outcome = tried(server.uri(driver, sslmode="verify-full", sslrootcert=str(certificates.ca)), timeout=1)
    assert set(codes(outcome)) <= {"protocol-unexpected", "connection-closed", "timed-out"}


# pg8000 leaves the socket to the garbage collector.
@pytest.mark.filterwarnings("ignore:.*socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("answer", [Answer.N, Answer.ERROR, Answer.GARBAGE, Answer.CLOSE, Answer.INJECT])
def test_before_tls(fake: Callable[[Answer], Fake], driver: str, answer: Answer) -> None:
    server = fake(answer)
    outcome = tried(server.uri(sslmode="require").replace("postgresql:", f"postgresql+{driver}:"), timeout=5)
    assert codes(outcome)[0] in {"tls-failed", "protocol-unexpected", "connection-closed"}
    assert not server.saw_password_unencrypted


@pytest.mark.parametrize("driver", DRIVERS)
def test_no_server(driver: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        outcome = tried(f"postgresql+{driver}://app:Zq7xWv9kJb3@localhost:{port}/app?sslmode=require")
    assert codes(outcome)[0] in {"connection-refused", "host-unreachable"}


@pytest.mark.parametrize("driver", DRIVERS)
def test_no_such_host(driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_given: object, **_named: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    outcome = tried(f"postgresql+{driver}://app:Zq7xWv9kJb3@db.invalid:1/app?sslmode=require")
    assert codes(outcome)[0] in {"host-unresolved", "host-unreachable"}


def test_a_resolver_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """No driver has a limit for that, so that the one around all of it has to hold."""
    released = threading.Event()

    def hang(*_given: object, **_named: object) -> object:
        released.wait(30)
        raise socket.gaierror(socket.EAI_AGAIN, "later")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    try:
        for driver in ("asyncpg", "pg8000"):
            uri = f"postgresql+{driver}://app:Zq7xWv9kJb3@db.example.com:5432/app?sslmode=require"
            assert codes(tried(uri, timeout=0.5)) == ["timed-out"]
    finally:
        released.set()


def test_the_exit_is_not_delayed() -> None:
    code = """
import socket, threading
import envconn
from envconn.probe.login import log_in
def hang(*given, **named):
    threading.Event().wait(60)
socket.getaddrinfo = hang
for driver in ("asyncpg", "pg8000"):
    uri = f"postgresql+{driver}://app:secret@db.example.com/app?sslmode=require"
    database = envconn.load(environ={"DATABASE_URL": uri}, env_file=None).database
    print(log_in(database, timeout=0.3).problems[0].code)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.split() == ["timed-out", "timed-out"]
    assert not done.stderr
