"""A request for a connection, the record of an API, and the checks of everything that goes into a request."""

from __future__ import annotations

import re
from types import MappingProxyType
from urllib.parse import urlsplit

from envconn.records import Record, Value
from envconn.remote.api_errors import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from envconn.connection import Secret
    from envconn.remote.session import Session
    from envconn.tls import SecuredConnection


_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_TOKEN = re.compile(r"[!-~]{1,8192}")
_REGION = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SEGMENT = re.compile(r"(?!\.{1,2}$)[^\x00-\x1f\x7f]{1,255}")

DEFAULT_REGION = "osc-fr1"
"""Scalingo's first region; the other one is available on request."""


class ConnectionRequest(Record):
    """The arguments of `envconn.remote.get_connection` that select the connection."""

    project: str | None = None
    organization: str | None = None
    app: str | None = None
    database: str | None = None
    role: str | None = None
    branch: str | None = None
    endpoint: str | None = None
    variable: str | None = None
    region: str | None = None
    pooled: bool = False
    create: bool = False
    reset: bool = False
    ttl: int | None = None
    inherit: tuple[str, ...] = ()

    @property
    def stated(self) -> dict[str, object]:
        """The arguments that are set, by name."""
        return {name: value for name, value in self._asdict().items() if value not in (None, False, ())}


class Found(Record):
    """The answer of a provider: the connection's URI, and branch and pooling if the answer states them, too.

    `expected` is what the URI must contain, as requested: ``role``, ``database``, ``endpoint``.
    """

    uri: Secret
    branch: str | None = None
    pooled: bool | None = None
    expected: Mapping[str, str | None] = MappingProxyType({})


class RemoteConnection(Value):
    """A connection from a provider's API, judged.

    `connection_uri` is the text as the provider wrote it or, if its API returns only parts, as built from them
    here; a `Secret`, so that no log shows it. `branch` is the one that was requested or returned, `None`
    if it is the provider's default and the answer does not name it. `pooled` is whether it leads to a pooler.
    `connection` is what drivers and integrations accept.
    """

    provider: str
    connection_uri: Secret
    branch: str | None
    pooled: bool
    connection: SecuredConnection


class Service(Record):
    """One API.

    `fetch` sends the requests. `authorization` makes the header field from the texts in the variables `tokens`, of
    which the last is the secret; if there is an `exchange`, that field is for the API at `auth`, which returns the
    token for the requests. `record` is the name of the provider's record if it only returns its own connections.
    `base` is the address of the API, which the variable `address` replaces; it may contain the ``region``.
    `required` and `optional` are arguments of `get_connection`.
    """

    title: str
    fetch: Callable[[Session, ConnectionRequest], Found]
    authorization: Callable[[Sequence[str]], str]
    record: str | None
    tokens: tuple[str, ...]
    address: str
    base: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    exchange: Callable[[Session], str] | None = None
    auth: str = ""
    auth_address: str = ""


def arguments(service: Service, wanted: ConnectionRequest) -> None:
    """Raise if `service` does not support an argument, or a required one is missing.

    Raises:
        Failure: one is unsupported or missing; the message names the argument and never shows its value.
    """
    stated = wanted.stated
    for name in service.required:
        if name not in stated:
            raise Failure("argument-missing", name, f"is required by {service.title}. Pass --{name}")
    for name, value in stated.items():
        if name not in {*service.required, *service.optional}:
            known = ", ".join((*service.required, *service.optional))
            raise Failure("argument-invalid", name, f"is not supported by {service.title}. Use one of: {known}")
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str) and not _SEGMENT.fullmatch(text):
                raise Failure("argument-invalid", name, "must be a name or id of 1 to 255 printable characters")
    _together(wanted)


def _together(wanted: ConnectionRequest) -> None:
    if wanted.create and wanted.reset:
        raise Failure("argument-invalid", "reset", "cannot be combined with --create. Remove one of the two")
    for name in ("ttl", "inherit"):
        if name in wanted.stated and not wanted.create:
            raise Failure("argument-invalid", name, "requires --create. Add it")
    if wanted.ttl is not None and wanted.ttl < 1:
        raise Failure("argument-invalid", "ttl", "must be a whole number of seconds, 1 or more")


def address(base: str, variable: str) -> str:
    """Return `base`, which may come from `variable`, if a token may be sent there.

    Raises:
        Failure: it is not an HTTPS address, or contains more than host, port and path.
    """
    try:
        parts = urlsplit(base)
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole or parts.scheme != "https" or "@" in parts.netloc or re.search(r"[?#\s]", base):
        message = "is not the address of an API. Use https://host:port/path, without user, query and fragment"
        raise Failure("address-invalid", variable, message)
    return base.rstrip("/")


def region(text: str | None) -> Mapping[str, str]:
    """Return the ``region`` that is part of an address: a single label, since it decides which host gets the token.

    Raises:
        Failure: it is anything else.
    """
    if text is not None and not _REGION.fullmatch(text):
        raise Failure("argument-invalid", "region", f"is not a region. Use a name such as {DEFAULT_REGION}")
    return {"region": text or DEFAULT_REGION}


def host(name: str, title: str) -> str:
    """Return `name` from the answer of `title`, if it is a plain hostname.

    Raises:
        Failure: it contains a character that has a meaning in a URI.
    """
    if not _HOST.fullmatch(name):
        raise Failure("answer-malformed", title, "the host in the answer is invalid. Do not use it, and try again")
    return name


def usable(token: str, variable: str) -> str:
    """Return `token` from `variable`, stripped, if a header field can hold it.

    Raises:
        Failure: it cannot be a token.
    """
    if not _TOKEN.fullmatch(token.strip()):
        message = "is malformed: it has spaces or non-ASCII characters, or is too long. Copy it again"
        raise Failure("token-malformed", variable, message)
    return token.strip()
