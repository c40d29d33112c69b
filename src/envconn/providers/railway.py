"""Railway: databases behind a TCP proxy, or by a name inside a project's network.

A PgBouncer that is deployed beside the database takes over both URLs, which do not show
it; the ``UNPOOLED`` variables, which exist only then, bypass it.
"""

from envconn.providers.record import Certificates, Pooler, Provider

_CERTIFICATES = Certificates(
    sslmode="require",
    ca="",
    remedy="Use sslmode=require: the server's certificate is self-signed, so there is no CA to verify it with",
)
_SELF_SIGNED = Certificates(
    sslmode="require",
    ca="",
    remedy="the provider's certificates are self-signed and cannot be verified. Set ENVCONN_PROVIDER=railway, or add "
    "ssl_cert_reqs=none",
)
_HOSTS = (r"[a-z0-9-]+\.railway\.internal", r"[a-z0-9-]+\.proxy\.rlwy\.net")

RAILWAY = Provider(
    name="railway",
    title="Railway",
    hosts=_HOSTS,
    pool_mode="transaction",
    replica=False,
    pooler=Pooler(prepared_statements=False),
    siblings={
        "direct": "pooled and direct URLs look alike. Use DATABASE_UNPOOLED_URL or DATABASE_PUBLIC_UNPOOLED_URL, or "
        "set ENVCONN_POOL_MODE=none if no PgBouncer is deployed",
        "pooled": "PgBouncer is a separate service. Deploy one, and use its DATABASE_URL",
        "replica": "a replica is a separate service. Set DATABASE_REPLICA_URL to its URL",
    },
    certificates=_CERTIFICATES,
    enforces_tls=False,
    source="Railway documentation: databases/postgresql, variables/reference",
    checked="2026-08-21",
)

RAILWAY_REDIS = Provider(
    name="railway",
    title="Railway Redis",
    families=("redis",),
    hosts=_HOSTS,
    certificates=_SELF_SIGNED,
    enforces_tls=False,
    source="Railway documentation: variables/reference",
    checked="2026-08-21",
)

RECORDS = (RAILWAY, RAILWAY_REDIS)
