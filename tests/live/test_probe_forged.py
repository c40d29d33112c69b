"""Certificates that were made to mislead: what is told is what was shown, and nothing in it reaches the terminal."""

from __future__ import annotations

import hashlib
import itertools
import json
import ssl
from typing import TYPE_CHECKING

import pytest
import trustme
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import strangers
from probing import LEVELS, codes, look, notes, only, trust
from selfsigned import DAY, END, MONTH_13, UNREADABLE, alternatives, attribute, make, pair
from strangers import behind_tls, say
from throwaway import certificates as making

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from envconn import Proof
    from envconn.probe import Certificate
    from strangers import Stranger
    from throwaway.certificates import Certificates, Pair

QUESTION = b"R\0\0\0\x08\0\0\0\x05"
LOCALHOST = alternatives(b"\x82localhost")

# What is wrong with a certificate of an unknown CA for an unknown name.
MISNAMED = {
    "require": (),
    "verify-ca": ("certificate-untrusted",),
    "verify-full": ("certificate-untrusted", "certificate-misnamed"),
}


def shown(certificates: Certificates, level: str, *pairs: Pair) -> Proof:
    """Prove a server that presents one of them on each connection, and the last on all others."""
    behaviours = [behind_tls(each, say(QUESTION)) for each in pairs]
    left = itertools.chain(behaviours[:-1], itertools.repeat(behaviours[-1]))

    def behave(connection: socket.socket, stranger: Stranger) -> None:
        next(left)(connection, stranger)

    with strangers.running(behave) as stranger:
        return look(stranger.uri(**trust(certificates, level)))


def certificate(proof: Proof) -> Certificate:
    handshake = only(proof).handshake
    assert handshake is not None
    assert handshake.certificate is not None
    return handshake.certificate


def fingerprint(shown: Pair) -> str:
    first, end, _ = shown.chain.read_text(encoding="ascii").partition("-----END CERTIFICATE-----\n")
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(first + end)).hexdigest()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("state", ["good", "wronghost", "expired", "unknownca", "intermediate"])
def test_the_certificate_is_described_in_every_state(certificates: Certificates, state: str, level: str) -> None:
    each = getattr(certificates, state)
    found = certificate(shown(certificates, level, each))
    own, *above = x509.load_pem_x509_certificates(each.chain.read_bytes())
    assert found.sha256 == fingerprint(each)
    assert found.subject == own.subject.rfc4514_string()
    assert found.issuer == own.issuer.rfc4514_string()
    assert (found.not_before, found.not_after) == (own.not_valid_before_utc, own.not_valid_after_utc)
    assert (found.days_left < 0) is (state == "expired")
    assert ("elsewhere.envconn.test" in found.names) is (state == "wronghost")
    assert found.chain == (found.subject, *(each.subject.rfc4514_string() for each in above))


@pytest.mark.parametrize("level", LEVELS)
def test_what_a_terminal_would_obey(certificates: Certificates, tmp_path: Path, level: str) -> None:
    names = alternatives(b"\x82localhost", b"\x82\x1b]0;mine\x07\r\n", b"\x82\xe2\x80\xaegnp.test")
    red = make(attribute("\x1b[2J\x1b[31mred\n"), extensions=[names])
    proof = shown(certificates, level, pair(tmp_path, red, make(attribute("\x9b2J\x85"), ca=True)))
    assert codes(proof) == (() if level == "require" else ("certificate-untrusted",))
    assert certificate(proof).names == ("localhost", "\ufffd]0;mine\ufffd\ufffd\ufffd", "\ufffdgnp.test")
    assert certificate(proof).chain == ("CN=\ufffd[2J\ufffd[31mred\ufffd", "CN=\ufffd2J\ufffd")
    assert all(line.isprintable() for line in proof.lines())
    assert any("CN=\ufffd[2J" in line for line in proof.lines())


@pytest.mark.parametrize("level", LEVELS)
def test_text_without_end(certificates: Certificates, tmp_path: Path, level: str) -> None:
    names = alternatives(*(b"\x82" + f"{number}.".encode() + b"x" * 100 for number in range(500)))
    long = make(attribute("y" * 9_000, NameOID.ORGANIZATION_NAME), extensions=[names])
    proof = shown(certificates, level, pair(tmp_path, long))
    assert codes(proof) == MISNAMED[level]
    assert len(certificate(proof).names) == 256
    assert max(map(len, proof.lines())) < 2_000
    assert any(" and 251 more" in line for line in proof.lines())


@pytest.mark.parametrize("level", LEVELS)
def test_no_server(certificates: Certificates, tmp_path: Path, level: str) -> None:
    proof = shown(certificates, level, pair(tmp_path, make(named=False)))
    assert codes(proof) == MISNAMED[level]
    assert "  certificate for no name, by no issuer, until 2060-01-01" in str(proof)
    assert (certificate(proof).subject, certificate(proof).names) == ("", ())


@pytest.mark.parametrize("level", LEVELS)
def test_no_servers(certificates: Certificates, tmp_path: Path, level: str) -> None:
    clients = make(extensions=[LOCALHOST, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])])
    proof = shown(certificates, level, pair(tmp_path, clients))
    assert codes(proof) == (() if level == "require" else ("certificate-untrusted",))
    assert certificate(proof).names == ("localhost",)
    handshake = only(proof).handshake
    assert handshake is not None
    assert handshake.chain_verified is not True
    assert handshake.host_verified is None  # OpenSSL looks at what it is for, and then no further


@pytest.mark.parametrize("level", LEVELS)
def test_another_one_each_time(certificates: Certificates, level: str) -> None:
    issued = [trustme.CA().issue_cert("localhost", f"{number}.test") for number in range(5)]
    pairs = [making._pair(certificates.ca.parent / f"turn-{number}", each) for number, each in enumerate(issued)]
    proof = shown(certificates, level, *pairs)
    assert codes(proof) == (() if level == "require" else ("certificate-untrusted",))
    found = certificate(proof)
    (turn,) = (number for number, each in enumerate(pairs) if fingerprint(each) == found.sha256)
    assert found.names == ("localhost", f"{turn}.test")
    assert found.chain[0] == found.subject
    handshake = only(proof).handshake
    assert handshake is not None
    assert handshake.host_verified is None  # where another one was to be seen, nothing was found out about this one


@pytest.mark.parametrize("level", LEVELS)
def test_not_yet(certificates: Certificates, tmp_path: Path, level: str) -> None:
    later = make(extensions=[LOCALHOST], begins=END - 9 * DAY)
    proof = shown(certificates, level, pair(tmp_path, later))
    found = certificate(proof)
    assert (found.not_before, found.not_after) == (END - 9 * DAY, END)
    assert found.days_left > 0
    assert "certificate-expires" not in notes(proof)


@pytest.mark.parametrize("level", LEVELS)
def test_a_certificate_with_an_invalid_end(certificates: Certificates, tmp_path: Path, level: str) -> None:
    proof = shown(certificates, level, pair(tmp_path, make(extensions=[LOCALHOST], replace=MONTH_13)))
    assert codes(proof) == (() if level == "require" else ("certificate-untrusted",))
    handshake = only(proof).handshake
    assert handshake is not None
    assert handshake.certificate is None
    values = json.loads(json.dumps(proof.as_dict()))
    assert values["live"]["seen"][0]["handshake"]["certificate"] is None
    assert not any("certificate for" in line for line in proof.lines())


@pytest.mark.parametrize("level", LEVELS)
def test_an_extension_that_cannot_be_read(certificates: Certificates, tmp_path: Path, level: str) -> None:
    # Nor does it stand in the way of the first answer, which comes on the same connection.
    proof = shown(certificates, level, pair(tmp_path, make(extensions=[LOCALHOST, UNREADABLE])))
    assert codes(proof) == (() if level == "require" else ("certificate-untrusted",))
    assert certificate(proof).names == ("localhost",)
