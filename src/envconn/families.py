"""The family record: the facts about each family of services that envconn reads, PostgreSQL, Redis and so on.

A new family is an entry here and the modules that it names; no other module compares with a family's name.
"""

from __future__ import annotations

from functools import cache

from envconn.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

POSTGRESQL, MYSQL, SQLITE = "postgresql", "mysql", "sqlite"
REDIS, SENTINEL, AMQP = "redis", "sentinel", "amqp"
CELERY, DJANGO_CACHE, MEMCACHED = "celery", "django-cache", "memcached"


class Family(Record):
    """One family.

    `schemes` are those that a URI may begin with; `title` is its name in messages, with its article, and `variable`
    the one to set for it; `plain` and `secure` are the schemes that envconn writes, the latter from
    `TlsLevel.ENCRYPTED` on; they are the same if the scheme does not say TLS, and empty if no text
    for any service begins with one. `tls_schemes` maps each scheme
    without TLS to its counterpart with TLS, if it has one. `words` are platforms' names for such a service. `port` is
    the default port, 0 for a family without servers, `tls_port` that of the scheme with TLS. `dbname` is the database
    if none is written, empty if one is required; `dbname_title` is its name in reports if the database's own name
    says too little. `services` are the roles that it can have.

    `serverless` says why TLS does not apply, for a family without servers.

    `verified` is true if a scheme with TLS alone means a verified server, by the system's CAs if no other
    is named. `unencrypted` is how a text disables TLS, `instead` what to write, `verify` what to write for
    a server that is verified, and `name_ca` how to name a CA.

    `grammar`, `probe` and `login` are the members of `envconn.grammar`, `envconn.probe` and `envconn.probe.login`
    that serve it, empty if none does; `driver` is what must be installed for a login.
    """

    schemes: tuple[str, ...]
    title: str
    variable: str
    plain: str
    secure: str
    port: int
    services: tuple[str, ...]
    grammar: str
    tls_port: int = 0
    dbname: str = ""
    dbname_title: str = ""
    words: tuple[str, ...] = ()
    tls_schemes: tuple[tuple[str, str], ...] = ()
    verified: bool = False
    serverless: str = ""
    unencrypted: str = "the scheme means no TLS"
    instead: str = ""
    verify: str = ""
    name_ca: str = ""
    probe: str = ""
    login: str = ""
    driver: str = ""

    @property
    def slashes(self) -> str:
        """What follows a scheme; a file has no host between the second slash and the third."""
        return "://" if self.port else ":///"

    @property
    def written(self) -> tuple[str, ...]:
        """How a text begins that messages tell to write, with TLS first."""
        return tuple(dict.fromkeys(f"{scheme}{self.slashes}" for scheme in (self.secure, self.plain) if scheme))


def _drivers(names: Iterable[str], drivers: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{name}+{driver}" for name in names for driver in drivers)


_PSYCOPG = ("psycopg", "psycopg2", "psycopg_async", "asyncpg", "pg8000")
_PYMYSQL = ("pymysql", "mysqldb", "mysqlconnector", "mariadbconnector", "aiomysql", "asyncmy")
_REDIS_PY = "redis-py is not installed, but the login requires it. Run pip install 'envconn[redis]'"

FAMILIES: dict[str, Family] = {
    # libpq knows the first two schemes, in lower case only. The others mean the same to the tools that use them
    # (SQLAlchemy, GeoDjango, dj-database-url, django-environ), or name another database with the same protocol.
    POSTGRESQL: Family(
        (
            *("postgresql", "postgres", *_drivers(("postgresql", "postgres"), _PSYCOPG)),
            *("postgis", "pgsql", "psql", "pg", "timescale", "timescaledb", "timescalegis", "cockroach", "cockroachdb"),
            *("redshift", *_drivers(("cockroachdb",), ("psycopg", "psycopg2", "asyncpg"))),
        ),
        "a PostgreSQL",
        "DATABASE_URL",
        "postgresql",
        "postgresql",
        5432,
        ("database", "results"),
        "postgres.read_uri",
        words=("postgresql", "postgres", "pgsql", "aurora-postgresql"),
        unencrypted="sslmode=disable",
        instead="Use sslmode=require or stronger",
        verify="Use sslmode=verify-full, and name the CA",
        name_ca="Add sslrootcert=/path, or sslrootcert=system for a public CA",
        probe="postgres_protocol.Postgres",
        login="postgresql",
        driver="the driver cannot be imported, often because libpq is missing. Run pip install 'psycopg[binary]'",
    ),
    MYSQL: Family(
        ("mysql", "mysql2", "mysqlgis", "mariadb", *_drivers(("mysql", "mariadb"), _PYMYSQL)),
        "a MySQL",
        "DATABASE_URL",
        "mysql",
        "mysql",
        3306,
        ("database",),
        "mysql.read_uri",
        words=("mysql", "mariadb", "aurora-mysql"),
        unencrypted="TLS is turned off",
        instead="Use ssl-mode=REQUIRED or stronger",
        verify="Use ssl-mode=VERIFY_IDENTITY, and name the CA",
        name_ca="Add ssl-ca=/path",
        probe="protocol.MySQL",
        login="mysql",
        driver="the driver cannot be imported, often for a missing library. Run pip install 'envconn[pymysql]'",
    ),
    SQLITE: Family(
        ("sqlite", "sqlite+pysqlite", "sqlite+aiosqlite", "spatialite"),
        "an SQLite",
        "DATABASE_URL",
        "sqlite",
        "sqlite",
        0,
        ("database", "results"),
        "sqlite.read_uri",
        serverless="the database is a file, to which TLS does not apply",
    ),
    REDIS: Family(
        ("redis", "rediss", "valkey", "valkeys", "unix", "redis+socket"),
        "a Redis",
        "REDIS_URL",
        "redis",
        "rediss",
        6379,
        ("broker", "results", "cache"),
        "redis.read_uri",
        dbname="0",
        dbname_title="database ",
        words=("redis", "rediss", "valkey", "valkeys"),
        tls_schemes=(("redis", "rediss"), ("valkey", "valkeys")),
        verified=True,
        instead="Use rediss:// and the port with TLS",
        verify="Use rediss:// without ssl_cert_reqs, and name a CA that is not public in ENVCONN_TLS_CA",
        probe="protocol.Redis",
        login="redis",
        driver=_REDIS_PY,
    ),
    SENTINEL: Family(
        ("sentinel", "redis+sentinel", "rediss+sentinel"),
        "a Redis Sentinel",
        "REDIS_URL",
        "redis+sentinel",
        "rediss+sentinel",
        26379,
        ("broker", "results", "cache"),
        "redis.read_sentinel_uri",
        dbname="0",
        dbname_title="database ",
        verified=True,
        instead="Use rediss+sentinel://h1,h2/master and the ports with TLS",
        verify="Use rediss+sentinel:// without ssl_cert_reqs, and name a CA that is not public in ENVCONN_TLS_CA",
        probe="protocol.Redis",
        login="redis",
        driver=_REDIS_PY,
    ),
    AMQP: Family(
        ("amqp", "amqps", "pyamqp"),
        "an AMQP",
        "BROKER_URL",
        "amqp",
        "amqps",
        5672,
        ("broker",),
        "amqp.read_uri",
        tls_port=5671,
        dbname="/",
        dbname_title="virtual host ",
        words=("amqp", "amqps", "rabbitmq"),
        tls_schemes=(("amqp", "amqps"),),
        verified=True,
        instead="Use amqps:// and the port with TLS",
        verify="Use amqps:// without verify, and name a CA that is not public in ENVCONN_TLS_CA",
        probe="protocol.Amqp",
        login="amqp",
        driver="py-amqp is not installed, but the login requires it. Run pip install 'envconn[celery]'",
    ),
    # What Celery keeps without a connection of its own. The texts are no URIs (`envconn.grammar.celery`).
    CELERY: Family(
        (),
        "a result backend of Celery",
        "CELERY_RESULT_BACKEND",
        "",
        "",
        0,
        ("broker", "results"),
        "",
        serverless="Celery uses no connection of its own for it, to which TLS could apply",
    ),
    # Django's caches in memory, in the database, in files, or nowhere (`envconn.grammar.django_cache`).
    DJANGO_CACHE: Family(
        (),
        "a cache of Django",
        "CACHE_URL",
        "",
        "",
        0,
        ("cache",),
        "",
        serverless="the cache has no connection of its own, to which TLS could apply",
    ),
    # Read for a cache of Django alone (`envconn.grammar.django_cache`): elsewhere it is another product. TLS is an
    # object to pymemcache (`tls_context`), which no URL can state.
    MEMCACHED: Family(
        (),
        "a Memcached",
        "CACHE_URL",
        "",
        "",
        11211,
        ("cache",),
        "",
        unencrypted="a URL of Memcached means no TLS",
        instead="Use a Redis with rediss://",
        verify="Use a Redis with rediss://",
        probe="protocol.Memcached",
    ),
}
"""Every family by its name."""

BY_SCHEME = {scheme: name for name, family in FAMILIES.items() for scheme in family.schemes}
"""The family of each scheme."""

BY_WORD = {word: name for name, family in FAMILIES.items() for word in family.words}
"""The family of each word for a service, in lower case."""

VARIABLES = {
    "database": "DATABASE_URL",
    "broker": "BROKER_URL",
    "results": "CELERY_RESULT_BACKEND",
    "cache": "CACHE_URL",
}
"""The services that are known without a variable of that name, with the variable that messages tell to set."""


@cache
def serving(role: str) -> tuple[str, ...]:
    """Return the families that can be a ``database``, ``broker``, ``results`` or ``cache``."""
    return tuple(sorted(name for name, family in FAMILIES.items() if role in family.services))


def accepted(role: str) -> tuple[str, ...]:
    """Return how a text for `role` may begin, for messages; if `role` is empty, a text for any service, with TLS."""
    families = [family for family in FAMILIES.values() if role in {"", *family.services}]
    return tuple(scheme for family in families for scheme in (family.written if role else family.written[:1]))
