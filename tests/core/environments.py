"""Environments as data: what a process with variables of other products is read as, and what is refused in it.

Every row has a good ``DATABASE_URL`` unless it states another one; `services` are the names and levels of all services
besides the default database, `notes` and `codes` the variables and codes of notes and problems.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from leaks import MARKER

if TYPE_CHECKING:
    from collections.abc import Mapping

PG = f"postgresql://app:{MARKER}@db.example.com/app?sslmode=require"
REDIS = f"rediss://:{MARKER}@redis.example.com"
AMQP = f"amqps://app:{MARKER}@mq.example.com"
FOREIGN = "service-foreign"
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

READ = [
    # Other usual names, alone, and beside the standard one.
    *(usual(**{name: PG}) for name in USUAL),
    *(
        Row(f"{name} beside", {name: PG.replace("/app?", "/other?")}, notes={name: "variable-unused"})
        for name in USUAL
        if name not in {"POSTGRESDB_URI", "ConnectionStrings__app"}
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
            "memcache",
            "memcached",
            "pymemcache",
            "pylibmc",
            "elasticache",
            "uwsgicache",
            "hiredis",
            "rediscache",
        )
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
        "no Redis beside memcached",
        {"CACHE_URL": "memcache://cache.example.com", "REDIS_URL": REDIS},
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
]
"""What is read, and noted."""

_POST = "postgersql"
REFUSED = [
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
            "pg",
            "psql",
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
    # Settled by a name that cannot be used.
    refused("chosen, but foreign", "scheme-unknown", CLOUDAMQP_URL="sqs://", ENVCONN_BROKER_VARIABLE="CLOUDAMQP_URL"),
    refused("chosen, but a database", "kind-unexpected", MY_CACHE=PG, ENVCONN_CACHE_VARIABLE="MY_CACHE"),
    *(
        refused(f"{name} names nothing", "chosen-variable-missing", **{name: "NOWHERE"})
        for name in ("ENVCONN_BROKER_VARIABLE", "ENVCONN_RESULTS_VARIABLE", "ENVCONN_CACHE_VARIABLE")
    ),
]
"""What is refused: one problem each."""
