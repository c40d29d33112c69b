"""Xata Lite: the database name ends in the branch. Xata's newer platform has hosts that are not known here."""

from envconn.providers.record import Certificates, Provider

XATA_LITE = Provider(
    name="xata-lite",
    title="Xata Lite",
    hosts=(r"(?P<region>[a-z0-9-]+)\.sql\.xata\.sh",),
    databases=r"[^:]+:(?P<branch>.+)",
    siblings={
        "pooled": "no pooler of Xata Lite is documented. Use a pool in the client",
        "replica": "no replica of Xata Lite is documented. Set DATABASE_REPLICA_URL if you have one",
    },
    certificates=Certificates(
        sslmode="verify-full",
        ca="system",
        remedy="Use sslmode=verify-full&sslrootcert=system: the CA is a public one",
    ),
    enforces_tls=True,
    source="public repositories",
    checked="2026-08-21",
)
"""The user is a workspace, and the password an API key."""

RECORDS = (XATA_LITE,)
