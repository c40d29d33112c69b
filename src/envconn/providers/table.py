"""The table of records, and its indexes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from envconn.providers.neon import LAKEBASE, NEON, NEON_TIME_TRAVEL, VERCEL_POSTGRES
from envconn.providers.planetscale import PLANETSCALE
from envconn.providers.scalingo import SCALINGO, SCALINGO_REDIS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from envconn.providers.record import Provider

__all__ = ["PROVIDERS", "by_variable", "foreign", "keyed", "named", "role"]

PROVIDERS: tuple[Provider, ...] = (
    SCALINGO,
    SCALINGO_REDIS,
    PLANETSCALE,
    NEON,
    NEON_TIME_TRAVEL,
    LAKEBASE,
    VERCEL_POSTGRES,
)
"""Every record that comes with envconn. Two records may share a name where one provider has two kinds of hosts."""


def keyed(key: str) -> tuple[Provider, ...]:
    """Return the records that stand under `key`."""
    return _INDEX.get(key, ())


def named(name: str, kind: str | None = None) -> Provider | None:
    """Return the first record called `name`, registered ones included; of `kind` if there is one."""
    found = [provider for records in (PROVIDERS, foreign()) for provider in records if provider.name == name]
    return next((provider for provider in found if kind in provider.kinds), next(iter(found), None))


def by_variable(names: Iterable[str]) -> str | None:
    """Return the provider whose name one of the variables `names` begins with (``SCALINGO_POSTGRESQL_URL``)."""
    return next((_OWNERS[name] for name in names if name in _OWNERS), None)


def role(variable: str) -> str | None:
    """Return the role that some record gives to `variable`, or `None` when it has none beside ``default``."""
    return _ROLES.get(variable)


@cache
def foreign() -> tuple[Provider, ...]:
    """Return the records that installed distributions register in the entry point group ``envconn.providers``.

    They are looked for once, and only for a host that no record of ours stands for.
    """
    from importlib.metadata import entry_points

    return tuple(point.load() for point in entry_points(group="envconn.providers"))


def _index() -> Mapping[str, tuple[Provider, ...]]:
    index: dict[str, tuple[Provider, ...]] = {}
    for provider in PROVIDERS:
        for key in provider.keys:
            index[key] = (*index.get(key, ()), provider)
    return index


_INDEX = _index()
_ROLES = {
    variable.name: variable.role
    for provider in PROVIDERS
    for variable in provider.variables
    if variable.role != "default"
}
# A name proves its provider when it says so itself; DATABASE_URL_UNPOOLED may be anybody's.
_OWNERS = {
    variable.name: provider.name
    for provider in PROVIDERS
    for variable in provider.variables
    if variable.name.startswith(provider.name.upper())
}
