"""Tiger Cloud (Timescale), and the older Managed Service for TimescaleDB. Poolers have ports of their own."""

from envconn.providers.record import Certificates, Pooler, Provider

TIGER_CLOUD = Provider(
    name="tiger-cloud",
    title="Tiger Cloud",
    hosts=(
        r"[a-z0-9]{10}\.[a-z0-9]{10}\.tsdb\.(?:cloud|forge)\.timescale\.com",
        r"[a-z0-9-]+\.(?:a\.)?timescaledb\.io",
    ),
    pool_mode="transaction",
    pooler=Pooler(prepared_statements=False),
    siblings={
        "direct": "the pooler and the service have different ports. Copy the service URL into DIRECT_URL",
        "pooled": "the pooler's port is only in the console. Copy its URL into DATABASE_CONNECTION_POOL_URL",
        "replica": "a read replica is a separate service. Set DATABASE_REPLICA_URL to its URL",
    },
    certificates=Certificates(
        sslmode="verify-full",
        ca="system",
        remedy="Use sslmode=verify-full&sslrootcert=system: the CA is a public one",
    ),
    enforces_tls=True,
    source="Tiger Data documentation: connecting, connection pooling; public repositories",
    checked="2026-08-21",
)

RECORDS = (TIGER_CLOUD,)
