"""CockroachDB Cloud: every node accepts reads and writes, and there is no pooler."""

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
        "pooled": "CockroachDB Cloud has no pooler. Use a pool in the client",
        "replica": "every node accepts reads and writes. Read with AS OF SYSTEM TIME follower_read_timestamp() instead",
    },
    certificates=Certificates(
        sslmode="verify-full",
        ca="system",
        remedy=(
            "Use sslmode=verify-full&sslrootcert=system, or name the file of the cluster's CA (Advanced) in "
            "DATABASE_CA_CERT"
        ),
    ),
    enforces_tls=True,
    notes=("does not support LISTEN/NOTIFY and advisory locks",),
    source="CockroachDB documentation: connection parameters, connecting with Python",
    checked="2026-08-21",
)

RECORDS = (COCKROACHDB,)
