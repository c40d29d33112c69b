"""What is asked for, and what came of it, in the same words for every provider."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envconn.connection import Secret
    from envconn.tls import SecuredConnection

__all__ = ["Found", "RemoteConnection", "Wish"]


class Wish(NamedTuple):
    """The arguments of `envconn.remote.get_connection` that say which connection is meant."""

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
        """The arguments that ask for something, by name."""
        return {name: value for name, value in self._asdict().items() if value not in (None, False, ())}


class Found(NamedTuple):
    """What a provider answered: the connection's URI, and branch and pooling where it says them besides.

    `expected` is what was asked for and has to show in the URI: ``role``, ``database``, ``endpoint``.
    """

    uri: Secret
    branch: str | None = None
    pooled: bool | None = None
    expected: Mapping[str, str | None] = MappingProxyType({})


class RemoteConnection(NamedTuple):
    """A connection that a provider's API has handed out, judged.

    `connection_uri` is the text as the provider wrote it, or, where its API knows parts only, as they are put
    together here; a `Secret`, so that no log shows it. `branch` is the one that was asked for or answered, `None`
    where that is the provider's default one and it does not say which. `pooled` is whether a pooler answers.
    `connection` is what drivers and integrations take.
    """

    provider: str
    connection_uri: Secret
    branch: str | None
    pooled: bool
    connection: SecuredConnection
