"""What SQLAlchemy is given for each DBAPI, and what a program may add to it."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, get_args

import pytest
import sqlalchemy
from sqlalchemy.dialects import plugins
from sqlalchemy.engine import CreateEnginePlugin

import envconn
import envconn_sqlalchemy
from envconn.drivers import installed
from envconn.drivers.installed import DRIVERS, Driver
from envconn.families import MYSQL, POSTGRESQL
from envconn_sqlalchemy import dbapi, engine, urls

if TYPE_CHECKING:
    from pathlib import Path

    from throwaway.certificates import Certificates

EACH = pytest.mark.parametrize("driver", DRIVERS[POSTGRESQL])
EVERY = pytest.mark.parametrize("driver", get_args(Driver))
MARKER = "marker-password"
PLAIN = f"postgresql://app:{MARKER}@db.example.com/app?sslmode=require"
NEON = f"postgresql://app:{MARKER}@ep-a-1-pooler.eu-central-1.aws.neon.tech/app?sslmode=require"
MARIADB = f"mysql://app:{MARKER}@db.example.com/app?ssl-mode=REQUIRED"


def load(uri: str = PLAIN, **environ: str) -> envconn.SecuredConnection:
    return envconn.load({"DATABASE_URL": uri, **environ}, env_file=None).database


def codes(connection: envconn.SecuredConnection, driver: Driver, **stated: object) -> set[str]:
    with pytest.raises(envconn.ConfigurationError) as refusal:
        engine.address(connection, driver, stated)
    assert MARKER not in str(refusal.value)
    return {problem.code for problem in refusal.value.problems}


def of(driver: Driver, certificates: Certificates) -> envconn.SecuredConnection:
    """Load a connection for `driver`, to a server that it can verify."""
    if driver in DRIVERS[POSTGRESQL]:
        return load()
    return load(f"mysql://app:{MARKER}@db.example.com/app?ssl-mode=VERIFY_IDENTITY&ssl-ca={certificates.ca}")


@EVERY
def test_the_url_names_the_connection(
    driver: Driver, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installed, "find_spec", lambda name: name)  # mysqlclient is not
    url = envconn_sqlalchemy.url(of(driver, certificates), driver=driver)
    family, port = (POSTGRESQL, 5432) if driver in DRIVERS[POSTGRESQL] else (MYSQL, 3306)
    assert url.drivername == f"{family}+{driver}"
    assert (url.username, url.host, url.port, url.database) == ("app", "db.example.com", port, "app")
    assert (url.password, url.query["plugin"]) == (None, "envconn")
    assert sqlalchemy.make_url(str(url)) == url


@EVERY
def test_the_arguments_are_complete(driver: Driver, certificates: Certificates) -> None:
    given = dbapi.arguments(of(driver, certificates), driver)
    where = (
        given["host"],
        int(str(given["port"])),
        given["user"],
        given["password"] or "",
        given[dbapi.DATABASE[driver]],
    )
    port = 5432 if driver in DRIVERS[POSTGRESQL] else 3306
    password = given["password"]
    assert (where[:3], where[4]) == (("db.example.com", port, "app"), "app")
    assert str(password) == MARKER
    assert MARKER not in repr(given)


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg"])
def test_several_hosts_do_not_stand_in_the_url(driver: Driver) -> None:
    connection = load(PLAIN.replace("db.example.com", "a.example.com:1,b.example.com:2"))
    url = envconn_sqlalchemy.url(connection, driver=driver)
    assert (url.host, url.port) == (None, None)
    given = dbapi.arguments(connection, driver)
    lists = (["a.example.com", "b.example.com"], [1, 2])
    assert (given["host"], given["port"]) == (lists if driver == "asyncpg" else ("a.example.com,b.example.com", "1,2"))


@EACH
def test_sockets_do_not_stand_in_the_url(driver: Driver) -> None:
    connection = load(f"postgresql://app:{MARKER}@/app?host=/run/pg&port=6000")
    assert envconn_sqlalchemy.url(connection, driver=driver).host is None
    given = dbapi.arguments(connection, driver)
    assert given.get("host", given.get("unix_sock")) in {"/run/pg", "/run/pg/.s.PGSQL.6000"}


def test_a_socket_of_mysql() -> None:
    connection = load(f"mysql://app:{MARKER}@/app?unix_socket=/run/mysql.sock")
    given = dbapi.arguments(connection, "pymysql")
    assert (given["unix_socket"], given.keys() & {"host", "port"}) == ("/run/mysql.sock", set())


def test_a_database_that_a_url_would_change_is_left_out() -> None:
    connection = load(PLAIN.replace("/app?", "/a%20b%3F?"))
    assert connection.dbname == "a b?"
    assert envconn_sqlalchemy.url(connection).database is None


def test_no_password_is_read_from_the_environment() -> None:
    """Of mysqlclient: without one it would read MYSQL_PWD."""
    assert dbapi.arguments(load("mysql://app@localhost/app?ssl-mode=DISABLED"), "pymysql")["password"] == ""


@pytest.mark.parametrize(
    ("scheme", "dialect"), [("mysql", "mysql"), ("mariadb", "mariadb"), ("mariadb+pymysql", "mariadb")]
)
def test_mariadb_is_called_by_its_name(scheme: str, dialect: str) -> None:
    url = envconn_sqlalchemy.url(load(MARIADB.replace("mysql", scheme, 1)))
    assert url.drivername == f"{dialect}+pymysql"


def test_each_connection_has_its_own_name() -> None:
    environ = {"DATABASE_URL": f"{PLAIN}&pgbouncer=true", "DIRECT_DATABASE_URL": PLAIN.replace("db.", "direct.")}
    services = envconn.load(environ, env_file=None)
    direct, weaker = services.connection(pooled=False), load("postgresql://app@localhost/app")
    alone = envconn.secure(environ["DATABASE_URL"])
    connections = (services.database, direct, weaker, alone)
    names = [envconn_sqlalchemy.url(each).query["envconn"] for each in connections]
    assert names == ["database", "database~2", "database~3", "database~4"]
    again = envconn.load(environ, env_file=None)
    assert [envconn_sqlalchemy.url(each).query["envconn"] for each in connections] == names
    assert envconn_sqlalchemy.url(again).query["envconn"] == "database"
    assert urls.read(envconn_sqlalchemy.url(again)) is again.database


def test_a_name_that_is_new_to_the_process_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYTICS_DATABASE_URL", PLAIN)
    monkeypatch.setenv("DATABASE_URL", "sqlite://")
    url = sqlalchemy.make_url("postgresql+psycopg://?plugin=envconn&envconn=analytics")
    assert urls.read(url).host == "db.example.com"
    with pytest.raises(envconn.ServiceMissing):
        urls.read(url.update_query_dict({"envconn": "other"}))
    with pytest.raises(envconn.ConfigurationError, match="another process"):
        urls.read(url.update_query_dict({"envconn": "analytics~7"}))


def test_the_direct_endpoint_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", NEON)
    url = sqlalchemy.make_url("postgresql+psycopg://?plugin=envconn&envconn=database~direct")
    assert urls.read(url).host == "ep-a-1.eu-central-1.aws.neon.tech"
    assert urls.read(url.set(host="ep-a-1.eu-central-1.aws.neon.tech")) is urls.read(url)
    with pytest.raises(envconn.ConfigurationError):
        urls.read(url.set(host="ep-a-1-pooler.eu-central-1.aws.neon.tech"))


@pytest.mark.parametrize(
    "change",
    [
        {"host": "other.example.com"}, {"port": 1}, {"username": "postgres"}, {"password": MARKER}, {"query": {}},
        {"query": {"envconn": ("database", "database")}},
    ],
)  # fmt: skip
def test_a_url_that_is_not_its_own_is_refused(change: dict[str, object]) -> None:
    url = envconn_sqlalchemy.url(load()).set(**change)  # type: ignore[arg-type]
    with pytest.raises(envconn.ConfigurationError) as refusal:
        sqlalchemy.create_engine(url, plugins=[] if "query" not in change else ["envconn"])
    assert [problem.code for problem in refusal.value.problems] == ["argument-refused"]
    assert MARKER not in str(refusal.value)


class OtherPlugin(CreateEnginePlugin):
    """A plugin that opens the connections, as one of a cloud's connector may, or does nothing of the kind."""

    creator: Any = None

    def __init__(self, _url: sqlalchemy.URL, kwargs: dict[str, Any]) -> None:
        if self.creator:
            kwargs["creator"] = self.creator

    def update_url(self, url: sqlalchemy.URL) -> sqlalchemy.URL:
        return url


@pytest.mark.parametrize("opens", [True, False])
def test_another_plugin(monkeypatch: pytest.MonkeyPatch, *, opens: bool) -> None:
    plugins.register("other", __name__, "OtherPlugin")
    monkeypatch.setattr(OtherPlugin, "creator", dict if opens else None)
    url = envconn_sqlalchemy.url(load())
    for stated in ({"plugins": ["other"]}, {"plugins": ["other"], "poolclass": sqlalchemy.NullPool}):
        with pytest.raises(envconn.ConfigurationError, match="another plugin") if opens else nullcontext():
            sqlalchemy.create_engine(url, **stated)


def test_parts_of_a_url_may_be_left_out_and_the_database_may_be_another() -> None:
    connection = load()
    url = envconn_sqlalchemy.url(connection)
    for stated in (url.set(database="test_gw0"), url._replace(host=None, port=None, username=None, database=None)):
        assert urls.read(stated) is connection


def test_another_driver_of_the_same_family_only() -> None:
    url = envconn_sqlalchemy.url(load(), driver="psycopg")
    assert sqlalchemy.create_engine(url.set(drivername="postgresql+psycopg2")).dialect.driver == "psycopg2"
    with pytest.raises(envconn.ConfigurationError, match="pymysql is not supported"):
        sqlalchemy.create_engine(url.set(drivername="mysql+pymysql"))


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
    assert envconn_sqlalchemy.engine_options(load(uri, **environ)) == pool
    made = sqlalchemy.create_engine(envconn_sqlalchemy.url(load(uri, **environ))).pool
    assert (made._pre_ping, made._recycle) == (pool.get("pool_pre_ping", False), pool.get("pool_recycle", -1))


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
        given = dbapi.arguments(connection, driver)
        assert {name: value for name, value in given.items() if name in names} == wanted


def test_secrets_are_not_printed(certificates: Certificates) -> None:
    files = f"&sslcert={certificates.good.chain}&sslkey={certificates.good.key}&sslpassword={MARKER}"
    assert MARKER not in repr(dbapi.arguments(load(PLAIN + files), "psycopg"))


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


@pytest.mark.parametrize(("driver", "asynchronous"), [("pymysql", True), ("mysqldb", True), ("asyncmy", False)])
def test_a_driver_of_the_wrong_sort_for_mysql(driver: Driver, *, asynchronous: bool) -> None:
    with pytest.raises(envconn.ConfigurationError, match=f"{driver} does not support this kind of engine"):
        installed.choose(load(MARIADB), driver, asynchronous=asynchronous)


@pytest.mark.parametrize(("driver", "asynchronous"), [("asyncpg", False), ("psycopg2", True), ("pg8000", True)])
def test_a_synchronous_driver_for_an_asynchronous_engine(driver: Driver, *, asynchronous: bool) -> None:
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
        (load(MARIADB), "mysqldb", None),
        (load(MARIADB), None, True),
    ):
        with pytest.raises(envconn.ConfigurationError, match=r"pip install 'envconn\[") as refusal:
            installed.choose(connection, driver, asynchronous=asynchronous)  # type: ignore[arg-type]
        assert refusal.value.problems[0].code == "driver-missing"


@pytest.mark.parametrize("scheme", ["cockroachdb", "cockroach", "cockroachdb+psycopg"])
def test_cockroachdb_has_a_dialect_of_its_own(scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of PostgreSQL does not understand the server's version."""
    connection = load(PLAIN.replace("postgresql", scheme))
    with pytest.raises(envconn.ConfigurationError, match="Run pip install sqlalchemy-cockroachdb"):
        envconn_sqlalchemy.url(connection)
    (tmp_path / "sqlalchemy_cockroachdb.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert envconn_sqlalchemy.url(connection).drivername == "cockroachdb+psycopg"


def test_another_service_and_an_unjudged_one() -> None:
    with pytest.raises(envconn.ConfigurationError, match="SQLite"):
        installed.choose(load("sqlite:///:memory:"))
    assert installed.choose(load(MARIADB), asynchronous=True) == "aiomysql"
    with pytest.raises(TypeError):
        installed.choose(envconn.parse(PLAIN))  # type: ignore[arg-type]


@EVERY
@pytest.mark.parametrize(
    "name",
    [
        *("sslmode", "sslrootcert", "sslnegotiation", "ssl", "ssl_context", "direct_tls", "gssencmode", "service"),
        *("host", "hostaddr", "port", "user", "password", "dbname", "database", "dsn", "conninfo", "sock", "unix_sock"),
        *("passfile", "require_auth", "channel_binding", "async_creator_fn", "no_such_argument", "ssl_mode", "db"),
        *("ssl_disabled", "read_default_file", "client_flag", "local_infile", "init_command", "passwd", "unix_socket"),
    ],
)
def test_arguments_that_decide_are_refused(
    driver: Driver, name: str, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installed, "find_spec", lambda name: name)
    assert codes(of(driver, certificates), driver, connect_args={name: MARKER}) == {"argument-refused"}


@pytest.mark.parametrize("name", ["creator", "async_creator", "module", "pool", "url"])
def test_options_that_open_connections_are_refused(name: str) -> None:
    assert codes(load(), "psycopg", **{name: object()}) == {"argument-refused"}


@pytest.mark.parametrize("stated", [{"creator": print}, {"pool": None}, {"module": sys}, {"connect_args": {"ssl": 0}}])
def test_the_engine_refuses_options_that_open_connections(stated: dict[str, object]) -> None:
    url = envconn_sqlalchemy.url(load())
    with pytest.raises(envconn.ConfigurationError) as refusal:
        sqlalchemy.create_engine(url, **stated)
    assert [problem.code for problem in refusal.value.problems] == ["argument-refused"]


@pytest.mark.parametrize(
    ("driver", "extra"),
    [
        ("psycopg", {"connect_timeout": 5, "options": "-c statement_timeout=5s", "prepare_threshold": 0}),
        ("psycopg2", {"application_name": "x", "keepalives_idle": 30}),
        ("asyncpg", {"command_timeout": 5, "server_settings": {"jit": "off"}, "statement_cache_size": 0}),
        ("pg8000", {"tcp_keepalive": False, "startup_params": {"options": "-c jit=off"}}),
        ("pymysql", {"charset": "utf8mb4", "read_timeout": 5}),
        ("aiomysql", {"charset": "utf8mb4", "connect_timeout": 5}),
        ("asyncmy", {"charset": "utf8mb4", "read_timeout": 5}),
    ],
)
def test_what_decides_nothing_is_added(
    driver: Driver, extra: dict[str, object], certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installed, "find_spec", lambda name: name)
    connection = of(driver, certificates)
    assert engine.address(connection, driver, {"connect_args": extra, "pool_size": 3, "echo": False})
    given = dbapi.merged(connection, driver, extra)
    assert given.items() >= extra.items()
    assert given.keys() > extra.keys()
    with pytest.raises(TypeError):
        engine.address(connection, driver, {"connect_args": [extra]})


@pytest.mark.parametrize(("mode", "insists"), [("REQUIRED", True), ("PREFERRED", False), ("DISABLED", False)])
def test_aiomysql_insists_on_tls_by_a_connection_of_ours(mode: str, *, insists: bool) -> None:
    uri = MARIADB.replace("REQUIRED", mode)
    given = dbapi.arguments(load(uri, ENVCONN_TLS_WAIVE="db.example.com"), "aiomysql")
    assert ("async_creator_fn" in given) is insists


def test_settings_of_a_session_are_merged() -> None:
    connection = load(f"{PLAIN}&application_name=shop")
    given = dbapi.merged(connection, "asyncpg", {"server_settings": {"jit": "off"}})
    assert given["server_settings"] == {"application_name": "shop", "jit": "off"}


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
        assert engine.address(load(ENVCONN_POOL_MODE="session"), "pg8000", stated)
        assert engine.address(load(), "pg8000", stated)
        assert engine.address(load(ENVCONN_POOL_MODE="transaction"), "psycopg", stated)
        with pytest.raises(envconn.ConfigurationError, match="autocommit"):
            sqlalchemy.create_engine(envconn_sqlalchemy.url(load(NEON), driver="pg8000"), **stated)
    assert engine.address(load(NEON), "pg8000", {"isolation_level": "SERIALIZABLE"})


@pytest.mark.parametrize("text", ["sqlite://", "sqlite:///relative.db", "sqlite:////srv/app.db?timeout=3.5"])
def test_sqlite_passes_plainly(text: str) -> None:
    connection = load(text)
    url = envconn_sqlalchemy.url(connection, driver="psycopg2")
    assert (url.drivername, url.query.keys() & {"plugin", "envconn"}) == ("sqlite", set())
    assert url.database == (":memory:" if text == "sqlite://" else os.path.abspath(connection.dbname))
    if "timeout" in text:
        assert url.query["timeout"] == "3.5"
    else:
        with envconn_sqlalchemy.create_engine(connection).connect() as opened:
            assert opened.execute(sqlalchemy.text("select 1")).scalar() == 1


def test_sqlite_in_coroutines(tmp_path: Path) -> None:
    async def answer() -> object:
        engine = envconn_sqlalchemy.create_async_engine(load(f"sqlite:///{tmp_path}/a.db"))
        async with engine.connect() as opened:
            found = await opened.scalar(sqlalchemy.text("select 1"))
        await engine.dispose()
        return found

    assert asyncio.run(answer()) == 1


def test_what_sqlite_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(envconn.ConfigurationError, match="transaction_mode"):
        envconn_sqlalchemy.url(load("sqlite:///a.db?transaction_mode=IMMEDIATE"))
    monkeypatch.setattr(urls, "find_spec", lambda _name: None)
    with pytest.raises(envconn.ConfigurationError, match=r"pip install 'envconn\[aiosqlite\]"):
        envconn_sqlalchemy.create_async_engine(load("sqlite:///a.db"))
