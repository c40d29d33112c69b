"""YugabyteDB Aeon. Its connection manager, if enabled, answers on the same port and keeps sessions whole."""

from envconn.providers.record import Certificates, Provider

YUGABYTEDB = Provider(
    name="yugabytedb",
    title="YugabyteDB Aeon",
    hosts=(r"(?:(?P<region>[a-z0-9-]+)\.)?[0-9a-f-]{36}\.(?P<cloud>aws|gcp|azure)\.ybdb\.io",),
    pool_mode="session",
    siblings={
        "pooled": "the connection manager uses the same port. Turn it on in the cluster's settings",
        "replica": "a read replica has its own host. Set DATABASE_REPLICA_URL to its URL",
    },
    certificates=Certificates(
        sslmode="verify-full", ca="", remedy="Download the cluster's root.crt, and name the file in DATABASE_CA_CERT"
    ),
    enforces_tls=True,
    source="public repositories",
    checked="2026-08-21",
)

RECORDS = (YUGABYTEDB,)
