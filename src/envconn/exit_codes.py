"""The stable codes of what goes wrong at a live endpoint: the exit code of each, and whether waiting cures it."""

from __future__ import annotations

from envconn.errors import EX_CONFIG
from envconn.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from envconn.errors import Finding


EX_UNAVAILABLE = 69
"""Unreachable, or not within the time allowed."""
EX_PROTOCOL = 76
"""TLS refused, absent or not verified."""
EX_NOPERM = 77
"""Login, role or database refused."""


class Fault(Record):
    """What a code means: the exit code it leads to, a clause for people, and whether trying again later can help."""

    exit_code: int
    meaning: str
    passes: bool = False


FAULTS: Mapping[str, Fault] = {
    "host-unresolved": Fault(EX_UNAVAILABLE, "no address is known for the host name", passes=True),
    "connection-refused": Fault(EX_UNAVAILABLE, "nothing listens there", passes=True),
    "host-unreachable": Fault(EX_UNAVAILABLE, "no way leads there", passes=True),
    "timed-out": Fault(EX_UNAVAILABLE, "no answer within the time allowed", passes=True),
    "connection-closed": Fault(EX_UNAVAILABLE, "closed before it said anything", passes=True),
    "server-starting": Fault(EX_UNAVAILABLE, "the server starts up, shuts down or recovers", passes=True),
    "server-full": Fault(EX_UNAVAILABLE, "no connection is free", passes=True),
    "master-unknown": Fault(EX_UNAVAILABLE, "no sentinel knows a master of that name that is up", passes=True),
    "driver-missing": Fault(EX_UNAVAILABLE, "no driver is installed that could log in"),
    "tls-refused": Fault(EX_PROTOCOL, "the server does not offer TLS"),
    "protocol-unexpected": Fault(EX_PROTOCOL, "something else answers there"),
    "direct-tls-refused": Fault(EX_PROTOCOL, "the server does not take TLS from the first byte"),
    "tls-failed": Fault(EX_PROTOCOL, "the handshake failed"),
    "tls-too-old": Fault(EX_PROTOCOL, "the server speaks no TLS version that is still safe"),
    "tls-not-enforced": Fault(EX_PROTOCOL, "the server takes clear text, too"),
    "tls-not-in-use": Fault(EX_PROTOCOL, "the driver connected without the TLS that was promised"),
    "certificate-expired": Fault(EX_PROTOCOL, "the certificate is not valid any more"),
    "certificate-not-yet-valid": Fault(EX_PROTOCOL, "the certificate is not valid yet"),
    "certificate-untrusted": Fault(EX_PROTOCOL, "the CA has not signed the certificate"),
    "certificate-misnamed": Fault(EX_PROTOCOL, "the certificate is for another host"),
    "certificate-revoked": Fault(EX_PROTOCOL, "the certificate was revoked"),
    "revocation-unknown": Fault(EX_PROTOCOL, "the revocation list does not cover the certificate"),
    "client-certificate-required": Fault(EX_PROTOCOL, "the server asks for a client certificate"),
    "client-certificate-refused": Fault(EX_PROTOCOL, "the server does not take the client certificate"),
    "client-files-unusable": Fault(EX_CONFIG, "client certificate, key or revocation list cannot be used"),
    "password-refused": Fault(EX_NOPERM, "user name or password are wrong"),
    "login-refused": Fault(EX_NOPERM, "the server does not let this user in"),
    "database-absent": Fault(EX_NOPERM, "there is no such database"),
    "permission-denied": Fault(EX_NOPERM, "the role may not connect to the database"),
}

_GRAVEST = (EX_CONFIG, EX_PROTOCOL, EX_NOPERM, EX_UNAVAILABLE)


def exit_code(problems: Iterable[Finding]) -> int:
    """Return the exit code for `problems`, that of the gravest; 0 for none."""
    found = {FAULTS[problem.code].exit_code for problem in problems}
    return next((code for code in _GRAVEST if code in found), 0)


def curable(problems: Iterable[Finding]) -> bool:
    """Whether waiting can cure every one of `problems`."""
    return all(FAULTS[problem.code].passes for problem in problems)
