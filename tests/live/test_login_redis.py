"""Logging in to a real Redis: with and without an ACL, and to what only says it were one."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
import redis

import redisserver
import strangers
from envconn.probe.proof import Login
from logins import MARKER, assert_no_login_is_running, codes, noted, tried

if TYPE_CHECKING:
    from collections.abc import Iterator

    from installed import Installations
    from redisserver import Redis
    from servers import States
    from throwaway.certificates import Certificates

STAFF = {
    "worker": ["+@all"],
    "humble": ["+ping", "+select"],
    "mute": ["+select"],
    "bound": ["+ping"],
}


@pytest.fixture(scope="module")
def own(redis_server: States[Redis], installations: Installations, certificates: Certificates) -> Iterator[Redis]:
    command = installations.command("redis-server")
    with redisserver.running(command, installations.account, certificates.good, certificates.ca) as server:
        with administrator(server) as admin:
            for user, rights in STAFF.items():
                admin.execute_command("ACL", "SETUSER", user, "on", f">{MARKER}", "~*", *rights)
        yield server


def administrator(server: Redis) -> redis.Redis:
    return redis.Redis(port=server.port, password=server.password, ssl=True, ssl_cert_reqs="none")


def uri(server: Redis, certificates: Certificates, user: str = "", password: str = MARKER, **more: object) -> str:
    """Return the address for a user of `STAFF`, or for the default user."""
    found = server.uri(ssl_ca_certs=str(certificates.ca), **more)  # type: ignore[arg-type]
    return found.replace(f":{server.password}@", f"{user}:{password}@") if user or password != MARKER else found


def test_a_login(redis_server: States[Redis], certificates: Certificates) -> None:
    outcome = tried(uri(redis_server["good"], certificates, database=3))
    assert noted(outcome) == []
    login = outcome.login
    assert login
    assert (login.driver, login.user, login.dbname, login.read_only) == ("redis-py", "default", "3", False)
    assert login.server_version
    assert login.server_version[0].isdigit()
    assert login.connections
    assert login.max_connections
    assert login.connections < login.max_connections


def test_a_lower_level(redis_server: States[Redis], certificates: Certificates) -> None:
    assert noted(tried(uri(redis_server["wronghost"], certificates, ssl_check_hostname="false"))) == []
    assert codes(tried(uri(redis_server["unknownca"], certificates, ssl_check_hostname="false"))) == ["tls-failed"]
    assert noted(tried(redis_server["unknownca"].uri(ssl_cert_reqs="none"))) == []


def test_a_login_by_acl(own: Redis, certificates: Certificates) -> None:
    outcome = tried(uri(own, certificates, "worker"))
    assert noted(outcome) == []
    assert outcome.login
    assert outcome.login.user == "worker"


def test_a_user_who_may_not_ask(own: Redis, certificates: Certificates) -> None:
    outcome = tried(uri(own, certificates, "humble"))
    assert noted(outcome) == []
    assert outcome.login == Login("redis-py", "humble", "0")


REFUSED = {
    "wrong password": (("worker", "wrong", 0), "password-refused"),
    "everybody's password is another": (("", "wrong", 0), "password-refused"),
    "unknown user": (("nobody", MARKER, 0), "password-refused"),
    "no ping": (("mute", MARKER, 0), "permission-denied"),
    "no select": (("bound", MARKER, 1), "permission-denied"),
    "no such database": (("worker", MARKER, 99), "database-absent"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(own: Redis, certificates: Certificates, case: str) -> None:
    (user, password, database), code = REFUSED[case]
    assert codes(tried(uri(own, certificates, user, password, database=database))) == [code]


def test_without_a_password(own: Redis, certificates: Certificates) -> None:
    outcome = tried(f"rediss://localhost:{own.port}/0?ssl_ca_certs={certificates.ca}")
    assert codes(outcome) == ["password-refused"]
    assert "has no password" in outcome.problems[0].message


@pytest.mark.parametrize("state", ["wronghost", "expired", "unknownca"])
def test_a_certificate_that_changed(redis_server: States[Redis], certificates: Certificates, state: str) -> None:
    outcome = tried(uri(redis_server[state], certificates))
    assert codes(outcome) == ["tls-failed"]


def test_the_ca_that_is_stated_is_the_only_one(
    redis_server: States[Redis], certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))
    outcome = tried(redis_server["good"].uri(ssl_ca_certs=str(certificates.other_ca)))
    assert codes(outcome) == ["tls-failed"]


def test_few_connections_left_and_none(installations: Installations, certificates: Certificates) -> None:
    command = installations.command("redis-server")
    # Over TLS it has not shaken hands yet, and closes without a word (src/networking.c, acceptCommonHandler).
    with (
        redisserver.running(command, installations.account, None, certificates.ca) as server,
        redis.Redis(port=server.port, password=server.password) as admin,
    ):
        admin.config_set("maxclients", 4)
        outcome = tried(server.uri())
        admin.config_set("maxclients", 1)
        full = tried(server.uri())
    assert noted(outcome) == ["connections-scarce"]
    assert "raise maxclients" in outcome.notes[0].message
    assert codes(full) == ["server-full"]


def test_a_replica(own: Redis, certificates: Certificates) -> None:
    with administrator(own) as admin:
        admin.replicaof("127.0.0.1", "1")
        outcome = tried(uri(own, certificates, "worker"))
        admin.config_set("replica-serve-stale-data", "no")
        stale = tried(uri(own, certificates, "worker"))
        admin.config_set("replica-serve-stale-data", "yes")
        admin.replicaof("no", "one")
    assert noted(outcome) == ["primary-is-read-only"]
    assert outcome.login
    assert outcome.login.read_only is True
    assert codes(stale) == ["server-starting"]


# redis-py 5 leaves the socket to the garbage collector.
@pytest.mark.filterwarnings("ignore:.*socket:pytest.PytestUnraisableExceptionWarning")
def test_a_unix_socket(own: Redis) -> None:
    where = own.home / "redis.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(where))
        outcome = tried(f"unix://{where}?db=0&socket_timeout=1&timeout=3&max_connections=4")
    assert codes(outcome) == ["connection-refused"]


ANSWERS = {
    b"-LOADING Redis is loading the dataset in memory\r\n": "server-starting",
    b"-DENIED Redis is running in protected mode\r\n": "login-refused",
    b"-ERR nothing that is known\r\n": "login-refused",
    b"HTTP/1.1 400 Bad Request\r\n\r\n": "protocol-unexpected",
    b"": "timed-out",
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_server_that_only_claims_to_be_redis(certificates: Certificates, answer: bytes) -> None:
    behave = strangers.say(*[answer] * 9) if answer else strangers.never
    with strangers.running(strangers.behind_tls(certificates.good, behave, asked=False)) as server:
        address = f"rediss://:{MARKER}@localhost:{server.port}/0?ssl_ca_certs={certificates.ca}"
        outcome = tried(address, timeout=20 if answer else 1)
        assert_no_login_is_running()
    assert codes(outcome) == [ANSWERS[answer]]


def test_a_server_that_closes_the_connection(certificates: Certificates) -> None:
    with strangers.running(strangers.behind_tls(certificates.good, strangers.say(b""), asked=False)) as server:
        outcome = tried(f"rediss://:{MARKER}@localhost:{server.port}/0?ssl_ca_certs={certificates.ca}")
    assert codes(outcome) == ["connection-closed"]


def test_a_silent_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        outcome = tried(f"rediss://:{MARKER}@localhost:{silent.getsockname()[1]}/0?ssl_cert_reqs=none", timeout=1)
        assert_no_login_is_running()
    assert codes(outcome) == ["timed-out"]


def test_no_server() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        outcome = tried(f"redis://:{MARKER}@127.0.0.1:{unused.getsockname()[1]}/0", timeout=1)
    assert codes(outcome) == ["connection-refused"]
