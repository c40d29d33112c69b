"""Certificates are read as OpenSSL reads them, and what is none is refused quietly."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from envconn.probe.x509 import read, subject

if TYPE_CHECKING:
    from throwaway.certificates import Certificates

KEY = ec.generate_private_key(ec.SECP256R1())
NOW = datetime(2030, 6, 1, 12, tzinfo=UTC)


def der(
    *attributes: x509.NameAttribute[str],
    names: list[x509.GeneralName] | None = None,
    begins: datetime = NOW - timedelta(days=1),
    ends: datetime = NOW + timedelta(days=30),
) -> bytes:
    """A certificate that its own key has signed."""
    name = x509.Name(attributes)
    builder = x509.CertificateBuilder(name, name, KEY.public_key(), 1, begins, ends)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    if names is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def attribute(value: str, oid: x509.ObjectIdentifier = NameOID.COMMON_NAME) -> x509.NameAttribute[str]:
    return x509.NameAttribute(oid, value, _validate=False)


def wrapped(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    length = bytes([len(body)]) if len(body) < 128 else b"\x82" + len(body).to_bytes(2)
    return bytes([tag]) + length + body


def sequence(*parts: bytes) -> bytes:
    return wrapped(0x30, *parts)


SERIAL, TIME, NONE = b"\x02\x01\x01", b"\x17\x0d300601120000Z", sequence()


def test_as_openssl_has_it(certificates: Certificates) -> None:
    for pair in (certificates.good, certificates.expired, certificates.intermediate):
        block = pair.chain.read_text(encoding="ascii").partition("-----END CERTIFICATE-----")
        data = ssl.PEM_cert_to_DER_cert(block[0] + block[1])
        told, read_out = x509.load_der_x509_certificate(data), read(data, [data, b"no certificate"])
        assert read_out is not None
        assert (read_out.subject, read_out.issuer) == (told.subject.rfc4514_string(), told.issuer.rfc4514_string())
        assert (read_out.not_before, read_out.not_after) == (told.not_valid_before_utc, told.not_valid_after_utc)
        assert read_out.sha256 == told.fingerprint(hashes.SHA256()).hex()
        assert read_out.names == ("db.envconn.test", "localhost", "127.0.0.1")
        assert read_out.chain == (read_out.subject, "")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", "plain"),
        ("a,b+c;d", r"a\,b\+c\;d"),
        ('say "no"', r"say \"no\""),
        (r"back\slash", r"back\\slash"),
        ("#hash", r"\#hash"),
        (" blanks ", r"\ blanks\ "),
        ("Zürich", "Zürich"),
        ("\x1b[31mred\r\n", "\ufffd[31mred\ufffd\ufffd"),
    ],
)
def test_subject(value: str, written: str) -> None:
    assert subject(der(attribute(value))) == f"CN={written}"


def test_a_name_without_end() -> None:
    name = sequence(wrapped(0x31, sequence(b"\x06\x03\x55\x04\x03", wrapped(0x0C, b"x" * 300))))
    long = sequence(sequence(SERIAL, NONE, NONE, sequence(TIME, TIME), name, NONE))
    assert subject(long) == "CN=" + "x" * 256


def test_subject_of_several_parts() -> None:
    several = der(
        attribute("DE", NameOID.COUNTRY_NAME), attribute("We, all", NameOID.ORGANIZATION_NAME), attribute("db")
    )
    assert subject(several) == r"CN=db,O=We\, all,C=DE"
    assert subject(der(attribute("a@b.test", NameOID.EMAIL_ADDRESS))) == "1.2.840.113549.1.9.1=a@b.test"
    assert subject(der()) == ""


def test_bmp_string() -> None:
    encoded = der(attribute("abcd")).replace(b"\x0c\x04abcd", b"\x1e\x04\x00a\x00b")
    assert subject(encoded) == "CN=ab"


def test_names() -> None:
    names: list[x509.GeneralName] = [
        x509.DNSName("db.envconn.test"),
        x509.RFC822Name("app@envconn.test"),
        x509.IPAddress(ip_address("::1")),
        x509.DNSName("*.envconn.test"),
    ]
    found = read(der(names=names))
    assert found is not None
    assert found.names == ("db.envconn.test", "::1", "*.envconn.test")
    without = read(der(attribute("db.envconn.test")))
    assert without is not None
    assert without.names == ()


@pytest.mark.parametrize(
    ("ends", "left"),
    [
        (NOW + timedelta(days=3, hours=1), 3),
        (NOW + timedelta(hours=1), 0),
        (NOW - timedelta(hours=1), -1),
        (NOW - timedelta(days=3, hours=1), -4),
        (datetime(2061, 1, 1, tzinfo=UTC), 11171),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), 2910830),
    ],
)
def test_days(ends: datetime, left: int) -> None:
    found = read(der(begins=datetime(1960, 1, 1, tzinfo=UTC), ends=ends), now=NOW)
    assert found is not None
    assert (found.not_after, found.days_left) == (ends, left)
    assert found.not_before.year == 1960


GOOD = der(attribute("db"), names=[x509.DNSName("db.envconn.test")])


@pytest.mark.parametrize("length", range(0, len(GOOD), 7))
def test_cut_off(length: int) -> None:
    assert read(GOOD[:length]) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x80",
        b"\x30\x85\0\0\0\0\0",
        b"\x04\x00",
        sequence(sequence(SERIAL, NONE, sequence(b"\x31\x06\x30\x04\x06\0\x0c\0"), sequence(TIME, TIME), NONE, NONE)),
        sequence(),
        sequence(sequence()),
        sequence(sequence(SERIAL, NONE, NONE, NONE, NONE)),
        sequence(sequence(SERIAL, NONE, NONE, NONE, NONE, NONE)),
        sequence(sequence(SERIAL, NONE, NONE, sequence(TIME), NONE, NONE)),
        sequence(sequence(SERIAL, NONE, NONE, sequence(TIME, b"\x04\x00"), NONE, NONE)),
        sequence(sequence(SERIAL, NONE, NONE, sequence(TIME, b"\x17\x01x"), NONE, NONE)),
        sequence(sequence(SERIAL, NONE, b"\x04\x00", sequence(TIME, TIME), NONE, NONE)),
        sequence(sequence(SERIAL, NONE, NONE, sequence(TIME, TIME), sequence(b"\x31\x06\x30\x04\x06\0\x0c\0"), NONE)),
        sequence(
            sequence(
                SERIAL,
                NONE,
                sequence(b"\x31\x11\x30\x0f\x06\x0b" + b"\xff" * 11 + b"\x0c\0"),
                sequence(TIME, TIME),
                NONE,
                NONE,
            )
        ),
    ],
)
def test_what_is_none(data: bytes) -> None:
    assert read(data) is None
    assert subject(data) == ""


def test_an_odd_one() -> None:
    pair = b"\x31\x02\x30\x00"  # an attribute without a type and a value
    odd = sequence(sequence(SERIAL, NONE, sequence(pair), sequence(TIME, TIME), NONE, NONE))
    found = read(odd)
    assert found is not None
    assert (found.subject, found.issuer, found.names) == ("", "", ())
    extensions = b"\xa3\x09" + sequence(sequence(b"\x06\x03\x55\x1d\x11"))
    assert read(sequence(sequence(SERIAL, NONE, NONE, sequence(TIME, TIME), NONE, NONE, extensions))) is not None


@given(st.binary(max_size=200))
def test_noise(data: bytes) -> None:
    assert read(data) is None


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_one_byte_is_another(position: int, byte: int) -> None:
    found = read(GOOD[:position] + bytes([byte]) + GOOD[position + 1 :])
    assert found is None or "\x1b" not in found.subject
