"""Django with `databases(rotate=True)`: a process that goes on while its password changes."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import django
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from certified import Mount
    from mounted import Vault

    Ask = Callable[[str], str]

PROGRAM = str(Path(__file__).with_name("django_rotating.py"))


@contextmanager
def site(source: Vault | Mount, **options: object) -> Iterator[Ask]:
    """Run Django with the arguments that `databases` takes."""
    environ = source.environ()
    command = [sys.executable, PROGRAM, json.dumps({"environ": environ, "options": options})]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:

        def ask(alias: str) -> str:
            assert process.stdin
            assert process.stdout
            process.stdin.write(f"{alias}\n")
            answer: str = json.loads(process.stdout.readline())
            return answer

        yield ask


OPTIONS: list[dict[str, object]] = [{}]
if django.VERSION >= (5, 1):
    OPTIONS.append({"pool": {"min_size": 1, "max_size": 1, "timeout": 3}})


@pytest.mark.parametrize("options", OPTIONS)
def test_a_process_goes_on(vault: Vault, options: dict[str, object]) -> None:
    with site(vault, rotate=True, **options) as ask:
        for round_ in (0, 1, 2):
            for alias in ("default", "replica"):
                assert ask(alias) == f"{vault.role} postgres"
            # The other alias finds what the first one has found out.
            assert vault.refused() == round_
            vault.rotate()
            vault.cut()


@pytest.mark.parametrize("options", OPTIONS)
def test_without_it_stops(vault: Vault, options: dict[str, object]) -> None:
    with site(vault, **options) as ask:
        assert ask("default") == f"{vault.role} postgres"
        vault.rotate()
        vault.cut()
        assert "Error" in ask("default")


@pytest.mark.parametrize("options", OPTIONS)
def test_a_process_follows_certificates(mount: Mount, options: dict[str, object]) -> None:
    with site(mount, rotate=True, **options) as ask:
        for _ in range(2):
            assert ask("default") == f"{mount.role} postgres"
            mount.rotate()
            mount.cut()
