"""The texts of a proof, and which exit code and whether waiting follow from its problems."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

import envconn
from envconn import Finding, Proof, Report
from envconn.connection import Host
from envconn.exit_codes import EX_CONFIG, EX_NOPERM, EX_PROTOCOL, EX_UNAVAILABLE, gravest
from envconn.probe import FAULTS, Certificate, Handshake, Login, Seen
from envconn.probe.failures import curable
from envconn.records import replace

SERVICE = envconn.secure(envconn.parse("postgresql://app:pw-marker@db.envconn.test/app?sslmode=require", "SOME_URL"))
HOST = Host("db.envconn.test", 5432)
BEGINS, ENDS = datetime(2030, 1, 1, tzinfo=UTC), datetime(2030, 2, 1, 12, 30, tzinfo=UTC)


def certificate(days_left: int = 12, *names: str) -> Certificate:
    return Certificate("CN=db", names, "CN=ca", ("CN=db", "CN=ca"), "ab" * 32, BEGINS, ENDS, days_left)


def handshake(
    held: Certificate | None, *, chain: bool | None = None, host: bool | None = None, ca: Certificate | None = None
) -> Handshake:
    return Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, held, chain, host, ca)


def fault(code: str) -> Finding:
    return Finding(code, "SOME_URL", "is not as it should be")


def test_nothing() -> None:
    assert Proof().lines() == []
    assert str(Proof()) == ""
    document = Proof().as_dict()
    assert (document["ok"], document["exit_code"], document["live"]) == (True, 0, {"seen": []})
    assert document.keys() == Report().as_dict().keys()


def test_lines() -> None:
    login = Login("psycopg", "app", read_only=False, identity="aws-iam", token_library="botocore", token_seconds=0.0061)
    names = ("a.test", "b.test", "c.test", "d.test", "e.test", "f.test", "g.test")
    shown = handshake(certificate(12, *names), chain=True, host=False, ca=certificate(1))
    seen = Seen(SERVICE, HOST, "192.0.2.1", shown, True, login)  # noqa: FBT003
    assert Proof((seen,)).lines() == [
        "database (SOME_URL): postgresql on db.envconn.test:5432, TLS encrypted: ok",
        "  TLSv1.3, TLS_AES_256_GCM_SHA384",
        "  certificate for a.test, b.test, c.test, d.test, e.test and 2 more, by CN=ca, until 2030-02-01, 12 days left",
        "  CA CN=db, until 2030-02-01, 1 day left",
        "  its CA is verified, its hostname is not verified",
        "  connections without TLS are refused",
        "  logged in as app by psycopg, read and write, with a token of aws-iam that botocore made in 0.006 s",
    ]


def test_lines_of_what_failed() -> None:
    note = Finding("tls-verifiable", "SOME_URL", "could be more", "note")
    seen = Seen(SERVICE, HOST, None, handshake(certificate(-3)), False, None, (fault("tls-failed"),), (note,))  # noqa: FBT003
    assert Proof((seen,)).lines()[2:] == [
        "  certificate for no name, by CN=ca, until 2030-02-01, 2 days ago",
        "  its CA is not known, its hostname is not known",
        "  connections without TLS are also accepted",
        "  problem: is not as it should be [tls-failed]",
        "  note: could be more [tls-verifiable]",
    ]
    assert Proof((seen,)).lines()[0].endswith(": failed")
    bare = Seen(SERVICE, HOST, handshake=handshake(None))
    assert Proof((bare,)).lines()[1:] == [
        "  TLSv1.3, TLS_AES_256_GCM_SHA384",
        "  its CA is not known, its hostname is not known",
    ]


def test_as_dict() -> None:
    login = Login("psycopg", "app", "app", "17.2", True, False, True, None, 3, 100)  # noqa: FBT003
    seen = Seen(SERVICE, HOST, "192.0.2.1", handshake(certificate(12, "a.test")), None, login, seconds=0.12345)
    unnamed = replace(certificate(3), subject="")
    values = Proof((seen, Seen(SERVICE, HOST, handshake=handshake(None, ca=unnamed)))).as_dict()
    assert json.loads(json.dumps(values)) == values
    first, second = json.loads(json.dumps(values))["live"]["seen"]
    assert first == {
        "service": "database",
        "variable": "SOME_URL",
        "family": "postgresql",
        "host": "db.envconn.test",
        "hostaddr": None,
        "port": 5432,
        "pooled": None,
        "replica": None,
        "level": "encrypted",
        "ok": True,
        "address": "192.0.2.1",
        "handshake": {
            "version": "TLSv1.3",
            "cipher": "TLS_AES_256_GCM_SHA384",
            "bits": 256,
            "certificate": {
                "subject": "CN=db",
                "names": ["a.test"],
                "issuer": "CN=ca",
                "chain": ["CN=db", "CN=ca"],
                "sha256": "ab" * 32,
                "not_before": "2030-01-01T00:00:00Z",
                "not_after": "2030-02-01T12:30:00Z",
                "days_left": 12,
            },
            "chain_verified": None,
            "host_verified": None,
            "ca": None,
        },
        "enforced": None,
        "login": {
            "driver": "psycopg",
            "user": "app",
            "dbname": "app",
            "server_version": "17.2",
            "read_only": True,
            "superuser": False,
            "tls": True,
            "pooled": None,
            "connections": 3,
            "max_connections": 100,
            "identity": None,
            "token_library": None,
            "token_seconds": None,
        },
        "problems": [],
        "notes": [],
        "seconds": 0.123,
    }
    assert second["handshake"]["certificate"] is None
    assert (second["handshake"]["ca"]["subject"], second["handshake"]["ca"]["days_left"]) == ("", 3)
    assert Proof((Seen(SERVICE, HOST, handshake=handshake(None, ca=unnamed)),)).lines()[2] == (
        "  CA without a name, until 2030-02-01, 3 days left"
    )


def test_each_thing_once() -> None:
    twice = Proof((Seen(SERVICE, HOST, problems=(fault("tls-failed"),)),) * 2)
    assert twice.problems == (fault("tls-failed"),)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ((), 0),
        (("timed-out",), EX_UNAVAILABLE),
        (("timed-out", "password-refused"), EX_NOPERM),
        (("password-refused", "tls-refused", "timed-out"), EX_PROTOCOL),
        (("tls-refused", "client-files-unusable"), EX_CONFIG),
    ],
)
def test_exit_code(codes: tuple[str, ...], expected: int) -> None:
    assert gravest(FAULTS[code].exit_code for code in codes) == expected


def test_which_failures_may_pass() -> None:
    assert curable(["connection-refused", "server-starting"])
    assert not curable(["connection-refused", "tls-refused"])
    assert all(not fault.passes for fault in FAULTS.values() if fault.exit_code != EX_UNAVAILABLE)
    assert all(fault.meaning and "  " not in fault.meaning for fault in FAULTS.values())
