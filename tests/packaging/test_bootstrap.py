"""Setting up: what a signal leaves behind, and whose environment is whose."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from commands import command_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.checkout

SCRIPT = """
set -eu
root=$1
. "$root/examples/bootstrap.sh"
bootstrap probe "$root/requirements.txt"
echo "$environment"
"""
PYTHON = Path(sys.base_prefix, "bin", "python{}.{}".format(*sys.version_info))


@pytest.fixture
def place(checkout: Path, tmp_path: Path) -> Path:
    """A checkout with nothing to install in it but one package, and no place to download from."""
    (tmp_path / "examples").mkdir()
    (tmp_path / "scrap").mkdir()
    shutil.copy(checkout / "examples" / "bootstrap.sh", tmp_path / "examples")
    (tmp_path / "requirements.txt").write_text(f"envconn-nowhere==1 --hash=sha256:{'0' * 64}\n", encoding="ascii")
    (tmp_path / "pyproject.toml").write_text("", encoding="ascii")
    return tmp_path


@contextmanager
def setting_up(place: Path, python: Path = PYTHON, **variables: str) -> Iterator[subprocess.Popen[str]]:
    environ = {"PATH": os.environ["PATH"], "HOME": str(place / "home"), "TMPDIR": str(place / "scrap")}
    with subprocess.Popen(
        ["/bin/sh", "-c", SCRIPT, "sh", place],
        env={**environ, "PYTHON": str(python), **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        yield process


@pytest.mark.parametrize("to_all", [True, False])  # a terminal's signal reaches everybody in the foreground
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_of_it(place: Path, number: signal.Signals, *, to_all: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        index = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with setting_up(place, PIP_INDEX_URL=index, NO_PROXY="*", PIP_RETRIES="0") as process:
            waiting, _ = silent.accept()  # pip has asked, and will wait for the answer
            with waiting:
                (os.killpg if to_all else os.kill)(process.pid, number)
                _, errors = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert errors.splitlines()[1:] == []
    assert list((place / "scrap").iterdir()) == []
    assert {re.sub(r"-3\..*", "", path.name) for path in (place / ".cache").iterdir()} <= {"probe", "probe.chosen"}
    assert [line for line in command_lines() if str(place).encode() in line] == []


def test_two_interpreters_of_one_version_share_nothing(place: Path) -> None:
    alias, other = place / "alias", place / "other"
    alias.symlink_to(PYTHON)
    subprocess.run([PYTHON, "-m", "venv", "--copies", "--without-pip", other], check=True, timeout=60)
    first, same, different = (name_of_environment(place, path) for path in (PYTHON, alias, other / "bin" / "python"))
    assert first == same != different


def name_of_environment(place: Path, python: Path = PYTHON, **variables: str) -> str:
    with setting_up(place, python, PIP_NO_INDEX="1", **variables) as process:
        assert process.stderr is not None
        announced = process.stderr.readline()
        process.terminate()
        process.communicate(timeout=30)
    return announced.split()[2]


def test_the_choice_is_remembered_until_there_is_more_to_choose_from(place: Path) -> None:
    (tools := place / "tools").mkdir()
    log = place / "log"
    for name, works in (("python3.13", "exit 1"), ("python3.12", f'exec {PYTHON} "$@"')):
        (tools / name).write_text(f"#!/bin/sh\necho {name} >>{log}\n{works}\n", encoding="utf-8")
        (tools / name).chmod(0o755)
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    first = name_of_environment(place, PYTHON="", PATH=path)
    assert {"python3.13", "python3.12"} <= set(log.read_text(encoding="utf-8").split())
    log.write_text("", encoding="utf-8")
    assert name_of_environment(place, PYTHON="", PATH=path) == first
    assert "python3.13" not in log.read_text(encoding="utf-8")
    (tools / "python3.14").symlink_to("python3.13")
    assert name_of_environment(place, PYTHON="", PATH=path) == first
    assert "python3.13" in log.read_text(encoding="utf-8")


def test_a_copy_of_a_checkout_does_not_use_the_environment_of_the_first(place: Path) -> None:
    """It would replace it, or point it at its own source."""
    first = name_of_environment(place)
    shutil.copytree(place, place / "copy", ignore=shutil.ignore_patterns("copy", "scrap", "home"))
    (place / "copy" / "scrap").mkdir()
    assert name_of_environment(place / "copy") == first.replace(str(place), str(place / "copy"))
