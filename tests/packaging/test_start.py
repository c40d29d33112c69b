"""What a process pays to start with envconn, counted and not timed: modules, classes, patterns; and no circle.

The figures are those of DATABASE_URL alone, with room for two or three more modules. What is above them belongs into
the function that needs it. `tests/house` prints the same figures; tests/benchmarks/figures.py measures times.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from house import ROOT, House

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

URL = "postgresql://app:p%40ss@db.example.org:6000/main?sslmode=require"
LOAD = "import envconn; envconn.load()"
CHECK = "from envconn.cli import main\ntry:\n    main(['check'])\nexcept SystemExit:\n    pass"
COUNTED = """
import builtins, json, re, sys
made = {"classes": 0, "patterns": 0}
def counting(what, call):
    def counted(*arguments, **named):
        made[what] += 1
        return call(*arguments, **named)
    return counted
before = set(sys.modules)
builtins.__build_class__ = counting("classes", builtins.__build_class__)
re._compiler.compile = counting("patterns", re._compiler.compile)
output, sys.stdout = sys.stdout, sys.stderr
exec(sys.argv.pop())
print(json.dumps({"modules": sorted(set(sys.modules) - before), **made}), file=output)
"""

MOST = {
    "load": (LOAD, {"ours": 38, "classes": 61, "patterns": 1}),
    "check": (CHECK, {"ours": 46, "classes": 125, "patterns": 9}),
}
NEVER = {
    "load": {"typing", "contextlib", "dataclasses", "ssl", "json", "tempfile", "ipaddress", "importlib.metadata"},
    "check": {"typing", "dataclasses", "ssl", "json", "tempfile", "importlib.metadata"},
}

pytestmark = pytest.mark.checkout


def counted(code: str, place: Path) -> tuple[set[str], Mapping[str, int]]:
    """Run `code` in a process of its own with one database, and return the modules it imported and what it made."""
    search = f"{ROOT / 'src'}:{ROOT / 'integrations'}"
    command = [sys.executable, "-P", "-c", COUNTED, code]
    done = subprocess.run(
        command, env={"DATABASE_URL": URL, "PYTHONPATH": search}, cwd=place, check=True, stdout=subprocess.PIPE
    )
    found = json.loads(done.stdout)
    modules = set(found.pop("modules"))
    return modules, {**found, "ours": sum(name.startswith("envconn") for name in modules)}


@pytest.mark.parametrize("command", MOST)
def test_what_is_made_at_start(tmp_path: Path, command: str) -> None:
    code, most = MOST[command]
    modules, figures = counted(code, tmp_path)
    assert {name: figures[name] for name in most if not 0 < figures[name] <= most[name]} == {}, sorted(modules)
    assert sorted(NEVER[command] & modules) == []


def test_no_module_imports_in_a_circle() -> None:
    assert House(ROOT).cycles() == []
