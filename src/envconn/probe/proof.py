"""What a live look at the endpoints has shown: for people as text, for programs as a dictionary. No secret is in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from envconn.probe.faults import exit_code

if TYPE_CHECKING:
    from datetime import datetime

    from envconn.connection import Host
    from envconn.errors import Note, Problem
    from envconn.report import Json
    from envconn.tls import SecuredConnection

__all__ = ["Certificate", "Handshake", "Login", "Proof", "Seen"]


class Certificate(NamedTuple):
    """The certificate that a server presents.

    `subject` and `issuer` are distinguished names in RFC 4514's form. `names` holds the DNS names and
    IP addresses it is made out to, 256 at most. `chain` is the subject of every certificate that was sent,
    16 at most, the server's own first; a text is empty, or all of `chain`, where Python's ssl module does not
    tell, as of a second one that is no CA's. `sha256` is the fingerprint in hexadecimal digits. `not_before`
    and `not_after` are in UTC, `days_left` whole days from now, below 0 once it has expired.
    """

    subject: str
    names: tuple[str, ...]
    issuer: str
    chain: tuple[str, ...]
    sha256: str
    not_before: datetime
    not_after: datetime
    days_left: int


class Handshake(NamedTuple):
    """One that succeeded, at the connection's level or, to have a look at the certificate, below it.

    `version` is TLS's (``TLSv1.3``), `cipher` OpenSSL's name, `bits` the strength of its key. `chain_verified`
    says whether the CA vouches for the certificate, `host_verified` whether it is made out to the host, both
    also where the level does not ask; `None` where nothing could be found out, such as without any CA.
    """

    version: str
    cipher: str
    bits: int
    certificate: Certificate | None = None
    chain_verified: bool | None = None
    host_verified: bool | None = None


class Login(NamedTuple):
    """What the server says after a login through the `driver` that is installed.

    `read_only` is whether nothing can be written, `tls` what the server itself sees (behind a pooler, of the
    pooler's connection), `pooled` whether somebody stands between. `connections` counts those in use, of
    `max_connections`. `None` where the server does not tell.
    """

    driver: str
    user: str
    dbname: str | None = None
    server_version: str | None = None
    read_only: bool | None = None
    superuser: bool | None = None
    tls: bool | None = None
    pooled: bool | None = None
    connections: int | None = None
    max_connections: int | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen at one host of one service.

    `address` is the IP address or socket that was dialled, `None` where it did not come to that. `enforced` is
    whether the server denies clear text, `None` where that could not be found out. `seconds` is how long it took.
    `problems` holds what stands against using it, `notes` what is worth knowing.
    """

    service: SecuredConnection
    host: Host
    address: str | None = None
    handshake: Handshake | None = None
    enforced: bool | None = None
    login: Login | None = None
    problems: tuple[Problem, ...] = ()
    notes: tuple[Note, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Proof:
    """The outcome of one look at every endpoint, in the order of services and hosts."""

    seen: tuple[Seen, ...] = field(default=())

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that stands against starting, each thing once."""
        return tuple(dict.fromkeys(problem for each in self.seen for problem in each.problems))

    @property
    def notes(self) -> tuple[Note, ...]:
        """Everything else worth knowing, each thing once."""
        return tuple(dict.fromkeys(note for each in self.seen for note in each.notes))

    @property
    def ok(self) -> bool:
        """Whether there is no problem."""
        return not self.problems

    @property
    def exit_code(self) -> int:
        """The exit code of the command: 0, 69, 76, 77 or 78 (`envconn.probe.faults`)."""
        return exit_code(self.problems)

    def as_dict(self) -> dict[str, Json]:
        """Return the proof as values that `json.dumps` takes.

        Keys: ``ok``, ``exit_code``; ``seen``, a list with what was seen at each endpoint; ``problems`` and
        ``notes``, each thing once, lists of ``code``, ``variable`` and ``message``. Times are in UTC (ISO 8601).
        """
        from envconn.probe.rendering import as_dict

        return as_dict(self)

    def lines(self) -> list[str]:
        """Return the text for people: a paragraph for each endpoint, its problems and notes at the end."""
        from envconn.probe.rendering import lines

        return lines(self)

    def __str__(self) -> str:
        return "\n".join(self.lines())
