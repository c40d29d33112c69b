"""Lists of revoked certificates: a file, and a directory as OpenSSL looks into one."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

if TYPE_CHECKING:
    from pathlib import Path

    import trustme

__all__ = ["directory", "listed", "name_hash"]

_DAY = timedelta(days=1)


def listed(path: Path, authority: trustme.CA, *revoked: bytes) -> Path:
    """Write to `path` the list of `authority` that names the `revoked` certificates, in DER."""
    now = datetime.now(UTC)
    builder = x509.CertificateRevocationListBuilder(_name(authority), now - _DAY, now + _DAY)
    for certificate in revoked:
        serial = x509.load_der_x509_certificate(certificate).serial_number
        builder = builder.add_revoked_certificate(x509.RevokedCertificateBuilder(serial, now - _DAY).build())
    key = serialization.load_pem_private_key(authority.private_key_pem.bytes(), None)
    path.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))  # type: ignore[arg-type]
    return path


def directory(path: Path, authority: trustme.CA, *revoked: bytes) -> Path:
    """Make the directory `path` with that list, under the name by which OpenSSL finds it (``openssl rehash``)."""
    path.mkdir()
    listed(path / f"{name_hash(authority)}.r0", authority, *revoked)
    return path


def name_hash(authority: trustme.CA) -> str:
    """Return what the name of a file about `authority` begins with, by which OpenSSL finds it in a directory."""
    return f"{_hash(_name(authority)):08x}"


def _name(authority: trustme.CA) -> x509.Name:
    return x509.load_pem_x509_certificate(authority.cert_pem.bytes()).subject


def _hash(name: x509.Name) -> int:
    """X509_NAME_hash_ex: SHA-1 over the canonical form, in which each text is UTF-8, in lower case, blanks united."""
    canonical = b"".join(
        _der(0x31, _der(0x30, _oid(attribute) + _der(0x0C, " ".join(str(attribute.value).lower().split()).encode())))
        for attribute in name
    )
    return int.from_bytes(hashlib.sha1(canonical, usedforsecurity=False).digest()[:4], "little")


def _oid(attribute: x509.NameAttribute[str | bytes]) -> bytes:
    # organizationName and its like, 2.5.4.n (X.520), which is all that a name of ours has.
    return _der(0x06, bytes((0x55, 0x04, int(attribute.oid.dotted_string.rpartition(".")[2]))))


def _der(tag: int, content: bytes) -> bytes:
    assert len(content) < 128
    return bytes((tag, len(content))) + content
