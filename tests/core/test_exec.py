"""``envconn exec``: after the check there is nothing left of us but the command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from leaks import MARKER

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.measured

PG = f"postgresql://app:{MARKER}@db.example/app"
EXEC = (sys.executable, "-m", "envconn", "exec")


def run(*arguments: str, url: str = PG, text: str = "") -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*EXEC, *arguments],
        env={**os.environ, "DATABASE_URL": url},
        check=False,
        capture_output=True,
        input=text,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    assert MARKER not in done.stderr
    return done


@pytest.mark.parametrize(
    "separator", [["--"], ["--no-env-file", "--"], []], ids=["dashes", "option-and-dashes", "nothing"]
)
def test_streams_and_arguments_pass_through(separator: list[str]) -> None:
    done = run(*separator, "sh", "-c", 'cat; echo "$@" >&2', "sh", "--json", "a b", text="in\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "in\n", "--json a b\n")


@pytest.mark.parametrize("code", [0, 1, 64, 78, 255])
def test_exit_code_is_the_commands_own(code: int) -> None:
    assert run("--", "sh", "-c", f"exit {code}").returncode == code


def test_environment_is_the_commands_own(tmp_path: Path) -> None:
    (path := tmp_path / "env").write_text("ONLY_IN_THE_FILE=1\n", encoding="utf-8")
    done = run("--env-file", str(path), "--", "sh", "-c", 'echo "$DATABASE_URL$ONLY_IN_THE_FILE"')
    assert done.stdout == f"{PG}\n", "what the file says is for reading, not for handing on"


def test_environment_has_nothing_that_python_added() -> None:
    """In the C locale, Python sets ``LC_CTYPE``; a command that was started without it does not get it."""
    measured = {name: value for name, value in os.environ.items() if name.startswith(("COVERAGE_", "COV_"))}
    for environ in ({}, {"LC_CTYPE": "C.UTF-8"}, {"LC_ALL": "C"}):
        given = {"DATABASE_URL": PG, **measured, **environ}
        done = subprocess.run(
            [*EXEC, "--", "/usr/bin/env"], env=given, check=True, capture_output=True, text=True, timeout=60
        )
        assert dict(line.split("=", 1) for line in done.stdout.splitlines()) == given


def test_process_is_replaced() -> None:
    with subprocess.Popen(
        [*EXEC, "--", "sh", "-c", "echo $$; exec sleep 60"],
        env={**os.environ, "DATABASE_URL": PG},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == f"{process.pid}\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == -signal.SIGTERM


@pytest.mark.parametrize("name", ["SIGPIPE", "SIGXFSZ", "SIGINT", "SIGTERM"])
def test_no_signal_is_ignored_on_the_commands_behalf(name: str) -> None:
    """Python ignores two, and what is ignored would stay so."""
    number = signal.Signals[name]
    done = run("--", "sh", "-c", f"kill -{number.name[3:]} $$; echo survived")
    assert (done.returncode, done.stdout) == (-number, "")


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        ("/nowhere/at/all", 127, "command not found"),
        ("no-command-of-this-name", 127, "command not found"),
        ("/", 126, "Permission denied"),
        ("./plain", 126, "Permission denied"),
        ("./binary", 126, "Exec format error"),
        ("./plain/below", 126, "Not a directory"),
    ],
    ids=["path", "name", "directory", "not-executable", "not-a-program", "below-a-file"],
)
def test_command_that_cannot_be_run(monkeypatch: pytest.MonkeyPatch, command: str, code: int, message: str) -> None:
    monkeypatch.setenv("PATH", os.defpath)  # a directory there that this user may not search would make it 126
    for name, mode in (("plain", 0o600), ("binary", 0o700)):
        with open(name, "wb") as stream:
            stream.write(b"\x00\x01")
        os.chmod(name, mode)
    done = run("--", command)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr == f"envconn exec: {command}: {message}\n"


def test_nothing_is_started_when_the_configuration_is_wrong(tmp_path: Path) -> None:
    done = run("--", "touch", str(tmp_path / "started"), url=f"{PG}?sslmode=disable")
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr.startswith("error DATABASE_URL: sslmode=disable")
    assert done.stderr.endswith("[tls-disabled]\n")
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("command", [[], [""]], ids=["nothing", "empty"])
def test_no_command(command: list[str]) -> None:
    done = run("--", *command)
    assert (done.returncode, done.stderr) == (
        64,
        "envconn exec: a command is required. Use envconn exec -- COMMAND...\n",
    )
