"""What follows from a look: which code, which sentence, and whether it is a problem or a note."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from envconn.errors import Note, Problem
from envconn.probe import sentences
from envconn.probe.failures import of_certificate
from envconn.probe.verification import UNKNOWN, Verification
from envconn.tls import TlsLevel

if TYPE_CHECKING:
    from envconn.probe.failures import Rejected
    from envconn.probe.handshake import Presented
    from envconn.probe.line import Line

__all__ = ["Sight", "conclude"]


@dataclass
class Sight:
    """What is known so far.

    `presented` is the last handshake that succeeded, `rejected` why the one at the level did not. `answer` is the
    first one inside TLS. `asked` is whether the question was put in clear as well, and `enforced` what that showed.
    `indirect`: TLS had to be asked for where it was to begin at once.
    """

    line: Line
    presented: Presented | None = None
    rejected: Rejected | None = None
    verified: Verification = UNKNOWN
    answer: bytes = b""
    asked: bool = False
    enforced: bool | None = None
    indirect: bool = False
    problems: list[Problem] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def fault(self, code: str, message: str) -> None:
        """Keep what stands against the endpoint."""
        self.problems.append(Problem(code, self.line.service.variable, message))

    def note(self, code: str, message: str) -> None:
        """Keep what is worth knowing."""
        self.notes.append(Note(code, self.line.service.variable, message))


def conclude(sight: Sight, *, enforced: bool) -> None:
    """Add what follows from all that was seen; `enforced` is whether clear text has to be denied."""
    if sight.rejected:
        _reject(sight, sight.rejected)
    elif sight.presented:
        _advise(sight, sight.presented)
    if sight.indirect and (sight.presented or sight.rejected):
        sight.fault("direct-tls-refused", _NOT_DIRECT.format(sight.line.where))
    if sight.line.service.kind == "sentinel":
        sight.note("master-unseen", _UNSEEN)
    promised = bool(sight.line.service.enforces_tls)
    if sight.enforced is False:
        tell = sight.fault if promised or enforced else sight.note
        tell("tls-not-enforced", sentences.not_enforced(sight.line.where, sight.line.dialect, promised=promised))
    if sight.enforced is None and sight.asked and sight.answer and (promised or enforced):
        sight.note("enforcement-unknown", _UNKNOWN_ENFORCEMENT.format(sight.line.where))


_UNSEEN = "the sentinels were looked at, and not the Redis that they name; a login (--login) goes there"
_NOT_DIRECT = "{} does not take TLS from the first byte; write sslnegotiation=postgres"
_UNKNOWN_ENFORCEMENT = "it could not be found out whether {} denies clear text; see its configuration"


def _reject(sight: Sight, rejected: Rejected) -> None:
    """One problem for each thing that is wrong with the certificate, as far as the level asks for it."""
    service, found = sight.line.service, {of_certificate(rejected.number): rejected.words}
    if sight.verified.rejected:
        found.setdefault(of_certificate(sight.verified.rejected.number), sight.verified.rejected.words)
    if sight.verified.host is False and service.tls.level == TlsLevel.VERIFY_FULL:
        found.setdefault("certificate-misnamed", "")
    certificate = sight.presented.certificate if sight.presented else None
    for code, words in found.items():
        sight.fault(code, sentences.rejected(code, sight.line, certificate, words))


def _advise(sight: Sight, presented: Presented) -> None:
    service, verified = sight.line.service, sight.verified
    certificate = presented.certificate
    if certificate and (expiry := sentences.expiry(sight.line.where, certificate)):
        sight.note("certificate-expires", expiry)
    could_be_full = service.tls.level < TlsLevel.VERIFY_FULL and not service.tls.exempt
    if could_be_full and verified.ca and verified.chain and verified.host:
        message = sentences.verifiable(service, sight.line.where, sight.line.dialect, verified.ca)
        sight.note("tls-verifiable", message)
