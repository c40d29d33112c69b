"""Crunchy Bridge. PgBouncer answers once the extension crunchy_pooler is installed."""

from envconn.providers.record import Certificates, Pooler, Provider, Rewrite

CRUNCHY_BRIDGE = Provider(
    name="crunchy-bridge",
    title="Crunchy Bridge",
    hosts=(r"p\.[a-z0-9]+\.db\.postgresbridge\.com",),
    ports={5432: "direct", 5431: "transaction"},
    pool_mode="transaction",
    pooler=Pooler(prepared_statements=False),
    siblings={
        "direct": Rewrite(port=5432),
        "pooled": Rewrite(port=5431),
        "replica": "a replica has its own host. Set DATABASE_REPLICA_URL to its URL",
    },
    certificates=Certificates(
        sslmode="verify-full",
        ca="",
        remedy=("Download the team's CA from the dashboard, and name the file in DATABASE_CA_CERT"),
    ),
    enforces_tls=True,
    source="public repositories; the pooler's port is general knowledge",
    checked="2026-08-21",
)

RECORDS = (CRUNCHY_BRIDGE,)
