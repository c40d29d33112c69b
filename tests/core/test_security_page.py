"""docs/security.md: every promise against an attacker names tests that are there."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMED = re.compile(r"`(\w+/test_\w+\.py)::([\w:]+)`")


@pytest.fixture(scope="module")
def rows(pytestconfig: pytest.Config) -> list[str]:
    """The rows of the tables that name tests, without their heads."""
    page = (pytestconfig.rootpath / "docs" / "security.md").read_text(encoding="utf-8")
    tables = page.partition("## Who controls what")[2].partition("\n## ")[0].split("| shown by |\n")[1:]
    return [line for table in tables for line in table.partition("\n\n")[0].splitlines()[1:]]


def test_every_promise_names_a_test(rows: list[str]) -> None:
    assert len(rows) > 15
    assert [row for row in rows if not NAMED.search(row.rsplit("|", 2)[1])] == []


def test_every_test_that_is_named_is_there(rows: list[str], checkout: Path) -> None:
    named = NAMED.findall("\n".join(rows))
    assert len(named) == "\n".join(rows).count("::test_")
    assert [f"{path}::{name}" for path, name in named if name not in names_in(checkout / "tests" / path)] == []


@pytest.mark.parametrize("name", ["test_never", "TestLogin::test_never", "rows"])
def test_a_name_that_is_not_there_is_noticed(checkout: Path, name: str) -> None:
    assert name not in names_in(checkout / "tests" / "core" / "test_security_page.py")


@cache
def names_in(path: Path) -> frozenset[str]:
    """Return the names of the tests in a file, those of a class behind its name and two colons."""
    body = ast.parse(path.read_text(encoding="utf-8")).body if path.is_file() else []
    return frozenset(_names(body, ""))


def _names(body: list[ast.stmt], within: str) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _names(node.body, f"{node.name}::")
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_"):
            yield within + node.name
