"""``VCAP_SERVICES`` and its file: what brokers write, and what is refused."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from envconn import TlsLevel
from envconn.selection import select_services
from envconn.sources.cloud_foundry import LARGEST_FILE, LARGEST_VARIABLE
from leaks import MARKER

if TYPE_CHECKING:
    from pathlib import Path

    from envconn.report import Report
    from throwaway.certificates import Certificates

URI = f"postgres://u:{MARKER}@db.example:5432/d"
REDIS = {"host": "r.example", "port": 6379, "password": MARKER, "tls_port": 16379}


def services(label: str, credentials: object, **more: object) -> dict[str, object]:
    return {label: [{"name": "orders", "label": label, "plan": "small", "credentials": credentials, **more}]}


def report(document: object, **environ: str) -> Report:
    text = document if isinstance(document, str) else json.dumps(document)
    found = select_services({"VCAP_SERVICES": text, **environ}, None).report
    assert MARKER not in str(found)
    assert MARKER not in str(found.as_dict())
    return found


@pytest.mark.parametrize(
    ("document", "role", "expected"),
    [
        (services("elephantsql", {"uri": URI}), "database", ("postgresql", "db.example", 5432)),
        (services("user-provided", {"uri": URI}), "database", ("postgresql", "db.example", 5432)),
        (services("user-provided", {"url": URI}), "database", ("postgresql", "db.example", 5432)),
        (services("cleardb", {"uri": f"mysql://u:{MARKER}@db.example/d", "jdbcUrl": "jdbc:"}), "database",
         ("mysql", "db.example", 3306)),
        (services("a9s-postgresql13", {"host": "db.example", "name": "d", "username": "u", "password": MARKER}),
         "database", ("postgresql", "db.example", 5432)),
        (services("aws-rds", {"hostname": "db.example", "db_name": "d", "username": "u"}, tags=["psql", "postgres"]),
         "database", ("postgresql", "db.example", 5432)),
        (services("p.redis", REDIS), "cache", ("redis", "r.example", 16379)),
        (services("p.redis", {**REDIS, "uri": f"redis://:{MARKER}@r.example:6379"}), "cache",
         ("redis", "r.example", 16379)),
        (services("p.rabbitmq", {"uri": f"amqp://u:{MARKER}@q.example/v", "protocols": {
            "amqp+ssl": {"uri": f"amqps://u:{MARKER}@q.example:5671/v"}}}), "broker", ("amqp", "q.example", 5671)),
    ],
    ids=["offering", "user-provided", "url", "mysql", "by-offering", "by-tag", "tls-port", "T115", "amqp+ssl"],
)  # fmt: skip
def test_bound(document: object, role: str, expected: tuple[str, str, int]) -> None:
    found = report(document)
    assert found.ok, found
    service = found.services[role]
    assert (service.family, service.host, service.port) == expected
    assert (service.origin.variable, service.origin.source) == ("VCAP_SERVICES/orders", "vcap")


@pytest.mark.parametrize("place", ["sslrootcert", "cacrt", "ca_certificate", "ca", "tls"])
def test_ca(place: str, certificates: Certificates) -> None:
    ca = certificates.ca.read_text(encoding="ascii")
    credentials = {"uri": URI, place: {"cert": {"ca": ca}} if place == "tls" else ca}
    service = report(services("postgresql", credentials)).services["database"]
    assert service.tls.level is TlsLevel.VERIFY_CA
    assert service.tls.ca
    assert service.tls.ca.variable == "VCAP_SERVICES/orders"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"name": "n", "instance_name": "i", "binding_name": "b"}, "b"),
        ({"name": "n", "instance_name": "i", "binding_name": None}, "i"),
        ({"name": "n", "instance_name": "", "binding_name": ""}, "n"),
        ({"name": "My  Database\n(EU)"}, "my-database-eu"),
        ({"name": "ünïcode"}, "n-code"),
        ({"name": "x" * 10_000}, "x" * 63),
        ({"name": "\x1b[31m"}, "31m"),
        ({"name": "%"}, "unnamed"),
        ({"name": 5}, "unnamed"),
        ({"name": {"a": "b"}}, "unnamed"),
        ({"name": None}, "unnamed"),
    ],
)
def test_names(names: dict[str, object], expected: str) -> None:
    found = report(services("p", {"uri": URI}, **names))
    assert found.services["database"].origin.variable == f"VCAP_SERVICES/{expected}"
    chosen = report(
        {**services("p", {"uri": URI}, **names), **services("q", {"uri": f"{URI}2"})},
        ENVCONN_DATABASE_VARIABLE="orders",
    )
    assert list(chosen.services) == ["database", expected]


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        None,
        [],
        "text",
        {"credhub-ref": "/c/broker/instance"},
        {"uri": f"https://u:{MARKER}@search.example"},
        {"uri": f"mongodb://u:{MARKER}@m.example/d"},
        {"uri": "none"},
        {"uri": ["a list"], "syslog_drain_url": "syslog://logs.example"},
        {"username": "u", "password": MARKER},
        {"a": {"b": {"c": {"d": {"e": {"f": URI}}}}}},
    ],
    ids=json.dumps,
)
def test_ignored(credentials: object) -> None:
    found = report(services("postgresql", credentials), DATABASE_URL=URI)
    assert found.ok
    (note,) = found.notes
    assert (note.code, note.variable) == ("binding-ignored", "VCAP_SERVICES/orders")


def test_the_name_of_an_instance_is_not_evidence() -> None:
    credentials = {"host": "logs.example", "port": 514}
    found = report(services("user-provided", credentials, name="postgresql-logs", tags=["logs", 5]), DATABASE_URL=URI)
    assert [note.code for note in found.notes] == ["binding-ignored"]


@pytest.mark.parametrize(
    ("document", "code", "why"),
    [
        ("", "database-missing", "blank is not set"),
        ("x", "json-invalid", "no JSON"),
        ("[]", "json-invalid", "no object"),
        ("null", "json-invalid", "nothing"),
        ('{"postgresql": [', "json-invalid", "cut off"),
        ('{"a": [], "a": []}', "json-duplicate", "one offering twice"),
        ('{"a": [{"name": "a", "name": "b"}]}', "json-duplicate", "one key twice"),
        ("[" * 50_000, "json-invalid", "deep"),
        ('{"a":' * 10_000, "json-invalid", "deep objects"),
        ({"postgresql": {}}, "json-invalid", "an object for a list"),
        ({"postgresql": "x"}, "json-invalid", "a text for a list"),
        ({"postgresql": ["x"]}, "json-invalid", "a text for an object"),
        ({"postgresql": [None]}, "json-invalid", "null for an object"),
        ({"x" * LARGEST_VARIABLE: []}, "json-too-large", "more than Cloud Foundry hands out"),
        (URI, "json-invalid", "the URI itself"),
        (services("postgresql", {"uri": f"{URI}#"}), "hash-unencoded", "the grammar's rules"),
        (services("postgresql", {"uri": f"{URI}?sslmode=disable"}), "tls-disabled", "the verdict's rules"),
        (services("postgresql", {"uri": URI, "host": "other.example"}), "parts-contradict", "T112"),
        (
            services("postgresql", {"host": "h.example", "username": "u", "name": "d", "password": 5}),
            "part-invalid",
            "5",
        ),
        (services("postgresql", {"uri": URI, "port": [5432]}), "part-invalid", "a list for a port"),
        (services("p.redis", {**REDIS, "tls_port": 99999}), "port-range", "beyond the last port"),
        (services("p.redis", {**REDIS, "tls_port": None}), "tls-disabled", "no TLS at all"),
        (services("postgresql", {"uri": URI, "cacrt": f"-----BEGIN CERTIFICATE-----{MARKER}"}), "ca-broken", "no CA"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 30 else "",
)
def test_refused(document: object, code: str, why: str) -> None:
    assert {problem.code for problem in report(document).problems} >= {code}, why
    assert {problem.code for problem in report(document).problems} <= {code, "database-missing"}, why


def document(size: int) -> str:
    text = json.dumps(services("postgresql", {"uri": URI}))
    return text + " " * (size - len(text))


def test_limit_of_the_variable() -> None:
    assert (LARGEST_VARIABLE, LARGEST_FILE) == (130 * 1024, 1024 * 1024)
    assert report(document(LARGEST_VARIABLE)).ok
    assert not report(document(LARGEST_VARIABLE + 1)).ok


def test_file(tmp_path: Path) -> None:
    (path := tmp_path / "vcap.json").write_text(document(LARGEST_FILE), encoding="utf-8")
    found = select_services({"VCAP_SERVICES_FILE_PATH": f" {path}\n"}, None).report
    assert found.ok
    assert found.services["database"].origin.path == str(path)
    assert str(found.services["database"].origin) == f"VCAP_SERVICES/orders ({path})"


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: path, "file-missing"),
        (lambda path: path.mkdir(), "file-directory"),
        (os.mkfifo, "file-special"),
        (lambda path: path.symlink_to(path), "file-unreadable"),
        (lambda path: path.write_bytes(b"\xff" + MARKER.encode()), "file-binary"),
        (lambda path: path.write_text(""), "json-invalid"),
        (lambda path: path.write_text(MARKER), "json-invalid"),
        (lambda path: path.write_text(document(LARGEST_FILE + 1)), "file-too-large"),
    ],
    ids=["missing", "directory", "pipe", "loop", "binary", "empty", "no-json", "too-large"],
)
def test_file_refused(tmp_path: Path, make: Any, code: str) -> None:
    make(path := tmp_path / "vcap.json")
    found = select_services({"VCAP_SERVICES_FILE_PATH": str(path), "DATABASE_URL": URI}, None).report
    assert [(problem.code, problem.variable) for problem in found.problems] == [(code, "VCAP_SERVICES_FILE_PATH")]
    assert MARKER not in str(found)


def test_variable_and_file(tmp_path: Path) -> None:
    (path := tmp_path / "vcap.json").write_text(document(0), encoding="utf-8")
    assert report(document(9_999), VCAP_SERVICES_FILE_PATH=str(path)).ok
    found = report(services("postgresql", {"uri": f"{URI}2"}), VCAP_SERVICES_FILE_PATH=str(path))
    assert [problem.code for problem in found.problems][:1] == ["file-conflict"]


@pytest.mark.exhaustive
def test_many_services_take_no_longer_than_their_number() -> None:
    before = time.process_time()
    same = {"p": [{"name": f"n{number}", "credentials": {"uri": URI}} for number in range(1_000)]}
    other = {"p": [{"name": f"n{number}", "credentials": {"uri": f"{URI}{number}"}} for number in range(1_000)]}
    assert len(report(same).services) == 1
    assert len(report(other, ENVCONN_DATABASE_VARIABLE="n7").services) == 1_000
    assert time.process_time() - before < 20
