"""What Django is given, entry by entry. Whether Django can do something with it is shown in tests/integrations."""

from __future__ import annotations

import sys
from copy import deepcopy
from importlib import metadata
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

import envconn
from envconn import ConfigurationError
from envconn.drivers import Hidden, libpq
from envconn_django import databases
from envconn_django.aliases import entries as django_entries
from envconn_django.apps import Finding, entry_findings, findings
from envconn_django.cache import cache as django_cache
from envconn_django.database_entry import settings
from envconn_django.final_settings import FinalEntry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from throwaway.certificates import Certificates

URI = "postgresql://app:marker-password@db.example.com:5433/shop?sslmode=require"
NEON = "postgresql://app:marker-password@ep-cool-darkness-123456-pooler.us-east-2.aws.neon.tech/shop?sslmode=require"
SCALINGO = "postgres://app:marker-password@shop-1.postgresql.a.osc-fr1.scalingo-dbs.com:30000/shop?sslmode=prefer"
PLANETSCALE = "postgresql://app.abc123:marker-password@us-east-1-2.pg.psdb.cloud:6432/shop?sslmode=require"
SUPABASE = "postgresql://postgres.abcdefghijklmnopqrst:marker@aws-0-eu-west-1.pooler.supabase.com:6543/postgres"
HEROKU = "postgres://u7abcdefgh1:marker-password@ec2-1-2-3-4.compute-1.amazonaws.com:5433/d7abcdefgh1?sslmode=require"


def load(uri: str = "", **environ: str) -> envconn.Services:
    return envconn.load({"DATABASE_URL": uri, **environ}, env_file=None)


def entries(uri: str = "", pool: Mapping[str, float] | None = None, **environ: str) -> dict[str, Any]:
    """Return the entries by alias, as plain dictionaries."""
    found = django_entries(load(uri, **environ).databases, pool)
    return {alias: dict(entry.settings) for alias, entry in found.items()}


def refusal(uri: str, pool: Mapping[str, float] | None = None, **environ: str) -> str:
    """Return the text of the refusal, which has no value in it."""
    with pytest.raises(envconn.ConfigurationError) as caught:
        entries(uri, pool, **environ)
    assert "marker" not in str(caught.value)
    return str(caught.value)


def test_postgresql() -> None:
    (entry,) = entries(f"{URI}&application_name=shop").values()
    options = entry.pop("OPTIONS")
    assert entry == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "shop",
        "USER": "app",
        "PASSWORD": "marker-password",
        "HOST": "db.example.com",
        "PORT": "5433",
    }
    whole = libpq.arguments(load(f"{URI}&application_name=shop").database, libpq.version("psycopg"))
    assert options == {name: value for name, value in whole.items() if name not in NAMED}
    assert options.keys() >= {"sslmode", "sslrootcert", "gssencmode", "hostaddr", "application_name"}


NAMED = {"host", "port", "user", "password", "dbname"}


def test_no_password() -> None:
    (entry,) = entries(URI.replace(":marker-password", "")).values()
    assert entry["PASSWORD"] == ""


def test_several_hosts() -> None:
    uri = "postgresql://app:marker@one.example.com:1,two.example.com:2/shop?sslmode=require"
    assert (entries(uri)["default"]["HOST"], entries(uri)["default"]["PORT"]) == (
        "one.example.com,two.example.com",
        "1,2",
    )


def test_secrets_are_not_in_the_repr(certificates: Certificates) -> None:
    key = f"&sslcert={certificates.good.chain}&sslkey={certificates.good.key}&sslpassword=marker-key"
    entry = entries(URI + key)["default"]
    assert entry["OPTIONS"]["sslpassword"] == "marker-key"
    assert "marker" not in repr(entry)
    assert "marker" not in repr(deepcopy(entry))
    assert (f"{entry['PASSWORD']}", type(str(entry["PASSWORD"]))) == ("marker-password", str)
    assert repr(Hidden("")) == repr(Hidden("x"))


def test_postgis() -> None:
    uri = URI.replace("postgresql", "postgis")
    replica = URI.replace("db.", "replica.")
    found = entries(uri, DATABASE_REPLICA_URL=replica)
    assert {entry["ENGINE"] for entry in found.values()} == {"django.contrib.gis.db.backends.postgis"}
    assert found.keys() == {"default", "replica"}


GIS = "django.contrib.gis.db.backends"
STOCK = "django.db.backends"
ENGINES = {
    **dict.fromkeys(("postgresql", "postgres", "pgsql", "psql", "postgresql+asyncpg"), f"{STOCK}.postgresql"),
    **dict.fromkeys(("timescale", "timescaledb"), f"{STOCK}.postgresql"),
    **dict.fromkeys(("postgis", "timescalegis"), f"{GIS}.postgis"),
    **dict.fromkeys(("mysql", "mysql2", "mariadb", "mysql+pymysql"), f"{STOCK}.mysql"),
    "mysqlgis": f"{GIS}.mysql",
}
OF_PACKAGES = {
    "timescale": "timescale.db.backends.postgresql",
    "timescaledb": "timescale.db.backends.postgresql",
    "timescalegis": "timescale.db.backends.postgis",
    "cockroach": "django_cockroachdb",
    "cockroachdb": "django_cockroachdb",
    "cockroachdb+psycopg": "django_cockroachdb",
    "redshift": "django_redshift_backend",
}


@pytest.mark.parametrize("scheme", ENGINES)
def test_engines(scheme: str) -> None:
    uri = f"{scheme}://app:marker-password@db.example/app"
    assert entries(uri)["default"]["ENGINE"] == ENGINES[scheme]


@pytest.mark.parametrize("scheme", OF_PACKAGES)
def test_engines_of_packages(scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the package is installed, its engine; only TimescaleDB is served by Django's own, too."""
    uri, engine = f"{scheme}://app:marker-password@db.example/app", OF_PACKAGES[scheme]
    if scheme not in ENGINES:
        assert f"Run pip install {engine.replace('_', '-')}" in refusal(uri)
    (tmp_path / f"{engine.partition('.')[0]}.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert entries(uri)["default"]["ENGINE"] == engine
    with pytest.raises(ConfigurationError, match="a changing password does not work with"):
        databases(envconn.secure(uri), rotate=True)


def test_engines_of_files() -> None:
    assert entries("spatialite:///a.db")["default"]["ENGINE"] == f"{GIS}.spatialite"
    assert entries("sqlite:///a.db")["default"]["ENGINE"] == f"{STOCK}.sqlite3"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        (f"{URI}&autocommit=false", {"AUTOCOMMIT": False}),
        (f"{URI}&AUTOCOMMIT=True&ATOMIC_REQUESTS=True", {"AUTOCOMMIT": True, "ATOMIC_REQUESTS": True}),
        (f"{URI}&CONN_MAX_AGE=60&CONN_HEALTH_CHECKS=off", {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": False}),
        ("sqlite:///a.db?timeout=20&conn_max_age=600", {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}),
        ("sqlite:///a.db?atomic_requests=true", {"ATOMIC_REQUESTS": True}),
        ("mysql://u:p@h/d?conn_max_age=0&atomic_requests=1", {"CONN_MAX_AGE": 0, "ATOMIC_REQUESTS": True}),
    ],
)
def test_keys_of_an_entry(uri: str, expected: dict[str, object]) -> None:
    """Of every family, and in no driver's options."""
    entry = entries(uri)["default"]
    assert entry.items() >= expected.items()
    assert {name.lower() for name in expected}.isdisjoint(map(str.lower, entry["OPTIONS"]))


def test_psycopg_without_libpq(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(psycopg, "pq")
    monkeypatch.setitem(sys.modules, "psycopg.pq", None)
    assert entries(URI)["default"]  # Django uses psycopg2
    monkeypatch.setitem(sys.modules, "psycopg2.extensions", None)
    assert refusal(URI).endswith("cannot be imported, as it is without libpq. Run pip install 'psycopg[binary]'")


@pytest.mark.parametrize("missing", [[], ["psycopg"], ["psycopg", "psycopg2.extensions"]])
def test_the_driver_that_django_takes(monkeypatch: pytest.MonkeyPatch, missing: list[str]) -> None:
    for name in missing:
        monkeypatch.setitem(sys.modules, name, None)
    if len(missing) == 2:
        assert "neither psycopg nor psycopg2" in refusal(URI)
        return
    options = entries(URI, ENVCONN_POOL_MODE="transaction")["default"]["OPTIONS"]
    # psycopg2 prepares nothing, and does not know the word.
    assert options.get("prepare_threshold", "absent") == ("absent" if missing else None)


@pytest.mark.parametrize(
    ("uri", "kept", "checks"),
    [
        (URI, "absent", "absent"),
        (f"{URI}&conn_max_age=0", 0, "absent"),
        (f"{URI}&conn_max_age=60", 60, True),
        (f"{URI}&conn_max_age=None", None, True),
        (f"{URI}&conn_max_age=60&conn_health_checks=false", 60, False),
        (f"{URI}&conn_health_checks=True", "absent", True),
        (f"{SCALINGO}&conn_max_age=0", 0, "absent"),
        (f"{SCALINGO}&conn_max_age=60", 60, True),
        # No longer than the provider allows.
        (f"{SCALINGO}&conn_max_age=1741", 1740, True),
        (f"{SCALINGO}&conn_max_age=None", 1740, True),
        (f"{SCALINGO}&conn_max_age=None&conn_health_checks=off", 1740, False),
        (f"{NEON}&conn_max_age=3600", 270, True),
        (f"{PLANETSCALE}&conn_max_age=3600", 540, True),
        (f"{HEROKU}&conn_max_age=3600", 3600, True),
        # Not unasked: 101 connections were left behind by 300 requests under ASGI.
        (SCALINGO, "absent", "absent"),
        (NEON, "absent", "absent"),
        (PLANETSCALE, "absent", "absent"),
        (HEROKU, "absent", "absent"),
        (f"{SCALINGO}&conn_health_checks=off", "absent", False),
    ],
)
def test_how_long_connections_are_kept(uri: str, kept: object, checks: object) -> None:
    entry = entries(uri)["default"]
    assert (entry.get("CONN_MAX_AGE", "absent"), entry.get("CONN_HEALTH_CHECKS", "absent")) == (kept, checks)
    assert not {"conn_max_age", "conn_health_checks"} & entry["OPTIONS"].keys()


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ("conn_max_age=marker", "conn_max_age is invalid: expected a whole number of seconds"),
        ("conn_max_age=-1", "conn_max_age is invalid: expected a whole number of seconds"),
        ("conn_max_age=%D9%A3", "conn_max_age is invalid: expected a whole number of seconds"),
        ("conn_max_age=1.5", "conn_max_age is invalid: expected a whole number of seconds"),
        ("conn_health_checks=marker", "conn_health_checks is invalid: expected true or false"),
        ("disable_server_side_cursors=2", "disable_server_side_cursors is invalid: expected true or false"),
        ("atomic_requests=marker", "atomic_requests is invalid: expected true or false"),
        ("autocommit=marker", "autocommit is invalid: expected true or false"),
        ("CONN_MAX_AGE=marker", "conn_max_age is invalid: expected a whole number of seconds"),
    ],
)
def test_wrong_words_of_djangos(parameter: str, message: str) -> None:
    assert refusal(f"{URI}&{parameter}").startswith(f"DATABASE_URL: the value of {message}")


@pytest.mark.parametrize(("word", "meaning"), [("true", True), ("1", True), ("FALSE", False), ("no", False)])
def test_flags_are_typed_and_at_their_level(word: str, meaning: bool) -> None:  # noqa: FBT001
    entry = entries(f"{URI}&disable_server_side_cursors={word}&atomic_requests={word}")["default"]
    assert entry["DISABLE_SERVER_SIDE_CURSORS"] is meaning
    assert entry["ATOMIC_REQUESTS"] is meaning
    assert not {"disable_server_side_cursors", "atomic_requests"} & entry["OPTIONS"].keys()


@pytest.mark.parametrize("uri", [NEON, PLANETSCALE, HEROKU])
def test_behind_a_pooler_in_transaction_mode(uri: str) -> None:
    entry = entries(uri)["default"]
    assert entry["DISABLE_SERVER_SIDE_CURSORS"] is True
    assert entry["OPTIONS"]["options"] == ""
    assert "disable_server_side_cursors=false" in refusal(f"{uri}&disable_server_side_cursors=false")
    assert "the pooler does not support options" in refusal(f"{uri}&options=-c%20search_path%3Dx")


def test_a_pooler_that_is_stated() -> None:
    assert "DISABLE_SERVER_SIDE_CURSORS" in entries(URI, ENVCONN_POOL_MODE="transaction")["default"]
    for mode in ("session", "none"):
        assert "DISABLE_SERVER_SIDE_CURSORS" not in entries(URI, ENVCONN_POOL_MODE=mode)["default"]


def test_aliases() -> None:
    one, two = (URI.replace("db.", f"{name}.") for name in ("one", "two"))
    found = entries(
        NEON,
        DATABASE_REPLICA_URLS=f"{one},{two}",
        ANALYTICS_DATABASE_URL=URI.replace("db.", "analytics."),
        ANALYTICS_DATABASE_REPLICA_URL=URI.replace("db.", "copy."),
    )
    assert {alias: (entry["HOST"].split(".")[0], entry.get("TEST")) for alias, entry in found.items()} == {
        "default": ("ep-cool-darkness-123456-pooler", None),
        "replica": ("one", {"MIRROR": "default"}),
        "replica_2": ("two", {"MIRROR": "default"}),
        "analytics": ("analytics", None),
        "analytics_replica": ("copy", {"MIRROR": "analytics"}),
    }


@pytest.mark.parametrize(
    ("word", "host"),
    [
        ("direct", "ep-cool-darkness-123456.us-east-2.aws.neon.tech"),
        ("pooled", "ep-cool-darkness-123456-pooler.us-east-2.aws.neon.tech"),
        ("replica", "copy.example.com"),
    ],
)
def test_the_endpoint_of_the_process(word: str, host: str) -> None:
    found = entries(NEON, DATABASE_REPLICA_URL=URI.replace("db.", "copy."), ENVCONN_ENDPOINT=word)
    assert found["default"]["HOST"] == host
    assert ("DISABLE_SERVER_SIDE_CURSORS" in found["default"]) is (word == "pooled")
    assert found.keys() == ({"default"} if word == "replica" else {"default", "replica"})


def test_an_alias_twice() -> None:
    message = refusal(
        URI, DATABASE_REPLICA_URL=URI.replace("db.", "one."), REPLICA_DATABASE_URL=URI.replace("db.", "two.")
    )
    assert (
        message
        == "REPLICA_DATABASE_URL: makes a second alias replica, next to DATABASE_REPLICA_URL. Rename one of the two"
    )


@pytest.fixture
def pools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda _name: "5.1")


@pytest.mark.usefixtures("pools")
def test_native_pool() -> None:
    found = entries(SCALINGO, {}, DATABASE_REPLICA_URL=URI)
    assert found["default"]["OPTIONS"]["pool"] == {"max_lifetime": 1740.0, "max_idle": 1740.0}
    assert found["replica"]["OPTIONS"]["pool"] == {}
    for entry in found.values():
        assert entry.get("CONN_MAX_AGE", 0) == 0
        assert entry["CONN_HEALTH_CHECKS"] is True
    found = entries(f"{SCALINGO}&conn_health_checks=false&conn_max_age=0", {"max_size": 5, "max_idle": 9})
    assert found["default"]["OPTIONS"]["pool"] == {"max_lifetime": 1740.0, "max_idle": 9, "max_size": 5}
    assert found["default"]["CONN_HEALTH_CHECKS"] is False


@pytest.mark.usefixtures("pools")
def test_native_pool_for_postgresql_only() -> None:
    assert "pool" not in entries("sqlite:///site.sqlite3", {})["default"]["OPTIONS"]


@pytest.mark.usefixtures("pools")
def test_native_pool_beside_what_does_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "pooler in transaction mode, which does not work with pool" in refusal(NEON, {})
    for age in ("60", "None"):
        assert "conn_max_age and pool cannot be combined" in refusal(f"{URI}&conn_max_age={age}", {})
    assert "pool" in entries(URI, {}, ENVCONN_POOL_MODE="session")["default"]["OPTIONS"]
    monkeypatch.setattr(metadata, "version", lambda _name: "4.2.30")
    assert "pool requires Django 5.1" in refusal(URI, {})
    monkeypatch.setattr("envconn_django.database_entry.find_spec", lambda _name: None)
    assert "pool requires psycopg 3 and psycopg_pool" in refusal(URI, {})


def test_sqlite() -> None:
    found = entries("sqlite:////srv/site.sqlite3?timeout=2.5&transaction_mode=immediate")
    options = {"timeout": 2.5, "transaction_mode": "IMMEDIATE"}
    engine = "django.db.backends.sqlite3"
    assert found == {"default": {"ENGINE": engine, "NAME": "/srv/site.sqlite3", "OPTIONS": options}}
    assert entries("sqlite://")["default"]["NAME"] == ":memory:"


@pytest.mark.parametrize(
    ("netloc", "query", "host", "port"),
    [
        ("db.example.com", "ssl-mode=REQUIRED", "db.example.com", "3306"),
        ("", "unix_socket=/run/mysql", "/run/mysql", ""),
    ],
)
def test_mysql(netloc: str, query: str, host: str, port: str) -> None:
    entry = entries(f"mysql://app:marker-password@{netloc}/shop?{query}&connect_timeout=5")["default"]
    assert entry.pop("OPTIONS")["connect_timeout"] == 5
    assert entry == {
        "ENGINE": "django.db.backends.mysql",
        "NAME": "shop",
        "USER": "app",
        "PASSWORD": "marker-password",
        "HOST": host,
        "PORT": port,
    }
    assert "marker" not in repr(entry)
    no_password = entries(f"mysql://app@{netloc}/shop?{query}")["default"]
    assert no_password["PASSWORD"] == ""


def test_services_that_django_has_no_backend_for() -> None:
    cache = envconn.load({"REDIS_URL": "rediss://h.example.com"}, env_file=None).cache
    with pytest.raises(envconn.ConfigurationError, match="REDIS_URL: holds a redis connection"):
        settings(cache)
    with pytest.raises(TypeError):
        settings(envconn.parse(URI))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        django_cache(envconn.parse(URI))  # type: ignore[arg-type]


def test_cache() -> None:
    assert django_cache(None) == {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    entry = django_cache(cached("rediss://app:marker-password@h.example.com:6380/2?socket_timeout=2"))
    assert "marker" not in repr(entry)
    options = entry.pop("OPTIONS")
    assert entry == {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "rediss://h.example.com:6380/2",
    }
    assert options["password"] == "marker-password"
    assert options["pool_class"] == "envconn_redis.connections.VerifyingPool"
    local = django_cache(cached("redis://localhost/0"))["OPTIONS"]
    assert local["pool_class"] == "envconn_redis.connections.StayingPool"
    with pytest.raises(envconn.ConfigurationError, match="does not support decode_responses"):
        django_cache(cached("rediss://h.example.com/0?decode_responses=true"))


def cached(uri: str) -> envconn.SecuredConnection:
    return envconn.load({"CACHE_URL": uri}, env_file=None).cache


@pytest.mark.parametrize(
    ("environ", "codes"),
    [
        ({"DATABASE_URL": NEON}, ["tls-unverified"]),
        ({"DATABASE_URL": URI, "ENVCONN_POOL_MODE": "transaction"}, ["migrate-pooled", "tls-unverified"]),
        ({"DATABASE_URL": SUPABASE}, ["migrate-pooled", "tls-unverified"]),  # its direct endpoint has no IPv4 address
        ({"DATABASE_URL": SUPABASE, "ENVCONN_ENDPOINT": "pooled"}, ["tls-unverified"]),
        ({"DATABASE_URL": SUPABASE, "DIRECT_URL": URI.replace("/shop", "/postgres")}, ["tls-unverified"]),
        ({"DATABASE_URL": PLANETSCALE.replace("app.", "postgres.")}, ["tls-unverified", "default-role"]),
        ({"DATABASE_URL": URI.replace("require", "disable"), "ENVCONN_TLS_WAIVE": "db.example.com"}, ["tls-waived"]),
        ({"DATABASE_URL": "postgresql://app@localhost/shop"}, []),
        ({"DATABASE_URL": "sqlite://"}, []),
    ],
)
def test_findings(environ: dict[str, str], codes: list[str]) -> None:
    found = found_of(envconn.load(environ, env_file=None))
    assert [finding.code for finding in found] == codes
    assert all(finding.message.startswith("DATABASE_URL: ") for finding in found)


def found_of(services: envconn.Services, **changed: object) -> list[Finding]:
    """Return the findings for the default database, whose entry was `changed`."""
    made = django_entries(services.databases)
    finals = [
        FinalEntry(alias, {**entry.settings, **(changed if alias == "default" else {})}, entry.connection)
        for alias, entry in made.items()
    ]
    return list(findings(finals[0], services.database))


def test_a_finding_about_an_entry_that_is_not_judged() -> None:
    ((alias, found),) = entry_findings([FinalEntry("own", {}, waived="oracle://"), FinalEntry("file", {})], "")
    assert (alias, found.code, found.deploy) == ("own", "tls-waived", True)
    assert found.message == "is not judged, because ENVCONN_TLS_WAIVE has oracle://"


def test_findings_about_two_pools() -> None:
    services = load(NEON)
    options = django_entries(services.databases)["default"].settings["OPTIONS"]
    found = found_of(services, OPTIONS={**options, "pool": True})
    assert "pool-behind-pooler" in [finding.code for finding in found]
