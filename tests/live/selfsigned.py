"""Certificates that no authority would sign: any text, any dates, any extension, or bytes that are wrong."""

from __future__ import annotations

import hashlib
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID, NameOID

from throwaway.certificates import Pair

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["DAY", "END", "LATIN_1", "MONTH_13", "UNREADABLE", "alternatives", "attribute", "make", "pair"]

DAY = timedelta(days=1)
END = datetime(2060, 1, 1, tzinfo=UTC)
"""When all of them end; in their bytes this is ``20600101000000Z``."""

_KEY = ec.generate_private_key(ec.SECP256R1())


def attribute(value: str, oid: x509.ObjectIdentifier = NameOID.COMMON_NAME) -> x509.NameAttribute[str]:
    """One part of a name, with any text."""
    return x509.NameAttribute(oid, value, _validate=False)


def alternatives(*names: bytes) -> x509.UnrecognizedExtension:
    """The extension subjectAltName of `names`, each in DER without its length: the tag, then the text."""
    body = b"".join(name[:1] + _length(name[1:]) + name[1:] for name in names)
    return x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, b"\x30" + _length(body) + body)


def _length(body: bytes) -> bytes:
    return bytes([len(body)]) if len(body) < 128 else b"\x82" + len(body).to_bytes(2)


UNREADABLE = x509.UnrecognizedExtension(ExtensionOID.AUTHORITY_INFORMATION_ACCESS, b"\x30\x10junk")
"""An extension that OpenSSL takes without a look, and cannot read when it is asked what is in it."""

LATIN_1 = alternatives(b"\x82z\xfcrich.test")
"""One that OpenSSL can read, and Python cannot."""

MONTH_13 = b"20600101000000Z", b"20601301000000Z"
"""What to replace for an invalid end date."""


def make(
    *subject: x509.NameAttribute[str] | x509.RelativeDistinguishedName,
    extensions: Sequence[x509.ExtensionType] = (),
    named: bool = True,
    ca: bool = False,
    begins: datetime | None = None,
    ends: datetime = END,
    replace: tuple[bytes, bytes] = (b"", b""),
) -> bytes:
    """Return one in DER that its own key has signed, and in which then some bytes are replaced by as many others."""
    parts = (subject or [attribute("db.envconn.test")]) if named else []
    name = x509.Name(
        [x509.RelativeDistinguishedName([each]) if isinstance(each, x509.NameAttribute) else each for each in parts]
    )
    builder = x509.CertificateBuilder(name, name, _KEY.public_key(), 1, begins or datetime.now(UTC) - DAY, ends)
    for extension in (x509.BasicConstraints(ca=ca, path_length=None), *extensions):
        builder = builder.add_extension(extension, critical=False)
    der = builder.sign(_KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    old, new = replace
    assert len(old) == len(new)
    assert old in der
    return der.replace(old, new)


def pair(directory: Path, *chain: bytes) -> Pair:
    """Write `chain`, the server's own certificate first, and the key of all of them."""
    stem = directory / hashlib.sha256(chain[0]).hexdigest()
    made = Pair(stem.with_suffix(".pem"), stem.with_suffix(".key"))
    made.chain.write_text("".join(map(ssl.DER_cert_to_PEM_cert, chain)), encoding="ascii")
    made.key.touch(mode=0o600)
    form, encryption = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    made.key.write_bytes(_KEY.private_bytes(serialization.Encoding.PEM, form, encryption))
    return made
