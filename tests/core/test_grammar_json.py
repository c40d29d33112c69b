"""A service in parts, and JSON of them: what is read, and the longer half, what is refused."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from envconn import ConfigurationError, parse
from envconn.connection import Connection, Origin, Parameters, Secret
from envconn.errors import Finding
from envconn.grammar import read, read_text
from envconn.grammar.json_credentials import read as read_parts
from envconn.sources.bound_service import Credentials
from envconn.sources.bound_service import parse as parse_json
from leaks import MARKER

AWKWARD = f"p@ss/w#rd? '\\%41${{b}}{MARKER}"
RDS = {
    "engine": "postgres",
    "host": "db.example.com",
    "port": 5433,
    "dbname": "app",
    "username": "u",
    "password": AWKWARD,
}
URI = f"postgresql://u:{MARKER}@db.example.com:5433/app"


def refused(document: object) -> list[str]:
    text = document if isinstance(document, str) else json.dumps(document)
    outcome = read(Secret(text), Origin("A"))
    assert not isinstance(outcome, Connection)
    assert all(problem.variable == "A" and MARKER not in str(problem) for problem in outcome)
    return [problem.code for problem in outcome]


@pytest.mark.parametrize(
    ("changes", "expected", "why"),
    [
        ({}, ("postgresql", "db.example.com", 5433, "u", "app"), "as RDS stores it"),
        ({"engine": "aurora-postgresql"}, ("postgresql", "db.example.com", 5433, "u", "app"), "Aurora"),
        ({"engine": None}, ("postgresql", "db.example.com", 5433, "u", "app"), "nothing said: PostgreSQL"),
        ({"engine": "mysql"}, ("mysql", "db.example.com", 5433, "u", "app"), "the other engine"),
        ({"engine": "MariaDB"}, ("mysql", "db.example.com", 5433, "u", "app"), "in any case"),
        ({"engine": "redis", "dbname": "2"}, ("redis", "db.example.com", 5433, "u", "2"), "a cache"),
        ({"engine": "rabbitmq"}, ("amqp", "db.example.com", 5433, "u", "app"), "a broker"),
        ({"port": "5433"}, ("postgresql", "db.example.com", 5433, "u", "app"), "a port as a text"),
        ({"port": None}, ("postgresql", "db.example.com", 5432, "u", "app"), "no port"),
        ({"host": "::1"}, ("postgresql", "::1", 5433, "u", "app"), "an address"),
        ({"host": "::1", "engine": "mysql"}, ("mysql", "::1", 5433, "u", "app"), "an address in a URI"),
        ({"dbname": None, "name": "b"}, ("postgresql", "db.example.com", 5433, "u", "b"), "a label, for want of more"),
        ({"name": "b"}, ("postgresql", "db.example.com", 5433, "u", "app"), "a label beside a name"),
        ({"dbClusterIdentifier": 1, "x": [{}]}, ("postgresql", "db.example.com", 5433, "u", "app"), "nobody's keys"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_parts(changes: dict[str, Any], expected: tuple[object, ...], why: str) -> None:
    found = parse(f"\ufeff \n{json.dumps({**RDS, **changes}, indent=2)}\n")
    assert (found.family, found.hosts[0].host, found.hosts[0].port, found.user, found.dbname) == expected, why
    assert found.password == Secret(AWKWARD), "T16: no encoding, whatever the characters are"


@pytest.mark.parametrize(
    ("more", "password", "why"),
    [
        ({}, MARKER, "alone"),
        (
            {"host": "DB.example.com", "port": 5433, "username": "u", "password": MARKER, "database": "app"},
            MARKER,
            "agree",
        ),
        ({"name": "an instance", "path": "/x"}, MARKER, "labels mean nothing beside a URI"),
        ({"type": "primary"}, MARKER, "nor does a word that does not name a service"),
        ({"uri": "postgresql://db.example.com:5433/app", "username": "u", "password": "/@ "}, "/@ ", "filled in"),
        ({"uri": f"host=db.example.com port=5433 user=u password={MARKER} dbname=app"}, MARKER, "no URI, a string"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_uri(more: dict[str, Any], password: str, why: str) -> None:
    found = parse(json.dumps({"uri": URI, **more}))
    assert (found.hosts[0].host, found.hosts[0].port, found.user, found.dbname) == ("db.example.com", 5433, "u", "app")
    assert found.password == Secret(password), why


@pytest.mark.parametrize(
    ("document", "codes", "why"),
    [
        ('{"host": ', ["json-invalid"], "cut off"),
        ("{'host': 'h'}", ["json-invalid"], "Python"),
        ('{"host": "h"} {}', ["json-invalid"], "two documents"),
        ('{"host": "a\nb"}', ["json-invalid"], "a raw line break in a text"),
        ('{"a":' * 5_000, ["json-invalid"], "deep, and cut off"),
        ('{"a":' * 3_000 + "1" + "}" * 3_000, ["json-invalid"], "deep"),
        (f'{{"port": {"9" * 5_000}}}', ["json-invalid"], "a number of thousands of digits"),
        ('{"host": "h", "host": "h"}', ["json-duplicate"], "one key twice, also with the same value"),
        ('{"a": [{"b": {"c": 1, "c": 2}}]}', ["json-duplicate"], "far inside, too"),
        (json.dumps({"password": MARKER * 4_000}), ["json-too-large"], "a file's content"),
        ({}, ["host-missing"], "nothing in it"),
        ({"username": "u", "password": MARKER}, ["host-missing"], "RDS' own secrets name no host"),
        ({**RDS, "host": " "}, ["host-missing"], "blank is nothing"),
        ({**RDS, "host": None}, ["host-missing"], "null is nothing"),
        ({**RDS, "host": 5}, ["part-invalid"], "a number for a host"),
        ({**RDS, "password": 12345}, ["part-invalid"], "a password that lost its quotes, and its zeros"),
        ({**RDS, "password": True, "username": []}, ["part-invalid"] * 2, "all that are none"),
        ({**RDS, "port": 5432.0}, ["part-invalid"], "a fraction for a port"),
        ({**RDS, "port": True}, ["part-invalid"], "true is no number"),
        ({**RDS, "port": 0}, ["port-range"], "no port"),
        ({**RDS, "port": "65536"}, ["port-range"], "beyond the last"),
        ({**RDS, "port": "9" * 5_000}, ["port-range"], "far beyond"),
        ({**RDS, "port": "٣"}, ["port-range"], "another script's digit"),
        ({**RDS, "tls_port": "many"}, ["port-range"], "no number"),
        ({**RDS, "sslmode": "required"}, ["sslmode-unknown"], "no word of libpq's"),
        ({**RDS, "password": f"{MARKER}\n"}, ["control-character"], "a line break in a password"),
        ({**RDS, "password": f"{MARKER}\0"}, ["control-character"], "a NUL"),
        ({**RDS, "username": "\ud800"}, ["control-character"], "half a character"),
        ({**RDS, "engine": "oracle-ee"}, ["scheme-unsupported"], "another engine"),
        ({**RDS, "engine": "docdb"}, ["scheme-unsupported"], "and another"),
        ({**RDS, "dbname": ""}, ["dbname-missing"], "the grammar's rules"),
        ({**RDS, "username": ""}, ["user-missing"], "the same"),
        ({**RDS, "host": "h$"}, ["host-invalid"], "the same"),
        ({"uri": URI, "host": "other.example.com"}, ["parts-contradict"], "T112: elsewhere"),
        ({"uri": URI, "port": 5432}, ["parts-contradict"], "T112: another port"),
        ({"uri": URI, "username": "v"}, ["parts-contradict"], "T112: another user"),
        ({"uri": URI, "password": f"{MARKER}2"}, ["parts-contradict"], "T112: a rotation half done"),
        ({"uri": URI, "dbname": "other"}, ["parts-contradict"], "T112: another database"),
        ({"uri": URI, "engine": "mysql"}, ["parts-contradict"], "T112: another engine"),
        ({"uri": f"{URI}?sslmode=prefer", "sslmode": "require"}, ["parts-contradict"], "T112: another mode"),
        ({"uri": f"{URI}?sslrootcert=/a", "ca": "/b"}, ["parts-contradict"], "T112: another CA"),
        ({"uri": ["x"]}, ["part-invalid"], "a list of URIs"),
        ({"uri": "{}"}, ["scheme-missing"], "JSON inside of JSON"),
        ({"uri": f"https://{MARKER}"}, ["scheme-unknown"], "a web page"),
        ({"uri": f"postgresql://u:{MARKER}@{MARKER}@h/d"}, ["at-unencoded"], "the grammar's rules"),
        ({**RDS, "password": "$(PASSWORD)"}, ["reference-unresolved"], "a template that was not rendered"),
        (
            {**RDS, "host": "{{ host }}", "username": "<user>"},
            ["reference-unresolved", "placeholder-unreplaced"],
            "two",
        ),
        ({**RDS, "engine": "mysql", "password": "[YOUR-PASSWORD]"}, ["placeholder-unreplaced"], "of every family"),
        (
            {"uri": "postgresql://app:a/b@h/d", "username": "u", "password": MARKER},
            ["slash-unencoded"],
            "nothing is added to a URI that has a user already",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "{" not in value else "",
)
def test_refused(document: object, codes: list[str], why: str) -> None:
    assert refused(document) == codes, why


def test_a_text_without_an_object_is_not_json() -> None:
    for text in ("[]", '["postgresql://"]', '"postgresql://"', "null", "5432"):
        assert refused(text) != ["json-invalid"]
    problem = parse_json(Secret("[]"), "A", 9)
    assert isinstance(problem, Finding)
    assert (problem.code, problem.variable) == ("json-invalid", "A")


def test_the_place_in_the_json_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"DATABASE_URL: the JSON is invalid at line 2, column 1. Correct it"):
        parse('{"host":\n}', "DATABASE_URL")


def test_no_document_takes_long() -> None:
    before = time.process_time()
    for text in ('{"a":[' * 5_000, '{"a":"' + "\\u0041" * 5_000, "{" + '"a":1,' * 5_000, "{" + " " * 32_000):
        refused(text)
    assert time.process_time() - before < 4


@pytest.mark.parametrize(
    ("kind", "texts", "expected", "why"),
    [
        ("redis", {"uri": "redis://:p@h:6379/1", "tls_port": "16379"}, ("rediss", 16379, None), "T115"),
        ("redis", {"host": "h", "port": "6379", "tls_port": "16379"}, ("rediss", 16379, None), "T115, in parts"),
        ("redis", {"uri": "valkey://:p@h:6379/1", "tls_port": "16379"}, ("valkeys", 16379, None), "T115, another word"),
        (
            "redis",
            {"uri": "rediss://:p@h:7000/1", "tls_port": "16379", "port": "6379"},
            ("rediss", 7000, None),
            "TLS already",
        ),
        (
            "redis",
            {"uri": "redis://:p@h:6379/1", "tls_port": "0"},
            ("redis", 6379, "disable"),
            "0: Redis speaks no TLS",
        ),
        ("redis", {"host": "h", "scheme": "rediss"}, ("rediss", 6379, None), "the scheme says TLS"),
        ("redis", {"uri": "redis://:p@h/1", "username": "default"}, ("redis", 6379, "disable"), "nobody is default"),
        ("amqp", {"uri": "amqp://u:p@h:5672/v", "ssl_port": "5671"}, ("amqps", 5671, None), "T115 for a broker"),
        (
            "amqp",
            {"uri": "amqp://u:p@h/v", "protocols.amqp+ssl.uri": "amqps://u:p@h/v"},
            ("amqps", 5671, None),
            "protocols",
        ),
        ("postgresql", {"uri": "postgres://u:p@h:5432/d", "tls_port": "5433"}, ("postgres", 5433, "require"), "T115"),
        (
            "postgresql",
            {"uri": "postgres://u:p@h/d?sslmode=disable", "tls_port": "5433"},
            ("postgres", 5433, "disable"),
            "said",
        ),
        ("mysql", {"host": "h", "user": "u", "db_name": "d", "tls_port": "3307"}, ("mysql", 3307, "require"), "T115"),
        (
            "postgresql",
            {"host": "h", "user": "u", "db_name": "d", "sslmode": "verify-ca"},
            ("", 5432, "verify-ca"),
            "a mode",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("T1") else "",
)
def test_tls_endpoint(kind: str, texts: dict[str, str], expected: tuple[object, ...], why: str) -> None:
    found = read_parts(Credentials(Parameters(texts)), Origin("A"), read_text, kind)
    assert isinstance(found, Connection), found
    assert (found.scheme, found.hosts[0].port, found.parameters.get("sslmode")) == expected, why


def test_ca_and_client_certificate_stand_beside_a_uri() -> None:
    texts = {"uri": "postgresql://u:p@h/d?application_name=a", "cacrt": "-----BEGIN", "sslcert": "/c", "sslkey": "/k"}
    found = read_parts(Credentials(Parameters(texts)), Origin("A"), read_text)
    assert isinstance(found, Connection)
    stated = {"sslrootcert": "-----BEGIN", "sslcert": "/c", "sslkey": "/k", "application_name": "a"}
    assert dict(found.parameters) == stated
    inline = Credentials(Parameters({**texts, "sslkey": f"-----BEGIN PRIVATE KEY-----{MARKER}"}))
    found = read_parts(inline, Origin("A"), read_text)
    assert isinstance(found, Connection)
    assert found.parameters.keys() == {"sslrootcert", "application_name"}
    assert found.notes == ("the client certificate is text, which drivers cannot use. It is ignored",)
