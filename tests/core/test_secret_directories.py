"""Secret directories of Docker, Podman, Kubernetes and systemd, with everything that can lie in one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

import wrongfiles
from envconn.connection import Origin, Secret
from envconn.errors import Finding
from envconn.selection import select_services
from envconn.sources import read
from envconn.sources.files import listing
from envconn.sources.secrets_directory import SecretDirectory
from wrongfiles import MARKER, WRONG

if TYPE_CHECKING:
    from pathlib import Path

    from envconn.sources import Lookup

URL = f"postgresql://app:{MARKER}@db.example/app"


def lookup(name: str, **environ: str) -> Lookup:
    environment, problems = read(environ, None)
    assert not problems
    return environment.lookup(name)


@pytest.mark.parametrize("file", ["DATABASE_URL", "database_url", "Database_Url"])
def test_a_file_is_a_variable_in_any_case(tmp_path: Path, file: str) -> None:
    (tmp_path / file).write_text(f"{URL}\n", encoding="utf-8")
    for variable, source in (("ENVCONN_SECRETS_DIR", "secrets"), ("CREDENTIALS_DIRECTORY", "credentials")):
        answer = lookup("DATABASE_URL", **{variable: f" {tmp_path}\n"})
        assert answer.found
        assert answer.found.text == Secret(URL)
        assert answer.found.origin == Origin("DATABASE_URL", source, str(tmp_path / file))
        assert answer.remarks == ()


def test_a_mount_of_kubernetes(tmp_path: Path) -> None:
    """Each file is a link through ``..data``, which is switched when the Secret changes."""
    for version, password in (("..2026_01", "old"), ("..2026_02", "new")):
        (tmp_path / version).mkdir()
        (tmp_path / version / "PGPASSWORD").write_text(password, encoding="utf-8")
    (tmp_path / "..data").symlink_to("..2026_01")
    (tmp_path / "PGPASSWORD").symlink_to("..data/PGPASSWORD")
    environment, _ = read({"ENVCONN_SECRETS_DIR": str(tmp_path)}, None)
    assert (before := environment.lookup("PGPASSWORD").found)
    (tmp_path / "..next").symlink_to("..2026_02")
    (tmp_path / "..next").rename(tmp_path / "..data")
    assert (after := environment.lookup("PGPASSWORD").found)
    assert (before.text, after.text) == (Secret("old"), Secret("new"))
    assert sorted(environment.names()) == ["ENVCONN_SECRETS_DIR", "PGPASSWORD"]


def test_parts_of_one_database_may_be_spread(tmp_path: Path) -> None:
    (tmp_path / "db_password").write_text("p@:/ ?#\n", encoding="utf-8")
    environ = {"DB_HOST": "h", "DB_USER": "u", "DB_NAME": "d", "ENVCONN_SECRETS_DIR": str(tmp_path)}
    service = select_services(environ, None).services["database"]
    assert service.password == Secret("p@:/ ?#")


def test_aliases_and_named_databases_lead_into_it(tmp_path: Path) -> None:
    (tmp_path / "orders_database_url").write_text(URL, encoding="utf-8")
    (tmp_path / "mine").write_text(URL.replace("db.", "mine."), encoding="utf-8")
    services = select_services({"DATABASE_URL": "$MINE", "ENVCONN_SECRETS_DIR": str(tmp_path)}, None).services
    assert {name: service.host for name, service in services.items()} == {
        "database": "mine.example",
        "orders": "db.example",
    }
    assert services["database"].origin.via == ("MINE",)


@pytest.mark.parametrize("kind", WRONG)
def test_refused(tmp_path: Path, kind: str) -> None:
    make, code = WRONG[kind]
    make(tmp_path / "database_url")
    (problem,) = lookup("DATABASE_URL", ENVCONN_SECRETS_DIR=str(tmp_path)).problems
    assert (problem.code, problem.variable) == (code, "DATABASE_URL")
    assert "its file in ENVCONN_SECRETS_DIR" in problem.message
    assert MARKER not in problem.message
    assert str(tmp_path) not in problem.message
    report = select_services({"ENVCONN_SECRETS_DIR": str(tmp_path)}, None).report
    assert [found.code for found in report.problems] == [code], "and not that nothing is configured"


@pytest.mark.parametrize("kind", WRONG)
def test_files_that_are_not_needed_are_never_opened(tmp_path: Path, kind: str) -> None:
    make, _ = WRONG[kind]
    make(tmp_path / "SOMETHING_ELSE")
    assert select_services({"DATABASE_URL": URL, "ENVCONN_SECRETS_DIR": str(tmp_path)}, None).report.notes == ()


@pytest.mark.parametrize("kind", WRONG)
def test_an_unusable_file_is_reported_even_if_it_is_overridden(tmp_path: Path, kind: str) -> None:
    make, _ = WRONG[kind]
    make(tmp_path / "database_url")
    report = select_services({"DATABASE_URL": URL, "ENVCONN_SECRETS_DIR": str(tmp_path)}, None).report
    assert report.ok
    (note,) = report.notes
    assert note.code == "source-ignored"
    assert "the process environment overrides a value that cannot be used: its file in ENVCONN" in note.message
    assert MARKER not in note.message


@pytest.mark.parametrize(
    "name", ["ENVCONN_DATABASE_VARIABLE", "ENVCONN_TLS", "ENVCONN_POOL_MODE", "PGSSLMODE", "DATABASE_URL_FILE"]
)
def test_a_setting_that_cannot_be_read_is_not_taken_for_none(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    report = select_services({"DATABASE_URL": URL, "ENVCONN_SECRETS_DIR": str(tmp_path)}, None).report
    assert {(problem.code, problem.variable) for problem in report.problems} == {("file-directory", name)}


@pytest.mark.parametrize(
    "file",
    [".DATABASE_URL", "..data", "DATABASE-URL", "DATABASE_URL.txt", "DATABASE_URL ", "DATABASE_URL\nPG_URL", "é", "1"],
)
def test_other_names_are_left_alone(tmp_path: Path, file: str) -> None:
    (tmp_path / file).write_text(URL, encoding="utf-8")
    (tmp_path / os.fsdecode(b"\xff_DATABASE_URL")).write_text(URL, encoding="utf-8")
    environment, _ = read({"ENVCONN_SECRETS_DIR": str(tmp_path)}, None)
    assert list(environment.names()) == ["ENVCONN_SECRETS_DIR"]


@pytest.mark.parametrize(
    ("other", "codes"),
    [(URL, []), (f"{URL}\n", []), (f"{URL}2", ["file-ambiguous"]), ("", ["file-ambiguous"])],
    ids=["same", "same-but-a-newline", "different", "empty"],
)
def test_two_that_differ_in_case_only(tmp_path: Path, other: str, codes: list[str]) -> None:
    (tmp_path / "DATABASE_URL").write_text(URL, encoding="utf-8")
    (tmp_path / "database_url").write_text(other, encoding="utf-8")
    answer = lookup("DATABASE_URL", ENVCONN_SECRETS_DIR=str(tmp_path))
    assert [problem.code for problem in answer.problems] == codes
    assert (answer.found is None) is bool(codes)


@pytest.mark.parametrize("variable", ["ENVCONN_SECRETS_DIR", "CREDENTIALS_DIRECTORY"])
@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("absent", "directory-missing"),
        ("file", "directory-missing"),
        ("file/below", "directory-missing"),
        ("dangling", "directory-missing"),
        ("loop", "directory-unreadable"),
        ("x\0", "directory-unreadable"),
        (MARKER * 1000, "directory-unreadable"),
    ],
    ids=["absent", "file", "below-a-file", "dangling", "loop", "nul", "too-long"],
)
def test_an_invalid_directory(tmp_path: Path, variable: str, path: str, code: str) -> None:
    (tmp_path / "file").write_text(MARKER, encoding="utf-8")
    wrongfiles.loop(tmp_path / "loop")
    wrongfiles.dangling(tmp_path / "dangling")
    report = select_services({"DATABASE_URL": URL, variable: str(tmp_path / path)}, None).report
    assert [(problem.code, problem.variable) for problem in report.problems] == [(code, variable)]
    assert MARKER not in str(report)
    assert str(tmp_path) not in str(report.problems)


def test_directory_that_this_user_may_not_read(tmp_path: Path) -> None:
    """Root reads everything, so as root this is tried as user nobody."""
    (closed := tmp_path / "closed").mkdir(mode=0)
    mine = os.geteuid()
    try:
        os.seteuid(mine or 65534)
        found = listing(str(closed), "ENVCONN_SECRETS_DIR")
    finally:
        os.seteuid(mine)
    # Below a directory that only its owner may enter, other users cannot even get there.
    assert isinstance(found, Finding)
    assert found.code == "directory-unreadable"


@pytest.mark.parametrize("stated", ["", " ", ":", " \n"])
def test_nothing_stated(stated: str) -> None:
    assert select_services({"DATABASE_URL": URL, "ENVCONN_SECRETS_DIR": stated}, None).report.ok


def test_the_first_of_several_directories_has_precedence(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "A").write_text(name, encoding="utf-8")
    both = os.pathsep.join([str(tmp_path / "b"), "", str(tmp_path / "a")])
    answer = lookup("A", ENVCONN_SECRETS_DIR=both, CREDENTIALS_DIRECTORY=str(tmp_path / "c"))
    assert answer.found
    assert answer.found.text == Secret("b")
    assert [note.message for note in answer.notes] == [
        "ENVCONN_SECRETS_DIR overrides the different value in ENVCONN_SECRETS_DIR",
        "ENVCONN_SECRETS_DIR overrides the different value in CREDENTIALS_DIRECTORY",
    ]


def test_pointer_to_the_directory_may_stand_in_dotenv(tmp_path: Path) -> None:
    (tmp_path / "DATABASE_URL").write_text(URL, encoding="utf-8")
    (dotenv := tmp_path / "dotenv").write_text(f"ENVCONN_SECRETS_DIR={tmp_path}\n", encoding="utf-8")
    assert select_services({}, str(dotenv)).report.ok


def test_a_layer_shows_names_only(tmp_path: Path) -> None:
    (tmp_path / "A").write_text(MARKER, encoding="utf-8")
    layer = SecretDirectory(str(tmp_path), ("A", "a.b"), Origin("X", "secrets"))
    assert (repr(layer), len(layer), list(layer)) == ("<SecretDirectory: A>", 1, ["A"])
    assert repr(SecretDirectory(str(tmp_path), (), Origin("X", "secrets"))) == "<SecretDirectory: empty>"


def test_cost_does_not_grow_with_what_is_in_the_files(tmp_path: Path) -> None:
    for number in range(500):
        os.mkfifo(tmp_path / f"OTHER_{number}")
    (tmp_path / "DATABASE_URL").write_text(URL, encoding="utf-8")
    assert select_services({"ENVCONN_SECRETS_DIR": str(tmp_path)}, None).report.ok
