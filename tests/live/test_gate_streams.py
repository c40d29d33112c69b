"""The live proof on a terminal, in a pipe that breaks, on a full disk, and with its streams closed."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from commands import MARKER, command, environment
from throwaway.process import free_port

if TYPE_CHECKING:
    from lab import Lab
    from throwaway.certificates import Certificates

AWAY = f"postgresql://app:{MARKER}@localhost:{{port}}/app?sslmode=require"
ERASE = "\r\x1b[K"
SUMMARY = "1 error in 1 variable. More: envconn explain connection-refused"


@pytest.fixture
def good(lab: Lab, certificates: Certificates) -> dict[str, str]:
    return {"DATABASE_URL": lab["good"].uri(sslmode="verify-full"), "DATABASE_CA_CERT": str(certificates.ca)}


@pytest.fixture
def away() -> dict[str, str]:
    return {"DATABASE_URL": AWAY.format(port=free_port())}


def on_terminal(*arguments: str, **variables: str) -> tuple[int, str]:
    """Run the command where all streams are a terminal; return its exit code and what a person would see."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command(*arguments), env=environment(variables), stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        seen = b""
        while True:
            try:
                seen += os.read(ours, 4096)
            except OSError:  # the other side is closed
                break
        code = process.wait(60)
    os.close(ours)
    assert MARKER not in seen.decode()
    return code, seen.decode().replace("\r\n", "\n")


def test_colours(good: dict[str, str]) -> None:
    code, seen = on_terminal("check", "--live", "--timeout", "20", **good)
    assert code == 0
    assert seen.startswith(f"{ERASE}contacting database{ERASE}\x1b[1;32mok\x1b[0m     database \x1b[32m[verify-full]")


def test_colours_of_a_failure(lab: Lab, certificates: Certificates) -> None:
    uri = lab["expired"].uri(sslmode="verify-full", sslrootcert=str(certificates.ca))
    code, seen = on_terminal("check", "--live", "--timeout", "20", DATABASE_URL=uri)
    assert code == 76
    assert seen.startswith(f"{ERASE}contacting database{ERASE}\x1b[1;31mfailed\x1b[0m database \x1b[32m[verify-full]")
    assert "\n\x1b[1;31merror\x1b[0m  DATABASE_URL: " in seen


def test_colour_of_a_warning(lab: Lab) -> None:
    code, seen = on_terminal("check", "--live", "--timeout", "20", DATABASE_URL=lab["both"].uri(sslmode="require"))
    assert (code, "\n\x1b[1;33mwarning\x1b[0m DATABASE_URL: " in seen) == (0, True)


def test_one_line_is_written_over(away: dict[str, str]) -> None:
    code, seen = on_terminal("check", "--wait", "1", **away)
    assert code == 69
    nothing, contacting, *waiting, rest = seen.split(ERASE)
    assert (nothing, contacting) == ("", "contacting database")
    assert len(waiting) > 1
    assert all(line.startswith("waiting 1 s for DATABASE_URL: ") for line in waiting)
    assert all(len(line) < 80 for line in waiting)
    assert rest.startswith("\x1b[1;31merror\x1b[0m  DATABASE_URL: localhost:")
    assert rest.endswith(f"\n{SUMMARY}\n")


def test_no_colour_where_none_is_wanted(away: dict[str, str]) -> None:
    _, seen = on_terminal("check", "--wait", "0.2", NO_COLOR="1", **away)
    assert "\x1b" not in seen.replace(ERASE, "")
    assert ERASE in seen


def test_plain_lines_where_a_terminal_can_do_nothing(away: dict[str, str]) -> None:
    _, seen = on_terminal("check", "--wait", "0.2", TERM="dumb", **away)
    assert re.sub(r"DATABASE_URL.*", "", seen) == f"waiting for \nerror \n{SUMMARY}\n"


def test_json_on_a_terminal_ends_the_line_first(away: dict[str, str]) -> None:
    _, seen = on_terminal("check", "--wait", "0.2", "--json", **away)
    assert seen.rpartition(ERASE)[2].startswith("{\n")


@pytest.mark.parametrize("arguments", [["check", "--live"], ["check", "--live", "--json"]], ids=" ".join)
def test_reader_of_stdout_that_has_closed_it(arguments: list[str], good: dict[str, str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        command(*arguments), env=environment(good), check=False, stdout=writer, stderr=subprocess.PIPE, timeout=60
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (128 + 13, b"")


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("arguments", [["check"], ["exec"]], ids=" ".join)
def test_reader_of_stderr_that_has_closed_it(arguments: list[str], unbuffered: str, away: dict[str, str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    child = ["--", "echo", "started"] if "exec" in arguments else []
    done = subprocess.run(
        command(*arguments, "--wait", "0.2", *child),
        env={**environment(away), "PYTHONUNBUFFERED": unbuffered},
        check=False,
        stdout=subprocess.PIPE,
        stderr=writer,
        timeout=60,
    )
    os.close(writer)
    assert (done.returncode, done.stdout) == (128 + 13, b"")


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize(("arguments", "code"), [(["check", "--wait", "0.2"], 74), (["no-such-command"], 64)])
def test_full_disk_for_everything(arguments: list[str], code: int, unbuffered: str, away: dict[str, str]) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            command(*arguments),
            env={**environment(away), "PYTHONUNBUFFERED": unbuffered},
            check=False,
            stdout=full,
            stderr=full,
            timeout=60,
        )
    assert done.returncode == code


def test_full_disk(good: dict[str, str]) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            command("check", "--live", "--json"),
            env=environment(good),
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (74, b"envconn: No space left on device\n")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams(closed: str, good: dict[str, str], away: dict[str, str]) -> None:
    for variables, code in ((good, 0), (away, 69)):
        line = f"{' '.join(command('check', '--live'))} {closed}"
        done = subprocess.run(["sh", "-c", line], env=environment(variables), check=False, timeout=60)
        assert done.returncode == code
