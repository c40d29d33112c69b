"""Aiven: PostgreSQL and Valkey. Every service, and PgBouncer beside it, has a random port of its own."""

from envconn.providers.record import Certificates, Pooler, Provider, Rewrite

_CERTIFICATES = Certificates(
    sslmode="verify-full",
    ca="",
    remedy=("Download the project's CA from the console, and name the file in DATABASE_CA_CERT"),
)
_NAME = r"[a-z0-9-]+-[a-z0-9-]+\.(?:[a-z]\.)?aivencloud\.com"

AIVEN = Provider(
    name="aiven",
    title="Aiven for PostgreSQL",
    hosts=(rf"(?P<replica>replica-)?{_NAME}",),
    pool_mode="transaction",
    replica=False,
    pooler=Pooler(prepared_statements=False),
    siblings={
        "direct": "a pool has its own port and name. Copy the service URI into DIRECT_URL",
        "pooled": "a pool has its own port and name. Copy its URI into DATABASE_CONNECTION_POOL_URL",
        "replica": Rewrite(host=(r"^(?:replica-)?", "replica-")),
        "primary": Rewrite(host=(r"^replica-", "")),
    },
    certificates=_CERTIFICATES,
    enforces_tls=True,
    source="Aiven documentation: products/postgresql, connection pooling, failover; TLS certificates",
    checked="2026-08-21",
)
"""The replica's name exists where the service has a standby."""

AIVEN_REDIS = Provider(
    name="aiven",
    title="Aiven for Valkey",
    families=("redis",),
    hosts=(_NAME,),
    certificates=_CERTIFICATES,
    enforces_tls=True,
    source="Aiven documentation: Valkey, TLS certificates",
    checked="2026-08-21",
)

RECORDS = (AIVEN, AIVEN_REDIS)
