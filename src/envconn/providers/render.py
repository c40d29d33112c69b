"""Render: Postgres and Key Value, each with an external name and, inside a region's network, a bare one."""

from envconn.providers.record import Certificates, Provider

_CERTIFICATES = Certificates(
    sslmode="verify-full", ca="system", remedy="Use sslmode=verify-full&sslrootcert=system: the CA is a public one"
)
_REGION = r"(?P<region>oregon|ohio|virginia|frankfurt|singapore)"
_SIBLINGS = {
    "pooled": "Render has no pooler. Set DATABASE_CONNECTION_POOL_URL to a PgBouncer that you run",
    "replica": "a read replica has its own id. Copy its URL from the dashboard into DATABASE_REPLICA_URL",
}
_SOURCE = "public repositories"

RENDER = Provider(
    name="render",
    title="Render Postgres",
    hosts=(rf"dpg-[a-z0-9]+-[a-z]\.{_REGION}-postgres\.render\.com",),
    pooled=False,
    replica=False,
    siblings=_SIBLINGS,
    certificates=_CERTIFICATES,
    enforces_tls=True,
    source=_SOURCE,
    checked="2026-08-21",
)

RENDER_INTERNAL = Provider(
    name="render",
    title="Render Postgres (internal)",
    hosts=(r"dpg-[a-z0-9]+-[a-z]",),
    pooled=False,
    replica=False,
    siblings=_SIBLINGS,
    enforces_tls=False,
    private=True,
    source=_SOURCE,
    checked="2026-08-21",
)

RENDER_REDIS = Provider(
    name="render",
    title="Render Key Value",
    families=("redis",),
    hosts=(rf"{_REGION}-keyvalue\.render\.com",),
    certificates=Certificates(
        sslmode="verify-full",
        ca="system",
        remedy="Use rediss:// and the system's CAs: the CA is a public one",
    ),
    enforces_tls=True,
    source=_SOURCE,
    checked="2026-08-21",
)

RENDER_REDIS_INTERNAL = Provider(
    name="render",
    title="Render Key Value (internal)",
    families=("redis",),
    # An id contains digits; "red-cache" is the name of some container.
    hosts=(r"red-(?=[a-z]*[0-9])[a-z0-9]+",),
    enforces_tls=False,
    private=True,
    source=_SOURCE,
    checked="2026-08-21",
)

RECORDS = (RENDER, RENDER_INTERNAL, RENDER_REDIS, RENDER_REDIS_INTERNAL)
