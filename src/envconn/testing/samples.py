"""`sample`: an environment as a platform makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import envconn
from envconn.testing.platforms import PLATFORMS
from envconn.tls.uri import authority, userinfo

if TYPE_CHECKING:
    from envconn import SecuredConnection

__all__ = ["providers", "sample"]

_REPLICA = "DATABASE_REPLICA_URL"


def providers() -> tuple[str, ...]:
    """Return the names that `sample` knows.

    They are those of ``connection.provider``, and ``cloud-foundry``, whose services are anybody's.
    """
    return tuple(sorted(PLATFORMS))


def sample(provider: str, *, pooled: bool | None = None, replica: bool | None = None) -> dict[str, str]:
    """Return the variables that `provider` sets, or has people set, with credentials that open nothing.

    ``envconn.load(environ, dotenv=None)`` takes them as they are, and its ``connection(pooled=pooled)`` and
    ``connection(replica=replica)`` are what was asked for: in the usual variable where that may hold either, in one
    of its own beside it where the platform has one. `None` is for what there is without asking.

    Raises:
        EndpointUnavailable: the provider has no such endpoint; the text says what there is instead.
        ValueError: there is no sample of that name.
    """
    if provider not in PLATFORMS:
        raise ValueError("there is no sample of that name; envconn.testing.providers() returns those that there are")
    platform = PLATFORMS[provider]
    environ = dict(platform.environ)
    for wish, variables in ((pooled, platform.pooled), (replica, platform.replica)):
        environ |= variables if wish else {}
    service = next(iter(envconn.load(environ, dotenv=None).values()))
    holder = (service.variable, *service.origin.via)[-1]
    for variable, endpoint in (
        (_REPLICA, service.endpoint(replica=replica)),
        (holder, service.endpoint(pooled=pooled)),
    ):
        if endpoint not in (service, *service.siblings):
            environ[variable] = _leading_to(endpoint, environ[holder])
    return environ


def _leading_to(endpoint: SecuredConnection, text: str) -> str:
    """Return the URL `text` with the address of `endpoint`, which a provider's rule has derived from it."""
    return urlsplit(text)._replace(netloc=userinfo(endpoint) + authority(endpoint.hosts[0])).geturl()
