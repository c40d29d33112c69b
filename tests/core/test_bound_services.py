"""Bound services beside variables and beside each other: which is believed, under which name, and what contradicts."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest

from envconn.selection import select_services
from envconn.sources import Environment, bound_services
from leaks import MARKER, find, value_surfaces

if TYPE_CHECKING:
    from pathlib import Path

    from envconn.report import Report

A, B, C = (f"postgresql://u:{MARKER}@{host}.example/d" for host in "abc")
NEON = f"postgresql://u:{MARKER}@ep-a-pooler.eu-central-1.aws.neon.tech/d"
CACHE, OTHER_CACHE = (f"rediss://:{MARKER}@{host}.example/0" for host in ("r", "s"))
BROKER, OTHER_BROKER = (f"amqps://u:{MARKER}@{host}.example/v" for host in ("p", "q"))


def report(bound: dict[str, str], **environ: str) -> Report:
    document = {"p": [{"name": name, "credentials": {"uri": uri}} for name, uri in bound.items()]}
    found = select_services({"VCAP_SERVICES": json.dumps(document), **environ}, None).report
    assert MARKER not in str(found)
    return found


def hosts(found: Report) -> dict[str, str]:
    return {name: service.host.partition(".")[0] for name, service in found.services.items()}


@pytest.mark.parametrize(
    ("bound", "environ", "expected", "notes", "why"),
    [
        ({"x": A}, {}, {"database": "a"}, [], "the only one"),
        ({"x": A}, {"DATABASE_URL": A}, {"database": "a"}, ["variable-duplicate"], "the same one"),
        (
            {"x": f"{A}?sslmode=require"},
            {"DATABASE_URL": A},
            {"database": "a"},
            ["variable-duplicate-weaker"],
            "it asks for more",
        ),
        (
            {"x": A, "y": B},
            {"DATABASE_URL": A},
            {"database": "a", "y": "b"},
            ["variable-duplicate"],
            "the other has its name",
        ),
        ({"x": A, "y": B}, {"DATABASE_URL": B}, {"database": "b", "x": "a"}, ["variable-duplicate"], "in any order"),
        ({"x": A, "y": A}, {}, {"database": "a"}, ["variable-duplicate"], "one database under two names"),
        ({"x": A, "y": B}, {"ENVCONN_DATABASE_VARIABLE": "y"}, {"database": "b", "x": "a"}, [], "chosen"),
        (
            {"x": A, "y": B},
            {"ENVCONN_DATABASE_VARIABLE": "VCAP_SERVICES/y"},
            {"database": "b", "x": "a"},
            [],
            "by the whole name",
        ),
        (
            {"x": A},
            {"DATABASE_URL": B, "ENVCONN_DATABASE_VARIABLE": "x"},
            {"database": "a"},
            ["variable-not-chosen"],
            "against a variable",
        ),
        (
            {"x": A},
            {"DATABASE_URL": B, "ENVCONN_DATABASE_VARIABLE": "DATABASE_URL"},
            {"database": "b", "x": "a"},
            [],
            "the reverse",
        ),
        (
            {"MINE": A},
            {"MINE": B, "ENVCONN_DATABASE_VARIABLE": "MINE"},
            {"database": "b", "mine": "a"},
            [],
            "variables first",
        ),
        (
            {"x": A},
            {"X_DATABASE_URL": A, "DATABASE_URL": B, "ENVCONN_DATABASE_VARIABLE": "DATABASE_URL"},
            {"database": "b", "x": "a"},
            [],
            "named by a variable already",
        ),
        ({"x": A}, {"DIRECT_URL": B}, {"database": "a"}, [], "a sibling does not come before"),
        (
            {"x": NEON.replace("-pooler", "")},
            {"DATABASE_URL": NEON},
            {"database": "ep-a-pooler"},
            ["tls-better"],
            "a pair",
        ),
        (
            {"x": A},
            {"DB_HOST": "a.example", "DB_USER": "u", "DB_PASSWORD": MARKER, "DB_NAME": "d"},
            {"database": "a"},
            ["variable-duplicate"],
            "parts, too",
        ),
        ({"x": CACHE}, {}, {"broker": "r", "cache": "r"}, [], "a Redis is both"),
        ({"x": CACHE, "y": BROKER}, {}, {"broker": "p", "cache": "r"}, [], "each its own"),
        ({"x": CACHE}, {"REDIS_URL": CACHE}, {"broker": "r", "cache": "r"}, [], "the same one"),
        (
            {"x": CACHE, "y": OTHER_CACHE},
            {"ENVCONN_BROKER_VARIABLE": "x", "ENVCONN_CACHE_VARIABLE": "y"},
            {"broker": "r", "cache": "s"},
            [],
            "chosen",
        ),
        (
            {"x": CACHE, "y": OTHER_CACHE},
            {"CACHE_URL": CACHE, "BROKER_URL": BROKER},
            {"broker": "p", "cache": "r"},
            [],
            "one of them agrees",
        ),
        (
            {"x": CACHE},
            {"BROKER_URL": CACHE, "CACHE_URL": OTHER_CACHE},
            {"broker": "r", "cache": "s"},
            [],
            "it is the broker",
        ),
        ({"x": CACHE}, {"BROKER_URL": BROKER}, {"broker": "p", "cache": "r"}, [], "another kind is no contradiction"),
        ({"x": CACHE, "y": CACHE}, {}, {"broker": "r", "cache": "r"}, ["variable-duplicate"], "one under two names"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_found(bound: Any, environ: dict[str, str], expected: dict[str, str], notes: list[str], why: str) -> None:
    found = report(bound, **environ)
    assert found.ok, found
    assert hosts(found) == expected, why
    assert [note.code for note in found.notes if note.code != "provider-note"] == notes, why


@pytest.mark.parametrize(
    ("bound", "environ", "code", "named", "why"),
    [
        (
            {"x": A, "y": B},
            {},
            "binding-ambiguous",
            ["VCAP_SERVICES/x", "VCAP_SERVICES/y", "ENVCONN_DATABASE_VARIABLE=x"],
            "T114",
        ),
        ({"x": A, "y": B, "z": C}, {}, "binding-ambiguous", ["VCAP_SERVICES/y and VCAP_SERVICES/z"], "all of them"),
        (
            {"x": A},
            {"DATABASE_URL": B},
            "variable-conflict",
            ["DATABASE_URL", "VCAP_SERVICES/x", "a.example"],
            "both places",
        ),
        (
            {"x": A, "y": B},
            {"DATABASE_URL": C},
            "variable-conflict",
            ["VCAP_SERVICES/x", "VCAP_SERVICES/y"],
            "all places",
        ),
        (
            {"x": f"{A}2"},
            {"DATABASE_URL": A},
            "variable-conflict",
            ["same host, different dbname"],
            "another database there",
        ),
        (
            {"x": A},
            {"PGHOST": "b", "PGUSER": "u", "PGDATABASE": "d"},
            "variable-conflict",
            ["PGHOST", "VCAP_SERVICES/x"],
            "parts",
        ),
        ({"x": A}, {"DATABASE_URL": "x"}, "scheme-missing", ["DATABASE_URL"], "no choice while one cannot be read"),
        ({"x": A}, {"ENVCONN_DATABASE_VARIABLE": "y"}, "chosen-variable-missing", ["bound service"], "nobody's name"),
        ({"x": CACHE}, {"ENVCONN_DATABASE_VARIABLE": "x"}, "chosen-variable-missing", ["bound service"], "no database"),
        ({"x": A}, {"ENVCONN_CACHE_VARIABLE": "x"}, "chosen-variable-missing", ["ENVCONN_CACHE_VARIABLE"], "no cache"),
        (
            {"x": BROKER},
            {"ENVCONN_CACHE_VARIABLE": "x"},
            "chosen-variable-missing",
            ["ENVCONN_CACHE_VARIABLE"],
            "no cache, either",
        ),
        (
            {"x": A},
            {"X_DATABASE_URL": B, "DATABASE_URL": C, "ENVCONN_DATABASE_VARIABLE": "DATABASE_URL"},
            "service-duplicate",
            ["VCAP_SERVICES/x", "X_DATABASE_URL"],
            "two of one name",
        ),
        ({"x": A, "X": B}, {}, "service-duplicate", ["VCAP_SERVICES/x"], "two that differ in case"),
        (
            {"database": A, "y": B},
            {"ENVCONN_DATABASE_VARIABLE": "y"},
            "service-duplicate",
            ["database"],
            "two default ones",
        ),
        ({"x": CACHE, "y": OTHER_CACHE}, {}, "binding-ambiguous", ["ENVCONN_BROKER_VARIABLE=x"], "T114 for a broker"),
        (
            {"x": CACHE, "y": OTHER_CACHE, "z": BROKER},
            {},
            "binding-ambiguous",
            ["ENVCONN_CACHE_VARIABLE=x"],
            "T114 for a cache",
        ),
        ({"x": BROKER, "y": OTHER_BROKER}, {}, "binding-ambiguous", ["the broker"], "T114 for RabbitMQ"),
        (
            {"x": CACHE},
            {"REDIS_URL": OTHER_CACHE},
            "variable-conflict",
            ["REDIS_URL", "VCAP_SERVICES/x"],
            "both places",
        ),
        (
            {"x": BROKER},
            {"BROKER_URL": OTHER_BROKER},
            "variable-conflict",
            ["BROKER_URL", "ENVCONN_BROKER_VARIABLE"],
            "both places",
        ),
        (
            {"x": f"{A}?sslmode=disable"},
            {"DATABASE_URL": B, "ENVCONN_DATABASE_VARIABLE": "DATABASE_URL"},
            "tls-disabled",
            ["VCAP_SERVICES/x"],
            "what is not the default one is judged, too",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refused(bound: Any, environ: dict[str, str], code: str, named: list[str], why: str) -> None:
    problems = report(bound, **environ).problems
    assert code in [problem.code for problem in problems], why
    assert any(all(name in str(problem) for name in named) for problem in problems if problem.code == code), problems


def relationship(name: str, host: str) -> str:
    endpoint = {"scheme": "pgsql", "host": host, "username": "u", "password": MARKER, "path": "d"}
    return b64encode(json.dumps({name: [endpoint]}).encode()).decode()


@pytest.fixture
def root(tmp_path: Path) -> str:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "type").write_text("postgresql", encoding="utf-8")
    (tmp_path / "x" / "uri").write_text(A, encoding="utf-8")
    return str(tmp_path)


def test_one_service_by_every_platform(root: str) -> None:
    environ = {"SERVICE_BINDING_ROOT": root, "PLATFORM_RELATIONSHIPS": relationship("x", "a.example")}
    found = report({"x": A}, **environ, POSTGRESQLCONNSTR_x=A)
    assert (found.ok, found.notes) == (True, ())
    assert found.services["database"].origin.variable == "SERVICE_BINDING_ROOT/x"


@pytest.mark.parametrize("name", ["x", "y"])
def test_platforms_that_contradict_each_other(root: str, name: str) -> None:
    found = report({name: B}, SERVICE_BINDING_ROOT=root)
    (problem,) = found.problems
    assert problem.code == ("service-duplicate" if name == "x" else "binding-ambiguous")
    assert "SERVICE_BINDING_ROOT/x" in str(problem)
    assert f"VCAP_SERVICES/{name}" in str(problem)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"POSTGRESQLCONNSTR_defaultConnection": A}, {"database": ("a", "POSTGRESQLCONNSTR_defaultConnection")}),
        ({"CUSTOMCONNSTR_DATABASE_URL": A}, {"database": ("a", "DATABASE_URL")}),
        ({"POSTGRESQLCONNSTR_DATABASE_URL": A}, {"database": ("a", "DATABASE_URL")}),
        (
            {"CUSTOMCONNSTR_REDIS_URL": CACHE, "CUSTOMCONNSTR_DATABASE_URL": A},
            {"database": ("a", "DATABASE_URL"), "broker": ("r", "REDIS_URL"), "cache": ("r", "REDIS_URL")},
        ),
        (
            {"POSTGRESQLCONNSTR_ORDERS_DATABASE_URL": A, "DATABASE_URL": B},
            {"database": ("b", "DATABASE_URL"), "orders": ("a", "ORDERS_DATABASE_URL")},
        ),
        (
            {"MYSQLCONNSTR_A": f"mysql://u:{MARKER}@a.example/d", "DATABASE_URL": B, "ENVCONN_DATABASE_VARIABLE": "a"},
            {"database": ("a", "MYSQLCONNSTR_A")},
        ),
        (
            {"CUSTOMCONNSTR_SMTP": "smtp://x", "SQLCONNSTR_OLD": "Server=x", "DATABASE_URL": A},
            {"database": ("a", "DATABASE_URL")},
        ),
        (
            {"CUSTOMCONNSTR_": A, "POSTGRESQLCONNSTR_X_FILE": " ", "DATABASE_URL": A},
            {"database": ("a", "DATABASE_URL")},
        ),
    ],
)
def test_app_service(environ: dict[str, str], expected: dict[str, tuple[str, str]]) -> None:
    found = select_services(environ, None).report
    assert found.ok, found
    found_services = {
        name: (service.host.partition(".")[0], service.origin.variable) for name, service in found.services.items()
    }
    assert found_services == expected


@pytest.mark.parametrize(
    ("environ", "problem", "note"),
    [
        ({"CUSTOMCONNSTR_DATABASE_URL": A, "DATABASE_URL": B}, None, "source-ignored"),
        ({"CUSTOMCONNSTR_DATABASE_URL": A, "POSTGRESQLCONNSTR_DATABASE_URL": B}, None, "source-ignored"),
        ({"CUSTOMCONNSTR_DATABASE_URL": " "}, "database-missing", None),
        ({"POSTGRESQLCONNSTR_A": A, "DATABASE_URL": B}, "variable-conflict", None),
        ({"POSTGRESQLCONNSTR_A": A, "POSTGRESQLCONNSTR_B": B}, "binding-ambiguous", None),
        ({"POSTGRESQLCONNSTR_A": f"Server=tcp:a.example;Password={MARKER}"}, "text-pasted", None),
        ({"POSTGRESQLCONNSTR_A": " ", "DATABASE_URL": A}, None, "variable-blank"),
        ({"CUSTOMCONNSTR_DATABASE_URL": f"{A}?sslmode=disable"}, "tls-disabled", None),
    ],
)
def test_app_service_refused(environ: dict[str, str], problem: str | None, note: str | None) -> None:
    found = select_services(environ, None).report
    assert [each.code for each in found.problems][:1] == ([problem] if problem else [])
    assert [each.code for each in found.notes] == ([note] if note else [])
    assert MARKER not in str(found)


def test_connection_string_of_app_service_in_a_broken_secret(tmp_path: Path) -> None:
    (tmp_path / "CUSTOMCONNSTR_DATABASE_URL").mkdir()
    found = select_services({"ENVCONN_SECRETS_DIR": str(tmp_path)}, None).report
    assert [problem.code for problem in found.problems] == ["file-directory"]


def test_no_credentials_are_shown(root: str) -> None:
    document = json.dumps(
        {"p": [{"name": "x", "credentials": {"uri": A, "tls": {"password": MARKER}, "other": [MARKER]}}]}
    )
    given = {"SERVICE_BINDING_ROOT": root, "VCAP_SERVICES": document}
    given["PLATFORM_RELATIONSHIPS"] = relationship("x", "a.example")
    services = [*bound_services(Environment(given))]
    assert len(services) == 3
    for service in services:
        assert find(MARKER, value_surfaces(service)) == {}


AZURE = {
    "AZURE_POSTGRESQL_HOST": "x.postgres.database.azure.com",
    "AZURE_POSTGRESQL_USER": "u",
    "AZURE_POSTGRESQL_PASSWORD": f"@ {MARKER}",
    "AZURE_POSTGRESQL_DATABASE": "d",
}
RDS = {
    "RDS_HOSTNAME": "x.abcdefghijkl.eu-west-1.rds.amazonaws.com",
    "RDS_PORT": "5432",
    "RDS_DB_NAME": "d",
    "RDS_USERNAME": "u",
    "RDS_PASSWORD": f"@ {MARKER}",
}
CLEVER = {
    "POSTGRESQL_ADDON_HOST": "abc-postgresql.services.clever-cloud.com",
    "POSTGRESQL_ADDON_PORT": "5432",
    "POSTGRESQL_ADDON_DB": "d",
    "POSTGRESQL_ADDON_USER": "u",
    "POSTGRESQL_ADDON_PASSWORD": f"@ {MARKER}",
    "POSTGRESQL_ADDON_DIRECT_HOST": "10.2.3.4",
    "POSTGRESQL_ADDON_DIRECT_PORT": "7000",
}


@pytest.mark.parametrize(
    ("environ", "kind", "provider"),
    [
        (AZURE, "postgresql", "azure"),
        ({**AZURE, "AZURE_POSTGRESQL_HOST": "private.example"}, "postgresql", "azure"),
        (RDS, "postgresql", "aws-rds"),
        ({**RDS, "RDS_PORT": "3306"}, "mysql", "aws-rds"),
        (CLEVER, "postgresql", "clever-cloud"),
    ],
)
def test_parts_of_platforms(environ: dict[str, str], kind: str, provider: str) -> None:
    found = select_services(environ, None).report
    assert found.ok, found
    service = found.services["database"]
    assert (service.family, service.user, service.dbname, service.provider) == (kind, "u", "d", provider)
    assert service.password
    assert service.password.reveal() == f"@ {MARKER}"


def test_direct_host_of_clever_cloud() -> None:
    service = select_services(CLEVER, None).services["database"]
    (direct,) = service.siblings
    assert (direct.host, direct.port, direct.origin.variable) == ("10.2.3.4", 7000, "POSTGRESQL_ADDON_DIRECT_HOST")
    assert (direct.user, direct.dbname, direct.password, direct.pooled) == ("u", "d", service.password, False)
    alone = {name: value for name, value in CLEVER.items() if name != "POSTGRESQL_ADDON_HOST"}
    assert select_services(alone, None).services["database"].host == "10.2.3.4"


@pytest.mark.parametrize(
    ("ssl", "outcome"),
    [
        ("true", "require"),
        ("True", "require"),
        ("require", "require"),
        ("false", "tls-disabled"),
        ("x", "sslmode-unknown"),
    ],
)
def test_ssl_of_azure(ssl: str, outcome: str) -> None:
    found = select_services({**AZURE, "AZURE_POSTGRESQL_SSL": ssl}, None).report
    found_services = [problem.code for problem in found.problems] or [found.services["database"].parameters["sslmode"]]
    assert found_services == [outcome]
