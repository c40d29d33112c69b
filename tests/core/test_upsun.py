"""Relationships of Upsun and Platform.sh, as one variable and as many."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from envconn.connection import Secret
from envconn.selection import select_services
from envconn.sources.upsun import LARGEST
from leaks import MARKER

if TYPE_CHECKING:
    from envconn.report import Report

ENDPOINT = {
    "scheme": "pgsql",
    "host": "database.internal",
    "hostname": "abc.postgresql.service._.eu-5.platformsh.site",
    "ip": "169.254.1.2",
    "port": 5432,
    "username": "main",
    "password": MARKER,
    "path": "main",
    "query": {"is_master": True},
    "type": "postgresql:16",
    "fragment": None,
    "public": False,
}
PARTS = {
    "PLATFORM_PROJECT": "p",
    "ORDERS_HOST": "orders.internal",
    "ORDERS_SCHEME": "pgsql",
    "ORDERS_PORT": "5432",
    "ORDERS_USERNAME": "main",
    "ORDERS_PASSWORD": f"@:/ {MARKER}",
    "ORDERS_PATH": "main",
    "ORDERS_QUERY": "{'is_master': True}",
}


def encoded(document: object) -> str:
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    return b64encode(text).decode()


def report(document: object = None, **environ: str) -> Report:
    given = {} if document is None else {"PLATFORM_RELATIONSHIPS": encoded(document)}
    found = select_services({**given, **environ}, None).report
    assert MARKER not in str(found)
    return found


@pytest.mark.parametrize(
    ("changes", "role", "expected"),
    [
        ({}, "database", ("postgresql", "database.internal", 5432, "main")),
        ({"scheme": "mysql", "port": 3306}, "database", ("mysql", "database.internal", 3306, "main")),
        ({"scheme": "rediss", "path": None, "username": None}, "cache", ("redis", "database.internal", 5432, "0")),
        ({"scheme": "amqps", "path": None}, "broker", ("amqp", "database.internal", 5432, "/")),
        ({"query": []}, "database", ("postgresql", "database.internal", 5432, "main")),
        ({"password": ""}, "database", ("postgresql", "database.internal", 5432, "main")),
    ],
    ids=["postgresql", "mysql", "redis", "rabbitmq", "no-query", "no-password"],
)
def test_bound(changes: dict[str, object], role: str, expected: tuple[object, ...]) -> None:
    found = report({"db": [{**ENDPOINT, **changes}]})
    assert found.ok, found
    service = found.services[role]
    assert (service.family, service.host, service.port, service.dbname) == expected
    assert (service.origin.variable, service.origin.source) == ("PLATFORM_RELATIONSHIPS/db", "relationship")


def test_primary_of_several_endpoints() -> None:
    replica = {**ENDPOINT, "host": "replica.internal", "query": {"is_master": False}}
    assert report({"db": [replica, ENDPOINT, ENDPOINT]}).services["database"].host == "database.internal"
    assert [problem.code for problem in report({"db": [replica]}).problems] == ["database-missing"]


def test_base64_may_be_wrapped() -> None:
    text = encoded({"db": [ENDPOINT]})
    wrapped = "\n".join(text[at : at + 60] for at in range(0, 600, 60))
    assert select_services({"PLATFORM_RELATIONSHIPS": wrapped}, None).report.ok


@pytest.mark.parametrize(
    ("variable", "code", "why"),
    [
        (" ", "database-missing", "blank is not set"),
        ("{}", "base64-invalid", "JSON as it is"),
        ("é", "base64-invalid", "no ASCII"),
        ("abc", "base64-invalid", "cut off"),
        ("a-b_", "base64-invalid", "the other alphabet"),
        (MARKER, "base64-invalid", "a password"),
        (encoded(b"\xff\xfe"), "base64-invalid", "no UTF-8"),
        (encoded(b""), "database-missing", "nothing in it"),
        (encoded(b"x"), "json-invalid", "no JSON"),
        (encoded([]), "json-invalid", "no object"),
        (encoded({"db": ENDPOINT}), "json-invalid", "no list"),
        (encoded({"db": ["x"]}), "json-invalid", "no objects"),
        (encoded(b'{"db": [], "db": []}'), "json-duplicate", "one relationship twice"),
        (encoded(b'{"a":' * 9_999), "json-invalid", "deep"),
        (encoded({"db": "x" * LARGEST}), "json-too-large", "large"),
        (encoded({"db": [{**ENDPOINT, "host": ["x"]}]}), "part-invalid", "a list for a host"),
        (encoded({"db": [{**ENDPOINT, "port": "x"}]}), "port-range", "a word for a port"),
        (encoded({"db": [{**ENDPOINT, "host": ""}]}), "host-missing", "no host"),
        (encoded({"db": [{**ENDPOINT, "scheme": "redis", "path": None}]}), "tls-disabled", "clear text"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 30 else "",
)
def test_refused(variable: str, code: str, why: str) -> None:
    found = select_services({"PLATFORM_RELATIONSHIPS": variable}, None).report
    assert {problem.code for problem in found.problems} - {"database-missing"} == {code} - {"database-missing"}, why
    assert not found.ok
    assert MARKER not in str(found)


@pytest.mark.parametrize("endpoint", [{"scheme": "http"}, {"scheme": 5}, {}, {"scheme": "solr"}])
def test_ignored(endpoint: dict[str, object]) -> None:
    found = report({"Search Engine": [endpoint]}, DATABASE_URL="postgresql://u@h.example/d")
    assert found.ok
    assert [(note.code, note.variable) for note in found.notes] == [
        ("binding-ignored", "PLATFORM_RELATIONSHIPS/search-engine")
    ]


def test_variables_of_a_relationship() -> None:
    found = report(**PARTS)
    assert found.ok
    service = found.services["database"]
    assert (service.host, service.user, service.dbname) == ("orders.internal", "main", "main")
    assert service.password == Secret(PARTS["ORDERS_PASSWORD"])
    assert (service.origin.variable, service.origin.source) == ("ORDERS_HOST", "relationship")
    assert list(
        report(**PARTS, DATABASE_URL="postgresql://u@h.example/d", ENVCONN_DATABASE_VARIABLE="DATABASE_URL").services
    ) == [
        "database",
        "orders",
    ]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"PLATFORM_PROJECT": ""}, "database-missing"),
        ({"ORDERS_SCHEME": "https"}, "database-missing"),
        ({"ORDERS_SCHEME": " "}, "database-missing"),
        ({"ORDERS_HOST": " "}, "host-missing"),
        ({"ORDERS_PORT": "x"}, "port-range"),
        ({"ORDERS_PASSWORD": f"{MARKER}\n"}, "control-character"),
        ({"ORDERS_PASSWORD_FILE": "/nowhere"}, "file-missing"),
        ({"ORDERS_PASSWORD": "$NOBODY"}, "alias-missing"),
    ],
)
def test_variables_refused(changes: dict[str, str], code: str) -> None:
    environ = {name: value for name, value in {**PARTS, **changes}.items() if value}
    assert [problem.code for problem in report(**environ).problems][:1] == [code]


def test_variables_need_a_host() -> None:
    environ = {name: value for name, value in PARTS.items() if name != "ORDERS_HOST"}
    assert [problem.code for problem in report(**environ).problems] == ["database-missing"]


def test_one_relationship_described_twice() -> None:
    endpoint = {**ENDPOINT, "host": "orders.internal", "password": PARTS["ORDERS_PASSWORD"]}
    found = report({"orders": [endpoint]}, **PARTS)
    assert (found.ok, list(found.services), found.notes) == (True, ["database"], ())
    found = report({"orders": [ENDPOINT]}, **PARTS)
    assert [problem.code for problem in found.problems] == ["service-duplicate"]
    assert found.problems[0].variable == "ORDERS_HOST"
    assert "PLATFORM_RELATIONSHIPS/orders" in found.problems[0].message


def test_the_relationship_called_database() -> None:
    """Its variables are ordinary parts, and they are the default database, whatever else is related."""
    own = {name.replace("ORDERS", "DATABASE"): value for name, value in PARTS.items()}
    document = {
        "database": [{**ENDPOINT, "host": "orders.internal", "password": PARTS["ORDERS_PASSWORD"]}],
        "users": [{**ENDPOINT, "host": "users.internal"}],
    }
    found = report(document, **own)
    assert found.ok, found
    assert {name: service.origin.variable for name, service in found.services.items()} == {
        "database": "DATABASE_HOST",
        "users": "PLATFORM_RELATIONSHIPS/users",
    }
    assert [note.code for note in found.notes] == ["variable-duplicate"]


@pytest.mark.parametrize(
    ("scheme", "outcome"),
    [("pgsql", "postgresql"), ("mysql", "mysql"), ("mongodb", "scheme-unsupported"), ("redis", "scheme-unsupported")],
)
def test_scheme_beside_the_parts_of_the_default_database(scheme: str, outcome: str) -> None:
    own = {name.replace("ORDERS", "POSTGRESQL"): value for name, value in PARTS.items() if "PLATFORM" not in name}
    found = report(**{**own, "POSTGRESQL_SCHEME": scheme})
    outcome_found = [problem.code for problem in found.problems] or [found.services["database"].family]
    assert outcome in outcome_found
