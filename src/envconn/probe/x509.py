"""What a certificate says, read from its DER bytes, whether or not anybody vouches for it.

`ssl` tells what is in a certificate only after it was verified, and the one to be looked at most closely is the one
that was not. This reads the fields of RFC 5280, section 4.1, that people ask for, and checks nothing. The bytes come
from whoever answered: every length is checked, and every text is printable.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from envconn.probe.proof import Certificate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["read", "subject"]

_SEQUENCE, _SET, _OID, _OCTET_STRING = 0x30, 0x31, 0x06, 0x04
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_VERSION, _EXTENSIONS = 0xA0, 0xA3
_DNS_NAME, _IP_ADDRESS = 0x82, 0x87
_BMP_STRING, _UTF8_STRING = 0x1E, 0x0C

_ALT_NAME = "2.5.29.17"
_LONGEST = 256
"""Characters of one name; a longer one is cut."""

_KEYWORDS = {
    "2.5.4.3": "CN",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
}
"""RFC 4514, section 3: the attributes that have a short name. Others are written with their number."""


class _Element(NamedTuple):
    tag: int
    body: bytes


class _Fields(NamedTuple):
    issuer: str
    not_before: datetime
    not_after: datetime
    subject: str
    names: tuple[str, ...]


def read(der: bytes, chain: Sequence[bytes] = (), now: datetime | None = None) -> Certificate | None:
    """Return what the certificate `der` says, or `None` if it is none.

    `chain` holds the certificates that were sent, `der` included. Days are counted from `now`.
    """
    try:
        fields = _fields(der)
    except (ValueError, OverflowError):
        return None
    left = fields.not_after - (now or datetime.now(UTC))
    return Certificate(
        subject=fields.subject,
        names=fields.names,
        issuer=fields.issuer,
        chain=tuple(map(subject, chain)),
        sha256=hashlib.sha256(der).hexdigest(),
        not_before=fields.not_before,
        not_after=fields.not_after,
        days_left=left.days,
    )


def subject(der: bytes) -> str:
    """Return the subject of the certificate `der`, or an empty text if that cannot be read."""
    try:
        return _fields(der).subject
    except (ValueError, OverflowError):
        return ""


def _fields(der: bytes) -> _Fields:
    certificate = next(_elements(der), _Element(0, b""))
    parts = list(_elements(_inside(next(_elements(_inside(certificate, _SEQUENCE)), certificate), _SEQUENCE)))
    # serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, extensions
    parts = parts[1:] if parts[:1] and parts[0].tag == _VERSION else parts
    if len(parts) < 6:
        raise ValueError("not a certificate")
    dates = [_moment(element) for element in _elements(_inside(parts[3], _SEQUENCE))]
    if len(dates) != 2:
        raise ValueError("no validity")
    names = tuple(name for part in parts[6:] if part.tag == _EXTENSIONS for name in _names(part.body))
    return _Fields(_distinguished(parts[2]), dates[0], dates[1], _distinguished(parts[4]), names)


def _elements(data: bytes) -> Iterator[_Element]:
    """Yield the elements that `data` is a series of (X.690, section 8.1)."""
    position = 0
    while position < len(data):
        tag, length, position = data[position], _byte(data, position + 1), position + 2
        if length >= 0x80:
            count = length & 0x7F
            if not 1 <= count <= 4:
                raise ValueError("not a length of DER")
            length, position = int.from_bytes(data[position : position + count]), position + count
        if length > len(data) - position:
            raise ValueError("cut off")
        yield _Element(tag, data[position : position + length])
        position += length


def _byte(data: bytes, position: int) -> int:
    if position >= len(data):
        raise ValueError("cut off")
    return data[position]


def _inside(element: _Element, tag: int) -> bytes:
    if element.tag != tag:
        raise ValueError("another element was expected")
    return element.body


def _oid(element: _Element) -> str:
    """The number in dots (X.690, section 8.19)."""
    numbers, value = [], 0
    for byte in _inside(element, _OID):
        value = value << 7 | byte & 0x7F
        if value >> 64:
            raise ValueError("a number out of bounds")
        if byte < 0x80:
            numbers.append(value)
            value = 0
    if not numbers:
        raise ValueError("no number")
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))


def _moment(element: _Element) -> datetime:
    """A time (RFC 5280, section 4.1.2.5), always in UTC."""
    digits = element.body.decode("ascii", "replace")
    if element.tag == _UTC_TIME:
        digits = ("19" if digits[:2] >= "50" else "20") + digits
    elif element.tag != _GENERALIZED_TIME:
        raise ValueError("not a time")
    return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _distinguished(name: _Element) -> str:
    """A distinguished name in RFC 4514's form, the most specific part first."""
    parts = []
    for relative in _elements(_inside(name, _SEQUENCE)):
        pairs = [list(_elements(_inside(pair, _SEQUENCE))) for pair in _elements(_inside(relative, _SET))]
        parts.append("+".join(f"{_keyword(pair[0])}={_escaped(_text(pair[1]))}" for pair in pairs if len(pair) == 2))
    return ",".join(reversed(parts))


def _keyword(element: _Element) -> str:
    number = _oid(element)
    return _KEYWORDS.get(number, number)


def _names(extensions: bytes) -> Iterator[str]:
    """The DNS names and IP addresses of the extension subjectAltName (RFC 5280, section 4.2.1.6)."""
    for extension in _elements(_inside(next(_elements(extensions), _Element(0, b"")), _SEQUENCE)):
        parts = list(_elements(_inside(extension, _SEQUENCE)))
        if len(parts) < 2 or _oid(parts[0]) != _ALT_NAME:
            continue
        for name in _elements(_inside(next(_elements(_inside(parts[-1], _OCTET_STRING)), parts[-1]), _SEQUENCE)):
            if name.tag == _DNS_NAME:
                yield _printable(name.body.decode("ascii", "replace"))
            elif name.tag == _IP_ADDRESS and len(name.body) in {4, 16}:
                yield str(ip_address(name.body))


def _text(element: _Element) -> str:
    encoding = {_BMP_STRING: "utf-16-be", _UTF8_STRING: "utf-8"}.get(element.tag, "latin-1")
    return _printable(element.body.decode(encoding, "replace"))


def _printable(text: str) -> str:
    """The text without what a terminal would obey."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text[:_LONGEST])


def _escaped(text: str) -> str:
    """The text with the backslashes of RFC 4514, section 2.4."""
    escaped = "".join(f"\\{character}" if character in '"+,;<>\\' else character for character in text)
    if escaped.startswith(("#", " ")):
        escaped = f"\\{escaped}"
    return f"{escaped[:-1]}\\ " if escaped.endswith(" ") and len(text) > 1 else escaped
