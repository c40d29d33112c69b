"""What coverage counts, wherever the checkout lies: the core and every integration, as tests/run measures them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

pytestmark = pytest.mark.checkout

PLACES = ("envconn", "a folder with blanks", "größe/環境")
MEASURED = ("--cov", "--cov-report=", "--cov-fail-under=0")
BRANCH = "def answer(asked):\n    if asked:\n        return 1\n    return 0\n"
TEST = """
import importlib
import pytest

@pytest.mark.parametrize("name", {names})
def test_answers(name):
    module = importlib.import_module(name)
    assert [module.answer(asked) for asked in {asked}] == {asked}
"""


@pytest.fixture
def packages(checkout: Path) -> list[str]:
    return ["envconn", *sorted(path.name for path in (checkout / "integrations").glob("envconn_*"))]


def checkout_at(place: Path, checkout: Path, packages: Iterable[str]) -> Path:
    """Make a checkout at `place`: our pyproject.toml, and a module of one branch for each package."""
    for package in packages:
        folder = place / ("src" if package == "envconn" else "integrations") / package
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text(BRANCH, encoding="utf-8")
    shutil.copy(checkout / "pyproject.toml", place)
    (place / "tests").mkdir()
    return place


def unpacked_wheel(scrap: Path, place: Path) -> Path:
    """Make the place of the tests of the wheel, without sources, and the wheel's packages in site-packages."""
    installed = scrap / "fresh" / "site-packages"
    for folder in ("src", "integrations"):
        shutil.copytree(place / folder, installed, dirs_exist_ok=True)
    unpacked = scrap / "unpacked"
    (unpacked / "tests").mkdir(parents=True)
    shutil.copy(place / "pyproject.toml", unpacked)
    return unpacked


def session(directory: Path, place: Path, search: Iterable[Path], names: list[str], asked: list[int]) -> None:
    """Run pytest in `directory` and leave what it has covered in `place`, as a session of tests/run does."""
    (directory / "tests" / "test_answers.py").write_text(TEST.format(names=names, asked=asked), encoding="utf-8")
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", *MEASURED]
    data = place / f"data.{directory.name}"
    run(command, directory, COVERAGE_FILE=data, PYTHONPATH=os.pathsep.join(map(str, search)))


def report(place: Path) -> tuple[int, str]:
    """Combine and report as tests/run does, and return the exit code and the report's last line."""
    run([sys.executable, "-m", "coverage", "combine", "-q"], place, COVERAGE_FILE=place / "data")
    done = run([sys.executable, "-m", "coverage", "report"], place, COVERAGE_FILE=place / "data", check=False)
    return done.returncode, done.stdout.splitlines()[-1]


def run(command: list[str], directory: Path, *, check: bool = True, **more: object) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "HOME": str(directory)} | {name: str(value) for name, value in more.items()}
    done = subprocess.run(command, cwd=directory, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0 or not check, done.stdout + done.stderr
    return done


def measure(tmp_path: Path, root: Path, packages: list[str], asked: list[int]) -> tuple[int, str]:
    """Cover the first three packages on the checkout and the others on the wheel."""
    session(root, root, [root / "src", root / "integrations"], packages[:3], [1, 0])
    wheel = unpacked_wheel(tmp_path / "scrap", root)
    session(wheel, root, [tmp_path / "scrap" / "fresh" / "site-packages"], packages[3:], asked)
    return report(root)


@pytest.mark.parametrize("place", PLACES)
def test_all_is_counted(tmp_path: Path, checkout: Path, packages: list[str], place: str) -> None:
    root = checkout_at(tmp_path / place, checkout, packages)
    everything = f"{len(packages)} files skipped due to complete coverage."
    assert measure(tmp_path, root, packages, [1, 0]) == (0, everything)


def test_a_branch_of_an_integration_that_no_test_takes(tmp_path: Path, checkout: Path, packages: list[str]) -> None:
    root = checkout_at(tmp_path / "real", checkout, packages)
    (tmp_path / "link").symlink_to(root)
    code, output = measure(tmp_path, tmp_path / "link", packages, [1])
    assert (code, output.split(":")[0]) == (2, "Coverage failure")
