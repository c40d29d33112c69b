"""The file for CA text that outlives the process: where it is, who may read it, and that others cannot set a trap."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

import pytest

from envconn.tls.ca import kept

if TYPE_CHECKING:
    from pathlib import Path

    from throwaway.certificates import Certificates

PEM = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
NAME = f"envconn-{os.getuid()}"


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A session's directory, as XDG_RUNTIME_DIR names it; temporary files go elsewhere."""
    for name in ("runtime", "temporary"):
        (tmp_path / name).mkdir(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path / "runtime"


def test_for_its_owners_eyes(runtime: Path) -> None:
    path = kept(PEM)
    assert os.path.dirname(path) == str(runtime / NAME)
    assert (stat.S_IMODE(os.stat(path).st_mode), stat.S_IMODE((runtime / NAME).stat().st_mode)) == (0o600, 0o700)
    with open(path, encoding="ascii") as stream:
        assert stream.read() == PEM


def test_outlives_processes_and_does_not_pile_up(runtime: Path) -> None:
    statement = f"from envconn.tls.ca import kept; print(kept({PEM!r}))"
    done = [
        subprocess.run([sys.executable, "-c", statement], capture_output=True, check=True, text=True, timeout=60).stdout
        for _ in range(2)
    ]
    assert done[0] == done[1]
    assert [path.read_text("ascii") for path in (runtime / NAME).iterdir()] == [PEM]
    kept("another")
    assert len([*(runtime / NAME).iterdir()]) == 2


@pytest.mark.parametrize("named", ["", "missing", "file", "closed"])
def test_without_a_usable_runtime_directory(runtime: Path, monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    (runtime / "file").touch(0o400)
    (runtime / "closed").mkdir(0o500)
    monkeypatch.setenv("XDG_RUNTIME_DIR", named and str(runtime / named))
    if named == "closed" and os.access(runtime / "closed", os.W_OK):
        assert kept(PEM).startswith(str(runtime / "closed")), "root may write anywhere"
        return
    assert os.path.dirname(kept(PEM)) == str(runtime.with_name("temporary") / NAME)


def test_another_users_runtime_directory(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``su`` keeps the variable; the owner of the directory could replace what is in it."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/" if os.getuid() else str(runtime))
    if not os.getuid():
        os.chown(runtime, 65534, 65534)
    assert os.path.dirname(kept(PEM)) == str(runtime.with_name("temporary") / NAME)


@pytest.mark.parametrize("trap", ["open", "link", "file", *([] if os.getuid() else ["alien"])])
def test_name_that_is_taken(runtime: Path, tmp_path: Path, trap: str) -> None:
    if trap == "open":
        (runtime / NAME).mkdir()
        (runtime / NAME).chmod(0o770)
    elif trap == "link":
        (tmp_path / "mine").mkdir(0o700)
        (runtime / NAME).symlink_to(tmp_path / "mine")
    elif trap == "file":
        (runtime / NAME).touch(0o600)
    else:
        (runtime / NAME).mkdir(0o700)
        os.chown(runtime / NAME, 65534, 65534)
    path = kept(PEM)
    assert os.path.dirname(path) != str(runtime / NAME)
    assert os.path.dirname(os.path.dirname(path)) == str(runtime)
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700


def test_nowhere(runtime: Path, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr(tempfile, "tempdir", str(certificates.ca))
    with pytest.raises(OSError, match="Not a directory"):
        kept(PEM)
