"""``NAME_FILE``: cases T87 and T108 to T111, and every kind of thing that can stand at a path."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from envconn.connection import Origin, Secret
from envconn.sources import Environment
from envconn.sources.files import LIMIT
from wrongfiles import MARKER, WRONG, no_descriptor_left

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("raw", "text", "why"),
    [
        (b"x", "x", "no newline at all: docker secret create"),
        (b"x\n", "x", "T110: the one that echo and editors add"),
        (b"x\r\n", "x", "the same from Windows"),
        (b"x\n\n", "x", "no value ends in one, so all are removed"),
        (b"\nx\n", "x", "nor does one begin so"),
        (b" x \n", " x ", "blanks are for the grammar"),
        (b"\xef\xbb\xbfx\n", "\ufeffx", "so is a byte-order mark, which the grammar notes"),
        (b"caf\xc3\xa9\n", "café", "UTF-8 is text"),
        (b"$ecret&\n", "$ecret&", "no alias: not a whole name"),
        (b"y" * LIMIT, "y" * LIMIT, "exactly the limit"),
    ],
    ids=["bare", "newline", "crlf", "two-newlines", "first-newline", "blanks", "bom", "utf-8", "dollar", "limit"],
)
def test_read(tmp_path: Path, raw: bytes, text: str, why: str) -> None:
    path = tmp_path / "secret"
    path.write_bytes(raw)
    answer = Environment({"A_FILE": f" {path}\n"}).lookup("A")
    assert answer.found, why
    assert (answer.found.text, answer.found.origin) == (Secret(text), Origin("A", "file", str(path))), why
    assert (answer.problems, answer.notes) == ((), ())


@pytest.mark.parametrize("kind", ["missing", *WRONG])
def test_refused(tmp_path: Path, kind: str) -> None:
    """T109: the variable and the kind of mistake, and neither the path nor what is in the file."""
    path = tmp_path / "Path7Marker"
    make, code = WRONG.get(kind, (str, "file-missing"))
    make(path)
    answer = Environment({"A_FILE": str(path)}).lookup("A")
    assert answer.found is None
    assert [(problem.code, problem.variable) for problem in answer.problems] == [(code, "A_FILE")]
    assert MARKER not in str(answer.problems)
    assert "Path7Marker" not in str(answer.problems)


@pytest.mark.parametrize(
    ("pointer", "code", "why"),
    [
        (f"postgresql://u:{MARKER}@h/d", "file-is-url", "the value itself, in the variable for its path"),
        (f"{MARKER}", "file-missing", "a bare password"),
        (f"{MARKER}\0", "file-unreadable", "no path holds a NUL"),
        (f"{MARKER}\ud800", "file-unreadable", "nor what cannot be encoded"),
        (f"/dev/null/{MARKER}", "file-missing", "below what is no directory"),
        (MARKER * 1000, "file-unreadable", "too long for a name"),
    ],
    ids=["url", "password", "nul", "surrogate", "below-a-device", "too-long"],
)
def test_pointer_that_is_not_a_path(pointer: str, code: str, why: str) -> None:
    (problem,) = Environment({"A_FILE": pointer}).lookup("A").problems
    assert problem.code == code, why
    assert MARKER not in str(problem)


def test_unreadable_for_this_user(tmp_path: Path) -> None:
    """Root reads everything, so as root this is tried as user nobody."""
    (path := tmp_path / "secret").write_text(MARKER, encoding="utf-8")
    path.chmod(0)
    mine = os.geteuid()
    try:
        os.seteuid(mine or 65534)
        answer = Environment({"A_FILE": str(path)}).lookup("A")
    finally:
        os.seteuid(mine)
    (problem,) = answer.problems
    assert (problem.code, problem.variable) == ("file-unreadable", "A_FILE")
    assert "owner or mode" in problem.message


def test_too_many_open_files(tmp_path: Path) -> None:
    (path := tmp_path / "secret").write_text(MARKER, encoding="utf-8")
    with no_descriptor_left():
        answer = Environment({"A_FILE": str(path)}).lookup("A")
    [problem] = answer.problems
    assert (problem.code, problem.variable) == ("files-exhausted", "A_FILE")


@pytest.mark.parametrize(
    ("value", "outcome", "why"),
    [
        ("x", ["file-equal"], "T108: equal, a note"),
        ("y", ["file-conflict"], "T108: different, an error"),
        ("x ", ["file-conflict"], "a blank is a difference"),
        ("$B", ["file-conflict"], "an alias and a file: it is not clear which was meant"),
    ],
    ids=["equal", "different", "blank", "alias"],
)
def test_both_set(tmp_path: Path, value: str, outcome: list[str], why: str) -> None:
    (path := tmp_path / "secret").write_text("x\n", encoding="utf-8")
    answer = Environment({"A": value, "A_FILE": str(path), "B": "x"}).lookup("A")
    assert [problem.code for problem in answer.problems] + [note.code for note in answer.notes] == outcome, why
    assert (answer.found is None) is bool(answer.problems)


def test_alias_to_a_variable_that_names_a_file(tmp_path: Path) -> None:
    (path := tmp_path / "secret").write_text("x\n", encoding="utf-8")
    answer = Environment({"A": "$B", "B_FILE": str(path)}).lookup("A")
    assert answer.found
    assert answer.found.origin == Origin("A", "file", str(path), via=("B",))


def test_blank_value_beside_a_file(tmp_path: Path) -> None:
    (path := tmp_path / "secret").write_text("x\n", encoding="utf-8")
    answer = Environment({"A": " ", "A_FILE": str(path)}).lookup("A")
    assert answer.found
    assert [note.code for note in answer.notes] == ["variable-blank"]


def test_file_is_read_again_by_the_next_reading(tmp_path: Path) -> None:
    """T111: a rotated secret is seen on request; nothing is remembered between two readings."""
    (path := tmp_path / "secret").write_text("old\n", encoding="utf-8")
    environment = Environment({"A_FILE": str(path)})
    assert (before := environment.lookup("A").found)
    path.write_text("new\n", encoding="utf-8")
    assert (after := environment.lookup("A").found)
    assert (before.text, after.text) == (Secret("old"), Secret("new"))
