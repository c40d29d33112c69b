"""The table of providers: an entry for each, and the records that other packages register.

The file with a provider's records is imported for the first host that matches one of its keys.
"""

from __future__ import annotations

import os
import re
import sys
from functools import cache
from importlib import import_module

from envconn.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from envconn.providers.record import Provider


class Variable(Record):
    """An environment variable that holds a connection string.

    `role` says which endpoint of the default database it is: ``default``, or a sibling:
    ``pooled``, ``direct``, ``replica``, ``private``, ``public``. `family` is the family of
    the service. `proves` is the provider that the name alone identifies, if the host
    does not: ``DATABASE_URL_UNPOOLED`` may be any provider's, ``SCALINGO_POSTGRESQL_URL`` is not. `parts`: it
    holds the host, and other variables the rest.
    """

    name: str
    role: str = "default"
    family: str = "postgresql"
    proves: str = ""
    parts: bool = False


class Entry(Record):
    """One provider: the keys of the records in its file, and the variables that it sets.

    A key is a domain that hosts end in, a whole name without dots, the first directory of sockets
    (``/cloudsql``), or the part of a name without dots up to and including its first hyphen (``dpg-``).
    """

    keys: tuple[str, ...]
    variables: tuple[Variable, ...] = ()


TABLE: Mapping[str, Entry] = {
    "scalingo": Entry(
        keys=(
            "scalingo-dbs.com",
            "dbs.scalingo.com",
        ),
        variables=(
            Variable("SCALINGO_POSTGRESQL_URL", proves="scalingo"),
            Variable("SCALINGO_POSTGRESQL_ALCHEMY_URL", proves="scalingo"),
            Variable("SCALINGO_POSTGRESQL_PUBLIC_RW_URL", "public", proves="scalingo"),
            Variable("SCALINGO_POSTGRESQL_PRIVATE_PEERING_RW_URL", "private", proves="scalingo"),
            Variable("SCALINGO_REDIS_URL", family="redis", proves="scalingo"),
        ),
    ),
    "planetscale": Entry(
        keys=("psdb.cloud",),
    ),
    "neon": Entry(
        keys=(
            "neon.tech",
            "neon.build",
            "cloud.databricks.com",
            "vercel-storage.com",
        ),
        variables=(
            Variable("DATABASE_URL_UNPOOLED", "direct"),
            Variable("POSTGRES_URL"),
            Variable("POSTGRES_PRISMA_URL"),
            Variable("POSTGRES_URL_NO_SSL"),
            Variable("POSTGRES_URL_NON_POOLING", "direct"),
        ),
    ),
    "aiven": Entry(
        keys=("aivencloud.com",),
    ),
    "aws": Entry(
        keys=(
            "rds.amazonaws.com",
            "rds.amazonaws.com.cn",
            "cache.amazonaws.com",
        ),
        variables=(Variable("RDS_HOSTNAME", proves="aws-rds", parts=True),),
    ),
    "azure": Entry(
        keys=(
            "postgres.database.azure.com",
            "redis.cache.windows.net",
        ),
        variables=(
            Variable("AZURE_POSTGRESQL_CONNECTIONSTRING", proves="azure"),
            Variable("AZURE_POSTGRESQL_HOST", proves="azure", parts=True),
            Variable("AZURE_REDIS_CONNECTIONSTRING", family="redis", proves="azure-redis"),
        ),
    ),
    "clever_cloud": Entry(
        keys=("services.clever-cloud.com",),
        variables=(
            Variable("POSTGRESQL_ADDON_URI", proves="clever-cloud"),
            Variable("POSTGRESQL_ADDON_HOST", proves="clever-cloud", parts=True),
            Variable("POSTGRESQL_ADDON_DIRECT_HOST", "direct", proves="clever-cloud", parts=True),
        ),
    ),
    "cloudamqp": Entry(
        keys=("cloudamqp.com",),
        variables=(Variable("CLOUDAMQP_URL", family="amqp", proves="cloudamqp"),),
    ),
    "cockroachdb": Entry(
        keys=("cockroachlabs.cloud",),
    ),
    "crunchy_bridge": Entry(
        keys=("postgresbridge.com",),
    ),
    "digitalocean": Entry(
        keys=("db.ondigitalocean.com",),
    ),
    "fly": Entry(
        keys=(
            "flympg.net",
            "flycast",
            "internal",
            "fly.dev",
        ),
        variables=(Variable("DIRECT_DATABASE_URL", "direct"),),
    ),
    "gcp_cloudsql": Entry(
        keys=("/cloudsql",),
    ),
    "heroku": Entry(
        keys=(
            "compute-1.amazonaws.com",
            "compute.amazonaws.com",
        ),
        variables=(
            Variable("DATABASE_CONNECTION_POOL_URL", "pooled"),
            Variable("REDIS_TLS_URL", family="redis"),
        ),
    ),
    "local": Entry(
        keys=(
            "localhost",
            "127.0.0.1",
            "::1",
        ),
    ),
    "prisma_postgres": Entry(
        keys=("prisma.io",),
    ),
    "railway": Entry(
        keys=(
            "railway.internal",
            "proxy.rlwy.net",
        ),
        variables=(
            Variable("DATABASE_PUBLIC_URL", "public"),
            Variable("DATABASE_UNPOOLED_URL", "direct"),
            Variable("DATABASE_PUBLIC_UNPOOLED_URL", "direct"),
            Variable("REDIS_PUBLIC_URL", "public", family="redis"),
        ),
    ),
    "render": Entry(
        keys=(
            "render.com",
            "dpg-",
            "red-",
        ),
    ),
    "supabase": Entry(
        keys=(
            "supabase.co",
            "pooler.supabase.com",
        ),
        variables=(Variable("DIRECT_URL", "direct"),),
    ),
    "tiger_cloud": Entry(
        keys=(
            "cloud.timescale.com",
            "forge.timescale.com",
            "timescaledb.io",
        ),
        variables=(Variable("TIMESCALE_SERVICE_URL", proves="tiger-cloud"),),
    ),
    "upstash": Entry(
        keys=("upstash.io",),
        variables=(
            Variable("UPSTASH_REDIS_URL", family="redis", proves="upstash"),
            Variable("KV_URL", family="redis"),
        ),
    ),
    "upsun": Entry(
        keys=("internal",),
    ),
    "xata_lite": Entry(
        keys=("sql.xata.sh",),
    ),
    "yugabytedb": Entry(
        keys=("ybdb.io",),
    ),
}
"""By the module in this package that holds the records, as ``RECORDS``. Of two files with the same key, the first is
used first."""

VARIABLES = (
    *(variable for entry in TABLE.values() for variable in entry.variables),
    Variable("DATABASE_REPLICA_URL", "replica"),
)
"""Every variable of the table, and those that belong to no provider."""


def names_replicas(variable: str) -> bool:
    """Whether a variable of that name holds several replicas, or one of several."""
    return "REPLICA" in variable and re.fullmatch(_REPLICAS, variable) is not None


_REPLICAS = r"DATABASE_REPLICA_URLS|DATABASE_URL_REPLICA_[0-9]+|DATABASE_REPLICA(?:_URL)?_[0-9]+(?:_URL)?"


def records_under(key: str) -> Iterator[Provider]:
    """Yield the records with the key `key`."""
    for module in _INDEX.get(key, ()):
        yield from records(module)


@cache
def records(module: str) -> tuple[Provider, ...]:
    """Return the records in the file `module`."""
    found: tuple[Provider, ...] = import_module(f"envconn.providers.{module}").RECORDS
    return found


def all_providers() -> tuple[Provider, ...]:
    """Return all records of envconn. Records share a name if one provider has several kinds of hosts."""
    return tuple(record for module in TABLE for record in records(module))


def provider_named(name: str, family: str | None = None) -> Provider | None:
    """Return the first record called `name`, also of registered ones; of `family` if there is one."""
    found = [provider for provider in (*all_providers(), *registered()) if provider.name == name]
    return next((provider for provider in found if family in provider.families), next(iter(found), None))


def by_variable(names: Iterable[str]) -> str | None:
    """Return the provider that one of the variables `names` proves."""
    return next((_PROVEN[name] for name in names if name in _PROVEN), None)


def by_password(password: str, family: str) -> str | None:
    """Return the provider of `family` whose passwords begin as this one does, and so identify it behind any name."""
    found = next((names for begin, names in _PASSWORDS.items() if password.startswith(begin)), _NONE)
    return found.get(family)


_NONE: Mapping[str, str] = {}
_PASSWORDS: Mapping[str, Mapping[str, str]] = {
    "pscale_pw_": {"postgresql": "planetscale", "mysql": "planetscale-vitess"},
}


def role(variable: str) -> str | None:
    """Return the role of `variable`, also of a named database's (``ANALYTICS_DIRECT_URL``); `None` for ``default``."""
    if names_replicas(variable):
        return "replica"
    while variable:
        if variable in _ROLES:
            return _ROLES[variable]
        variable = variable.partition("_")[2]
    return None


def _index() -> Mapping[str, tuple[str, ...]]:
    index: dict[str, tuple[str, ...]] = {}
    for module, entry in TABLE.items():
        for key in entry.keys:
            index[key] = (*index.get(key, ()), module)
    return index


_INDEX = _index()
_ROLES = {variable.name: variable.role for variable in VARIABLES if variable.role != "default"}
_PROVEN = {variable.name: variable.proves for variable in VARIABLES if variable.proves}


GROUP = "envconn.providers"
"""The entry point group. Each entry point loads one `Provider`."""


@cache
def registered() -> tuple[Provider, ...]:
    """Return the registered records. They are loaded once, for the first host that no record of envconn matches."""
    if not _is_group_mentioned(sys.path):
        return ()
    from importlib.metadata import entry_points

    return tuple(point.load() for point in entry_points(group=GROUP))


def _is_group_mentioned(path: Iterable[str]) -> bool:
    """Whether any distribution on `path` mentions the group; ten times as fast as importlib.metadata."""
    return any(
        _mentions_group(f"{folder or '.'}/{name}/entry_points.txt")
        for folder in path
        for name in _listed(folder or ".")
        if name.endswith((".dist-info", ".egg-info"))
    )


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _mentions_group(path: str) -> bool:
    try:
        # Most distributions have no such file, which `open` takes much longer to find out.
        with open(os.open(path, os.O_RDONLY), "rb") as stream:
            return f"[{GROUP}]".encode() in stream.read()
    except OSError:
        return False
