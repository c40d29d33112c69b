"""Why there is no answer, told apart by the errors beneath httpx's."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

from envconn.probe.failures import of_certificate, of_handshake, of_network
from envconn.probe.faults import FAULTS
from envconn.remote.faults import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

__all__ = ["of_error"]


def of_error(error: httpx.HTTPError, host: str, title: str) -> Failure:
    """Return what `error` means, which came of asking `host` on behalf of `title`."""
    import httpx

    if isinstance(error, httpx.ConnectError):
        return _unconnected(list(_beneath(error)), host, title)
    table: list[tuple[bool, str, str]] = [
        (isinstance(error, httpx.ProxyError), "proxy-unusable", _PROXY),
        (isinstance(error, httpx.TimeoutException), "timed-out", _SILENT),
        (isinstance(error, httpx.RemoteProtocolError) and not _is_cut_off(error), "protocol-unexpected", _NO_HTTP),
        (True, "connection-closed", _CUT_OFF),
    ]
    code, message = next((code, message) for is_so, code, message in table if is_so)
    return Failure(code, title, message.format(host=host))


def _unconnected(beneath: list[BaseException], host: str, title: str) -> Failure:
    errors = [cause for cause in beneath if isinstance(cause, OSError)]
    for cause in errors:
        if isinstance(cause, ssl.SSLCertVerificationError):
            code = of_certificate(cause.verify_code)
            return Failure(code, title, f"{host}: {FAULTS[code].meaning}; {_REMEDIES.get(code, _UNTRUSTED)}")
        if isinstance(cause, socket.gaierror):
            return Failure("host-unresolved", title, f"no address is known for {host}; {_NAME}")
    failed = next((cause for cause in errors if isinstance(cause, ssl.SSLError | ConnectionResetError)), None)
    if failed:
        found = of_handshake(failed, host, presented=False, versions="1.2 and newer")
    else:
        found = of_network(errors or [OSError()], host)
    return Failure(found.code, title, found.message)


def _is_cut_off(error: httpx.RemoteProtocolError) -> bool:
    # h11 and httpcore have one class for a peer that left and for one that speaks something else.
    return any(words in str(error) for words in ("without sending", "unexpectedly closed"))


def _beneath(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause:
        yield cause
        cause = cause.__cause__ or cause.__context__


_NAME = "correct the address of the API, or look at the network's DNS"
_PROXY = "the proxy does not lead to {host}; correct HTTPS_PROXY or its like"
_SILENT = "{host} does not answer; see whether a firewall or proxy is in the way"
_NO_HTTP = f"what {{host}} says is not HTTP; {_NAME}"
_CUT_OFF = "{host} closed the connection before its answer was whole; try again"
_UNTRUSTED = "name the CA that has, in ENVCONN_TLS_CA or SSL_CERT_FILE, or see who answers there"
_REMEDIES = {
    "certificate-expired": "have it renewed; if it is new, look at this machine's clock",
    "certificate-not-yet-valid": "look at this machine's clock",
    "certificate-misnamed": "see who answers there, or correct the address of the API",
}
