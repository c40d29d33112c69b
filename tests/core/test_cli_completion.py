"""The completion script does complete, in a shell; and says what is missing where it cannot be made."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = (sys.executable, "-m", "envconn")
LIVE = {"--live", "--login", "--enforcement", "--wait", "--timeout"}
CHOOSING = {"--service", "--pooled", "--direct", "--replica", "--libpq"}
FETCHED = {"--write", "--shell", "--name", "--reveal", "--json", "--timeout"}
READING = {"-h", "--help", "--env-file", "--no-env-file"}


def script(shell: str) -> str:
    done = subprocess.run(
        [*COMMAND, "completion", shell],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def bash_script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("completion") / "envconn"
    path.write_text(script("bash"), encoding="utf-8")
    return path


def completed(path: Path, *words: str) -> set[str]:
    """What bash offers for the last of `words`, by the function that it would call itself."""
    line = f"""
        source {shlex.quote(str(path))}
        read -ra found <<<"$(complete -p envconn)"
        for ((i = 0; i < ${{#found[@]}}; i++)); do [[ ${{found[i]}} == -F ]] && function=${{found[i + 1]}}; done
        COMP_WORDS=({" ".join(map(shlex.quote, words))}) COMP_CWORD={len(words) - 1}
        "$function" envconn && printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "--norc", "--noprofile", "-c", line], check=True, capture_output=True, text=True, timeout=60
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["envconn", ""], {"check", "show", "exec", "export", "fetch", "init", "explain", "schema", "completion"}),
        (["envconn", "s"], {"show", "schema"}),
        (["envconn", "nothing"], set()),
        (["envconn", "check", "-"], READING | LIVE | {"--json", "--service"}),
        (["envconn", "check", "--l"], {"--live", "--login"}),
        (["envconn", "check", "--live", "--w"], {"--wait"}),
        (["envconn", "show", "-"], READING | {"--json", "--service", "--sources"}),
        (["envconn", "exec", "-"], READING | LIVE | CHOOSING | {"--export", "--unset"}),
        (["envconn", "export", "-"], READING | CHOOSING | {"--ca", "--reveal"}),
        (["envconn", "export", "pg"], {"pg", "pg_service", "pgpass", "pgx"}),
        (["envconn", "fetch", ""], {"casedev", "neon", "planetscale", "scalingo"}),
        (["envconn", "fetch", "casedev", "-"], READING | FETCHED | {"--project", "--branch", "--pooled"}),
        (["envconn", "fetch", "planetscale", "--r"], {"--role", "--reset", "--reveal"}),
        (["envconn", "fetch", "neon", "--write", "prod"], {"production.env"}),
        (["envconn", "check", "--enforcement", ""], {"require", "report", "skip"}),
        (["envconn", "explain", "ca-mis"], {"ca-missing"}),
        (["envconn", "completion", ""], {"bash", "zsh", "fish"}),
        (["envconn", "check", "--env-file", "prod"], {"production.env"}),
        (["envconn", "exec", "--env-file", "prod"], {"production.env"}),
        (["envconn", "exec", "--", "envconn-test-pro"], {"envconn-test-program"}),
        (["envconn", "exec", "--live", "--", "envconn-test-pro"], {"envconn-test-program"}),
        (["envconn", "exec", "--", "envconn-test-program", "prod"], {"production.env"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bash(
    bash_script: Path, words: list[str], offered: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (program := tmp_path / "envconn-test-program").touch(mode=0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    open("production.env", "w", encoding="utf-8").close()
    assert completed(bash_script, *words) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_every_option(shell: str) -> None:
    text = script(shell)
    for option in LIVE | READING - {"-h"} | {"--json"}:
        assert option in text or f"-l {option[2:]}" in text, option
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=text, check=True, text=True, timeout=60)


@pytest.mark.parametrize("arguments", [[], ["tcsh"], ["bash", "zsh"], ["--live"]], ids=" ".join)
def test_usage(arguments: list[str]) -> None:
    done = subprocess.run([*COMMAND, "completion", *arguments], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (64, "")


@pytest.mark.measured
def test_without_shtab(tmp_path: Path) -> None:
    (tmp_path / "shtab.py").write_text("raise ImportError\n", encoding="utf-8")
    done = subprocess.run(
        [*COMMAND, "completion", "bash"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr == "envconn completion: shtab is not installed. Run pip install 'envconn[completion]'\n"
