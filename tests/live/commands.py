"""The command as a container starts it: a process of its own, whose every output is looked through for secrets."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from documents import understood
from leaks import MARKER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["MARKER", "Done", "command", "command_lines", "environment", "run", "started"]

"""A password that is wrong everywhere."""

_LONGEST = 60.0
"""Seconds after which a command hangs."""

_PASSWORD = re.compile(r"://[^:@/]*:([^@/]+)@")


@dataclass(frozen=True)
class Done:
    """How it ended."""

    code: int
    out: str
    err: str

    @property
    def codes(self) -> list[str]:
        """The codes of the errors on stderr."""
        return [line.rpartition("[")[2].rstrip("]") for line in self.err.splitlines() if line.startswith("error ")]

    @property
    def document(self) -> dict[str, Any]:
        """The JSON on stdout."""
        return understood(self.out)


def command(*arguments: str) -> list[str]:
    """Return the command line of ``envconn`` with `arguments`."""
    return [sys.executable, "-m", "envconn", *arguments]


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the test's environment with `variables`; loopback counts like any other host."""
    return {**os.environ, "ENVCONN_TLS_LOCAL": "enforce", **variables}


def run(*arguments: str, **variables: str) -> Done:
    """Run it to its end. No password of `variables`, no traceback and no colour is in what it says."""
    done = subprocess.run(
        command(*arguments),
        env=environment(variables),
        check=False,
        capture_output=True,
        text=True,
        timeout=_LONGEST,
        stdin=subprocess.DEVNULL,
    )
    output = done.stdout + done.stderr
    passwords = [match[1] for value in variables.values() if (match := _PASSWORD.search(value))]
    for unwanted in (*passwords, "Traceback", "\x1b"):
        assert unwanted not in output, output
    return Done(done.returncode, done.stdout, done.stderr)


@contextmanager
def started(*arguments: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """Start it, and kill it if it is still there at the end."""
    with subprocess.Popen(
        command(*arguments),
        env=environment(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def command_lines() -> Iterator[bytes]:
    """Yield the command line of every process on this machine."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield process.read_bytes()
        except OSError:
            continue
