"""Other products' variables, through every way in: noted, read, left out or refused, and never fatal for a database."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import envconn
import envconn_celery
import envconn_django
import envconn_flask
import envconn_psycopg
import envconn_sqlalchemy
from called import called
from envconn import ConfigurationError, ServiceMissing
from envconn.connection import Connection, Origin
from envconn.grammar.celery import in_process
from envconn.grammar.django_cache import serverless
from envconn.records import replace
from envconn.selection import select_services
from environments import AMQP, PG, READ, REDIS, REFUSED, Row
from leaks import MARKER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from envconn.report import Report


def environ(row: Row) -> dict[str, str]:
    return {**({} if "DB_NAME" in row.environ else {"DATABASE_URL": PG}), **row.environ}


def named(rows: list[Row]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", rows, ids=[row.name for row in rows])


def check(row: Row, report: Report) -> None:
    services = {name: str(service.tls.level) for name, service in report.services.items()}
    own = {"database": "encrypted"} if row.database else {}
    assert {each.variable: each.code for each in report.problems} == row.codes
    assert MARKER not in f"{report} {report.as_dict()}"
    if row.codes:
        assert ("database" in services) is row.database
        return
    assert services == {**own, **row.services}
    neighbours = (
        "service-foreign",
        "service-waived",
        "variable-ignored",
        "variable-not-chosen",
        "variable-unused",
        "part-unused",
    )
    assert {each.variable: each.code for each in report.notes if each.code in neighbours} == row.notes


def test_the_refusing_half_is_the_longer_one() -> None:
    assert len(REFUSED) > len(READ)


def selected(row: Row) -> None:
    check(row, select_services(environ(row), None).report)


def settings(row: Row) -> None:
    if not row.codes:
        check(row, envconn.Settings().services.report())
        return
    with pytest.raises(ConfigurationError) as caught:
        envconn.Settings()
    assert {each.variable: each.code for each in caught.value.problems} == row.codes


def command(row: Row) -> None:
    done = called("check", "--json", "--no-env-file")
    assert done.returncode == (78 if row.codes else 0)
    document = json.loads(done.stdout)
    assert {each["variable"]: each["code"] for each in document["problems"]} == row.codes
    assert row.notes.items() <= {each["variable"]: each["code"] for each in document["notes"]}.items()


@pytest.mark.parametrize("way", [selected, settings, command], ids=lambda way: way.__name__)
@named([*READ, *REFUSED])
@pytest.mark.sampled(3)
def test_every_way_in(row: Row, way: Callable[[Row], None], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in environ(row).items():
        monkeypatch.setenv(name, text)
    way(row)


@named([row for row in REFUSED if row.database and not any(each.startswith("ENVCONN_IGNOR") for each in row.codes)])
def test_a_database_is_not_stopped(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    """An integration that needs the default database gets it; `load`, which needs all services, raises."""
    for name, text in environ(row).items():
        monkeypatch.setenv(name, text)
    # What is not about the endpoints of the default database, or its password.
    if row.codes.keys().isdisjoint({"DIRECT_URL", "DATABASE_REPLICA_URL", "PGPASSWORD"}):
        assert envconn_psycopg.kwargs()["host"] == "db.example.com"
    with pytest.raises(ConfigurationError):
        envconn.load(env_file=None)


DATABASE_OF: dict[str, Callable[[], object]] = {
    "django": lambda: envconn_django.databases()["default"].get("HOST"),
    "flask": lambda: envconn_flask.config()["SQLALCHEMY_DATABASE_URI"].host,
    "sqlalchemy": lambda: envconn_sqlalchemy.url().host,
    "psycopg": lambda: envconn_psycopg.kwargs()["host"],
}
"""How each framework is given the default database: its hostname."""


@pytest.mark.exhaustive
@pytest.mark.parametrize("framework", DATABASE_OF)
def test_frameworks(framework: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each gets the database of `load`, or raises what is wrong with it, whatever is beside it."""
    for row in [*READ, *REFUSED]:  # in one test: there are nearly a thousand
        with monkeypatch.context() as variables:
            for name, text in environ(row).items():
                variables.setenv(name, text)
            check_framework(row, framework)


def database_of(framework: str) -> object:
    """Return the hostname that `framework` is given, or nothing if a package for the scheme is not installed."""
    try:
        return DATABASE_OF[framework]()
    except ConfigurationError as error:
        if {each.code for each in error.problems} != {"driver-missing"}:
            raise
    return None


def check_framework(row: Row, framework: str) -> None:
    report = select_services(environ(row), None).report
    wrong = report.about({"databases"} if framework in {"django", "flask"} else {"database"})
    if not wrong and (framework != "psycopg" or report.services["database"].family == "postgresql"):
        own = ",".join(host.host for host in report.services["database"].hosts)
        assert database_of(framework) in {own, "", None}, row.name  # SQLAlchemy has some in the query
        return
    with pytest.raises(ConfigurationError) as caught:
        DATABASE_OF[framework]()
    assert MARKER not in str(caught.value), row.name
    found = {(each.code, each.variable) for each in caught.value.problems}
    assert {(each.code, each.variable) for each in wrong} <= found, row.name


@named([row for row in [*READ, *REFUSED] if {"broker", "cache"} & {*row.services}])
def test_celery(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in environ(row).items():
        monkeypatch.setenv(name, text)
    if "broker" in row.services:
        assert envconn_celery.config(results=None)["broker_url"]
    if "cache" in row.services:
        assert envconn_django.caches()["default"]["BACKEND"]


@pytest.mark.parametrize(
    ("others", "ask", "message"),
    [
        (
            {"FIREBASE_DATABASE_URL": "https://h"},
            "firebase",
            "FIREBASE_DATABASE_URL: holds the address of an HTTP service",
        ),
        ({"CELERY_BROKER_URL": "sqs://"}, "broker", "CELERY_BROKER_URL: holds the Amazon SQS transport of Celery"),
        (
            {"CELERY_BROKER_URL": "sqs://", "ENVCONN_TLS_WAIVE": "sqs://"},
            "broker",
            "which sqs:// in ENVCONN_TLS_WAIVE leaves to the program. Connect with Celery's own settings",
        ),
        ({"KV_URL": "https://h"}, "broker", "KV_URL: holds the address of an HTTP service"),
        ({"KV_URL": "https://h"}, "cache", "Set it to the URL of a Redis, or write CACHES yourself"),
        (
            {"OTHER_DATABASE_URL": AMQP},
            "other",
            "OTHER_DATABASE_URL: holds an AMQP URL, but a database URL is expected",
        ),
        ({"KV_URL": "https://h"}, "results", "CELERY_RESULT_BACKEND: not set"),
        ({}, "firebase", "no service has this name"),
        ({}, "broker", "BROKER_URL: not set"),
    ],
)
def test_asking_says_why(others: dict[str, str], ask: str, message: str) -> None:
    services = envconn.load({"DATABASE_URL": PG, **others}, env_file=None)
    with pytest.raises(ServiceMissing) as caught:
        services[ask]
    assert message in str(caught.value)
    assert services.get(ask) is None


def test_a_waiver_of_an_env_file_is_not_for_the_process_environment(tmp_path: Path) -> None:
    (file := tmp_path / ".env").write_text("ENVCONN_TLS_WAIVE=sqs://", encoding="utf-8")
    found = envconn.load({"DATABASE_URL": PG, "CELERY_BROKER_URL": "sqs://"}, env_file=file).report()
    assert found.waived == {}
    file.write_text("ENVCONN_TLS_WAIVE=sqs://\nCELERY_BROKER_URL=sqs://", encoding="utf-8")
    assert envconn.load({"DATABASE_URL": PG}, env_file=file).report().waived == {"broker": "sqs://"}


def test_a_waived_broker_alone() -> None:
    report = envconn.load(
        {"CELERY_BROKER_URL": "sqs://"}, env_file=None, policy=envconn.Policy(waive=["sqs://"])
    ).report()
    assert "CELERY_BROKER_URL: is not judged, and may be unencrypted: it holds the Amazon SQS transport" in str(report)
    assert "sqs:// in Policy.waive" in str(report)
    assert (report.only("broker").waived, report.only("cache").waived) == ({"broker": "sqs://"}, {})


@pytest.mark.parametrize(
    ("others", "code"),
    [
        ({"CACHE_URL": f"redis://:{MARKER}@h.example.com"}, "tls-disabled"),
        ({"REDIS_URL": f"redis://:{MARKER}@h.example.com"}, "tls-disabled"),
        ({"CACHE_URL": "memcache://h"}, "tls-disabled"),
        ({"CACHE_URL": "elasticache://h"}, "service-foreign"),
        ({"CACHE_URL": "rediis://h"}, "scheme-unknown"),
    ],
)
def test_caches_raise_what_databases_do_not(others: dict[str, str], code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {"DATABASE_URL": PG, **others}.items():
        monkeypatch.setenv(name, text)
    assert envconn_django.databases()["default"]["HOST"] == "db.example.com"
    with pytest.raises(ConfigurationError) as caught:
        envconn_django.caches()
    assert {each.code for each in caught.value.problems} == {code}
    with pytest.raises(ConfigurationError):
        envconn_celery.config()


@pytest.mark.parametrize(
    ("text", "backend", "location"),
    [
        ("locmemcache://", "locmem.LocMemCache", None),
        ("locmem://name", "locmem.LocMemCache", "name"),
        ("dummycache://", "dummy.DummyCache", None),
        ("dbcache://table", "db.DatabaseCache", "table"),
        ("filecache:///srv/cache", "filebased.FileBasedCache", "/srv/cache"),
        ("memcache://localhost", "memcached.PyMemcacheCache", "localhost:11211"),
        ("memcached://[::1]:1/", "memcached.PyMemcacheCache", "[::1]:1"),
        ("pymemcache:///run/m.sock", "memcached.PyMemcacheCache", "unix:/run/m.sock"),
        ("pymemcached://127.0.0.1", "memcached.PyMemcacheCache", "127.0.0.1:11211"),
        ("pylibmc://localhost,[::1]:1", "memcached.PyLibMCCache", ["localhost:11211", "[::1]:1"]),
        ("pylibmc:///run/m.sock", "memcached.PyLibMCCache", "unix:/run/m.sock"),
    ],
)
def test_caches_of_djangos_own(
    text: str, backend: str, location: str | list[str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CACHE_URL", text)
    made = envconn_django.caches()["default"]
    assert made.get("LOCATION") == location
    assert made["BACKEND"] == f"django.core.cache.backends.{backend}"


@pytest.mark.parametrize("text", ["memory://", "memory://localhost//", "filesystem://"])
def test_a_broker_without_a_server(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", text)
    made = envconn_celery.config(results=None)
    assert made["broker_url"] == text


def test_results_that_cannot_be_used_are_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", REDIS)
    monkeypatch.setenv("RESULTS_URL", f"redis://:{MARKER}@h.example.com")
    with pytest.raises(ConfigurationError, match="RESULTS_URL: the scheme means no TLS"):
        envconn_celery.config()
    assert envconn_celery.config(results=None)


def test_all_problems_are_raised_with_one_that_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", PG.replace("require", "disable"))
    monkeypatch.setenv("CACHE_URL", f"redis://:{MARKER}@h.example.com")
    with pytest.raises(ConfigurationError) as caught:
        envconn_django.databases()
    assert [each.variable for each in caught.value.problems] == ["DATABASE_URL", "CACHE_URL"]


def test_the_policy_applies_to_every_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", PG)
    monkeypatch.setenv("ENVCONN_TLS", "reqire")
    for call in (envconn_django.databases, envconn_django.caches, envconn_psycopg.kwargs):
        with pytest.raises(ConfigurationError, match="ENVCONN_TLS"):
            call()


def test_an_error_names_the_way_out() -> None:
    for name, has_one in {
        "X_DATABASE_URL": True,
        "KV_URL": True,
        "CACHE_URL": True,
        "CELERY_BROKER_URL": False,
    }.items():
        report = select_services({"DATABASE_URL": PG, name: "nonsense"}, None).report
        assert [f"ENVCONN_IGNORE={name}" in each.message for each in report.problems] == [has_one]
        report = select_services({"DATABASE_URL": PG, name: "nonsense", "ENVCONN_IGNORE": name}, None).report
        assert report.ok is has_one


def test_an_env_file_leaves_out_its_own(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(f"ENVCONN_IGNORE=*_DATABASE_URL\nA_DATABASE_URL={PG}\n", encoding="utf-8")
    report = select_services({"DATABASE_URL": PG, "B_DATABASE_URL": PG.replace("/app", "/b")}, str(file)).report
    assert [*report.services] == ["database", "b"]
    assert {"variable-ignored", "dotenv-ignored"} <= {each.code for each in report.notes}


@pytest.mark.parametrize("variable", ["POSTGRESQLCONNSTR_shop", "VCAP_SERVICES"])
def test_bound_services_are_left_out(variable: str) -> None:
    others = {variable: "nonsense", "PLATFORM_RELATIONSHIPS": "e30=", "ENVCONN_IGNORE": variable}
    report = select_services({"DATABASE_URL": PG, **others}, None).report
    assert (report.problems, [*report.services]) == ((), ["database"])
    assert "variable-ignored" in {each.code for each in report.notes}


@pytest.mark.parametrize(("read", "text"), [(serverless, "dummycache://"), (in_process, "memory://")])
def test_what_has_no_server_is_judged_alone(read: Callable[[str, Origin], Connection | None], text: str) -> None:
    found = read(text, Origin("X"))
    assert found is not None
    assert envconn.secure(found).dbname == text
    with pytest.raises(ConfigurationError):
        envconn.secure(replace(found, dbname="elsewhere"))
