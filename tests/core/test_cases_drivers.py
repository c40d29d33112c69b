"""The cases that users brought, continued: what drivers and frameworks are handed, or why they are not.

The environment stands on the left; on the right is the code of the refusal, of the note, or what each consumer
gets of it. Where an outcome differs from the one first written down for a case, the reason says so.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import envconn
from envconn.drivers import amqp, asyncpg, libpq, mysql, pg8000, redis
from envconn_celery import redis_settings
from envconn_celery.settings import settings
from envconn_django.aliases import entries
from envconn_django.cache import cache
from envconn_django.database_entry import settings as django_settings
from envconn_sqlalchemy import dbapi
from envconn_sqlalchemy.engine import address
from leaks import MARKER

if TYPE_CHECKING:
    from collections.abc import Callable

    from envconn import SecuredConnection
    from throwaway.certificates import Certificates

PLACE = f"u:{MARKER}@db.example/d"
PG = f"postgresql://{PLACE}"
SCALINGO = "abc.redis.a.osc-fr1.scalingo-dbs.com:36000"


def engine(driver: Any) -> Callable[[SecuredConnection], dict[str, Any]]:
    """Return what SQLAlchemy gets for `driver`: the driver in its URL, and what its plugin calls that with."""

    def handed(connection: SecuredConnection) -> dict[str, Any]:
        return {"drivername": address(connection, driver).drivername, **dbapi.arguments(connection, driver)}

    return handed


CONSUMERS: dict[str, Callable[[SecuredConnection], Any]] = {
    "psycopg": lambda connection: libpq.arguments(connection, 18_00_00),
    "psycopg on libpq 15": lambda connection: libpq.arguments(connection, 15_00_00),
    "asyncpg": asyncpg.arguments,
    "pg8000": pg8000.arguments,
    "sqlalchemy": engine("psycopg"),
    "sqlalchemy+psycopg2": engine("psycopg2"),
    "sqlalchemy+asyncpg": engine("asyncpg"),
    "sqlalchemy+pg8000": engine("pg8000"),
    "django": django_settings,
    "mysqlclient": lambda connection: mysql.arguments(connection, "MySQLdb"),
    "PyMySQL": lambda connection: mysql.arguments(connection, "pymysql"),
    "cache": cache,
    "options of the cache": lambda connection: cache(connection)["OPTIONS"],
    "broker": settings,
    "results": lambda connection: settings(connection, connection),
    "channel": redis_settings.transport_options,
    "backend": lambda connection: redis_settings.judged_results({}, connection),
    "redis-py": redis.client,
    "py-amqp": amqp.arguments,
}


class Case(NamedTuple):
    """What `consumer` is handed for the service that `environ` names has to hold `handed`."""

    number: str
    environ: dict[str, str]
    consumer: str
    handed: dict[str, Any]
    why: str


def of(text: str) -> dict[str, str]:
    return {"DATABASE_URL": text}


def queue(text: str) -> dict[str, str]:
    return {"REDIS_URL": text}


_GIS, _LIBPQ = "django.contrib.gis.db.backends.postgis", "django.db.backends.postgresql"
_SOCKET = f"postgresql://u:{MARKER}@%2Fvar%2Frun%2Fpostgresql/d"
_CLOUD = f"postgresql://u:{MARKER}@/d?host=/cloudsql/proj:region:inst"
_HOSTS = PG.replace("db.example", "h1,h2:5433")

HANDED = [
    Case("T39", of(f"postgres://{PLACE}"), "sqlalchemy", {"drivername": "postgresql+psycopg"}, "no such dialect there"),
    Case("T40", of(PG), "sqlalchemy+psycopg2", {"drivername": "postgresql+psycopg2"}, "SQLAlchemy 2.1 means psycopg"),
    Case("T41", of(f"postgresql+psycopg://{PLACE}"), "django", {"ENGINE": _LIBPQ, "HOST": "db.example"}, "no suffix"),
    Case("T41", of(f"postgresql+asyncpg://{PLACE}"), "psycopg", {"host": "db.example", "dbname": "d"}, "the same"),
    Case("T42", of(f"postgis://{PLACE}"), "django", {"ENGINE": _GIS}, "the engine for GIS"),
    Case("T42", of(f"postgis://{PLACE}"), "psycopg", {"host": "db.example"}, "plain PostgreSQL"),
    Case("T42", of(f"postgis://{PLACE}"), "sqlalchemy", {"drivername": "postgresql+psycopg"}, "the same"),
    Case("T46", of(f"host=h dbname=d user=u password={MARKER}"), "asyncpg", {"host": "h", "database": "d"}, "as libpq"),
    Case("T49", of(PG.replace("db.example", "[::1]:5433")), "sqlalchemy", {"host": "::1", "port": "5433"}, "bare"),
    Case("T49", of(PG.replace("db.example", "[::1]:5433")), "django", {"HOST": "::1", "PORT": "5433"}, "the same"),
    Case("T49", of(PG.replace("db.example", "[fe80::1%25eth0]")), "asyncpg", {"host": "fe80::1%eth0"}, "the zone"),
    Case("T50", of(_SOCKET), "psycopg", {"host": "/var/run/postgresql", "sslmode": "disable"}, "TLS does not apply"),
    Case("T50", of(_SOCKET), "asyncpg", {"host": "/var/run/postgresql", "ssl": False}, "the same"),
    Case("T50", of(_SOCKET), "pg8000", {"unix_sock": "/var/run/postgresql/.s.PGSQL.5432"}, "the path itself"),
    Case("T51", of(_CLOUD), "asyncpg", {"host": "/cloudsql/proj:region:inst", "port": 5432}, "colons are no ports"),
    Case("T51", of(_CLOUD), "sqlalchemy+asyncpg", {"host": "/cloudsql/proj:region:inst"}, "beside the URL"),
    Case("T51", of(_CLOUD), "django", {"HOST": "/cloudsql/proj:region:inst"}, "colons stay"),
    Case("T53", of(_HOSTS), "psycopg", {"host": "h1,h2", "port": "5432,5433"}, "aligned"),
    Case("T53", of(_HOSTS), "asyncpg", {"host": ["h1", "h2"], "port": [5432, 5433]}, "aligned"),
    Case("T53", of(_HOSTS), "django", {"HOST": "h1,h2", "PORT": "5432,5433"}, "aligned"),
    Case("T54", of(_HOSTS), "sqlalchemy", {"host": "h1,h2", "port": "5432,5433"}, "differs: as arguments"),
    Case("T54", of(_HOSTS), "sqlalchemy+asyncpg", {"host": ["h1", "h2"], "port": [5432, 5433]}, "the same"),
    Case("T74", of(f"{PG}?channel_binding=require"), "psycopg", {"channel_binding": "require"}, "kept"),
    Case("T75", of(f"{PG}?target_session_attrs=read-write"), "psycopg", {"target_session_attrs": "read-write"}, "kept"),
    Case("T75", of(f"{PG}?target_session_attrs=read-write"), "asyncpg", {"target_session_attrs": "read-write"}, "kept"),
    Case("T79", of(f"{PG}?sslrootcert=system"), "psycopg", {"sslmode": "verify-full", "sslrootcert": "{ca}"}, "a file"),
    Case("T81", of(f"{PG}?sslrootcert=system"), "psycopg on libpq 15",
         {"sslmode": "verify-full", "sslrootcert": "{ca}"}, "which would take the word for the name of a file"),
    Case("T84", of(f"{PG}?sslmode=require&sslrootcert={{ca}}"), "psycopg", {"sslmode": "verify-ca"}, "a CA verifies"),
    Case("T84", of(f"{PG}?sslmode=require&sslrootcert={{ca}}"), "sqlalchemy+psycopg2", {"sslmode": "verify-ca"}, "too"),
    Case("T96", queue(f"rediss://:{MARKER}@h:6379/0"), "broker",
         {"broker_use_ssl": {"ssl_cert_reqs": "required", "ssl_check_hostname": True, "ssl_ca_certs": "{ca}"}},
         "kombu alone would verify nothing"),
    Case("T96", queue(f"rediss://:{MARKER}@h:6379/0"), "redis-py",
         {"ssl": True, "ssl_cert_reqs": "required", "ssl_check_hostname": True}, "the same"),
    Case("T96", queue(f"rediss://:{MARKER}@h:6379/0"), "cache", {"LOCATION": "rediss://h:6379/0"}, "no password in it"),
    Case("T97", queue(f"rediss://:{MARKER}@h:6379/0?ssl_cert_reqs=CERT_REQUIRED"), "redis-py",
         {"ssl_cert_reqs": "required"}, "redis-py refuses the other spelling"),
    Case("T98", queue(f"rediss://:{MARKER}@h:6379/0?ssl_cert_reqs=none"), "redis-py", {"ssl_cert_reqs": "none"},
         "differs: encrypted is what the floor demands; a higher floor raises it, as it does sslmode=require"),
    Case("T98", {**queue(f"rediss://:{MARKER}@h:6379/0?ssl_cert_reqs=none"), "ENVCONN_TLS": "verify-full"},
         "redis-py", {"ssl_cert_reqs": "required", "ssl_check_hostname": True}, "raised"),
    Case("T100", {"REDIS_TLS_URL": f"rediss://:{MARKER}@h:6380", "REDIS_URL": f"redis://:{MARKER}@h:6379"}, "redis-py",
         {"port": 6380, "ssl": True}, "the twin with TLS; the note is tls-twin"),
    Case("T103", queue("valkeys://h/1"), "broker",
         {"broker_url": "rediss://h:6379/1"}, "Valkey"),
    Case("T103", queue("unix:///s.sock?db=2"), "cache", {"LOCATION": "unix:///s.sock?db=2"}, "the number stays"),
    Case("T103", queue("unix:///s.sock?db=2"), "redis-py", {"unix_socket_path": "/s.sock", "db": 2}, "the same"),
    Case("T103", queue(f"rediss+sentinel://:{MARKER}@h1,h2:2/m/1"), "broker",
         {"broker_url": f"sentinel://:{MARKER}@h1:26379/1"}, "a list"),
    Case("T103", queue(f"sentinel://:{MARKER}@localhost:1/1?master_name=m;sentinel://localhost:2"), "results",
         {"result_backend": f"sentinel://:{MARKER}@localhost:1/1"}, "on this machine"),
    Case("T103", queue(f"rediss+sentinel://:{MARKER}@h1,h2:2/m/1"), "options of the cache",
         {"pool_class": "envconn_redis.connections.SentinelPool", "db": 1}, "the number stays"),
    Case("T104", {"AMQP_URL": f"amqps://u:{MARKER}@h"}, "py-amqp",
         {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": "h"}, "the name as well"),
    Case("T105", {"SCALINGO_REDIS_URL": f"rediss://:{MARKER}@{SCALINGO}", "ENVCONN_TLS_CA": "{ca}"}, "backend",
         {"health_check_interval": 120}, "silence of 150 s ends a connection"),
    Case("T105", {"SCALINGO_REDIS_URL": f"rediss://:{MARKER}@{SCALINGO}", "ENVCONN_TLS_CA": "{ca}"}, "channel",
         {"health_check_interval": 25}, "kombu looks half as often"),
    Case("T105", {"SCALINGO_REDIS_URL": f"rediss://:{MARKER}@{SCALINGO}", "ENVCONN_TLS_CA": "{ca}"},
         "options of the cache", {"health_check_interval": 120}, "the cache, too"),
    *(Case("T105", {"REDIS_URL": f"rediss+sentinel://:{MARKER}@h1,h2/m", "ENVCONN_TLS_CA": "{ca}",
                    "ENVCONN_PROVIDER": "scalingo"}, consumer, handed, "through sentinels as well")
      for consumer, handed in (
          ("backend", {"health_check_interval": 120}),
          ("options of the cache", {"health_check_interval": 120}))),
    Case("T107", of(f"mysql://{PLACE}?ssl-mode=REQUIRED"), "PyMySQL",
         {"ssl": {"check_hostname": False, "verify_mode": "none"}}, "in its words"),
    Case("T107", of(f"mysql://{PLACE}?ssl-mode=VERIFY_IDENTITY&ssl-ca={{ca}}"), "mysqlclient",
         {"ssl_mode": "VERIFY_IDENTITY"}, "verified"),
    Case("T107", of(f"mysql://{PLACE}?ssl-mode=VERIFY_IDENTITY&ssl-ca={{ca}}"), "PyMySQL",
         {"ssl": {"ca": "{ca}", "check_hostname": True, "verify_mode": "required"}}, "verified"),
    Case("T117", of(f"{PG}?pgbouncer=true"), "psycopg", {"options": ""}, "nothing at start-up"),
    Case("T117", of(f"{PG}?pgbouncer=true"), "django", {"DISABLE_SERVER_SIDE_CURSORS": True}, "the pooler loses them"),
    Case("T117", of(f"{PG}?pgbouncer=true"), "sqlalchemy", {"prepare_threshold": None}, "none is prepared"),
    Case("T118", of(f"{PG}?pgbouncer=true"), "asyncpg", {"statement_cache_size": 0}, "none is kept"),
    Case("T118", of(f"{PG}?pgbouncer=true"), "sqlalchemy+asyncpg",
         {"statement_cache_size": 0, "prepared_statement_cache_size": 0}, "differs: what is not kept needs no name"),
]  # fmt: skip

REFUSED = [
    ("T43", of(f"POSTGRES://{PLACE}"), "load", "scheme-case"),
    ("T44", of(f"postgress://{PLACE}"), "load", "scheme-unknown"),
    ("T44", of(f"postgre://{PLACE}"), "load", "scheme-unknown"),
    ("T45", of(f"jdbc:postgresql://h/d?user=u&password={MARKER}"), "load", "scheme-unknown"),
    ("T47", of("file:///x/db.sqlite3"), "load", "scheme-unknown"),
    ("T52", of(f"{PG}?host=h2"), "load", "parameter-duplicate"),
    ("T54", of(_HOSTS), "sqlalchemy+pg8000", "driver-unsupported"),
    ("T74", of(f"{PG}?channel_binding=require"), "asyncpg", "driver-unsupported"),
    ("T74", of(f"{PG}?channel_binding=require"), "pg8000", "driver-unsupported"),
    ("T75", of(f"{PG}?target_session_attrs=read-write"), "pg8000", "driver-unsupported"),
    ("T77", of(f"{PG}?foo={MARKER}"), "load", "parameter-unknown"),
    ("T78", of(f"{PG}?sslmode=verify-full"), "load", "ca-missing"),
    ("T83", of(f"{PG}?sslmode=require&sslrootcert=/nowhere/ca.pem"), "load", "ca-missing"),
    ("T99", {"SCALINGO_REDIS_URL": f"redis://:{MARKER}@{SCALINGO}"}, "load", "tls-disabled"),
    ("T101", queue("redis://:12/34@h"), "load", "slash-unencoded"),
    ("T102", queue("redis://:p#w@h/1"), "load", "hash-unencoded"),
    ("T103", queue("rediss+sentinel://h1:26379,h2:26379/0"), "load", "sentinel-master"),
    ("T103", queue("sentinel://h1:26379;sentinel://h2:26379?master_name=m"), "load", "sentinel-list"),
    ("T103", queue("redis+sentinel://h1:26379,h2:26379/m"), "load", "tls-disabled"),
    ("T103", queue("rediss+sentinel://h1:26379,h2:26379/m/0"), "redis-py", "driver-unsupported"),
    ("T107", of(f"mysql://{PLACE}?ssl-mode=REQUIRED"), "mysqlclient", "driver-unsupported"),
    ("T107", of(f"mysql://{PLACE}?ssl-mode=BOGUS"), "load", "sslmode-unknown"),
    ("T119", of(f"{PG}?conn_max_age=60"), "native pool", "driver-unsupported"),
]

NOTED = [
    ("T76", of(f"{PG}?connect_timeout=0"), "text-normalised"),
    (
        "T100",
        {"REDIS_TLS_URL": f"rediss://:{MARKER}@h:6380", "REDIS_URL": f"redis://:{MARKER}@h:6379"},
        "redis-tls-url-used",
    ),
    ("T116", of(PG.replace("db.example", "db-pooler.example")), "pooler-likely"),
    ("T116", of(PG.replace("db.example", "db.example:6543")), "pooler-likely"),
    ("T116", of(PG.replace("db.example", "pgbouncer:6432")), "pooler-likely"),
    ("T121", {**of(PG), "DATABASE_REPLICA_URL": ""}, "variable-blank"),
]


@pytest.fixture(autouse=True)
def system_store(monkeypatch: pytest.MonkeyPatch, certificates: Certificates) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))


def loaded(environ: dict[str, str], ca: str) -> envconn.Services:
    return envconn.load({name: text.replace("{ca}", ca) for name, text in environ.items()}, env_file=None)


def first(services: envconn.Services) -> SecuredConnection:
    return next(iter(services.values()))


@pytest.mark.parametrize("case", HANDED, ids=lambda case: f"{case.number}, {case.consumer}: {case.why}")
def test_what_each_driver_gets(case: Case, certificates: Certificates) -> None:
    ca = str(certificates.ca)
    found = CONSUMERS[case.consumer](first(loaded(case.environ, ca)))
    wanted = filled(case.handed, ca)
    assert {name: found.get(name, "nothing") for name in wanted} == wanted
    assert MARKER not in str(found.get("LOCATION", ""))


def filled(handed: Any, ca: str) -> Any:
    if isinstance(handed, dict):
        return {name: filled(value, ca) for name, value in handed.items()}
    return ca if handed == "{ca}" else handed


@pytest.mark.parametrize(("number", "environ", "consumer", "code"), REFUSED)
def test_what_is_refused(
    number: str, environ: dict[str, str], consumer: str, code: str, certificates: Certificates
) -> None:
    others: dict[str, Callable[[SecuredConnection], Any]] = {
        "load": lambda _: pytest.fail("it loads"),
        "native pool": lambda connection: django_settings(connection, pool={}),
    }
    hand_over = {**CONSUMERS, **others}[consumer]
    with pytest.raises(envconn.ConfigurationError) as refusal:
        hand_over(first(loaded(environ, str(certificates.ca))))
    assert [problem.code for problem in refusal.value.problems] == [code]
    assert MARKER not in str(refusal.value)


@pytest.mark.parametrize(("number", "environ", "code"), NOTED)
def test_what_is_noted(number: str, environ: dict[str, str], code: str, certificates: Certificates) -> None:
    notes = loaded(environ, str(certificates.ca)).report().notes
    assert code in [note.code for note in notes]
    assert not [note for note in notes if MARKER in str(note)]


@pytest.mark.parametrize(
    ("environ", "stated"),
    [
        (of(PG), "an ordinary host"),
        ({**of(PG.replace("db.example", "db.example:6432")), "ENVCONN_POOL_MODE": "session"}, "stated"),
        ({**of(PG.replace("db.example", "db.example:6432")), "ENVCONN_POOL_MODE": "none"}, "stated"),
        (of(PG.replace("db.example", "poolers.example")), "another word"),
        (of(f"mysql://u:{MARKER}@db.example:6432/d"), "no PostgreSQL"),
    ],
)
def test_hosts_that_are_not_likely_poolers(environ: dict[str, str], stated: str, certificates: Certificates) -> None:
    notes = loaded(environ, str(certificates.ca)).report().notes
    assert "pooler-likely" not in [note.code for note in notes]


@pytest.mark.parametrize(
    ("number", "environ", "aliases"),
    [
        ("T116", {**of(f"{PG}?pgbouncer=true"), "DIRECT_URL": f"postgresql://u:{MARKER}@h/d"}, {}),
        ("T116", {**of(f"postgresql://u:{MARKER}@ep-a-1-pooler.eu-central-1.aws.neon.tech/d"),
                  "DATABASE_URL_UNPOOLED": f"postgresql://u:{MARKER}@ep-a-1.eu-central-1.aws.neon.tech/d"},
         {}),
        ("T120", {**of(PG), "DATABASE_REPLICA_URL": f"postgresql://u:{MARKER}@r1/d"}, {"replica": "r1"}),
        ("T120", {**of(PG), "DATABASE_URL_REPLICA_1": f"postgresql://u:{MARKER}@r1/d"}, {"replica": "r1"}),
        ("T120", {**of(PG), "DATABASE_REPLICA_URLS": "postgresql://u:p,w@r1/d,postgresql://u:p@r2/d"},
         {"replica": "r1", "replica_2": "r2"}),
        ("T121", {**of(PG), "DATABASE_REPLICA_URL": ""}, {}),
        ("T122", {**of(PG), "ANALYTICS_DATABASE_URL": f"postgresql://u:{MARKER}@a/d"}, {"analytics": "a"}),
    ],
)  # fmt: skip
def test_aliases_of_django(
    number: str, environ: dict[str, str], aliases: dict[str, str], certificates: Certificates
) -> None:
    handed = entries(loaded(environ, str(certificates.ca)).databases)
    assert {alias: entry.settings["HOST"] for alias, entry in handed.items() if alias != "default"} == aliases
    mirrors = {
        alias: entry.settings.get("TEST") for alias, entry in handed.items() if alias not in {"default", "analytics"}
    }
    assert mirrors == {alias: {"MIRROR": "default"} for alias in mirrors}


def test_a_pool_of_urls_is_not_the_default(certificates: Certificates) -> None:
    """T116: the variable that a platform adds for its pooler leads there when that is asked for."""
    pool = {"DATABASE_CONNECTION_POOL_URL": f"postgresql://u:{MARKER}@db.example:6000/d"}
    services = loaded({**of(PG), **pool}, str(certificates.ca))
    assert services.database.port == 5432
    assert services.connection("database", pooled=True).port == 6000


def test_sqlite(certificates: Certificates) -> None:
    """T48, which differs: SQLite is local, so nothing is refused, and no option about TLS is added."""
    entry = django_settings(loaded(of("sqlite:///x.db"), str(certificates.ca)).database)
    assert (entry["ENGINE"], entry["NAME"]) == ("django.db.backends.sqlite3", "x.db")
    assert not [name for name in entry["OPTIONS"] if name.startswith("ssl")]
