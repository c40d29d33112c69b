"""``envconn explain`` says of every code what docs/codes.md says, and of no other word anything."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from envconn.cli import main
from envconn.cli.explain import codes, meanings
from envconn.cli.terminal import address
from envconn.codes import SECTIONS

if TYPE_CHECKING:
    from pathlib import Path

URL = "postgresql://app:secret@db.example.com/app?sslmode=verify-full"
CA_MISSING = f"""\
ca-missing: exit code 78
cause Verification is requested, but there is no CA, or its file does not exist.
remedy Name one with sslrootcert, DATABASE_CA_CERT or ENVCONN_TLS_CA. Use system for a public one.
before DATABASE_URL='{URL}'
after  DATABASE_URL='{URL}&sslrootcert=system'
more {address("ca-missing")}
"""


def explained(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["explain", *arguments]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("word", ["ca-missing", "[ca-missing]", "envconn.ca-missing"])
def test_a_code_however_it_was_printed(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert explained(capsys, word) == CA_MISSING


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("timed-out", "timed-out: exit code 69; waiting helps"),
        ("timed-out", "cause The server did not answer in time."),
        ("token-missing", "remedy Set it, or NAME_FILE; remote.md has the names."),
        ("tls-better", "tls-better: note"),
        ("driver-missing", "driver-missing: exit code 78"),
        ("driver-missing", "driver-missing: raised in a program"),
        ("filter-missing", "filter-missing: check of Django"),
    ],
)
def test_what_is_said(code: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert line in explained(capsys, code).splitlines()


def test_a_note_has_no_remedy_to_print(capsys: pytest.CaptureFixture[str]) -> None:
    assert "remedy" not in explained(capsys, "tls-better")


@pytest.mark.parametrize(
    ("word", "suggestion"),
    [
        ("ca-mising", "Did you mean ca-missing?"),
        ("[tls-disable]", "Did you mean tls-disabled?"),
        ("postgresql://app:s3cret@db.example.com/app", "envconn explain without a code lists all."),
        ("", "envconn explain without a code lists all."),
    ],
)
def test_an_unknown_code_is_not_quoted(word: str, suggestion: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", word]) == 64
    assert tuple(capsys.readouterr()) == ("", f"envconn explain: unknown code. {suggestion}\n")


def test_without_a_code_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    lines = explained(capsys).splitlines()
    assert tuple(line.partition(":")[0] for line in lines) == codes()
    assert not [line for line in lines if "`" in line or "](" in line]


def test_every_meaning_is_explained() -> None:
    assert sum(len(meanings(code)) for code in codes()) == sum(map(len, SECTIONS.values()))
    assert [code for code in codes() for meaning in meanings(code) if not meaning.cause] == []


def test_the_commands_page_and_the_sites_have_one_address_for_a_code(checkout: Path) -> None:
    """The heading is the code alone, from which every renderer of Markdown makes the same anchor."""
    page = (checkout / "docs" / "codes.md").read_text(encoding="utf-8")
    assert re.findall(r"^#+ `(.*)`$", page, re.MULTILINE) == list(codes())
