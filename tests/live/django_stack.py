"""Django as one of `stacks`: a process for each driver that Django is to find, asked cell by cell.

Django's settings belong to a process and are there once, so it cannot be tried beside the tests.
Loaded as a plugin by tests/conftest.py: a process lives from its first cell to the end of the session.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import matrix

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from django_worker import Request

__all__ = ["outcome"]

WORKER = os.path.join(os.path.dirname(__file__), "django_worker.py")

_running: dict[str, subprocess.Popen[str]] = {}


def outcome(driver: str, environ: Mapping[str, str], *, ask: bool) -> str:
    """Let Django connect by `driver` to the default database of `environ`; return what it came to, or its error.

    The environment of the process is the one of this test, so that libpq finds the same traps there.
    """
    request: Request = {"environ": dict(environ), "process": dict(os.environ), "ask": ask}
    answer = _answer(_worker(driver), request)
    if "error" in answer:
        return answer["error"]
    if answer.get("server", answer["client"]) != answer["client"]:
        return matrix.DISAGREE
    return matrix.TLS if answer["client"] == "True" else matrix.CLEAR


def _worker(driver: str) -> subprocess.Popen[str]:
    if driver not in _running:
        command = [sys.executable, WORKER, driver]
        _running[driver] = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
    return _running[driver]


def _answer(worker: subprocess.Popen[str], request: Request) -> dict[str, str]:
    assert worker.stdin
    assert worker.stdout
    worker.stdin.write(json.dumps(request) + "\n")
    answer: dict[str, str] = json.loads(worker.stdout.readline())
    assert answer["driver"] == worker.args[-1], "Django has found another driver"  # type: ignore[index]
    return answer


@pytest.fixture(scope="session", autouse=True)
def djangos_end() -> Iterator[None]:
    """Let the processes end, each at the end of its input."""
    yield
    while _running:
        _, worker = _running.popitem()
        with worker:
            pass  # closes its input and waits
