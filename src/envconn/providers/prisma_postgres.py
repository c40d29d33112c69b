"""Prisma Postgres, over PostgreSQL's own protocol. ``prisma+postgres`` addresses use another protocol."""

from envconn.providers.record import Certificates, Pooler, Provider, Rewrite

PRISMA_POSTGRES = Provider(
    name="prisma-postgres",
    title="Prisma Postgres",
    hosts=(r"(?P<mode>pooled\.)?db\.prisma\.io",),
    modes={"pooled.": "transaction"},
    pooled=False,
    pool_mode="transaction",
    replica=False,
    pooler=Pooler(prepared_statements=False),
    siblings={
        "direct": Rewrite(host=(r"^pooled\.", "")),
        "pooled": Rewrite(host=(r"^(?:pooled\.)?", "pooled.")),
        "replica": "Prisma Postgres has no replica endpoint. Set DATABASE_REPLICA_URL if you have a replica elsewhere",
    },
    certificates=Certificates(
        sslmode="verify-full",
        ca="system",
        remedy="Use sslmode=verify-full&sslrootcert=system: the CA is a public one",
    ),
    enforces_tls=True,
    source="Prisma documentation: Prisma Postgres, direct connections, connection pooling",
    checked="2026-08-21",
)

RECORDS = (PRISMA_POSTGRES,)
