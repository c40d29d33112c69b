"""Neon, the platforms that hand out its strings (case.dev, Vercel), and the product built on its technology."""

from envconn.providers.record import Certificates, Gateway, Pooler, Provider, Rewrite

_CERTIFICATES = Certificates(
    sslmode="verify-full", ca="system", remedy="Use sslmode=verify-full&sslrootcert=system: the CA is a public one"
)
_POOLER = Pooler(prepared_statements=True, exempt=r"(?:endpoint|project)=\S+|neon_[a-z_]+:\S+")
_DIRECT_HOST = (r"^([^.]+?)-pooler\b", r"\1")
_POOLED_HOST = (r"^([^.]+?)(?:-pooler)?\.", r"\1-pooler.")
_NO_REPLICA = "a Neon replica has its own endpoint id. Set DATABASE_REPLICA_URL to its URL"

NEON = Provider(
    name="neon",
    title="Neon",
    hosts=(
        (
            r"ep-[a-z0-9-]+?(?P<mode>-pooler)?(?:\.c-\d+)?"
            r"(?:\.(?P<region>[a-z0-9-]+)\.(?P<cloud>aws|azure|gcp))?\.neon\.(?:tech|build)"
        ),
    ),
    modes={"-pooler": "transaction"},
    pooled=False,
    pool_mode="transaction",
    region="{cloud}-{region}",
    pooler=_POOLER,
    # The proxy refuses an endpoint option that differs from SNI; SNI alone is enough since libpq 14.
    siblings={
        "direct": Rewrite(host=_DIRECT_HOST),
        "pooled": Rewrite(host=_POOLED_HOST),
        "replica": _NO_REPLICA,
    },
    endpoint_option=r"(?:endpoint|project)=(?P<endpoint>\S+)",
    endpoint_password=r"endpoint=[a-z0-9-]+[;$].+",  # noqa: S106 - the shape of one
    serverless=Gateway(
        http="https://api.{domain}/sql",
        jwt="https://apiauth.{domain}/sql",
        websocket="wss://{host}/v2",
        pipelines=True,
    ),
    certificates=_CERTIFICATES,
    enforces_tls=True,
    idle_seconds=300,
    suspends=True,
    source=(
        "Neon documentation: connect/connect-securely, connection-pooling; proxy/src/types.rs, auth/credentials.rs; "
        "the serverless driver's src/httpQuery.ts and CONFIG.md"
    ),
    checked="2026-08-21",
)

NEON_TIME_TRAVEL = Provider(
    name="neon",
    title="Neon (time travel)",
    hosts=(
        r"(?P<branch>br-[a-z0-9-]+)(?:\.c-\d+)?(?:\.(?P<region>[a-z0-9-]+)\.(?P<cloud>aws|azure|gcp))?\.neon\.(?:tech|build)",
    ),
    pooled=False,
    region="{cloud}-{region}",
    pooler=_POOLER,
    siblings={
        "pooled": "a time-travel connection has no pooler. Use the branch's own endpoint",
        "replica": "a time-travel connection is already read-only. Use it without a replica",
    },
    certificates=_CERTIFICATES,
    enforces_tls=True,
    suspends=True,
    read_only=True,
    notes=("reads a branch at an earlier time, and is read-only",),
    source="Neon documentation: neonctl connection-string",
    checked="2026-08-21",
)

LAKEBASE = Provider(
    name="databricks-lakebase",
    title="Databricks Lakebase",
    hosts=(r"ep-[a-z0-9-]+?(?P<mode>-pooler)?\.database\.(?P<region>[a-z0-9-]+)\.cloud\.databricks\.com",),
    modes={"-pooler": "transaction"},
    pooled=False,
    pool_mode="transaction",
    pooler=Pooler(prepared_statements=False),
    siblings={"direct": Rewrite(host=_DIRECT_HOST), "pooled": Rewrite(host=_POOLED_HOST)},
    notes=("passwords are tokens that expire within an hour. Load the configuration again when one expires",),
    source="public repositories",
    checked="2026-08-21",
)

VERCEL_POSTGRES = Provider(
    name="vercel-postgres",
    title="Vercel Postgres",
    hosts=(r"ep-[a-z0-9-]+?(?P<mode>-pooler)?\.(?P<region>[a-z0-9-]+)\.(?:aws\.)?postgres\.vercel-storage\.com",),
    modes={"-pooler": "transaction"},
    pooled=False,
    pool_mode="transaction",
    pooler=_POOLER,
    siblings={"direct": Rewrite(host=_DIRECT_HOST), "pooled": Rewrite(host=_POOLED_HOST)},
    certificates=_CERTIFICATES,
    enforces_tls=True,
    suspends=True,
    source="Neon documentation: Vercel integration",
    checked="2026-08-21",
)

RECORDS = (NEON, NEON_TIME_TRAVEL, LAKEBASE, VERCEL_POSTGRES)
