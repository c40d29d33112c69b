"""What a login comes to: `Outcome` for the caller, `Session` or `Failure` on the way there."""

from __future__ import annotations

import socket
import ssl
import time
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envconn.errors import Note, Problem
    from envconn.probe.proof import Login

__all__ = ["Failure", "Outcome", "Session", "classify", "left", "readable"]


class Outcome(NamedTuple):
    """What the server said, what stands against using it, and what is worth knowing.

    `login` is `None` where it failed.
    """

    login: Login | None = None
    problems: tuple[Problem, ...] = ()
    notes: tuple[Note, ...] = ()


class Failure(NamedTuple):
    """Why something did not succeed: a code of `envconn.probe.faults`, and the SQLSTATE where the server sent one.

    Never a driver's text: libpq's have host and user in them, and whatever else the server likes to say.
    """

    code: str
    state: str = ""


class Session(Protocol):
    """A PostgreSQL connection after its login."""

    @property
    def told(self) -> int | None:
        """The process that was named at start-up, `None` where the driver does not tell."""

    @property
    def tls(self) -> bool | None:
        """Whether the driver itself speaks TLS, `None` where it does not tell."""

    def ask(self, query: str, until: float) -> Sequence[str | None] | Failure:
        """Return the one row that `query` makes, whose columns are all of type ``text``."""

    def close(self) -> None:
        """Say goodbye."""


def left(until: float) -> float:
    """Return the seconds until then on the monotonic clock; never 0, which drivers take for "for ever"."""
    return max(0.01, until - time.monotonic())


def readable(text: object) -> str | None:
    """Return what a server said of itself as one line, no longer than a terminal's, or `None` where it said nothing.

    It may be anybody, and say anything.
    """
    return "".join(each for each in str(text or "") if each.isprintable())[:80] or None


def classify(error: BaseException) -> Failure:
    """Return what `error`, or what it was made from, means for a connection, by the network's own errors."""
    for each in _chain(error):
        for kind, code in _BY_TYPE:
            if isinstance(each, kind):
                return Failure(code)
    return Failure("protocol-unexpected")


_BY_TYPE: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    ((ssl.SSLEOFError, ssl.SSLZeroReturnError), "connection-closed"),
    (ssl.SSLError, "tls-failed"),
    (TimeoutError, "timed-out"),
    (socket.gaierror, "host-unresolved"),
    (ConnectionRefusedError, "connection-refused"),
    (ConnectionError, "connection-closed"),
    (EOFError, "connection-closed"),
    (OSError, "host-unreachable"),
)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
