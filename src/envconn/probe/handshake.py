"""TLS handshakes, at the connection's level and below it to look at the certificate; and the certificate's content.

A client certificate is sent only in a handshake at the level, and only to a server that the level accepts: the
server's certificate is verified before it (RFC 8446, section 4.4.2; RFC 5246, section 7.4.6).

The content of a certificate comes from an unknown server: long texts are cut, and characters that control a terminal
are removed.
"""

from __future__ import annotations

import hashlib
import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from itertools import islice
from typing import TypedDict, cast

from envconn.drivers.ssl_context import settle
from envconn.probe.failures import Rejected
from envconn.probe.proof import Certificate, Handshake
from envconn.records import Record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from ipaddress import IPv4Address, IPv6Address
    from typing import NotRequired, TypeAlias

    from envconn.probe.network import Wire
    from envconn.tls import CA, SecuredConnection


class Presented(Record):
    """What a successful handshake has shown. `der` is the certificate, `certificate` its readable content.

    `certificate_requested` is whether the server asked for a client certificate. `ca` is the certificate of the CA
    that the chain was verified against.
    """

    version: str
    cipher: str
    bits: int
    der: bytes
    certificate: Certificate | None
    alpn: str | None
    certificate_requested: bool
    ca: Certificate | None = None

    def handshake(self, *, chain: bool | None, host: bool | None, ca: Certificate | None) -> Handshake:
        """Return the handshake with what was found out about the certificate."""
        return Handshake(self.version, self.cipher, self.bits, self.certificate, chain, host, ca)


async def shake_hands(wire: Wire, context: ssl.SSLContext, name: str, *, sni: bool = True) -> Presented:
    """Begin TLS with the server `name` and return what it presents. `context` is for this handshake alone.

    Without `sni`, the name is not sent, and is compared afterwards, as libpq does it.

    Raises:
        Rejected: `context` does not accept its certificate.
        OSError, ssl.SSLError, ValueError: anything else went wrong.
    """
    received: set[int] = set()
    _watch(context, received)
    compares, context.check_hostname = context.check_hostname, context.check_hostname and sni
    try:
        tls = await wire.shake_hands(context, name if sni else None)
    except ssl.SSLCertVerificationError as error:
        raise Rejected(error.verify_code, error.verify_message) from None
    if compares and not sni and not _is_for(name, tls):
        raise Rejected(_MISMATCH, "")
    ca = read_ca(tls)
    cipher, _, bits = tls.cipher() or ("", "", 0)
    der, certificate_requested = tls.getpeercert(binary_form=True) or b"", _CERTIFICATE_REQUEST in received
    return Presented(
        tls.version() or "",
        cipher,
        bits,
        der,
        read_certificate(tls),
        tls.selected_alpn_protocol(),
        certificate_requested,
        ca,
    )


_CERTIFICATE_REQUEST = 13  # RFC 8446, section 4; RFC 5246, section 7.4
_MISMATCH = 62  # X509_V_ERR_HOSTNAME_MISMATCH


def _watch(context: ssl.SSLContext, received: set[int]) -> None:
    """Have the types of the messages of a handshake with `context` added to `received`."""

    def remember(_: object, direction: str, _version: object, kind: int, message: int, _data: bytes) -> None:
        if direction == "read" and kind == _HANDSHAKE:
            received.add(message)

    # Below the public API, which does not say whether the server asked for a client certificate.
    context._msg_callback = remember  # type: ignore[attr-defined]  # noqa: SLF001


_HANDSHAKE = 22  # the type of record (RFC 8446, section 5.1)


def _is_for(host: str, tls: ssl.SSLObject) -> bool:
    """Whether the certificate that `tls` has verified is for `host` (libpq's rules: fe-secure-openssl.c)."""
    decoded = cast("_Decoded", tls.getpeercert())
    names = [(kind, value) for kind, value in decoded.get("subjectAltName", ()) if kind in {"DNS", "IP Address"}]
    if any(_matches(host, value) for _, value in names):
        return True
    if ("IP Address" if _address(host) else "DNS") in dict(names):
        return False
    common = (value for pairs in decoded["subject"] for kind, value in pairs if kind == "commonName")
    return any(_matches(host, str(value)) for value in islice(common, 1))


def _matches(host: str, name: str) -> bool:
    if address := _address(host):
        return address == _address(name)
    given, wanted = host.lower(), name.lower()
    label, dot, rest = given.partition(".")
    return given == wanted or bool(label and dot and wanted == f"*.{rest}")


def _address(text: str) -> IPv4Address | IPv6Address | None:
    with suppress(ValueError):
        return ip_address(text)
    return None


def level_context(service: SecuredConnection, alpn: str | None) -> ssl.SSLContext:
    """Return the context for the level of the connection, with the client certificate.

    Raises:
        ConfigurationError: a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    settle(context, service)
    return _named(context, alpn)


def chain_context(service: SecuredConnection, ca: CA, alpn: str | None, *, dates: bool = True) -> ssl.SSLContext:
    """Return a context that verifies the certificate against `ca`, for any host, and at any time without `dates`.

    Raises:
        ConfigurationError: the revocation list cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    settle(context, service, present=False)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    if not service.tls.ca:
        context.load_verify_locations(cafile=ca.path)
    if not dates:
        context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
    return _named(context, alpn)


def host_context(der: bytes, alpn: str | None) -> ssl.SSLContext:
    """Return a context that trusts the certificate `der` and nothing else, at any time, so only the host matters."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=der)
    context.verify_flags = ssl.VerifyFlags(_NO_CHECK_TIME) | ssl.VERIFY_X509_PARTIAL_CHAIN
    return _named(context, alpn)


def inspection_context(alpn: str | None) -> ssl.SSLContext:
    """Return a context that accepts any certificate and any version of TLS: only to look, no data is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return _named(context, alpn)


def _named(context: ssl.SSLContext, alpn: str | None) -> ssl.SSLContext:
    if alpn:
        context.set_alpn_protocols([alpn])
    return context


def versions(service: SecuredConnection) -> str:
    """Return the versions of TLS that the connection allows, as text."""
    lowest = service.parameters.get("ssl_min_protocol_version", "TLSv1.2")
    highest = service.parameters.get("ssl_max_protocol_version")
    if highest:
        return lowest if highest == lowest else f"{lowest} to {highest}"
    return f"{lowest} or newer"


def bounds(service: SecuredConnection) -> str:
    """Return the parameters that state them, as text; empty if none does."""
    stated = ("ssl_min_protocol_version", "ssl_max_protocol_version")
    return " and ".join(name for name in stated if name in service.parameters)


_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME (OpenSSL's x509_vfy.h), which Python does not name."""


_LONGEST = 512
"""The longest name in characters; a longer one is cut."""
_MOST = 256
"""How many names of one certificate are reported."""
_LINKS = 16
"""How many certificates of one chain are reported."""

_DER = 2
"""ENCODING_DER of `_ssl`, the module below `ssl`."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_Name: TypeAlias = tuple[tuple[tuple[str, str | bytes], ...], ...]
"""A distinguished name, the least specific part first. A bit string is given as bytes."""


class _Decoded(TypedDict):
    """The part of `ssl`'s dictionary that is read here."""

    subject: _Name
    issuer: _Name
    notBefore: str
    notAfter: str
    subjectAltName: NotRequired[tuple[tuple[str, str], ...]]


def read_certificate(tls: ssl.SSLObject, now: datetime | None = None) -> Certificate | None:
    """Return the content of the certificate that was presented to `tls`, or `None` if `ssl` cannot read it.

    Days are counted from `now`. The handshake is over, and the context of `tls` was for it alone.
    """
    # What Python returns depends on the current setting of the context, not on that during the handshake.
    tls.context.verify_mode = ssl.CERT_REQUIRED
    try:
        der, decoded = tls.getpeercert(binary_form=True), cast("_Decoded | None", tls.getpeercert())
        chain = _chain(tls, "get_unverified_chain")[:_LINKS]
        return _certificate(der, decoded, chain, now or datetime.now(UTC)) if der and decoded else None
    except (ValueError, ssl.SSLError):
        return None
    finally:
        # An unreadable extension leaves an error in OpenSSL's queue, and the next read on any connection of this
        # thread would fail with it. Reporting another error clears the queue.
        with suppress(ssl.SSLError):
            tls.context.load_verify_locations(cadata=b"\0")


def read_ca(tls: ssl.SSLObject, now: datetime | None = None) -> Certificate | None:
    """Return the certificate of the CA that `tls` has verified the chain against, without `names` and `chain`.

    It is `None` if nothing was verified, or if the certificate that is trusted is not a CA's.
    """
    if tls.context.verify_mode == ssl.CERT_NONE:
        return None
    with suppress(ValueError):  # a date that is none
        for der, decoded in _decoded(_chain(tls, "get_verified_chain")[-1:]).items():
            return replace(_certificate(der, decoded, (), now or datetime.now(UTC)), names=())
    return None


def _chain(tls: ssl.SSLObject, method: str) -> tuple[bytes, ...]:
    # Public, and returns bytes, since Python 3.13; before, it is one level below and returns objects.
    ask = getattr(tls, method, None) or getattr(getattr(tls, "_sslobj", None), method, None)
    chain = (ask and ask()) or ()
    return tuple(each if isinstance(each, bytes) else each.public_bytes(_DER) for each in chain)


def _certificate(der: bytes, decoded: _Decoded, chain: Sequence[bytes], now: datetime) -> Certificate:
    subject, not_after = _distinguished(decoded["subject"]), _moment(decoded["notAfter"])
    above = {link: _distinguished(each["subject"]) for link, each in _decoded(chain[1:]).items()}
    return Certificate(
        subject=subject,
        names=tuple(islice(_names(decoded.get("subjectAltName", ())), _MOST)),
        issuer=_distinguished(decoded["issuer"]),
        chain=tuple(above.get(each, "") if position else subject for position, each in enumerate(chain)),
        sha256=hashlib.sha256(der).hexdigest(),
        not_before=_moment(decoded["notBefore"]),
        not_after=not_after,
        days_left=(not_after - now).days,
    )


def _decoded(certificates: Sequence[bytes]) -> dict[bytes, _Decoded]:
    """Return what is in each CA's certificate: `ssl` shows no others, and none at all if one is unreadable."""
    store = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with suppress(ValueError, ssl.SSLError):
        store.load_verify_locations(cadata=b"".join(certificates))
        decoded = cast("list[_Decoded]", store.get_ca_certs())
        return dict(zip(store.get_ca_certs(binary_form=True), decoded, strict=True))
    return {}


def _moment(text: str) -> datetime:
    return _EPOCH + timedelta(seconds=ssl.cert_time_to_seconds(text))


def _names(alternatives: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Return the DNS names and IP addresses."""
    for kind, value in alternatives:
        if kind == "DNS":
            yield _printable(value)[:_LONGEST]
        elif kind == "IP Address":
            with suppress(ValueError):  # neither four nor sixteen bytes
                yield str(ip_address(value))


_KEYWORDS = {
    "commonName": "CN",
    "countryName": "C",
    "domainComponent": "DC",
    "localityName": "L",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "stateOrProvinceName": "ST",
    "streetAddress": "STREET",
    "userId": "UID",
}
"""RFC 4514, section 3: the attributes with a short name. Others keep OpenSSL's name, or their number."""


def _distinguished(name: _Name) -> str:
    """Return the name in RFC 4514's form, the most specific part first."""
    parts = ("+".join(f"{_keyword(kind)}={_value(value)}" for kind, value in pairs) for pairs in reversed(name))
    return ",".join(parts)[:_LONGEST]


def _keyword(kind: str) -> str:
    return _KEYWORDS.get(kind) or _escaped(kind)


def _value(value: str | bytes) -> str:
    return _escaped(_printable(value if isinstance(value, str) else value.decode("latin-1")))


def _printable(text: str) -> str:
    """Return the text without characters that control a terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _escaped(text: str) -> str:
    """Return the text with the backslashes of RFC 4514, section 2.4."""
    escaped = "".join(f"\\{character}" if character in '"+,;<>\\' else character for character in text)
    if escaped.startswith(("#", " ")):
        escaped = f"\\{escaped}"
    return f"{escaped[:-1]}\\ " if escaped.endswith(" ") and len(text) > 1 else escaped
