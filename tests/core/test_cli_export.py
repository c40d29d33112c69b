"""``envconn export``: what goes where, what it says when it cannot, and who is shown secrets."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from called import called, refused
from envconn.cli import main
from envconn.exit_codes import EX_CONFIG, EX_OK, EX_USAGE
from envconn.export import FORMATS, FormatName
from leaks import MARKER

if TYPE_CHECKING:
    from pathlib import Path

    from throwaway.certificates import Certificates

PG = f"postgresql://app:{MARKER}@db.example/app"
NEON = f"postgresql://app:{MARKER}@ep-a-b-123456-pooler.eu-central-1.aws.neon.tech/d?sslmode=require"
COMMAND = (sys.executable, "-m", "envconn", "export")
MASKED = "Secrets are masked: use --reveal to print them\n"


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command. Without ``--reveal`` it never shows the secret."""
    done = called("export", *arguments, **variables)
    assert MARKER not in done.stderr
    assert "--reveal" in arguments or MARKER not in done.stdout
    return done


@pytest.mark.parametrize("name", FORMATS)
def test_every_format(name: FormatName) -> None:
    masked, revealed = run(name, DATABASE_URL=PG), run(name, "--reveal", DATABASE_URL=PG)
    assert masked.returncode == EX_OK
    title = FORMATS[name].title.replace("`", "")
    assert masked.stderr == f"envconn export: {title}. {MASKED}"
    assert (revealed.returncode, revealed.stderr) == (EX_OK, "")
    assert masked.stdout == revealed.stdout.replace(MARKER, "MASKED")
    assert ("MASKED" in masked.stdout) is (name != "pg_service")
    assert masked.stdout.endswith("\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], r"the following arguments are required: FORMAT"),
        (["odbc"], rf"unsupported format. Use one of {', '.join(FORMATS)}"),
        ([PG], r"unsupported format. Use one of .*"),
        (["jdbc", PG], r"unknown option or argument\. Use one of --help, .*"),
        (["jdbc", "--service", "shop"], r"--service: not found. Use one of database, cache"),
        (["jdbc", "--service", MARKER], r"--service: not found. Use one of database, cache"),
        (["jdbc", "--pooled", "--direct"], r"argument --direct: not allowed with argument --pooled"),
        (["jdbc", "--ca", "ca.pem"], r"--ca: must be an absolute path"),
        *(
            (["uri", "--libpq", wrong], r"argument --libpq: must be a major version, 13 or newer")
            for wrong in ("12", "x", "1700", "")
        ),
    ],
)
def test_usage(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", PG)
    monkeypatch.setenv("CACHE_URL", f"redis://:{MARKER}@127.0.0.1/0")
    assert re.fullmatch(rf"envconn( export)?: {message}", refused(capsys, ["export", *arguments]))


@pytest.mark.parametrize(
    ("arguments", "variables", "line"),
    [
        (
            ["jdbc"],
            {"DATABASE_URL": f"{PG}?sslmode=disable"},
            r"error DATABASE_URL: sslmode=disable .* \[tls-disabled\]",
        ),
        (
            ["jdbc"],
            {},
            r"error DATABASE_URL: not set in the environment, and there is no .*env. Set it .*\[database-missing\]",
        ),
        (
            ["jdbc"],
            {"DATABASE_URL": "mysql://a:b@db.example/d"},
            r"error DATABASE_URL: holds a mysql connection, .* \[export-unsupported\]",
        ),
        (
            ["npgsql"],
            {"DATABASE_URL": f"{PG}?hostaddr=10.0.0.1"},
            r"error DATABASE_URL: Npgsql does not support hostaddr\. .*",
        ),
        (
            ["jdbc", "--replica"],
            {"DATABASE_URL": PG},
            r"error DATABASE_URL: an endpoint on a replica: .* \[endpoint-unavailable\]",
        ),
        (
            ["uri", "--libpq", "15"],
            {"DATABASE_URL": f"{PG}?require_auth=scram-sha-256"},
            r"error DATABASE_URL: require_auth requires libpq 16 or newer\. .* \[export-unsupported\]",
        ),
        (
            ["uri", "--libpq", "15"],
            {"DATABASE_URL": PG, "PGREQUIREAUTH": "scram-sha-256"},
            r"error PGREQUIREAUTH: require_auth requires libpq 16 or newer\. .* \[export-unsupported\]",
        ),
        (
            ["jdbc"],
            {"DATABASE_URL": PG, "PGREQUIREAUTH": "scram-sha-256"},
            r"error PGREQUIREAUTH: pgjdbc does not support require_auth\. .*",
        ),
        (
            ["uri"],
            {"DATABASE_URL": PG, "PGSERVICE": "shop"},
            r"error PGSERVICE: .*",
        ),
    ],
)
def test_configuration(arguments: list[str], variables: dict[str, str], line: str) -> None:
    done = run(*arguments, **variables)
    assert (done.returncode, done.stdout) == (EX_CONFIG, "")
    assert re.fullmatch(line, done.stderr.rstrip("\n"))


def test_a_service_file_is_forgotten() -> None:
    done = run("pg", DATABASE_URL=PG, PGSERVICE="shop")
    assert done.returncode == EX_OK
    assert "PGSERVICE" in done.stdout.splitlines()[-1].removeprefix("unset ").split()


def test_nothing_to_export() -> None:
    done = run("uri", ENVCONN_PHASE="build")
    assert (done.returncode, done.stderr) == (
        EX_USAGE,
        "envconn export: --service: not found. No service is configured\n",
    )


def test_services_and_endpoints() -> None:
    variables = {"DATABASE_URL": NEON, "SHOP_DATABASE_URL": f"{PG}2", "CACHE_URL": f"redis://:{MARKER}@127.0.0.1/0"}
    found = {
        arguments: run("dotenv", *arguments, **variables).stdout.partition("?")[0].rstrip("'\n")
        for arguments in ((), ("--direct",), ("--pooled",), ("--service", "shop"), ("--service", "cache"))
    }
    host = "ep-a-b-123456{}.eu-central-1.aws.neon.tech:5432/d"
    assert found == {
        (): f"DATABASE_URL='postgresql://app:MASKED@{host.format('-pooler')}",
        ("--direct",): f"DATABASE_URL='postgresql://app:MASKED@{host.format('')}",
        ("--pooled",): f"DATABASE_URL='postgresql://app:MASKED@{host.format('-pooler')}",
        ("--service", "shop"): "SHOP_DATABASE_URL='postgresql://app:MASKED@db.example:5432/app2",
        ("--service", "cache"): "CACHE_URL='redis://:MASKED@127.0.0.1:6379/0",
    }


def test_version_of_libpq() -> None:
    assert "require_auth" not in run("conninfo", DATABASE_URL=PG).stdout
    assert "require_auth" in run("conninfo", "--libpq", "16", DATABASE_URL=PG).stdout


def test_dotenv(tmp_path: Path) -> None:
    (path := tmp_path / "env").write_text(f"DATABASE_URL={PG}\n", encoding="utf-8")
    assert "db.example" in run("uri", "--env-file", str(path)).stdout
    assert run("uri", "--no-env-file").returncode == EX_CONFIG


def test_ca_text_gets_a_file_on_this_machine(certificates: Certificates, tmp_path: Path) -> None:
    pem = certificates.ca.read_text("ascii")
    variables = {
        "DATABASE_URL": f"{PG}?sslmode=verify-full",
        "DATABASE_CA_CERT": pem,
        "XDG_RUNTIME_DIR": str(tmp_path),
    }
    (path,) = re.findall(r"&sslrootcert=([^&\n]+)", run("jdbc", **variables).stdout)
    assert path.startswith(str(tmp_path))
    with open(path, encoding="ascii") as stream:
        assert stream.read().split() == pem.split()
    message = run("kubernetes", **variables)
    assert (message.returncode, message.stdout, "pass --ca PATH [export-unsupported]" in message.stderr) == (
        EX_CONFIG,
        "",
        True,
    )
    there = run("kubernetes", "--ca", "/etc/db/ca.crt", **variables).stdout
    assert 'DATABASE_SSLROOTCERT: "/etc/db/ca.crt"' in there
    assert "sslrootcert=/there&" in run("dotenv", "--ca", "/there", **variables).stdout


def test_ca_text_without_a_place(certificates: Certificates) -> None:
    variables = {
        "DATABASE_URL": f"{PG}?sslmode=verify-full",
        "DATABASE_CA_CERT": certificates.ca.read_text("ascii"),
        "XDG_RUNTIME_DIR": "",
    }
    code = (
        "import tempfile; tempfile.tempdir = '/dev/null'; from envconn.tls import ca_file; "
        "ca_file.SHARED_MEMORY = '/dev/null'; from envconn.cli import main; exit(main(['export', 'pg']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **variables},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (EX_CONFIG, "")
    assert done.stderr.startswith("error DATABASE_CA_CERT: CA: is text, and no directory is writable")
    assert done.stderr.endswith("[ca-unwritable]\n")


def test_one_encoding_for_programs() -> None:
    url = "postgresql://app:p%C3%BC@db.example/d%C3%BC"
    assert run("npgsql", "--reveal", DATABASE_URL=url, PYTHONIOENCODING="ascii").stdout.startswith(
        'Host=db.example;Port=5432;Database="d\u00fc";Username=app;Password="p\u00fc";'
    )


def on_terminal(*arguments: str) -> tuple[str, str]:
    """Run the command with a terminal for its output and a pipe for its errors; return both."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *arguments],
        env={**os.environ, "DATABASE_URL": PG},
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(theirs)
        assert process.stderr
        message = process.stderr.read()
        seen = os.read(ours, 65536).decode()
        assert process.wait(60) == EX_OK
    os.close(ours)
    return seen, message


@pytest.mark.measured
def test_warning_on_a_terminal() -> None:
    seen, message = on_terminal("dotenv", "--reveal")
    assert MARKER in seen
    assert message.endswith(". It contains secrets, and the terminal may keep them\n")
    seen, message = on_terminal("dotenv")
    assert MARKER not in seen
    assert message == f"envconn export: a line of a .env file. {MASKED}"


def test_main_in_process(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", PG)
    assert main(["export", "dotenv", "--reveal"]) == EX_OK
    assert capsys.readouterr().out == (
        f"DATABASE_URL='{PG.removesuffix('/app')}:5432/app?sslmode=require&gssencmode=disable'\n"
    )


def test_stream_of_a_program_that_calls_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", PG)
    monkeypatch.setattr(sys, "stdout", seen := io.StringIO())
    assert main(["export", "dotenv", "--reveal"]) == EX_OK
    assert seen.getvalue().startswith("DATABASE_URL='")


def test_full_disk() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [*COMMAND, "uri", "--reveal"],
            env={**os.environ, "DATABASE_URL": PG},
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (74, b"envconn: No space left on device\n")
