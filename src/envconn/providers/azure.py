"""Azure: Database for PostgreSQL (flexible server, with its own PgBouncer), and Cache for Redis."""

from envconn.providers.record import Certificates, Pooler, Provider, Rewrite

_CERTIFICATES = Certificates(
    sslmode="verify-full", ca="system", remedy="Use sslmode=verify-full&sslrootcert=system: the CA is a public one"
)

AZURE = Provider(
    name="azure",
    title="Azure Database for PostgreSQL",
    hosts=(r"[a-z0-9-]+\.(?:(?:private|writer|reader)\.)?postgres\.database\.azure\.com",),
    users=r"(?P<role>[^@]+)(?:@[a-z0-9-]+)?",
    ports={5432: "direct", 6432: "transaction"},
    pool_mode="transaction",
    cloud="azure",
    pooler=Pooler(prepared_statements=False),
    siblings={
        "direct": Rewrite(port=5432),
        "pooled": Rewrite(port=6432),
        "replica": "a replica has its own host. Set DATABASE_REPLICA_URL to its URL, or to a reader endpoint",
    },
    certificates=_CERTIFICATES,
    source="public repositories; built-in PgBouncer of the flexible server",
    checked="2026-08-21",
)
"""Single servers, now retired, wrote users as ``name@server``."""

AZURE_REDIS = Provider(
    name="azure-redis",
    title="Azure Cache for Redis",
    families=("redis",),
    hosts=(r"[a-z0-9-]+\.redis\.cache\.windows\.net",),
    cloud="azure",
    certificates=Certificates(
        sslmode="verify-full",
        ca="system",
        remedy="Use rediss:// and the system's CAs: the CA is a public one",
    ),
    source="general knowledge, not confirmed",
    checked="2026-08-21",
)

RECORDS = (AZURE, AZURE_REDIS)
