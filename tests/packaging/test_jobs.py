"""What tests/run starts beside itself: its outcome is told, and it does not outlive a signal."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCRIPT = """
set -eu
python=$1
. "$2"
trap 'stop 130' INT
trap 'stop 143' TERM
start "$python" -c "$3"
first=$job
start "$python" -c 'raise SystemExit(3)'
finish "$job" || echo "the second: $?"
finish "$first" || echo "the first: $?"
"""
# One write for each line, with PYTHONUNBUFFERED, too: two processes write into one pipe.
SAY = "import os; say = lambda text: os.write(1, text.encode())\n"
TIDY = (
    SAY
    + r"""
import time
try:
    say("at work\n")
    time.sleep(60)
finally:
    say("tidied up\n")
"""
)
STUBBORN = (
    SAY
    + r"""
import signal, time
signal.signal(signal.SIGINT, lambda *_: say("not yet\n"))
say("at work\n")
for _ in range(60):
    time.sleep(1)
"""
)


@contextmanager
def started(checkout: Path, code: str) -> Iterator[subprocess.Popen[str]]:
    jobs = str(checkout / "tests" / "jobs.sh")
    command = ["/bin/sh", "-c", SCRIPT, "sh", sys.executable, jobs, code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as shell:
        yield shell


def read_until(shell: subprocess.Popen[str], *wanted: str) -> None:
    assert shell.stdout is not None
    missing = set(wanted)
    while missing:
        line = shell.stdout.readline()
        assert line, f"ended without {missing}"
        missing.discard(line.strip())


def test_outcomes_are_told(checkout: Path) -> None:
    with started(checkout, "raise SystemExit(4)") as shell:
        told, _ = shell.communicate(timeout=30)
    assert (shell.returncode, told.splitlines()) == (0, ["the second: 3", "the first: 4"])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_has_them_clean_up(checkout: Path, number: signal.Signals, code: int) -> None:
    with started(checkout, TIDY) as shell:
        read_until(shell, "at work", "the second: 3")
        shell.send_signal(number)
        told, _ = shell.communicate(timeout=30)
    assert (shell.returncode, told.splitlines()) == (code, ["tidied up"])


def test_a_second_signal_ends_them_at_once(checkout: Path) -> None:
    with started(checkout, STUBBORN) as shell:
        read_until(shell, "at work", "the second: 3")
        shell.terminate()
        read_until(shell, "not yet")
        shell.terminate()
        told, _ = shell.communicate(timeout=30)
    assert (shell.returncode, told) == (143, "")
