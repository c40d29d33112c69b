"""Upstash Redis, directly and as resold by Fly.io inside its private network."""

from envconn.providers.record import Certificates, Provider

UPSTASH_FLY = Provider(
    name="upstash",
    title="Upstash Redis on Fly.io",
    families=("redis",),
    hosts=(r"fly-[a-z0-9-]+\.upstash\.io",),
    enforces_tls=False,
    private=True,
    source="Fly.io documentation: Upstash for Redis",
    checked="2026-08-21",
)

UPSTASH = Provider(
    name="upstash",
    title="Upstash Redis",
    families=("redis",),
    hosts=(r"(?!fly-)[a-z0-9-]+\.upstash\.io",),
    certificates=Certificates(
        sslmode="verify-full",
        ca="system",
        remedy="Use rediss:// and the system's CAs: the CA is a public one",
    ),
    source="public repositories",
    checked="2026-08-21",
)

RECORDS = (UPSTASH_FLY, UPSTASH)
