"""The command line: what each option means, what is refused, and which word is nearest to a wrong one."""

from __future__ import annotations

import os
import platform
import ssl
import subprocess
import sys
from importlib.metadata import version

import pytest
from psycopg import pq

from called import refused
from envconn.cli import main
from envconn.cli.live import LiveOptions, live_options
from envconn.cli.options import LONGEST
from envconn.cli.parser import parser
from envconn.exit_codes import EX_OK, EX_USAGE
from envconn.export import FORMATS
from leaks import MARKER

pytestmark = pytest.mark.measured

COMMAND = (sys.executable, "-m", "envconn")


@pytest.mark.parametrize("command", ["check", "exec"])
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], None),
        (["--live"], LiveOptions()),
        (["--login"], LiveOptions(login=True)),
        (["--enforcement", "require"], LiveOptions(enforcement="require")),
        (["--enforcement", "report"], LiveOptions()),
        (["--enforcement=skip"], LiveOptions(enforcement="skip")),
        (["--wait", "0"], LiveOptions()),
        (["--wait", "2.5"], LiveOptions(wait=2.5)),
        (["--timeout", "3"], LiveOptions(timeout=3)),
        (["--live", "--wait=1e1", "--timeout=0.5", "--login"], LiveOptions(login=True, wait=10, timeout=0.5)),
        (["--wait", str(LONGEST)], LiveOptions(wait=LONGEST)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_each_means_live(command: str, arguments: list[str], expected: LiveOptions | None) -> None:
    rest = ["--", "true", "--wait", "7"] if command == "exec" else []
    assert live_options(parser().parse_args([command, *arguments, *rest])) == expected


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
        ["--timeout"],
        ["--timeout", "0"],
        ["--timeout", "-5"],
        ["--timeout", "nan"],
        ["--timeout", "never"],
        [f"--timeout={MARKER}"],
        ["--enforcement"],
        ["--enforcement="],
        ["--enforcement", "REQUIRE"],
        ["--enforced"],
        ["--within", "3"],
        ["--dotenv", "x"],
        ["--login=yes"],
        ["--live=1"],
        ["--lo"],
        ["--wai", "3"],
    ],
    ids=lambda arguments: " ".join(arguments).replace(MARKER, "SECRET"),
)
def test_usage(
    command: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://app:{MARKER}@localhost:1/app")
    assert refused(capsys, [command, *arguments])


@pytest.mark.parametrize("option", ["--live", "--login", "--enforcement=skip"])
def test_show_has_none_of_them(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, ["show", option])


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
    last = ["1 error in 1 variable. More: envconn explain tls-disabled"] if command == "check" else []
    assert done.stderr.splitlines()[1:] == last


SUGGESTED = [
    (["chek"], "check"),
    (["shw"], "show"),
    (["check", "--lve"], "--live"),
    (["check", "--env-fil=x"], "--env-file"),
    (["exec", "--exprt", "pg", "--", "true"], "--export"),
    (["fetch", "neo"], "neon"),
    (["fetch", "neon", "--project=p", "--database=d", "--role=r", "--writ=x"], "--write"),
    (["check", "--enforcement", "requires"], "require"),
    (["completion", "bsh"], "bash"),
]
REQUIRED = "a command is required. Use one of check, show, exec, export, fetch, init, explain, schema, completion"
UNLIKE_ANYTHING = [["--x"], [MARKER], ["check", f"--{MARKER}"], ["check", "--enforcement", MARKER], ["fetch", MARKER]]


@pytest.mark.parametrize(("arguments", "nearest"), SUGGESTED, ids=str)
def test_the_nearest_word_is_named(arguments: list[str], nearest: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert misused(arguments, capsys).endswith(f"Did you mean {nearest}?")


@pytest.mark.parametrize("arguments", UNLIKE_ANYTHING, ids=lambda value: " ".join(value).replace(MARKER, "SECRET"))
def test_nothing_near(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    output = misused(arguments, capsys)
    assert output.endswith(".")
    assert MARKER not in output


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        ([], f"envconn: {REQUIRED}"),
        (
            ["--verbose"],
            f"envconn: {REQUIRED}",
        ),
        (["--version", "check"], "envconn: --version and --verbose take no command"),
        (["--verbose", "check"], "envconn: --version and --verbose take no command"),
        (["schema", "--version"], "envconn schema: unknown option or argument. Use one of --help."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_misused(arguments: list[str], output: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert misused(arguments, capsys) == output


def misused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The last line of what is said of a wrong command line."""
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == EX_USAGE
    output = capsys.readouterr()
    assert output.out == ""
    return output.err.splitlines()[-1]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == EX_OK
    assert capsys.readouterr().out == f"envconn {version('envconn')}\n"


def test_versions_of_all_that_is_used(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    monkeypatch.delenv("OPENSSL_CONF", raising=False)
    assert main(["--version", "--verbose"]) == EX_OK
    output = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines()[1:])
    assert output["Python"].startswith(platform.python_version())
    assert output["OpenSSL"].startswith(ssl.OPENSSL_VERSION)
    assert output["libpq of psycopg"] == f"{pq.version() // 10_000}.{pq.version() % 10_000}"
    assert (output["Django"], output["psycopg"]) == (version("django"), version("psycopg"))
    assert (output["SSL_CERT_FILE"], output["CA file"].endswith("(does not exist)")) == ("/nowhere", True)
    assert output.keys() >= {"CA directory", "CA bundle"}
    assert "OPENSSL_CONF" not in output


FETCH = ["fetch", "neon", "--project", "a", "--database", "b", "--role", "c"]
LISTED = "--help, --env-file, --no-env-file, --service, --json, "


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        *(([name, "--service", ""], "--service: must be the name") for name in ("check", "show", "export", "exec")),
        *(([name, "--env-file", ""], "--env-file: must be the path") for name in ("check", "show", "export", "exec")),
        (["check", "--service"], "--service: expected one argument"),
        ([*FETCH, "--env-file", ""], "--env-file: must be the path"),
        ([*FETCH, "--write", ""], "--write: must be the path"),
        ([*FETCH, "--timeout", "nan"], "--timeout: must be a number of seconds"),
        (["check", "--wait", "nan"], "--wait: must be a number of seconds"),
        (["check", "--wait", "-1"], "--wait: "),
        (["check", "--timeout", "inf"], "--timeout: must be a number of seconds"),
        (["check", "--timeout", ""], "--timeout: must be a number of seconds"),
        (["exec", "--libpq", "", "--", "true"], "--libpq: must be a major version"),
        (["check", "--nope"], f"unknown option or argument. Use one of {LISTED}"),
        (["show", MARKER], f"unknown option or argument. Use one of {LISTED}--sources."),
        (["check", "--jsn"], "Did you mean --json?"),
        (
            ["chekc"],
            "init, explain, schema, completion. Did you mean check?",
        ),
        (["completion", "tcsh"], "must be one of bash, zsh, fish"),
        (["fetch", "nope"], "must be one of casedev, neon, planetscale, scalingo"),
    ],
)
def test_arguments(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert message in refused(capsys, arguments)


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize(
    "command", ["", "check", "show", "exec", "export", "fetch", "fetch neon", "init", "explain", "schema", "completion"]
)
def test_help_fits_the_terminal(
    command: str, columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(SystemExit):
        main([*command.split(), "--help"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("usage: envconn")
    # Examples are to be copied, so each is one line.
    assert [line for line in lines if len(line) > columns and not line.startswith(("  envconn", "  eval"))] == []


def test_help_names_every_format(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit):
        main(["export", "--help"])
    assert f"one of {', '.join(FORMATS)}" in " ".join(capsys.readouterr().out.split())
