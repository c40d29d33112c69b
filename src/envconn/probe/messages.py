"""Messages about a certificate, and about a server that accepts connections without TLS."""

from __future__ import annotations

from envconn.families import FAMILIES
from envconn.probe.proof import names_in, remaining
from envconn.tls import TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.connection import Host
    from envconn.probe.proof import Certificate
    from envconn.probe.protocol import WireProtocol
    from envconn.tls import CA, SecuredConnection


SOON = 21
"""Days before a certificate's end from which on it is worth a note."""


def rejected(code: str, service: SecuredConnection, host: Host, certificate: Certificate | None, words: str) -> str:
    """Say what is wrong with `certificate`, `None` where it could not be seen; `words` are OpenSSL's own."""
    where = str(host)
    return _REJECTED[code].format(
        where=where,
        ca=service.tls.ca,
        when=_since(where, certificate),
        names=f"{names_in(certificate)}, and not to {host.host}" if certificate else "another host",
        issuer=f" (signed by {certificate.issuer or 'no issuer'})" if certificate else "",
        words=words,
    )


_REJECTED = {
    "certificate-expired": "{when}. Renew it on the server",
    "certificate-not-yet-valid": "the certificate of {where} is not valid yet. Check the clocks of both machines",
    "certificate-untrusted": "{ca}, did not sign the certificate of {where}{issuer}: {words}. Name the CA that "
    "signed it, or correct the host",
    "certificate-misnamed": "the certificate of {where} is for {names}. Connect to a name in the certificate, or "
    "install a certificate for this name on the server",
    "certificate-revoked": "the certificate of {where} was revoked. Install a new one on the server",
    "revocation-unknown": (
        "the revocation list in sslcrl does not cover the certificate of {where}: {words}. Renew the list"
    ),
}


def _since(where: str, certificate: Certificate | None) -> str:
    # OpenSSL does not say which of the chain it means.
    if certificate is None or certificate.days_left >= 0:
        return f"a certificate in the chain of {where} has expired"
    return f"the certificate of {where} expired {remaining(certificate)}"


def expiry(where: str, certificate: Certificate) -> str | None:
    """Say that `certificate` ends soon, or has ended where that was not asked; `None` while there is time."""
    if certificate.days_left >= SOON:
        return None
    if certificate.days_left < 0:
        return f"{_since(where, certificate)}. Renew it on the server"
    return f"the certificate of {where} expires soon, {remaining(certificate)}. Renew it on the server"


def not_enforced(where: str, protocol: WireProtocol, *, promised: bool) -> str:
    """Say that the server `where` takes clear text; `promised` is whether its provider says that it does not."""
    broken = ", although its provider requires TLS" if promised else ""
    return f"{where} also accepts connections without TLS{broken}. To require TLS, {protocol.enforcing}"


"""Kinds whose clients verify nothing by the system's CAs unless these are named."""


def verifiable(service: SecuredConnection, where: str, protocol: WireProtocol, ca: CA) -> str:
    """Say that the certificate stands up to more than the level asks, and what to write to have it checked."""
    wanted = protocol.full
    if service.tls.level < TlsLevel.VERIFY_CA and not FAMILIES[service.family].verified:
        wanted = f"{wanted}&{protocol.ca}={'system' if ca.kind == 'system' else ca.path}"
    return f"{ca}, signed the certificate of {where}, which is for this host. Use {wanted}"
