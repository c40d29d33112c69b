"""Neon, and the platforms that hand out its strings (case.dev, Vercel)."""

from envconn.providers.record import Certificates, Provider, Variable

NEON = Provider(
    name="neon",
    title="Neon",
    suffixes=("neon.tech", "neon.build"),
    hosts=(
        (
            r"(?:ep-[a-z0-9-]+?|(?P<branch>br-[a-z0-9-]+?))(?P<pooler>-pooler)?(?:\.c-\d+)?"
            r"(?:\.(?P<region>[a-z0-9-]+)\.(?P<cloud>aws|azure|gcp))?\.neon\.(?:tech|build)"
        ),
    ),
    variables=(
        Variable("DATABASE_URL_UNPOOLED", "direct"),
        Variable("POSTGRES_URL"),
        Variable("POSTGRES_PRISMA_URL"),
        Variable("POSTGRES_URL_NON_POOLING", "direct"),
        Variable("POSTGRES_URL_NO_SSL"),
    ),
    pooled=False,
    pool_mode="transaction",
    region="{cloud}-{region}",
    certificates=Certificates(
        sslmode="verify-full", ca="system", remedy="write sslmode=verify-full&sslrootcert=system"
    ),
    source="Neon documentation: connect/connect-securely, connection-pooling; proxy/src/types.rs",
    checked="2026-08-21",
)
