"""The verdict: what is promised about a connection, and why."""

from __future__ import annotations

from envconn.records import Record
from envconn.tls.levels import TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.tls.ca import CA


class Verdict(Record):
    """What is promised about a connection, and why.

    `level` is what every driver is told to hold; `requested` what the text asked for; `raised`
    whether the policy asked for more. `local` is true for a unix socket or a loopback address,
    `waived` is the pattern that tolerates clear text, or `None`. `ca` is what the server's
    certificate is checked against, `None` below ``VERIFY_CA``. `floor` is the least that the policy
    demands of a connection that leaves the machine; `wish` says in which words the text asked. `exempt` is
    whether the floor does not apply: where nothing leaves the machine, or clear text is waived.
    """

    level: TlsLevel
    requested: TlsLevel
    local: bool = False
    waived: str | None = None
    ca: CA | None = None
    floor: TlsLevel = TlsLevel.ENCRYPTED
    wish: str = "no sslmode"
    exempt: bool = False

    @property
    def evidence(self) -> tuple[str, ...]:
        """One sentence for each step that led here."""
        reasons = [
            (True, f"the text asks for {self.requested} ({self.wish})"),
            (self.local, "every host is a unix socket or a loopback address"),
            (self.waived is not None, f"clear text is waived by {self.waived}"),
            (self.level > self.requested, f"raised from {self.requested} to {self.level} (the floor is {self.floor})"),
            (self.ca is not None, f"the server's certificate is checked against {self.ca}"),
            (self.level < self.requested, "TLS does not apply to a unix socket"),
        ]
        return tuple(sentence for is_so, sentence in reasons if is_so)

    @property
    def raised(self) -> bool:
        """Whether `level` is above what the text asked for."""
        return self.level > self.requested
