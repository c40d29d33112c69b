"""How far a stranger gets in a protocol: to TLS, and to the first answer behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

from envconn.probe.failures import Failure, resembles

if TYPE_CHECKING:
    from envconn.connection import Host
    from envconn.probe.wire import Wire

__all__ = ["Dialect", "Trouble", "unexpected"]


class Trouble(NamedTuple):
    """An answer by which a server says that it does not serve: a code of `FAULTS`, and what follows the place."""

    code: str
    message: str


class Dialect(ABC):
    """A protocol. What is said here is said by nobody: no name, no password.

    `hello` is what a client may say first, `title` who answers to it, and `troubles` are the answers, by how they
    begin, that mean it does not serve now. `negotiates` is whether TLS is asked for in clear; `alpn` is the protocol
    to name in the handshake. `enforcing` says how to make such a server deny clear text, `full` what has to stand in
    a URL for its server to be verified in full, and `ca` is the parameter for a CA of one's own.
    """

    title = ""
    hello = b""
    troubles: tuple[tuple[bytes, Trouble], ...] = ()
    negotiates = False
    alpn: str | None = None
    enforcing = ""
    full = ""
    ca = ""

    def socket_path(self, host: Host) -> str:
        """Return the path of the unix socket of `host`."""
        return host.host

    async def consents(self, wire: Wire, where: str) -> bool:  # noqa: ARG002 - for those that negotiate
        """Ask for TLS in clear where that is the way, and return whether the server offers it.

        Raises:
            Failure: it says something else.
        """
        return True

    @abstractmethod
    async def answer(self, wire: Wire) -> bytes:
        """Return the first thing that is said to `hello`; nothing when the other side closes."""

    @abstractmethod
    def understood(self, answer: bytes) -> bool:
        """Whether `answer` is one of this protocol."""

    def trouble(self, answer: bytes) -> Trouble | None:
        """Return what `answer` says that stands against using the server now."""
        return next((trouble for start, trouble in self.troubles if answer.startswith(start)), None)

    def denies(self, encrypted: bytes, clear: bytes) -> bool | None:  # noqa: ARG002 - for those that compare
        """Whether clear text is denied, by the answers to `hello` inside TLS and without it; `None`: cannot be told."""
        return not self.understood(clear)

    def check(self, answer: bytes, where: str) -> None:
        """Raise what `answer` means that is no welcome.

        Raises:
            Failure: it is none of this protocol, or says that the server does not serve now.
        """
        if not answer:
            raise Failure("connection-closed", f"{where} {_CLOSED}")
        if not self.understood(answer):
            raise unexpected(self.title, where, answer)
        if trouble := self.trouble(answer):
            raise Failure(trouble.code, f"{where} {trouble.message}")


def unexpected(title: str, where: str, data: bytes) -> Failure:
    """Return the failure of `where`, which is not `title` by what it says first."""
    label = resembles(data)
    looks = f", it looks like {label}" if label else ""
    return Failure("protocol-unexpected", f"{where} is not {title}{looks}; correct host and port")


_CLOSED = "closed the connection without a word; see its log, or that of a proxy before it"
