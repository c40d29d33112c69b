"""One more assignment in a ``.env`` file: the others stay, and every reader reads the same."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import dotenv
import pytest

from envconn import ConfigurationError, Finding
from envconn.cli import fetch
from envconn.sources.dotenv import assigned
from envconn.sources.dotenv import read as read_dotenv

if TYPE_CHECKING:
    from collections.abc import Mapping

VALUE = "postgresql://app:p%24%7Bx%7D%27@db.example.com:5432/app?sslmode=require&options=-c%20a%3Db"
LINE = f"N='{VALUE}'\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", LINE),
        ("A=1\n", f"A=1\n{LINE}"),
        ("A=1", f"A=1\n{LINE}"),
        ("N=old\n", LINE),
        ("N=old", LINE),
        ("N=\n", LINE),
        ("N\n", LINE),
        ("A=1\nN=old\nB=2\n", f"A=1\n{LINE}B=2\n"),
        ("# N=1\n\n\nN=old # why\n\n# end\n", f"# N=1\n\n\n{LINE}\n# end\n"),
        ("export N=old\nB=2\n", f"export {LINE}B=2\n"),
        ("  export   N = 'old'\n", f"  export {LINE}"),
        ("N='several\nlines'\nB=2\n", f"{LINE}B=2\n"),
        ("N=1\nA=1\nN=2\nN=3\n", f"{LINE}A=1\n"),
        ("NN=1\nXN=2\nn=3\n", f"NN=1\nXN=2\nn=3\n{LINE}"),
        ("A=1\r\nN=old\r\nB=2\r\n", f"A=1\r\n{LINE}B=2\r\n"),
        ("\ufeffA=1\n", f"\ufeffA=1\n{LINE}"),
        ("\ufeffN=1\n", f"\ufeff{LINE}"),
        ("what is this\nA=1\n", f"what is this\nA=1\n{LINE}"),
        ("A='${N}'\n", f"A='${{N}}'\n{LINE}"),
    ],
)
def test_assigned(before: str, after: str, tmp_path: Path) -> None:
    made = assigned(before, "N", VALUE)
    assert made == after
    (path := tmp_path / "x.env").write_bytes(made.encode())
    assert dotenv.dotenv_values(path, encoding="utf-8-sig")["N"] == VALUE
    assert read_dotenv(str(path))[0]["N"].text.reveal() == VALUE
    assert assigned(made, "N", VALUE) == made, "the second time changes nothing"


@pytest.mark.parametrize("before", ["A='never closed\n", "B=1\nA='never closed"])
def test_an_assignment_inside_an_open_quote_is_not_written(before: str, tmp_path: Path) -> None:
    assert assigned(before, "N", VALUE) is None
    (path := tmp_path / ".env").write_text(before, encoding="ascii")
    with pytest.raises(ConfigurationError) as caught:
        fetch.write(str(path), before, "N", VALUE)
    assert [problem.code for problem in caught.value.problems] == ["dotenv-syntax"]
    assert path.read_text(encoding="ascii") == before


def test_a_shell_reads_the_same(tmp_path: Path) -> None:
    fetch.write(str(path := tmp_path / "x.env"), "", "N", VALUE)
    done = subprocess.run(["sh", "-c", f'. "{path}"; printf %s "$N"'], check=True, capture_output=True, timeout=30)
    assert done.stdout.decode() == VALUE


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_for_its_owner_alone(tmp_path: Path, umask: int) -> None:
    path = tmp_path / ".env"
    before = os.umask(umask)
    try:
        fetch.write(str(path), "", "N", VALUE)
    finally:
        os.umask(before)
    assert mode(path) == 0o600
    path.chmod(0o644)
    fetch.write(str(path), path.read_text(encoding="ascii"), "N", "other")
    assert mode(path) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == [".env"]


def test_a_link_stays_one(tmp_path: Path) -> None:
    (folder := tmp_path / "real").mkdir()
    (target := folder / "prod.env").write_text("A=1\n", encoding="ascii")
    (link := tmp_path / ".env").symlink_to(target)
    assert fetch.read(str(link)) == "A=1\n"
    fetch.write(str(link), "A=1\n", "N", VALUE)
    assert link.is_symlink()
    assert target.read_text(encoding="ascii") == f"A=1\n{LINE}"


def test_a_concurrent_reader_sees_the_old_or_the_new_file(tmp_path: Path) -> None:
    (path := tmp_path / ".env").write_text("N=old\n", encoding="ascii")
    with path.open(encoding="ascii") as reader:
        fetch.write(str(path), "N=old\n", "N", VALUE)
        assert reader.read() == "N=old\n"
    assert path.read_text(encoding="ascii") == LINE


UNREADABLE: Mapping[str, str] = {
    "": "env-file-unwritable",
    "nowhere/.env": "env-file-unwritable",
    "held/.env": "env-file-unwritable",
    "postgresql://app:pw@h/d": "env-file-unwritable",
    ".": "file-directory",
    "pipe": "file-special",
    "binary": "file-binary",
    "large": "file-too-large",
}


@pytest.mark.parametrize("path", UNREADABLE)
def test_files_that_cannot_be_read(path: str) -> None:
    os.mkfifo("pipe")
    Path("held").write_text("", encoding="ascii")
    Path("binary").write_bytes(b"A=\xff\n")
    Path("large").write_bytes(b"#" * 1_048_577)
    problem = fetch.read(path)
    assert isinstance(problem, Finding)
    assert problem.code == UNREADABLE[path]
    assert "pw" not in problem.variable


def test_a_disk_that_does_not_take_it(tmp_path: Path) -> None:
    (target := tmp_path / ".env").mkdir()
    for path in (target, tmp_path / "nowhere" / ".env"):
        with pytest.raises(ConfigurationError) as caught:
            fetch.write(str(path), "", "N", VALUE)
        assert [problem.code for problem in caught.value.problems] == ["env-file-unwritable"]
    assert [each.name for each in tmp_path.iterdir()] == [".env"], "nothing is left behind"
