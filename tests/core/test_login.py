"""What a refusal and an answer mean, without a server: the tables behind a login."""

from __future__ import annotations

import errno
import socket
import ssl
from typing import Any

import pytest

import envconn
from envconn.probe import FAULTS, Login
from envconn.probe.login import outcome, postgresql
from envconn.probe.login.libpq import refused
from envconn.probe.login.outcome import Failure, classify, readable
from envconn.probe.login.postgresql import ServerSettings
from envconn.records import replace

STATES = {
    ("28P01", ""): "password-refused",
    ("28000", ""): "login-refused",
    ("28000", "connection requires a valid client certificate"): "client-certificate-required",
    ("28000", 'certificate authentication failed for user "x"'): "client-certificate-refused",
    ("3D000", ""): "database-absent",
    ("42501", ""): "permission-denied",
    ("53300", ""): "server-full",
    ("55000", ""): "permission-denied",
    ("57014", ""): "timed-out",
    ("57P01", ""): "server-starting",
    ("57P02", ""): "server-starting",
    ("57P03", ""): "server-starting",
    ("57P04", ""): "database-absent",
    ("08003", ""): "connection-closed",
    ("08006", ""): "connection-closed",
    ("XX000", "password authentication failed"): "login-refused",
    # PgBouncer has one code for nearly everything.
    ("08P01", "SASL authentication failed"): "password-refused",
    ("08P01", "password authentication failed"): "password-refused",
    ("08P01", "no such user: somebody"): "password-refused",
    ("08P01", 'database "other" does not exist'): "database-absent",
    ("08P01", "no such database: other"): "database-absent",
    ("08P01", "no more connections allowed (max_client_conn)"): "server-full",
    ("08P01", "query_wait_timeout"): "server-full",
    ("08P01", "client_login_timeout"): "timed-out",
    ("08P01", "pgbouncer cannot connect to server"): "server-starting",
    ("08P01", "server login has been failing, try again later"): "server-starting",
    ("08P01", "database is shutting down"): "server-starting",
    ("08P01", "unsupported startup parameter: jit"): "login-refused",
    ("28P01", "no more connections allowed"): "password-refused",
}


@pytest.mark.parametrize("state", STATES, ids=" ".join)
def test_a_refusal(state: tuple[str, str]) -> None:
    assert refused(*state) == Failure(STATES[state], state[0])


@pytest.mark.parametrize("state", ["", "hX7qZ", "HX7QZ2", "28P0\n", "2 8P0", "٢٨٠٠٠"])
def test_no_sqlstate(state: str) -> None:
    assert refused(state, "") == Failure("login-refused", "XX000")


def test_what_may_be_printed() -> None:
    assert readable("17.2 (Debian)") == "17.2 (Debian)"
    assert readable("\x1b[31m17\n\u202e") == "[31m17"
    assert readable("7" * 1000) == "7" * 80
    assert readable("\0") is readable("") is readable(None) is None


ERRORS = {
    "tls-failed": ssl.SSLCertVerificationError(1, "Zq7xWv9kJb3"),
    "timed-out": TimeoutError(),
    "host-unresolved": socket.gaierror(socket.EAI_NONAME, "no"),
    "connection-refused": ConnectionRefusedError(errno.ECONNREFUSED, "no"),
    "connection-closed": ConnectionResetError(errno.ECONNRESET, "no"),
    "host-unreachable": OSError(errno.ENETUNREACH, "no"),
    "protocol-unexpected": UnicodeDecodeError("ascii", b"\xff", 0, 1, "no"),
}


@pytest.mark.parametrize("code", ERRORS)
def test_an_error(code: str) -> None:
    assert classify(ERRORS[code]) == Failure(code)
    wrapped = RuntimeError()
    wrapped.__context__ = KeyError()
    wrapped.__context__.__cause__ = ERRORS[code]
    assert classify(wrapped) == Failure(code)


def test_the_end_of_the_stream() -> None:
    assert classify(ssl.SSLEOFError()) == classify(EOFError()) == Failure("connection-closed")


@pytest.mark.parametrize(
    "kind",
    [
        "postgresql://app:s@127.0.0.1/app",
        "rediss://:s@127.0.0.1/0",
        "rediss+sentinel://:s@[::1]/m",
        "amqps://127.0.0.1/",
    ],
)
@pytest.mark.parametrize("state", ["", "28000"])
def test_every_failure_has_its_sentence(kind: str, state: str) -> None:
    connection = envconn.secure(envconn.parse(kind, "SOME_URL"))
    known = {*outcome._OF_ALL, *(code for _, code in outcome._OF_KIND)}
    assert known <= FAULTS.keys()
    for code in known:
        problem = outcome.failed_login(connection, "some driver", Failure(code, state))
        assert (problem.code, problem.variable) == (code, "SOME_URL")
        assert "{" not in problem.message
        assert ". " in problem.message


NOTHING = ServerSettings(*(None,) * 14)
LOGIN = Login("psycopg", "app", tls=True)


def judged(uri: str, pooler: str | None = None) -> envconn.SecuredConnection:
    environ = {"DATABASE_URL": uri, **({"ENVCONN_POOL_MODE": pooler} if pooler else {})}
    return envconn.load(environ=environ, env_file=None).database


ANYBODY = "postgresql://app:s@db.example.com/app?sslmode=require"
NEON = "postgresql://app:s@ep-cool-darkness-a1b2c3d4.us-east-2.aws.neon.tech/app?sslmode=require"
NEON_POOLED = NEON.replace("d4.", "d4-pooler.")
REPLICA = "postgresql://app.branch1234ab%7Creplica:s@aws-us-east-1-1.pg.psdb.cloud/app?sslmode=require"
SOCKET = "postgresql:///app?host=/run/postgresql&user=app"

Case = tuple[tuple[str, str | None], dict[str, Any], dict[str, Any], list[str]]

FINDINGS: dict[str, Case] = {
    "nothing is known": ((ANYBODY, None), {}, {}, []),
    "a pooler": ((ANYBODY, None), {"pooled": True}, {}, ["pooler-unstated"]),
    "no pooler": ((ANYBODY, None), {"pooled": False}, {}, []),
    "a pooler that was denied": ((ANYBODY, "none"), {"pooled": True}, {}, ["pooler-unstated"]),
    "none, and none": ((ANYBODY, "none"), {"pooled": False}, {}, []),
    "a provider's proxy": ((NEON, None), {"pooled": True}, {}, []),
    "a provider's pooler": ((NEON_POOLED, None), {"pooled": True}, {}, []),
    "a provider's pooler that is not there": ((NEON_POOLED, None), {"pooled": False}, {}, ["pooler-absent"]),
    "a pooler that was stated": ((ANYBODY, "session"), {"pooled": False}, {}, ["pooler-absent"]),
    "a pooler that hides": ((ANYBODY, "session"), {"pooled": None}, {}, []),
    "clear text behind": ((ANYBODY, None), {"tls": False}, {}, ["tls-unseen-behind-pooler"]),
    "not told what is behind": ((ANYBODY, None), {"tls": None}, {}, []),
    "a socket": ((SOCKET, None), {"tls": False}, {}, []),
    "a replica": ((REPLICA, None), {"read_only": True}, {"recovers": True, "read_only": True}, []),
    "no replica": ((REPLICA, None), {"read_only": False}, {"read_only": False}, ["replica-is-primary"]),
    "perhaps a replica": ((REPLICA, None), {"read_only": None}, {}, []),
    "a standby": (
        (ANYBODY, None),
        {"read_only": True},
        {"recovers": True, "read_only": True},
        ["primary-is-read-only"],
    ),
    "a setting": ((ANYBODY, None), {"read_only": True}, {"read_only": True}, ["primary-is-read-only"]),
    "a superuser": ((ANYBODY, None), {"superuser": True}, {}, ["role-superuser"]),
    "half full": ((ANYBODY, None), {}, {"used": 50, "limit": 100, "reserved": 3}, []),
    "just enough": ((ANYBODY, None), {}, {"used": 45, "limit": 53, "reserved": 3}, []),
    "five left": ((ANYBODY, None), {}, {"used": 45, "limit": 50, "reserved": 0}, []),
    "four left": ((ANYBODY, None), {}, {"used": 46, "limit": 50, "reserved": 0}, ["connections-scarce"]),
    "a tenth left": ((ANYBODY, None), {}, {"used": 180, "limit": 200, "reserved": 0}, []),
    "less than a tenth": ((ANYBODY, None), {}, {"used": 181, "limit": 200, "reserved": 0}, ["connections-scarce"]),
    "what is kept for others": (
        (ANYBODY, None),
        {},
        {"used": 90, "limit": 103, "reserved": 10},
        ["connections-scarce"],
    ),
    "no limit of the role": ((ANYBODY, None), {}, {"role_used": 90, "role_limit": -1}, []),
    "a limit of the role": ((ANYBODY, None), {}, {"role_used": 18, "role_limit": 20}, ["connections-scarce"]),
    "a limit, and a superuser": ((ANYBODY, None), {}, {"superuser": True, "role_used": 18, "role_limit": 20}, []),
    "full behind a pooler": ((ANYBODY, "session"), {"pooled": True}, {"used": 99, "limit": 100}, []),
}


@pytest.mark.parametrize("case", FINDINGS)
def test_findings(case: str) -> None:
    stated, login, found, expected = FINDINGS[case]
    notes = postgresql.notes(judged(*stated), replace(LOGIN, **login), NOTHING._replace(**found))
    assert [note.code for note in notes] == expected


DEFAULT = REPLICA.replace("app.branch1234ab%7Creplica", "postgres.branch1234ab")


@pytest.mark.parametrize(
    ("uri", "found", "superuser"),
    [
        (ANYBODY, {}, None),
        (ANYBODY, {"superuser": False, "administers": False}, False),
        (ANYBODY, {"superuser": True}, True),
        (ANYBODY, {"superuser": False, "administers": True}, True),
        (DEFAULT, {"superuser": False}, True),
    ],
)
def test_which_roles_are_superusers(uri: str, found: dict[str, Any], superuser: object) -> None:
    assert postgresql._login(judged(uri), "psycopg", NOTHING._replace(**found), None).superuser is superuser


@pytest.mark.parametrize(("own", "answers", "pooled"), [(7, 7, False), (7, 8, True), (None, 8, None), (7, None, None)])
def test_what_shows_a_pooler(own: int | None, answers: int | None, pooled: object) -> None:
    login = postgresql._login(judged(ANYBODY), "psycopg", NOTHING._replace(process=answers), own)
    assert login.pooled is pooled
    assert login.user == "app"


class Odd:
    """A session with a server that answers as it likes."""

    backend_pid = tls = None

    def __init__(self, *row: str | None) -> None:
        self.row = row

    def ask(self, query: str, until: float) -> tuple[str | None, ...]:  # noqa: ARG002 - whatever it is
        return self.row

    def close(self) -> None:
        return


def test_malformed_answers() -> None:
    names = ServerSettings._fields
    texts = dict.fromkeys(names, "\x1b[31m") | {"used": "1e3", "limit": "9" * 5000, "reserved": "\u0663", "tls": "yes"}
    expected = NOTHING._replace(user="[31m", dbname="[31m", version="[31m")
    assert postgresql.ask_server(Odd(*(texts[name] for name in names)), 0) == expected
    assert postgresql.ask_server(Odd(), 0) == NOTHING
    more = postgresql.ask_server(Odd(*("1",) * 40), 0)
    assert more == ServerSettings(1, "1", "1", "1", None, None, None, None, None, 1, 1, 1, 1, 1)
