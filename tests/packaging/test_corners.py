"""What the corners are to run is there: a module or a test that is renamed is noticed before .ci/run is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from corners import CORNERS, EVERYTHING, SHORT, Outcome, run_corner
from jobs import Jobs

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


@pytest.mark.parametrize(("required", "good"), [("1", False), ("0", True), ("", True)])
def test_a_corner_without_its_python(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, required: str, *, good: bool
) -> None:
    monkeypatch.setitem(CORNERS, "oldest", ("2.0", "2.1"))
    monkeypatch.setenv("ENVCONN_TEST_REQUIRE_ALL", required)
    outcome = run_corner(Jobs(), checkout, tmp_path, tmp_path, "oldest", SHORT)
    assert outcome == Outcome(good, "oldest: not tried, for there is no Python 2.0, nor 2.1 here")
