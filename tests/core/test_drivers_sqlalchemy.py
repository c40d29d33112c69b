"""What SQLAlchemy is given for each DBAPI, and what a program may add to it."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, get_args

import pytest

import envconn
from envconn.drivers import installed
from envconn.drivers.installed import Driver
from envconn_sqlalchemy import dbapi, engine

if TYPE_CHECKING:
    from throwaway.certificates import Certificates

DRIVERS: tuple[Driver, ...] = get_args(Driver)
EACH = pytest.mark.parametrize("driver", DRIVERS)
MARKER = "marker-password"
PLAIN = f"postgresql://app:{MARKER}@db.example.com/app?sslmode=require"
NEON = f"postgresql://app:{MARKER}@ep-a-1-pooler.eu-central-1.aws.neon.tech/app?sslmode=require"


def load(uri: str = PLAIN, **environ: str) -> envconn.SecuredConnection:
    return envconn.load({"DATABASE_URL": uri, **environ}, env_file=None).database


def codes(connection: envconn.SecuredConnection, driver: Driver, **stated: object) -> set[str]:
    with pytest.raises(envconn.ConfigurationError) as refusal:
        engine.merged(connection, driver, stated)
    assert MARKER not in str(refusal.value)
    return {problem.code for problem in refusal.value.problems}


@EACH
def test_one_host_stands_in_the_url(driver: Driver) -> None:
    parts = dbapi.parts(load(), driver)
    assert (parts["drivername"], parts["username"], parts["password"]) == (f"postgresql+{driver}", "app", MARKER)
    assert (parts["host"], parts["port"], parts["database"]) == ("db.example.com", 5432, "app")
    given = dbapi.options(load(), driver)["connect_args"]
    assert not given.keys() & {"host", "port", "user", "password", "dbname", "database"}


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg"])
def test_several_hosts_do_not(driver: Driver) -> None:
    connection = load(PLAIN.replace("db.example.com", "a.example.com:1,b.example.com:2"))
    parts = dbapi.parts(connection, driver)
    assert (parts["host"], parts["port"]) == (None, None)
    given = dbapi.options(connection, driver)["connect_args"]
    lists = (["a.example.com", "b.example.com"], [1, 2])
    assert (given["host"], given["port"]) == (lists if driver == "asyncpg" else ("a.example.com,b.example.com", "1,2"))


@EACH
def test_sockets_do_not(driver: Driver) -> None:
    connection = load(f"postgresql://app:{MARKER}@/app?host=/run/pg&port=6000")
    assert dbapi.parts(connection, driver)["host"] is None
    given = dbapi.options(connection, driver)["connect_args"]
    assert given.get("host", given.get("unix_sock")) in {"/run/pg", "/run/pg/.s.PGSQL.6000"}


@EACH
def test_a_url_gone_astray_is_no_weaker(certificates: Certificates, driver: Driver) -> None:
    connection = load(PLAIN.replace("sslmode=require", f"sslmode=verify-full&sslrootcert={certificates.ca}"))
    libpq = {"sslmode": "verify-full", "sslrootcert": str(certificates.ca)}
    wanted = {"asyncpg": {"ssl": "verify-full"}, "pg8000": {"ssl_context": "see engine_options"}}.get(driver, libpq)
    assert dbapi.parts(connection, driver)["query"] == wanted


@EACH
def test_local_servers_without_tls(driver: Driver) -> None:
    parts = dbapi.parts(load("postgresql://app@localhost/app?sslmode=disable"), driver)
    assert parts["password"] is None
    assert parts["query"] == {"asyncpg": {"ssl": "disable"}, "pg8000": {}}.get(driver, {"sslmode": "disable"})


@pytest.mark.parametrize(
    ("uri", "environ", "pool"),
    [
        (PLAIN, {}, {}),
        (PLAIN, {"ENVCONN_POOL_MODE": "transaction"}, {"pool_pre_ping": True}),
        (PLAIN, {"ENVCONN_POOL_MODE": "session"}, {"pool_pre_ping": True}),
        (NEON, {}, {"pool_pre_ping": True, "pool_recycle": 300}),
        (
            f"postgresql://app:{MARKER}@x.postgresql.a.osc-fr1.scalingo-dbs.com:30000/app?sslmode=require",
            {},
            {"pool_pre_ping": True, "pool_recycle": 1740},
        ),
        (
            f"postgresql://app.branch:{MARKER}@eu-west-1-1.pg.psdb.cloud/app?sslmode=require",
            {},
            {"pool_pre_ping": True, "pool_recycle": 600},
        ),
    ],
)
def test_the_pool_follows_what_is_known(uri: str, environ: dict[str, str], pool: dict[str, object]) -> None:
    options = dbapi.options(load(uri, **environ), "psycopg")
    assert {name: value for name, value in options.items() if name != "connect_args"} == pool


@pytest.mark.parametrize(
    ("driver", "off"),
    [
        ("psycopg", {"prepare_threshold": None}),
        ("asyncpg", {"statement_cache_size": 0, "prepared_statement_cache_size": 0}),
        ("psycopg2", {}),
        ("pg8000", {}),
    ],
)
def test_statements_are_prepared_where_the_pooler_tracks_them(driver: Driver, off: dict[str, object]) -> None:
    names = {"prepare_threshold", "statement_cache_size", "prepared_statement_cache_size"}
    for connection, wanted in ((load(ENVCONN_POOL_MODE="transaction"), off), (load(NEON), {}), (load(), {})):
        given = dbapi.options(connection, driver)["connect_args"]
        assert {name: value for name, value in given.items() if name in names} == wanted


def test_secrets_are_not_printed(certificates: Certificates) -> None:
    files = f"&sslcert={certificates.good.chain}&sslkey={certificates.good.key}&sslpassword={MARKER}"
    assert MARKER not in repr(dbapi.options(load(PLAIN + files), "psycopg"))


@pytest.mark.parametrize(
    ("scheme", "asynchronous", "chosen"),
    [
        ("postgresql", None, "psycopg"),
        ("postgresql", False, "psycopg"),
        ("postgresql", True, "psycopg"),
        ("postgis", None, "psycopg"),
        ("postgresql+asyncpg", None, "asyncpg"),
        ("postgresql+asyncpg", True, "asyncpg"),
        ("postgresql+asyncpg", False, "psycopg"),
        ("postgresql+psycopg2", True, "psycopg"),
        ("postgresql+psycopg_async", None, "psycopg"),
        ("postgres+psycopg2", None, "psycopg2"),
        ("postgresql+pg8000", False, "pg8000"),
    ],
)
def test_the_scheme_names_the_driver_if_it_can(scheme: str, chosen: Driver, *, asynchronous: bool | None) -> None:
    connection = load(PLAIN.replace("postgresql", scheme))
    assert installed.choose(connection, asynchronous=asynchronous) == chosen
    assert installed.choose(connection, "psycopg", asynchronous=asynchronous) == "psycopg"


@pytest.mark.parametrize(("driver", "asynchronous"), [("asyncpg", False), ("psycopg2", True), ("pg8000", True)])
def test_a_driver_of_the_wrong_sort(driver: Driver, *, asynchronous: bool) -> None:
    with pytest.raises(envconn.ConfigurationError, match=driver) as refusal:
        installed.choose(load(), driver, asynchronous=asynchronous)
    assert refusal.value.problems[0].code == "driver-unsuitable"


def test_a_driver_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"psycopg2"}
    monkeypatch.setattr(installed, "find_spec", lambda name: importlib.util.find_spec(name) if name in there else None)
    assert installed.choose(load()) == "psycopg2"
    for connection, driver, asynchronous in (
        (load(PLAIN.replace("postgresql", "postgresql+asyncpg")), None, None),
        (load(), "pg8000", None),
        (load(), None, True),
    ):
        with pytest.raises(envconn.ConfigurationError, match=r"pip install envconn\[") as refusal:
            installed.choose(connection, driver, asynchronous=asynchronous)  # type: ignore[arg-type]
        assert refusal.value.problems[0].code == "driver-missing"


def test_another_service_and_an_unjudged_one() -> None:
    with pytest.raises(envconn.ConfigurationError, match="sqlite"):
        installed.choose(load("sqlite:///:memory:"))
    with pytest.raises(TypeError):
        installed.choose(envconn.parse(PLAIN))  # type: ignore[arg-type]


@EACH
@pytest.mark.parametrize(
    "name",
    [
        *("sslmode", "sslrootcert", "sslnegotiation", "ssl", "ssl_context", "direct_tls", "gssencmode", "service"),
        *("host", "hostaddr", "port", "user", "password", "dbname", "database", "dsn", "conninfo", "sock", "unix_sock"),
        *("passfile", "require_auth", "channel_binding", "async_creator_fn", "no_such_argument"),
    ],
)
def test_arguments_that_decide_are_refused(driver: Driver, name: str) -> None:
    assert codes(load(), driver, connect_args={name: MARKER}) == {"argument-refused"}


@EACH
@pytest.mark.parametrize("name", ["creator", "async_creator", "module", "pool", "url"])
def test_other_doors_are_refused(driver: Driver, name: str) -> None:
    assert codes(load(), driver, **{name: object()}) == {"argument-refused"}


@pytest.mark.parametrize(
    ("driver", "extra"),
    [
        ("psycopg", {"connect_timeout": 5, "options": "-c statement_timeout=5s", "prepare_threshold": 0}),
        ("psycopg2", {"application_name": "x", "keepalives_idle": 30}),
        ("asyncpg", {"command_timeout": 5, "server_settings": {"jit": "off"}, "statement_cache_size": 0}),
        ("pg8000", {"tcp_keepalive": False, "startup_params": {"options": "-c jit=off"}}),
    ],
)
def test_what_decides_nothing_is_added(driver: Driver, extra: dict[str, object]) -> None:
    merged = engine.merged(load(), driver, {"connect_args": extra, "pool_size": 3, "echo": False})
    given = merged.pop("connect_args")
    assert isinstance(given, dict)
    assert given.items() >= extra.items()
    assert given.keys() > extra.keys()
    assert merged == {"pool_size": 3, "echo": False}
    with pytest.raises(TypeError):
        engine.merged(load(), driver, {"connect_args": [extra]})


@pytest.mark.parametrize(
    ("driver", "extra"),
    [
        ("psycopg", {"prepare_threshold": 5}),
        ("psycopg", {"options": "-c x.y=1"}),
        ("asyncpg", {"statement_cache_size": 100}),
        ("asyncpg", {"prepared_statement_cache_size": 100}),
        ("asyncpg", {"server_settings": {"jit": "off"}}),
        ("pg8000", {"startup_params": {"options": "-c x.y=1"}}),
    ],
)
def test_what_a_pooler_does_not_bear_is_refused(driver: Driver, extra: dict[str, object]) -> None:
    assert codes(load(ENVCONN_POOL_MODE="transaction"), driver, connect_args=extra) == {"argument-refused"}


def test_autocommit_of_pg8000_behind_a_pooler() -> None:
    for stated in ({"isolation_level": "AUTOCOMMIT"}, {"execution_options": {"isolation_level": "autocommit"}}):
        assert codes(load(ENVCONN_POOL_MODE="transaction"), "pg8000", **stated) == {"autocommit-pooled"}
        assert codes(load(NEON), "pg8000", **stated) == {"autocommit-pooled"}
        assert engine.merged(load(ENVCONN_POOL_MODE="session"), "pg8000", stated)
        assert engine.merged(load(), "pg8000", stated)
        assert engine.merged(load(ENVCONN_POOL_MODE="transaction"), "psycopg", stated)
    assert engine.merged(load(NEON), "pg8000", {"isolation_level": "SERIALIZABLE"})
