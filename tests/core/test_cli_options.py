"""The options of the live proof: what each means, and what is no number of seconds."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from envconn.cli.live import LONGEST, Live, asked
from envconn.cli.parser import parser

pytestmark = pytest.mark.measured

MARKER = "Zq7xWv9kJb3"
COMMAND = (sys.executable, "-m", "envconn")


@pytest.mark.parametrize("command", ["check", "exec"])
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], None),
        (["--live"], Live()),
        (["--login"], Live(login=True)),
        (["--enforced"], Live(enforced=True)),
        (["--wait", "0"], Live()),
        (["--wait", "2.5"], Live(wait=2.5)),
        (["--within", "3"], Live(within=3)),
        (["--live", "--wait=1e1", "--within=0.5", "--login"], Live(login=True, wait=10, within=0.5)),
        (["--wait", str(LONGEST)], Live(wait=LONGEST)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_each_means_live(command: str, arguments: list[str], expected: Live | None) -> None:
    rest = ["--", "true", "--wait", "7"] if command == "exec" else []
    assert asked(parser().parse_args([command, *arguments, *rest])) == expected


@pytest.mark.parametrize("command", ["check", "exec"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["--wait"],
        ["--wait", ""],
        ["--wait", "-1"],
        ["--wait=-0.001"],
        ["--wait", "nan"],
        ["--wait", "inf"],
        ["--wait", "-inf"],
        ["--wait", "1e308"],
        ["--wait", str(LONGEST + 1)],
        ["--wait", "30s"],
        ["--wait", "1,5"],
        ["--wait", "0x10"],
        ["--wait", MARKER],
        [f"--wait={MARKER}"],
        ["--within"],
        ["--within", "0"],
        ["--within", "-5"],
        ["--within", "nan"],
        ["--within", "never"],
        [f"--within={MARKER}"],
        ["--login=yes"],
        ["--live=1"],
        ["--lo"],
        ["--wai", "3"],
    ],
    ids=lambda arguments: " ".join(arguments).replace(MARKER, "SECRET"),
)
def test_usage(command: str, arguments: list[str]) -> None:
    done = subprocess.run(
        [*COMMAND, command, *arguments],
        env={**os.environ, "DATABASE_URL": f"postgresql://app:{MARKER}@localhost:1/app"},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr.splitlines()[-1].startswith("envconn")
    assert MARKER not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("option", ["--live", "--login", "--enforced"])
def test_show_has_none_of_them(option: str) -> None:
    done = subprocess.run([*COMMAND, "show", option], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (64, "")


@pytest.mark.parametrize("command", ["check", "exec"])
def test_nothing_is_contacted_where_the_configuration_is_wrong(command: str) -> None:
    done = subprocess.run(
        [*COMMAND, command, "--login", "--wait", "60", *(["--", "true"] if command == "exec" else [])],
        env={**os.environ, "DATABASE_URL": f"postgresql://app:{MARKER}@db.example/app?sslmode=disable"},
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr.splitlines()[0].endswith("[tls-disabled]")
    assert len(done.stderr.splitlines()) == 1
