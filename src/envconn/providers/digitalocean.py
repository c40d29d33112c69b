"""DigitalOcean: Managed PostgreSQL and Valkey.

A pool's name replaces the database's, so neither can be derived from the other.
"""

from envconn.providers.record import Certificates, Pooler, Provider, Rewrite

_NAME = r"[a-z0-9-]+-do-user-[0-9]+-[0-9]+\.(?:[a-z]\.)?db\.ondigitalocean\.com"

DIGITALOCEAN = Provider(
    name="digitalocean",
    title="DigitalOcean Managed PostgreSQL",
    hosts=(rf"(?:private-)?(?P<replica>replica-)?{_NAME}",),
    ports={25060: "direct", 25061: "transaction"},
    pool_mode="transaction",
    pooler=Pooler(prepared_statements=False),
    siblings={
        "direct": "a pool's URL has the pool's name instead of the database's. Bind the database's URL to DIRECT_URL",
        "pooled": "a pool has its own name. Bind the pool's URL to DATABASE_CONNECTION_POOL_URL",
        "replica": Rewrite(host=(r"^(private-)?(?:replica-)?", r"\1replica-")),
        "primary": Rewrite(host=(r"^(private-)?replica-", r"\1")),
    },
    certificates=Certificates(
        sslmode="verify-full",
        ca="",
        remedy="Bind the cluster's CA (${db.CA_CERT}, or its download) to DATABASE_CA_CERT",
    ),
    enforces_tls=True,
    source="public repositories",
    checked="2026-08-21",
)

DIGITALOCEAN_REDIS = Provider(
    name="digitalocean",
    title="DigitalOcean Managed Valkey",
    families=("redis",),
    hosts=(rf"(?:private-)?{_NAME}",),
    certificates=Certificates(
        sslmode="verify-full", ca="system", remedy="Use the system's CAs: the CA is a public one"
    ),
    enforces_tls=True,
    source="public repositories",
    checked="2026-08-21",
)

RECORDS = (DIGITALOCEAN, DIGITALOCEAN_REDIS)
