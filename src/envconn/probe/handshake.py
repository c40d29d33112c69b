"""Handshakes: the one at the connection's level, and those below it that only look at the certificate.

A client certificate is shown in the former alone, and there to nobody whom the level does not accept: the server's
certificate is verified before it (RFC 8446, section 4.4.2; RFC 5246, section 7.4.6).
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, NamedTuple

from envconn.drivers.context import settle
from envconn.probe.certificate import read
from envconn.probe.failures import Rejected
from envconn.probe.proof import Handshake

if TYPE_CHECKING:
    from envconn.probe.proof import Certificate
    from envconn.probe.wire import Wire
    from envconn.tls import CA, SecuredConnection

__all__ = ["Presented", "at_level", "for_chain", "for_host", "for_nothing", "shake", "versions"]

_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME (OpenSSL's x509_vfy.h), which Python does not name."""


class Presented(NamedTuple):
    """What a handshake that succeeded has shown. `der` is the certificate, `certificate` what can be read in it."""

    version: str
    cipher: str
    bits: int
    der: bytes
    certificate: Certificate | None
    alpn: str | None

    def handshake(self, *, chain: bool | None, host: bool | None) -> Handshake:
        """Return it with what was found out about the certificate."""
        return Handshake(self.version, self.cipher, self.bits, self.certificate, chain, host)


async def shake(wire: Wire, context: ssl.SSLContext, name: str) -> Presented:
    """Begin TLS with the server `name` and return what it shows. `context` is for this handshake alone.

    Raises:
        Rejected: its certificate does not stand up to `context`.
        OSError, ssl.SSLError, ValueError: anything else went wrong.
    """
    try:
        tls = await wire.shake_hands(context, name)
    except ssl.SSLCertVerificationError as error:
        raise Rejected(error.verify_code, error.verify_message) from None
    cipher, _, bits = tls.cipher() or ("", "", 0)
    der = tls.getpeercert(binary_form=True) or b""
    return Presented(tls.version() or "", cipher, bits, der, read(tls), tls.selected_alpn_protocol())


def at_level(service: SecuredConnection, alpn: str | None) -> ssl.SSLContext:
    """Return the context that holds the level, with the client certificate.

    Raises:
        ConfigurationError: a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    settle(context, service)
    return _named(context, alpn)


def for_chain(service: SecuredConnection, ca: CA, alpn: str | None) -> ssl.SSLContext:
    """Return one that asks whether `ca` vouches for the certificate, whatever host it is for.

    Raises:
        ConfigurationError: the revocation list cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    settle(context, service, present=False)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    if not service.tls.ca:
        context.load_verify_locations(cafile=ca.path)
    return _named(context, alpn)


def for_host(der: bytes, alpn: str | None) -> ssl.SSLContext:
    """Return one that trusts the certificate `der` and nothing else, at any time, so that the host alone decides."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=der)
    context.verify_flags = ssl.VerifyFlags(_NO_CHECK_TIME) | ssl.VERIFY_X509_PARTIAL_CHAIN
    return _named(context, alpn)


def for_nothing(alpn: str | None) -> ssl.SSLContext:
    """Return one that takes any certificate and any version of TLS: it is for looking, and nothing is said in it."""
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
    """Say which versions of TLS the connection allows."""
    lowest = service.parameters.get("ssl_min_protocol_version", "TLSv1.2")
    highest = service.parameters.get("ssl_max_protocol_version")
    if highest:
        return lowest if highest == lowest else f"{lowest} to {highest}"
    return f"{lowest} or newer"
