"""A real Redis with TLS and a password, in the states a certificate can be in."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import daemons
from throwaway.process import ADDRESS, free_port, workplace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from throwaway.binaries import Account
    from throwaway.certificates import Pair

__all__ = ["STATES", "Redis", "running"]

STATES = ("good", "wronghost", "expired", "unknownca", "plain")
"""The names of certificates; ``plain`` is a server without TLS."""


@dataclass(frozen=True)
class Redis:
    """A Redis on `port` of a loopback address, which talks TLS and nothing else, or (not `tls`) no TLS at all.

    On its unix socket it talks without.
    """

    port: int
    password: str = field(repr=False)
    tls: bool
    home: Path
    host: str = "localhost"

    @property
    def socket(self) -> Path:
        """The unix socket."""
        return self.home / "socket"

    def uri(self, host: str = "localhost", *, scheme: str = "", database: int = 0, **parameters: str) -> str:
        """Return the address with the password in it; the `scheme` is the server's own when left out."""
        scheme = scheme or ("rediss" if self.tls else "redis")
        return daemons.uri(scheme, ("", self.password), f"{host}:{self.port}", str(database), parameters)

    def log(self) -> str:
        """Return what the server has said so far."""
        return (self.home / "log").read_text(encoding="utf-8", errors="replace")


@contextmanager
def running(
    command: Sequence[str],
    account: Account,
    pair: Pair | None,
    ca: Path,
    *,
    address: str = ADDRESS,
    password: str = "",
    more: Sequence[str] = (),
) -> Iterator[Redis]:
    """Run `command` under `account`, showing `pair` (`None`: no TLS), with `more` lines in its configuration."""
    port, password = free_port(address), password or secrets.token_urlsafe(18)
    with workplace(account) as home:
        lines = [f"bind {address}", f"requirepass {password}", f"dir {home}", 'save ""', "appendonly no"]
        lines += [*more, f"unixsocket {home / 'socket'}", "unixsocketperm 777"]
        if pair is None:
            lines.append(f"port {port}")
        else:
            chain, key, root = daemons.keys(account, home, pair, ca)
            lines += ["port 0", f"tls-port {port}", "tls-auth-clients no", f"tls-ca-cert-file {root}"]
            lines += [f"tls-cert-file {chain}", f"tls-key-file {key}"]
        configuration = daemons.private(account, home / "redis.conf", "\n".join(lines) + "\n")
        with daemons.listening((*command, str(configuration)), home, account, address, port):
            yield Redis(port, password, pair is not None, home)
