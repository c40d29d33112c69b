"""The table of records, and its indexes."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from envconn.providers.aiven import AIVEN, AIVEN_REDIS
from envconn.providers.aws import AWS_AURORA, AWS_ELASTICACHE, AWS_RDS, AWS_RDS_PROXY
from envconn.providers.azure import AZURE, AZURE_REDIS
from envconn.providers.clever_cloud import CLEVER_CLOUD
from envconn.providers.cloudamqp import CLOUDAMQP
from envconn.providers.cockroachdb import COCKROACHDB
from envconn.providers.crunchy_bridge import CRUNCHY_BRIDGE
from envconn.providers.digitalocean import DIGITALOCEAN, DIGITALOCEAN_REDIS
from envconn.providers.fly import FLY_EXTERNAL, FLY_LEGACY, FLY_MEMBER, FLY_MPG
from envconn.providers.gcp_cloudsql import GCP_CLOUDSQL
from envconn.providers.heroku import HEROKU, HEROKU_POOL, HEROKU_REDIS
from envconn.providers.local import LOCAL
from envconn.providers.neon import LAKEBASE, NEON, NEON_TIME_TRAVEL, VERCEL_POSTGRES
from envconn.providers.planetscale import PLANETSCALE
from envconn.providers.planetscale_vitess import PLANETSCALE_VITESS
from envconn.providers.prisma_postgres import PRISMA_POSTGRES
from envconn.providers.railway import RAILWAY, RAILWAY_REDIS
from envconn.providers.render import RENDER, RENDER_INTERNAL, RENDER_REDIS, RENDER_REDIS_INTERNAL
from envconn.providers.scalingo import SCALINGO, SCALINGO_REDIS
from envconn.providers.supabase import SUPABASE, SUPABASE_POOLER
from envconn.providers.tiger_cloud import TIGER_CLOUD
from envconn.providers.upstash import UPSTASH, UPSTASH_FLY
from envconn.providers.upsun import UPSUN
from envconn.providers.xata_lite import XATA_LITE
from envconn.providers.yugabytedb import YUGABYTEDB

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from envconn.providers.record import Provider

__all__ = ["PROVIDERS", "by_variable", "foreign", "keyed", "named", "role"]

GROUP = "envconn.providers"
"""The entry point group in which other distributions register records."""

PROVIDERS: tuple[Provider, ...] = (
    SCALINGO,
    SCALINGO_REDIS,
    PLANETSCALE,
    NEON,
    NEON_TIME_TRAVEL,
    LAKEBASE,
    VERCEL_POSTGRES,
    PLANETSCALE_VITESS,
    *(AIVEN, AIVEN_REDIS),
    *(AWS_RDS, AWS_AURORA, AWS_RDS_PROXY, AWS_ELASTICACHE),
    *(AZURE, AZURE_REDIS),
    CLEVER_CLOUD,
    CLOUDAMQP,
    COCKROACHDB,
    CRUNCHY_BRIDGE,
    *(DIGITALOCEAN, DIGITALOCEAN_REDIS),
    *(FLY_MPG, FLY_LEGACY, FLY_MEMBER, FLY_EXTERNAL),
    GCP_CLOUDSQL,
    *(HEROKU, HEROKU_POOL, HEROKU_REDIS),
    LOCAL,
    PRISMA_POSTGRES,
    *(RAILWAY, RAILWAY_REDIS),
    *(RENDER, RENDER_INTERNAL, RENDER_REDIS, RENDER_REDIS_INTERNAL),
    *(SUPABASE, SUPABASE_POOLER),
    TIGER_CLOUD,
    *(UPSTASH_FLY, UPSTASH),
    UPSUN,
    XATA_LITE,
    YUGABYTEDB,
)
"""Every record that comes with envconn. Records share a name where one provider has several kinds of hosts.

Of two that a host could mean, the first in this table is asked first.
"""


def keyed(key: str) -> tuple[Provider, ...]:
    """Return the records that stand under `key`."""
    return _INDEX.get(key, ())


def named(name: str, kind: str | None = None) -> Provider | None:
    """Return the first record called `name`, registered ones included; of `kind` if there is one."""
    found = [provider for provider in PROVIDERS if provider.name == name]
    found = found or [provider for provider in foreign() if provider.name == name]
    return next((provider for provider in found if kind in provider.kinds), next(iter(found), None))


def by_variable(names: Iterable[str]) -> str | None:
    """Return the provider whose name one of the variables `names` begins with (``SCALINGO_POSTGRESQL_URL``)."""
    return next((_OWNERS[name] for name in names if name in _OWNERS), None)


def role(variable: str) -> str | None:
    """Return the role of `variable`, also of a named database's (``ANALYTICS_DIRECT_URL``); `None` for ``default``."""
    return _ROLES.get(variable) or next((role for name, role in _ROLES.items() if variable.endswith(f"_{name}")), None)


@cache
def foreign() -> tuple[Provider, ...]:
    """Return the records that installed distributions register in the entry point group ``envconn.providers``.

    They are looked for once, and only for a host that no record of ours stands for.
    """
    if not _is_group_registered(sys.path):
        return ()
    from importlib.metadata import entry_points

    return tuple(point.load() for point in entry_points(group=GROUP))


def _is_group_registered(path: Iterable[str]) -> bool:
    """Whether any distribution on `path` mentions the group. Looking takes a tenth of what importlib.metadata does."""
    for folder in path:
        with suppress(OSError), os.scandir(folder or ".") as entries:
            for entry in entries:
                if entry.name.endswith((".dist-info", ".egg-info")) and _mentions_group(entry.path):
                    return True
    return False


def _mentions_group(folder: str) -> bool:
    try:
        with open(os.path.join(folder, "entry_points.txt"), "rb") as stream:
            return f"[{GROUP}]".encode() in stream.read()
    except OSError:
        return False


def _index() -> Mapping[str, tuple[Provider, ...]]:
    index: dict[str, tuple[Provider, ...]] = {}
    for provider in PROVIDERS:
        for key in provider.keys:
            index[key] = (*index.get(key, ()), provider)
    return index


_INDEX = _index()
_ROLES = {"DIRECT_URL": "direct", "DIRECT_DATABASE_URL": "direct", "DATABASE_REPLICA_URL": "replica"} | {
    variable.name: variable.role
    for provider in PROVIDERS
    for variable in provider.variables
    if variable.role != "default"
}
# A name proves its provider when it says so itself, or the record does; DATABASE_URL_UNPOOLED may be anybody's.
_OWNERS = {
    variable.name: provider.name
    for provider in PROVIDERS
    for variable in provider.variables
    if variable.proves or variable.name.startswith(provider.name.upper())
}
