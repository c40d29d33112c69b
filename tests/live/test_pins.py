"""Each value that is written out where nothing is stated, alone: its neighbours mean what libpq makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest
import trustme

import libpq_drivers
import revocation
import rules
from envconn.drivers import libpq
from envconn.grammar.libpq_keywords import KEYWORDS, pins
from envconn.sources.environment import ABSENT
from matrix import TLS, UNTRUSTED
from throwaway import certificates as making
from throwaway.server import shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from throwaway.certificates import Certificates, Pair
    from throwaway.server import Server

DRIVERS = {name: libpq.version(name) for name in ("psycopg", "psycopg2")}


class Stage(NamedTuple):
    """A server that asks for a client certificate, knows TLS 1.2 alone, and is on two lists; a client that has one."""

    server: Server
    revoking: Path
    sparing: Path
    directory: Path
    empty: Path
    client: Pair


@pytest.fixture(scope="module")
def stage(certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    home = tmp_path_factory.mktemp("pins")
    clients = trustme.CA(organization_name="clients")
    client = making._pair(home / "client", clients.issue_cert("app@envconn.test", common_name="app"))
    pair, rule = certificates.issue("localhost", "127.0.0.1"), "hostssl all all 127.0.0.0/8 scram-sha-256"
    home.chmod(0o755)
    ca = making._root(home / "clients.pem", clients)
    with rules.running(pair, rule, ca=ca, settings="ssl_max_protocol_version = 'TLSv1.2'") as server:
        leaf = shown(server.port) or b""
        (empty := home / "empty").mkdir()
        yield Stage(
            server,
            revocation.listed(home / "revoking.crl", certificates.authority, leaf),
            revocation.listed(home / "sparing.crl", certificates.authority),
            revocation.directory(home / "directory", certificates.authority, leaf),
            empty,
            client,
        )


STATED = {
    "nothing": {},
    "a file that revokes": {"sslcrl": "{0.revoking}"},
    "a file that spares": {"sslcrl": "{0.sparing}"},
    "a directory": {"sslcrldir": "{0.directory}"},
    "an empty directory": {"sslcrldir": "{0.empty}"},
    "both": {"sslcrl": "{0.sparing}", "sslcrldir": "{0.directory}"},
    "a client certificate": {"sslcert": "{0.client.chain}", "sslkey": "{0.client.key}"},
    "one that is demanded": {
        "sslcert": "{0.client.chain}",
        "sslkey": "{0.client.key}",
        "sslcertmode": "require",
    },
    "none, and demanded": {"sslcertmode": "require"},
    "a bound below": {"ssl_min_protocol_version": "TLSv1.3"},
    "a bound above": {"ssl_max_protocol_version": "TLSv1.2"},
    "channel binding": {"channel_binding": "require"},
    "a method": {"require_auth": "scram-sha-256"},
    "another method": {"require_auth": "gss"},
    "a newer protocol": {"min_protocol_version": "3.2"},
    "TLS at once": {"sslnegotiation": "direct"},
    "a session": {"target_session_attrs": "read-write"},
    "another session": {"target_session_attrs": "standby"},
}


def outcome(driver: str, uri: str, more: dict[str, str]) -> str:
    # Of a failure over versions, libpq tells the bounds that were written.
    return libpq_drivers.outcome(driver, uri, more, ask=False).partition(" between TLS")[0]


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("stated", STATED)
def test_a_pin_alone_changes_nothing(certificates: Certificates, stage: Stage, driver: str, stated: str) -> None:
    known = {name for name, keyword in KEYWORDS.items() if keyword.since <= DRIVERS[driver] // 10_000}
    text = {name: value.format(stage) for name, value in STATED[stated].items()}
    if not text.keys() <= known:
        assert stated in {"TLS at once", "a newer protocol"}
        return
    uri = stage.server.uri(sslmode="verify-full", sslrootcert=str(certificates.ca), gssencmode="disable", **text)
    alone = outcome(driver, uri, {})
    written = {
        name: value
        for name, value in pins(text, DRIVERS[driver] // 10_000).items()
        if name in known - text.keys() - {"gssencmode"}
    }
    assert outcome(driver, uri, written) == alone
    if driver == "psycopg":
        each = {name: outcome(driver, uri, {name: value}) for name, value in written.items()}
        assert each == dict.fromkeys(written, alone)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("nothing", TLS),
        ("a file that revokes", UNTRUSTED),
        ("a directory", UNTRUSTED),
        ("an empty directory", UNTRUSTED),
        ("a file that spares", TLS),
        # Of two lists by one issuer, that of the file counts.
        ("both", TLS),
    ],
)
def test_what_libpq_makes_of_lists(certificates: Certificates, stage: Stage, stated: str, expected: str) -> None:
    text = {name: value.format(stage) for name, value in STATED[stated].items()}
    uri = stage.server.uri(sslmode="verify-full", sslrootcert=str(certificates.ca), **text)
    assert outcome("psycopg", uri, {}) == expected


def test_what_a_wrong_pin_does(certificates: Certificates, stage: Stage) -> None:
    """A file that is not there switches off the directory, so that the test above can fail."""
    uri = stage.server.uri(sslmode="verify-full", sslrootcert=str(certificates.ca), sslcrldir=str(stage.directory))
    assert outcome("psycopg", uri, {"sslcrl": ABSENT}) == TLS
    assert outcome("psycopg", uri, {"sslcrl": ""}) == UNTRUSTED
