"""What tests/run starts beside itself: its outcome is told, and it does not outlive a signal."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.checkout

PROGRAM = """
import sys
from jobs import Jobs

with Jobs() as jobs:
    first = jobs.start("first", [sys.executable, "-uc", sys.argv[1]])
    second = jobs.start("second", [sys.executable, "-c", "print('not heard'); raise SystemExit(3)"], heard=False)
    print("the second:", jobs.wait(second), second.lines, flush=True)
    print("the first:", jobs.wait(first), flush=True)
"""
TIDY = r"""
import time
try:
    print("at work")
    time.sleep(60)
finally:
    print("tidied up")
"""
STUBBORN = r"""
import signal, time
signal.signal(signal.SIGINT, lambda *_: print("not yet"))
print("at work")
for _ in range(60):
    time.sleep(1)
"""
WITH_A_CHILD = "import subprocess\nprint('at work')\nsubprocess.run(['sleep', '61'])"


@contextmanager
def started(checkout: Path, code: str) -> Iterator[subprocess.Popen[str]]:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(checkout / "tests" / "runner")}
    command = [sys.executable, "-c", PROGRAM, code]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        yield process


def read_until(process: subprocess.Popen[str], *wanted: str) -> None:
    assert process.stdout is not None
    missing = set(wanted)
    while missing:
        line = process.stdout.readline()
        assert line, f"ended without {missing}"
        missing -= {each for each in missing if each in line}


def lines_of(text: str) -> list[str]:
    """Lines without the time in front of them."""
    return [re.sub(r"^ *\d+:\d\d (\w*) +", r"\1 ", line) for line in text.splitlines()]


def test_outcomes_are_printed(checkout: Path) -> None:
    with started(checkout, "print('heard'); raise SystemExit(4)") as process:
        text, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert sorted(lines_of(text)) == ["first heard", "the first: 4", "the second: 3 ['not heard']"]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_a_signal_has_them_clean_up(checkout: Path, number: signal.Signals) -> None:
    with started(checkout, TIDY) as process:
        read_until(process, "at work", "the second: 3")
        process.send_signal(number)
        text, _ = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert lines_of(text)[:2] == [f" {number.name} came: all that runs cleans up and ends", "first tidied up"]


def test_a_signal_reaches_what_they_have_started(checkout: Path) -> None:
    with started(checkout, WITH_A_CHILD) as process:
        read_until(process, "at work")
        process.terminate()
        process.communicate(timeout=30)  # the child has the pipe, too
    assert process.returncode == 143


def test_a_second_signal_ends_them_at_once(checkout: Path) -> None:
    with started(checkout, STUBBORN) as process:
        read_until(process, "at work", "the second: 3")
        process.terminate()
        read_until(process, "not yet")
        process.terminate()
        text, _ = process.communicate(timeout=30)
    assert (process.returncode, text) == (143, "")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("print('one'); print('two')", (0, "['one', 'two']")),
        ("print('why'); raise SystemExit(5)", (1, "why\nmaking it failed with exit code 5")),
    ],
)
def test_what_has_to_succeed(checkout: Path, code: str, expected: tuple[int, str]) -> None:
    program = "import sys\nfrom jobs import Jobs\nwith Jobs() as jobs:\n    print(jobs.run('making it', sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", program, sys.executable, "-c", code],
        env={"PYTHONPATH": str(checkout / "tests" / "runner")},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, (done.stdout + done.stderr).partition("making it\n")[2].strip()) == expected


def test_what_takes_too_long_is_killed(checkout: Path) -> None:
    program = """
import sys
from jobs import Jobs
with Jobs() as jobs:
    print(jobs.wait(jobs.start("long", ["sleep", "60"]), seconds=0.2))
"""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(checkout / "tests" / "runner")}
    done = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, timeout=30, check=True)
    assert done.stdout == b"-9\n"
