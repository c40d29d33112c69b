"""Certificates with their days numbered, revoked, asked for; and TLS from the first byte."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

import envconn_psycopg
import rules
import strangers
from edges import PLANETSCALE
from envconn import ConfigurationError
from envconn.probe import examine
from probing import LEVELS, codes, look, notes, only, secured, trust
from strangers import behind_tls, say
from throwaway import certificates as making
from throwaway import postgres

if TYPE_CHECKING:
    from pathlib import Path

    from edges import Edge
    from lab import Lab
    from throwaway.certificates import Certificates, Pair
    from throwaway.postgres import Template

HOSTS = ("localhost", "127.0.0.1")
QUESTION = b"R\0\0\0\x08\0\0\0\x05"
DAY = timedelta(days=1)


def dated(certificates: Certificates, name: str, begins: timedelta, ends: timedelta) -> Pair:
    """A pair that begins and ends so long from now."""
    now = datetime.now(UTC)
    issued = certificates.authority.issue_cert(*HOSTS, not_before=now + begins, not_after=now + ends)
    return making._pair(certificates.ca.parent / name, issued)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(days=20, hours=12), "expires soon, 20 days left. Renew it"),
        (timedelta(days=1, hours=12), "expires soon, 1 day left"),
        (timedelta(hours=12), "expires soon, less than a day left"),
        (timedelta(days=21, hours=12), None),
    ],
)
def test_soon(certificates: Certificates, level: str, left: timedelta, words: str | None) -> None:
    pair = dated(certificates, f"soon-{left.days}", -DAY, left)
    with strangers.running(behind_tls(pair, say(QUESTION))) as stranger:
        proof = look(stranger.uri(**trust(certificates, level)))
    assert codes(proof) == ()
    assert ("certificate-expires" in notes(proof)) is (words is not None)
    assert words is None or any(words in note.message for note in proof.notes)


@pytest.mark.parametrize("level", LEVELS[1:])
def test_not_yet(certificates: Certificates, level: str) -> None:
    pair = dated(certificates, "not-yet", DAY, 30 * DAY)
    with strangers.running(behind_tls(pair, say(QUESTION))) as stranger:
        proof = look(stranger.uri(**trust(certificates, level)))
    assert codes(proof) == ("certificate-not-yet-valid",)
    assert "is not valid yet. Check the clocks" in proof.problems[0].message


def test_two_things_wrong(certificates: Certificates) -> None:
    now = datetime.now(UTC)
    issued = certificates.authority.issue_cert("a.test", "b.test", "c.test", "d.test", "e.test", "f.test")
    many = making._pair(certificates.ca.parent / "many", issued)
    stale = certificates.authority.issue_cert("a.test", not_before=now - 9 * DAY, not_after=now - DAY)
    for pair, expected in (
        (many, ("certificate-misnamed",)),
        (making._pair(certificates.ca.parent / "stale", stale), ("certificate-misnamed", "certificate-expired")),
    ):
        with strangers.running(behind_tls(pair, say(QUESTION))) as stranger:
            proof = look(stranger.uri(**trust(certificates, "verify-full")))
        assert codes(proof) == expected
    assert proof.exit_code == 76
    with strangers.running(behind_tls(many, say(QUESTION))) as stranger:
        proof = look(stranger.uri(**trust(certificates, "verify-full")))
    assert "for a.test, b.test, c.test, d.test, e.test and 1 more, and not to localhost. " in proof.problems[0].message


def test_untrusted_and_misnamed(certificates: Certificates) -> None:
    issued = trustme.CA().issue_cert("elsewhere.test")
    pair = making._pair(certificates.ca.parent / "nobodys", issued)
    with strangers.running(behind_tls(pair, say(QUESTION))) as stranger:
        proof = look(stranger.uri(**trust(certificates, "verify-full")))
        lower = look(stranger.uri(**trust(certificates, "verify-ca")))
    assert codes(proof) == ("certificate-untrusted", "certificate-misnamed")
    assert codes(lower) == ("certificate-untrusted",)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(days=30, hours=12), None),
        (timedelta(days=29, hours=12), "expires soon, 29 days left. Add its successor"),
        (timedelta(hours=12), "expires soon, less than a day left. Add its successor"),
        (timedelta(hours=-12), "expired less than a day ago. Replace it"),
        (-3 * DAY + timedelta(hours=12), "expired 2 days ago. Replace it"),
    ],
)
def test_a_ca_that_ends(
    certificates: Certificates, level: str, left: timedelta, words: str | None, *, beside: bool
) -> None:
    # The leaf is good for long, and so is another CA beside the one that has signed it.
    pair = dated(certificates, "leaf", -DAY, 100 * DAY)
    old = _ca_until(certificates, datetime.now(UTC) + left)
    if beside:
        old.write_bytes(old.read_bytes() + certificates.other_ca.read_bytes())
    with strangers.running(behind_tls(pair, say(QUESTION))) as stranger:
        proof = look(stranger.uri(sslmode=level, sslrootcert=str(old)))
    shown = only(proof).handshake
    assert shown is not None
    assert shown.ca is not None
    assert shown.chain_verified
    assert shown.ca.days_left == left.days
    assert codes(proof) == (("certificate-expired",) if left.days < 0 else ())
    assert ("ca-expires" in notes(proof)) is (words is not None and left.days >= 0)
    told = [each.message for each in (*proof.problems, *proof.notes)]
    assert words is None or any(each.startswith(f"the CA in {old} {words}") for each in told)


def test_an_expired_certificate_of_an_expired_ca(certificates: Certificates) -> None:
    old = _ca_until(certificates, datetime.now(UTC) - DAY)
    with strangers.running(behind_tls(certificates.expired, say(QUESTION))) as stranger:
        proof = look(stranger.uri(sslmode="verify-full", sslrootcert=str(old)))
    assert codes(proof) == ("certificate-expired",)
    assert "the certificate of localhost" in proof.problems[0].message


def test_an_expired_link_of_the_server(certificates: Certificates) -> None:
    # Leaf and root are good for long; what is between them is not.
    link = certificates.authority.create_child_ca()
    signer = x509.load_pem_x509_certificate(link.cert_pem.bytes())
    chain = making._pair(certificates.ca.parent / "old-link", link.issue_cert(*HOSTS))
    own = x509.load_pem_x509_certificates(chain.chain.read_bytes())[0]
    old = _until(certificates, signer, datetime.now(UTC) - DAY)
    chain.chain.write_bytes(own.public_bytes(serialization.Encoding.PEM) + old)
    with strangers.running(behind_tls(chain, say(QUESTION))) as stranger:
        proof = look(stranger.uri(**trust(certificates, "verify-full")))
    assert codes(proof) == ("certificate-expired",)
    assert "a certificate in the chain of localhost" in proof.problems[0].message


def test_the_system_s_ca_that_ends(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    old = _ca_until(certificates, datetime.now(UTC) - DAY)
    monkeypatch.setenv("SSL_CERT_FILE", str(old))
    pair = dated(certificates, "leaf", -DAY, 100 * DAY)
    with strangers.running(behind_tls(pair, say(QUESTION))) as stranger:
        proof = look(stranger.uri(sslmode="verify-full", sslrootcert="system"))
    assert codes(proof) == ("certificate-expired",)
    assert "a certificate in the chain of localhost" in proof.problems[0].message
    assert "ca-expires" not in notes(proof)


def _ca_until(certificates: Certificates, end: datetime) -> Path:
    """The laboratory's CA once more, with an end."""
    ca = x509.load_pem_x509_certificate(certificates.ca.read_bytes())
    path = certificates.ca.parent / "old_ca.pem"
    path.write_bytes(_until(certificates, ca, end))
    return path


def _until(certificates: Certificates, found: x509.Certificate, end: datetime) -> bytes:
    """A certificate of the laboratory's CA once more, in PEM, with an end."""
    key = serialization.load_pem_private_key(certificates.authority.private_key_pem.bytes(), None)
    builder = x509.CertificateBuilder(found.issuer, found.subject, found.public_key(), 1, end - 90 * DAY, end)
    for extension in found.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)  # type: ignore[arg-type]


def _list(certificates: Certificates, authority: trustme.CA, *revoked: Pair, name: str) -> Path:
    """A revocation list of `authority`."""
    key = serialization.load_pem_private_key(authority.private_key_pem.bytes(), None)
    issuer = x509.load_pem_x509_certificate(authority.cert_pem.bytes()).subject
    now = datetime.now(UTC)
    builder = x509.CertificateRevocationListBuilder(issuer, now - DAY, now + DAY)
    for pair in revoked:
        serial = x509.load_pem_x509_certificate(pair.chain.read_bytes()).serial_number
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now - DAY).build()
        builder = builder.add_revoked_certificate(entry)
    path = certificates.ca.parent / name
    path.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("level", LEVELS[1:])
def test_revoked(certificates: Certificates, level: str) -> None:
    revoking = _list(certificates, certificates.authority, certificates.good, name=f"revoked-{level}.crl")
    sparing = _list(certificates, certificates.authority, certificates.expired, name=f"spared-{level}.crl")
    alien = _list(certificates, trustme.CA(), name=f"alien-{level}.crl")
    outcomes = []
    with strangers.running(behind_tls(certificates.good, say(QUESTION))) as stranger:
        for path in (revoking, sparing, alien):
            proof = look(stranger.uri(**trust(certificates, level), sslcrl=str(path)))
            outcomes.append((codes(proof), proof.exit_code))
            handshake = only(proof).handshake
            assert handshake is not None
            assert (handshake.chain_verified, handshake.host_verified) == (path == sparing, True)
    assert outcomes == [(("certificate-revoked",), 76), ((), 0), (("revocation-unknown",), 76)]


@dataclass(frozen=True)
class Client:
    """Certificates of clients: one that the server's CA has signed, and one of an unknown CA."""

    ca: Path
    good: Pair
    alien: Pair


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    directory = tmp_path_factory.mktemp("client")
    authority = trustme.CA(organization_name="clients")
    good = making._pair(directory / "good", authority.issue_cert("app@envconn.test", common_name="app"))
    alien = making._pair(directory / "alien", trustme.CA().issue_cert("app@envconn.test", common_name="app"))
    ca = making._root(directory / "clients.pem", authority)
    directory.chmod(0o755)
    return Client(ca, good, alien)


@pytest.mark.parametrize("level", LEVELS)
def test_client_certificate(certificates: Certificates, client: Client, level: str) -> None:
    rule = "hostssl all all 127.0.0.0/8 scram-sha-256 clientcert=verify-ca"
    with rules.running(certificates.good, rule, ca=client.ca) as server:
        without = look(server.uri(**trust(certificates, level)))
        files = {"sslcert": str(client.good.chain), "sslkey": str(client.good.key)}
        shown = look(server.uri(**trust(certificates, level), **files))
        alien = {"sslcert": str(client.alien.chain), "sslkey": str(client.alien.key)}
        refused = look(server.uri(**trust(certificates, level), **alien))
    assert (codes(without), without.exit_code) == (("client-certificate-required",), 76)
    assert "requires a client certificate. Name one with sslcert and sslkey" in without.problems[0].message
    assert codes(shown) == ()
    assert only(shown).enforced is True
    assert (codes(refused), refused.exit_code) == (("client-certificate-refused",), 76)
    assert "refuses the client certificate" in refused.problems[0].message


def test_a_client_certificate_in_the_words_of_the_family(certificates: Certificates, client: Client) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(client.ca)
    with strangers.running(behind_tls(certificates.good, say(b"+PONG"), asked=False, context=context)) as stranger:
        proof = look(stranger.uri(scheme="rediss", ssl_ca_certs=str(certificates.ca)))
    assert codes(proof) == ("client-certificate-required",)
    assert proof.problems[0].message.endswith("Name one with ssl_certfile and ssl_keyfile")


def test_no_client_certificate_for_an_unverified_server(certificates: Certificates, client: Client) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(client.ca)
    seen: list[object] = []

    def remember(connection: object, stranger: strangers.Stranger) -> None:
        assert isinstance(connection, ssl.SSLSocket)
        seen.append(connection.getpeercert())
        say(QUESTION)(connection, stranger)

    files = {"sslcert": str(client.good.chain), "sslkey": str(client.good.key)}
    for pair, level, expected in (
        (certificates.good, "verify-full", True),
        (certificates.wronghost, "verify-full", False),
        (certificates.unknownca, "verify-ca", False),
        (certificates.unknownca, "require", True),
    ):
        seen.clear()
        with strangers.running(behind_tls(pair, remember, context=context)) as stranger:
            look(stranger.uri(**trust(certificates, level), **files))
        assert any(seen) is expected
        assert seen


def test_a_key_that_others_can_read(certificates: Certificates, client: Client, tmp_path: Path) -> None:
    key = tmp_path / "open.key"
    key.write_bytes(client.good.key.read_bytes())
    key.chmod(0o644)
    with strangers.running(behind_tls(certificates.good, say(QUESTION))) as stranger:
        proof = look(stranger.uri(sslmode="require", sslcert=str(client.good.chain), sslkey=str(key)))
    assert (codes(proof), proof.exit_code) == (("client-files-unusable",), 78)
    assert "Run chmod 600 on it" in proof.problems[0].message


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("locked", "the key in sslkey is encrypted, and there is no sslpassword"),
        ("locked, wrong password", "the key in sslkey is encrypted, and sslpassword is wrong"),
        ("another key", "the key in sslkey does not belong to the certificate in sslcert"),
    ],
)
def test_a_key_that_no_driver_can_use(
    lab: Lab, certificates: Certificates, client: Client, tmp_path: Path, case: str, words: str
) -> None:
    """It is refused at load, and where it was replaced by one meanwhile."""
    key, form = tmp_path / "a.key", (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    key.touch(0o600)
    key.write_bytes(client.good.key.read_bytes())
    files = {"sslcert": str(client.good.chain), "sslkey": str(key)}
    files |= {"sslpassword": "wrong"} if case == "locked, wrong password" else {}
    uri = lab["good"].uri(**trust(certificates, "verify-full"), **files)
    connection = secured(uri)
    if case == "another key":
        key.write_bytes(client.alien.key.read_bytes())
    else:
        loaded = serialization.load_pem_private_key(key.read_bytes(), None)
        key.write_bytes(loaded.private_bytes(*form, serialization.BestAvailableEncryption(b"secret")))
    proof = examine(connection)
    assert (codes(proof), proof.exit_code) == (("client-files-unusable",), 78)
    assert words in proof.problems[0].message
    for refused in (lambda: secured(uri), lambda: envconn_psycopg.kwargs(connection)):
        with pytest.raises(ConfigurationError, match=words):
            refused()


def test_from_the_first_byte(modern: Template, certificates: Certificates) -> None:
    with modern.running(certificates.good) as server:
        proof = look(server.uri(**trust(certificates, "verify-full"), sslnegotiation="direct"))
    assert codes(proof) == ()
    assert only(proof).enforced is True


@pytest.mark.parametrize("level", LEVELS)
def test_not_from_the_first_byte(certificates: Certificates, level: str) -> None:
    with strangers.running(behind_tls(certificates.good, say(QUESTION))) as stranger:
        proof = look(stranger.uri(**trust(certificates, level), sslnegotiation="direct"))
    assert (codes(proof), proof.exit_code) == (("direct-tls-refused",), 76)
    assert proof.problems[0].message.endswith("Use sslnegotiation=postgres")
    assert only(proof).handshake is not None
    with strangers.running(behind_tls(certificates.wronghost, say(QUESTION))) as stranger:
        proof = look(stranger.uri(**trust(certificates, "verify-full"), sslnegotiation="direct"))
    assert codes(proof) == ("certificate-misnamed", "direct-tls-refused")


def test_tls_without_the_protocols_name(certificates: Certificates) -> None:
    # As in libpq: a server that accepts TLS from the first byte must name PostgreSQL as the protocol.
    with strangers.running(behind_tls(certificates.good, say(QUESTION), asked=False)) as stranger:
        proof = look(stranger.uri(**trust(certificates, "verify-full"), sslnegotiation="direct"), timeout=2)
    assert codes(proof) == ("connection-closed",)


def test_what_is_known_of_the_provider(planetscale_like: Edge) -> None:
    for pooled in (True, False):
        proof = look(planetscale_like.uri(PLANETSCALE, pooled=pooled))
        assert codes(proof) == ()
        assert only(proof).enforced is True


def test_a_real_server_changes_its_certificate(certificates: Certificates) -> None:
    with postgres.running(certificates.good) as server:
        uri = server.uri(**trust(certificates, "verify-full"))
        assert codes(look(uri)) == ()
        server.use(certificates.expired)
        assert codes(look(uri)) == ("certificate-expired",)
        server.tls_off()
        assert codes(look(uri)) == ("tls-refused",)
