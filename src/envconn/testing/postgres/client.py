"""What the stand-in has seen of one client."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Client"]


@dataclass
class Client:
    """What was seen of one connection so far.

    `number` counts connections from 1. `tls` is the version (``TLSv1.3``) once the handshake is complete, `None`
    without; `sni` the server name that was asked for, and `direct` whether TLS began without asking. `parameters` are
    those of the start-up packet. `password` says whether one was sent; it is never kept. `authenticated` is whether the
    client was let in, and `statements` holds what it asked then.
    """

    number: int
    tls: str | None = None
    sni: str | None = None
    direct: bool = False
    parameters: dict[str, str] = field(default_factory=dict)
    password: bool = False
    authenticated: bool = False
    statements: list[str] = field(default_factory=list)

    @property
    def user(self) -> str:
        """The user's name, or nothing as long as there was no start-up packet."""
        return self.parameters.get("user", "")

    @property
    def dbname(self) -> str:
        """The database's name, which is the user's where none is stated."""
        return self.parameters.get("database", self.user)

    @property
    def startup_in_clear(self) -> bool:
        """Whether the names of user and database arrived unencrypted."""
        return self.tls is None and bool(self.parameters)

    @property
    def password_in_clear(self) -> bool:
        """Whether a password arrived unencrypted."""
        return self.tls is None and self.password
