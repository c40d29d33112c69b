"""Clever Cloud. Its direct host bypasses a network proxy, not a pooler; Pgpool-II is a socket in the app."""

from envconn.providers.record import Provider

CLEVER_CLOUD = Provider(
    name="clever-cloud",
    title="Clever Cloud",
    hosts=(r"[a-z0-9]+-postgresql\.services\.clever-cloud\.com",),
    pooled=False,
    siblings={
        "pooled": "Pgpool-II runs next to the app if CC_ENABLE_PGPOOL=true, with its socket at "
        "CC_PGPOOL_SOCKET_PATH. Set DATABASE_CONNECTION_POOL_URL to that socket",
        "replica": "a replica is a separate add-on. Set DATABASE_REPLICA_URL to its URI",
    },
    enforces_tls=False,
    source="Clever Cloud documentation: environment variables reference, postgresql; hosts from public repositories",
    checked="2026-08-21",
)

RECORDS = (CLEVER_CLOUD,)
