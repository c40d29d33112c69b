"""What is known about one hosting provider, as data: `Provider`; and what it says of one connection: `Endpoint`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Certificates", "Endpoint", "Provider", "Variable"]


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable that holds a connection string.

    `role` says which endpoint of the default database it is: ``default``, or a sibling that is
    found beside it: ``pooled``, ``direct``, ``replica``.
    """

    name: str
    role: str = "default"


@dataclass(frozen=True, slots=True)
class Certificates:
    """What a server's certificate can be verified against.

    `sslmode` is the strongest mode the certificates are known to meet. `ca` is ``system`` for a
    public CA, the path where the platform mounts its own CA, or empty when a file has to be
    fetched; `remedy` says in one clause how to get it.
    """

    sslmode: str
    ca: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    r"""One provider. Patterns are regular expressions that must match a whole name, in lower case as written.

    `suffixes` are the domains that the hosts live under; they index the records. `hosts` may name
    groups: ``pooler`` (present: pooled), ``branch``, ``region``, ``cloud``. `users` may name
    ``role``, ``branch`` and ``target`` (what the provider appends to choose a replica or pooler).
    `ports` maps a port to whether it is pooled; `pooled` and `replica` hold for the rest, `None`
    meaning that the URL does not tell. `source` and `checked` say where this was read, and when
    (ISO date).
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    hosts: tuple[str, ...]
    users: str = r"(?P<role>.+)"
    variables: tuple[Variable, ...] = ()
    ports: Mapping[int, bool] = field(default_factory=dict)
    pooled: bool | None = None
    pool_mode: str | None = None
    replica: bool | None = None
    replica_target: str | None = None
    region: str = "{region}"
    certificates: Certificates | None = None
    source: str = ""
    checked: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What host, port, user and variable of a connection give away. `None` means: not visible."""

    provider: str | None = None
    pooled: bool | None = None
    pool_mode: str | None = None
    replica: bool | None = None
    branch: str | None = None
    role: str | None = None
    region: str | None = None
    certificates: Certificates | None = None
