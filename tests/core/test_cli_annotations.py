"""Annotations in GitHub Actions: read back as the runner reads them, and nowhere else printed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from documents import understood
from envconn.cli import main
from envconn.cli.terminal import complain
from envconn.errors import note, problem
from leaks import MARKER

if TYPE_CHECKING:
    from collections.abc import Iterator

BAD = f"postgresql://app:{MARKER}@db.example/app?sslmode=disable"
GITHUB = {"GITHUB_ACTIONS": "true", "CI": "true"}

Annotation = tuple[str, dict[str, str], str]


def read(text: str) -> Iterator[Annotation]:
    """Read workflow commands as the runner does (ActionCommand.cs, TryParseV2): command, properties, message."""
    for line in text.splitlines():
        if match := re.fullmatch(r"\s*::(\w+)(?: (.*?))?::(.*)", line):
            pairs = [each.split("=", 1) for each in (match[2] or "").split(",") if each]
            properties = {name: undone(value, "%3A:", "%2C,") for name, value in pairs}
            yield match[1], properties, undone(match[3])


def undone(text: str, *more: str) -> str:
    for each in ("%0D\r", "%0A\n", *more, "%25%"):
        text = text.replace(each[:3], each[3:])
    return text


@pytest.fixture(autouse=True)
def bad(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", BAD)


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GITHUB.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("arguments", [["check"], ["show"], ["exec", "--", "true"]], ids=" ".join)
def test_problems_become_errors(arguments: list[str], github: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 78
    output = capsys.readouterr()
    assert output.out == ("database [refused] DATABASE_URL, tls-disabled\n" if arguments == ["show"] else "")
    text, _, *rest = output.err.splitlines()
    assert text.startswith("error DATABASE_URL: sslmode=disable")
    assert rest == (["1 error in 1 variable. More: envconn explain tls-disabled"] if arguments == ["check"] else [])
    ((command, properties, message),) = read(output.err)
    assert (command, properties) == ("error", {"title": "envconn: tls-disabled"})
    assert text == f"error {message} [tls-disabled]"


def test_stdout_stays_json(github: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--json"]) == 78
    output = capsys.readouterr()
    document = understood(output.out)
    assert [message for _, _, message in read(output.err)] == [
        f"{problem['variable']}: {problem['message']}" for problem in document["problems"]
    ]
    assert MARKER not in output.out + output.err


@pytest.mark.parametrize("value", [None, "", "false", "TRUE", "1"])
@pytest.mark.parametrize("arguments", [["check"], ["check", "--json"]], ids=" ".join)
def test_nothing_elsewhere(
    value: str | None, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The runner sets exactly "true"."""
    if value is not None:
        monkeypatch.setenv("GITHUB_ACTIONS", value)
    main(arguments)
    output = capsys.readouterr()
    assert list(read(output.out + output.err)) == []
    assert "::" not in output.err


@pytest.mark.parametrize(
    "message",
    ["100 % sure", "%25", "two\nlines", "\r\n", "a::b", "::error::nested", "colon: comma, percent %3A", "é"],
)
def test_escapes(message: str, github: None, capsys: pytest.CaptureFixture[str]) -> None:
    complain([problem("some-code", "SOME, VARIABLE", message)], [note("other::code,%", "OTHER", message)])
    lines = [line for line in capsys.readouterr().err.split("\n") if line.startswith("::")]
    assert list(read("\n".join(lines))) == [
        ("warning", {"title": "envconn: other::code,%"}, f"OTHER: {message}"),
        ("error", {"title": "envconn: some-code"}, f"SOME, VARIABLE: {message}"),
    ]
