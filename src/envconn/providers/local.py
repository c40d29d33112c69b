"""This machine. Port and user do not identify a hosting platform, but a variable's name may: for a tunnel to it."""

from envconn.providers.record import Provider

LOCAL = Provider(
    name="local",
    title="this machine",
    hosts=(r"localhost", r"127\.0\.0\.1", r"::1"),
    tunnel=True,
    ports={5432: "direct"},
    siblings={
        "direct": "it is unknown whether a pooler listens on this port. Set DIRECT_URL to the server's URL",
        "pooled": "no local pooler is known. Start one, and set DATABASE_CONNECTION_POOL_URL to its URL",
        "replica": "no local replica is known. Start one, and set DATABASE_REPLICA_URL to its URL",
    },
    source="PostgreSQL's default port; everything else is visible to its owner only",
    checked="2026-08-21",
)

RECORDS = (LOCAL,)
