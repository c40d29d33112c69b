"""A proof as text for people, and as JSON values for programs."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from envconn.probe.sentences import names, remaining

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from envconn.errors import Note, Problem
    from envconn.probe.proof import Certificate, Handshake, Login, Proof, Seen
    from envconn.report import Json

__all__ = ["as_dict", "details", "lines"]


def as_dict(proof: Proof) -> dict[str, Json]:
    """Return `proof` as values that `json.dumps` takes."""
    return {
        "ok": proof.ok,
        "exit_code": proof.exit_code,
        "seen": [_seen(each) for each in proof.seen],
        "problems": [_finding(problem) for problem in proof.problems],
        "notes": [_finding(note) for note in proof.notes],
    }


def lines(proof: Proof) -> list[str]:
    """Return `proof` as lines of text, a paragraph for each endpoint."""
    return [line for each in proof.seen for line in _paragraph(each)]


def details(seen: Seen) -> Iterator[str]:
    """Yield the lines about what was found out at an endpoint, without what is wrong with it."""
    if seen.handshake:
        yield from _told(seen.handshake)
    if seen.enforced is not None:
        yield f"  clear text is {'denied' if seen.enforced else 'taken, too'}"
    if seen.login:
        yield f"  {_login_line(seen.login)}"


def _paragraph(seen: Seen) -> Iterator[str]:
    service, state = seen.service, "failed" if seen.problems else "ok"
    yield f"{service.name} ({service.variable}): {service.kind} on {seen.host}, TLS {service.tls.level}: {state}"
    yield from details(seen)
    yield from (f"  problem: {problem.message} [{problem.code}]" for problem in seen.problems)
    yield from (f"  note: {note.message} [{note.code}]" for note in seen.notes)


def _told(handshake: Handshake) -> Iterator[str]:
    yield f"  {handshake.version}, {handshake.cipher}"
    if certificate := handshake.certificate:
        until = f"{certificate.not_after:%Y-%m-%d}, {remaining(certificate)}"
        yield f"  certificate for {names(certificate)}, by {certificate.issuer or 'nobody'}, until {until}"
    yield f"  its CA is {_known(handshake.chain_verified)}, its host name is {_known(handshake.host_verified)}"


def _known(verified: bool | None) -> str:  # noqa: FBT001 - it is what a table is asked with
    return {True: "verified", False: "not verified", None: "not known"}[verified]


def _login_line(login: Login) -> str:
    rights = {True: ", read-only", False: ", read and write", None: ""}[login.read_only]
    return f"logged in as {login.user} by {login.driver}{rights}"


def _seen(seen: Seen) -> dict[str, Json]:
    service = seen.service
    return {
        "service": service.name,
        "variable": service.variable,
        "kind": service.kind,
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
        "login": dict(seen.login._asdict()) if seen.login else None,
        "problems": [_finding(problem) for problem in seen.problems],
        "notes": [_finding(note) for note in seen.notes],
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


def _finding(finding: Problem | Note) -> dict[str, Json]:
    return {"code": finding.code, "variable": finding.variable, "message": finding.message}
