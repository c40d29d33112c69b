"""The providers that can be asked: what they are called, where their API is, and which arguments they take."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from envconn.remote import casedev, neon, planetscale, scalingo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from envconn.remote.session import Session
    from envconn.remote.wish import Found, Wish

__all__ = ["PROVIDERS", "Service"]


class Service(NamedTuple):
    """One API.

    `fetch` asks it. `authorization` makes the header field of the texts in the variables `tokens`, of which the
    secret one is the last; where there is an `exchange`, that field is for the API at `auth`, which gives the one
    that counts. `record` is the name of the provider's record where all that it hands out is its own.
    `base` is the address of the API, which the variable `address` replaces; it may name the ``region``.
    `required` and `optional` are arguments of `get_connection`.
    """

    title: str
    fetch: Callable[[Session, Wish], Found]
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


PROVIDERS: Mapping[str, Service] = MappingProxyType(
    {
        "casedev": Service(
            title="case.dev",
            fetch=casedev.fetch,
            authorization=casedev.authorization,
            record=None,
            tokens=("CASEDEV_API_KEY",),
            address="ENVCONN_CASEDEV_API",
            base="https://api.case.dev/database/v1",
            required=("project",),
            optional=("branch", "pooled"),
        ),
        "neon": Service(
            title="Neon",
            fetch=neon.fetch,
            authorization=neon.authorization,
            record="neon",
            tokens=("NEON_API_KEY",),
            address="ENVCONN_NEON_API",
            base="https://console.neon.tech/api/v2",
            required=("project", "database", "role"),
            optional=("branch", "endpoint", "pooled"),
        ),
        "planetscale": Service(
            title="PlanetScale",
            fetch=planetscale.fetch,
            authorization=planetscale.authorization,
            record="planetscale",
            tokens=("PLANETSCALE_SERVICE_TOKEN_ID", "PLANETSCALE_SERVICE_TOKEN"),
            address="ENVCONN_PLANETSCALE_API",
            base="https://api.planetscale.com/v1",
            required=("organization", "database", "role"),
            optional=("branch", "pooled", "create", "reset", "ttl", "inherit"),
        ),
        "scalingo": Service(
            title="Scalingo",
            fetch=scalingo.fetch,
            authorization=scalingo.authorization,
            record="scalingo",
            tokens=("SCALINGO_API_TOKEN",),
            address="ENVCONN_SCALINGO_API",
            base="https://api.{region}.scalingo.com/v1",
            required=("app",),
            optional=("variable", "endpoint", "database", "region"),
            exchange=scalingo.exchange,
            auth="https://auth.scalingo.com/v1",
            auth_address="ENVCONN_SCALINGO_AUTH_API",
        ),
    }
)
"""The APIs by the name that `get_connection` and ``envconn fetch`` take."""
