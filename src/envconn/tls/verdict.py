"""The verdict: the TLS that is enforced for a connection, and why."""

from __future__ import annotations

from envconn.grammar.libpq_keywords import KEYWORDS
from envconn.records import Value
from envconn.tls.levels import TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.tls.ca import CA


class Verdict(Value):
    """The TLS that is enforced for a connection, and why.

    `level` is what every driver is told to enforce; `requested` is the level in the text; `raised`
    is whether the policy required more. `local` is true for a unix socket or a loopback address,
    `waived` is the pattern that allows an unencrypted connection, or `None`. `ca` is the CA that the server's
    certificate is verified against, `None` below ``VERIFY_CA``.
    """

    level: TlsLevel
    requested: TlsLevel
    local: bool = False
    waived: str | None = None
    ca: CA | None = None
    _words: str = "without sslmode"
    """Where the text states the requested level."""
    _demanded: tuple[str, ...] = ()
    """The keywords of libpq in which a variable requires more than the text."""
    _floor_from: str = "ENVCONN_TLS"
    _waived_from: str = "ENVCONN_TLS_WAIVE"
    _ca_from: str = ""
    """Where the floor, the waiver and the CA are stated."""
    _serverless: str = ""
    """Why TLS does not apply, if there is no server."""

    @property
    def evidence(self) -> tuple[str, ...]:
        """The reasons for the level, one sentence for each step."""
        if self._serverless:
            return (self._serverless,)
        reasons = [
            (True, f"{self._words}, {_MEANINGS[self.requested]}"),
            (self.local, "every host is a unix socket or a loopback address"),
            (self.waived is not None, f"TLS is not required, because {self._waived_from} has {self.waived}"),
            (self.level > self.requested, f"raised to {self.level}, the minimum set by {self._floor_from}"),
            (self.ca is not None, f"the server's certificate is checked against {self._named_ca}"),
            *((True, f"{KEYWORDS[name].variable} demands more than the text: {name}") for name in self._demanded),
            (self.level < self.requested, "TLS does not apply to a unix socket"),
        ]
        return tuple(sentence for is_so, sentence in reasons if is_so)

    @property
    def _named_ca(self) -> str:
        variable = self.ca.variable if self.ca else ""
        return str(self.ca) + self._ca_from.removeprefix(variable)

    @property
    def raised(self) -> bool:
        """Whether `level` is above the requested one."""
        return self.level > self.requested


_MEANINGS = {
    TlsLevel.NONE: "TLS is not used",
    TlsLevel.OPPORTUNISTIC: "the client may fall back to an unencrypted connection",
    TlsLevel.ENCRYPTED: "TLS is required, but the server is not verified",
    TlsLevel.VERIFY_CA: "the CA is verified",
    TlsLevel.VERIFY_FULL: "the CA and the hostname are verified",
}
"""What a client does on its own with the requested level."""
