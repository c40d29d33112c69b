"""Scalingo: PostgreSQL, shared and dedicated resources, and its Redis.

Public and peering endpoints have the same credentials on different hosts; the operator sets one
variable for each. There is HAProxy in front, no pooler, and no replica that can be reached.
"""

from envconn.providers.record import Certificates, Provider

_NO_POOLER = "Scalingo has no pooler. Use a pool in the client, with fewer than 60 connections for each GB of memory"
_NO_REPLICA = "Scalingo has no replica endpoint: the standbys of Business plans accept no connections. Use the primary"

_FETCH = "Download the region's CA (/api/ca_certificate of its database API), and name the file"

_CERTIFICATES = Certificates(
    sslmode="verify-ca",
    ca="/usr/share/ca-certificates/Scalingo/scalingo-database.pem",
    remedy=f"{_FETCH} in DATABASE_CA_CERT",
)

SCALINGO = Provider(
    name="scalingo",
    title="Scalingo",
    hosts=(
        r"[a-z0-9-]+\.(?:peering\.)?postgresql\.(?:[a-z]\.)?(?P<region>[a-z]+-[a-z0-9-]+)\.scalingo-dbs\.com",
        r"[a-z0-9-]+\.postgresql\.dbs\.scalingo\.com",
    ),
    pooled=False,
    replica=False,
    siblings={"pooled": _NO_POOLER, "replica": _NO_REPLICA},
    certificates=_CERTIFICATES,
    lifetime_seconds=1740,
    source="Scalingo documentation: databases/postgresql, connecting, limitations; includes/db_ca_endpoints",
    checked="2026-08-21",
)
"""HAProxy closes a server connection that is idle for 30 minutes; a lifetime of 29 stays below."""

SCALINGO_REDIS = Provider(
    name="scalingo",
    title="Scalingo for Caching",
    families=("redis",),
    hosts=(
        r"[a-z0-9-]+\.redis\.(?:[a-z]\.)?(?P<region>[a-z]+-[a-z0-9-]+)\.scalingo-dbs\.com",
        r"[a-z0-9-]+\.redis\.dbs\.scalingo\.com",
    ),
    pooled=False,
    replica=False,
    siblings={"pooled": _NO_POOLER, "replica": _NO_REPLICA},
    certificates=_CERTIFICATES._replace(remedy=f"{_FETCH} in ENVCONN_TLS_CA, and use rediss://"),
    tls_switch=(
        "Turn on Force TLS for this database in Scalingo's dashboard, set REDIS_TLS_URL to this URL with rediss://, "
        "and ENVCONN_TLS_CA to the file of the region's CA"
    ),
    idle_seconds=150,
    source="Scalingo documentation: databases/redis/start",
    checked="2026-08-21",
)

RECORDS = (SCALINGO, SCALINGO_REDIS)
