"""Every exit code (BSD's sysexits.h, and a shell's), and the codes of what can go wrong at a live server.

`FAULTS` has the exit code of each of these codes, and whether waiting can help.
"""

from __future__ import annotations

from envconn.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


EX_OK = 0
"""Success."""
EX_USAGE = 64
"""The command line or the call is wrong."""
EX_UNAVAILABLE = 69
"""A server is unreachable or did not answer in time; this may pass without a change."""
EX_IOERR = 74
"""The output cannot be written."""
EX_PROTOCOL = 76
"""TLS is refused, absent or not verified."""
EX_NOPERM = 77
"""Login, role or database is refused."""
EX_CONFIG = 78
"""The configuration, or what is installed, is wrong; the user has to correct it."""
EX_NOT_EXECUTABLE = 126
"""The command of ``exec`` cannot be executed."""
EX_NOT_FOUND = 127
"""The command of ``exec`` does not exist."""
EX_INTERRUPTED = 128 + 2
"""SIGINT, as a shell reports it."""
EX_BROKEN_PIPE = 128 + 13
"""SIGPIPE, as a shell reports it: the reader of the output has gone."""


class Fault(Record):
    """What a code means: its exit code, a clause for messages, and whether a later attempt can succeed."""

    exit_code: int
    meaning: str
    passes: bool = False


FAULTS: Mapping[str, Fault] = {
    "host-unresolved": Fault(EX_UNAVAILABLE, "the hostname has no address in DNS", passes=True),
    "connection-refused": Fault(EX_UNAVAILABLE, "the server refuses the connection", passes=True),
    "host-unreachable": Fault(EX_UNAVAILABLE, "the server is unreachable", passes=True),
    "timed-out": Fault(EX_UNAVAILABLE, "the server did not answer in time", passes=True),
    "connection-closed": Fault(EX_UNAVAILABLE, "the server closed the connection", passes=True),
    "server-starting": Fault(EX_UNAVAILABLE, "the server is starting, shutting down or recovering", passes=True),
    "server-full": Fault(EX_UNAVAILABLE, "the server has no free connection", passes=True),
    "master-unknown": Fault(EX_UNAVAILABLE, "no sentinel knows a running master of that name", passes=True),
    "tls-refused": Fault(EX_PROTOCOL, "the server does not support TLS"),
    "protocol-unexpected": Fault(EX_PROTOCOL, "another kind of server answers"),
    "direct-tls-refused": Fault(EX_PROTOCOL, "the server does not support direct TLS"),
    "tls-failed": Fault(EX_PROTOCOL, "the TLS handshake failed"),
    "tls-too-old": Fault(EX_PROTOCOL, "the server does not support an allowed TLS version"),
    "tls-not-enforced": Fault(EX_PROTOCOL, "the server also accepts connections without TLS"),
    "tls-not-in-use": Fault(EX_PROTOCOL, "the driver connected without the required TLS"),
    "certificate-expired": Fault(EX_PROTOCOL, "the certificate has expired"),
    "certificate-not-yet-valid": Fault(EX_PROTOCOL, "the certificate is not valid yet"),
    "certificate-untrusted": Fault(EX_PROTOCOL, "the CA did not sign the certificate"),
    "certificate-misnamed": Fault(EX_PROTOCOL, "the certificate is for another host"),
    "certificate-revoked": Fault(EX_PROTOCOL, "the certificate was revoked"),
    "revocation-unknown": Fault(EX_PROTOCOL, "the revocation list does not cover the certificate"),
    "client-certificate-required": Fault(EX_PROTOCOL, "the server requires a client certificate"),
    "client-certificate-refused": Fault(EX_PROTOCOL, "the server refuses the client certificate"),
    "client-certificate-unrequested": Fault(EX_PROTOCOL, "the server does not ask for the client certificate"),
    "client-files-unusable": Fault(EX_CONFIG, "a CA, client certificate, key or revocation list cannot be used"),
    "driver-missing": Fault(EX_CONFIG, "no driver for the login is installed"),
    "password-refused": Fault(EX_NOPERM, "user or password is wrong"),
    "login-method-unsupported": Fault(EX_NOPERM, "the driver does not support the login method that is asked for"),
    "login-method-refused": Fault(EX_NOPERM, "the server's login method does not meet what the configuration demands"),
    "server-account-wrong": Fault(EX_NOPERM, "the server runs under another account than `requirepeer` names"),
    "login-refused": Fault(EX_NOPERM, "the server does not allow this user to log in"),
    "database-absent": Fault(EX_NOPERM, "the database does not exist"),
    "permission-denied": Fault(EX_NOPERM, "the role may not connect to the database"),
}

_GRAVEST = (EX_CONFIG, EX_PROTOCOL, EX_NOPERM, EX_UNAVAILABLE, EX_USAGE)


def gravest(exit_codes: Iterable[int]) -> int:
    """Return the one of `exit_codes` to end with: the one that waiting helps least; 0 for none."""
    found = set(exit_codes)
    return next((code for code in _GRAVEST if code in found), EX_OK)


def curable(codes: Iterable[str]) -> bool:
    """Return whether waiting can resolve every one of `codes`, all of `FAULTS`."""
    return all(FAULTS[code].passes for code in codes)
