"""Certificates are read as other tools read them, from any CA; an unreadable one is ignored without harm."""

from __future__ import annotations

import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID
from hypothesis import assume, given
from hypothesis import strategies as st

from envconn.probe.handshake import _is_for, read_ca, read_certificate
from envconn.records import replace
from selfsigned import END, LATIN_1, MONTH_13, UNREADABLE, alternatives, attribute, make, pair

if TYPE_CHECKING:
    from pathlib import Path

    from envconn.probe import Certificate
    from throwaway.certificates import Certificates, Pair

NOW = datetime(2030, 6, 1, 12, tzinfo=UTC)


def shake(shown: Pair | None, kind: type[ssl.SSLObject] = ssl.SSLObject, trusted: Path | None = None) -> ssl.SSLObject:
    """Shake hands, without a wire, with a server that shows that, and return the client's side.

    Nothing is verified, unless a CA is `trusted`.
    """
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode, client.sslobject_class = False, ssl.CERT_NONE, kind
    if trusted:
        client.verify_mode = ssl.CERT_REQUIRED
        client.load_verify_locations(trusted)
    if shown:
        server.load_cert_chain(shown.chain, shown.key)
    else:
        server.maximum_version = ssl.TLSVersion.TLSv1_2
        server.set_ciphers("aNULL:@SECLEVEL=0")
        client.set_ciphers("aNULL:@SECLEVEL=0")
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls, other = client.wrap_bio(down, up, server_hostname="localhost"), server.wrap_bio(up, down, server_side=True)
    for step in (tls.do_handshake, other.do_handshake) * 3:
        with suppress(ssl.SSLWantReadError):
            step()
    assert waits(tls)  # and has taken the tickets
    return tls


def waits(tls: ssl.SSLObject) -> bool:
    """Whether the connection is fine, on which nothing has been sent."""
    try:
        return not tls.read()
    except ssl.SSLWantReadError:
        return True


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("selfsigned")


def certificate_of(directory: Path, *chain: bytes, now: datetime | None = None) -> Certificate:
    found = read_certificate(shake(pair(directory, *chain)), now)
    assert found is not None
    return found


def test_as_others_read_it(certificates: Certificates) -> None:
    for shown in (certificates.good, certificates.expired, certificates.unknownca, certificates.intermediate):
        found, (own, *above) = read_certificate(shake(shown)), x509.load_pem_x509_certificates(shown.chain.read_bytes())
        assert found is not None
        assert (found.subject, found.issuer) == (own.subject.rfc4514_string(), own.issuer.rfc4514_string())
        assert (found.not_before, found.not_after) == (own.not_valid_before_utc, own.not_valid_after_utc)
        assert found.sha256 == own.fingerprint(hashes.SHA256()).hex()
        assert found.names == ("db.envconn.test", "localhost", "127.0.0.1")
        assert found.chain == tuple(each.subject.rfc4514_string() for each in (own, *above))
        assert len(found.chain) == (2 if shown == certificates.intermediate else 1)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", "plain"),
        ("a,b+c;d", r"a\,b\+c\;d"),
        ("<b>", r"\<b\>"),
        ('say "no"', r"say \"no\""),
        (r"back\slash", r"back\\slash"),
        ("#hash", r"\#hash"),
        (" blanks ", r"\ blanks\ "),
        (" ", r"\ "),
        ("Zürich", "Zürich"),
        ("\x1b[31mred\r\n", "\ufffd[31mred\ufffd\ufffd"),
        ("db\0.test", "db\ufffd.test"),
        ("\x9b2J\x7f", "\ufffd2J\ufffd"),
        ("moc.\u202eelpmaxe\u2028", "moc.\ufffdelpmaxe\ufffd"),
    ],
)
def test_text(directory: Path, value: str, written: str) -> None:
    found = certificate_of(directory, make(attribute(value)))
    assert found.subject == found.issuer == f"CN={written}"
    assert found.subject.isprintable()


@pytest.mark.parametrize("text", ["x" * 9_000, "," * 9_000, "\0" * 9_000])
def test_text_without_end(directory: Path, text: str) -> None:
    long = attribute(text, NameOID.ORGANIZATION_NAME)
    found = certificate_of(directory, make(long), make(long, ca=True))
    assert [len(each) for each in (found.subject, found.issuer, *found.chain)] == [512] * 4
    parts = certificate_of(directory, make(*[attribute("part")] * 3_000))
    assert parts.subject == ("CN=part," * 64)


IP = b"\x87\x7f\x00\x00\x01"
DNS = b"\x82"
OTHER = b"\x81a@envconn.test"  # an e-mail address

# subject, subjectAltName -> host -> whether libpq would have it (fe-secure-common.c; fe-secure-openssl.c)
NAMED: dict[tuple[str, tuple[bytes, ...]], dict[str, bool]] = {
    ("elsewhere", (DNS + b"db.envconn.test",)): {
        "db.envconn.test": True,
        "DB.envconn.TEST": True,
        "elsewhere": False,
        "envconn.test": False,
    },
    ("elsewhere", (DNS + b"*.envconn.test",)): {
        "db.envconn.test": True,
        "a.db.envconn.test": False,
        "envconn.test": False,
        ".envconn.test": False,
    },
    ("db.envconn.test", (IP, OTHER)): {
        "127.0.0.1": True,
        "127.0.0.2": False,
        "db.envconn.test": True,
        "envconn.test": False,
    },
    ("127.0.0.1", (DNS + b"db.envconn.test",)): {"127.0.0.1": True, "db.envconn.test": True, "127.0.0.2": False},
    ("elsewhere", (DNS + b"127.0.0.1",)): {"127.0.0.1": True, "127.0.0.2": False},
    ("db.envconn.test", (OTHER,)): {"db.envconn.test": True, "a@envconn.test": False},
    ("*.envconn.test", ()): {"db.envconn.test": True, "*.envconn.test": True, "127.0.0.1": False},
}


@pytest.mark.parametrize("names", NAMED)
def test_a_name_that_is_not_sent_is_compared(directory: Path, names: tuple[str, tuple[bytes, ...]]) -> None:
    common, others = names
    extensions = [alternatives(*others)] if others else []
    tls = shake(pair(directory, make(attribute(common), extensions=extensions)))
    tls.context.verify_mode = ssl.CERT_REQUIRED  # as where a name is compared at all
    assert {host: _is_for(host, tls) for host in NAMED[names]} == NAMED[names]


def test_several_parts(directory: Path) -> None:
    several = make(
        attribute("DE", NameOID.COUNTRY_NAME),
        attribute("We, all", NameOID.ORGANIZATION_NAME),
        x509.RelativeDistinguishedName([attribute("a"), attribute("b", NameOID.ORGANIZATIONAL_UNIT_NAME)]),
    )
    own = x509.load_der_x509_certificate(several).subject.rfc4514_string()
    assert certificate_of(directory, several).subject == own
    assert own.endswith(r",O=We\, all,C=DE")


@pytest.mark.parametrize(
    ("attributes", "written"),
    [
        ([attribute("Bern", NameOID.LOCALITY_NAME), attribute("BE", NameOID.STATE_OR_PROVINCE_NAME)], "ST=BE,L=Bern"),
        ([attribute("Gasse 1", NameOID.STREET_ADDRESS), attribute("me", NameOID.USER_ID)], "UID=me,STREET=Gasse 1"),
        ([attribute("test", NameOID.DOMAIN_COMPONENT), attribute("db", NameOID.DOMAIN_COMPONENT)], "DC=db,DC=test"),
        ([attribute("a@b.test", NameOID.EMAIL_ADDRESS)], "emailAddress=a@b.test"),
        ([attribute("odd", x509.ObjectIdentifier("1.2.3.4.5"))], "1.2.3.4.5=odd"),
        ([attribute("odd", x509.ObjectIdentifier("1.2.840.113549"))], r"RSA Data Security\, Inc.=odd"),
    ],
)
def test_keywords(directory: Path, attributes: list[x509.NameAttribute[str]], written: str) -> None:
    assert certificate_of(directory, make(*attributes)).subject == written


@pytest.mark.parametrize(
    ("tag", "body", "written"),
    [
        (b"\x1e", b"\0a\0b", "ab"),
        (b"\x14", b"a\xfc\xfcb", "aüüb"),
        (b"\x16", b"a\x1b\x1bb", "a\ufffd\ufffdb"),
        (b"\x03", b"\0\xff\x1bb", "ÿ\ufffdb"),
    ],
)
def test_text_of_other_types(directory: Path, tag: bytes, body: bytes, written: str) -> None:
    der = make(attribute("abcd"), replace=(b"\x0c\x04abcd", tag + b"\x04" + body))
    assert certificate_of(directory, der).subject == f"CN={written}"


def test_empty_names(directory: Path) -> None:
    found = certificate_of(directory, make(attribute("", NameOID.ORGANIZATION_NAME), extensions=[alternatives()]))
    assert (found.subject, found.names) == ("O=", ())
    empty = certificate_of(directory, make(named=False))
    assert (empty.subject, empty.issuer, empty.names, empty.chain) == ("", "", (), ("",))


def test_names(directory: Path) -> None:
    names = alternatives(
        b"\x82db.envconn.test",
        b"\x81app@envconn.test",
        b"\x87" + bytes([192, 0, 2, 1]),
        b"\x87" + bytes(15) + b"\1",
        b"\x87abc",
        b"\x82*.envconn.test",
        b"\x82xn--zrich-kva.test",
        b"\x82z\xc3\xbcrich.test",
        b"\x82\x1b[2J\r\n\0",
        b"\x86https://envconn.test",
        b"\x88\x2a\x03",
        b"\xa4\x30\0",
        b"\x82" + b"x" * 600,
    )
    assert certificate_of(directory, make(extensions=[names])).names == (
        "db.envconn.test",
        "192.0.2.1",
        "::1",
        "*.envconn.test",
        "xn--zrich-kva.test",
        "zürich.test",
        "\ufffd[2J\ufffd\ufffd\ufffd",
        "x" * 512,
    )


def test_names_without_end(directory: Path) -> None:
    names = [f"{number}.envconn.test" for number in range(2_000)]
    many = alternatives(*(b"\x82" + name.encode() for name in names))
    assert certificate_of(directory, make(extensions=[many])).names == tuple(names[:256])


@pytest.mark.parametrize(
    ("ends", "left"),
    [
        (NOW + timedelta(days=3, hours=1), 3),
        (NOW + timedelta(hours=1), 0),
        (NOW, 0),
        (NOW - timedelta(hours=1), -1),
        (NOW - timedelta(days=3, hours=1), -4),
        (datetime(2061, 1, 1, tzinfo=UTC), 11171),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), 2910830),
    ],
)
def test_days(directory: Path, ends: datetime, left: int) -> None:
    found = certificate_of(directory, make(begins=datetime(1960, 2, 1, tzinfo=UTC), ends=ends), now=NOW)
    assert (found.not_after, found.days_left) == (ends, left)
    assert found.not_before == datetime(1960, 2, 1, tzinfo=UTC)


def test_days_from_now(directory: Path) -> None:
    assert certificate_of(directory, make()).days_left == (END - datetime.now(UTC)).days


def test_chain(directory: Path) -> None:
    own, ca, server = make(), make(attribute("a CA"), ca=True), make(attribute("a server"))
    assert certificate_of(directory, own, server, ca).chain == ("CN=db.envconn.test", "", "CN=a CA")
    assert certificate_of(directory, own, ca, own, ca).chain == ("CN=db.envconn.test", "CN=a CA", "", "CN=a CA")
    red = make(attribute("\x1b[31mred"), ca=True)
    assert certificate_of(directory, own, red).chain == ("CN=db.envconn.test", "CN=\ufffd[31mred")


def test_ca_that_the_chain_was_verified_against(certificates: Certificates) -> None:
    ca = x509.load_pem_x509_certificate(certificates.ca.read_bytes())
    for shown in (certificates.good, certificates.intermediate):
        tls = shake(shown, trusted=certificates.ca)
        found = read_ca(tls)
        assert found is not None
        assert (found.subject, found.not_after) == (ca.subject.rfc4514_string(), ca.not_valid_after_utc)
        assert found.sha256 == ca.fingerprint(hashes.SHA256()).hex()
        assert (found.names, found.chain) == ((), ())
        assert read_ca(tls, ca.not_valid_after_utc + timedelta(hours=1)) == replace(found, days_left=-1)
        assert waits(tls)


def test_ca_that_is_not_known(directory: Path, certificates: Certificates) -> None:
    assert read_ca(shake(certificates.good)) is None  # nothing was verified
    itself = pair(directory, make(extensions=[alternatives(b"\x82localhost")]))
    assert read_ca(shake(itself, trusted=itself.chain)) is None  # trusted, and not a CA
    dateless = shake(pair(directory, make(ca=True, replace=MONTH_13)))
    dateless.context.verify_mode = ssl.CERT_REQUIRED
    assert read_ca(dateless) is None


def test_chain_without_end(directory: Path) -> None:
    links = [make(attribute(f"{number}"), ca=True) for number in range(100)]
    assert certificate_of(directory, make(), *links).chain == (
        "CN=db.envconn.test",
        *(f"CN={number}" for number in range(15)),
    )


def test_chain_that_cannot_be_read(directory: Path) -> None:
    tls = shake(pair(directory, make(), make(attribute("a CA"), ca=True), make(ca=True, extensions=[LATIN_1])))
    found = read_certificate(tls)
    assert found is not None
    assert found.chain == ("CN=db.envconn.test", "", "")
    assert waits(tls)


@pytest.mark.parametrize(
    "der",
    [
        make(extensions=[LATIN_1]),
        make(replace=MONTH_13),
        make(replace=(b"20600101000000Z", b"206001010000zzZ")),
        make(replace=(b"20600101000000Z", b"20600101000000+")),
        make(replace=(b"20600101000000Z", b"20600101000.00Z")),
        make(replace=(b"20600101000000Z", b"00000101000000Z")),
    ],
)
def test_what_cannot_be_read(directory: Path, der: bytes) -> None:
    tls = shake(pair(directory, der))
    assert read_certificate(tls) is None
    assert waits(tls)


def test_without_any_variable() -> None:
    tls = shake(None)
    assert tls.getpeercert() is None
    assert read_certificate(tls) is None


class Strict(ssl.SSLObject):
    """One that tells nothing of what was not verified in the handshake, as the documentation has it."""

    def getpeercert(self, binary_form: bool = False) -> Any:  # noqa: FBT001, FBT002 - as it is there
        return super().getpeercert(True) if binary_form else {}  # noqa: FBT003


def test_a_library_that_shows_no_unverified_certificate(directory: Path) -> None:
    assert read_certificate(shake(pair(directory, make()), Strict)) is None


def test_an_extension_that_cannot_be_read(directory: Path) -> None:
    # OpenSSL's error about it would be found by the next one who reads, whatever connection he reads from.
    for chain in ([make(extensions=[UNREADABLE])], [make(), make(ca=True, extensions=[UNREADABLE])]):
        tls, other = shake(pair(directory, *chain)), shake(pair(directory, make()))
        found = read_certificate(tls)
        assert found is not None
        assert found.subject == "CN=db.envconn.test"
        assert waits(other)
        assert waits(tls)


GOOD = make(attribute("db"), extensions=[alternatives(b"\x82db.envconn.test", b"\x87\x7f\0\0\1")])


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_one_byte_is_another(directory: Path, position: int, byte: int) -> None:
    shown = pair(directory, GOOD[:position] + bytes([byte]) + GOOD[position + 1 :])
    try:
        tls = shake(shown)
    except ssl.SSLError:
        assume(False)  # noqa: FBT003 - nothing that a server of Python's could show
    found = read_certificate(tls)
    assert found is None or all(map(str.isprintable, (found.subject, found.issuer, *found.names, *found.chain)))
    assert waits(tls)
