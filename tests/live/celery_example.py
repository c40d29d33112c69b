"""examples/celery_worker as it would be run anywhere: a worker, and a client that sends it work."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

import deployed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["READY", "REFUSED", "Example", "Flower"]

FOLDER = deployed.EXAMPLES / "celery_worker"
WORKER = ("-m", "celery", "--app", "worker", "worker", "--pool", "solo", "--without-gossip", "--without-mingle")
READY, REFUSED = r"celery@\S+ ready\.", r"Cannot connect to"


_FLOWER = ("-m", "celery", "--app", "worker", "flower", "--address=127.0.0.1", "--loglevel=INFO")


class Flower:
    """Flower on `port`, which writes to `path`."""

    def __init__(self, port: int, path: Path) -> None:
        self._port, self._path = port, path

    @property
    def log(self) -> str:
        """What it has said so far."""
        return self._path.read_text(encoding="utf-8")

    def wait_until(self, said: str) -> None:
        """Wait for `said` in the log."""
        deadline = time.monotonic() + 60
        while said not in self.log:
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)

    def page(self, path: str) -> str:
        """Return a page."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/{path}", timeout=30) as answer:
            text: str = answer.read().decode()
        return text


_ADD = "print(worker.add.delay(1, 1).get(timeout=30))"


class Example:
    """The worker and its client with `environ`, and `home` for what they write."""

    def __init__(self, home: Path, environ: dict[str, str]) -> None:
        self._log = home / "log"
        kept = {name: text for name, text in os.environ.items() if name.startswith(("COV", "PATH", "PYTHON", "LANG"))}
        self._environ = {**kept, "HOME": str(home), "PYTHONUNBUFFERED": "1", **environ}

    @property
    def log(self) -> str:
        """What the worker has said so far."""
        return self._log.read_text(encoding="utf-8")

    @contextmanager
    def working(self, *, until: str = READY) -> Iterator[None]:
        """Run the worker from when its log has `until` to the end of the block."""
        with self._log.open("w") as log:
            command = [sys.executable, *WORKER, "--loglevel", "INFO"]
            worker = subprocess.Popen(
                command, cwd=FOLDER, env=self._environ, stdout=log, stderr=log, start_new_session=True
            )
        try:
            deadline = time.monotonic() + 60
            while not re.search(until, self.log):
                assert worker.poll() is None, self.log
                assert time.monotonic() < deadline, self.log
                time.sleep(0.05)
            yield
        finally:
            # Its second signal ends a worker that waits for a broker.
            for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGKILL):
                worker.send_signal(number)
                try:
                    worker.wait(10)
                    break
                except subprocess.TimeoutExpired:
                    continue

    @contextmanager
    def flower(self, until: str = "Connected to ", **environ: str) -> Iterator[Flower]:
        """Run Flower until the end of the block, from when its log has `until`: that it is connected to the broker."""
        port, path = deployed.free_port(), self._log.with_name("flower")
        command = [sys.executable, *_FLOWER, f"--port={port}"]
        with path.open("w") as log:
            process = subprocess.Popen(command, cwd=FOLDER, env=self._environ | environ, stdout=log, stderr=log)
        try:
            found = Flower(port, path)
            found.wait_until(until)
            yield found
        finally:
            process.terminate()
            process.wait(20)

    def add(self, left: int, right: int) -> str:
        """Send work, and return what comes back, or what else the client says."""
        return self._said("worker.py", str(left), str(right))

    def add_without_patience(self) -> str:
        """The same, by a client that asks once for the result: Celery's own tries four times, with pauses."""
        return self.run("import worker; worker.app.conf.result_backend_max_retries = 0; " + _ADD)

    def run(self, code: str) -> str:
        """Run `code` as a client, which can import the worker's module, and return what it says."""
        return self._said("-c", code)

    def _said(self, *command: str) -> str:
        done = deployed.run([sys.executable, *command], FOLDER, self._environ)
        return done.stdout.strip() or done.stderr
