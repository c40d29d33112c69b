"""A session with a provider's API: retries, pages, and answers in JSON, by the same rules for every API."""

from __future__ import annotations

import json
import random
import time
from email.utils import parsedate_to_datetime
from typing import TypeVar
from urllib.parse import quote, urlencode

from envconn.remote.api_errors import Failure
from envconn.remote.http import Call, exchange, status_failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import httpx

    from envconn.remote.http import Reply
    from envconn.report import Json


TRIES = 4
"""How often a request that can be repeated is sent."""

PAGES = 100
"""How many pages of a list are read."""

_FIRST, _LONGEST = 0.25, 8.0
"""Seconds: the longest wait before the second attempt, and between any two, unless the provider asks for more."""


class Session:
    """The API of `title` at `base`, until `deadline` (of `time.monotonic`).

    `authorization` is the header field of that name; `variable` is where the token came from, for messages.
    """

    __slots__ = ("_authorization", "_base", "_client", "_deadline", "title", "variable")

    def __init__(  # noqa: PLR0913 - one for each thing that a request needs
        self, client: httpx.Client, title: str, base: str, *, variable: str, authorization: str, deadline: float
    ) -> None:
        self._client = client
        self._base = base
        self._authorization = authorization
        self._deadline = deadline
        self.title = title
        self.variable = variable

    def get(self, where: str, what: str, **query: str) -> Answer:
        """Request `where`, a path made by `path`, with the parameters of `query`; `what` names it in messages.

        Raises:
            Failure: it does not exist, or the answer is invalid; the same goes for `post`.
        """
        return self._request("GET", where, what, query)

    def post(self, where: str, what: str, body: Mapping[str, object] | None = None, *, repeats: bool = False) -> Answer:
        """Send `body` to `where`: once, unless it may be repeated (`repeats`)."""
        import json

        content = b"" if body is None else json.dumps(body).encode()
        return self._request("POST", where, what, {}, content, repeats=repeats)

    def pages(
        self, where: str, what: str, query: Mapping[str, str], follow: Callable[[Answer], Mapping[str, str] | None]
    ) -> Iterator[Answer]:
        """Yield the pages of a list, as long as `follow` returns parameters for the next, in addition to `query`."""
        following: Mapping[str, str] = {}
        for _ in range(PAGES):
            page = self.get(where, what, **query, **following)
            yield page
            ahead = follow(page)
            if ahead is None or ahead == following:
                return
            following = ahead

    def _request(  # noqa: PLR0913 - the parts of a request
        self,
        method: str,
        where: str,
        what: str,
        query: Mapping[str, str],
        content: bytes | None = None,
        *,
        repeats: bool = True,
    ) -> Answer:
        url = f"{self._base}{where}" + (f"?{urlencode(query, quote_via=quote)}" if query else "")
        call = Call(method, url, {"authorization": self._authorization}, content)
        attempt = 0
        while True:
            attempt += 1
            found = self._attempt(call, what)
            if isinstance(found, Answer):
                return found
            failure, stated_pause = found
            pause = stated_pause if stated_pause is not None else _pause(attempt)
            is_left = repeats and attempt < TRIES and time.monotonic() + pause < self._deadline
            if not (is_left and failure.passes):
                raise failure if repeats else _maybe_done(failure)
            time.sleep(pause)

    def _attempt(self, call: Call, what: str) -> Answer | tuple[Failure, float | None]:
        """Send the request once. A failure comes with the seconds after which the provider allows another attempt."""
        if time.monotonic() >= self._deadline:
            # The caller has given up, and the password of a role that is created now would be lost.
            return Failure("timed-out", self.title, "the timeout is over. Raise it, or try again later"), None
        try:
            reply = exchange(self._client, call, self.title, self._deadline)
            if 200 <= reply.status < 300:
                return Answer.read(reply.body, self.title)
        except Failure as failed:
            return failed, None
        return status_failure(reply, self.title, self.variable, what), retry_after(reply)


def path(*segments: str) -> str:
    """Return a path of `segments`, each of which stays one, whatever is in it."""
    return "".join(f"/{quote(segment, safe='')}" for segment in segments)


def retry_after(reply: Reply) -> float | None:
    """Return the seconds after which the provider allows another attempt, if it says so (RFC 9110, 10.2.3)."""
    if reply.retry_after.isdecimal():
        return float(reply.retry_after[:9])
    try:
        moment = parsedate_to_datetime(reply.retry_after).timestamp()
    except (TypeError, ValueError):
        return None
    return max(moment - time.time(), 0.0)


def _maybe_done(failure: Failure) -> Failure:
    """Add to the failure of a request that is not repeated that it may have taken effect."""
    found = failure.problem
    hint = ". It may have been done: check at the provider before you try again"
    return Failure(found.code, found.variable, found.message + hint * (found.code in _MAYBE_DONE))


_MAYBE_DONE = frozenset({"answer-malformed", "answer-too-large", "connection-closed", "server-failed", "timed-out"})


def _pause(attempt: int) -> float:
    # Clients that were rejected at the same time should not return at the same time.
    return min(_FIRST * 2.0 ** (attempt - 1), _LONGEST) * random.uniform(0.5, 1.0)  # noqa: S311 - not a secret


def names(found: Sequence[str]) -> str:
    """Return the first few of `found`, for a message."""
    listed = ", ".join(name[:64] for name in found[:10])
    return f"{listed}, and {len(found) - 10} more" if len(found) > 10 else listed or "none"


T = TypeVar("T")

_TYPES = {str: "a text", bool: "true or false", int: "a whole number", list: "a list", dict: "an object"}


class Answer:
    """A JSON object in the answer of `title`, at `path`. Messages name fields and never values."""

    __slots__ = ("_path", "_title", "_value")

    def __init__(self, value: object, title: str, path: str = "") -> None:
        if not isinstance(value, dict):
            raise _wrong(title, path or "the answer", dict)
        self._value: dict[str, object] = value
        self._title = title
        self._path = path

    @classmethod
    def read(cls, body: bytes, title: str) -> Answer:
        """Read `body`, which must be one JSON object.

        Raises:
            Failure: it is not.
        """
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            value = None
        if value is None:
            raise Failure("answer-malformed", title, f"the answer is not JSON. {REMEDY}")
        return cls(value, title)

    def text(self, name: str) -> str:
        """Return the text in the field `name`, which must not be empty or contain control characters.

        Raises:
            Failure: it is missing or something else; the same goes for the other fields.
        """
        value = self._field(name, str)
        if not (value and value.isprintable()):
            raise _wrong(self._title, self._path_to(name), str)
        return value

    def string(self, name: str) -> str:
        """Return the text in the field `name`, which may be empty."""
        return self._field(name, str)

    def flag(self, name: str) -> bool:
        """Return the boolean in the field `name`."""
        return self._field(name, bool)

    def number(self, name: str) -> int:
        """Return the whole number in the field `name`."""
        return self._field(name, int)

    def inner(self, name: str) -> Answer:
        """Return the object in the field `name`."""
        return Answer(self._field(name, dict), self._title, self._path_to(name))

    def items(self, name: str) -> Iterator[Answer]:
        """Yield the objects in the list `name`."""
        for position, value in enumerate(self.values(name)):
            yield Answer(value, self._title, f"{self._path_to(name)}[{position}]")

    def values(self, name: str) -> list[object]:
        """Return the list in the field `name`."""
        return self._field(name, list)

    def rows(self, name: str, width: int) -> Iterator[list[Json]]:
        """Yield the lists in the list `name`, each of which must have `width` values."""
        for position, value in enumerate(self.values(name)):
            if not isinstance(value, list) or len(value) != width:
                raise _wrong(self._title, f"{self._path_to(name)}[{position}]", list)
            yield value

    def has(self, name: str) -> bool:
        """Whether there is a field `name` that is not null."""
        return self._value.get(name) is not None

    def _field(self, name: str, kind: type[T]) -> T:
        value = self._value.get(name)
        # In Python, but not in JSON, a boolean is an integer.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise _wrong(self._title, self._path_to(name), kind)
        return value

    def _path_to(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name


REMEDY = "Check the address of the API, or upgrade envconn"


def _wrong(title: str, path: str, kind: type) -> Failure:
    return Failure("answer-malformed", title, f"{path} in the answer is missing or not {_TYPES[kind]}. {REMEDY}")
