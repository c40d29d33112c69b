"""tests/run and its sessions: every module is in one of them, and what is left to .ci/run is counted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

import sessions
from sessions import SESSIONS, modules, session

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.checkout

RUNNER = os.path.dirname(sessions.__file__)

CELLS = """
import pytest

@pytest.mark.parametrize("inner", ["x", "y", "z"])
@pytest.mark.parametrize("outer", ["a", "b", "c", "d"])
@pytest.mark.sampled({size})
def test_cells(outer, inner):
    assert (outer, inner) != ("b", "z"), "found at once"

@pytest.mark.application
def test_application():
    raise AssertionError

def test_simple():
    pass
"""


def test_every_module_is_in_one_session(checkout: Path) -> None:
    found = {path: session(path) for path in modules(checkout)}
    assert set(found.values()) == SESSIONS.keys()
    assert list((checkout / "tests").rglob("*_test.py")) == []  # which pytest would open, too


@pytest.mark.parametrize(("name", "pattern"), [(name, each) for name in SESSIONS for each in SESSIONS[name]])
def test_every_pattern_finds_a_module(checkout: Path, name: str, pattern: str) -> None:
    assert any(path.relative_to("tests").match(pattern) and session(path) == name for path in modules(checkout))


def ran(pytester: pytest.Pytester, size: int, *options: str) -> tuple[pytest.RunResult, Path]:
    pytester.makepyfile(CELLS.format(size=size))
    pytester.makeconftest("pytest_plugins = ['sample', 'spoken']")
    pytester.makeini(f"[pytest]\npythonpath = {RUNNER}\nmarkers =\n  sampled(n)\n  application\n")
    results = pytester.path / "results.xml"
    return pytester.runpytest_subprocess(f"--junit-xml={results}", *options), results


def test_all_are_run(pytester: pytest.Pytester) -> None:
    done, results = ran(pytester, 3)
    done.assert_outcomes(passed=12, failed=2)
    assert left(results) == "0"


def test_a_sample_in_which_every_value_has_its_turn(pytester: pytest.Pytester) -> None:
    done, results = ran(pytester, 3, "--sample", "-v")
    done.assert_outcomes(passed=4, failed=1, deselected=9)
    done.stdout.fnmatch_lines(["*[[]a-x] PASSED*", "*[[]b-z] FAILED*", "*[[]c-y] PASSED*", "*[[]d-x] PASSED*"])
    assert left(results) == "9"


def test_a_sample_that_lacks_a_value_is_an_error(pytester: pytest.Pytester) -> None:
    done, _ = ran(pytester, 7, "--sample")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["ERROR: *::test_cells: the sample has no cell with *. Mark it sampled(6)."])


def test_a_failure_is_shown_when_it_happens(pytester: pytest.Pytester) -> None:
    done, _ = ran(pytester, 3, "--sample", "--at-once", "-q", "--tb=short")
    done.stdout.fnmatch_lines(
        [
            "     opening the modules",
            "  0% test_a_failure_is_shown_when_it_happens.py",
            "*::test_cells[[]b-z] (call) ___*",
            "E   AssertionError: found at once",
            "FAILED *::test_cells[[]b-z]*",
            "1 failed, 4 passed, 9 deselected*",
        ]
    )
    assert str(done.stdout).count("found at once") < 4


def left(results: Path) -> str:
    (suite,) = ET.parse(results).getroot()  # noqa: S314 - written by our own pytest
    (text,) = suite.iterfind("properties/property[@name='left']")
    return text.attrib["value"]
