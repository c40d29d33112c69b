"""The verdict: what is promised about a connection, and why."""

from __future__ import annotations

from envconn.grammar.libpq_keywords import KEYWORDS
from envconn.records import Value
from envconn.tls.levels import TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.tls.ca import CA


class Verdict(Value):
    """What is promised about a connection, and why.

    `level` is what every driver is told to hold; `requested` what the text asked for; `raised`
    whether the policy asked for more. `local` is true for a unix socket or a loopback address,
    `waived` is the pattern that tolerates clear text, or `None`. `ca` is what the server's
    certificate is checked against, `None` below ``VERIFY_CA``.
    """

    level: TlsLevel
    requested: TlsLevel
    local: bool = False
    waived: str | None = None
    ca: CA | None = None
    _words: str = "without sslmode"
    """Where the text states the level that it asks for; empty for a file."""
    _demanded: tuple[str, ...] = ()
    """The keywords of libpq in which a variable demands more than the text."""
    _floor_from: str = "ENVCONN_TLS"
    _waived_from: str = "ENVCONN_TLS_WAIVE"
    """Where the floor and the waiver were stated."""

    @property
    def evidence(self) -> tuple[str, ...]:
        """One sentence for each step that led here."""
        if not self._words:
            return ("the database is a file, to which TLS does not apply",)
        reasons = [
            (True, f"{self._words}, {_MEANINGS[self.requested]}"),
            (self.local, "every host is a unix socket or a loopback address"),
            (self.waived is not None, f"TLS is not required, because {self._waived_from} has {self.waived}"),
            (self.level > self.requested, f"raised to {self.level}, the minimum set by {self._floor_from}"),
            (self.ca is not None, f"the server's certificate is checked against {self.ca}"),
            *((True, f"{KEYWORDS[name].variable} demands more than the text: {name}") for name in self._demanded),
            (self.level < self.requested, "TLS does not apply to a unix socket"),
        ]
        return tuple(sentence for is_so, sentence in reasons if is_so)

    @property
    def raised(self) -> bool:
        """Whether `level` is above what the text asked for."""
        return self.level > self.requested


_MEANINGS = {
    TlsLevel.NONE: "TLS is not used",
    TlsLevel.OPPORTUNISTIC: "the client may fall back to an unencrypted connection",
    TlsLevel.ENCRYPTED: "TLS is required, but the server is not verified",
    TlsLevel.VERIFY_CA: "the CA is verified",
    TlsLevel.VERIFY_FULL: "the CA and the hostname are verified",
}
"""What a client does by itself with what the text asks for."""
