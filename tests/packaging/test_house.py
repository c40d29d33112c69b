"""What tests/house counts is what is there, and what it must not find."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from house import FIGURES, LOADED, House

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.checkout

CYCLES = {
    "at the top": ({"a": "import envconn.b", "b": "import envconn.a"}, ["envconn.a", "envconn.b"]),
    "by a name": ({"a": "from envconn.b import x", "b": "from envconn.a import y"}, ["envconn.a", "envconn.b"]),
    "by a module of the package": (
        {"a": "from envconn import b", "b": "from envconn import a"},
        ["envconn.a", "envconn.b"],
    ),
    "relative": ({"a": "from . import b", "b": "from .a import y"}, ["envconn.a", "envconn.b"]),
    "in a function": ({"a": "def f():\n    import envconn.b", "b": "import envconn.a"}, ["envconn.a", "envconn.b"]),
    "for type checkers": (
        {"a": "if TYPE_CHECKING:\n    from envconn.b import B", "b": "from envconn.a import y"},
        ["envconn.a", "envconn.b"],
    ),
    "with its own package": (
        {"__init__": "from envconn.a import y", "a": "from envconn import load"},
        ["envconn", "envconn.a"],
    ),
    "of three": (
        {"a": "import envconn.b", "b": "import envconn.c", "c": "import envconn.a", "d": "import envconn.a"},
        ["envconn.a", "envconn.b", "envconn.c"],
    ),
}
NONE = {
    "one way": {"a": "import envconn.b", "b": "import os"},
    "two ways to one": {"a": "import envconn.b, envconn.c", "b": "import envconn.c", "c": ""},
    "a package of its own modules": {"__init__": "from envconn import a", "a": "import os"},
    "itself": {"a": "import envconn.a"},
    "others of the same name": {"a": "import b", "b": "import a"},
}


def tree(place: Path, modules: dict[str, str]) -> House:
    """Make a tree with these modules in the package `envconn`."""
    folder = place / "src" / "envconn"
    folder.mkdir(parents=True)
    for name, text in {"__init__": "", **modules}.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return House(place)


@pytest.mark.parametrize("case", CYCLES)
def test_a_cycle_is_found(tmp_path: Path, case: str) -> None:
    modules, expected = CYCLES[case]
    assert tree(tmp_path, modules).cycles() == [expected]


@pytest.mark.parametrize("case", NONE)
def test_no_cycle_is_invented(tmp_path: Path, case: str) -> None:
    assert tree(tmp_path, NONE[case]).cycles() == []


def test_names_that_occur_twice(tmp_path: Path) -> None:
    (tmp_path / "integrations" / "envconn_flask").mkdir(parents=True)
    (tmp_path / "integrations" / "envconn_flask" / "kept.py").touch()
    (tmp_path / "integrations" / "envconn_flask" / "__init__.py").touch()
    assert tree(tmp_path, {"kept": "", "other": ""}).repeated() == {"kept": ["envconn.kept", "envconn_flask.kept"]}


def test_small_files(tmp_path: Path) -> None:
    house = tree(tmp_path, {"__init__": "\n" * 40, "large": "\n" * 40, "small": "\n" * 39})
    assert house.small() == ["envconn.small"]


def test_every_figure_is_printed_and_found(checkout: Path) -> None:
    command = [sys.executable, str(checkout / "tests" / "benchmarks" / "house.py")]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    lines = dict(line.rsplit(maxsplit=1) for line in printed.partition("\n\n")[0].splitlines()[1:])
    assert list(lines) == [*FIGURES, *LOADED]
    assert all(int(lines[title]) > 0 for title in LOADED), lines


def test_there_is_no_cycle(checkout: Path) -> None:
    """Not even one of imports in functions, or of those for type checkers alone."""
    assert House(checkout).cycles() == []
