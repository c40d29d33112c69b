"""The page on frameworks says what their tables say."""

from __future__ import annotations

import runpy
from typing import TYPE_CHECKING

from framework_settings import MOMENTS, WORDS

if TYPE_CHECKING:
    from pathlib import Path


def test_page_is_the_one_that_the_tables_make(checkout: Path) -> None:
    script = checkout / "docs" / "frameworks.py"
    made = runpy.run_path(str(script))["page"]()
    assert script.with_suffix(".md").read_text(encoding="utf-8") == made, "run tests/pages"


def test_the_page_on_redis_is_the_one_that_the_table_makes(checkout: Path) -> None:
    written = (checkout / "docs" / "redis.md").read_text(encoding="utf-8")
    assert written == runpy.run_path(str(checkout / "docs" / "frameworks.py"))["redis_page"](written), "run tests/pages"


def test_every_cell_is_explained(checkout: Path) -> None:
    tables = runpy.run_path(str(checkout / "docs" / "frameworks.py"))["TABLES"]
    for table in tables:
        assert {getattr(row, moment) for row in table.rows for moment in MOMENTS} <= WORDS.keys()
