"""The page on exports says what the formats are."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from envconn.export import FORMATS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def page(checkout: Path) -> str:
    return (checkout / "docs" / "export.md").read_text(encoding="utf-8")


def test_table_is_the_one_that_the_formats_make(checkout: Path, page: str) -> None:
    script = runpy.run_path(str(checkout / "docs" / "generate.py"))
    assert script["export_page"](page) == page, "run tests/pages"
    rows = [line for line in script["export_table"]().splitlines() if line.startswith("| `")]
    assert [re.findall("`([^`]*)`", row)[0] for row in rows] == list(FORMATS)
    assert sum(row.count("refused") for row in rows) == 3


def test_every_format_is_documented(page: str) -> None:
    _, _, text = page.partition("## What to know of a format")
    assert set(re.findall(r"\*\*`([^`]+)`\*\*", text)) | {"pgpass"} == FORMATS.keys()


def test_example(page: str) -> None:
    (url,) = re.findall(r"export DATABASE_URL='([^']+)'", page)
    done = subprocess.run(
        [sys.executable, "-m", "envconn", "export", "jdbc"],
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )
    assert f"$ envconn export jdbc\n{done.stderr}{done.stdout}" in page


def test_options(page: str) -> None:
    """Every option in the table is one, and none is missing."""
    usage = subprocess.run(
        [sys.executable, "-m", "envconn", "export", "--help"], capture_output=True, check=True, text=True, timeout=60
    ).stdout
    known = set(re.findall(r"^  (?:-h, )?(--[a-z-]+)", usage, re.MULTILINE))
    table = page.partition("| option | |")[2].partition("\n\n")[0]
    assert set(re.findall(r"--[a-z]+(?=[ `])", table)) == known - {"--help", "--env-file", "--no-env-file"}
