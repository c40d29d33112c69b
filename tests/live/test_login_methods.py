"""How a server wants to be logged in to: what no driver can do, or the configuration forbids, needs a person (77)."""

from __future__ import annotations

import os
from pwd import getpwuid
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
import pytest
import trustme

import envconn
import rules
import talker
from envconn.probe import examine
from envconn.probe.failures import curable
from logins import DRIVERS, MARKER, codes, judged, noted, tried
from probing import trust
from talker import Script
from throwaway import certificates as making

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from throwaway.certificates import Certificates
    from throwaway.server import Server

LIBPQ = ("psycopg", "psycopg2")

METHODS = (Script.GSS, Script.SSPI, Script.OAUTH, Script.OTHER_SASL, Script.KERBEROS_4)


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("script", METHODS)
def test_a_method_that_is_not_supported(certificates: Certificates, driver: str, script: Script) -> None:
    with talker.running(script, certificates.good) as server:
        outcome = tried(server.uri(driver, **trust(certificates, "verify-full")), timeout=5)
    assert codes(outcome) == ["login-method-unsupported"]
    assert f"a login method that {driver} does not support" in outcome.problems[0].message
    assert [problem.exit_code for problem in outcome.problems] == [77]


def test_it_is_not_waited_for(certificates: Certificates) -> None:
    with talker.running(Script.OAUTH, certificates.good) as server:
        uri = server.uri("psycopg", **trust(certificates, "verify-full"))
        proof = examine(envconn.secure(envconn.parse(uri)), login=True, wait=3600, timeout=5)
    assert proof.exit_code == 77


@pytest.mark.parametrize("driver", LIBPQ)
@pytest.mark.parametrize("demand", ["require_auth=scram-sha-256", "channel_binding=require"])
def test_a_method_that_is_not_allowed(certificates: Certificates, driver: str, demand: str) -> None:
    with talker.running(Script.CLEAR_TEXT, certificates.good) as server:
        outcome = tried(f"{server.uri(driver, **trust(certificates, 'require'))}&{demand}", timeout=5)
    assert codes(outcome) == ["login-method-refused"]
    assert "does not meet require_auth or channel_binding" in outcome.problems[0].message
    assert server.passwords == []


@pytest.fixture(scope="module")
def ruled(certificates: Certificates) -> Iterator[Server]:
    """A server with a rule for each user."""
    methods = ("trust", "password", "md5", "scram-sha-256", "ident", "reject")
    lines = [f"hostssl all {method} 127.0.0.0/8 {method}" for method in methods]
    lines = [line.replace("all scram-sha-256", "all scram") for line in lines]
    with rules.running(certificates.good, " / ".join([*lines, "hostssl postgres app 127.0.0.0/8 trust"])) as server:
        with psycopg.connect(server.uri(sslmode="require"), autocommit=True) as admin:
            for name in ("trust", "password", "md5", "scram", "ident", "reject"):
                admin.execute(f"create role \"{name}\" login password '{MARKER}'".encode())
            admin.execute(b"create role full login connection limit 0")
        yield server


RULES = {
    "trust": "",
    "password": "",
    "md5": "",
    "scram": "",
    "ident": "login-refused",
    "reject": "login-refused",
    "nobody_at_all": "login-refused",
}


@pytest.mark.parametrize("driver", DRIVERS)
def test_rules(ruled: Server, certificates: Certificates, driver: str) -> None:
    query = "&".join(f"{name}={value}" for name, value in trust(certificates, "verify-full").items())
    for user, code in RULES.items():
        uri = f"postgresql+{driver}://{user}:{MARKER}@localhost:{ruled.port}/postgres?{query}"
        outcome = tried(uri)
        assert codes(outcome) == ([code] if code else []), user
        assert [problem.exit_code for problem in outcome.problems] == ([77] if code else [])
        assert not code or not curable([code])


@pytest.fixture(scope="module")
def certified(certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """A server that lets `app` in by a certificate, and where the certificates are."""
    home, clients = tmp_path_factory.mktemp("clients"), trustme.CA(organization_name="clients")
    home.chmod(0o755)
    for name in ("app", "another"):
        making._pair(home / name, clients.issue_cert("app@envconn.test", common_name=name))
    rule = "hostssl all app 127.0.0.0/8 cert"
    with rules.running(certificates.good, rule, ca=making._root(home / "ca.pem", clients)) as server:
        yield server, home


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("app", "", ""),
        ("", "client-certificate-required", "requires a client certificate (SQLSTATE 28000). Name one"),
        ("another", "client-certificate-refused", "is not for this user (SQLSTATE 28000). Name one"),
    ],
)
def test_by_certificate(
    certified: tuple[Server, Path], certificates: Certificates, driver: str, name: str, code: str, words: str
) -> None:
    server, home = certified
    files = {"sslcert": f"{home}/{name}.pem", "sslkey": f"{home}/{name}.key"} if name else {}
    uri = server.uri(**trust(certificates, "verify-full"), **files).replace("postgresql:", f"postgresql+{driver}:")
    outcome = tried(uri)
    assert codes(outcome) == ([code] if code else [])
    assert all(words in problem.message and problem.exit_code == 76 for problem in outcome.problems)


@pytest.mark.parametrize("driver", LIBPQ)
def test_the_account_of_the_server(ruled: Server, driver: str) -> None:
    place = f"host={quote(str(ruled.home), safe='')}&port={ruled.port}"
    uri = f"postgresql+{driver}://app:{MARKER}@/postgres?{place}&requirepeer="
    account = getpwuid(os.stat(ruled.home / "data").st_uid).pw_name
    assert "role-superuser" in noted(tried(f"{uri}{account}"))
    looked = [examine(judged(f"{uri}{name}")) for name in (account, "somebody-else")]
    assert [proof.exit_code for proof in looked] == [0, 77]
    assert "runs under another account than requirepeer names" in looked[1].problems[0].message
    outcome = tried(f"{uri}somebody-else")
    assert codes(outcome) == ["server-account-wrong"]
    assert outcome.problems[0].exit_code == 77
    assert "Correct requirepeer" in outcome.problems[0].message
    away = f"postgresql+{driver}://app:{MARKER}@/postgres?host=/nowhere&requirepeer=somebody-else"
    assert codes(tried(away)) == ["host-unreachable"]
