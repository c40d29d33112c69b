"""Check the code and run the tests, each once, against real servers; what they cover is counted together.

tests/run starts this, in the environment that it has made. Tests marked `checkout` run on the checkout, all others on
the wheel, built from the sdist, with the sources gone. ENVCONN_TEST_EVERYTHING=1 adds those marked `application`, and
all cells of those marked `sampled`; ENVCONN_TEST_CORNERS=1 adds the oldest and newest supported versions. Arguments go
to pytest, which then runs alone: on the checkout, or on the wheel behind a first `--wheel`. `--corners` runs all that a
version can change, in the corners that are named behind it or in all of them.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import applications
import wheel
from corners import CORNERS, EVERYTHING, SHORT, run_corner
from debian import SERVERS, unpack
from jobs import Jobs
from sessions import SESSIONS, marked, modules, session

if TYPE_CHECKING:
    from corners import Selection
    from jobs import Job

ROOT = Path(__file__).resolve().parents[2]
CACHE, PLACE = Path(os.environ["ENVCONN_TEST_CACHE"]), Path(os.environ["ENVCONN_TEST_SERVERS"])
SCRAP = os.environ["ENVCONN_TEST_SCRAP"]  # a cache that cannot be kept, where nothing else can be written to
CHECKOUT = wheel.Installed(sys.executable, ROOT)
TOOLS = Path(sys.executable).parent
MEASURED = ("--cov", "--cov-report=", "--cov-fail-under=0")


def main(arguments: list[str]) -> int:
    """Do what the arguments ask for, and return the exit code."""
    with ExitStack() as cleanup:
        if SCRAP:
            cleanup.callback(shutil.rmtree, SCRAP, ignore_errors=True)
        work = Path(cleanup.enter_context(tempfile.TemporaryDirectory()))
        jobs = cleanup.enter_context(Jobs())
        unpack(jobs, PLACE, *SERVERS)
        applications.install(jobs, ROOT, PLACE)
        suite = Suite(jobs, work)
        if not arguments:
            return suite.run()
        if arguments[0] == "--corners":
            return suite.corners(arguments[1:])
        if arguments[0] == "--wheel":
            return suite.alone(wheel.install(jobs, ROOT, work), "-m", "not checkout", *arguments[1:])
        if SCRAP:
            return suite.alone(CHECKOUT, *arguments)
    return os.execv(sys.executable, [*pytest(CHECKOUT, "alone"), *arguments])  # noqa: S606 - no shell is wanted


def pytest(where: wheel.Installed, name: str) -> list[str]:
    """Return the words that start pytest for a session of this name."""
    return [where.python, "-P", "-m", "pytest", "-o", f"cache_dir={CACHE / f'pytest-{name}'}"]


class Suite:
    """A run of tests, with what came of it. Results go below `work`, which is empty."""

    def __init__(self, jobs: Jobs, work: Path) -> None:
        """Nothing has run yet."""
        self._jobs, self._work = jobs, work
        self._coverage = CACHE / "coverage"
        self._wrong: list[str] = []

    def run(self) -> int:
        """Run everything, all sessions beside each other: some work while others wait for a server."""
        static = self._jobs.start("static", ["sh", str(ROOT / "tests" / "static"), str(TOOLS), str(CACHE)])
        built = wheel.install(self._jobs, ROOT, self._work)
        shutil.rmtree(self._coverage, ignore_errors=True)
        self._coverage.mkdir(parents=True)
        sessions = [
            self._session(
                name, built, "-m", "not checkout", *(str(each) for each in modules(ROOT) if session(each) == name)
            )
            for name in SESSIONS
        ]
        sessions.append(self._session("checkout", CHECKOUT, "-m", "checkout", *marked(ROOT, "checkout")))
        for job in (static, *sessions):
            self._end(job.name, job)
        lines = self._corners(list(CORNERS), SHORT) if asked("CORNERS") else []
        self._measure()
        return self._sum([*failures(sessions), *lines])

    def corners(self, names: list[str]) -> int:
        """Run all that a version can change."""
        if unknown := set(names) - CORNERS.keys():
            sys.exit(f"{', '.join(unknown)}: unknown corner. Use {', '.join(CORNERS)}")
        return self._sum(self._corners(names or list(CORNERS), EVERYTHING))

    def alone(self, where: wheel.Installed, *arguments: str) -> int:
        """Run pytest, and nothing else."""
        command = [*pytest(where, "alone"), *arguments]
        return self._jobs.wait(self._jobs.start("tests", command, directory=where.directory))

    def _session(self, name: str, where: wheel.Installed, *arguments: str) -> Job:
        """Start a session of pytest, which leaves its figures in a file."""
        shown = ("-q", "--at-once", "--failed-first", f"--junit-xml={self._work}/{name}.xml")
        chosen = () if asked("EVERYTHING") else ("--sample",)
        command = [*pytest(where, name), *shown, *chosen, *MEASURED, *arguments]
        environ = {"COVERAGE_FILE": f"{self._coverage}/data.{name}"}
        return self._jobs.start(name, command, directory=where.directory, environ=environ)

    def _end(self, what: str, job: Job) -> None:
        """Wait for a job, and note when it fails."""
        if self._jobs.wait(job):
            self._wrong.append(what)

    def _corners(self, names: list[str], selection: Selection) -> list[str]:
        """Try corners, and return a line for each."""
        found = [run_corner(self._jobs, ROOT, PLACE, self._work, name, selection) for name in names]
        self._wrong += [name for name, outcome in zip(names, found, strict=True) if not outcome.good]
        return [outcome.line for outcome in found]

    def _measure(self) -> None:
        """Combine what all sessions have covered, and report what no test has."""
        environ = {"COVERAGE_FILE": f"{self._coverage}/data"}
        for command in (["combine", "-q"], ["report"]):
            job = self._jobs.start("coverage", [str(TOOLS / "coverage"), *command], directory=ROOT, environ=environ)
            self._end("coverage", job)

    def _sum(self, lines: list[str]) -> int:
        """Print these lines and the last one, and return the exit code."""
        figures = [counts(path) for path in self._work.glob("*.xml")]
        passed, failed, skipped, left = (sum(column) for column in zip((0, 0, 0, 0), *figures, strict=True))
        if self._wrong:
            lines = [*lines, f"not good: {', '.join(dict.fromkeys(self._wrong))}"]
            failed = failed or 1
        rest = f", {left} left to .ci/run" if left else ""
        sys.stdout.write("\n".join([*lines, f"{passed} passed, {failed} failed, {skipped} skipped{rest}\n"]))
        return 1 if failed else 0


def failures(sessions: list[Job]) -> list[str]:
    """Return what the sessions' summaries say of tests that failed: other sessions' lines stand below them."""
    return [f"{job.name}: {line}" for job in sessions for line in job.lines if line.startswith(("FAILED ", "ERROR "))]


def asked(what: str) -> bool:
    """Whether a variable asks for what takes longer."""
    return os.environ.get(f"ENVCONN_TEST_{what}") == "1"


def counts(results: Path) -> tuple[int, int, int, int]:
    """Return how many tests passed, failed, were skipped and were left to .ci/run, from a file of pytest's."""
    (suite,) = ET.parse(results).getroot()  # noqa: S314 - written by our own pytest
    skipped, failed = int(suite.attrib["skipped"]), int(suite.attrib["failures"]) + int(suite.attrib["errors"])
    left = sum(int(each.attrib["value"]) for each in suite.iterfind("properties/property[@name='left']"))
    return int(suite.attrib["tests"]) - failed - skipped, failed, skipped, left


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
