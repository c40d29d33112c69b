"""What tests/run takes of tests that only .ci/run has time for. A plugin, loaded by tests/conftest.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_WHOLE = ("application", "exhaustive")
_LEFT = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what tests/run asks for."""
    parser.addoption("--sample", action="store_true", help="leave out what only .ci/run has time for")


def pytest_configure(config: pytest.Config) -> None:
    """Nothing is left out yet."""
    config.stash[_LEFT] = 0


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --sample, take of tests marked `sampled` a few cells, and of those of `_WHOLE` none."""
    if config.getoption("--sample"):
        taken = set(_sample(items))
        left = [item for item in items if item not in taken]
        config.stash[_LEFT] = len(left)
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item in taken]


@pytest.fixture(scope="session", autouse=True)
def _left(pytestconfig: pytest.Config, record_testsuite_property: Callable[[str, object], None]) -> None:
    """Have the file of results say how many tests are left out."""
    record_testsuite_property("left", pytestconfig.stash[_LEFT])


def _sample(items: Sequence[pytest.Item]) -> Iterator[pytest.Item]:
    functions: dict[str, list[pytest.Item]] = {}
    for item in items:
        if not any(item.get_closest_marker(mark) for mark in _WHOLE):
            functions.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for name, cells in functions.items():
        mark = cells[0].get_closest_marker("sampled")
        yield from _part(name, cells, mark.args[0]) if mark else cells


def _part(name: str, cells: Sequence[pytest.Item], size: int) -> list[pytest.Item]:
    """Return one cell of `size`: where the places of its parameters' values add up to a multiple of `size`."""
    places = dict(zip(cells, _places(cells), strict=True))
    part = [cell for cell in cells if sum(places[cell].values()) % size == 0]
    found = {each for cell in part for each in places[cell].items()}
    if missing := {each for cell in cells for each in places[cell].items()} - found:
        raise pytest.UsageError(f"{name}: the sample has no cell with {sorted(missing)}. Mark it sampled({size - 1}).")
    return part


def _places(cells: Sequence[pytest.Item]) -> Iterator[dict[str, int]]:
    """Yield for each cell the places of the values of its parameters, counted from 0."""
    values: dict[str, dict[str, int]] = {}
    for cell in cells:
        parameters: dict[str, object] = cell.callspec.params  # type: ignore[attr-defined]
        known = {name: values.setdefault(name, {}) for name in parameters}
        yield {name: known[name].setdefault(repr(value), len(known[name])) for name, value in parameters.items()}
