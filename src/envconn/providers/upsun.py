"""Upsun (Platform.sh): a relationship's name inside a private network.

Anyone can use ``.internal``; the evidence is the user and database ``main`` that a service has
before its endpoints are named.
"""

from envconn.providers.record import Provider

UPSUN = Provider(
    name="upsun",
    title="Upsun",
    hosts=(r"[a-z0-9-]+\.internal",),
    users=r"(?P<role>main)",
    databases=r"main",
    strict=True,
    pooled=False,
    replica=False,
    siblings={
        "pooled": "Upsun has no pooler. Use a pool in the client",
        "replica": "a read-only replica is a separate relationship. Set DATABASE_REPLICA_URL to its URL",
    },
    enforces_tls=False,
    private=True,
    source="Upsun documentation: add-services/postgresql",
    checked="2026-08-21",
)

RECORDS = (UPSUN,)
