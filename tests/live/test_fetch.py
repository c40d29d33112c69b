"""``envconn fetch`` as people, shells and programs see it: streams, files, exit codes, and secrets only where asked."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import dotenv
import pytest

import envconn
from apis import PASSWORD, TOKEN, status
from documents import understood
from envconn.cli import main
from envconn.records import replace
from leaks import find

if TYPE_CHECKING:
    from collections.abc import Callable

    from apis import Peer
    from throwaway.certificates import Certificates

CASEDEV = ("casedev", "--project", "proj_abc123")
NEON = ("neon", "--project", "quiet-sun-123", "--database", "neondb", "--role", "neondb_owner")
PLANETSCALE = ("planetscale", "--organization", "acme", "--database", "app", "--role", "api")
SCALINGO = ("scalingo", "--app", "my-app")
COMMAND = (sys.executable, "-m", "envconn", "fetch")


class Output(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def fetch(peer: Peer, capsys: pytest.CaptureFixture[str]) -> Callable[..., Output]:
    """Run the command here. The token is never in what it says, and the password only where that was asked for."""

    def run(*arguments: str) -> Output:
        try:
            code = main(["fetch", *arguments])
        except SystemExit as left:
            code = int(str(left.code))
        output = Output(code, *capsys.readouterr())
        assert find(TOKEN, output._asdict() | {"code": ""}) == {}
        assert find(PASSWORD, {"err": output.err}) == {}
        if not {"--shell", "--reveal"} & set(arguments):
            assert find(PASSWORD, {"out": output.out}) == {}
        return output

    return run


def test_for_a_person(fetch: Callable[..., Output]) -> None:
    output = fetch(*CASEDEV, "--branch", "staging", "--pooled")
    assert (output.code, output.err) == (0, "")
    lines = output.out.splitlines()
    assert lines[0].startswith("database [encrypted] case.dev API")
    assert lines[1].startswith("  neondb on ep-quiet-meadow-a1b2c3d4-pooler.us-east-1.aws.neon.tech:5432, ")
    assert lines[-2:] == ["answered branch: staging", "answered pooled: yes"]


def test_without_a_branch_none_is_printed(fetch: Callable[..., Output]) -> None:
    assert fetch(*SCALINGO).out.splitlines()[-1] == "answered pooled: no"
    assert "answered branch" not in fetch(*SCALINGO).out


def test_json(fetch: Callable[..., Output]) -> None:
    output = fetch(*NEON, "--pooled", "--json")
    assert (output.code, output.err) == (0, "")
    document = understood(output.out)
    assert document["ok"]
    assert document["services"][0]["origin"]["source"] == "remote"
    assert document["fetched"] == {
        "provider": "neon",
        "branch": None,
        "pooled": True,
        "variable": "DATABASE_URL",
        "file": None,
    }
    assert [note["code"] for note in document["notes"]] == ["tls-better"]


@pytest.mark.parametrize(
    ("script", "code", "exit_code"),
    [
        (status(401), "token-refused", 77),
        (status(404), "resource-missing", 78),
        (status(500), "server-failed", 69),
        (status(200, b""), "answer-malformed", 78),
        (status(200, {"uri": f"postgresql://neondb_owner:{PASSWORD}@h/neondb?sslmode=disable"}), "tls-disabled", 78),
    ],
)
def test_failures(fetch: Callable[..., Output], peer: Peer, script: object, code: str, exit_code: int) -> None:
    peer.script.extend([script] * 8)  # type: ignore[list-item]
    output = fetch(*NEON)
    assert (output.code, output.out) == (exit_code, "")
    assert output.err.startswith("error ")
    assert output.err.endswith(f"[{code}]\n")
    peer.script.clear()
    peer.script.extend([script] * 8)  # type: ignore[list-item]
    output = fetch(*NEON, "--json")
    document = understood(output.out)
    assert (output.code, document["exit_code"], document["ok"]) == (exit_code, exit_code, False)
    assert [problem["code"] for problem in document["problems"]] == [code]
    assert document["fetched"] is None


def test_failures_are_annotated(fetch: Callable[..., Output], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.delenv("NEON_API_KEY")
    for more in ((), ("--json",)):
        assert "::error title=envconn%3A token-missing::" in fetch(*NEON, *more).err


@pytest.mark.parametrize("command", [CASEDEV, NEON, (*PLANETSCALE, "--create"), SCALINGO], ids=lambda each: each[0])
def test_a_file_that_others_read_alike(
    fetch: Callable[..., Output], monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    Path("prod.env").write_text("A='1'\nDATABASE_URL=old\n# end\n", encoding="ascii")
    output = fetch(*command, "--write", "prod.env")
    assert output == (0, "DATABASE_URL is in prod.env\n", "")
    text = Path("prod.env").read_text(encoding="ascii")
    assert text.startswith("A='1'\nDATABASE_URL='postgresql://")
    assert text.endswith("'\n# end\n")
    assert stat.S_IMODE(Path("prod.env").stat().st_mode) == 0o600
    ours = envconn.load(env_file="prod.env").database
    assert ours.password
    assert PASSWORD in ours.password.reveal()
    theirs = dotenv.dotenv_values("prod.env")["DATABASE_URL"]
    assert theirs
    assert envconn.secure(envconn.parse(theirs)).uri().reveal() == ours.uri().reveal()
    assert "sslmode=prefer" not in theirs, "what was raised is written as it was raised"


@pytest.mark.parametrize("password", ["a'b", 'a"b', "a$HOME", "a${HOME}", "a${A:-b}", "a\\b", "a\\'", "ä"])
def test_a_file_for_any_password(fetch: Callable[..., Output], peer: Peer, password: str) -> None:
    uri = f"postgresql://neondb_owner:{password}@ep-a-1.us-east-1.aws.neon.tech/neondb?sslmode=require"
    peer.script.append(status(200, {"uri": uri}))
    assert fetch(*NEON, "--write", "x.env").code == 0
    theirs, ours = dotenv.dotenv_values("x.env")["DATABASE_URL"], envconn.load(env_file="x.env").database.password
    assert theirs
    assert envconn.parse(theirs).password == ours == envconn.Secret(password)


def test_a_file_with_json(fetch: Callable[..., Output]) -> None:
    output = fetch(*CASEDEV, "--write", "new.env", "--name", "STAGING_DATABASE_URL", "--json")
    assert understood(output.out)["fetched"]["file"] == "new.env"
    assert understood(output.out)["fetched"]["variable"] == "STAGING_DATABASE_URL"
    assert list(envconn.load({"ENVCONN_PHASE": "build"}, env_file="new.env")) == ["staging"]


@pytest.mark.parametrize("path", ["nowhere/.env", ".", f"postgresql://u:{PASSWORD}@h/d"])
def test_a_password_is_not_made_for_a_file_that_cannot_be(fetch: Callable[..., Output], peer: Peer, path: str) -> None:
    output = fetch(*PLANETSCALE, "--create", "--write", path)
    assert (output.code, output.out) == (78, "")
    assert peer.requests == []


def test_a_file_with_an_open_quote(fetch: Callable[..., Output]) -> None:
    Path(".env").write_text("A='never closed\n", encoding="ascii")
    output = fetch(*CASEDEV, "--no-env-file", "--write", ".env")
    assert (output.code, output.err.endswith(" [dotenv-syntax]\n")) == (78, True)
    assert Path(".env").read_text(encoding="ascii") == "A='never closed\n"


@pytest.mark.parametrize("password", ["a'b", 'a"b', "a`id`", "a$HOME", "a${HOME}", "a\\b", "a!b", "a;b", "ä", "a{b}"])
def test_export_is_for_eval(fetch: Callable[..., Output], peer: Peer, password: str) -> None:
    uri = f"postgresql://neondb_owner:{password}@ep-a-1.us-east-1.aws.neon.tech/neondb?sslmode=require"
    for name in ("DATABASE_URL", "N"):
        peer.script.append(status(200, {"uri": uri}))
        output = fetch(*NEON, "--shell", "--name", name)
        assert (output.code, output.err, output.out.count("\n")) == (0, "", 1)
        line = f'eval "$1"; printf %s "${name}"'
        done = subprocess.run(["sh", "-c", line, "sh", output.out], check=True, capture_output=True, timeout=30)
        read = envconn.parse(done.stdout.decode())
        assert read.password == envconn.Secret(password)
        assert read == replace(envconn.parse(uri), origin=read.origin)


def test_reveal(fetch: Callable[..., Output], peer: Peer) -> None:
    assert fetch(*NEON, "--reveal") == (0, f"{peer.neon()}\n", "")


def test_a_ca_that_is_text_outlives_the_command(
    fetch: Callable[..., Output], certificates: Certificates, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("ENVCONN_TLS", "verify-full")
    monkeypatch.setenv("DATABASE_CA_CERT", certificates.ca.read_text(encoding="ascii"))
    output = fetch(*NEON, "--write", "x.env")
    assert output.code == 0, output
    raised = envconn.parse(str(dotenv.dotenv_values("x.env")["DATABASE_URL"]))
    assert raised.parameters["sslmode"] == "verify-full"
    assert Path(raised.parameters["sslrootcert"]).is_file()
    assert raised.parameters["sslrootcert"].startswith(str(tmp_path))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "the following arguments are required: PROVIDER"),
        (("vercel",), "argument PROVIDER: must be one of"),
        ((f"postgresql://u:{PASSWORD}@h/d",), "argument PROVIDER: must be one of"),
        (("casedev",), "the following arguments are required: --project"),
        (("neon", "--project", "p", "--role", "r"), "the following arguments are required: --database"),
        ((*CASEDEV, "--token", TOKEN), "unknown option or argument"),
        ((*CASEDEV, "--create"), "unknown option or argument"),
        ((*SCALINGO, "--pooled"), "unknown option or argument"),
        ((*CASEDEV, "--write", "x", "--shell"), "argument --shell: not allowed with argument --write"),
        ((*CASEDEV, "--name", "A B"), "--name must be the name of a variable"),
        ((*CASEDEV, "--name", ""), "--name must be the name of a variable"),
        ((*CASEDEV, "--name", "1A"), "--name must be the name of a variable"),
        ((*CASEDEV, "--name", "A=1;B"), "--name must be the name of a variable"),
        ((*CASEDEV, "--json", "--shell"), "--json prints no secret; remove --shell and --reveal"),
        ((*CASEDEV, "--json", "--reveal"), "--json prints no secret; remove --shell and --reveal"),
        ((*CASEDEV, "--write", "x", "--reveal"), "--write prints no secret; remove --reveal"),
        *(
            (
                (*CASEDEV, "--timeout", text),
                "argument --timeout: must be a number of seconds, more than 0",
            )
            for text in ("0", "-1", "nan", "1e9", "soon")
        ),
        *(
            ((*PLANETSCALE, "--create", "--ttl", text), "argument --ttl: must be a whole number of seconds, 1 or more")
            for text in ("0", "1.5", "soon", "٣", "9999999999")
        ),
        ((*PLANETSCALE, "--create", "--reset"), "reset: cannot be combined with --create"),
        ((*PLANETSCALE, "--ttl", "60"), "ttl: requires --create. Add it"),
        ((*CASEDEV[:2], ".."), "project: must be a name or id"),
        ((*SCALINGO, "--region", "evil.example/"), "region: is not a region"),
    ],
)
def test_usage(fetch: Callable[..., Output], peer: Peer, arguments: tuple[str, ...], message: str) -> None:
    done = fetch(*arguments)
    assert (done.code, done.out) == (64, "")
    assert done.err.splitlines()[-1].partition(": ")[2].startswith(message)
    assert peer.requests == []


def test_every_option_arrives(fetch: Callable[..., Output], peer: Peer) -> None:
    fetch(
        *PLANETSCALE, "--branch", "staging", "--create", "--ttl", "60", "--inherit", "a", "--inherit", "b", "--pooled"
    )
    assert peer.requests[0].json == {"name": "api", "ttl": 60, "inherited_roles": ["a", "b"]}
    assert "/branches/staging/" in peer.requests[0].path
    fetch(*NEON, "--branch", "staging", "--endpoint", "ep-quiet-meadow-a1b2c3d4")
    assert peer.requests[-1].query["branch_id"] == "br-staging-a1b2"
    assert peer.requests[-1].query["endpoint_id"] == "ep-quiet-meadow-a1b2c3d4"
    output = fetch(*SCALINGO, "--variable", "SCALINGO_POSTGRESQL_URL", "--endpoint", "public-rw", "--database", "other")
    assert (output.code, peer.requests[-1].path) == (0, "/scalingo/v1/databases/other/endpoints")
    assert "api.eu-1.scalingo.com" not in fetch(*SCALINGO, "--region", "eu-1").err, "the address is stated"


def test_dotenv_and_within(fetch: Callable[..., Output], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEON_API_KEY")
    Path(".env").write_text(f"NEON_API_KEY={TOKEN}\n", encoding="ascii")
    assert fetch(*NEON, "--timeout", "20").code == 0
    assert fetch(*NEON, "--no-env-file").err.endswith("[token-missing]\n")
    Path(".env").rename("other")
    assert fetch(*NEON, "--env-file", "other").code == 0


def on_a_terminal(*arguments: str) -> tuple[int, str]:
    """Run the command with a terminal for its streams, and return what that shows."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([*COMMAND, *arguments], stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        try:
            while data := os.read(ours, 65_536):
                shown += data
        except OSError:  # Linux says so when the other side is gone
            pass
        os.close(ours)
        return process.wait(60), shown.decode()


def test_on_a_terminal(peer: Peer) -> None:
    code, shown = on_a_terminal(*CASEDEV)
    assert (code, find(PASSWORD, {"shown": shown}), find(TOKEN, {"shown": shown})) == (0, {}, {})
    assert "asking casedev" in shown, "what is waited for"
    assert "warning" not in shown
    code, shown = on_a_terminal(*CASEDEV, "--shell")
    assert (code, find(PASSWORD, {"shown": shown})) == (64, {})
    assert 'use eval "$(envconn fetch ... --shell)", or add --reveal' in " ".join(shown.split()), "it is wrapped"
    code, shown = on_a_terminal(*CASEDEV, "--shell", "--reveal")
    assert code == 0
    assert PASSWORD in shown
