"""Which services Celery uses: the broker, and the place where results go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from envconn.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envconn.tls import SecuredConnection

__all__ = ["Result", "choose"]

Result = Literal["auto", "cache", "database"]
"""Where results go; ``auto`` is the cache if there is one, else the default database, else nowhere."""

_SERVICES: dict[Result | None, tuple[str, ...]] = {
    "auto": ("cache", "database"),
    "cache": ("cache",),
    "database": ("database",),
    None: (),
}
_VARIABLES = {"cache": "CACHE_URL", "database": "DATABASE_URL"}


def choose(
    services: Mapping[str, SecuredConnection], result: Result | None
) -> tuple[SecuredConnection, SecuredConnection | None]:
    """Return the broker among `services`, and the place of results, or `None` where they go nowhere.

    Raises:
        ConfigurationError: there is no broker, or not the service that `result` names.
    """
    found = [services[name] for name in _SERVICES[result] if name in services]
    if "broker" not in services:
        raise ConfigurationError([Problem("broker-missing", "BROKER_URL", "no broker is configured; set it")])
    if result in _VARIABLES and not found:
        raise ConfigurationError([Problem("result-missing", _VARIABLES[result], "results are to go there; set it")])
    return services["broker"], next(iter(found), None)
