"""The promises of the layout: who owns which name, and what is shipped."""

from __future__ import annotations

import ast
import importlib.resources
import re
import tomllib
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

IMPORT_NAME = re.compile(r"envconn(_[a-z0-9]+)?")
INTEGRATIONS = (
    "envconn_asyncpg",
    "envconn_celery",
    "envconn_django",
    "envconn_flask",
    "envconn_psycopg",
    "envconn_pytest",
    "envconn_redis",
    "envconn_sqlalchemy",
)
PINNED = (
    "examples/requirements",
    "tests/applications/requirements",
    "tests/applications/sources",
    "tests/corners/middle",
    "tests/corners/newest",
    "tests/corners/oldest",
    "tests/requirements",
)


@pytest.mark.parametrize("name", ["envconn", *INTEGRATIONS])
def test_packages_are_typed(name: str) -> None:
    package = importlib.import_module(name)
    assert (importlib.resources.files(package) / "py.typed").is_file()


def test_top_level_names_of_the_distribution() -> None:
    files = metadata.files("envconn")
    assert files is not None
    # An editable install owns a .pth file instead of the packages; scripts lie outside, in ../../../bin.
    names = {file.parts[0] for file in files if ".dist-info" not in file.parts[0]} - {"..", "_envconn.pth"}
    assert names <= {"envconn", *INTEGRATIONS}


def test_metadata() -> None:
    described = metadata.metadata("envconn")
    assert described["License-Expression"] == "MIT"
    assert described["Description-Content-Type"] == "text/markdown"
    assert described.json["description"]
    drivers = {"asyncpg", "pg8000", "psycopg", "psycopg2", "redis"}
    others = {"celery", "completion", "django", "flask", "remote", "sqlalchemy", "testing"}
    assert set(described.get_all("Provides-Extra", [])) >= drivers | others


def test_schema_is_shipped() -> None:
    assert len([*(importlib.resources.files("envconn.providers") / "roots" / "aws-rds").iterdir()]) == 27
    schema = importlib.resources.files("envconn.cli") / "report.schema.json"
    assert '"$id": "urn:envconn:report:1.0"' in schema.read_text(encoding="utf-8")


def test_command_is_installed() -> None:
    (command,) = metadata.entry_points(group="console_scripts", name="envconn")
    assert callable(command.load())


@pytest.mark.checkout
def test_integrations_hold_prefixed_packages_only(checkout: Path) -> None:
    folders = [path for path in (checkout / "integrations").iterdir() if path.name not in {"README.md", "__pycache__"}]
    assert {path.name for path in folders} == set(INTEGRATIONS)
    for path in folders:
        assert IMPORT_NAME.fullmatch(path.name)
        assert (path / "__init__.py").is_file()
        assert (path / "py.typed").is_file()


@pytest.mark.checkout
def test_every_integration_is_measured_and_linted(checkout: Path) -> None:
    tools = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert tools["coverage"]["run"]["source_pkgs"] == ["envconn", *INTEGRATIONS]
    assert tools["importlinter"]["root_packages"] == ["envconn", *INTEGRATIONS]


@pytest.mark.checkout
def test_no_folder_of_tests_hides_a_framework(checkout: Path) -> None:
    taken = {"asyncpg", "celery", "django", "flask", "psycopg", "psycopg2", "pydantic", "redis", "sqlalchemy"}
    assert not taken & {path.name for path in (checkout / "tests").rglob("*") if path.is_dir()}


@pytest.mark.checkout
@pytest.mark.parametrize("name", PINNED)
def test_pinned_by_hash_and_bound_to_no_index(checkout: Path, name: str) -> None:
    text = (checkout / f"{name}.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^--?(index|extra|find|trusted)", text, re.MULTILINE)
    for requirement in re.split(r"\n(?=\S)", text.strip()):
        assert "==" in requirement
        assert "--hash=sha256:" in requirement


@pytest.mark.checkout
def test_shared_fixtures_say_what_they_are(checkout: Path) -> None:
    tests = checkout / "tests"
    shared = [tests / "conftest.py", *(path for path in (tests / "live").glob("*.py") if "test_" not in path.name)]
    found = {name: text for path in shared for name, text in fixtures(path).items() if not name.startswith("_")}
    assert len(found) > 20
    assert [name for name, text in found.items() if not text] == []
    described = (tests / "README.md").read_text(encoding="utf-8")
    assert [
        name
        for name in found
        if f"`{name}`" not in described and name not in {"clean_machine", "djangos_end", "new_engines"}
    ] == []


def fixtures(path: Path) -> dict[str, str | None]:
    """Names and docstrings of the fixtures in a file."""
    functions = (node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef))
    return {
        each.name: ast.get_docstring(each)
        for each in functions
        if any("pytest.fixture" in ast.unparse(decorator) for decorator in each.decorator_list)
    }
