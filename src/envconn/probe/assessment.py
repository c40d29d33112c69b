"""What the live proof concludes: whether CA and hostname can be verified, and the problems and notes that follow."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from envconn.errors import Finding, note, problem
from envconn.families import FAMILIES, SENTINEL
from envconn.probe import handshake
from envconn.probe.failures import FAULTS, MISNAMED, Failure, Rejected, certificate_code
from envconn.probe.network import TooMuch
from envconn.probe.proof import names_in
from envconn.records import Record
from envconn.tls import CA, TlsLevel
from envconn.tls.ca import expiry, read, remaining
from envconn.tls.secured import is_exempt

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl

    from envconn.connection import Host
    from envconn.probe.channel import Channel
    from envconn.probe.handshake import Presented
    from envconn.probe.proof import Certificate
    from envconn.probe.protocol import WireProtocol
    from envconn.tls import SecuredConnection, Verdict


class Verification(Record):
    """Whether the CA signed the `chain`, and whether the certificate matches the `host`; `None` if unknown.

    `ca` is the CA that the chain was verified against, `signer` its certificate if it signed the chain. `rejected` is
    why that failed, also if only by its dates.
    """

    ca: CA | None = None
    chain: bool | None = None
    host: bool | None = None
    rejected: Rejected | None = None
    signer: Certificate | None = None


UNKNOWN = Verification()


def verified_by_level(verdict: Verdict, presented: Presented) -> Verification:
    """Return what a successful handshake at the level of `verdict` has verified."""
    verifies, full = verdict.level >= TlsLevel.VERIFY_CA, verdict.level == TlsLevel.VERIFY_FULL
    return Verification(verdict.ca, verifies or None, full or None, signer=presented.ca)


def refuted_by(rejected: Rejected) -> Verification:
    """Return what a handshake has shown that failed because of the certificate."""
    if certificate_code(rejected.number) == MISNAMED:
        return Verification(host=False)
    return Verification(chain=False, rejected=rejected)


async def verify(channel: Channel, der: bytes, known: Verification) -> Verification:
    """Find out what is not `known` yet about the certificate `der`.

    Chain and host are tested apart: OpenSSL checks the name before the dates, and stops at the first failure.
    """
    stated = channel.service.tls.ca or read("system", channel.service.origin.variable)
    ca = stated if isinstance(stated, CA) else None
    found, host = await asyncio.gather(_chain(channel, ca, known), _host(channel, der, known))
    return Verification(ca, found.chain, host, found.rejected, found.signer)


async def _chain(channel: Channel, ca: CA | None, known: Verification) -> Verification:
    if ca is None or (known.chain is not None and not known.rejected):
        return known
    rejected = known.rejected
    if rejected is None:
        outcome = await _outcome(channel, handshake.chain_context(channel.service, ca, channel.protocol.alpn))
        if not isinstance(outcome, Rejected):
            return Verification(chain=None if outcome is None else True, signer=outcome and outcome.ca)
        rejected = outcome
    if certificate_code(rejected.number) not in _DATES:
        return Verification(chain=False, rejected=rejected)
    # Whether the CA signed it is another question than whether it is valid now.
    context = handshake.chain_context(channel.service, ca, channel.protocol.alpn, dates=False)
    outcome = await _outcome(channel, context)
    signed = outcome if isinstance(outcome, handshake.Presented) else None
    return Verification(chain=signed is not None, rejected=rejected, signer=signed and signed.ca)


_DATES = frozenset({"certificate-expired", "certificate-not-yet-valid"})


async def _host(channel: Channel, der: bytes, known: Verification) -> bool | None:
    if known.host is not None:
        return known.host
    outcome = await _outcome(channel, handshake.host_context(der, channel.protocol.alpn))
    if isinstance(outcome, Rejected):
        # A failure other than the name: the server presented another certificate this time, or one not for servers.
        return False if certificate_code(outcome.number) == MISNAMED else None
    return None if outcome is None else True


async def _outcome(channel: Channel, context: ssl.SSLContext) -> Presented | Rejected | None:
    """Return what a handshake shows, or why it fails; `None` if that is for a reason other than the certificate."""
    try:
        async with await channel.dial() as wire:
            return await channel.encrypt(wire, context)
    except Rejected as rejected:
        return rejected
    except (Failure, OSError, TooMuch):
        return None


@dataclass
class Observation:
    """What is known of a host so far.

    `presented` is the last handshake that succeeded, `rejected` why the one at the level failed. `answer` is the
    first answer over TLS. `asked` is whether the same was asked without TLS, and `enforced` what that showed.
    `indirect`: the client had to request TLS although TLS should begin at once.
    """

    channel: Channel
    presented: Presented | None = None
    rejected: Rejected | None = None
    verified: Verification = UNKNOWN
    answer: bytes = b""
    asked: bool = False
    enforced: bool | None = None
    indirect: bool = False
    problems: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)

    def fault(self, code: str, message: str) -> None:
        """Add a problem with the endpoint."""
        self.problems.append(problem(code, self.channel.service.origin.variable, message, FAULTS[code].exit_code))

    def note(self, code: str, message: str) -> None:
        """Add a note about the endpoint."""
        self.notes.append(note(code, self.channel.service.origin.variable, message))


def conclude(observed: Observation, *, enforced: bool) -> None:
    """Add the conclusions from everything observed; `enforced`: the server must reject unencrypted connections."""
    if observed.rejected:
        _reject(observed, observed.rejected)
    elif observed.presented:
        _advise(observed, observed.presented)
        _demand_certificate(observed, asked=observed.presented.certificate_requested)
    if observed.indirect and (observed.presented or observed.rejected):
        observed.fault("direct-tls-refused", _NOT_DIRECT.format(observed.channel.where))
    if observed.channel.service.family == SENTINEL:
        observed.note("sentinel-master-unchecked", _UNSEEN)
    promised = bool(observed.channel.service.features.enforces_tls)
    if observed.enforced is False:
        tell = observed.fault if promised or enforced else observed.note
        channel = observed.channel
        tell("tls-not-enforced", _not_enforced_message(channel.where, channel.protocol, promised=promised))
    if observed.enforced is None and observed.asked and observed.answer and (promised or enforced):
        observed.note("enforcement-unknown", _UNKNOWN_ENFORCEMENT.format(observed.channel.where))


_UNSEEN = "the sentinels were checked, but not the Redis that they name. Use --login to check it"
_NOT_NAMED = "sslcertmode=require demands a client certificate. Name one with sslcert and sslkey"
_UNREQUESTED = (
    "{} does not ask for a client certificate, which sslcertmode=require demands. Set ssl_ca_file on the server, or "
    "remove sslcertmode"
)
_NOT_DIRECT = "{} does not support direct TLS. Use sslnegotiation=postgres"
_UNKNOWN_ENFORCEMENT = "it is unknown whether {} refuses connections without TLS. Check its configuration"


def _demand_certificate(observed: Observation, *, asked: bool) -> None:
    """Add the problem if ``sslcertmode=require`` demands a client certificate that is not sent, or not asked for."""
    parameters = observed.channel.service.parameters
    if parameters.get("sslcertmode") == "require" and not observed.problems:
        if "sslcert" not in parameters:
            observed.fault("client-certificate-required", _NOT_NAMED)
        elif not asked:
            observed.fault("client-certificate-unrequested", _UNREQUESTED.format(observed.channel.where))


def explained(failure: Failure | Rejected, channel: Channel) -> tuple[str, str]:
    """Return the code and the message of a failure before the certificate was seen."""
    if isinstance(failure, Failure):
        return failure.code, str(failure)
    code = certificate_code(failure.number)
    return code, _rejected_message(code, channel.service, channel.host, None, failure.words)


def _reject(observed: Observation, rejected: Rejected) -> None:
    """Yield a problem for each defect of the certificate that the level does not allow."""
    service, found = observed.channel.service, {certificate_code(rejected.number): rejected.words}
    if observed.verified.rejected:
        found.setdefault(certificate_code(observed.verified.rejected.number), observed.verified.rejected.words)
    if observed.verified.host is False and service.tls.level == TlsLevel.VERIFY_FULL:
        found.setdefault("certificate-misnamed", "")
    certificate = observed.presented.certificate if observed.presented else None
    for code, words in found.items():
        message = _rejected_message(code, service, observed.channel.host, certificate, words)
        if code == "certificate-expired" and (ended := _ended_ca(observed.verified, certificate)):
            message = ended
        observed.fault(code, message)


def _ended_ca(verified: Verification, certificate: Certificate | None) -> str | None:
    """Return the message that the stated CA has expired, if it has, and the server's own certificate has not."""
    left = verified.signer.days_left if verified.signer else 0
    if not verified.ca or left >= 0 or (certificate and certificate.days_left < 0):
        return None
    ended = expiry(verified.ca, left)
    return ended.message if ended else None


def _advise(observed: Observation, presented: Presented) -> None:
    service, verified = observed.channel.service, observed.verified
    certificate = presented.certificate
    if certificate and (ending := _expiry_message(observed.channel.where, certificate)):
        observed.note("certificate-expires", ending)
    if verified.ca and verified.signer and (found := expiry(verified.ca, verified.signer.days_left)):
        observed.notes.append(found)
    could_be_full = service.tls.level < TlsLevel.VERIFY_FULL and not is_exempt(service)
    if could_be_full and verified.ca and verified.chain and verified.host and not verified.rejected:
        message = _verifiable_message(service, observed.channel.where, observed.channel.protocol, verified.ca)
        observed.note("tls-verifiable", message)


SOON = 21
"""A certificate that ends in fewer days than this is worth a note."""


def _rejected_message(
    code: str, service: SecuredConnection, host: Host, certificate: Certificate | None, words: str
) -> str:
    """Return the message about `certificate`, `None` if it could not be seen; `words` are OpenSSL's own."""
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
    # OpenSSL does not say which certificate of the chain it means.
    if certificate is None or certificate.days_left >= 0:
        return f"a certificate in the chain of {where} has expired"
    return f"the certificate of {where} expired {remaining(certificate.days_left)}"


def _expiry_message(where: str, certificate: Certificate) -> str | None:
    """Return a note that `certificate` expires soon, or has expired and the level allows it; else `None`."""
    if certificate.days_left >= SOON:
        return None
    if certificate.days_left < 0:
        return f"{_since(where, certificate)}. Renew it on the server"
    return f"the certificate of {where} expires soon, {remaining(certificate.days_left)}. Renew it on the server"


def _not_enforced_message(where: str, protocol: WireProtocol, *, promised: bool) -> str:
    """Return the finding that `where` accepts unencrypted connections; `promised`: its provider says it does not."""
    broken = ", although its provider requires TLS" if promised else ""
    return f"{where} also accepts connections without TLS{broken}. To require TLS, {protocol.enforcing}"


"""Families whose clients verify nothing by the system's CAs unless these are named."""


def _verifiable_message(service: SecuredConnection, where: str, protocol: WireProtocol, ca: CA) -> str:
    """Return the note that the certificate passes a stricter level, and what to write to have it verified."""
    wanted = protocol.full
    if service.tls.level < TlsLevel.VERIFY_CA and not FAMILIES[service.family].verified:
        wanted = f"{wanted}&{protocol.ca}={'system' if ca.kind == 'system' else ca.path}"
    return f"{ca}, signed the certificate of {where}, which is for this host. Use {wanted}"
