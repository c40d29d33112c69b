"""Heroku: Postgres with its server-side pool, and Key-Value Store.

Their hosts are plain EC2 machines, which anyone can rent: a host alone is no evidence, and the
generated user and database names must match as well. ``DYNO`` is none either: other platforms are asked to set it, too
(https://github.com/dokku/dokku/issues/733). A follower or a pool is attached to an
app under its own variable; it cannot be derived from another URL.
"""

from envconn.providers.record import Certificates, Pooler, Provider

_CERTIFICATES = Certificates(
    sslmode="require",
    ca="",
    remedy="Use sslmode=require: the certificates are self-signed, so there is no CA to verify them with",
)
_SELF_SIGNED = Certificates(
    sslmode="require",
    ca="",
    remedy="the provider's certificates are self-signed and cannot be verified. Set ENVCONN_PROVIDER=heroku, or add "
    "ssl_cert_reqs=none",
)
# Generated names mix letters and digits, which tells them from "username" and "database".
_USERS = r"(?P<role>u(?=[a-z]*[0-9])[a-z0-9]{7,})"
_DATABASES = r"d(?=[a-z]*[0-9])[a-z0-9]{7,}"
_MACHINE = r"ec2-[0-9]+-[0-9]+-[0-9]+-[0-9]+"
# Only for the database itself is the machine's region documented as its own.
_HOSTS = (rf"{_MACHINE}\.(?:compute-1|[a-z0-9-]+\.compute)\.amazonaws\.com",)
_NO_REPLICA = "a follower has its own URL. Use its HEROKU_POSTGRESQL_<COLOR>_URL, or set DATABASE_REPLICA_URL to it"
_SOURCE = "public repositories and issue threads"

HEROKU = Provider(
    name="heroku",
    title="Heroku Postgres",
    hosts=(
        rf"{_MACHINE}\.(?P<region>compute-1)\.amazonaws\.com",
        rf"{_MACHINE}\.(?P<region>[a-z0-9-]+)\.compute\.amazonaws\.com",
    ),
    on_ports=(5432,),
    users=_USERS,
    databases=_DATABASES,
    strict=True,
    ports={5432: "direct", 5433: "transaction"},
    pool_mode="transaction",
    regions={"compute-1": "us-east-1"},
    pooler=Pooler(prepared_statements=False),
    siblings={
        "pooled": "the pool has its own URL. Run heroku pg:connection-pooling:attach and use "
        "DATABASE_CONNECTION_POOL_URL",
        "direct": "the direct endpoint has its own URL. Use DATABASE_URL, or set DIRECT_URL to it",
        "replica": _NO_REPLICA,
    },
    certificates=_CERTIFICATES,
    enforces_tls=True,
    source=_SOURCE,
    checked="2026-08-21",
)

HEROKU_POOL = Provider(
    name="heroku",
    title="Heroku Postgres connection pooling",
    hosts=_HOSTS,
    on_ports=(5433,),
    users=_USERS,
    databases=_DATABASES,
    strict=True,
    pooled=True,
    pool_mode="transaction",
    replica=False,
    pooler=Pooler(prepared_statements=False),
    siblings={
        "direct": (
            "the pool and the database have different URLs. Use DATABASE_URL, or set DIRECT_URL to the database's"
        ),
        "replica": _NO_REPLICA,
    },
    certificates=_CERTIFICATES,
    enforces_tls=True,
    source=_SOURCE,
    checked="2026-08-21",
)
"""The pool is only in front of the primary."""

HEROKU_REDIS = Provider(
    name="heroku",
    title="Heroku Key-Value Store",
    families=("redis",),
    hosts=_HOSTS,
    users=r"h?",
    databases=r"0?",
    strict=True,
    certificates=_SELF_SIGNED,
    enforces_tls=True,
    source=_SOURCE,
    checked="2026-08-21",
)

RECORDS = (HEROKU, HEROKU_POOL, HEROKU_REDIS)
