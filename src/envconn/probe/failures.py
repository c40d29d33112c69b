"""Why a connection or a handshake failed, by numbers and names of errors, never by a text that may be translated.

`FAULTS` has what can go wrong at a live server: the exit code of each code, and whether waiting can help.
"""

from __future__ import annotations

import errno
import ssl

from envconn.exit_codes import EX_CONFIG, EX_NOPERM, EX_PROTOCOL, EX_UNAVAILABLE
from envconn.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


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
    "password-unavailable": Fault(EX_NOPERM, "no password or token was supplied for the login"),
    "token-refused": Fault(EX_NOPERM, "the server refuses the token of the identity"),
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


def curable(codes: Iterable[str]) -> bool:
    """Return whether waiting can resolve every one of `codes`, all of `FAULTS`."""
    return all(FAULTS[code].passes for code in codes)


class Failure(Exception):
    """The inspection of a host ends here. `code` is one of `FAULTS`, `message` the text for the user."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


class Rejected(Exception):
    """The level does not accept the certificate. `number` is OpenSSL's (X509_V_ERR_...), `words` are OpenSSL's own."""

    def __init__(self, number: int, words: str) -> None:
        self.number = number
        self.words = words
        super().__init__(words)


class _Clause(Record):
    """The code, and the text after the name of the host."""

    code: str
    message: str


_REFUSED = {errno.ECONNREFUSED, errno.ENOENT}
_CLOSED = {errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED}

_RANK = ("connection-refused", "connection-closed", "timed-out", "host-unreachable")
"""The order in which the most informative failure is chosen if a host has several addresses."""


def network_failure(errors: Sequence[OSError], where: str) -> Failure:
    """Return why none of the addresses of `where` could be reached."""
    code = min((_of_error(error) for error in errors), key=_RANK.index)
    return Failure(code, _UNREACHED[code].format(where=where))


def _of_error(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "timed-out"
    if error.errno in _REFUSED:
        return "connection-refused"
    return "connection-closed" if error.errno in _CLOSED else "host-unreachable"


_UNREACHED = {
    "connection-refused": "{where} refuses the connection. Start the server, or correct host and port",
    "connection-closed": "{where} closed the connection at once. Check whether the server behind the proxy is running",
    "timed-out": "{where} does not answer. Allow the address of this machine in firewalls and access lists",
    "host-unreachable": "{where} is unreachable. Correct the host, or check routes and firewalls",
}


def handshake_failure(  # noqa: PLR0913 - what its messages name
    error: Exception, where: str, *, presented: bool, versions: str, bounds: str = "", files: str = ""
) -> Failure:
    """Return what `error` means, which ended a handshake with `where`.

    `presented` is whether a client certificate was available, `versions` names the TLS versions that are allowed,
    `bounds` the parameters that state them, and `files` those for a client certificate and its key.
    """
    clause = _handshake_clause(error, presented=presented)
    remedy = f"Correct {bounds}, or upgrade the server" if bounds else "Upgrade the server"
    return Failure(clause.code, clause.message.format(where=where, versions=versions, remedy=remedy, files=files))


def _handshake_clause(error: Exception, *, presented: bool) -> _Clause:
    # Python 3.11.2 gives no reason if the other side has closed.
    if not isinstance(error, ssl.SSLError) or isinstance(error, ssl.SSLEOFError) or not error.reason:
        return _BROKEN if isinstance(error, OSError) else _UNASKABLE
    reason = error.reason
    if presented and reason in _CERTIFICATE_ALERTS:
        return _CLIENT_REFUSED
    return _REASONS.get(reason, _Clause(_FAILED.code, f"{_FAILED.message} (OpenSSL: {reason})"))


_BROKEN = _Clause(
    "tls-failed",
    (
        "{where} closed the connection during the TLS handshake. Read the log of the server, or of the proxy in "
        "front of it"
    ),
)
_UNASKABLE = _Clause("tls-failed", "the hostname of {where} is not valid in a TLS handshake. Correct the host")
_FAILED = _Clause("tls-failed", "the TLS handshake with {where} failed. Read the server's log")
_CLIENT_REFUSED = _Clause(
    "client-certificate-refused",
    "{where} refuses the client certificate. Name one that its CA has signed, with {files}",
)
_CLIENT_REQUIRED = _Clause(
    "client-certificate-required", "{where} requires a client certificate. Name one with {files}"
)
_TOO_OLD = _Clause("tls-too-old", "{where} does not support an allowed TLS version ({versions}). {remedy}")
_NOT_TLS = _Clause("protocol-unexpected", "{where} does not answer with TLS. Correct host and port")
_NO_CIPHER = _Clause(
    "tls-failed",
    "{where} refuses the TLS handshake. It may require a client certificate or another cipher. Read its log",
)
_UNKNOWN_NAME = _Clause("tls-failed", "{where} does not serve this hostname. Correct the host")

_CERTIFICATE_ALERTS = frozenset(
    {
        "SSLV3_ALERT_BAD_CERTIFICATE",
        "SSLV3_ALERT_CERTIFICATE_EXPIRED",
        "SSLV3_ALERT_CERTIFICATE_REVOKED",
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
        "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
        "TLSV1_ALERT_ACCESS_DENIED",
        "TLSV1_ALERT_DECRYPT_ERROR",
        "TLSV1_ALERT_UNKNOWN_CA",
    }
)

# OpenSSL 3.2 has new names for errors from unencrypted data that is read as TLS.
_REASONS: Mapping[str, _Clause] = {
    **dict.fromkeys(("TLSV13_ALERT_CERTIFICATE_REQUIRED", "TLSV1_ALERT_CERTIFICATE_REQUIRED"), _CLIENT_REQUIRED),
    **dict.fromkeys(
        ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "WRONG_SSL_VERSION", "VERSION_TOO_LOW"), _TOO_OLD
    ),
    **dict.fromkeys(
        (
            "BAD_PACKET_LENGTH",
            "BAD_RECORD_TYPE",
            "HTTP_REQUEST",
            "INVALID_RECORD_TYPE",
            "PACKET_LENGTH_TOO_LONG",
            "RECORD_LAYER_FAILURE",
            "UNEXPECTED_MESSAGE",
            "UNKNOWN_PROTOCOL",
            "WRONG_VERSION_NUMBER",
        ),
        _NOT_TLS,
    ),
    **dict.fromkeys(("SSLV3_ALERT_HANDSHAKE_FAILURE", "TLSV1_ALERT_INSUFFICIENT_SECURITY"), _NO_CIPHER),
    "TLSV1_UNRECOGNIZED_NAME": _UNKNOWN_NAME,
}


MISNAMED = "certificate-misnamed"

_UNTRUSTED, _UNKNOWN = "certificate-untrusted", "revocation-unknown"
_VERIFY = {
    3: _UNKNOWN,  # no revocation list of this CA
    9: "certificate-not-yet-valid",
    10: "certificate-expired",
    11: _UNKNOWN,  # a revocation list that is not valid yet
    12: _UNKNOWN,  # an expired revocation list
    23: "certificate-revoked",
    62: MISNAMED,
    63: MISNAMED,
    64: MISNAMED,
}


def certificate_code(number: int) -> str:
    """Return the code for OpenSSL's `number` (X509_V_ERR_..., x509_vfy.h); an unknown number means no trust."""
    return _VERIFY.get(number, _UNTRUSTED)


TLS_ONLY = "a server that requires TLS"

_LOOKS: tuple[tuple[bytes, str], ...] = (
    (b"HTTP/", "an HTTP server"),
    (b"<", "an HTTP server"),
    (b"SSH-", "an SSH server"),
    (b"+PONG", "a Redis server"),
    (b"-NOAUTH", "a Redis server"),
    (b"-ERR", "a Redis server"),
    (b"-DENIED", "a Redis server"),
    (b"-LOADING", "a Redis server"),
    (b"AMQP", "an AMQP broker"),
    (b"\x01\0\0", "an AMQP broker"),
    (b"220", "a mail or FTP server"),
    (b"\x15\x03", TLS_ONLY),
    (b"E\0\0", "a PostgreSQL server"),
    (b"R\0\0\0", "a PostgreSQL server"),
)


def resembles(data: bytes) -> str | None:
    """Return the kind of server whose first bytes are `data`, or `None` if that is unknown."""
    if data in {b"S", b"N"}:
        return "a PostgreSQL server"
    if len(data) > 4 and data[1:4] == b"\0\0\0" and data[4:5] in {b"\x0a", b"\xff"}:
        return "a MySQL server"
    return next((label for start, label in _LOOKS if data.startswith(start)), None)
