"""The page on verdicts says what the tables of the matrix say."""

from __future__ import annotations

import runpy
from typing import TYPE_CHECKING

import matrix

if TYPE_CHECKING:
    from pathlib import Path


def test_page_is_the_one_that_the_tables_make(checkout: Path) -> None:
    script = checkout / "docs" / "verdicts.py"
    made = runpy.run_path(str(script))["page"]()
    assert script.with_suffix(".md").read_text(encoding="utf-8") == made, "run tests/pages"


def test_every_policy_and_server_is_on_it(checkout: Path) -> None:
    page = runpy.run_path(str(checkout / "docs" / "verdicts.py"))
    for floor in matrix.FLOORS:
        assert f"\n## `ENVCONN_TLS={floor}`\n" in page["page"]()
    assert page["_SITES"].keys() == matrix.SITES.keys()
    assert page["_CLAIMS"].keys() == matrix.CLAIMS.keys() == matrix.TRUSTED.keys()
