"""One request over HTTPS, by httpx: always TLS, always verified, never redirected, never more than was expected.

A time-out of httpx's is for one step. The deadline for all steps is held by whoever waits (`within`), in a thread
that can be left alone: nothing else ends the wait for a resolver.
"""

from __future__ import annotations

import ssl
import time
from concurrent.futures import TimeoutError as Unfinished
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from envconn.probe.background import begin
from envconn.remote.faults import Failure
from envconn.remote.unreached import of_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import httpx

    from envconn.tls import CA

__all__ = ["Call", "Reply", "client", "context", "exchange", "within"]

T = TypeVar("T")

STEP = 10.0
"""Seconds that one step of an attempt may take: connecting, sending, or waiting for the next piece."""


class Call(NamedTuple):
    """One request. `secrets` are the header fields that no log may show, `limit` is the largest answer in bytes."""

    method: str
    url: str
    secrets: Mapping[str, str]
    content: bytes | None = None
    limit: int = 1_048_576


class Reply(NamedTuple):
    """What came back; `retry_after` is the header field of that name, or empty."""

    status: int
    retry_after: str
    body: bytes


def within(seconds: float, work: Callable[[], T], title: str) -> T:
    """Return what `work` returns, unless it takes longer than `seconds`.

    Raises:
        Failure: it does, or what `work` raises.
    """
    future = begin(work)
    try:
        return future.result(seconds)
    except Unfinished:
        message = f"no answer within {seconds:g} s; see whether a firewall or proxy is in the way"
        raise Failure("timed-out", title, message) from None


def context(*trusted: CA) -> ssl.SSLContext:
    """Return a context that takes certificates of `trusted`, for the host that is asked, over TLS 1.2 or newer."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    for ca in trusted:
        made.load_verify_locations(cafile=ca.path or None, cadata=ca.pem or None)
    return made


def client(verify: ssl.SSLContext, title: str) -> httpx.Client:
    """Return a client of httpx's that trusts as `verify` does. It goes through the proxy of the environment, if any.

    Raises:
        Failure: httpx is not installed, or the proxy is nothing that it can use.
    """
    try:
        import httpx
    except ImportError:
        raise Failure("extra-missing", title, "httpx is missing; install envconn[remote]") from None
    try:
        # What is packed can unfold to any size, so that nothing packed is asked for.
        return httpx.Client(verify=verify, follow_redirects=False, headers={"accept-encoding": "identity"})
    except (ImportError, ValueError, httpx.InvalidURL):
        message = "HTTPS_PROXY or its like is no proxy that httpx can use; correct it"
        raise Failure("proxy-unusable", title, message) from None


def exchange(asking: httpx.Client, call: Call, title: str, deadline: float) -> Reply:
    """Make one attempt, which ends before `deadline` (of `time.monotonic`) where the network is slow and not silent.

    Raises:
        Failure: there is no whole answer.
    """
    import httpx

    try:
        headers = {"accept": "application/json", **call.secrets}
        if call.content is not None:
            headers["content-type"] = "application/json"
        step = max(min(STEP, deadline - time.monotonic()), 0.001)
        asked = asking.stream(call.method, call.url, headers=headers, content=call.content, timeout=step)
        with asked as response:
            body = _whole(response.iter_raw(), call.limit, title, deadline)
            return Reply(response.status_code, response.headers.get("retry-after", ""), body)
    except httpx.HTTPError as error:
        raise of_error(error, httpx.URL(call.url).host, title) from None


def _whole(pieces: Iterator[bytes], limit: int, title: str, deadline: float) -> bytes:
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > limit:
            raise Failure("answer-too-large", title, f"the answer is larger than {limit} bytes; see who answers there")
        if time.monotonic() > deadline:
            raise Failure("timed-out", title, "the answer has not ended in time; see whether a proxy is in the way")
    return bytes(body)
