"""The page on providers says what the records say."""

from __future__ import annotations

import runpy
from typing import TYPE_CHECKING

import pytest

from envconn.providers import all_providers

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def script(checkout: Path) -> Path:
    return checkout / "docs" / "generate.py"


def test_page_is_the_one_that_the_records_make(script: Path) -> None:
    made = runpy.run_path(str(script))["page"]()
    assert script.with_name("providers.md").read_text(encoding="utf-8") == made, "run tests/pages"


def test_every_record_has_its_row_and_section(script: Path) -> None:
    made = runpy.run_path(str(script))["page"]()
    rows = [line for line in made.splitlines() if line.startswith("| `")]
    assert len(rows) == len(all_providers())
    assert len({row.count(" | ") for row in rows}) == 1
    for record in all_providers():
        assert f"\n## {record.title}\n" in made
