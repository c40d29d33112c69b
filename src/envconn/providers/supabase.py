"""Supabase: a database's own host, where PgBouncer may listen, too, and the shared pooler of each region.

The shared pooler gets the project from the user name (``postgres.<project>``), so the
direct host can be derived from a pooler's URL, but no pooler's host from the direct one.
"""

from envconn.providers.record import Certificates, Pooler, Provider, Rewrite

_CERTIFICATES = Certificates(
    sslmode="verify-full",
    ca="",
    remedy=(
        "Download the CA in the dashboard (database settings, SSL configuration), and name the file in DATABASE_CA_CERT"
    ),
)
_POOLER = Pooler(prepared_statements=False)
_NO_REPLICA = "a Supabase read replica has its own host. Copy its URL from the dashboard into DATABASE_REPLICA_URL"
_SOURCE = "Supabase documentation: connecting to your database, connection pooling; using SQLAlchemy with Supabase"

SUPABASE = Provider(
    name="supabase",
    title="Supabase",
    hosts=(r"db\.[a-z0-9]{20}\.supabase\.co",),
    ports={5432: "direct", 6543: "transaction"},
    pool_mode="transaction",
    replica=False,
    pooler=_POOLER,
    siblings={
        "direct": Rewrite(port=5432),
        "pooled": "the shared pooler's host has a region, which is not in this URL. Copy its URL from the dashboard "
        "into DATABASE_CONNECTION_POOL_URL (on a paid plan PgBouncer listens on port 6543 of this host)",
        "replica": _NO_REPLICA,
    },
    certificates=_CERTIFICATES,
    source=_SOURCE,
    checked="2026-08-21",
)

SUPABASE_POOLER = Provider(
    name="supabase",
    title="Supabase shared pooler",
    hosts=(r"(?P<cloud>aws)-[0-9]+-(?P<region>[a-z0-9-]+)\.pooler\.supabase\.com",),
    users=r"(?P<role>.+)\.[a-z0-9]{20}",
    ports={5432: "session", 6543: "transaction"},
    pooled=True,
    pool_mode="transaction",
    replica=False,
    pooler=_POOLER,
    # The direct host has an IPv6 address only, unless the project has the IPv4 add-on.
    siblings={
        "direct": Rewrite(
            address=(r"^(.+)\.([a-z0-9]{20})@[^@]+\.pooler\.supabase\.com$", r"\1@db.\2.supabase.co"),
            port=5432,
            reachable=False,
        ),
        "replica": _NO_REPLICA,
    },
    certificates=_CERTIFICATES,
    source=_SOURCE,
    checked="2026-08-21",
)

RECORDS = (SUPABASE, SUPABASE_POOLER)
