"""Environments as data: what a process with variables of other products is read as, and what is refused in it.

Every row has a good ``DATABASE_URL`` unless it states another one; `services` are the names and levels of all services
besides the default database, `notes` and `codes` the variables and codes of notes and problems.
"""

from __future__ import annotations

import base64
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from leaks import MARKER

if TYPE_CHECKING:
    from collections.abc import Mapping

PG = f"postgresql://app:{MARKER}@db.example.com/app?sslmode=require"
REDIS = f"rediss://:{MARKER}@redis.example.com"
AMQP = f"amqps://app:{MARKER}@mq.example.com"
FOREIGN = "service-foreign"
WAIVED = "service-waived"
LEFT_OUT = "variable-ignored"


class Row(NamedTuple):
    """One environment. `database` is whether the default database is among the services."""

    name: str
    environ: dict[str, str]
    services: Mapping[str, str] = MappingProxyType({})
    notes: Mapping[str, str] = MappingProxyType({})
    codes: Mapping[str, str] = MappingProxyType({})
    database: bool = True


def foreign(*variables: str, **environ: str) -> Row:
    """Return a row whose `variables` are noted as another product's, by default every one of `environ`."""
    name = " ".join(f"{variable}={text.partition('//')[0]}" for variable, text in environ.items())
    return Row(name, environ, notes=dict.fromkeys(variables or environ, FOREIGN))


def refused(name: str, code: str, **environ: str) -> Row:
    """Return a row with one problem, about the first variable of `environ`."""
    return Row(name, environ, codes={next(iter(environ)): code})


def without(name: str, code: str, **environ: str) -> Row:
    """Return a row with one problem, about the first variable of `environ`, and no default database."""
    return refused(name, code, **environ)._replace(database=False)


PARTS = {"DB_HOST": "db.example.com", "DB_USER": "app", "DB_NAME": "app"}


def _words(text: str) -> list[str]:
    return text.split()


def parts(level: str = "encrypted", *, unused: str = "", **environ: str) -> Row:
    """Return a row of a database in parts, in which `environ` comes first; the variables `unused` are noted."""
    notes = dict.fromkeys(unused.split(), "part-unused")
    return Row(" ".join(environ), {**environ, **PARTS, **environ}, {"database": level}, notes)


def wrong(code: str, **environ: str) -> Row:
    """Return a row of a database in parts with one problem, about the first variable of `environ`."""
    return Row(
        f"{' '.join(environ)} {code}",
        {**environ, **PARTS, **environ},
        codes={next(iter(environ)): code},
        database=False,
    )


MODES = _words(
    "SSLMODE SSL_MODE TLS_MODE SSL TLS USE_SSL USE_TLS SSL_ENABLED TLS_ENABLED ENABLE_SSL REQUIRE_SSL SSL_REQUIRE "
    "SSL_REQUIRED"
)
CAS = _words(
    "SSLROOTCERT SSL_ROOT_CERT SSL_ROOTCERT SSL_ROOT_CERT_PATH SSL_CA SSL_CA_FILE SSL_CAFILE SSL_CA_PATH SSL_CA_CERT "
    "TLS_CA TLS_CA_FILE CA CA_FILE CA_PATH CACERT CA_CERT ROOT_CERT"
)
PAIRS = (
    "SSLCERT SSLKEY",
    "SSL_CERT SSL_KEY",
    "SSL_CERT_FILE SSL_KEY_FILE",
    "CLIENT_CERT CLIENT_KEY",
    "TLS_CERT TLS_KEY",
)


def usual(level: str = "encrypted", **environ: str) -> Row:
    """Return a row without ``DATABASE_URL``."""
    return Row(f"alone: {' '.join(environ)}", {"DB_NAME": "", **environ}, {"database": level})


USUAL = _words(
    "DB_URL DATABASE_URI DB_URI DATABASE_DSN SQLALCHEMY_DATABASE_URI POSTGRES_URI POSTGRES_DSN PG_URI MYSQL_URL "
    "JAWSDB_URL ELEPHANTSQL_URL POSTGRESDB_URI ConnectionStrings__app"
)


def _database(text: str) -> Row:
    """Return a row whose ``DATABASE_URL`` is `text`, which is read."""
    return Row(f"read: {text}", {"DATABASE_URL": text})


READ = [
    *(
        Row(f"a host by the word of examples: {text}", {"DATABASE_URL": text}, {"database": "encrypted"})
        for text in (f"postgresql://app:{MARKER}@host/app", f"postgresql://app:{MARKER}@hostname:5432/app")
    ),
    # What is no reference and no placeholder: words, what is inside of a component, and what is percent-encoded.
    *(
        _database(f"postgresql://app:{password}@db.example.com/app")
        for password in (
            "password",
            "postgres",
            "changeme",
            "YOUR_PASSWORD",
            "$DB_PASSWORD",
            "a${DB_PASSWORD}b",
            "$(a",
            "(a)",
            "{",
            "[x7$k]",
            "a<b>",
            "**",
            "%24{DB_PASSWORD}",
            "%24(DB_PASSWORD)",
            "%7B{DB_PASSWORD}}",
            "%5BYOUR-PASSWORD]",
            "%3Cpassword>",
            "%2A*******",
            "%45NC[x]",
            "op:vault",
            "arn",
            "vault",
            "__DB_PASSWORD__",
            "@Microsoft".replace("@", "%40"),
        )
    ),
    *(
        parts(DB_PASSWORD=text)
        for text in ("$(", "a{{b}}c", "<", "[x7$k]", "password", "a;sslmode=disable", "vault:x", "!secret", "ENC")
    ),
    # What editors and heredocs put around a value.
    *(
        Row(f"trimmed: {before!r} {behind!r}", {"DATABASE_URL": f"{before}{PG}{behind}"})
        for before, behind in (
            ("", "\n\n"),
            ("", "\t"),
            ("\n", ""),
            ("\r\n", "\r\n\r\n"),
            (" \n", "\n\t "),
            ("\t", " "),
        )
    ),
    *(parts(**{name: f"\n{text}\n\n"}) for name, text in {**PARTS, "DB_PASSWORD": MARKER}.items()),
    # Users without a password that their clients know.
    Row("guest", {"CELERY_BROKER_URL": "pyamqp://guest@localhost//"}, {"broker": "none"}),
    Row("guest with TLS", {"CELERY_BROKER_URL": "amqps://guest@mq.example.com//"}, {"broker": "verify-full"}),
    Row(
        "default",
        {"REDIS_URL": "rediss://default@redis.example.com"},
        {"broker": "verify-full", "cache": "verify-full"},
    ),
    Row("default, of a socket", {"CACHE_URL": "unix://default@/run/r.sock"}, {"cache": "none"}),
    *(
        _database(f"mysql://app:{MARKER}@db.example.com/app?charset={name}")
        for name in ("utf8mb4", "utf8", "latin1", "UTF8MB4", "binary")
    ),
    Row("beside a password", {"PGPASSWORD": "$(X)"}),
    Row("any password", {"PGPASSWORD": "a(b)$", "DATABASE_URL": "postgresql://app@db.example.com/app"}),
    # What is no parameter: a semicolon in a password, and words that are none.
    _database("postgresql://app:a;sslmode=disable@db.example.com/app"),
    _database("postgresql://app:a,b&c=d@db.example.com/app"),
    _database("postgresql://app@db.example.com/app;v2"),
    _database("postgresql://app@db.example.com/app?options=-c%20search_path%3Da,b"),
    _database("host=db.example.com user=app dbname=app password='a;sslmode=disable'"),
    _database("host=db.example.com,db2.example.com user=app dbname=app"),
    # Other usual names, alone, and beside the standard one.
    *(usual(**{name: PG}) for name in USUAL),
    *(Row(f"{name} beside", {name: PG.replace("/app?", "/other?")}, notes={name: "variable-unused"}) for name in USUAL),
    Row(
        "Aspire's, left out",
        {"ConnectionStrings__cache": f"h:6380,password={MARKER}", "X_URI": f"{PG}x", "ENVCONN_IGNORE": "*_cache,X_*"},
        notes={"ConnectionStrings__cache": LEFT_OUT, "X_URI": LEFT_OUT},
    ),
    usual(A_URI=PG, B_URI=PG, ENVCONN_IGNORE="B_URI")._replace(notes={"B_URI": LEFT_OUT}),
    Row("the same text under a name of Aspire", {"APP_URI": PG, "ConnectionStrings__app": PG}),
    *(
        Row(f"{name} of Aspire", {name: text}, notes={name: "variable-unused"})
        for name, text in {
            "ConnectionStrings__cache": f"h.example.com:6380,password={MARKER},ssl=True",
            "ConnectionStrings__other": f"Host=h.example.com;Username=app;Password={MARKER};Database=app",
        }.items()
    ),
    usual(POSTGRES_SERVER="db.example.com", POSTGRES_USER="app", POSTGRES_DB="app", POSTGRES_PASSWORD=MARKER),
    usual(MYSQL_HOST="db.example.com", MYSQL_USER="app", MYSQL_DATABASE="app", MYSQL_PASSWORD=MARKER),
    Row("a host beside", {"MYSQL_HOST": "db.example.com"}, notes={"MYSQL_HOST": "variable-unused"}),
    Row("another's name beside", {"DB_URL": "mongodb://h"}, notes={"DB_URL": "variable-unused"}),
    # Parts: the engine, by name or by port.
    *(
        parts(DB_ENGINE=text)
        for text in (
            "postgresql",
            "postgres",
            "pg",
            "pgsql",
            "django.db.backends.postgresql",
            "django.db.backends.postgresql_psycopg2",
            "django.contrib.gis.db.backends.postgis",
            "django_prometheus.db.backends.postgresql",
            "postgresql+psycopg",
            "psycopg2",
        )
    ),
    *(
        parts(DB_ENGINE=text, DB_PORT="3306")
        for text in (
            "mysql",
            "mariadb",
            "mysql2",
            "django.db.backends.mysql",
            "mysql.connector.django",
            "mysql+pymysql",
        )
    ),
    *(parts(**{f"DB_{word}": "mysql"}) for word in _words("ENGINE DIALECT DRIVER ADAPTER VENDOR CONNECTION TYPE KIND")),
    parts(DB_PORT="3306"),
    parts(DB_PORT="1433", DB_ENGINE="postgresql"),
    # Parts: TLS.
    *(parts("verify-full", **{f"DB_{word}": "verify-full", "DB_SSLROOTCERT": "system"}) for word in MODES),
    *(parts("verify-full", **{f"DB_{word}": "system"}) for word in CAS),
    *(parts(DB_SSL=text) for text in ("true", "True", "1", "yes", "on", "required", "REQUIRED", "require", "prefer")),
    parts("verify-full", DB_SSL="true", DB_SSLMODE="verify-full", DB_SSL_CA="system"),
    # Parts: other names of the password, and what is not read.
    *(parts(**{f"DB_{word}": MARKER}) for word in ("PASSWORD", "PASS", "PASSWD", "PWD", "PW")),
    parts(DB_POOL_SIZE="5", unused="DB_POOL_SIZE"),
    parts(DB_CONN_MAX_AGE="60", DB_OPTIONS="x", unused="DB_CONN_MAX_AGE DB_OPTIONS"),
    parts(DB_SERVICE_HOST="10.0.0.1", DB_PORT_5432_TCP="tcp://10.0.0.1:5432", DB_SERVICE_PORT="5432"),
    parts(DB_SSL_CIPHERS="x", ENVCONN_IGNORE="DB_SSL_CIPHERS")._replace(notes={"DB_SSL_CIPHERS": LEFT_OUT}),
    Row(
        "parts without a host",
        {"DB_SSL_MODE": "verify-full", "DB_ENGINE": "mysql", "POSTGRES_PASSWORD": MARKER},
        notes=dict.fromkeys(("DB_SSL_MODE", "DB_ENGINE", "POSTGRES_PASSWORD"), "part-unused"),
    ),
    # Other databases behind <NAME>_DATABASE_URL.
    foreign(JDBC_DATABASE_URL=f"jdbc:postgresql://db.example.com/app?user=app&password={MARKER}"),
    foreign(SPRING_DATABASE_URL=f"jdbc:mysql://db.example.com/app?user=app&password={MARKER}"),
    foreign(ORACLE_DATABASE_URL=f"jdbc:oracle:thin:app/{MARKER}@db.example.com:1521/app"),
    foreign(LEGACY_DATABASE_URL=f"jdbc:sqlserver://db.example.com;user=app;password={MARKER}"),
    foreign(LOCAL_JDBC_DATABASE_URL="jdbc:sqlite:app.db"),
    foreign(REACTIVE_DATABASE_URL=f"r2dbc:postgresql://app:{MARKER}@db.example.com/app"),
    foreign(FIREBASE_DATABASE_URL="https://app.firebaseio.com"),
    foreign(EMULATOR_DATABASE_URL="http://localhost:9000"),
    foreign(REALTIME_DATABASE_URL=f"wss://app.example.com/{MARKER}"),
    foreign(TURSO_DATABASE_URL="libsql://app.turso.io"),
    foreign(MONGO_DATABASE_URL=f"mongodb://app:{MARKER}@mongo.example.com/app"),
    foreign(ATLAS_DATABASE_URL=f"mongodb+srv://app:{MARKER}@cluster.example.com/app"),
    foreign(CLICKHOUSE_DATABASE_URL=f"clickhouse://app:{MARKER}@ch.example.com/app"),
    foreign(EVENTS_DATABASE_URL=f"clickhouse+native://app:{MARKER}@ch.example.com/app"),
    foreign(SNOWFLAKE_DATABASE_URL=f"snowflake://app:{MARKER}@account/db"),
    foreign(WAREHOUSE_DATABASE_URL="bigquery://project/data"),
    foreign(MSSQL_DATABASE_URL=f"mssql+pyodbc://app:{MARKER}@sql.example.com/app"),
    foreign(ERP_DATABASE_URL=f"oracle+oracledb://app:{MARKER}@ora.example.com/app"),
    foreign(LOCAL_DATABASE_URL="duckdb:///app.db"),
    foreign(PRISMA_DATABASE_URL="file:./dev.db"),
    foreign(ACCELERATE_DATABASE_URL=f"prisma://accelerate.example.com/?api_key={MARKER}"),
    foreign(GRAPH_DATABASE_URL=f"neo4j+s://app:{MARKER}@graph.example.com"),
    foreign(DOCS_DATABASE_URL=f"couchdb://app:{MARKER}@couch.example.com/app"),
    foreign(SEARCH_DATABASE_URL=f"elasticsearch://app:{MARKER}@es.example.com"),
    foreign(OWN_DATABASE_URL=f"zzqdb://app:{MARKER}@h/app"),
    foreign(CACHED_DATABASE_URL=REDIS),
    foreign(QUEUED_DATABASE_URL=AMQP),
    # Beside it, for endpoints of the default database.
    foreign(DIRECT_URL="https://app.example.com"),
    foreign(DATABASE_PUBLIC_URL="http://app.example.com"),
    # For a Redis, by name.
    foreign(KV_URL="https://kv.example.com"),
    foreign(REDIS_URL=f"https://redis.example.com?token={MARKER}"),
    foreign(UPSTASH_REDIS_URL="https://upstash.example.com"),
    Row(
        "a good Redis beside one over HTTPS",
        {"KV_URL": "https://kv.example.com", "REDIS_URL": REDIS},
        {"broker": "verify-full", "cache": "verify-full"},
        {"KV_URL": FOREIGN},
    ),
    # Transports of Celery.
    *(
        foreign(CELERY_BROKER_URL=f"{scheme}://app:{MARKER}@mq.example.com")
        for scheme in (
            "sqs",
            "kafka",
            "confluentkafka",
            "gcpubsub",
            "azureservicebus",
            "azurestoragequeues",
            "mongodb",
            "sqla+postgresql",
            "zookeeper",
            "consul",
            "etcd",
            "qpid",
            "pyro",
            "SLMQ",
        )
    ),
    foreign(BROKER_URL="sqs://"),
    *(
        Row(f"{name}={text}", {"CELERY_BROKER_URL": f"sqs://{MARKER}@", name: text}, {}, {"CELERY_BROKER_URL": WAIVED})
        for name in ("ENVCONN_TLS_WAIVE", "ENVCONN_BROKER_TLS_WAIVE")
        for text in ("sqs://", "*.internal SQS://")
    ),
    Row(
        "a transport over a database, waived",
        {"BROKER_URL": f"sqla+postgresql://app:{MARKER}@mq.example.com", "ENVCONN_TLS_WAIVE": "sqla://"},
        {},
        {"BROKER_URL": WAIVED},
    ),
    Row(
        "several transports, all waived",
        {"BROKER_URL": f"sqs://{MARKER}@;sqla+sqlite://", "ENVCONN_TLS_WAIVE": "sqla:// sqs://"},
        {},
        {"BROKER_URL": WAIVED},
    ),
    Row(
        "several transports, not all waived",
        {"BROKER_URL": f"sqs://{MARKER}@;gcpubsub://x", "ENVCONN_TLS_WAIVE": "sqs://"},
        {},
        {"BROKER_URL": FOREIGN},
    ),
    Row(
        "results are no list",
        {"RESULT_BACKEND": f"mongodb://app:{MARKER}@h", "ENVCONN_TLS_WAIVE": "sqs:// mongodb://"},
        {},
        {"RESULT_BACKEND": WAIVED},
    ),
    Row(
        "results, waived",
        {"RESULT_BACKEND": f"mongodb+srv://app:{MARKER}@h", "ENVCONN_RESULTS_TLS_WAIVE": "mongodb+srv://"},
        {},
        {"RESULT_BACKEND": WAIVED},
    ),
    *(
        Row(f"{name}={text}, in vain", {"BROKER_URL": "sqs://", name: text}, {}, {"BROKER_URL": FOREIGN})
        for name, text in (
            ("ENVCONN_RESULTS_TLS_WAIVE", "sqs://"),
            ("ENVCONN_TLS_WAIVE", "gcpubsub://"),
            ("ENVCONN_TLS_WAIVE", "sqs"),
        )
    ),
    Row(
        "no waiver for a cache",
        {"CACHE_URL": "elasticache://h", "ENVCONN_TLS_WAIVE": "elasticache://"},
        {},
        {"CACHE_URL": FOREIGN},
    ),
    Row(
        "no waiver for a database",
        {"LEGACY_DATABASE_URL": "oracle://h", "ENVCONN_TLS_WAIVE": "oracle://"},
        {},
        {"LEGACY_DATABASE_URL": FOREIGN},
    ),
    Row(
        "a Redis is no broker beside sqs://",
        {"CELERY_BROKER_URL": "sqs://", "REDIS_URL": REDIS},
        {"cache": "verify-full"},
        {"CELERY_BROKER_URL": FOREIGN},
    ),
    *(
        Row(text, {"CELERY_BROKER_URL": text}, {"broker": "none"})
        for text in (
            "memory://",
            "memory://localhost/",
            "memory://localhost//",
            "filesystem://",
            "filesystem://localhost//",
        )
    ),
    Row(
        "memory and a Redis",
        {"BROKER_URL": "memory://", "REDIS_URL": REDIS},
        {"broker": "none", "cache": "verify-full"},
    ),
    foreign(CELERY_RESULT_BACKEND=f"mongodb://app:{MARKER}@mongo.example.com"),
    foreign(CELERY_RESULT_BACKEND=f"dynamodb://app:{MARKER}@eu-west-1/table"),
    # Caches of Django.
    *(
        foreign(CACHE_URL=f"{scheme}://cache.example.com:11211")
        for scheme in (
            "djangopylibmc",
            "umemcached",
            "elasticache",
            "uwsgicache",
            "hiredis",
            "rediscache",
        )
    ),
    *(
        Row(text, {"CACHE_URL": text}, {"cache": "none"})
        for text in (
            "memcache://localhost",
            "memcached://127.0.0.1:11211,127.0.0.2:11212/",
            "pymemcache://[::1]:11211",
            "pymemcached://localhost",
            "pylibmc:///run/memcached.sock",
        )
    ),
    *(
        Row(f"{text} is unusual", {"CACHE_URL": text}, {}, {"CACHE_URL": FOREIGN})
        for text in (
            "memcache://",
            "memcache:///",
            "memcache://localhost,",
            "memcache://localhost:0",
            "memcache://localhost:x",
            "memcache://a..b",
            "memcache://localhost/0",
            "memcache://localhost?key_prefix=a",
            "memcache:///run/memcached.sock?key_prefix=a",
            "memcache:///run/a.sock,/run/b.sock",
            "memcache://unix:/run/memcached.sock",
            "memcache://localhost;localhost",
            "MEMCACHE://localhost",
            f"pylibmc://app:{MARKER}@localhost",
        )
    ),
    *(
        Row(f"a Memcached in {name}", {name: "memcache://localhost"}, {}, {name: FOREIGN})
        for name in ("REDIS_URL", "BROKER_URL", "RESULTS_URL", "LEGACY_DATABASE_URL")
    ),
    Row(
        "a waiver for Memcached",
        {"CACHE_URL": "memcache://a.example.com,b.example.com", "ENVCONN_CACHE_TLS_WAIVE": "*.example.com"},
        {"cache": "none"},
    ),
    foreign(CACHE_URL="locmemcache://?timeout=60"),
    foreign(CACHE_URL="dbcache://"),
    *(
        Row(text, {"CACHE_URL": text}, {"cache": "none"})
        for text in (
            "locmemcache://",
            "locmem://",
            "locmemcache://name",
            "dummycache://",
            "dummy://",
            "dbcache://table",
            "db://table",
            "filecache:///var/tmp/cache",
            "file:///var/tmp/cache",
        )
    ),
    Row(
        "no Redis beside ElastiCache",
        {"CACHE_URL": "elasticache://cache.example.com", "REDIS_URL": REDIS},
        {"broker": "verify-full"},
        {"CACHE_URL": FOREIGN},
    ),
    # Left out.
    Row(
        "by name",
        {"ANALYTICS_DATABASE_URL": "nonsense", "ENVCONN_IGNORE": "ANALYTICS_DATABASE_URL"},
        notes={"ANALYTICS_DATABASE_URL": LEFT_OUT},
    ),
    Row(
        "by a pattern",
        {"A_DATABASE_URL": "nonsense", "B_DATABASE_URL": PG, "ENVCONN_IGNORE": "?_DATABASE_URL"},
        notes={"A_DATABASE_URL": LEFT_OUT, "B_DATABASE_URL": LEFT_OUT},
    ),
    Row(
        "several",
        {"KV_URL": "x", "CACHE_URL": "redis://h.example.com", "ENVCONN_IGNORE": " KV_URL , CACHE_* ,"},
        notes={"KV_URL": LEFT_OUT, "CACHE_URL": LEFT_OUT},
    ),
    Row(
        "a conflict",
        {"POSTGRES_URL": PG.replace("/app?", "/other?"), "ENVCONN_IGNORE": "POSTGRES_URL"},
        notes={"POSTGRES_URL": LEFT_OUT},
    ),
    Row(
        "parts by their host",
        {"DB_HOST": "elsewhere.example.com", "ENVCONN_IGNORE": "DB_*"},
        notes={"DB_HOST": LEFT_OUT},
    ),
    Row("what is not set", {"ENVCONN_IGNORE": "JDBC_DATABASE_URL"}),
    Row(
        "one that is an alias' target",
        {"DATABASE_URL": "$MAIN_DATABASE_URL", "MAIN_DATABASE_URL": PG, "ENVCONN_IGNORE": "MAIN_DATABASE_URL"},
        notes={"MAIN_DATABASE_URL": LEFT_OUT},
    ),
    # Settled by name.
    Row(
        "a broker",
        {"BROKER_URL": "x", "CLOUDAMQP_URL": AMQP, "ENVCONN_BROKER_VARIABLE": "CLOUDAMQP_URL"},
        {"broker": "verify-full"},
        {"BROKER_URL": "variable-not-chosen"},
    ),
    Row(
        "results",
        {"RESULTS_URL": "x", "RESULT_BACKEND": REDIS, "ENVCONN_RESULTS_VARIABLE": "RESULT_BACKEND"},
        {"results": "verify-full"},
        {"RESULTS_URL": "variable-not-chosen"},
    ),
    Row(
        "a cache",
        {"CACHE_URL": "x", "MY_CACHE": REDIS, "ENVCONN_CACHE_VARIABLE": "MY_CACHE"},
        {"cache": "verify-full"},
        {"CACHE_URL": "variable-not-chosen"},
    ),
    # libpq's defaults.
    *(
        Row(f"what is left out: {text} {[*environ]}", {"DATABASE_URL": text, **environ}, {"database": level})
        for text, environ, level in (
            ("postgres:///app", {}, "none"),
            ("postgres://", {}, "none"),
            ("postgres:///?host=/var/run/postgresql", {}, "none"),
            ("postgresql://localhost/app", {}, "opportunistic"),
            ("postgresql://localhost/app?sslmode=require", {}, "encrypted"),
            ("dbname=app", {}, "none"),
            ("host=127.0.0.1 dbname=app", {}, "opportunistic"),
            (f"postgres://app:{MARKER}@pooled.db.prisma.io:5432/?sslmode=require", {}, "encrypted"),
            (f"postgres://app:{MARKER}@db.example.com", {}, "encrypted"),
            (f"host=db.example.com user=app password={MARKER}", {}, "encrypted"),
            ("postgres://db.example.com", {"PGUSER": "app", "PGPASSWORD": MARKER}, "encrypted"),
            ("postgres://db.example.com/", {"PGUSER": "app", "PGDATABASE": "shop"}, "encrypted"),
            ("postgres://app@/", {"PGHOST": "db.example.com"}, "encrypted"),
            ("postgres://app@/", {"PGHOST": "/run/x", "PGPORT": "6543"}, "none"),
        )
    ),
    Row("the parts of libpq", {"DB_NAME": "", "PGHOST": "db.example.com", "PGUSER": "app"}, {"database": "encrypted"}),
    Row("the parts of libpq on this machine", {"DB_NAME": "", "PGHOST": "localhost"}, {"database": "opportunistic"}),
    # Spellings of PostgreSQL's clients.
    *(
        Row(f"scheme {scheme}", {"DATABASE_URL": f"{scheme}://app:{MARKER}@db.example.com/app"})
        for scheme in _words(
            "psql pg cockroach cockroachdb cockroachdb+psycopg2 cockroachdb+asyncpg timescale timescaledb timescalegis "
            "redshift postgis pgsql postgres+asyncpg"
        )
    ),
    *(
        Row(
            f"{scheme} {query}",
            {"DATABASE_URL": f"{scheme}://app:{MARKER}@db.example.com/app?{query}"},
            {"database": "encrypted"},
        )
        for scheme in ("postgresql", "postgresql+asyncpg")
        for query in (
            *(
                "ssl=true",
                "ssl=True",
                "ssl=1",
                "ssl=1&sslmode=require",
                "ssl=require",
                "ssl=prefer",
                "ssl=allow",
                "ssl=true&sslmode=require",
                "sslmode=require&ssl=true",
            ),
            *("currentSchema=app", "schema=App", "schema=public&pool_size=5&max_overflow=10", "CONN_MAX_AGE=60"),
            *("echo=true", "pool_recycle=60&atomic_requests=true"),
        )
    ),
    Row(
        "SQLAlchemy's list of hosts",
        {"DATABASE_URL": f"postgresql+psycopg2://app:{MARKER}@/app?host=a.example.com:5432&host=b.example.com:5433"},
    ),
    Row("several lines", {"DATABASE_URL": f"host=db.example.com\nuser=app\r\ndbname=app\n\tpassword='{MARKER}'"}),
    Row("schema behind a pooler, the default one", {"DATABASE_URL": f"{PG}&schema=public&pgbouncer=true"}),
    # Other families.
    *(
        Row(text, {"DATABASE_URL": text}, {"database": "none"})
        for text in (
            "sqlite:///app.db?timeout=20&conn_max_age=600",
            "spatialite:///app.db",
            "sqlite:///app.db?CONN_MAX_AGE=0&atomic_requests=true",
        )
    ),
    Row(
        "mysqlgis",
        {"DATABASE_URL": f"mysqlgis://app:{MARKER}@db.example.com/app?ssl-mode=REQUIRED&conn_max_age=60"},
    ),
    *(
        Row(f"brokers: {text.count(';') + 1}", {name: text}, {"broker": "verify-full"})
        for name, text in (
            ("CELERY_BROKER_URL", f"{AMQP}//;{AMQP.replace('mq.', 'mq2.')}//"),
            ("CLOUDAMQP_URL", f"{AMQP};{AMQP.replace('mq.', 'mq2.')}:5673/;{AMQP.replace('mq.', 'mq3.')}/%2F"),
        )
    ),
    Row(
        "local brokers",
        {"BROKER_URL": f"amqp://app:{MARKER}@localhost;amqp://app:{MARKER}@127.0.0.1"},
        {"broker": "none"},
    ),
    Row(
        "a semicolon in a cache's password",
        {"CACHE_URL": f"rediss://:a;{MARKER}@h.example.com"},
        {"cache": "verify-full"},
    ),
    Row(
        "a semicolon in a Redis' password",
        {"REDIS_URL": f"rediss://:a;{MARKER}@h.example.com"},
        {"cache": "verify-full", "broker": "verify-full"},
    ),
]
"""What is read, and noted."""

_POST = "postgersql"
_PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
_LITERAL = "reference-unresolved"
_FILL_IN = "placeholder-unreplaced"
REFERENCES = (
    "$(DATABASE_URL)",
    "$(cat /run/secrets/url)",
    "${DATABASE_URL:-}",
    "${db.DATABASE_URL}",
    "${env:DATABASE_URL}",
    "${ssm:/app/url}",
    "${{ secrets.DATABASE_URL }}",
    "${{secrets.DATABASE_URL}}",
    "${{Postgres.DATABASE_URL}}",
    "{{ database_url }}",
    "{{.Values.databaseUrl}}",
    "{{ op://vault/item/url }}",
    "{{resolve:secretsmanager:app:SecretString:url}}",
    "{% database_url %}",
    "<%= ENV['X'] %>",
    "((database-url))",
    "#{DATABASE_URL}#",
    "#{DatabaseUrl}",
    "%(ENV_DATABASE_URL)s",
    "%DATABASE_URL%",
    "%env(DATABASE_URL)%",
    "$env:DATABASE_URL",
    "@Microsoft.KeyVault(SecretUri=https://app.vault.azure.net/secrets/url/)",
    "@Microsoft.KeyVault(VaultName=app;SecretName=url)",
    "@Microsoft.AppConfiguration(Endpoint=https://x; Key=url)",
    "op://vault/item/field",
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:app-AbCdEf",
    "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/app",
    "ssm:///app/url",
    "secretsmanager://app",
    "aws-sm://app",
    "projects/123/secrets/url/versions/latest",
    "sm://project/url",
    "gsm://project/url",
    "berglas://bucket/url",
    "azkv://vault/url",
    "akvs://vault/url",
    "secretref:database-url",
    "vault:secret/data/app#url",
    "vault://secret/app#url",
    ">>vault:secret/data/app#url",
    "ref+vault://secret/app#/url",
    "ref+awsssm://app/url",
    "ref://secrets/url",
    "pass://vault/item/url",
    "bws://id",
    "infisical://app/url",
    "doppler://app/url",
    "ENC[AES256_GCM,data:p673w,iv:YY,tag:A==,type:str]",
    "ENC[PKCS7,MIIBeQ]",
    "ENC(G6N718UuyPE5bHyWKyuLQSm02auQPUtm)",
    "encrypted:BDqDBibm4wsYqMpCjTQ6BsDHmMadg9K3dAt",
    "!Ref DatabaseUrl",
    "!Sub postgres://app",
)
"""Whole values that another program should have replaced."""

PLACEHOLDERS = (
    "<your database url>",
    "<DATABASE_URL>",
    "[YOUR-CONNECTION-STRING]",
    "{your_connection_string}",
    "*" * 12,
)
"""Whole values that a person should have replaced."""

COMPONENTS = {
    "$(DB_PASSWORD)": _LITERAL,
    "${DB_PASSWORD}": _LITERAL,
    "${DB_PASSWORD:-secret}": _LITERAL,
    "${{ secrets.DB_PASSWORD }}": _LITERAL,
    "{{ db_password }}": _LITERAL,
    "{{resolve:ssm:/app/password}}": _LITERAL,
    "((password))": _LITERAL,
    "#{DB_PASSWORD}#": _LITERAL,
    "%DB_PASSWORD%": _LITERAL,
    "%(password)s": _LITERAL,
    "$env:DB_PASSWORD": _LITERAL,
    "ENC[AES256_GCM,data:p673w]": _LITERAL,
    "encrypted:BDqDBibm4wsYqMpCjTQ6BsDHmMadg9K3dAt": _LITERAL,
    "[YOUR-PASSWORD]": _FILL_IN,
    "[your password]": _FILL_IN,
    "[YOUR_PASSWORD]": _FILL_IN,
    "<password>": _FILL_IN,
    "<your-password>": _FILL_IN,
    "{your_password}": _FILL_IN,
    "****": _FILL_IN,
    "***": _FILL_IN,
    "\N{BULLET}" * 8: _FILL_IN,
}
"""Whole components, and their codes."""

PASTED = (
    f"psql '{PG}'",
    f'psql "{PG}"',
    f"psql {PG}",
    f"PGPASSWORD={MARKER} psql -h db.example.com -U app app",
    f"pg_dump -d {PG}",
    f"mysql -h db.example.com -u app -p{MARKER}",
    f"redis-cli -u {REDIS}",
    f"DATABASE_URL={PG}",
    f"DATABASE_URL='{PG}'",
    f"DATABASE_URL = {PG}",
    f"DATABASE_URL: {PG}",
    f"export DATABASE_URL={PG}",
    f'export DATABASE_URL="{PG}"',
    f"set DATABASE_URL={PG}",
    f"setx DATABASE_URL {PG}",
    f"ENV DATABASE_URL {PG}",
    f"$env:DATABASE_URL = '{PG}'",
    f"- DATABASE_URL={PG}",
    f"{PG}&amp;application_name=web",
    f"{PG}&#38;application_name=web",
    f"{PG}\\u0026application_name=web",
    f"{PG}\\&application_name=web",
    PG.replace("/", "\\/"),
    f"Server=db.example.com;Database=app;User Id=app;Password={MARKER};SslMode=Require",
    f"Host=db.example.com;Port=5432;Username=app;Password={MARKER};Database=app",
    f"Server=tcp:db.example.com,1433;Initial Catalog=app;User ID=app;Password={MARKER};Encrypt=True;",
    f"Data Source=db.example.com;Initial Catalog=app;Uid=app;Pwd={MARKER}",
    f"redis.example.com:6380,password={MARKER},ssl=True,abortConnect=False",
    f"redis.example.com,ssl=True,password={MARKER}",
    base64.b64encode(PG.encode()).decode(),
    base64.b64encode(f"{PG}\n".encode()).decode(),
    base64.b64encode(PG.replace("app:", "%3E?~:").replace("?~", "%3F~").encode()).decode(),
    base64.urlsafe_b64encode(PG.replace("app:", "~~~~~~:").encode()).decode().rstrip("="),
    base64.b64encode(f"host=db.example.com user=app dbname=app password={MARKER}".encode()).decode(),
)
"""What was copied with too much around it, or is in the words of another program."""

_PLACE = f"postgresql://app:{MARKER}@db.example.com/app"
MISPLACED = (
    f"{_PLACE};sslmode=verify-full",
    f"{_PLACE}&sslmode=verify-full",
    f"{_PLACE},sslmode=verify-full",
    f"{_PLACE}/sslmode=verify-full",
    f"{_PLACE}#sslmode=verify-full",
    f"{_PLACE}%3Fsslmode=verify-full",
    f"{_PLACE}%3Fsslmode%3Dverify-full",
    f"{_PLACE}%23sslmode=verify-full",
    f"{_PLACE};sslmode=verify-full?application_name=web",
    f"{_PLACE}?application_name=web;sslmode=verify-full",
    f"{_PLACE}?application_name=web; sslmode=verify-full",
    f"{_PLACE}?application_name=web?sslmode=verify-full",
    f"{_PLACE}?application_name=web#sslmode=verify-full",
    f"{_PLACE}?application_name=web,sslmode=verify-full",
    f"{_PLACE}?application_name=web&?sslmode=verify-full",
    f"{_PLACE}?sslmode=require;sslrootcert=system",
    f"{_PLACE}?sslmode=require;channel_binding=require",
    f"{_PLACE};ssl=true",
    f"{_PLACE} sslmode=verify-full",
    f"{_PLACE}%20sslmode=verify-full",
    f"{_PLACE}%20sslmode%3Dverify-full",
    f"{_PLACE}|sslmode=verify-full",
    f"{_PLACE}:sslmode%3Dverify-full",
    f"{_PLACE}%7Csslmode=verify-full",
    f"{_PLACE}+sslmode=verify-full",
    f"{_PLACE}?application_name=web sslmode=verify-full",
    f"{_PLACE}?application_name=web%20sslmode=verify-full",
    f"{_PLACE}?application_name=web%2Csslmode%3Dverify-full",
    f"{_PLACE}?pgbouncer=true%26sslmode=verify-full",
    f"{_PLACE}?pgbouncer=true%26sslmode%3Dverify-full",
    f"{_PLACE}?pgbouncer=true%3bsslmode%3Dverify-full",
    f"{_PLACE}?pgbouncer=true%3Bsslmode=verify-full",
    f"{_PLACE}?currentSchema=x%26sslmode%3Dverify-full",
    f"{_PLACE}?options=-e%26sslmode=verify-full",
    f"{_PLACE}?pgbouncer=true&connect_timeout=5%26sslmode%3Dverify-full",
    f"mysql://app:{MARKER}@db.example.com/app ssl-mode=VERIFY_IDENTITY",
    f"mysql://app:{MARKER}@db.example.com/app%20ssl-mode=VERIFY_IDENTITY",
    f"mysql://app:{MARKER}@db.example.com/app?pool=5%26ssl-mode%3DVERIFY_IDENTITY",
    f"mysql://app:{MARKER}@db.example.com/app?connection_limit=5%26ssl-mode=VERIFY_IDENTITY",
    f"mysql://app:{MARKER}@db.example.com/app?timezone=UTC%2Cssl-mode%3DVERIFY_IDENTITY",
    f"{_PLACE};pgbouncer=true",
    f"{_PLACE}#pgbouncer=true",
    f"{_PLACE}?sslmode=require?pgbouncer=true",
    f"{_PLACE}?sslmode=require?schema=public",
    f"{_PLACE}?sslmode=require?CONN_MAX_AGE=60",
    f"{_PLACE}?sslmode=require;connection_limit=5",
    f"{_PLACE}?sslmode=require,connection_limit=5",
    f"{_PLACE}?sslmode=require#supa=base-pooler.x",
    f"mysql://app:{MARKER}@db.example.com/app?ssl-mode=REQUIRED?charset=utf8mb4",
    f"mysql://app:{MARKER}@db.example.com/app?charset=utf8mb4;ssl-mode=VERIFY_IDENTITY",
    f"mysql://app:{MARKER}@db.example.com/app;ssl-mode=VERIFY_IDENTITY",
    "host=db.example.com user=app dbname=app;sslmode=verify-full",
    "host=db.example.com user=app dbname=app,sslmode=verify-full",
    "host=db.example.com user=app dbname=app&sslmode=verify-full",
    "host=db.example.com user=app dbname=app?sslmode=verify-full",
    "host=db.example.com user=app dbname=app; sslmode=verify-full",
    "host=db.example.com user=app dbname=app|sslmode=verify-full",
    "host=db.example.com user=app application_name=a' dbname=app;sslmode=verify-full fallback_application_name=b'",
    f"host=db.example.com user=app dbname=app password={MARKER};sslmode=verify-full",
    f"host=db.example.com user=app dbname=app password={MARKER},sslmode=verify-full",
)
"""A parameter was meant, but what is before it does not begin one."""

REFUSED = [
    # References, placeholders, and what was pasted.
    *(without(f"reference: {text}", _LITERAL, DATABASE_URL=text) for text in REFERENCES),
    *(without(f"placeholder: {text}", _FILL_IN, DATABASE_URL=text) for text in PLACEHOLDERS),
    *(
        without(f"password: {text}", code, DATABASE_URL=f"postgresql://app:{text}@db.example.com/app")
        for text, code in COMPONENTS.items()
    ),
    *(
        without(f"{each}: {text}", code, DATABASE_URL=f"postgresql://{before}{text}{behind}")
        for text, code in {"$(X)": _LITERAL, "${X}": _LITERAL, "<x>": _FILL_IN, "[xyz]": _FILL_IN}.items()
        for each, before, behind in (
            ("user", "", f":{MARKER}@db.example.com/app"),
            ("user alone", "", "@db.example.com/app"),
            ("host", f"app:{MARKER}@", "/app"),
            ("host with port", f"app:{MARKER}@", ":5432/app"),
            ("a part of a host", f"app:{MARKER}@db.", ".example.com/app"),
            ("port", f"app:{MARKER}@db.example.com:", "/app"),
            ("database", f"app:{MARKER}@db.example.com/", "?sslmode=require"),
            ("in the query", "app@db.example.com/app?sslmode=require&password=", ""),
        )
    ),
    *(
        without(f"an example: {text}", _FILL_IN, DATABASE_URL=text)
        for text in (
            "postgresql://user:password@host/name",
            "postgresql://USER:PASSWORD@HOST:5432/DB",
            "postgresql://user:password@host:port/name",
            "postgresql://username@hostname/name",
            f"postgresql://user:{MARKER}@your-host/name",
            "mysql://app:password@hostname/name",
            "host=host user=user dbname=name",
            f"postgresql://app:{MARKER}@db.example.com:PORT/app",
            f"mysql://app:{MARKER}@db.example.com:your_port/app",
        )
    ),
    refused("an example of a Redis", _FILL_IN, REDIS_URL="rediss://:password@host:6379"),
    without("all", _LITERAL, DATABASE_URL="postgresql://$(U):$(P)@$(H):$(O)/$(D)"),
    without("host by a name", _LITERAL, DATABASE_URL="postgresql://app:$DB_PASSWORD@$DB_HOST/app"),
    *(
        without(f"keyword: {text}", code, DATABASE_URL=f"host=db.example.com user=app dbname=app password={text}")
        for text, code in {"$(X)": _LITERAL, "'${X}'": _LITERAL, "<x>": _FILL_IN, "'[your password]'": _FILL_IN}.items()
    ),
    *(
        wrong(code, **{name: text})
        for text, code in {
            "$(X)": _LITERAL,
            "${{ x.y }}": _LITERAL,
            "<your-x>": _FILL_IN,
            "op://a/b/c": _LITERAL,
        }.items()
        for name in ("DB_PASSWORD", "DB_USER", "DB_HOST", "DB_NAME", "DB_PORT")
    ),
    *(without(f"pasted: {text}", "text-pasted", DATABASE_URL=text) for text in PASTED),
    *(without(f"misplaced: {text}", "parameter-misplaced", DATABASE_URL=text) for text in MISPLACED),
    *(
        refused(f"a reference in {name}", _LITERAL, **{name: text})
        for name in ("ANALYTICS_DATABASE_URL", "DIRECT_URL", "REDIS_URL", "CACHE_URL", "CELERY_BROKER_URL")
        for text in ("op://vault/item/field", "$(X)", "{{ x }}", "ref+vault://x")
    ),
    # A certificate instead of its path.
    *(wrong("ca-inline", **{f"DB_{word}": _PEM}) for word in CAS),
    wrong("ca-inline", DB_SSL_CERT=_PEM, DB_SSL_KEY="/k")._replace(codes={"DB_SSL_CERT": "ca-inline"}),
    *(
        without(f"{word} inline", "ca-inline", DATABASE_URL=f"{PG}&{word}={text}")
        for word in ("sslrootcert", "sslcert", "sslkey")
        for text in (_PEM, _PEM.replace("\n", "%0A"), _PEM.replace("\n", "%0A").replace(" ", "%20"))
    ),
    without(
        "sslrootcert inline, as a keyword", "ca-inline", DATABASE_URL=f"host=h user=a dbname=a sslrootcert='{_PEM}'"
    ),
    without("ssl-ca inline", "ca-inline", DATABASE_URL=f"mysql://a:{MARKER}@h.example.com/a?ssl-ca={_PEM}"),
    refused("ssl_ca_certs inline", "ca-inline", REDIS_URL=f"{REDIS}?ssl_ca_certs={_PEM}"),
    refused("cacertfile inline", "ca-inline", CLOUDAMQP_URL=f"{AMQP}?cacertfile={_PEM}"),
    # What the driver would fail at.
    without("the socket itself", "host-invalid", DATABASE_URL="host=/var/run/postgresql/.s.PGSQL.5432 user=a dbname=a"),
    without("the socket itself, in a URI", "host-invalid", DATABASE_URL="postgresql://a@/a?host=/tmp/.s.PGSQL.5432"),
    wrong("host-invalid", DB_HOST="/var/run/postgresql/.s.PGSQL.5432"),
    refused("keepalive of a socket", "parameter-refused", REDIS_URL="unix:///run/r.sock?socket_keepalive=true"),
    refused("keepalive of a socket, off", "parameter-refused", CACHE_URL="unix:///run/r.sock?socket_keepalive=false"),
    *(
        without(f"charset: {name}", "value-unknown", DATABASE_URL=f"mysql://a:{MARKER}@h.example.com/a?charset={name}")
        for name in ("utfmb4", "utf-8", "utf8mb5", "latin", "ucs2", "utf32", "none")
    ),
    *(
        without(f"{kind} as sslcert", "tls-file-missing", DATABASE_URL=f"{PG}&sslcert={path}&sslkey={path}")
        for kind, path in {"device": "/dev/null", "directory": "/tmp", "nothing": "/nowhere"}.items()  # noqa: S108
    ),
    # Users without a password, other than those that the clients know.
    refused("another user", "password-missing", REDIS_URL="rediss://app@redis.example.com"),
    refused("another user of a broker", "password-missing", CLOUDAMQP_URL="amqps://app@mq.example.com"),
    # The same beside a URL, in what libpq reads itself.
    *(
        refused(f"{name} beside: {text}", code, **{name: text, "DATABASE_URL": url})._replace(database=is_read)
        for text, code in {"$(X)": _LITERAL, "<password>": _FILL_IN, "op://a/b/c": _LITERAL}.items()
        for name, url, is_read in (
            ("PGPASSWORD", "postgresql://app@db.example.com/app", True),
            ("PGUSER", "postgresql://db.example.com/app", False),
            ("PGDATABASE", "postgresql://app@db.example.com", False),
        )
    ),
    # An alias, or a password that looks like one.
    *(
        without(f"alias: {text}", "alias-missing", DATABASE_URL=text)
        for text in ("$Sup3rS3cret", "${Sup3rS3cret}", "$SCALINGO_POSTGRESQL_URL", "$NOWHERE")
    ),
    wrong("alias-missing", DB_PASSWORD="$Sup3rS3cret"),
    refused("a placeholder for a Redis", _FILL_IN, REDIS_URL="rediss://:<password>@redis.example.com"),
    refused("a placeholder for a broker", _FILL_IN, CLOUDAMQP_URL="amqps://app:[password]@mq.example.com"),
    refused("a Redis of .NET", "text-pasted", REDIS_URL=f"redis.example.com:6380,password={MARKER},ssl=True"),
    *(
        refused(f"a lost parameter: {text}", "parameter-misplaced", REDIS_URL=f"{REDIS}/0{text}")
        for text in (";ssl_cert_reqs=required", ";db=1", "?db=1?health_check_interval=30")
    ),
    refused(
        "a lost parameter of a broker", "parameter-misplaced", CLOUDAMQP_URL=f"{AMQP}?heartbeat=30?frame_max=131072"
    ),
    # Names that were meant.
    *(
        without(f"one letter: {name}", "database-missing", **{name: PG, "DB_NAME": ""})
        for name in (
            "DATABSE_URL",
            "DATABASE_ULR",
            "DATABASE_URLS",
            "database_url",
            "POSTGRES_ULR",
            "JAWSDBURL",
        )
    ),
    *(
        without(f"unknown: {name}", "database-missing", **{name: PG, "DB_NAME": ""})
        for name in ("MY_DB", "SHOP_DB_URL", "PRIMARY")
    ),
    *(
        without(
            f"wrong: {name}", "scheme-unknown", **{name: f"postgersql://app:{MARKER}@h.example.com/d", "DB_NAME": ""}
        )
        for name in ("DB_URL", "DATABASE_URI", "MYSQL_URL", "SQLALCHEMY_DATABASE_URI")
    ),
    without("two", "variable-conflict", DB_URL=PG, MYSQL_URL=PG.replace("/app?", "/other?"), DB_NAME=""),
    without("two of Aspire", "database-missing", A_URI=PG, B_URI=PG, DB_NAME=""),
    without(
        "Aspire's for .NET",
        "database-missing",
        ConnectionStrings__app=f"Host=h.example.com;Port=5432;Username=app;Password={MARKER};Database=app",
        DB_NAME="",
    ),
    # Parts.
    *(
        wrong("scheme-unsupported", DB_ENGINE=text)
        for text in (
            "oracle",
            "django.db.backends.oracle",
            "django.db.backends.sqlite3",
            "mssql",
            "sqlserver",
            "mongodb",
            "djongo",
            "cassandra",
            "clickhouse",
            "h2",
            "default",
            "x",
        )
    ),
    *(
        wrong("scheme-unsupported", **{f"DB_{word}": "sqlsrv"})
        for word in _words("DIALECT DRIVER ADAPTER VENDOR CONNECTION TYPE KIND")
    ),
    *(
        wrong("port-foreign", DB_PORT=port)
        for port in ("1433", "1521", "27017", "6379", "5672", "9042", "8123", "50000")
    ),
    wrong(
        "port-foreign",
        POSTGRES_PORT="3306",
        POSTGRES_HOST="db.example.com",
        DB_HOST=" ",
        POSTGRES_USER="a",
        POSTGRES_DB="a",
    ),
    *(
        wrong("part-unknown", **{f"DB_{word}": "x"})
        for word in (
            "SSL_CIPHERS",
            "SSL_VERIFY",
            "TLS_VERSION",
            "SSL_OPTIONS",
            "SSL_REJECT_UNAUTHORIZED",
            "SSL_CHECK_HOSTNAME",
            "TRUST_SERVER_CERTIFICATE",
            "SSL_CA_BASE64",
            "CERT_DIR",
            "VERIFY_CERT",
            "SSL_MODES",
            "CA_BUNDLE",
        )
    ),
    *(wrong("sslmode-unknown", **{f"DB_{word}": "verfy-full"}) for word in MODES),
    *(wrong("tls-disabled", DB_SSL=text) for text in ("false", "False", "0", "no", "off", "disabled", "disable")),
    *(wrong("tls-disabled", **{f"DB_{word}": "disable"}) for word in MODES),
    *(wrong("ca-missing", **{f"DB_{word}": "/nowhere/ca.pem"}) for word in CAS),
    *(
        Row(
            f"{pair} not there",
            {**PARTS, **{f"DB_{word}": "/nowhere" for word in pair.split()}},
            codes={f"DB_{pair.split()[0]}": "tls-file-missing", f"DB_{pair.split()[1]}": "tls-file-missing"},
            database=False,
        )
        for pair in PAIRS
    ),
    *(
        wrong("sslkey-missing", **{f"DB_{pair.split()[0]}": "/nowhere"})._replace(
            codes={f"DB_{pair.split()[0]}": "tls-file-missing"}
        )
        for pair in PAIRS
    ),
    wrong("parts-contradict", DB_SSL="false", DB_SSL_MODE="verify-full"),
    wrong("parts-contradict", DB_SSL_CA="/a", DB_SSLROOTCERT="/b"),
    wrong("port-invalid", DB_PORT="tcp://10.96.0.12:5432"),
    wrong("port-invalid", DB_PORT="x"),
    wrong("port-range", DB_PORT="70000"),
    *(
        wrong("host-invalid", DB_HOST=text)
        for text in (
            "db.example.com:5432",
            "https://db.example.com",
            "tcp://db.example.com",
            "http://db.example.com:5432",
        )
    ),
    wrong("user-missing", DB_USER=""),
    wrong("dbname-missing", DB_NAME=" "),
    # The name that is the database.
    *(
        without(
            f"the database itself: {scheme}",
            code,
            DATABASE_URL=f"{scheme}://app:{MARKER}@h.example.com/d",
        )
        for scheme, code in {
            "mongodb": "scheme-unsupported",
            "mongodb+srv": "scheme-unsupported",
            "mssql": "scheme-unsupported",
            "oracle": "scheme-unsupported",
            "https": "scheme-unknown",
            "http": "scheme-unknown",
            "prisma": "scheme-unknown",
            "prisma+postgres": "scheme-unknown",
            "libsql": "scheme-unknown",
            "clickhouse": "scheme-unknown",
            "snowflake": "scheme-unknown",
            "zzqdb": "scheme-unknown",
            "memory": "scheme-unknown",
            "locmemcache": "scheme-unknown",
            "sqs": "scheme-unknown",
            _POST: "scheme-unknown",
            "postgress": "scheme-unknown",
            "rediss": "dbname-invalid",
            "amqps": "kind-unexpected",
            "POSTGRESQL": "scheme-case",
        }.items()
    ),
    *(
        without(f"{name} is the database, too", "scheme-unknown", **{name: f"https://h/{MARKER}"})
        for name in ("SCALINGO_POSTGRESQL_URL", "POSTGRES_URL", "POSTGRESQL_URL", "PG_URL", "POSTGRESQL_ADDON_URI")
    ),
    without(
        "a chosen one",
        "scheme-unknown",
        FIREBASE_DATABASE_URL="https://h",
        ENVCONN_DATABASE_VARIABLE="FIREBASE_DATABASE_URL",
    ),
    # Misspelt, or no URL at all.
    *(
        refused(
            f"misspelt: {scheme}", "scheme-unknown", ANALYTICS_DATABASE_URL=f"{scheme}://app:{MARKER}@h.example.com/d"
        )
        for scheme in (
            _POST,
            "postgress",
            "postgre",
            "postgesql",
            "postgresqls",
            "pgg",
            "psqll",
            "cockroch",
            "timescal",
            "mysqll",
            "mysq",
            "maraidb",
            "sqllite",
            "postgresql+psycopg3",
            "mysql+foo",
            "sqlite3",
        )
    ),
    refused("capitals", "scheme-case", ANALYTICS_DATABASE_URL=f"POSTGRES://app:{MARKER}@h.example.com/d"),
    refused("no slashes", "scheme-slashes", ANALYTICS_DATABASE_URL=f"postgres:app:{MARKER}@h.example.com/d"),
    refused("no scheme", "scheme-missing", ANALYTICS_DATABASE_URL=MARKER),
    refused("a user is no scheme", "scheme-unknown", ANALYTICS_DATABASE_URL=f"app:{MARKER}@h.example.com/d"),
    refused("an option after no scheme", "scheme-unknown", DIRECT_URL=f"{_POST}://app:{MARKER}@h.example.com/d"),
    *(
        refused(f"misspelt for a Redis: {scheme}", "scheme-unknown", **{name: f"{scheme}://:{MARKER}@h.example.com"})
        for name, scheme in (
            ("REDIS_URL", "redsi"),
            ("REDIS_URL", "redis+ssl"),
            ("KV_URL", "redisss"),
            ("CACHE_URL", "rediis"),
            ("BROKER_URL", "ampqs"),
            ("CELERY_BROKER_URL", "amqpss"),
            ("CELERY_RESULT_BACKEND", "redsi"),
            ("CACHE_URL", "valky"),
        )
    ),
    # Misplaced.
    refused("a Redis as replica", "kind-unexpected", DATABASE_REPLICA_URL=REDIS),
    refused("a database as Redis", "kind-unexpected", REDIS_URL=PG),
    refused("a database as broker", "kind-unexpected", CELERY_BROKER_URL=PG),
    refused("a database as cache", "kind-unexpected", CACHE_URL=PG),
    refused("a broker as cache", "kind-unexpected", CACHE_URL=AMQP),
    refused("a Memcached elsewhere", "tls-disabled", CACHE_URL="memcache://localhost,cache.example.com"),
    refused("a Memcached here", "tls-disabled", CACHE_URL="memcache://localhost", ENVCONN_TLS_LOCAL="enforce"),
    refused("a socket of a Memcached", "socket-enforced", CACHE_URL="memcache:///a", ENVCONN_TLS_LOCAL="enforce"),
    refused(
        "half a waiver for Memcached",
        "tls-disabled",
        CACHE_URL="memcache://a.example.com,b.example.com",
        ENVCONN_TLS_WAIVE="a.example.com",
    ),
    refused("a Memcached of a template", "reference-unresolved", CACHE_URL="memcache://${CACHE_HOST}:11211"),
    refused("a broker as results", "kind-unexpected", CELERY_RESULT_BACKEND=AMQP),
    # Without TLS.
    *(
        refused(f"{name} without TLS", "tls-disabled", **{name: f"redis://:{MARKER}@h.example.com"})
        for name in ("REDIS_URL", "SCALINGO_REDIS_URL", "CACHE_URL", "CELERY_BROKER_URL", "CELERY_RESULT_BACKEND")
    ),
    refused("a named database without TLS", "tls-disabled", ANALYTICS_DATABASE_URL=PG.replace("require", "disable")),
    refused(
        "an endpoint without TLS",
        "tls-disabled",
        DIRECT_URL=PG.replace("db.", "x.").replace("require", "disable"),
    ),
    # Results whose server other settings name.
    refused("results by a word", "results-unsupported", CELERY_RESULT_BACKEND="redis"),
    refused("results by a class", "results-unsupported", CELERY_RESULT_BACKEND="my.backends.Own"),
    # What cannot be left out.
    *(
        refused(f"{name} is read elsewhere", "ignore-refused", **{"ENVCONN_IGNORE": name, name: text})
        for name, text in {
            "CELERY_BROKER_URL": REDIS,
            "CELERY_BROKER": REDIS,
            "BROKER_URL": REDIS,
            "CELERY_RESULT_BACKEND": "rpc://",
            "RESULT_BACKEND": "rpc://",
            "PGSSLMODE": "require",
            "PGHOST": "db.example.com",
            "ENVCONN_TLS": "require",
        }.items()
        if name != "PGHOST"
    ),
    refused("by a pattern", "ignore-refused", ENVCONN_IGNORE="CELERY_*", CELERY_BROKER_URL=REDIS),
    without("everything", "ignore-refused", ENVCONN_IGNORE="*"),
    *(
        refused(f"no name: {text!r}", "ignore-invalid", ENVCONN_IGNORE=text)
        for text in (
            "JDBC-URL",
            "A B",
            PG,
            "JDBC_DATABASE_URL;KV_URL",
            "[A-Z]*",
            "JDBC_DATABASE_URL=",
            "$X",
            "'KV_URL'",
        )
    ),
    refused("the name is nearly right", "envconn-variable-unknown", ENVCONN_IGNOR="KV_URL"),
    refused("the name is nearly right, too", "envconn-variable-unknown", ENVCONN_IGNORES="KV_URL"),
    without("the database is left out", "database-missing", DATABASE_URL=PG, ENVCONN_IGNORE="DATABASE_URL"),
    # What libpq's defaults do not cover.
    *(
        without(f"left out: {text} {[*environ]}", "user-missing", DATABASE_URL=text, **environ)
        for text, environ in (
            ("postgres://db.example.com", {}),
            ("postgres://db.example.com/app", {}),
            (f"postgres://:{MARKER}@db.example.com/app", {}),
            ("postgres://localhost./app", {}),
            ("postgres://localhost/app?user=", {}),
            ("host=db.example.com dbname=app", {}),
            ("postgres:///app", {"PGHOST": "db.example.com"}),
            ("postgres://db.example.com/app", {"PGUSER": " "}),
        )
    ),
    *(
        without(f"{variable} completes it", code, **{variable: value}, DATABASE_URL="postgres://", PGUSER="app", **more)
        for variable, value, code, more in (
            ("PGHOST", "a b", "host-invalid", {}),
            ("PGPORT", "x", "port-invalid", {"PGHOST": "db.example.com"}),
            ("PGPORT", "70000", "port-range", {}),
            ("PGHOSTADDR", "10.0.0.1", "hostaddr-alone", {}),
            ("PGDATABASE", "a\tb", "control-character", {}),
        )
    ),
    *(
        without(f"{code}: {text}", code, DATABASE_URL=text)
        for text, code in (
            ("postgres://app@localhost/?dbname=", "dbname-missing"),
            ("postgres://app@/app?host=", "host-missing"),
            ("mysql://app@db.example.com", "dbname-missing"),
            ("mysql://localhost/app", "user-missing"),
        )
    ),
    # Spellings that say two things, or nothing.
    *(
        without(f"{code}: {query}", code, DATABASE_URL=f"postgresql+asyncpg://app:{MARKER}@db.example.com/app?{query}")
        for query, code in (
            ("ssl=disable", "tls-disabled"),
            ("ssl=disable&sslmode=disable", "tls-disabled"),
            ("ssl=verify-full", "ca-missing"),
            ("ssl=verify-ca", "ca-missing"),
            ("ssl=false", "tls-disabled"),
            ("ssl=0", "tls-disabled"),
            ("ssl=2", "ssl-unknown"),
            ("ssl=1&ssl=1", "parameter-duplicate"),
            ("ssl=1&sslmode=disable", "parameter-duplicate"),
            ("ssl=0&sslmode=require", "parameter-duplicate"),
            ("ssl=required", "ssl-unknown"),
            ("ssl=VERIFY-FULL", "ssl-unknown"),
            ("ssl=", "ssl-unknown"),
            ("ssl=true&sslmode=disable", "parameter-duplicate"),
            ("ssl=verify-full&sslmode=require", "parameter-duplicate"),
            ("ssl=require&ssl=require", "parameter-duplicate"),
            ("schema=a&currentSchema=b", "parameter-duplicate"),
            ("schema=a&options=-c%20search_path%3Db", "parameter-duplicate"),
            ("schema=", "value-empty"),
            ("schema=a&pgbouncer=true", "options-pooled"),
            ("currentSchema=a&pgbouncer=true", "options-pooled"),
            ("isolation_level=serializable", "parameter-unknown"),
            ("server_side_binding=true", "parameter-unknown"),
            ("pool_sise=5", "parameter-unknown"),
            ("CONN_MAX_AGES=5", "parameter-unknown"),
            ("application_name=a@b", "at-unencoded"),
            ("host=a:1&host=b:2", "parameter-duplicate"),
        )
    ),
    *(
        without(f"{code}: {text}", code, DATABASE_URL=text)
        for text, code in (
            (f"postgresql+psycopg2://app:{MARKER}@/app?host=a&host=b", "parameter-duplicate"),
            (f"postgresql+psycopg2://app:{MARKER}@/app?host=a:1&host=b:2&port=3", "parameter-duplicate"),
            (f"host=db.example.com\nuser=app\npassword='{MARKER}\n'", "control-character"),
            (f"postgres://app:{MARKER}@db.example.com/app\n?sslmode=require", "control-character"),
            ("sqlite:///app.db?conn_max_ages=1", "parameter-unknown"),
            ("sqlite:///app.db?timeout=20s", "number-invalid"),
        )
    ),
    # Lists of brokers, and semicolons that Celery would split at.
    *(
        refused(f"{code}: {name} {text.count(';')}", code, **{name: text})
        for name, text, code in (
            ("CELERY_BROKER_URL", f"{AMQP};amqp://app:{MARKER}@mq2.example.com", "broker-list"),
            ("BROKER_URL", f"amqp://app:{MARKER}@localhost;{AMQP}", "broker-list"),
            ("CLOUDAMQP_URL", f"{AMQP};amqps://app:x{MARKER}@mq2.example.com", "broker-list"),
            ("CLOUDAMQP_URL", f"{AMQP};amqps://mq2.example.com", "broker-list"),
            ("RABBITMQ_URL", f"{AMQP}/a;{AMQP}/b", "broker-list"),
            ("RABBITMQ_URL", f"{AMQP};{AMQP}?heartbeat=5", "broker-list"),
            ("AMQP_URL", f"{AMQP};{REDIS}", "broker-list"),
            ("AMQP_URL", f"{AMQP};mq2.example.com", "semicolon-unencoded"),
            ("AMQP_URL", f"amqp://app:{MARKER}@mq.example.com;amqp://app:{MARKER}@localhost", "tls-disabled"),
            ("CELERY_BROKER_URL", f"{REDIS};{REDIS}", "hosts-several"),
            ("REDIS_URL", f"{REDIS};{REDIS}", "hosts-several"),
            ("CACHE_URL", f"{REDIS};{REDIS}", "hosts-several"),
            ("CELERY_BROKER_URL", f"rediss://:a;{MARKER}@h.example.com", "semicolon-unencoded"),
            ("CELERY_RESULT_BACKEND", f"rediss://:a;{MARKER}@h.example.com", "semicolon-unencoded"),
            ("BROKER_URL", f"amqps://app:a;{MARKER}@h.example.com", "semicolon-unencoded"),
            ("CELERY_BROKER_URL", f"memory://;redis://:{MARKER}@h.example.com/0", "semicolon-unencoded"),
            ("CELERY_BROKER_URL", f"filesystem://; AMQP://app:{MARKER}@h.example.com", "semicolon-unencoded"),
            ("CELERY_BROKER_URL", f"sqs://{MARKER}@;mq.example.com", "semicolon-unencoded"),
            ("CELERY_BROKER_URL", f"sqs://{MARKER}@;", "semicolon-unencoded"),
        )
    ),
    # Settled by a name that cannot be used.
    refused("chosen, but foreign", "scheme-unknown", CLOUDAMQP_URL="sqs://", ENVCONN_BROKER_VARIABLE="CLOUDAMQP_URL"),
    refused("chosen, but a database", "kind-unexpected", MY_CACHE=PG, ENVCONN_CACHE_VARIABLE="MY_CACHE"),
    *(
        refused(f"{name} names nothing", "chosen-variable-missing", **{name: "NOWHERE"})
        for name in ("ENVCONN_BROKER_VARIABLE", "ENVCONN_RESULTS_VARIABLE", "ENVCONN_CACHE_VARIABLE")
    ),
]
"""What is refused: one problem each."""
