"""``.env``: which line said what, nothing interpolated, and python-dotenv only where there is a file."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from envconn.selection import select_services
from envconn.sources.dotenv import LIMIT, read
from leaks import MARKER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def values(path: Path, raw: str | bytes) -> dict[str, tuple[str, int | None]]:
    path.write_bytes(raw.encode() if isinstance(raw, str) else raw)
    found, problems = read(str(path))
    assert not [found for found in problems if found.severity == "error"]
    return {name: (text.text.reveal(), text.origin.line) for name, text in found.items()}


@pytest.mark.parametrize(
    ("raw", "expected", "why"),
    [
        ("A=x", {"A": ("x", 1)}, "no final newline"),
        ("\n\n# comment\nA=x\n\n\nexport B=y\n", {"A": ("x", 4), "B": ("y", 7)}, "lines are counted as an editor does"),
        ("A=x\r\n\r\nB=y\r\n", {"A": ("x", 1), "B": ("y", 3)}, "the line ends of Windows"),
        ("\ufeffA=x\n", {"A": ("x", 1)}, "a byte-order mark is not a part of the name"),
        ("A=x\nB=1\nA=y\n", {"A": ("y", 3), "B": ("1", 2)}, "the last one wins, as in a shell"),
        ("A=x\nA=\n", {"A": ("", 2)}, "also when it is blank"),
        ("A\nB=y\n", {"A": ("", 1), "B": ("y", 2)}, "a name alone has no value"),
        ("A='multi\nline'\nB=y\n", {"A": ("multi\nline", 1), "B": ("y", 3)}, "a value over two lines"),
        ("A=x # comment\nB=x#y\n", {"A": ("x", 1), "B": ("x#y", 2)}, "a comment needs a blank before it"),
        ("A=pa${b}ss\nb=z\n", {"A": ("pa${b}ss", 1), "b": ("z", 2)}, "T33: not interpolated without quotes"),
        ("b=z\nA='pa${b}ss'\n", {"b": ("z", 1), "A": ("pa${b}ss", 2)}, "nor in single quotes"),
        ('b=z\nA="pa${b}ss"\n', {"b": ("z", 1), "A": ("pa${b}ss", 2)}, "nor in double quotes"),
        ("b=z\nA=${b:-y}$b\n", {"b": ("z", 1), "A": ("${b:-y}$b", 2)}, "nor with a default"),
        ("", {}, "an empty file"),
        ("# nothing\n\n", {}, "comments only"),
    ],
    ids=[
        "no-newline",
        "comments",
        "crlf",
        "bom",
        "last-wins",
        "blank-wins",
        "name-alone",
        "multi-line",
        "comment-behind",
        "unquoted",
        "single-quoted",
        "double-quoted",
        "default",
        "empty",
        "nothing",
    ],
)
def test_assignments(tmp_path: Path, raw: str, expected: dict[str, tuple[str, int]], why: str) -> None:
    assert values(tmp_path / ".env", raw) == expected, why


@pytest.mark.parametrize(
    ("raw", "lines", "good"),
    [
        (f"A=x\n{MARKER} y\nB=z\n", [2], ["A", "B"]),
        (f"\n\n\n{MARKER} y\n", [4], []),
        (f"A='{MARKER}\n", [1], []),
        (f'A=x\n\nB="{MARKER}\nC=y\n', [3], ["A", "C"]),
        (f"={MARKER}\nA=x\n{MARKER} {MARKER}\n", [1, 3], ["A"]),
        (f"'A={MARKER}\n", [1], []),
    ],
    ids=["two-words", "behind-blank-lines", "open-single-quote", "open-double-quote", "two-mistakes", "quoted-name"],
)
def test_lines_without_an_assignment(tmp_path: Path, raw: str, lines: list[int], good: list[str]) -> None:
    (path := tmp_path / ".env").write_text(raw, encoding="utf-8")
    found, problems = read(str(path))
    assert [problem.code for problem in problems] == ["dotenv-syntax"] * len(lines)
    assert all(f"line {line} " in problem.message for line, problem in zip(lines, problems, strict=True))
    assert ["quote that is not closed" in problem.message for problem in problems] == [
        raw.splitlines()[line - 1][2:3] in {"'", '"'} for line in lines
    ]
    assert list(found) == good
    assert MARKER not in str(problems)


@pytest.mark.parametrize(
    ("raw", "noted"),
    [
        (f"DATABASE_URL=sqlite:///{MARKER}\nX=y\nDATABASE_URL=sqlite:///b\n", ["line 1 has no effect, line 3 has"]),
        ("DATABASE_URL=sqlite:///b\nDATABASE_URL='sqlite:///b'\n", []),
        ("DATABASE_URL=sqlite:///b\nX=y\nX=z\n", []),
    ],
    ids=["different", "the same", "not read"],
)
def test_a_name_twice(tmp_path: Path, raw: str, noted: list[str]) -> None:
    (path := tmp_path / ".env").write_text(raw, encoding="utf-8")
    report = select_services({}, str(path)).report
    assert report.ok
    found = [note.message for note in report.notes if note.code == "dotenv-duplicate"]
    assert [part in message for part, message in zip(noted, found, strict=True)] == [True] * len(noted)
    assert MARKER not in str(found)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (None, "file-missing"),
        (os.mkfifo, "file-special"),
        (b"A=\xe9", "file-binary"),
        (b"#" * (LIMIT + 1), "file-too-large"),
    ],
    ids=["missing", "pipe", "latin-1", "too-large"],
)
def test_file_that_cannot_be_used(tmp_path: Path, raw: bytes | Callable[[Path], None] | None, code: str) -> None:
    path = tmp_path / "file"
    if callable(raw):
        raw(path)
    elif raw is not None:
        path.write_bytes(raw)
    found, (problem,) = read(str(path))
    assert (found, problem.code, problem.variable) == ({}, code, str(path))


@pytest.mark.parametrize(
    ("make", "loaded"),
    [(lambda: None, "False"), (lambda: os.mkdir(".env"), "False"), (lambda: open(".env", "w").close(), "True")],
    ids=["no-file", "directory", "file"],
)
def test_python_dotenv_is_imported_only_when_there_is_a_file(make: object, loaded: str) -> None:
    assert callable(make)
    make()
    code = "import sys, envconn; envconn.load(); print('dotenv' in sys.modules)"
    url = "postgresql://u:p@db.envconn.test/d"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "DATABASE_URL": url},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == loaded
