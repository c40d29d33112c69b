"""What can go wrong with a provider's API: the codes, and what an error of httpx means.

The codes of live servers also apply (`envconn.probe.FAULTS`).
"""

from __future__ import annotations

import socket
import ssl

from envconn.errors import EnvconnError, problem
from envconn.exit_codes import EX_CONFIG, EX_NOPERM, EX_UNAVAILABLE, EX_USAGE
from envconn.probe.failures import FAULTS, Fault, certificate_code, handshake_failure, network_failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Self

    import httpx

    from envconn.connection import Secret
    from envconn.errors import Finding


REMOTE_FAULTS: Mapping[str, Fault] = {
    "argument-missing": Fault(EX_USAGE, "an argument is missing"),
    "argument-invalid": Fault(EX_USAGE, "an argument is invalid"),
    "query-too-large": Fault(EX_USAGE, "the query is too large"),
    "rate-limited": Fault(EX_UNAVAILABLE, "the provider limits the rate of requests", passes=True),
    "server-failed": Fault(EX_UNAVAILABLE, "the provider's API failed", passes=True),
    "extra-missing": Fault(EX_CONFIG, "httpx is not installed"),
    "token-refused": Fault(EX_NOPERM, "the provider refuses the token"),
    "access-denied": Fault(EX_NOPERM, "the token may not do this"),
    "token-missing": Fault(EX_CONFIG, "the token is not set"),
    "token-malformed": Fault(EX_CONFIG, "the token is malformed"),
    "address-invalid": Fault(EX_CONFIG, "the address of the API is invalid"),
    "proxy-unusable": Fault(EX_CONFIG, "the proxy in the environment cannot be used"),
    "redirected": Fault(EX_CONFIG, "the API answers with a redirect"),
    "resource-missing": Fault(EX_CONFIG, "the requested resource does not exist"),
    "request-refused": Fault(EX_CONFIG, "the provider refuses the request"),
    "query-refused": Fault(EX_CONFIG, "the server refuses the query"),
    "password-not-returned": Fault(EX_CONFIG, "the provider returns a password only when it is created"),
    "answer-malformed": Fault(EX_CONFIG, "the answer is not in the API's format"),
    "answer-too-large": Fault(EX_CONFIG, "the answer is too large"),
    "answer-contradicts": Fault(EX_CONFIG, "the answer is about another resource"),
}


class RemoteError(EnvconnError):
    """A provider's API could not be reached, or did not return the requested resource.

    `problems` holds one `Finding`. `exit_code` is 64 for a wrong call, 69 unreachable, too slow or busy,
    76 TLS not verified, 77 token or right refused, 78 anything else.
    """


class QueryError(RemoteError):
    """The server refused a query that was sent over HTTPS.

    `sqlstate` is PostgreSQL's code of five characters (``42P01``). `server_message` is the server's own sentence. It
    may quote values of the query or of the table, so it is neither in the text of the exception nor pickled.
    """

    def __init__(self, problems: Iterable[Finding], sqlstate: str, server_message: Secret | None = None) -> None:
        super().__init__(problems)
        self.sqlstate = sqlstate
        self.server_message = server_message

    def __reduce__(self) -> tuple[type[Self], tuple[object, ...]]:
        return type(self), (self.problems, self.sqlstate)


class Failure(Exception):
    """A request failed. Raised where that is noticed, and turned into a `RemoteError` at the end."""

    def __init__(self, code: str, variable: str, message: str) -> None:
        self.problem = problem(code, variable, message, fault_of(code).exit_code)
        super().__init__(str(self.problem))

    @property
    def passes(self) -> bool:
        """Whether trying again can help."""
        return fault_of(self.problem.code).passes

    def as_error(self) -> RemoteError:
        """Return the public exception."""
        return RemoteError([self.problem])


def fault_of(code: str) -> Fault:
    """Return what `code` means, one of `REMOTE_FAULTS`, or of a live server's."""
    return REMOTE_FAULTS.get(code) or FAULTS[code]


def http_failure(error: httpx.HTTPError, host: str, title: str) -> Failure:
    """Return what `error` means, raised by a request to `host` for `title`."""
    import httpx

    if isinstance(error, httpx.ConnectError):
        return _connect_failure(list(_causes(error)), host, title)
    table: list[tuple[bool, str, str]] = [
        (isinstance(error, httpx.ProxyError), "proxy-unusable", _PROXY),
        (isinstance(error, httpx.TimeoutException), "timed-out", _SILENT),
        (isinstance(error, httpx.RemoteProtocolError) and not _is_cut_off(error), "protocol-unexpected", _NO_HTTP),
        (True, "connection-closed", _CUT_OFF),
    ]
    code, message = next((code, message) for is_so, code, message in table if is_so)
    return Failure(code, title, message.format(host=host))


def _connect_failure(causes: list[BaseException], host: str, title: str) -> Failure:
    errors = [cause for cause in causes if isinstance(cause, OSError)]
    for cause in errors:
        if isinstance(cause, ssl.SSLCertVerificationError):
            code = certificate_code(cause.verify_code)
            return Failure(code, title, f"{host}: {FAULTS[code].meaning}. {_REMEDIES.get(code, _UNTRUSTED)}")
        if isinstance(cause, socket.gaierror):
            return Failure("host-unresolved", title, f"{host} has no address in DNS. {_NAME}")
    failed = next((cause for cause in errors if isinstance(cause, ssl.SSLError | ConnectionResetError)), None)
    if failed:
        found = handshake_failure(failed, host, presented=False, versions="1.2 and newer")
    else:
        found = network_failure(errors or [OSError()], host)
    return Failure(found.code, title, found.message)


def _is_cut_off(error: httpx.RemoteProtocolError) -> bool:
    # h11 and httpcore have one class for a peer that has closed and for one that speaks another protocol.
    return any(words in str(error) for words in ("without sending", "unexpectedly closed"))


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause:
        yield cause
        cause = cause.__cause__ or cause.__context__


_NAME = "Correct the address of the API, or check the DNS of this machine"
_PROXY = "the proxy does not reach {host}. Correct HTTPS_PROXY or ALL_PROXY"
_SILENT = "{host} does not answer. Check firewalls and proxies"
_NO_HTTP = f"{{host}} does not answer with HTTP. {_NAME}"
_CUT_OFF = "{host} closed the connection before the answer was complete. Try again"
_UNTRUSTED = "Name the right CA in ENVCONN_TLS_CA or SSL_CERT_FILE, or correct the address of the API"
_REMEDIES = {
    "certificate-expired": "Check the clock of this machine",
    "certificate-not-yet-valid": "Check the clock of this machine",
    "certificate-misnamed": "Correct the address of the API",
}
