"""What the status of an answer means, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envconn.remote.faults import Failure

if TYPE_CHECKING:
    from envconn.remote.transport import Reply

__all__ = ["of_status"]


def of_status(reply: Reply, title: str, variable: str, what: str) -> Failure:
    """Return what the status of `reply` means, which is none of success.

    `title` names the API, `variable` holds the token, and `what` was asked for.
    """
    code, message = _OF.get(reply.status) or _of_class(reply.status)
    about_token = code in {"token-refused", "access-denied"}
    return Failure(code, variable if about_token else title, message.format(title=title, what=what, code=reply.status))


def _of_class(status: int) -> tuple[str, str]:
    return next(meaning for start, meaning in _CLASSES if status >= start)


_REFUSED = "status {code} to the request for {what}; correct the arguments, or see the provider's documentation"

_OF = {
    401: ("token-refused", "{title} does not take it; set a token that is valid and has not expired"),
    403: ("access-denied", "{title} does not let it have {what}; give the token that right, or use another one"),
    404: ("remote-missing", "{what} is not there, or not for this token; correct the name"),
    409: (
        "request-refused",
        "status 409 to the request for {what}: it exists, or is being changed; look there",
    ),
    429: ("rate-limited", "too many requests, and the time allowed is over before the next may be made; try later"),
}

_CLASSES = (
    (500, ("server-failed", "status {code} to the request for {what}; try later, or see the provider's status page")),
    (400, ("request-refused", _REFUSED)),
    (0, ("redirected", "status {code}, a redirect, which no token is sent after; correct the address of the API")),
)
