"""What the corners are to run is there: a module or a test that is renamed is noticed before .ci/run is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from corners import CORNERS, EVERYTHING, SHORT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.checkout


@pytest.mark.parametrize("name", [*EVERYTHING.tests, *SHORT.tests])
def test_what_is_to_run_is_there(checkout: Path, name: str) -> None:
    module, _, function = name.partition("::")
    assert f"def {function}" in (checkout / module).read_text(encoding="utf-8")


def test_every_corner_has_its_packages(checkout: Path) -> None:
    folder = checkout / "tests" / "corners"
    assert {path.stem for path in folder.glob("*.txt")} == CORNERS.keys()
    assert {path.stem for path in folder.glob("*.in")} == CORNERS.keys() | {"common"}
