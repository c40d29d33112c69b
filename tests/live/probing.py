"""What the tests of the probe share: how to look, and what must never be seen in what it says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import envconn
from envconn import Policy, SecuredConnection
from envconn.probe import examine

if TYPE_CHECKING:
    from envconn import Finding, Proof
    from envconn.probe import Seen
    from envconn.probe.server import Enforcement
    from throwaway.certificates import Certificates

__all__ = ["LEVELS", "MARKER", "VARIABLE", "codes", "look", "notes", "only", "secured", "trust"]

VARIABLE = "SOME_DATABASE_URL"
MARKER = "marker-password"

LEVELS = ("require", "verify-ca", "verify-full")


def trust(certificates: Certificates, level: str) -> dict[str, str]:
    """Return the parameters that ask for `level`."""
    return {"sslmode": level, **({} if level == "require" else {"sslrootcert": str(certificates.ca)})}


def secured(uri: str) -> SecuredConnection:
    """Judge `uri` as if it left the machine."""
    return envconn.secure(envconn.parse(uri, VARIABLE), Policy(local="enforce"))


def look(uri: str, *, timeout: float = 10.0, enforcement: Enforcement = "report") -> Proof:
    """Look at `uri`, and see that no secret of it is told, and that the time is kept."""
    connection = secured(uri)
    proof = examine(connection, timeout=timeout, enforcement=enforcement)
    assert connection.password is not None
    for text in (repr(proof), str(proof), json.dumps(proof.as_dict()), "\n".join(proof.lines())):
        assert connection.password.reveal() not in text
    for seen in proof.seen:
        assert seen.seconds < timeout + 5
        _speak_of_it(seen)
    return proof


def _speak_of_it(seen: Seen) -> None:
    """Every sentence names the variable and a place, and is one line."""
    findings: tuple[Finding, ...] = (*seen.problems, *seen.notes)
    for finding in findings:
        assert str(finding).startswith(f"{VARIABLE}: ")
        assert "\n" not in finding.message
        assert "{" not in finding.message


def only(proof: Proof) -> Seen:
    """Return what was seen at the one endpoint."""
    (seen,) = proof.seen
    return seen


def codes(proof: Proof) -> tuple[str, ...]:
    """Return the codes of the problems."""
    return tuple(problem.code for problem in proof.problems)


def notes(proof: Proof) -> set[str]:
    """Return the codes of the notes."""
    return {note.code for note in proof.notes}
