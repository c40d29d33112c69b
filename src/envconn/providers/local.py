"""This machine. Neither port nor user makes a hosting platform of it, but a variable's name may: a tunnel ends here."""

from envconn.providers.record import Provider

LOCAL = Provider(
    name="local",
    title="this machine",
    hosts=(r"localhost", r"127\.0\.0\.1", r"::1"),
    tunnel=True,
    ports={5432: "direct"},
    siblings={
        "direct": "nothing tells what listens on this port; set DIRECT_URL to the server's own",
        "pooled": "start a pooler and set DATABASE_CONNECTION_POOL_URL to its port",
        "replica": "start a standby and set DATABASE_REPLICA_URL to its port",
    },
    source="PostgreSQL's default port; everything else is visible to its owner only",
    checked="2026-08-21",
)

RECORDS = (LOCAL,)
