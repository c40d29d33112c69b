"""Whether a server rejects unencrypted connections, by its answers to an anonymous start-up with TLS and without."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

import bouncer as bouncers
import envconn
import rules
import strangers
from edges import NEON
from envconn import Policy
from envconn.probe import examine
from envconn.probe.postgres_protocol import NOBODY
from probing import codes, look, notes, only
from strangers import behind_tls, say

if TYPE_CHECKING:
    from bouncer import Bouncer
    from installed import Installations
    from lab import Lab
    from strangers import Behaviour
    from throwaway.certificates import Certificates

THIS = "127.0.0.0/8"

# rules of pg_hba.conf -> whether unencrypted connections of strangers are rejected; None: no difference
RULES: dict[str, bool | None] = {
    f"hostssl all all {THIS} scram-sha-256": True,
    f"hostssl all all {THIS} md5": True,
    f"hostssl all all {THIS} trust": True,
    f"hostssl all all {THIS} scram-sha-256 / host all all {THIS} reject": True,
    f"hostnossl all all {THIS} reject / host all all {THIS} scram-sha-256": True,
    f"hostssl all app {THIS} scram-sha-256": None,
    f"host all app {THIS} scram-sha-256": None,
    f"hostssl postgres all {THIS} scram-sha-256": None,
    f"host all all {THIS} reject": None,
    f"host all all {THIS} scram-sha-256": False,
    f"host all all {THIS} md5": False,
    f"host all all {THIS} password": False,
    f"host all all {THIS} trust": False,
    f"host all all {THIS} ident": False,
    f"hostssl all all {THIS} reject / host all all {THIS} scram-sha-256": False,
    f"hostssl all all {THIS} scram-sha-256 / host all {NOBODY} {THIS} scram-sha-256": False,
}


@pytest.mark.parametrize("lines", RULES)
def test_postgresql(certificates: Certificates, lines: str) -> None:
    expected = RULES[lines]
    with rules.running(certificates.good, lines) as server:
        proof = look(server.uri(sslmode="require"))
        strict = look(server.uri(sslmode="require"), enforcement="require")
    assert only(proof).enforced is only(strict).enforced is expected
    assert proof.ok
    assert notes(proof) == ({"tls-not-enforced"} if expected is False else set())
    assert codes(strict) == (("tls-not-enforced",) if expected is False else ())
    assert strict.exit_code == (76 if expected is False else 0)
    assert notes(strict) == ({"enforcement-unknown"} if expected is None else set())
    for message in (*(note.message for note in proof.notes), *(problem.message for problem in strict.problems)):
        assert message.startswith(f"localhost:{server.port} also accepts connections without TLS. To require TLS")
        assert "hostssl in pg_hba.conf" in message


@pytest.mark.parametrize(("mode", "expected"), [("require", True), ("allow", False), ("prefer", False)])
def test_pooler(
    installations: Installations, lab: Lab, certificates: Certificates, bouncer: Bouncer, mode: str, *, expected: bool
) -> None:
    command = installations.command("pgbouncer")
    with bouncers.running(command, lab["good"], certificates, certificates.good, client_tls=mode) as running:
        proof = look(running.uri(sslmode="require"), enforcement="require")
    assert only(proof).enforced is expected
    assert codes(proof) == (() if expected else ("tls-not-enforced",))


@pytest.mark.parametrize(("mode", "expected"), [("require", True), ("allow", False)])
def test_newer_pooler(
    installations: Installations,
    lab: Lab,
    certificates: Certificates,
    newer_bouncer: Bouncer,
    mode: str,
    *,
    expected: bool,
) -> None:
    command = installations.newer("pgbouncer")
    with bouncers.running(command, lab["good"], certificates, certificates.good, client_tls=mode) as running:
        assert only(look(running.uri(sslmode="require"))).enforced is expected


def test_pooler_that_asks_for_a_certificate(
    installations: Installations, lab: Lab, certificates: Certificates, bouncer: Bouncer
) -> None:
    # TLS 1.3 has shaken hands by then: the alert comes in place of the first answer.
    command = installations.command("pgbouncer")
    more = "verify-ca\nclient_tls_ca_file = " + str(bouncer.home / "ca.crt")
    with bouncers.running(command, lab["good"], certificates, certificates.good, client_tls=more) as running:
        proof = look(running.uri(sslmode="require"))
    assert codes(proof) == ("client-certificate-required",)
    assert proof.problems[0].message.endswith("requires a client certificate. Name one with sslcert and sslkey")
    assert only(proof).handshake is not None


def error(code: str, *more: str) -> bytes:
    body = "".join(f"{field}\0" for field in (f"C{code}", *more)).encode() + b"\0"
    return b"E" + (len(body) + 4).to_bytes(4) + body


QUESTION = b"R\0\0\0\x08\0\0\0\x05"
NO_RULE = error("28000", "Fauth.c", "L1", "RClientAuthentication")

# the answers with TLS and without -> whether unencrypted connections are rejected
ANSWERS: dict[str, tuple[bytes, bytes, bool | None]] = {
    "closed": (QUESTION, b"", True),
    "denied otherwise": (QUESTION, error("08P01"), True),
    "denied elsewhere": (error("28000", "Fauth.c", "L2", "RClientAuthentication"), NO_RULE, True),
    "denied by a rule": (error("08P01", "Mno such user"), NO_RULE, True),
    "pooler, for the lack of TLS": (error("08P01", "Mno such user"), error("08P01", "MSSL required"), True),
    "pooler, alike": (error("08P01", "Mno such user"), error("08P01", "Mno such user"), None),
    "a proxy that misses another thing": (error("08P01"), error("XX000"), None),
    "full by then": (QUESTION, error("53300"), None),
    "going down by then": (QUESTION, error("57P01"), None),
    "asked": (NO_RULE, QUESTION, False),
    "let in": (QUESTION, b"R\0\0\0\x08\0\0\0\0", False),
    "let in by ident": (QUESTION, error("28000", "Rauth_failed"), False),
}


def two_faced(certificates: Certificates, encrypted: bytes, clear: bytes) -> Behaviour:
    """Say `encrypted` inside TLS and `clear` without."""
    inside = behind_tls(certificates.good, say(encrypted), asked=False)

    def behave(connection: socket.socket, stranger: strangers.Stranger) -> None:
        if stranger.hear(connection) == strangers.SSL_REQUEST:
            connection.sendall(b"S")
            inside(connection, stranger)
        else:
            connection.sendall(clear)

    return behave


@pytest.mark.parametrize("name", ANSWERS)
def test_answers(certificates: Certificates, name: str) -> None:
    encrypted, clear, expected = ANSWERS[name]
    with strangers.running(two_faced(certificates, encrypted, clear)) as stranger:
        proof = look(stranger.uri(sslmode="require"))
    assert only(proof).enforced is expected
    assert codes(proof) == ()


def test_silence_is_not_a_refusal(certificates: Certificates) -> None:
    inside = two_faced(certificates, QUESTION, b"")

    def behave(connection: socket.socket, stranger: strangers.Stranger) -> None:
        start = connection.recv(8, socket.MSG_PEEK)
        (inside if start == strangers.SSL_REQUEST else strangers.never)(connection, stranger)

    with strangers.running(behave) as stranger:
        proof = look(stranger.uri(sslmode="require"), enforcement="require")
    assert only(proof).enforced is None
    assert (codes(proof), notes(proof)) == ((), {"enforcement-unknown"})


def test_a_promise_that_is_broken(lab: Lab) -> None:
    broken = look(lab["both"].uri(NEON, hostaddr="127.0.0.1", sslmode="require"))
    assert codes(broken) == ("tls-not-enforced",)
    assert "although its provider requires TLS" in broken.problems[0].message
    kept = look(lab["good"].uri(NEON, hostaddr="127.0.0.1", sslmode="require"))
    assert only(kept).enforced is True
    assert kept.ok


def test_skipped(certificates: Certificates) -> None:
    with strangers.running(two_faced(certificates, QUESTION, QUESTION)) as stranger:
        proof = look(stranger.uri(sslmode="require"), enforcement="skip")
    assert only(proof).enforced is None
    assert (codes(proof), notes(proof)) == ((), set())
    assert sum(NOBODY.encode() in data for data in stranger.received) == 1, "inside TLS, and never without"


@pytest.mark.parametrize("policy", [Policy(), Policy(waive=("db.envconn.test",))])
def test_where_unencrypted_is_allowed_it_is_not_tested(certificates: Certificates, policy: Policy) -> None:
    with strangers.running(two_faced(certificates, QUESTION, QUESTION)) as stranger:
        connection = envconn.secure(envconn.parse(stranger.uri(sslmode="require")), policy)
        proof = examine(connection, enforcement="require")
    assert only(proof).enforced is None
    assert (codes(proof), notes(proof)) == ((), set())
    assert sum(NOBODY.encode() in data for data in stranger.received) == 1  # inside TLS
