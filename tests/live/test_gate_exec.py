"""``envconn exec --live``: after the proof there is nothing left of us but the command."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from commands import MARKER, command, environment, run, started
from throwaway.process import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from lab import Lab
    from throwaway.certificates import Certificates

pytestmark = pytest.mark.measured

LIVE = ("--live", "--timeout", "20")


@pytest.fixture
def good(lab: Lab, certificates: Certificates) -> dict[str, str]:
    return {"DATABASE_URL": lab["good"].uri(sslmode="verify-full"), "DATABASE_CA_CERT": str(certificates.ca)}


@pytest.mark.parametrize("code", [0, 1, 69, 76, 78, 255])
def test_exit_code_is_the_commands_own(code: int, good: dict[str, str]) -> None:
    done = run("exec", *LIVE, "--", "sh", "-c", f"exit {code}", **good)
    assert (done.code, done.out, done.err) == (code, "", "")


def test_process_is_replaced(good: dict[str, str]) -> None:
    with started("exec", *LIVE, "--", "sh", "-c", "echo $$; exec sleep 60", **good) as process:
        assert process.stdout
        assert process.stdout.readline() == f"{process.pid}\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == -signal.SIGTERM


@pytest.mark.parametrize("name", ["SIGPIPE", "SIGXFSZ", "SIGINT", "SIGTERM", "SIGCHLD", "SIGHUP"])
def test_no_signal_is_ignored_or_blocked_on_the_commands_behalf(name: str, good: dict[str, str]) -> None:
    done = run("exec", *LIVE, "--", "grep", "^Sig[BI]", "/proc/self/status", **good)
    masks = dict(line.split(":") for line in done.out.splitlines())
    assert set(masks) == {"SigBlk", "SigIgn"}
    for mask in masks.values():
        assert not int(mask, 16) & 1 << (signal.Signals[name] - 1)


def test_no_file_is_left_open(good: dict[str, str]) -> None:
    done = run("exec", *LIVE, "--", "sh", "-c", "ls /proc/$$/fd", **good)
    assert done.out.split() == ["0", "1", "2"]


def test_streams_pass_through(good: dict[str, str]) -> None:
    done = subprocess.run(
        command("exec", *LIVE, "--", "sh", "-c", "cat; echo said >&2"),
        env=environment(good),
        check=True,
        capture_output=True,
        input="in\n",
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("in\n", "said\n")


@pytest.mark.parametrize("state", ["expired", "notls", "wronghost", "unknownca"])
def test_nothing_is_started_where_tls_is_not_as_promised(
    state: str, lab: Lab, certificates: Certificates, tmp_path: Path
) -> None:
    uri = lab[state].uri(sslmode="verify-full", sslrootcert=str(certificates.ca))
    done = run("exec", *LIVE, "--", "touch", str(tmp_path / "started"), DATABASE_URL=uri)
    assert (done.code, done.out) == (76, "")
    assert done.codes
    assert not (tmp_path / "started").exists()


def test_nothing_is_started_where_nothing_listens(tmp_path: Path) -> None:
    uri = f"postgresql://app:{MARKER}@localhost:{free_port()}/app"
    done = run("exec", "--wait", "0.2", "--", "touch", str(tmp_path / "started"), DATABASE_URL=uri)
    assert (done.code, done.codes) == (69, ["connection-refused"])
    assert not (tmp_path / "started").exists()


def test_warnings_do_not_stop_it(lab: Lab) -> None:
    uri = lab["both"].uri(sslmode="require")
    done = run("exec", *LIVE, "--", "echo", "started", DATABASE_URL=uri)
    assert (done.code, done.out) == (0, "started\n")
    assert done.err.startswith("warning DATABASE_URL: ")
    assert done.err.endswith("[tls-not-enforced]\n")


def test_a_command_that_is_not_there(good: dict[str, str]) -> None:
    done = run("exec", *LIVE, "--", "no-command-of-this-name", **good)
    assert (done.code, done.err) == (127, "envconn exec: no-command-of-this-name: command not found\n")


def test_no_command_is_found_out_before_anything_is_contacted() -> None:
    done = run("exec", "--wait", "3600", "--", DATABASE_URL=f"postgresql://app:{MARKER}@localhost:1/app")
    assert (done.code, done.err) == (64, "envconn exec: a command is required. Use envconn exec -- COMMAND...\n")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(closed: str, good: dict[str, str], tmp_path: Path) -> None:
    """What is contacted must not end up as the command's own stdin, stdout or stderr."""
    words = " ".join(command("exec", *LIVE, "--", "sh", "-c", "'ls -l /proc/$$/fd >\"$FOUND\"'"))
    found = tmp_path / "found"
    done = subprocess.run(
        ["sh", "-c", f"{words} {closed}"], env=environment({**good, "FOUND": str(found)}), check=False, timeout=60
    )
    assert done.returncode == 0
    assert str(found) in (open_files := found.read_text(encoding="utf-8"))
    assert "socket:" not in open_files
    assert "anon_inode:" not in open_files
