"""What ``check`` and ``show`` look like: on terminals of 80 and of 40 columns, in a pipe, in colour and without."""

from __future__ import annotations

import re
import sys

import pytest

import called
from envconn.cli import terminal
from envconn.cli.terminal import address
from leaks import MARKER

PG = f"postgresql://app:{MARKER}@db.example/app"
GOOD = {"DATABASE_URL": PG}
WIDE, NARROW = 80, 40

SEVERAL = {
    "DATABASE_URL": f"postgresql://app:{MARKER}@db.example/app?sslmode=require",
    "DIRECT_URL": f"postgresql://app:{MARKER}@db.example:5433/app?sslmode=require",
    "FILES_DATABASE_URL": "sqlite:///files.db",
    "REDIS_URL": f"rediss://:{MARKER}@cache.example/0",
}
BAD = {
    "DATABASE_URL": f"postgresql://app:{MARKER}@db.example/app?sslmode=disable",
    "JOBS_DATABASE_URL": f"{PG}?sslmode=require",
}


def on_terminal(columns: int, *arguments: str, **variables: str) -> str:
    """Run the command on a terminal that wide, and return what a person would see, but never the secret."""
    seen = called.on_terminal(columns, *arguments, **variables)
    assert MARKER not in seen
    return seen


def in_a_pipe(*arguments: str, **variables: str) -> str:
    """Run the command with both streams in one pipe, which never shows the secret."""
    seen = called.in_a_pipe(*arguments, **variables)
    assert MARKER not in seen
    return seen


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m|\x1b]8;;.*?\x1b\\", "", text)


def linked(code: str) -> str:
    """Return `code` in brackets, as a link to its section of the documentation."""
    return f"\x1b]8;;{address(code)}\x1b\\[{code}]\x1b]8;;\x1b\\"


LOOKS = {
    ("check", "several", WIDE): """\
ok     database           [encrypted]    DATABASE_URL
ok     database (direct)  [encrypted]    DIRECT_URL
ok     files              [local]        FILES_DATABASE_URL
ok     broker             [verify-full]  REDIS_URL
ok     cache              [verify-full]  REDIS_URL

5 connections: 2 encrypted, 1 local, 2 verify-full. No server was contacted: add
  --live.
""",
    ("check", "several", NARROW): """\
ok database [encrypted] DATABASE_URL
ok database (direct) [encrypted]
  DIRECT_URL
ok files [local] FILES_DATABASE_URL
ok broker [verify-full] REDIS_URL
ok cache [verify-full] REDIS_URL

5 connections: 2 encrypted, 1 local, 2
  verify-full. No server was contacted:
  add --live.
""",
    ("check", "several", 0): """\
ok database [encrypted] DATABASE_URL
ok database (direct) [encrypted] DIRECT_URL
ok files [local] FILES_DATABASE_URL
ok broker [verify-full] REDIS_URL
ok cache [verify-full] REDIS_URL
5 connections: 2 encrypted, 1 local, 2 verify-full. No server was contacted: add --live.
""",
}
ENVIRONMENTS = {"several": SEVERAL, "bad": BAD}


@pytest.mark.parametrize(("command", "environment", "columns"), LOOKS)
def test_looks(command: str, environment: str, columns: int) -> None:
    """0 columns: a pipe."""
    variables = ENVIRONMENTS[environment]
    shown = plain(on_terminal(columns, command, **variables)) if columns else in_a_pipe(command, **variables)
    assert shown == LOOKS[command, environment, columns]


@pytest.mark.parametrize("columns", [WIDE, NARROW])
@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("command", ["check", "show"])
def test_the_same_words_on_a_terminal_as_in_a_pipe(command: str, environment: str, columns: int) -> None:
    variables = ENVIRONMENTS[environment]
    shown = plain(on_terminal(columns, command, **variables))
    assert shown.split() == in_a_pipe(command, **variables).split()
    longest = max((word for word in shown.split()), key=len)
    assert all(len(line) <= max(columns, len(longest) + 7) for line in shown.splitlines())


@pytest.mark.parametrize("columns", [WIDE, NARROW])
def test_a_finding_is_continued_below_its_text(columns: int) -> None:
    (finding,) = re.findall(r"^error.*?(?=^\n)", plain(on_terminal(columns, "check", **BAD)), re.MULTILINE | re.DOTALL)
    first, *others = finding.splitlines()
    assert first.startswith("error  DATABASE_URL: " if columns == WIDE else "error DATABASE_URL: ")
    hanging = " " * (7 if columns == WIDE else 2)
    assert others
    assert all(line.startswith(hanging) and line[len(hanging)] != " " for line in others)
    assert others[-1].endswith("[tls-disabled]")


def test_a_terminal_is_never_filled_beyond_what_can_be_read() -> None:
    assert max(map(len, plain(on_terminal(300, "show", **SEVERAL)).splitlines())) <= 100


@pytest.mark.parametrize("columns", [1, 8, 20])
def test_a_terminal_that_is_too_narrow_breaks_nothing(columns: int) -> None:
    shown = plain(on_terminal(columns, "show", **SEVERAL))
    assert shown.split() == in_a_pipe("show", **SEVERAL).split()


GREEN, YELLOW, RED, BOLD_GREEN, BOLD_RED = "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[1;32m", "\x1b[1;31m"


@pytest.mark.parametrize(
    ("command", "variables", "painted"),
    [
        ("check", GOOD, f"{BOLD_GREEN}ok\x1b[0m "),
        ("check", GOOD, f"{YELLOW}[encrypted]\x1b[0m"),
        ("check", SEVERAL, f"{GREEN}[verify-full]\x1b[0m"),
        ("check", SEVERAL, f"{GREEN}[local]\x1b[0m"),
        ("check", {**BAD, "ENVCONN_TLS_WAIVE": "*.example"}, f"{RED}[unencrypted]\x1b[0m"),
        ("check", BAD, f"{BOLD_RED}error\x1b[0m "),
        ("check", BAD, f"{linked('tls-disabled')}\n"),
        ("check", {**GOOD, "PGHOST": "x"}, linked("pg-variable-ignored")),
        ("show", BAD, f"{RED}[refused]\x1b[0m"),
        ("show", {**GOOD, "PGHOST": "x"}, "\x1b[1;36mnote\x1b[0m "),
    ],
)
def test_colour(command: str, variables: dict[str, str], painted: str) -> None:
    assert painted in on_terminal(WIDE, command, **variables)


@pytest.mark.parametrize(
    ("switches", "on_a_terminal", "elsewhere"),
    [
        ({}, True, False),
        ({"NO_COLOR": ""}, True, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"TERM": "dumb"}, False, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": ""}, True, False),
        ({"CLICOLOR_FORCE": "1"}, True, True),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
    ],
    ids=str,
)
def test_switches_of_colour(switches: dict[str, str], on_a_terminal: bool, elsewhere: bool) -> None:  # noqa: FBT001 - a table
    assert ("\x1b[" in on_terminal(WIDE, "check", **GOOD, **switches)) is on_a_terminal
    assert ("\x1b[" in in_a_pipe("check", **GOOD, **switches)) is elsewhere


def test_a_code_is_a_link_on_a_coloured_terminal_only() -> None:
    assert "\x1b]8" not in on_terminal(WIDE, "check", **BAD, NO_COLOR="1")
    assert "\x1b]8" not in in_a_pipe("check", **BAD, FORCE_COLOR="1")


@pytest.mark.parametrize("columns", [WIDE, NARROW])
def test_a_code_is_explained_in_lines_that_fit_and_examples_that_can_be_copied(columns: int) -> None:
    lines = plain(on_terminal(columns, "explain", "ca-missing")).splitlines()
    examples = [line for line in lines if line.startswith(("before ", "after  "))]
    assert len(examples) == 2
    assert all(len(line) <= columns or line.endswith(address("ca-missing")) for line in lines if line not in examples)
    assert " ".join(lines).split() == in_a_pipe("explain", "ca-missing").split()


def test_lines_are_not_wrapped_because_colour_is_forced() -> None:
    coloured = in_a_pipe("show", **SEVERAL, FORCE_COLOR="1")
    assert plain(coloured) == in_a_pipe("show", **SEVERAL)


def test_a_link_without_the_metadata_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a copy of the source in PYTHONPATH, or a program that is frozen."""
    address("ca-missing")
    monkeypatch.setattr(sys, "path", [])
    terminal._page.cache_clear()
    assert address("ca-missing") == "docs/codes.md#ca-missing"
    terminal._page.cache_clear()
