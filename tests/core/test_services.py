"""`load`, `parse`, `secure`, `database`, the mapping, and the report that goes with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import envconn
from documents import understood
from envconn import (
    ConfigurationError,
    EndpointUnavailable,
    Policy,
    SecuredConnection,
    ServiceMissing,
    Services,
    TlsLevel,
)
from envconn.connection import Secret
from envconn.selection import judged_text
from envconn.services import database, load, parse, secure
from envconn.tls.secured import understood as understanding
from leaks import MARKER

if TYPE_CHECKING:
    from collections.abc import Callable

    from throwaway.certificates import Certificates

PG = f"postgresql://app:{MARKER}@db.example/app"
REDIS = "rediss://:p@redis.example/0"
AMQP = "amqps://u:p@amqp.example"
OTHER = f"postgresql://app:{MARKER}@other.example/app"


def test_services_are_a_mapping() -> None:
    services = load({"DATABASE_URL": PG, "ANALYTICS_DATABASE_URL": OTHER}, env_file=None)
    assert isinstance(services, Services)
    assert (list(services), len(services), "analytics" in services) == (["database", "analytics"], 2, True)
    assert services["analytics"].host == "other.example"
    assert services.database is services["database"]
    assert dict(services.databases) == dict(services)
    assert repr(services) == "<Services: database, analytics>"
    assert (services.get("broker"), services.get("reporting"), "reporting" in services) == (None, None, False)
    with pytest.raises(KeyError):
        services["reporting"]


@pytest.mark.parametrize(
    ("ask", "variable", "code"),
    [
        (lambda services: services.database, "DATABASE_URL", "database-missing"),
        (lambda services: services["database"], "DATABASE_URL", "database-missing"),
        (lambda services: services.connection(), "DATABASE_URL", "database-missing"),
        (lambda services: services.broker, "BROKER_URL", "service-missing"),
        (lambda services: services["broker"], "BROKER_URL", "service-missing"),
        (lambda services: services.results, "CELERY_RESULT_BACKEND", "service-missing"),
        (lambda services: services.cache, "CACHE_URL", "service-missing"),
        (lambda services: services["reporting"], "services", "service-missing"),
        (lambda services: services.connection("reporting"), "services", "service-missing"),
    ],
)
def test_what_is_missing(ask: Callable[[Services], object], variable: str, code: str) -> None:
    with pytest.raises(ServiceMissing) as caught:
        ask(load({"A_DATABASE_URL": PG}, env_file=None))
    assert [(problem.code, problem.variable) for problem in caught.value.problems] == [(code, variable)]
    assert str(caught.value).startswith(f"{variable}: "), "and no repr of a key"
    assert isinstance(caught.value, ConfigurationError)


def test_broker_and_cache_are_services_by_their_own_variables() -> None:
    services = load({"DATABASE_URL": PG, "CELERY_BROKER_URL": AMQP, "CACHE_URL": REDIS}, env_file=None)
    assert (services.broker.origin.variable, services.cache.origin.variable) == ("CELERY_BROKER_URL", "CACHE_URL")


@pytest.mark.parametrize(
    ("environ", "codes"),
    [
        ({"CELERY_BROKER_URL": REDIS, "BROKER_URL": AMQP}, ["variable-conflict"]),
        ({"ENVCONN_BROKER_VARIABLE": "NOTHING", "DATABASE_URL": PG}, ["chosen-variable-missing"]),
        ({"ENVCONN_CACHE_VARIABLE": "NOTHING", "CACHE_URL": REDIS}, ["chosen-variable-missing"]),
        ({"ENVCONN_BROKER_VARIABLE": "X", "X": "rubbish", "DATABASE_URL": PG}, ["scheme-missing"]),
        ({"BROKER_URL": PG}, ["kind-unexpected"]),
        ({"CACHE_URL": AMQP}, ["kind-unexpected"]),
        ({"DATABASE_URL": REDIS}, ["kind-unexpected"]),
        ({"DATABASE_URL": PG, "DIRECT_URL": REDIS}, ["kind-unexpected"]),
        ({"A_DATABASE_URL": AMQP}, ["database-missing"]),
    ],
    ids=[
        "variable-conflict",
        "chooser-names-nothing",
        "chooser-names-nothing-either",
        "chosen-is-wrong",
        "broker-postgresql",
        "cache-amqp",
        "database-redis",
        "sibling-redis",
        "named-amqp",
    ],
)
def test_broker_refused(environ: dict[str, str], codes: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(environ, env_file=None)
    assert [problem.code for problem in caught.value.problems] == codes


def test_redis_with_tls_is_used_instead_of_its_twin_without() -> None:
    services = load({"DATABASE_URL": PG, "REDIS_URL": "redis://localhost", "REDIS_TLS_URL": REDIS}, env_file=None)
    assert services.broker.origin.variable == "REDIS_TLS_URL"
    assert "redis-tls-url-used" in [note.code for note in services.report().notes]
    alone = load({"DATABASE_URL": PG, "REDIS_TLS_URL": REDIS}, env_file=None)
    assert alone.report().notes == ()


@pytest.mark.parametrize("name", ["broker", "results", "cache"])
def test_no_database_has_the_name_of_another_service(name: str) -> None:
    variable = f"{name.upper()}_DATABASE_URL"
    services = load({"DATABASE_URL": PG, variable: f"{PG}2"}, env_file=None)
    assert list(services) == ["database"]
    assert [(note.code, note.variable) for note in services.report().notes] == [("service-reserved", variable)]
    with pytest.raises(ServiceMissing, match="not set"):
        getattr(services, name)
    bound = {"postgresql": [{"name": name, "label": "postgresql", "credentials": {"uri": f"{PG}2"}}]}
    several = {"OTHER_DATABASE_URL": PG, "ENVCONN_DATABASE_VARIABLE": "OTHER_DATABASE_URL"}
    services = load({**several, "VCAP_SERVICES": json.dumps(bound)}, env_file=None)
    assert name not in services
    assert "service-reserved" in {note.code for note in services.report().notes}


def test_chosen_broker() -> None:
    services = load(
        {"BROKER_URL": REDIS, "CELERY_BROKER_URL": AMQP, "ENVCONN_BROKER_VARIABLE": "BROKER_URL"}, env_file=None
    )
    assert services.broker.host == "redis.example"


def test_environment_and_file_of_this_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", PG)
    assert database().host == "db.example"
    (tmp_path / "env").write_text(f"ANALYTICS_DATABASE_URL={OTHER}\n", encoding="utf-8")
    assert load(env_file=tmp_path / "env")["analytics"].origin.line == 1


def test_all_problems_are_raised_at_once() -> None:
    """T124: two errors in two variables, one report, neither value."""
    with pytest.raises(ConfigurationError) as caught:
        load(
            {"DATABASE_URL": f"{PG}?sslmode=disable", "A_DATABASE_URL": f"pg://{MARKER}", "ENVCONN_TLS": MARKER},
            env_file=None,
        )
    assert {problem.variable for problem in caught.value.problems} == {"DATABASE_URL", "A_DATABASE_URL", "ENVCONN_TLS"}
    assert len(str(caught.value).splitlines()) == 3
    assert MARKER not in f"{caught.value}{caught.value!r}{caught.value.args}"


def test_nothing_but_a_build() -> None:
    services = load({"ENVCONN_PHASE": "build"}, env_file=None)
    assert (len(services), repr(services)) == (0, "<Services: none>")
    assert [note.code for note in services.report().notes] == ["build-phase"]
    with pytest.raises(ConfigurationError, match="DATABASE_URL: not set"):
        _ = services.database


def test_policy_of_the_program_is_above_the_one_of_the_environment() -> None:
    environ = {"DATABASE_URL": f"{PG}?sslmode=disable", "ENVCONN_TLS": "verify-full"}
    services = load(environ, env_file=None, policy=Policy(waive=("*.example",)))
    assert services.database.tls.level == TlsLevel.NONE
    assert "waiver-in-code" in [note.code for note in services.report().notes]
    with pytest.raises(ConfigurationError, match="verify-full, the minimum set by ENVCONN_TLS, requires a CA"):
        load({"DATABASE_URL": PG, "ENVCONN_TLS": "verify-full"}, env_file=None, policy=Policy(waive=("a",)))
    with pytest.raises(ConfigurationError, match="ENVCONN_TLS: "):
        load({"DATABASE_URL": PG, "ENVCONN_TLS": "rubbish"}, env_file=None, policy=Policy(tls="verify-full"))


def test_secure_judges_by_the_policy_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    assert secure(PG).tls.level == TlsLevel.ENCRYPTED
    monkeypatch.setenv("ENVCONN_TLS", "verify-full")
    for policy in (None, Policy(), Policy(tls="require")):
        with pytest.raises(ConfigurationError, match="verify-full, the minimum set by ENVCONN_TLS, requires a CA"):
            secure(PG, policy)
    assert secure(parse(PG), Policy(ca="system")).tls.level == TlsLevel.VERIFY_FULL
    monkeypatch.setenv("ENVCONN_TLS", "rubbish")
    with pytest.raises(ConfigurationError, match="ENVCONN_TLS: "):
        secure(PG)


@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [
        ("PGSERVICE", "shop", "pg-service"),
        ("PGGSSENCMODE", "require", "pg-variable-invalid"),
        ("PGCONNECT_TIMEOUT", "soon", "pg-variable-invalid"),
        ("PGREQUIREAUTH", "bogus", "policy-unknown"),
        ("OPENSSL_CONF", "weak.cnf", "openssl-weak"),
        ("PGSSLROOTCERT", "/nowhere", "ca-missing"),
    ],
)
def test_secure_checks_what_libraries_read(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, code: str
) -> None:
    """libpq alone would refuse for most of them; with the configuration of OpenSSL, TLS would say too little."""
    Path("weak.cnf").write_text("CipherString = eNULL\n", encoding="utf-8")
    assert secure(PG).tls.level == TlsLevel.ENCRYPTED
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError) as caught:
        secure(PG)
    assert [(problem.code, problem.variable) for problem in caught.value.problems] == [(code, variable)]


def test_secure_is_about_none_of_the_services(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVCONN_DATABASE_TLS", "verify-full")
    assert str(secure(PG).tls.level) == "encrypted"
    monkeypatch.setenv("ENVCONN_TLS", "verify-full")
    with pytest.raises(ConfigurationError):
        secure(PG)


@pytest.mark.parametrize("source", [None, 1, b"postgresql://db.example/app", Secret(PG), secure(PG)])
def test_secure_refuses_everything_else(source: Any) -> None:
    with pytest.raises(TypeError, match="expected a connection string or the Connection"):
        secure(source)


@pytest.mark.parametrize(
    ("source", "host"),
    [
        (lambda services: services, "db.example"),
        (lambda services: services["analytics"], "other.example"),
    ],
    ids=["services", "connection"],
)
def test_database_of(source: Callable[[Services], Services | SecuredConnection], host: str) -> None:
    services = load({"DATABASE_URL": PG, "ANALYTICS_DATABASE_URL": OTHER}, env_file=None)
    assert database(source(services)).host == host


@pytest.mark.parametrize(
    "source", [parse(PG), PG, {"DATABASE_URL": PG}, 1, object()], ids=["connection", "text", "mapping", "int", "object"]
)
def test_database_of_anything_else(source: Any) -> None:
    with pytest.raises(TypeError, match=r"envconn\.secure\(\)") as caught:
        database(source)
    assert MARKER not in str(caught.value)


def test_parse_and_secure_raise_what_is_wrong() -> None:
    assert parse(PG).origin.variable == "connection string"
    with pytest.raises(ConfigurationError, match="MY_URL: "):
        parse(f"pg:{MARKER}", "MY_URL")
    with pytest.raises(ConfigurationError, match="MY_URL: sslmode=disable"):
        secure(parse(f"{PG}?sslmode=disable", "MY_URL"))
    assert secure(parse(f"{PG}?sslmode=disable"), Policy(waive=("*.example",))).tls.waived == "*.example"


@pytest.mark.parametrize("text", ["", " \n"], ids=["empty", "blank"])
def test_a_blank_text_from_the_program_is_a_problem(text: str) -> None:
    outcome = judged_text(Secret(text), "database")
    assert isinstance(outcome, tuple)
    assert [(problem.code, problem.variable) for problem in outcome] == [("text-empty", "database")]


def test_a_text_of_the_environment_is_judged_with_its_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERS_URL", PG)
    outcome = judged_text(Secret(PG), "ORDERS_URL")
    assert isinstance(outcome, envconn.SecuredConnection)
    assert (outcome.origin.variable, outcome.origin.source) == ("ORDERS_URL", "environment")


def test_endpoints() -> None:
    services = load(
        {"DATABASE_URL": PG, "DIRECT_URL": OTHER, "DATABASE_REPLICA_URL": PG.replace("db.", "replica.")}, env_file=None
    )
    assert services.connection() is services.database
    assert services.connection(replica=True).host == "replica.example"
    with pytest.raises(EndpointUnavailable, match="DATABASE_CONNECTION_POOL_URL"):
        services.connection(pooled=True)
    with pytest.raises(EndpointUnavailable, match="a branch has its own credentials"):
        services.connection(branch="other")
    with pytest.raises(KeyError):
        services.connection("reporting")


def test_named_database_has_siblings_of_its_own() -> None:
    services = load(
        {"DATABASE_URL": PG, "A_DATABASE_URL": OTHER, "A_DATABASE_REPLICA_URL": OTHER.replace("other", "second")},
        env_file=None,
    )
    assert services.connection("a", replica=True).host == "second.example"


def test_reading_lazily_gives_the_same_functions() -> None:
    assert (envconn.load, envconn.parse, envconn.secure, database) == (load, parse, secure, database)


NEON = f"postgresql://app:{MARKER}@ep-a-pooler.eu-central-1.aws.neon.tech/app"


def test_report_for_people(certificates: Certificates) -> None:
    report = load(
        {
            "DATABASE_URL": f"{NEON}?sslmode=verify-ca&sslrootcert={certificates.ca}&supa=x",
            "A_DATABASE_URL": f"postgresql://u:{MARKER}@[::1]:6543/d",
            "PGHOST": "x",
        },
        env_file=None,
    ).report()
    assert str(report) == "\n".join(report.lines())
    tls = {name: f"  TLS: {'; '.join(service.tls.evidence)}" for name, service in report.services.items()}
    assert report.lines() == [
        "database [verify-ca] DATABASE_URL",
        f"  app on {report.services['database'].hosts[0]}, user app, region aws-eu-central-1, pooled, transaction mode",
        *(f"  {sentence}" for sentence in understanding(report.services["database"])),
        tls["database"],
        "  ignored: supa",
        "a [local] A_DATABASE_URL",
        "  d on [::1]:6543, user u",
        *(f"  {sentence}" for sentence in understanding(report.services["a"])),
        tls["a"],
        *(f"note {note} [{note.code}]" for note in report.notes),
    ]
    assert [note.code for note in report.notes] == [
        *("pg-variable-ignored", "parameter-ignored", "tls-better", "pooler-likely"),
    ]


@pytest.mark.parametrize(
    ("environ", "target"),
    [
        ({"DATABASE_URL": "sqlite:///x.db"}, "x.db"),
        ({"DATABASE_URL": PG, "CACHE_URL": "redis://localhost/3"}, "database 3 on localhost:6379"),
        ({"DATABASE_URL": PG, "CACHE_URL": "redis+sentinel://localhost/m/1"}, "database 1 on localhost:26379"),
        ({"DATABASE_URL": PG, "BROKER_URL": "amqp://u:p@localhost//"}, "virtual host / on localhost:5672, user u"),
    ],
)
def test_report_says_what_a_number_or_a_slash_is(environ: dict[str, str], target: str) -> None:
    assert f"  {target}" in load(environ, env_file=None).report().lines()


def test_report_for_programs() -> None:
    document = load({"DATABASE_URL": "$X", "X": NEON}, env_file=None).report().as_dict()
    assert json.loads(json.dumps(document)) == document
    understood(json.dumps(document))
    assert isinstance(document["services"], list)
    (service,) = document["services"]
    assert isinstance(service, dict)
    assert service["origin"] == {
        "variable": "DATABASE_URL",
        "source": "environment",
        "path": None,
        "line": None,
        "via": ["X"],
    }
    assert service["hosts"] == [{"host": "ep-a-pooler.eu-central-1.aws.neon.tech", "hostaddr": None, "port": 5432}]
    verdict = service["tls"]
    assert isinstance(verdict, dict)
    assert (verdict["level"], verdict["requested"], verdict["raised"]) == ("encrypted", "opportunistic", True)
    assert MARKER not in json.dumps(document)


def test_report_of_what_is_wrong() -> None:
    from envconn.selection import select_services

    report = select_services({"DATABASE_URL": "pg"}, None).report
    assert not report.ok
    assert report.lines() == ["database [refused] DATABASE_URL, scheme-missing"]
    (problem,) = report.problems
    assert str(report).splitlines()[1:] == [f"error {problem} [scheme-missing]"]
    assert report.as_dict()["problems"] == [
        {
            "code": "scheme-missing",
            "severity": "error",
            "service": "database",
            "variable": "DATABASE_URL",
            "message": report.problems[0].message,
            "exit_code": 78,
        }
    ]


def test_changing_a_report_changes_nothing_else() -> None:
    services = load({"DATABASE_URL": PG}, env_file=None)
    assert not hasattr(services.report().services, "clear")
    assert not hasattr(services.report().refused, "clear")


def test_variable_for_the_direct_endpoint_comes_before_one_that_may_be_pooled() -> None:
    services = load({"DATABASE_URL": PG, "DIRECT_URL": OTHER}, env_file=None)
    assert services.connection(pooled=False).origin.variable == "DIRECT_URL"
    assert services.connection(pooled=False, replica=False).origin.variable == "DIRECT_URL"
    assert services.connection() is services.database


def test_direct_endpoint_of_a_primary_is_no_replica() -> None:
    neon = "postgresql://u:p@ep-a-pooler.eu-1.aws.neon.tech/d"
    services = load({"DATABASE_URL": neon, "DATABASE_REPLICA_URL": OTHER}, env_file=None)
    assert services.connection(pooled=False).host == "ep-a.eu-1.aws.neon.tech"
    assert services.connection(replica=True).host == "other.example"
