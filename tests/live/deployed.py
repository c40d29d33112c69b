"""An application of examples/ as its platform runs it: by the lines of its own files, in processes of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from throwaway.binaries import Account

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["EXAMPLES", "environment", "fetched", "free_port", "image", "procfile", "run", "serving"]

US = Account()
EXAMPLES = Path(__file__).parents[2] / "examples"


def procfile(folder: Path) -> dict[str, list[str]]:
    """Return the command of each kind of process, for a shell as platforms have it."""
    lines = (folder / "Procfile").read_text(encoding="utf-8").splitlines()
    return {name: ["sh", "-c", f"exec {line}"] for name, _, line in (each.partition(": ") for each in lines)}


def image(folder: Path, command: list[str] | None = None) -> list[str]:
    """Return what a container of the Dockerfile starts when it is given `command`, or none."""
    text = (folder / "Dockerfile").read_text(encoding="utf-8")
    stated = dict(re.findall(r"^(ENTRYPOINT|CMD) (.*)$", text, re.MULTILINE))
    return [*json.loads(stated["ENTRYPOINT"]), *(command or json.loads(stated["CMD"]))]


def environment(**variables: str) -> dict[str, str]:
    """Return what such a process gets: the test's own environment, the commands of this Python, and `variables`."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1", "ENVCONN_TLS_LOCAL": "enforce", **variables}


def run(
    command: Sequence[str], folder: Path, environ: Mapping[str, str], account: Account = US, seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run `command` to its end."""
    return subprocess.run(
        command,
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        user=account.uid,
        group=account.gid,
        extra_groups=None if account.uid is None else [],
    )


@contextmanager
def serving(command: Sequence[str], folder: Path, environ: Mapping[str, str], account: Account = US) -> Iterator[int]:
    """Start `command`, and stop it as a platform does; it has to end by that, and by nothing else.

    The value is the process's ID.
    """
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environ,
        stderr=subprocess.PIPE,
        text=True,
        user=account.uid,
        group=account.gid,
        extra_groups=None if account.uid is None else [],
    ) as process:
        try:
            yield process.pid
        finally:
            process.terminate()
            _, output = process.communicate(timeout=20)
    # uvicorn ends in order, and then by the signal, so that its parent sees which.
    assert process.returncode in {0, -signal.SIGTERM}, output
    assert "Traceback" not in output


def free_port() -> int:
    """Return a port of loopback without a server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def fetched(port: int) -> dict[str, object]:
    """Return the page, as soon as the server answers."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://localhost:{port}/", timeout=10) as answer:
                page: dict[str, object] = json.load(answer)
                return page
        except urllib.error.HTTPError:
            raise
        except OSError:
            time.sleep(0.1)
    raise AssertionError("no server answers")
