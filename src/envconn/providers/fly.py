"""Fly.io: Managed Postgres, and the unmanaged Postgres apps that came before it.

For unmanaged apps, ``<app>.internal`` alone is no evidence: Railway, Upsun and
many companies use that domain as well.
"""

from envconn.providers.record import Pooler, Provider, Rewrite

FLY_MPG = Provider(
    name="fly-mpg",
    title="Fly.io Managed Postgres",
    hosts=(r"(?P<mode>pgbouncer|direct)\.[a-z0-9]+\.flympg\.net",),
    modes={"pgbouncer": "session", "direct": "direct"},
    pool_mode="session",
    replica=False,
    pooler=Pooler(prepared_statements=False),
    siblings={
        "direct": Rewrite(host=(r"^pgbouncer\.", "direct.")),
        "pooled": Rewrite(host=(r"^direct\.", "pgbouncer.")),
        "replica": "a managed cluster has no replica endpoint. Set DATABASE_REPLICA_URL to a replica that you run",
    },
    private=True,
    notes=("pools by session, unless the cluster is set to transaction mode. Then set ENVCONN_POOL_MODE=transaction",),
    source="Fly.io documentation: mpg/client-configuration, cluster-configuration",
    checked="2026-08-21",
)

_NEAREST = (r"^(?:top[0-9]+\.nearest\.of\.)?([a-z0-9-]+)\.(?:flycast|internal)$", r"top1.nearest.of.\1.internal")
_NO_POOLER = "unmanaged Postgres has no pooler. Set DATABASE_CONNECTION_POOL_URL to a PgBouncer that you run"
_SOURCE = "Fly.io documentation: postgres"

FLY_LEGACY = Provider(
    name="fly-legacy",
    title="Fly.io Postgres (unmanaged)",
    hosts=(r"[a-z0-9-]+\.flycast", r"top[0-9]+\.nearest\.of\.[a-z0-9-]+\.internal"),
    on_ports=(5432,),
    ports={5432: "direct"},
    replica=False,
    siblings={"pooled": _NO_POOLER, "replica": Rewrite(host=_NEAREST, port=5433)},
    enforces_tls=False,
    private=True,
    source=_SOURCE,
    checked="2026-08-21",
)
"""Port 5432 is a proxy that leads to the leader."""

FLY_MEMBER = Provider(
    name="fly-legacy",
    title="Fly.io Postgres (one member)",
    hosts=(r"(?P<replica>top[0-9]+\.nearest\.of\.)[a-z0-9-]+\.internal", r"[a-z0-9-]+\.flycast"),
    ports={5433: "direct"},
    siblings={
        "pooled": _NO_POOLER,
        "replica": Rewrite(host=_NEAREST),
        "primary": Rewrite(host=(r"^top[0-9]+\.nearest\.of\.([a-z0-9-]+)\.internal$", r"\1.flycast"), port=5432),
    },
    enforces_tls=False,
    private=True,
    source=_SOURCE,
    checked="2026-08-21",
)
"""Port 5433 is a member itself: the nearest one is for reading, but in the leader's region it is the leader."""

FLY_EXTERNAL = Provider(
    name="fly-legacy",
    title="Fly.io Postgres (unmanaged, from outside)",
    hosts=(r"[a-z0-9-]+\.fly\.dev",),
    ports={5432: "direct"},
    replica=False,
    siblings={
        "pooled": _NO_POOLER,
        "replica": "replicas are only in the private network. Connect from there, or set DATABASE_REPLICA_URL",
    },
    source=_SOURCE,
    checked="2026-08-21",
)

RECORDS = (FLY_MPG, FLY_LEGACY, FLY_MEMBER, FLY_EXTERNAL)
