"""The result of the live proof, as text for people and as a dictionary for programs. It contains no secret."""

from __future__ import annotations

from datetime import UTC

from envconn.errors import EnvconnError
from envconn.exit_codes import gravest
from envconn.records import Value, fields
from envconn.report import Report, document, finding
from envconn.tls.ca import remaining

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from envconn.connection import Host
    from envconn.errors import Finding
    from envconn.report import Json
    from envconn.tls import SecuredConnection


class Certificate(Value):
    """The certificate that a server presents.

    `subject` and `issuer` are distinguished names in RFC 4514's form. `names` holds the DNS names and
    IP addresses that it is valid for, 256 at most. `chain` is the subject of every certificate that was sent,
    16 at most, the server's own first; a text is empty, or all of `chain`, if Python's ssl module does not
    report it, such as a second certificate that is not a CA's. `sha256` is the fingerprint in hexadecimal digits.
    `not_before` and `not_after` are in UTC, `days_left` whole days from now, negative once it has expired.
    """

    subject: str
    names: tuple[str, ...]
    issuer: str
    chain: tuple[str, ...]
    sha256: str
    not_before: datetime
    not_after: datetime
    days_left: int


class Handshake(Value):
    """A successful handshake, at the connection's level or, to look at the certificate, below it.

    `version` is that of TLS (``TLSv1.3``), `cipher` OpenSSL's name, `bits` the strength of its key. `chain_verified`
    is whether the CA signed the certificate, whatever its dates, `host_verified` whether it is valid for the host, both
    also if the level does not require it; `None` if it could not be found out, such as without any CA. `ca` is the
    certificate of that CA, without `names` and `chain`, if it signed the server's.
    """

    version: str
    cipher: str
    bits: int
    certificate: Certificate | None = None
    chain_verified: bool | None = None
    host_verified: bool | None = None
    ca: Certificate | None = None


class Login(Value):
    """What the server reports after a login through the installed `driver`.

    `read_only` is whether nothing can be written, `tls` what the server itself reports (behind a pooler, about the
    pooler's connection), `pooled` whether there is a pooler. `connections` counts those in use, of
    `max_connections`. `None` if the server does not report it.
    `identity` is the word of ``ENVCONN_AUTH`` by which it logged in, `token_library` what made the token, and
    `token_seconds` how long that took; `None` for a password.
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
    identity: str | None = None
    token_library: str | None = None
    token_seconds: float | None = None


class Seen(Value):
    """What was observed at one host of one service.

    `address` is the IP address or socket that was contacted, `None` if none was. `enforced` is
    whether the server rejects unencrypted connections, `None` if that is unknown. `seconds` is how long it took.
    `problems` holds what is wrong, `notes` what is worth knowing.
    """

    service: SecuredConnection
    host: Host
    address: str | None = None
    handshake: Handshake | None = None
    enforced: bool | None = None
    login: Login | None = None
    problems: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()
    seconds: float = 0.0


class Proof(Value):
    """The result of one inspection of every endpoint, in the order of services and hosts."""

    seen: tuple[Seen, ...] = ()

    @property
    def problems(self) -> tuple[Finding, ...]:
        """Every problem, without duplicates."""
        return tuple(dict.fromkeys(problem for each in self.seen for problem in each.problems))

    @property
    def notes(self) -> tuple[Finding, ...]:
        """Every note, without duplicates."""
        return tuple(dict.fromkeys(note for each in self.seen for note in each.notes))

    @property
    def ok(self) -> bool:
        """Whether there is no problem."""
        return not self.problems

    @property
    def exit_code(self) -> int:
        """The exit code of the command: 0, 69, 76, 77 or 78 (`envconn.exit_codes`)."""
        return gravest(each.exit_code for each in self.problems)

    def as_dict(self) -> dict[str, Json]:
        """Return the proof as values that `json.dumps` takes, in the format of ``envconn schema``.

        The observations are under ``live``. Times are in UTC (ISO 8601).
        """
        services = {each.service.name: each.service for each in reversed(self.seen)}
        return document(Report(services, self.problems, self.notes), {"seen": [_seen(each) for each in self.seen]})

    def lines(self) -> list[str]:
        """Return the text for people: a paragraph for each endpoint, its problems and notes at the end."""
        return lines(self)

    def __str__(self) -> str:
        return "\n".join(self.lines())


class ProofFailed(EnvconnError):
    """A server does not match the configuration, or is unreachable.

    `proof` is the whole result; its problems are those of the exception. A pickle keeps only these.
    """

    def __init__(self, proof: Proof, problems: tuple[Finding, ...] = ()) -> None:
        super().__init__(proof.problems or problems)
        self.proof = proof

    def __reduce__(self) -> tuple[type[ProofFailed], tuple[Proof, tuple[Finding, ...]]]:
        return type(self), (Proof(), self.problems)


def lines(proof: Proof) -> list[str]:
    """Return `proof` as lines of text, a paragraph for each endpoint."""
    return [line for each in proof.seen for line in _paragraph(each)]


def details(seen: Seen) -> Iterator[str]:
    """Yield the lines about an endpoint, without its problems."""
    if seen.handshake:
        yield from _handshake_facts(seen.handshake)
    if seen.enforced is not None:
        yield f"  connections without TLS are {'refused' if seen.enforced else 'also accepted'}"
    if seen.login:
        yield f"  {_login_line(seen.login)}"


def _paragraph(seen: Seen) -> Iterator[str]:
    service, state = seen.service, "failed" if seen.problems else "ok"
    subject = f"{service.name} ({service.origin.variable})"
    yield f"{subject}: {service.family} on {seen.host}, TLS {service.tls.level}: {state}"
    yield from details(seen)
    yield from (f"  problem: {problem.message} [{problem.code}]" for problem in seen.problems)
    yield from (f"  note: {note.message} [{note.code}]" for note in seen.notes)


def _handshake_facts(handshake: Handshake) -> Iterator[str]:
    yield f"  {handshake.version}, {handshake.cipher}"
    if certificate := handshake.certificate:
        issuer = certificate.issuer or "no issuer"
        yield f"  certificate for {names_in(certificate)}, by {issuer}, {_until(certificate)}"
    if handshake.ca:
        yield f"  CA {handshake.ca.subject or 'without a name'}, {_until(handshake.ca)}"
    yield f"  its CA is {_known(handshake.chain_verified)}, its hostname is {_known(handshake.host_verified)}"


def _until(certificate: Certificate) -> str:
    return f"until {certificate.not_after:%Y-%m-%d}, {remaining(certificate.days_left)}"


def _known(verified: bool | None) -> str:  # noqa: FBT001 - it is what a table is asked with
    return {True: "verified", False: "not verified", None: "not known"}[verified]


def _login_line(login: Login) -> str:
    rights = {True: ", read-only", False: ", read and write", None: ""}[login.read_only]
    token = ""
    if login.identity and login.token_seconds is not None:
        token = f", with a token of {login.identity} that {login.token_library} made in {login.token_seconds:.3f} s"
    return f"logged in as {login.user} by {login.driver}{rights}{token}"


def _seen(seen: Seen) -> dict[str, Json]:
    service = seen.service
    return {
        "service": service.name,
        "variable": service.origin.variable,
        "family": service.family,
        "host": seen.host.host,
        "hostaddr": seen.host.hostaddr or None,
        "port": seen.host.port,
        "pooled": service.pooled,
        "replica": service.replica,
        "level": str(service.tls.level),
        "ok": not seen.problems,
        "address": seen.address,
        "handshake": _handshake(seen.handshake) if seen.handshake else None,
        "enforced": seen.enforced,
        "login": fields(seen.login) if seen.login else None,
        "problems": [finding(problem) for problem in seen.problems],
        "notes": [finding(note) for note in seen.notes],
        "seconds": round(seen.seconds, 3),
    }


def _handshake(handshake: Handshake) -> dict[str, Json]:
    return {
        "version": handshake.version,
        "cipher": handshake.cipher,
        "bits": handshake.bits,
        "certificate": _certificate(handshake.certificate) if handshake.certificate else None,
        "chain_verified": handshake.chain_verified,
        "host_verified": handshake.host_verified,
        "ca": _certificate(handshake.ca) if handshake.ca else None,
    }


def _certificate(certificate: Certificate) -> dict[str, Json]:
    return {
        "subject": certificate.subject,
        "names": list(certificate.names),
        "issuer": certificate.issuer,
        "chain": list(certificate.chain),
        "sha256": certificate.sha256,
        "not_before": _moment(certificate.not_before),
        "not_after": _moment(certificate.not_after),
        "days_left": certificate.days_left,
    }


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def names_in(certificate: Certificate) -> str:
    """Return the first few names that `certificate` is valid for."""
    shown = ", ".join(certificate.names[:_FEW]) or "no name"
    more = len(certificate.names) - _FEW
    return f"{shown} and {more} more" if more > 0 else shown


_FEW = 5
