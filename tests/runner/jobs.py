"""Commands that run beside each other: what they say is shown line by line, and none outlives a signal to us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

BEGAN = time.monotonic()


def say(name: str, line: str) -> None:
    """Print a line with the time since the start and who says it."""
    minutes, seconds = divmod(int(time.monotonic() - BEGAN), 60)
    sys.stdout.write(f"{minutes:2}:{seconds:02} {name:12} {line}".rstrip() + "\n")
    sys.stdout.flush()


class Job:
    """A command in a process group of its own, so that a terminal's Ctrl-C reaches it through `Jobs` alone."""

    def __init__(self, name: str, process: subprocess.Popen[str], *, heard: bool) -> None:
        """Read what `process` says; print its lines under `name` if it is `heard`."""
        self.name, self.process, self.heard = name, process, heard
        self.lines: list[str] = []
        self.reader = Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.append(line.rstrip("\n"))
            if self.heard:
                say(self.name, self.lines[-1])

    def send(self, number: int) -> None:
        """Send a signal to the command and to what it has started, if it still runs."""
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)


class Jobs:
    """All jobs. When a signal comes, `wait` raises `SystemExit`, and leaving the block has each clean up and end.

    A second signal ends them at once.
    """

    def __init__(self) -> None:
        """Nothing runs yet."""
        self._jobs: list[Job] = []
        self._signal, self._ending = 0, False

    def __enter__(self) -> Self:
        """Take over what signals do."""
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._signalled)
        return self

    def __exit__(self, *_: object) -> None:
        """End what still runs."""
        self._ending = True
        self._send(signal.SIGINT)
        for job in self._jobs:
            self.wait(job)

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        directory: str | Path | None = None,
        environ: Mapping[str, str] | None = None,
        heard: bool = True,
    ) -> Job:
        """Start a command beside what runs, with `environ` on top of our environment."""
        process = subprocess.Popen(
            command,
            cwd=directory,
            env={**os.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
        )
        self._jobs.append(Job(name, process, heard=heard))
        return self._jobs[-1]

    def wait(self, job: Job, seconds: float = float("inf")) -> int:
        """Wait for a job, which is killed after `seconds`, and return its exit code."""
        end = time.monotonic() + seconds
        while job.process.poll() is None:
            if self._signal and not self._ending:
                say("", f"{signal.Signals(self._signal).name} came: all that runs cleans up and ends")
                raise SystemExit(128 + self._signal)
            if time.monotonic() > end:
                job.send(signal.SIGKILL)
            time.sleep(0.05)
        job.reader.join(10)  # a process that a command has left behind may hold the pipe open
        return job.process.returncode

    def run(self, what: str, command: Sequence[str], environ: Mapping[str, str] | None = None) -> list[str]:
        """Run a command that must succeed, and return its lines, which are shown if it does not."""
        say("set-up", what)
        job = self.start("set-up", command, environ=environ, heard=False)
        if code := self.wait(job):
            sys.exit("\n".join([*job.lines, f"{what} failed with exit code {code}"]))
        return job.lines

    def _signalled(self, number: int, _: object) -> None:
        if self._signal:
            self._send(signal.SIGKILL)
        self._signal = self._signal or number

    def _send(self, number: int) -> None:
        for job in self._jobs:
            job.send(number)
