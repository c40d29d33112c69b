"""Whether CA and host name stand up to verification, by handshakes of their own where the level did not say."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from envconn.probe import handshake
from envconn.probe.failures import MISNAMED, Failure, Rejected, of_certificate
from envconn.probe.wire import TooMuch
from envconn.tls import CA, TlsLevel
from envconn.tls.ca import read

if TYPE_CHECKING:
    import ssl

    from envconn.probe.line import Line
    from envconn.tls import Verdict

__all__ = ["UNKNOWN", "Verification", "held", "refuted", "verify"]


class Verification(NamedTuple):
    """`chain` and `host` say what was found out, `None` where nothing was.

    `ca` is what the chain was held against, `rejected` why it did not stand.
    """

    ca: CA | None = None
    chain: bool | None = None
    host: bool | None = None
    rejected: Rejected | None = None


UNKNOWN = Verification()


def held(verdict: Verdict) -> Verification:
    """Return what a handshake that holds the level of `verdict` has verified by that."""
    verifies, full = verdict.level >= TlsLevel.VERIFY_CA, verdict.level == TlsLevel.VERIFY_FULL
    return Verification(verdict.ca, verifies or None, full or None)


def refuted(rejected: Rejected) -> Verification:
    """Return what a handshake has shown that failed by the certificate."""
    if of_certificate(rejected.number) == MISNAMED:
        return Verification(host=False)
    return Verification(chain=False, rejected=rejected)


async def verify(line: Line, der: bytes, known: Verification) -> Verification:
    """Find out what is not `known` yet about the certificate `der`.

    Chain and host are looked at apart: OpenSSL checks the name before the dates, and would not come to them.
    """
    stated = line.service.tls.ca or read("system", line.service.variable)
    ca = stated if isinstance(stated, CA) else None
    (chain, rejected), host = await asyncio.gather(_chain(line, ca, known), _host(line, der, known))
    return Verification(ca, chain, host, rejected)


async def _chain(line: Line, ca: CA | None, known: Verification) -> tuple[bool | None, Rejected | None]:
    if ca is None or known.chain is not None:
        return known.chain, known.rejected
    outcome = await _outcome(line, handshake.for_chain(line.service, ca, line.dialect.alpn))
    return (False, outcome) if isinstance(outcome, Rejected) else (outcome, None)


async def _host(line: Line, der: bytes, known: Verification) -> bool | None:
    if known.host is not None:
        return known.host
    outcome = await _outcome(line, handshake.for_host(der, line.dialect.alpn))
    if isinstance(outcome, Rejected):
        # For another reason than the name: this time another certificate was shown, or it cannot be a server's.
        return False if of_certificate(outcome.number) == MISNAMED else None
    return outcome


async def _outcome(line: Line, context: ssl.SSLContext) -> Rejected | bool | None:
    """Return whether a handshake succeeds, or why not; `None` where that has another reason than the certificate."""
    try:
        with await line.dial() as wire:
            await line.encrypt(wire, context)
    except Rejected as rejected:
        return rejected
    except (Failure, OSError, TooMuch):
        return None
    return True
