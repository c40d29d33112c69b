"""CockroachDB Cloud: every node takes reads and writes, and there is no pooler."""

from envconn.providers.record import Certificates, Provider

COCKROACHDB = Provider(
    name="cockroachdb",
    title="CockroachDB Cloud",
    hosts=(
        r"[a-z0-9-]+\.[a-z0-9]+\.(?:(?P<region>(?P<cloud>aws|gcp|azure)-[a-z0-9-]+)\.)?cockroachlabs\.cloud",
        r"free-tier[0-9]*\.(?P<region>(?P<cloud>aws|gcp|azure)-[a-z0-9-]+)\.cockroachlabs\.cloud",
    ),
    pooled=False,
    siblings={
        "pooled": "CockroachDB Cloud has no pooler; keep a pool in the client",
        "replica": "every node takes reads and writes; read with AS OF SYSTEM TIME follower_read_timestamp() instead",
    },
    certificates=Certificates(
        sslmode="verify-full",
        ca="system",
        remedy="write sslmode=verify-full&sslrootcert=system, or name the cluster's CA (Advanced) in DATABASE_CA_CERT",
    ),
    enforces_tls=True,
    notes=("speaks PostgreSQL's protocol without LISTEN/NOTIFY and advisory locks",),
    source="CockroachDB documentation: connection parameters, connecting with Python",
    checked="2026-08-21",
)

RECORDS = (COCKROACHDB,)
