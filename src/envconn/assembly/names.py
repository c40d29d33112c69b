"""Which variable means which service, and in which order they are believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envconn.assembly.parts import FAMILIES
from envconn.providers import PROVIDERS
from envconn.tls.policy import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envconn.sources import Environment

__all__ = ["DEFAULTS", "OVERRULED", "SIBLINGS", "is_read", "misspelt", "named"]

_FIRST = ("SCALINGO_POSTGRESQL_URL", "DATABASE_URL")
_GENERIC = ("POSTGRESQL_URL", "PG_URL")

DEFAULTS = tuple(
    dict.fromkeys(
        (
            *_FIRST,
            *(variable.name for provider in PROVIDERS for variable in provider.variables if variable.role == "default"),
            *_GENERIC,
        )
    )
)
"""The variables that name the default database, the most believed first."""

SIBLINGS = {
    "DIRECT_URL": "direct",
    "DIRECT_DATABASE_URL": "direct",
    "DATABASE_UNPOOLED_URL": "direct",
    "DATABASE_CONNECTION_POOL_URL": "pooled",
    "DATABASE_REPLICA_URL": "replica",
} | {
    variable.name: variable.role
    for provider in PROVIDERS
    for variable in provider.variables
    if variable.role != "default"
}
"""The variables that name another endpoint of the default database: ``direct``, ``pooled`` or ``replica``."""

OVERRULED = (
    "PGHOST",
    "PGHOSTADDR",
    "PGPORT",
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGSSLCERT",
    "PGSSLKEY",
    "PGSSLCRL",
    "PGSSLCRLDIR",
    "PGSSLNEGOTIATION",
    "PGSSLMINPROTOCOLVERSION",
    "PGSSLMAXPROTOCOLVERSION",
    "PGREQUIRESSL",
    "PGCHANNELBINDING",
    "PGREQUIREAUTH",
    "PGGSSENCMODE",
    "PGTARGETSESSIONATTRS",
    "PGOPTIONS",
)
"""Variables that libpq would let decide where a connection string is silent; reported, without effect."""

_READ = {*DEFAULTS, *SIBLINGS, *OVERRULED, *VARIABLES, *(name for family in FAMILIES.values() for name in family)}
_SUFFIX = "_DATABASE_URL"


def named(environment: Environment) -> Iterator[tuple[str, str]]:
    """Yield (service, variable) for every ``<NAME>_DATABASE_URL``; the service is ``<name>`` in lower case."""
    known = {*DEFAULTS, *SIBLINGS}
    variables = {name.removesuffix("_FILE") for name in environment.names() if _SUFFIX in name}
    for variable in sorted(variables - known):
        service = variable.removesuffix(_SUFFIX).lower()
        if variable.endswith(_SUFFIX) and service:
            yield service, variable


def misspelt(environment: Environment) -> str | None:
    """Return a variable that differs from a known one in case only (``database_url``), if there is one."""
    known = set(DEFAULTS)
    return next((name for name in environment.names() if name not in known and name.upper() in known), None)


def is_read(name: str) -> bool:
    """Whether `name` is a variable that is read, or would be under another configuration; upper case."""
    plain = name.removesuffix("_FILE")
    return plain in _READ or plain.endswith(_SUFFIX) or plain.startswith("ENVCONN_")
