"""PlanetScale Postgres, where port and user name choose the endpoint, not the host; and PlanetScale Vitess (MySQL)."""

from envconn.providers.record import Certificates, Forbidden, Gateway, Pooler, Provider, Rewrite

_CERTIFICATES = Certificates(
    sslmode="verify-full", ca="system", remedy="Use sslmode=verify-full&sslrootcert=system: the CA is a public one"
)
_WITHOUT_TARGET = (r"([^|]+)(?:\|.*)?", r"\1")

PLANETSCALE = Provider(
    name="planetscale",
    title="PlanetScale Postgres",
    hosts=(
        r"[a-z0-9]{10,}-(?P<region>[a-z0-9]+)-\d+\.horizon\.psdb\.cloud",
        r"(?P<region>(?:(?P<cloud>aws|gcp)-)?[a-z]+(?:-[a-z0-9]+)*?)-\d+\.pg\.psdb\.cloud",
        r"(?:[a-z0-9-]+\.)?(?P<region>(?:(?P<cloud>aws|gcp)-)[a-z]+(?:-[a-z0-9]+)*?)-\d+\.private-pg\.psdb\.cloud",
        r"(?:[a-z0-9-]+\.)?[a-z0-9-]+\.private-pg\.psdb\.cloud",
    ),
    users=r"(?P<role>[^|]+)\.(?P<branch>[a-z0-9]+)(?:\|(?P<target>.+))?",
    ports={5432: "direct", 6432: "transaction"},
    pool_mode="transaction",
    replica=False,
    replica_target="replica",
    default_roles=("postgres",),
    pooler=Pooler(prepared_statements=True),
    siblings={
        "direct": Rewrite(port=5432, user=_WITHOUT_TARGET),
        "pooled": Rewrite(port=6432),
        "replica": Rewrite(port=5432, user=(r"([^|]+)(?:\|.*)?", r"\1|replica")),
        "primary": Rewrite(user=_WITHOUT_TARGET),
    },
    forbidden=(
        Forbidden(
            6432,
            "replica",
            "replica-pooled",
            (
                "|replica on port 6432 does not reach a replica. Use port 5432, or the name of a dedicated replica "
                "PgBouncer"
            ),
        ),
    ),
    # In SCRAM the server begins, so nothing can be sent ahead of it.
    serverless=Gateway(http="https://{host}/sql", websocket="wss://{host}/v2?address={host}:{port}"),
    certificates=_CERTIFICATES,
    enforces_tls=True,
    direct_tls=True,
    ports_only=True,
    branched=True,
    idle_seconds=600,
    lifetime_seconds=3600,
    source=(
        "PlanetScale documentation: postgres/connecting, quickstart, roles, pgbouncer, client-error-reference, "
        "neon-serverless-driver"
    ),
    checked="2026-08-21",
)

PLANETSCALE_VITESS = Provider(
    name="planetscale-vitess",
    title="PlanetScale Vitess",
    families=("mysql",),
    hosts=(r"(?P<region>[a-z0-9-]+)\.(?:private-)?connect\.psdb\.cloud",),
    certificates=Certificates(
        sslmode="verify-full", ca="system", remedy="Use the system's CAs: the CA is a public one"
    ),
    enforces_tls=True,
    source="PlanetScale documentation: Vitess",
    checked="2026-08-21",
)

RECORDS = (PLANETSCALE, PLANETSCALE_VITESS)
