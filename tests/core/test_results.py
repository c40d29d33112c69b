"""`services.results`: where it is read from, how it is judged, and what there is without a variable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import envconn
from envconn import ConfigurationError, ServiceMissing, TlsLevel

if TYPE_CHECKING:
    from throwaway.certificates import Certificates

BROKER = "rediss://:p@redis.example.com/0"
RESULTS = "rediss://:p@redis.example.com/1"
PG = "db+postgresql://u:p@db.example.com/d"


@pytest.mark.parametrize("variable", ["CELERY_RESULT_BACKEND", "RESULT_BACKEND", "RESULTS_URL"])
def test_a_number_of_the_same_redis(variable: str) -> None:
    services = envconn.load({"REDIS_URL": BROKER, variable: RESULTS}, env_file=None)
    assert list(services) == ["broker", "results", "cache"]
    assert (services.broker.dbname, services.results.dbname, services.cache.dbname) == ("0", "1", "0")
    assert services.results.origin.variable == variable
    assert services.report().ok


@pytest.mark.parametrize("environ", [{"REDIS_URL": BROKER}, {"BROKER_URL": BROKER, "CACHE_URL": RESULTS}])
def test_there_are_none_without_a_variable(environ: dict[str, str]) -> None:
    services = envconn.load(environ, env_file=None)
    assert services.get("results") is None
    with pytest.raises(ServiceMissing, match="CELERY_RESULT_BACKEND: not set"):
        services.results  # noqa: B018


@pytest.mark.parametrize(
    ("text", "family", "level"),
    [
        (RESULTS, "redis", TlsLevel.VERIFY_FULL),
        (f"{RESULTS}?ssl_cert_reqs=none", "redis", TlsLevel.ENCRYPTED),
        (PG, "postgresql", TlsLevel.ENCRYPTED),
        (f"{PG}?sslmode=verify-full&sslrootcert=system", "postgresql", TlsLevel.VERIFY_FULL),
        ("redis://localhost/1", "redis", TlsLevel.NONE),
        ("db+sqlite:///results.db", "sqlite", TlsLevel.NONE),
        ("rpc://", "celery", TlsLevel.NONE),
    ],
)
def test_judged(text: str, family: str, level: TlsLevel) -> None:
    results = envconn.load({"CELERY_RESULT_BACKEND": text}, env_file=None).results
    assert (results.name, results.family, results.tls.level) == ("results", family, level)


@pytest.mark.parametrize(
    ("environ", "code", "variable"),
    [
        ({"CELERY_RESULT_BACKEND": "redis://:p@redis.example.com/1"}, "tls-disabled", "CELERY_RESULT_BACKEND"),
        ({"RESULT_BACKEND": f"{PG}?sslmode=disable"}, "tls-disabled", "RESULT_BACKEND"),
        ({"CELERY_RESULT_BACKEND": "redis"}, "results-unsupported", "CELERY_RESULT_BACKEND"),
        ({"CELERY_RESULT_BACKEND": "amqps://h"}, "kind-unexpected", "CELERY_RESULT_BACKEND"),
        ({"CELERY_RESULT_BACKEND": "db+mysql://u:p@h/d"}, "kind-unexpected", "CELERY_RESULT_BACKEND"),
        ({"CELERY_RESULT_BACKEND": RESULTS, "RESULT_BACKEND": PG}, "variable-conflict", "CELERY_RESULT_BACKEND"),
        ({"ENVCONN_RESULTS_VARIABLE": "X"}, "chosen-variable-missing", "ENVCONN_RESULTS_VARIABLE"),
        ({"ENVCONN_RESULTS_VARIABLE": "X", "X": "cassandra"}, "results-unsupported", "X"),
        ({"ENVCONN_RESULTS_TSL": "require"}, "envconn-variable-unknown", "ENVCONN_RESULTS_TSL"),
        ({"ENVCONN_RESULTS_TLS": "verify-ca", "RESULT_BACKEND": PG}, "ca-missing", "RESULT_BACKEND"),
        ({"DATABASE_URL": "db+sqlite://"}, "scheme-unknown", "DATABASE_URL"),
    ],
)
def test_refused(environ: dict[str, str], code: str, variable: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        envconn.load({"BROKER_URL": BROKER, **environ}, env_file=None)
    assert [(problem.code, problem.variable) for problem in caught.value.problems] == [(code, variable)]


def test_chosen_and_conditioned(certificates: Certificates) -> None:
    both = {"CELERY_RESULT_BACKEND": RESULTS, "RESULT_BACKEND": PG, "MINE": "db+sqlite://"}
    for variable, family in (("RESULT_BACKEND", "postgresql"), ("MINE", "sqlite"), ("CELERY_RESULT_BACKEND", "redis")):
        services = envconn.load({**both, "ENVCONN_RESULTS_VARIABLE": variable}, env_file=None)
        assert services.results.family == family
    own = {"ENVCONN_RESULTS_TLS": "verify-ca", "ENVCONN_RESULTS_TLS_CA": str(certificates.ca)}
    services = envconn.load({"RESULT_BACKEND": PG, "DATABASE_URL": PG.removeprefix("db+"), **own}, env_file=None)
    assert (services.results.tls.level, services.database.tls.level) == (TlsLevel.VERIFY_CA, TlsLevel.ENCRYPTED)


def test_reported() -> None:
    environ = {"CELERY_RESULT_BACKEND": "rpc://", "BROKER_URL": BROKER, "ENVCONN_TLS_LOCAL": "enforce"}
    report = envconn.load(environ, env_file=None).report()
    [service] = [service for service in report.as_dict()["services"] if service["name"] == "results"]  # type: ignore[union-attr, call-overload, index]
    assert (service["family"], service["dbname"], service["level"]) == ("celery", "rpc://", "none")  # type: ignore[index, call-overload]
    assert "results [local] CELERY_RESULT_BACKEND\n  rpc://\n  TLS: Celery uses no connection" in str(report)
    refused = envconn.load({"BROKER_URL": BROKER}, env_file=None).report()
    assert "results" not in str(refused)


def test_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESULT_BACKEND", "db+sqlite:///a.db")
    monkeypatch.setenv("REDIS_URL", BROKER)
    for given, family in ({}, "sqlite"), ({"results": "rpc://"}, "celery"):
        assert envconn.Settings(**given).results.family == family
