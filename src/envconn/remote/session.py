"""Asking one provider: the same few rules about tokens, statuses, retries and pages for every API."""

from __future__ import annotations

import random
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from envconn.remote.answer import Answer
from envconn.remote.faults import Failure
from envconn.remote.statuses import of_status
from envconn.remote.transport import Call, exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import httpx

    from envconn.remote.transport import Reply

__all__ = ["PAGES", "TRIES", "Session", "names", "path", "retry_after"]

TRIES = 4
"""How often a request is made that can be repeated."""

PAGES = 100
"""How many pages of a list are read."""

_FIRST, _LONGEST = 0.25, 8.0
"""Seconds before the second try at most, and the most between any two, unless the provider asks for more."""


class Session:
    """The API of `title` at `base`, asked until `deadline` (of `time.monotonic`).

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
        """Ask for `where`, a path made by `path`, with the parameters of `query`; `what` names it in messages.

        Raises:
            Failure: there is no such thing, or no right answer; the same goes for `post`.
        """
        return self._asked("GET", where, what, query)

    def post(self, where: str, what: str, body: Mapping[str, object] | None = None, *, repeats: bool = False) -> Answer:
        """Send `body` to `where`. It is tried once, unless doing it twice does no harm (`repeats`)."""
        import json

        content = b"" if body is None else json.dumps(body).encode()
        return self._asked("POST", where, what, {}, content, repeats=repeats)

    def pages(
        self, where: str, what: str, query: Mapping[str, str], follow: Callable[[Answer], Mapping[str, str] | None]
    ) -> Iterator[Answer]:
        """Yield the pages of a list, as long as `follow` has parameters for another one beside those of `query`."""
        following: Mapping[str, str] = {}
        for _ in range(PAGES):
            page = self.get(where, what, **query, **following)
            yield page
            ahead = follow(page)
            if ahead is None or ahead == following:
                return
            following = ahead

    def _asked(  # noqa: PLR0913 - the parts of a request
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
            failure, asked = found
            pause = asked if asked is not None else _pause(attempt)
            is_left = repeats and attempt < TRIES and time.monotonic() + pause < self._deadline
            if not (is_left and failure.passes):
                raise failure if repeats else _unsure(failure)
            time.sleep(pause)

    def _attempt(self, call: Call, what: str) -> Answer | tuple[Failure, float | None]:
        """Ask once. What comes beside a failure is after how many seconds the provider wants to be asked again."""
        if time.monotonic() >= self._deadline:
            # Whoever has waited is gone, and nobody would get the password of a role that is made now.
            return Failure("timed-out", self.title, "the time allowed is over; allow more, or try later"), None
        try:
            reply = exchange(self._client, call, self.title, self._deadline)
            if 200 <= reply.status < 300:
                return Answer.read(reply.body, self.title)
        except Failure as failed:
            return failed, None
        return of_status(reply, self.title, self.variable, what), retry_after(reply)


def path(*segments: str) -> str:
    """Return a path of `segments`, each of which stays one, whatever is in it."""
    return "".join(f"/{quote(segment, safe='')}" for segment in segments)


def retry_after(reply: Reply) -> float | None:
    """Return the seconds after which the provider wants to be asked again, if it says (RFC 9110, 10.2.3)."""
    if reply.retry_after.isdecimal():
        return float(reply.retry_after[:9])
    try:
        moment = parsedate_to_datetime(reply.retry_after).timestamp()
    except (TypeError, ValueError):
        return None
    return max(moment - time.time(), 0.0)


def _unsure(failure: Failure) -> Failure:
    """Say of what was asked for once, and may have been done in spite of the failure, that it may have been."""
    code, variable, message = failure.problem
    hint = "; it may have been done all the same: look there, before it is asked for again"
    return Failure(code, variable, message + hint * (code in _UNSURE))


_UNSURE = frozenset({"answer-malformed", "answer-too-large", "connection-closed", "server-failed", "timed-out"})


def _pause(attempt: int) -> float:
    # All who were turned away at once would come back at once.
    return min(_FIRST * 2.0 ** (attempt - 1), _LONGEST) * random.uniform(0.5, 1.0)  # noqa: S311 - not a secret


def names(found: Sequence[str]) -> str:
    """Return the first few of `found`, for people."""
    listed = ", ".join(name[:64] for name in found[:10])
    return f"{listed}, and {len(found) - 10} more" if len(found) > 10 else listed or "there is none"
