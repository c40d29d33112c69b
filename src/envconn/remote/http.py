"""One HTTPS request with httpx: always TLS, always verified, never redirected, with a limit for the answer.

A timeout of httpx limits one step. The deadline for all steps is kept by the caller (`within`), which runs the
request in a thread that it can abandon: nothing else ends the wait for a resolver.
"""

from __future__ import annotations

import ssl
import time
from concurrent.futures import TimeoutError as Unfinished
from typing import TypeVar

from envconn.probe.network import run_in_thread
from envconn.records import Record
from envconn.remote.api_errors import Failure, http_failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import httpx

    from envconn.tls import CA


T = TypeVar("T")

STEP = 10.0
"""The limit in seconds for one step of an attempt: connecting, sending, or waiting for the next piece."""


class Call(Record):
    """One request. `secrets` are header fields that must not be logged, `limit` is the largest answer in bytes."""

    method: str
    url: str
    secrets: Mapping[str, str]
    content: bytes | None = None
    limit: int = 1_048_576


class Reply(Record):
    """The answer; `retry_after` is the header field of that name, or empty."""

    status: int
    retry_after: str
    body: bytes


def within(seconds: float, work: Callable[[], T], title: str) -> T:
    """Return the result of `work`, unless it takes longer than `seconds`.

    Raises:
        Failure: it takes longer, or `work` raises it.
    """
    future = run_in_thread(work)
    try:
        return future.result(seconds)
    except Unfinished:
        message = f"no answer within {seconds:g} s. Check firewalls and proxies"
        raise Failure("timed-out", title, message) from None


def context(*trusted: CA) -> ssl.SSLContext:
    """Return a context that accepts certificates of `trusted`, for the requested host, over TLS 1.2 or newer."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    for ca in trusted:
        made.load_verify_locations(cafile=ca.path or None, cadata=ca.pem or None)
    return made


def client(verify: ssl.SSLContext, title: str) -> httpx.Client:
    """Return a client of httpx that verifies with `verify`. It uses the proxy of the environment, if any.

    Raises:
        Failure: httpx is not installed, or it does not support the proxy.
    """
    try:
        import httpx
    except ImportError:
        raise Failure("extra-missing", title, "httpx is not installed. Run pip install 'envconn[remote]'") from None
    try:
        # A compressed answer can unpack to any size, so no compression is requested.
        return httpx.Client(verify=verify, follow_redirects=False, headers={"accept-encoding": "identity"})
    except (ImportError, ValueError, httpx.InvalidURL):
        message = "the proxy in HTTPS_PROXY or ALL_PROXY is not supported by httpx. Correct it"
        raise Failure("proxy-unusable", title, message) from None


def exchange(asking: httpx.Client, call: Call, title: str, deadline: float) -> Reply:
    """Make one attempt, which ends before `deadline` (of `time.monotonic`) if the network is slow but not silent.

    Raises:
        Failure: there is no complete answer.
    """
    import httpx

    try:
        headers = {"accept": "application/json", **call.secrets}
        if call.content is not None:
            headers["content-type"] = "application/json"
        step = max(min(STEP, deadline - time.monotonic()), 0.001)
        stream = asking.stream(call.method, call.url, headers=headers, content=call.content, timeout=step)
        with stream as response:
            body = _read_body(response.iter_raw(), call.limit, title, deadline)
            return Reply(response.status_code, response.headers.get("retry-after", ""), body)
    except httpx.HTTPError as error:
        raise http_failure(error, httpx.URL(call.url).host, title) from None


def _read_body(pieces: Iterator[bytes], limit: int, title: str, deadline: float) -> bytes:
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > limit:
            raise Failure(
                "answer-too-large", title, (f"the answer is larger than {limit} bytes. Correct the address of the API")
            )
        if time.monotonic() > deadline:
            raise Failure("timed-out", title, "the answer was not complete in time. Check firewalls and proxies")
    return bytes(body)


def status_failure(reply: Reply, title: str, variable: str, what: str) -> Failure:
    """Return what the status of `reply` means, which is not a success.

    `title` names the API, `variable` holds the token, and `what` was requested.
    """
    code, message = _BY_STATUS.get(reply.status) or _by_class(reply.status)
    about_token = code in {"token-refused", "access-denied"}
    return Failure(code, variable if about_token else title, message.format(title=title, what=what, code=reply.status))


def _by_class(status: int) -> tuple[str, str]:
    return next(meaning for start, meaning in _CLASSES if status >= start)


_REFUSED = "the API refuses the request for {what} with status {code}. Correct the arguments"

_BY_STATUS = {
    401: ("token-refused", "{title} refuses it. Set a valid token that has not expired"),
    403: (
        "access-denied",
        "{title} does not allow it to access {what}. Grant the token this permission, or use another one",
    ),
    404: ("resource-missing", "{what} does not exist, or the token cannot access it. Correct the name"),
    409: (
        "request-refused",
        (
            "the request for {what} conflicts with its state (status 409): it exists already, or is being changed. "
            "Check it at the provider"
        ),
    ),
    429: ("rate-limited", "too many requests. Try again later, or raise the timeout"),
}

_CLASSES = (
    (500, ("server-failed", "the API failed with status {code} at the request for {what}. Try again later")),
    (400, ("request-refused", _REFUSED)),
    (
        0,
        (
            "redirected",
            "the API answers with a redirect (status {code}), which is not followed. Correct the address of the API",
        ),
    ),
)
