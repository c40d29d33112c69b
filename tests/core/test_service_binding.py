"""``SERVICE_BINDING_ROOT``: cases T112 to T114, and everything that can lie where a binding should."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from envconn import TlsLevel
from envconn.connection import Secret
from envconn.selection import select_services
from envconn.sources.files import LIMIT
from envconn.sources.service_binding import LARGEST_CA
from leaks import MARKER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from envconn.report import Report
    from throwaway.certificates import Certificates

PG = {"type": "postgresql\n", "host": "db.example\n", "port": "5433\n", "username": "u", "password": f"{MARKER}\n"}
FULL = {**PG, "database": "d"}
URI = f"postgresql://u:{MARKER}@db.example:5433/d"


def bind(root: Path, name: str, files: Mapping[str, str | bytes]) -> None:
    (root / name).mkdir(parents=True)
    for file, content in files.items():
        (root / name / file).write_bytes(content if isinstance(content, bytes) else content.encode())


def report(root: Path, **environ: str) -> Report:
    found = select_services({"SERVICE_BINDING_ROOT": str(root), **environ}, None).report
    assert MARKER not in str(found)
    assert str(root) not in str(found.problems)
    return found


@pytest.mark.parametrize(
    ("files", "role", "kind"),
    [
        (FULL, "database", "postgresql"),
        ({**FULL, "type": "PostgreSQL", "provider": "bitnami"}, "database", "postgresql"),
        ({**FULL, "type": "postgres", "uri": f"{URI}\n"}, "database", "postgresql"),
        (
            {"type": "postgresql", "uri": "postgresql://db.example:5433/d", "username": "u", "password": "p"},
            "database",
            "postgresql",
        ),
        ({**FULL, "type": "mysql"}, "database", "mysql"),
        ({**FULL, "type": "mariadb"}, "database", "mysql"),
        ({"type": "redis", "uri": f"rediss://:{MARKER}@db.example:5433/0"}, "cache", "redis"),
        ({"type": "valkey", "uri": f"valkeys://:{MARKER}@db.example:5433/0"}, "cache", "redis"),
        ({"type": "rabbitmq", "uri": f"amqps://u:{MARKER}@db.example:5433/v"}, "broker", "amqp"),
        ({**FULL, "keystore.jks": b"\xff\xfe" * 99, "type.bak": "x"}, "database", "postgresql"),
    ],
)
def test_bound(tmp_path: Path, files: Mapping[str, str | bytes], role: str, kind: str) -> None:
    bind(tmp_path, "orders-db.v2", files)
    found = report(tmp_path)
    assert found.ok, found
    service = found.services[role]
    assert (service.family, service.host, service.port) == (kind, "db.example", 5433)
    assert service.origin.variable == "SERVICE_BINDING_ROOT/orders-db.v2"
    assert (service.origin.source, service.origin.path) == ("binding", str(tmp_path / "orders-db.v2"))


def test_a_mount_of_kubernetes(tmp_path: Path) -> None:
    bind(tmp_path, "..2026_01", FULL)
    bind(tmp_path / "..2026_01", "db", FULL)
    (tmp_path / "..data").symlink_to("..2026_01")
    (tmp_path / "db").symlink_to("..data/db")
    (tmp_path / "README").write_text("no directory", encoding="utf-8")
    found = report(tmp_path)
    assert found.ok
    assert found.notes == ()
    assert list(found.services) == ["database"]


@pytest.mark.parametrize("uri", [True, False])
def test_certificates_are_the_ca(tmp_path: Path, certificates: Certificates, *, uri: bool) -> None:
    ca = certificates.ca.read_text(encoding="ascii")
    bind(tmp_path, "db", {**FULL, **({"uri": URI} if uri else {}), "certificates": ca})
    service = report(tmp_path).services["database"]
    assert service.tls.level is TlsLevel.VERIFY_CA
    assert str(service.tls.ca) == "the CA, named by SERVICE_BINDING_ROOT/db"
    assert service.tls.ca
    assert "BEGIN CERTIFICATE" in (tmp_path / "db" / "certificates").read_text(encoding="ascii")


def test_certificates_beside_a_key_are_the_clients_own(tmp_path: Path, certificates: Certificates) -> None:
    pair = certificates.good
    files = {"certificates": pair.chain.read_bytes(), "private-key": pair.key.read_bytes()}
    bind(tmp_path, "db", {**FULL, "uri": URI, **files})
    service = report(tmp_path).services["database"]
    assert service.tls.level is TlsLevel.ENCRYPTED
    assert service.parameters["sslcert"] == str(tmp_path / "db" / "certificates")
    assert service.parameters["sslkey"] == str(tmp_path / "db" / "private-key")


@pytest.mark.parametrize(
    ("files", "code", "word"),
    [
        ({**FULL, "uri": URI, "host": "other.example"}, "parts-contradict", "host"),
        ({**FULL, "uri": URI, "password": f"{MARKER}2"}, "parts-contradict", "password"),
        ({**FULL, "uri": URI, "username": "v", "port": "1"}, "parts-contradict", "port and user"),
        ({**FULL, "uri": URI, "database": "e"}, "parts-contradict", "dbname"),
        ({**FULL, "uri": URI, "type": "mysql"}, "parts-contradict", "type"),
        ({"type": "postgresql"}, "host-missing", "host"),
        ({**PG}, "dbname-missing", "database name"),
        ({**FULL, "port": "many"}, "port-range", "port"),
        ({**FULL, "password": f"{MARKER}\nx\n"}, "control-character", "password"),
        ({**FULL, "type": ""}, "file-empty", "its file type"),
        ({**FULL, "type": b"\xff"}, "file-binary", "its file type"),
        ({**FULL, "type": "x" * (LIMIT + 1)}, "file-too-large", "its file type"),
        ({**FULL, "password": ""}, "file-empty", "its file password"),
        ({**FULL, "password": b"\xff" + MARKER.encode()}, "file-binary", "its file password"),
        ({**FULL, "uri": MARKER * LIMIT}, "file-too-large", "its file uri"),
        ({**FULL, "certificates": "x" * (LARGEST_CA + 1)}, "file-too-large", "its file certificates"),
        ({**FULL, "certificates": b"\x30\x82"}, "file-binary", "its file certificates"),
        ({**FULL, "certificates": f"-----BEGIN CERTIFICATE-----{MARKER}"}, "ca-broken", "CA"),
        ({**FULL, "certificates": "nothing"}, "ca-missing", "CA"),
        ({**FULL, "sslmode": "disable"}, "tls-disabled", "sslmode=disable"),
        ({"type": "redis", "host": "r.example", "password": MARKER}, "tls-disabled", "rediss://"),
        ({"type": "postgresql", "uri": f"{URI}#"}, "hash-unencoded", "%23"),
        ({"type": "postgresql", "uri": f"https://{MARKER}"}, "scheme-unknown", "scheme"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refused(tmp_path: Path, files: Mapping[str, str | bytes], code: str, word: str) -> None:
    """T112 among them."""
    bind(tmp_path, "db", files)
    (problem, *others) = report(tmp_path).problems
    assert (problem.code, problem.variable, others) == (code, "SERVICE_BINDING_ROOT/db", [])
    assert word in problem.message


@pytest.mark.parametrize("file", ["type", "password"])
@pytest.mark.parametrize("kind", ["loop", "pipe", "directory", "dangling"])
def test_names_that_are_not_files(tmp_path: Path, file: str, kind: str) -> None:
    bind(tmp_path, "db", FULL)
    (path := tmp_path / "db" / file).unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to(path if kind == "loop" else "absent")
    (problem,) = report(tmp_path).problems
    codes = {
        "loop": "file-unreadable",
        "pipe": "file-special",
        "directory": "file-directory",
        "dangling": "file-missing",
    }
    assert (problem.code, problem.variable) == (codes[kind], "SERVICE_BINDING_ROOT/db")


def test_binding_that_this_user_may_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root reads everything, so as root this is tried as user nobody, from inside: the path is closed to that user."""
    bind(tmp_path, "db", FULL)
    tmp_path.chmod(0o755)
    (tmp_path / "db").chmod(0)
    monkeypatch.chdir(tmp_path)
    mine = os.geteuid()
    try:
        os.seteuid(mine or 65534)
        found = select_services({"SERVICE_BINDING_ROOT": "."}, None).report
    finally:
        os.seteuid(mine)
        (tmp_path / "db").chmod(0o700)
    assert [(problem.code, problem.variable) for problem in found.problems][:1] == [
        ("directory-unreadable", "SERVICE_BINDING_ROOT/db")
    ]


@pytest.mark.parametrize(
    ("name", "files", "word"),
    [
        ("db", {"host": "h"}, "no file called type"),
        ("db", {}, "no file called type"),
        ("db", {"type": "kafka", "host": "h"}, "not a supported service"),
        ("db", {"type": MARKER}, "not a supported service"),
        ("DB", FULL, "invalid name"),
        ("d_b", FULL, "invalid name"),
        (f"d b\n{MARKER}", FULL, "invalid name"),
        ("é", FULL, "invalid name"),
    ],
)
def test_ignored(tmp_path: Path, name: str, files: Mapping[str, str | bytes], word: str) -> None:
    bind(tmp_path, name, files)
    found = report(tmp_path, DATABASE_URL=URI)
    assert found.ok
    (note,) = found.notes
    assert note.code == "binding-ignored"
    assert word in note.message
    assert note.variable == ("SERVICE_BINDING_ROOT/db" if name == "db" else "SERVICE_BINDING_ROOT")


@pytest.mark.parametrize(
    ("root", "code"),
    [("absent", "directory-missing"), ("file", "directory-missing"), ("loop", "directory-unreadable")],
)
def test_an_invalid_root(tmp_path: Path, root: str, code: str) -> None:
    """T113."""
    (tmp_path / "file").write_text(MARKER, encoding="utf-8")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    found = report(tmp_path / root, DATABASE_URL=URI)
    assert [(problem.code, problem.variable) for problem in found.problems] == [(code, "SERVICE_BINDING_ROOT")]


def test_root_that_is_not_set(tmp_path: Path) -> None:
    """T113, the other half; blank is not set, as anywhere."""
    assert select_services({"DATABASE_URL": URI}, None).report.notes == ()
    found = select_services({"DATABASE_URL": URI, "SERVICE_BINDING_ROOT": " "}, None).report
    assert (found.ok, [note.code for note in found.notes]) == (True, ["variable-blank"])
    assert report(tmp_path, DATABASE_URL=URI).ok, "an empty root binds nothing"
    assert [problem.code for problem in report(tmp_path).problems] == ["database-missing"]


def test_two_of_one_type(tmp_path: Path) -> None:
    """T114: the user must choose, and the other one keeps its name."""
    bind(tmp_path, "orders", FULL)
    bind(tmp_path, "users", {**FULL, "host": "users.example"})
    (problem,) = report(tmp_path).problems
    assert (problem.code, problem.variable) == ("binding-ambiguous", "SERVICE_BINDING_ROOT/orders")
    assert "SERVICE_BINDING_ROOT/users. Set ENVCONN_DATABASE_VARIABLE=orders" in problem.message
    for chosen in ("users", "SERVICE_BINDING_ROOT/users"):
        found = report(tmp_path, ENVCONN_DATABASE_VARIABLE=chosen)
        assert found.ok
        assert {name: service.host for name, service in found.services.items()} == {
            "database": "users.example",
            "orders": "db.example",
        }


def test_long_names(tmp_path: Path) -> None:
    for last in "ab":
        bind(tmp_path, "n" * 252 + last, {**FULL, "host": f"{last}.example"})
    assert [problem.code for problem in report(tmp_path).problems] == ["service-duplicate"]


def test_password_is_verbatim(tmp_path: Path) -> None:
    password = f"p@ss/w#rd? '\\%41${{b}}{MARKER}"
    bind(tmp_path, "db", {**FULL, "password": password})
    assert report(tmp_path).services["database"].password == Secret(password)
