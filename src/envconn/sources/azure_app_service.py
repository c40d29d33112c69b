"""Connection strings of Azure App Service, which are variables with a prefix for their type.

A connection string that is called ``DATABASE_URL`` arrives as ``CUSTOMCONNSTR_DATABASE_URL``.
"""

from __future__ import annotations

from envconn.connection import Origin
from envconn.sources.environment import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from envconn.errors import Finding
    from envconn.sources.environment import Environment, Layer


TYPED = ("POSTGRESQLCONNSTR_", "MYSQLCONNSTR_")
"""The prefixes of each kind of database."""

PREFIXES = (*TYPED, "CUSTOMCONNSTR_")
"""All prefixes, in order of precedence."""


def plain_name(variable: str) -> str:
    """Return the name after the prefix of `variable`, or empty if it has none."""
    return next((variable.removeprefix(prefix) for prefix in PREFIXES if variable.startswith(prefix)), "")


def read(environment: Environment) -> tuple[Layer, ...]:
    """Return the connection strings in `environment` by their names without prefix, one layer for each prefix."""
    return tuple(dict(_plain(environment, prefix)) for prefix in PREFIXES)


def _plain(environment: Environment, prefix: str) -> Iterator[tuple[str, Text | Finding]]:
    for variable in environment.names_with(prefix):
        written = environment.written(variable)
        name = plain_name(variable)
        if isinstance(written, Text) and name:
            origin = Origin(name, "app-service", written.origin.path, None, (variable,), written.origin.env_file)
            yield name, Text(written.text, origin)
        elif written and name:
            yield name, written
