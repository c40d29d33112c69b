"""What the live proof concludes: whether CA and host name can be verified, and what follows from all that was seen."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from envconn.errors import Finding, note, problem
from envconn.exit_codes import FAULTS
from envconn.families import SENTINEL
from envconn.probe import handshake, messages
from envconn.probe.failures import MISNAMED, Failure, Rejected, certificate_code
from envconn.probe.network import TooMuch
from envconn.records import Record
from envconn.tls import CA, TlsLevel
from envconn.tls.ca import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl

    from envconn.probe.channel import Channel
    from envconn.probe.handshake import Presented
    from envconn.tls import Verdict


class Verification(Record):
    """`chain` and `host` say what was found out, `None` where nothing was.

    `ca` is what the chain was held against, `rejected` why it did not stand.
    """

    ca: CA | None = None
    chain: bool | None = None
    host: bool | None = None
    rejected: Rejected | None = None


UNKNOWN = Verification()


def verified_by_level(verdict: Verdict) -> Verification:
    """Return what a handshake that holds the level of `verdict` has verified by that."""
    verifies, full = verdict.level >= TlsLevel.VERIFY_CA, verdict.level == TlsLevel.VERIFY_FULL
    return Verification(verdict.ca, verifies or None, full or None)


def refuted_by(rejected: Rejected) -> Verification:
    """Return what a handshake has shown that failed by the certificate."""
    if certificate_code(rejected.number) == MISNAMED:
        return Verification(host=False)
    return Verification(chain=False, rejected=rejected)


async def verify(channel: Channel, der: bytes, known: Verification) -> Verification:
    """Find out what is not `known` yet about the certificate `der`.

    Chain and host are looked at apart: OpenSSL checks the name before the dates, and would not come to them.
    """
    stated = channel.service.tls.ca or read("system", channel.service.variable)
    ca = stated if isinstance(stated, CA) else None
    (chain, rejected), host = await asyncio.gather(_chain(channel, ca, known), _host(channel, der, known))
    return Verification(ca, chain, host, rejected)


async def _chain(channel: Channel, ca: CA | None, known: Verification) -> tuple[bool | None, Rejected | None]:
    if ca is None or known.chain is not None:
        return known.chain, known.rejected
    outcome = await _outcome(channel, handshake.chain_context(channel.service, ca, channel.protocol.alpn))
    return (False, outcome) if isinstance(outcome, Rejected) else (outcome, None)


async def _host(channel: Channel, der: bytes, known: Verification) -> bool | None:
    if known.host is not None:
        return known.host
    outcome = await _outcome(channel, handshake.host_context(der, channel.protocol.alpn))
    if isinstance(outcome, Rejected):
        # For another reason than the name: this time another certificate was shown, or it cannot be a server's.
        return False if certificate_code(outcome.number) == MISNAMED else None
    return outcome


async def _outcome(channel: Channel, context: ssl.SSLContext) -> Rejected | bool | None:
    """Return whether a handshake succeeds, or why not; `None` where that has another reason than the certificate."""
    try:
        with await channel.dial() as wire:
            await channel.encrypt(wire, context)
    except Rejected as rejected:
        return rejected
    except (Failure, OSError, TooMuch):
        return None
    return True


@dataclass
class Observation:
    """What is known so far.

    `presented` is the last handshake that succeeded, `rejected` why the one at the level did not. `answer` is the
    first one inside TLS. `asked` is whether the question was put in clear as well, and `enforced` what that showed.
    `indirect`: TLS had to be asked for where it was to begin at once.
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
        """Keep what stands against the endpoint."""
        self.problems.append(problem(code, self.channel.service.variable, message, FAULTS[code].exit_code))

    def note(self, code: str, message: str) -> None:
        """Keep what is worth knowing."""
        self.notes.append(note(code, self.channel.service.variable, message))


def conclude(observed: Observation, *, enforced: bool) -> None:
    """Add what follows from all that was seen; `enforced` is whether clear text has to be denied."""
    if observed.rejected:
        _reject(observed, observed.rejected)
    elif observed.presented:
        _advise(observed, observed.presented)
    if observed.indirect and (observed.presented or observed.rejected):
        observed.fault("direct-tls-refused", _NOT_DIRECT.format(observed.channel.where))
    if observed.channel.service.family == SENTINEL:
        observed.note("sentinel-master-unchecked", _UNSEEN)
    promised = bool(observed.channel.service.enforces_tls)
    if observed.enforced is False:
        tell = observed.fault if promised or enforced else observed.note
        channel = observed.channel
        tell("tls-not-enforced", messages.not_enforced(channel.where, channel.protocol, promised=promised))
    if observed.enforced is None and observed.asked and observed.answer and (promised or enforced):
        observed.note("enforcement-unknown", _UNKNOWN_ENFORCEMENT.format(observed.channel.where))


_UNSEEN = "the sentinels were checked, but not the Redis that they name. Use --login to check it"
_NOT_DIRECT = "{} does not support direct TLS. Use sslnegotiation=postgres"
_UNKNOWN_ENFORCEMENT = "it is unknown whether {} refuses connections without TLS. Check its configuration"


def _reject(observed: Observation, rejected: Rejected) -> None:
    """One problem for each thing that is wrong with the certificate, as far as the level asks for it."""
    service, found = observed.channel.service, {certificate_code(rejected.number): rejected.words}
    if observed.verified.rejected:
        found.setdefault(certificate_code(observed.verified.rejected.number), observed.verified.rejected.words)
    if observed.verified.host is False and service.tls.level == TlsLevel.VERIFY_FULL:
        found.setdefault("certificate-misnamed", "")
    certificate = observed.presented.certificate if observed.presented else None
    for code, words in found.items():
        observed.fault(
            code, messages.rejected(code, observed.channel.service, observed.channel.host, certificate, words)
        )


def _advise(observed: Observation, presented: Presented) -> None:
    service, verified = observed.channel.service, observed.verified
    certificate = presented.certificate
    if certificate and (expiry := messages.expiry(observed.channel.where, certificate)):
        observed.note("certificate-expires", expiry)
    could_be_full = service.tls.level < TlsLevel.VERIFY_FULL and not service.tls.exempt
    if could_be_full and verified.ca and verified.chain and verified.host:
        message = messages.verifiable(service, observed.channel.where, observed.channel.protocol, verified.ca)
        observed.note("tls-verifiable", message)
