"""``envconn check`` and ``envconn show`` as people and programs see them: streams, exit codes, colours, no secret."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from called import called, refused
from documents import understood
from envconn.cli import main
from envconn.exit_codes import EX_CONFIG, EX_OK, EX_USAGE
from leaks import MARKER
from selfsigned import make

if TYPE_CHECKING:
    from pathlib import Path

    from throwaway.certificates import Certificates

pytestmark = pytest.mark.measured

PG = f"postgresql://app:{MARKER}@db.example/app"
GOOD = {"DATABASE_URL": PG}
BAD = {"DATABASE_URL": f"{PG}?sslmode=disable", "A_DATABASE_URL": f"post:{MARKER}"}
COMMAND = (sys.executable, "-m", "envconn")


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command; whatever it says, it never shows the secret."""
    done = called(*arguments, **variables)
    output = done.stdout + done.stderr
    assert MARKER not in output
    assert "\x1b" not in output, "colour in a pipe"
    return done


NOTHING_TRIED = "No server was contacted: add --live.\n"


def test_check_good() -> None:
    done = run("check", **GOOD)
    assert (done.returncode, done.stderr) == (EX_OK, "")
    assert done.stdout == f"ok database [encrypted] DATABASE_URL, raised\n1 connection: encrypted. {NOTHING_TRIED}"


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"DATABASE_URL": f"{PG}?sslmode=require"}, "ok database [encrypted] DATABASE_URL"),
        ({"DATABASE_URL": f"postgresql://u:{MARKER}@127.0.0.1/d"}, "ok database [local] DATABASE_URL"),
        (
            {"DATABASE_URL": f"postgresql://u:{MARKER}@127.0.0.1/d?sslmode=require"},
            "ok database [encrypted] DATABASE_URL, local",
        ),
        (
            {"DATABASE_URL": f"{PG}?sslmode=disable", "ENVCONN_TLS_WAIVE": "*.example"},
            "ok database [unencrypted] DATABASE_URL, waived by *.example",
        ),
        ({"ENVCONN_PHASE": "build"}, "note ENVCONN_PHASE: "),
    ],
    ids=["as-asked", "local", "local-with-tls", "waived", "build"],
)
def test_check_remarks(variables: dict[str, str], line: str) -> None:
    done = run("check", **variables)
    assert (done.returncode, done.stderr) == (EX_OK, "")
    assert done.stdout.startswith(line)


@pytest.mark.parametrize("command", ["check", "show"])
def test_a_ca_that_ends_is_noted(command: str, certificates: Certificates, tmp_path: Path) -> None:
    end = datetime.now(UTC) + timedelta(days=12, hours=12)
    ca = ssl.DER_cert_to_PEM_cert(make(ca=True, begins=end - timedelta(days=90), ends=end))
    (path := tmp_path / "ca.pem").write_text(ca, encoding="ascii")
    url = f"{PG}?sslmode=verify-full"
    done = run(command, DATABASE_URL=url, DATABASE_CA_CERT=str(path))
    assert (done.returncode, done.stderr) == (EX_OK, "")
    [line] = [line for line in done.stdout.splitlines() if "[ca-expires]" in line]
    assert line.startswith(f"note DATABASE_CA_CERT: the CA in {path} expires soon, 12 days left. ")
    good = run(command, DATABASE_URL=url, DATABASE_CA_CERT=str(certificates.ca))
    assert "[ca-expires]" not in good.stdout


def test_the_summary() -> None:
    others = {"A_DATABASE_URL": f"{PG}?sslmode=require", "B_DATABASE_URL": "sqlite:///b.db", "PGHOST": "x"}
    done = run("check", **GOOD, **others)
    assert done.stdout.splitlines()[-1] == (f"3 connections: 2 encrypted, 1 local; 1 note. {NOTHING_TRIED.rstrip()}")
    assert run("check", ENVCONN_PHASE="build").stdout.splitlines()[-1] == (
        "Nothing is configured, which ENVCONN_PHASE=build allows."
    )


@pytest.mark.parametrize("command", ["check", "show"])
def test_bad(command: str) -> None:
    done = run(command, **BAD)
    assert done.returncode == EX_CONFIG
    refused = "a [refused] A_DATABASE_URL, scheme-unknown\ndatabase [refused] DATABASE_URL, tls-disabled\n"
    assert done.stdout == (refused if command == "show" else "")
    lines = done.stderr.splitlines()
    if command == "check":
        assert lines.pop().startswith("2 errors in 2 variables. More: envconn explain ")
    assert {line.partition(":")[0] for line in lines} == {"error DATABASE_URL", "error A_DATABASE_URL"}
    assert all(line.endswith("]") for line in lines), "the code is at the end"


@pytest.mark.parametrize(
    ("variables", "good"),
    [
        ({**GOOD, "SHOP_DATABASE_URL": f"{PG}?sslmode=disable"}, ["database"]),
        ({**GOOD, "REDIS_URL": f"redis://:{MARKER}@r.example"}, ["database"]),
        ({**GOOD, "REDIS_URL": PG}, ["database"]),
        ({**GOOD, "CACHE_URL": PG}, ["database"]),
        ({"DATABASE_URL": f"rediss://:{MARKER}@r.example"}, []),
        ({**GOOD, "PGSERVICE": "shop"}, []),
        ({**GOOD, "PGGSSENCMODE": "require"}, []),
        ({**GOOD, "PGREQUIREAUTH": "x"}, []),
        ({**GOOD, "ENVCONN_TLS": "x"}, []),
        ({**GOOD, "ENVCONN_TSL": "verify-full"}, []),
        ({**GOOD, "ENVCONN_PHASE": "x"}, []),
        ({**GOOD, "ENVCONN_CACHE_VARIABLE": "NONE"}, ["database"]),
        ({**GOOD, "CACHE_URL": f"rediss://:{MARKER}@r.example", "PGREQUIREAUTH": "x"}, ["cache"]),
    ],
)
def test_ok_is_only_said_of_what_is(variables: dict[str, str], good: list[str]) -> None:
    done = run("check", **variables)
    assert done.returncode == EX_CONFIG
    assert [line.split()[1] for line in done.stdout.splitlines() if line.startswith("ok ")] == good


def test_one_good_and_one_bad() -> None:
    done = run("check", DATABASE_URL=PG, A_DATABASE_URL=f"{PG}?sslmode=disable")
    assert done.returncode == EX_CONFIG
    assert done.stdout.startswith("ok database")
    assert done.stderr.startswith("error A_DATABASE_URL")


def test_show() -> None:
    done = run("show", **GOOD, PGHOST="x")
    assert (done.returncode, done.stderr) == (EX_OK, "")
    for part in (
        "database [encrypted] DATABASE_URL, raised\n",
        "  app on db.example:5432, user app\n",
        "  TLS: ",
        "note PGHOST: ",
    ):
        assert part in done.stdout


@pytest.mark.parametrize("command", ["check", "show"])
@pytest.mark.parametrize(("variables", "code"), [(GOOD, EX_OK), (BAD, EX_CONFIG)], ids=["good", "bad"])
def test_json(command: str, variables: dict[str, str], code: int) -> None:
    done = run(command, "--json", **variables)
    assert (done.returncode, done.stderr) == (code, "")
    output = understood(done.stdout)
    assert output["ok"] is (code == EX_OK)
    assert len(output["problems"]) == (0 if output["ok"] else 2)
    assert [service["name"] for service in output["services"]] == (["database"] if output["ok"] else ["a", "database"])


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nothing"],
        [PG],
        ["check", PG],
        ["check", "--json=" + MARKER],
        ["check", "--unknown", MARKER],
        ["check", f"--{MARKER}"],
        ["check", "--env-file"],
        ["check", "--no-env-file=" + MARKER],
        ["check", "--d", "x", "--no", MARKER],
        ["show", "--"],
        ["exec"],
        ["exec", "--"],
        ["exec", "--no-env-file"],
    ],
    ids=lambda arguments: " ".join(arguments).replace(MARKER, "SECRET").replace(PG, "URL") or "nothing at all",
)
def test_usage(arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    assert refused(capsys, [*arguments, *([MARKER] if arguments == ["show", "--"] else [])])


def test_usage_of_the_command() -> None:
    done = run("check", f"--{MARKER}")
    assert (done.returncode, done.stdout) == (EX_USAGE, "")


OTHER = f"postgresql://app:{MARKER}@other.example/app"
PLANETSCALE = f"postgresql://postgres.b1:{MARKER}@us-east-2.pg.psdb.cloud/d"


@pytest.mark.parametrize("command", ["check", "show"])
@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({**GOOD, "DIRECT_URL": OTHER}, "database (direct) [encrypted] DIRECT_URL"),
        ({**GOOD, "DATABASE_REPLICA_URL": OTHER}, "database (replica) [encrypted] DATABASE_REPLICA_URL"),
        ({**GOOD, "DATABASE_URL_UNPOOLED": OTHER}, "database (direct) [encrypted] DATABASE_URL_UNPOOLED"),
        ({**GOOD, "SHOP_DATABASE_URL": OTHER, "SHOP_DIRECT_URL": PG}, "shop (direct) [encrypted] SHOP_DIRECT_URL"),
        ({"DATABASE_URL": PLANETSCALE}, "[default-role]"),
        ({"DATABASE_URL": f"postgresql://app:{MARKER}@db.example:6432/app"}, "[pooler-likely]"),
        ({"DATABASE_URL": f"postgresql://app:{MARKER}@pgbouncer.example/app"}, "[pooler-likely]"),
    ],
)
def test_siblings_and_hints_are_listed(command: str, variables: dict[str, str], line: str) -> None:
    done = run(command, **variables)
    assert (done.returncode, line in done.stdout) == (EX_OK, True)


@pytest.mark.parametrize("arguments", [["--help"], ["check", "--help"], ["exec", "--help"]], ids=" ".join)
def test_help(arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout.startswith("usage: envconn")) == (EX_OK, True)


@pytest.mark.parametrize(
    ("columns", "paragraph", "group"),
    [
        (40, "\nEvery connection in the environment is\njudged. ", "\n  configuration is right. Each of\n  these"),
        (80, "\nEvery connection in the environment is judged. No server is contacted, ", "options\n  implies --live"),
    ],
)
def test_help_is_wrapped_and_examples_are_not(columns: int, paragraph: str, group: str) -> None:
    output = run("check", "--help", COLUMNS=str(columns)).stdout
    assert paragraph in output
    assert group in output
    assert "\n  envconn check --login --wait 30 --json\n" in output


def test_dotenv(tmp_path: Path) -> None:
    (path := tmp_path / "env").write_text(f"DATABASE_URL={PG}\n", encoding="utf-8")
    assert run("check", "--env-file", str(path)).returncode == EX_OK
    assert run("check", "--env-file", str(tmp_path / "absent")).returncode == EX_CONFIG
    os.symlink(path, ".env")
    assert run("check").returncode == EX_OK
    assert run("check", "--no-env-file").returncode == EX_CONFIG


@pytest.mark.parametrize("command", ["check", "show"])
def test_reader_that_has_closed_the_pipe(command: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*COMMAND, command],
        env={**os.environ, **GOOD},
        check=False,
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=60,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (128 + 13, b"")


def test_head() -> None:
    done = subprocess.run(
        ["sh", "-c", f"'{sys.executable}' -m envconn show | head -n 1"],
        env={**os.environ, **GOOD},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def test_full_disk() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [*COMMAND, "show"], env={**os.environ, **GOOD}, check=False, stdout=full, stderr=subprocess.PIPE, timeout=60
        )
    assert (done.returncode, done.stderr) == (74, b"envconn: No space left on device\n")


def test_a_message_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stderr", full)
        with pytest.raises(SystemExit) as end:
            main(["no-such-command"])
    assert end.value.code == EX_USAGE


@pytest.mark.parametrize(("variables", "code"), [(GOOD, EX_OK), (BAD, EX_CONFIG)], ids=["good", "bad"])
def test_closed_streams(variables: dict[str, str], code: int) -> None:
    line = f"'{sys.executable}' -m envconn check >&- 2>&-"
    done = subprocess.run(["sh", "-c", line], env={**os.environ, **variables}, check=False, timeout=60)
    assert done.returncode == code


def test_main_in_process(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", PG)
    assert main(["check"]) == EX_OK
    assert capsys.readouterr().out.startswith("ok database")


def test_name_that_the_encoding_of_the_output_lacks() -> None:
    done = run("show", DATABASE_URL=f"postgresql://app:{MARKER}@db.example/d\u00fc", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout.splitlines()[1].split()[0]) == (EX_OK, "d\\xfc")


@pytest.mark.parametrize("command", ["check", "show", "exec"])
def test_url_in_the_place_of_a_file(command: str) -> None:
    done = run(command, "--env-file", PG, "--", "true") if command == "exec" else run(command, "--env-file", PG)
    assert done.returncode == EX_CONFIG
    assert "file-missing" in done.stderr


def test_a_static_check_loads_nothing_that_only_a_live_one_needs() -> None:
    code = "import sys; from envconn.cli import main; assert main(['check']) == 0; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **GOOD}, check=True, capture_output=True, text=True, timeout=60
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    # coverage brings json and socket along, where it measures this process as well.
    assert loaded.isdisjoint({"asyncio", "envconn.probe", "shtab", "ssl"})
    assert "envconn.cli.check" in loaded
