"""A look at PostgreSQL in every state of the laboratory: the code, the sentence, and nothing that is secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import fakes
from envconn.probe.postgres_protocol import NOBODY
from fakes import Answer
from lab import STATES
from probing import LEVELS, codes, look, notes, only, trust
from throwaway.certificates import HOST

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakes import Fake
    from lab import Lab
    from throwaway.certificates import Certificates

#                   require               verify-ca                 verify-full
EXPECTED = {
    "good": ("", "", ""),
    "wronghost": ("", "", "certificate-misnamed"),
    "expired": ("", "certificate-expired", "certificate-expired"),
    "unknownca": ("", "certificate-untrusted", "certificate-untrusted"),
    "intermediate": ("", "", ""),
    "both": ("", "", ""),
    "both_unknownca": ("", "certificate-untrusted", "certificate-untrusted"),
    "notls": ("tls-refused", "tls-refused", "tls-refused"),
}
SENTENCES = {
    "certificate-misnamed": "is for elsewhere.envconn.test, and not to localhost. Connect to a name",
    "certificate-expired": "expired 7 days ago. Renew it",
    "certificate-untrusted": "O=envconn other throw-away CA): unable to get local issuer certificate. Name the CA",
    "tls-refused": "does not support TLS. Turn TLS on",
}
FAKES = {
    Answer.N: ("tls-refused", 76, "does not support TLS"),
    Answer.ERROR: ("tls-refused", 76, "answers with an error when it is asked for TLS"),
    Answer.GARBAGE: ("protocol-unexpected", 76, "is not a PostgreSQL server. Correct host and port"),
    Answer.CLOSE: ("connection-closed", 69, "closed the connection when it was asked for TLS"),
    Answer.INJECT: ("protocol-unexpected", 76, "does not answer with TLS. Correct host and port"),
}


def test_every_state_is_expected_of() -> None:
    assert EXPECTED.keys() == STATES.keys()
    assert FAKES.keys() | {Answer.CONSENT} == set(Answer)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("state", EXPECTED)
def test_state(lab: Lab, certificates: Certificates, state: str, level: str) -> None:
    expected = EXPECTED[state][LEVELS.index(level)]
    proof = look(lab[state].uri(**trust(certificates, level)))
    seen = only(proof)
    assert codes(proof) == ((expected,) if expected else ())
    assert proof.exit_code == (76 if expected else 0)
    assert proof.ok is not bool(expected)
    assert seen.address == "127.0.0.1"
    for problem in proof.problems:
        assert SENTENCES[problem.code] in problem.message
    assert (seen.handshake is None) is (state == "notls")
    assert seen.enforced is (None if expected else not state.startswith("both"))
    assert ("certificate-expires" in notes(proof)) is (state == "expired" and not expected)


#               whether chain and host name stand up to verification
VERIFIED = {
    "good": (True, True),
    "wronghost": (True, False),
    "expired": (True, True),  # it has been signed, and its dates are another line
    "unknownca": (False, True),
    "intermediate": (True, True),
}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("state", VERIFIED)
def test_more_is_verified_than_the_level_asks(lab: Lab, certificates: Certificates, state: str, level: str) -> None:
    proof = look(lab[state].uri(**trust(certificates, level)))
    handshake = only(proof).handshake
    assert handshake is not None
    # Without a CA it is the system's that are asked, which do not know this one.
    chain, host = VERIFIED[state]
    assert (handshake.chain_verified, handshake.host_verified) == (chain and level != "require", host)
    assert ("tls-verifiable" in notes(proof)) is (chain and host and level == "verify-ca" and state != "expired")
    assert (handshake.version, handshake.bits >= 128) == ("TLSv1.3", True)


def test_what_to_write_for_more(lab: Lab, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    proof = look(lab["good"].uri(**trust(certificates, "verify-ca")))
    assert "named by SOME_DATABASE_URL, signed" in proof.notes[0].message
    assert proof.notes[0].message.endswith("Use sslmode=verify-full")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))
    proof = look(lab["good"].uri(sslmode="require"))
    assert notes(proof) == {"tls-verifiable"}
    assert proof.notes[0].message.endswith("Use sslmode=verify-full&sslrootcert=system")
    assert only(proof).handshake is not None
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.missing))
    handshake = only(look(lab["good"].uri(sslmode="require"))).handshake
    assert handshake is not None
    assert (handshake.chain_verified, handshake.host_verified) == (None, True)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("answer", FAKES)
def test_fake(certificates: Certificates, fake: Callable[[Answer], Fake], answer: Answer, level: str) -> None:
    code, exit_code, sentence = FAKES[answer]
    server = fake(answer)
    proof = look(server.uri(HOST, hostaddr="127.0.0.1", **trust(certificates, level)))
    assert (codes(proof), proof.exit_code) == ((code,), exit_code)
    assert sentence in proof.problems[0].message
    assert f"{HOST}:{server.port}" in proof.problems[0].message
    assert only(proof).handshake is None
    # The test for unencrypted connections sends no real name and no password.
    assert all(startup == {"user": NOBODY, "database": NOBODY, "": ""} for startup in server.startups)
    assert not server.saw_password_unencrypted
    assert server.requests[0] == "ssl"


@pytest.mark.parametrize("level", LEVELS)
def test_a_man_in_the_middle(certificates: Certificates, level: str) -> None:
    """He speaks TLS and asks for the password: the certificate tells him apart, and he is told nothing."""
    with fakes.running(Answer.CONSENT, certificates.unknownca) as middleman:
        proof = look(middleman.uri(HOST, hostaddr="127.0.0.1", **trust(certificates, level)))
    assert codes(proof) == (() if level == "require" else ("certificate-untrusted",))
    assert not middleman.confided
    assert not middleman.passwords


def test_the_certificate(lab: Lab, certificates: Certificates) -> None:
    handshake = only(look(lab["intermediate"].uri(**trust(certificates, "verify-full")))).handshake
    assert handshake is not None
    certificate = handshake.certificate
    assert certificate is not None
    assert certificate.names == (HOST, "localhost", "127.0.0.1")
    assert certificate.subject.startswith("OU=Testing cert #")
    assert len(certificate.chain) == 2
    assert certificate.chain[0] == certificate.subject
    assert certificate.chain[1] == certificate.issuer != certificate.subject
