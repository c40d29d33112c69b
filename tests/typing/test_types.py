"""mypy and pyright read what callers write: the whole of an ``api``, and of ``forged`` exactly the unmarked lines."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
MARK = "# refused"


def mypy(path: Path, checkout: Path, cache: Path) -> dict[int, str]:
    """Return mypy's errors about `path` by line."""
    options = ["--config-file", str(checkout / "pyproject.toml"), "--cache-dir", str(cache), "--no-error-summary"]
    done = run([sys.executable, "-m", "mypy", *options, "--no-pretty", str(path)], checkout)
    found = re.findall(rf"^{re.escape(str(path.relative_to(checkout)))}:(\d+): error: (.*)$", done, re.MULTILINE)
    assert done.count(": error: ") == len(found), done
    return {int(line): message for line, message in found}


def pyright(path: Path, checkout: Path, cache: Path) -> dict[int, str]:
    """Return pyright's errors and warnings about `path` by line."""
    config = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pyright"]
    config |= {
        "include": [path.name],
        "exclude": [],
        "extraPaths": [str(checkout / part) for part in config["extraPaths"]],
    }
    shutil.copy(path, cache)
    (cache / "pyrightconfig.json").write_text(json.dumps(config), encoding="utf-8")
    done = run(
        [sys.executable, "-m", "pyright", "-p", str(cache), "--pythonpath", sys.executable, "--outputjson"], checkout
    )
    answer = json.loads(done)
    assert answer["summary"]["filesAnalyzed"] == 1
    return {found["range"]["start"]["line"] + 1: found["message"] for found in answer["generalDiagnostics"]}


def run(command: list[str], checkout: Path) -> str:
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False, timeout=300).stdout


@pytest.mark.checkout
@pytest.mark.parametrize("checker", [mypy, pyright])
@pytest.mark.parametrize("name", ["api", "integrations_api"])
def test_what_callers_write_passes(
    checker: Callable[[Path, Path, Path], dict[int, str]], checkout: Path, tmp_path: Path, name: str
) -> None:
    assert checker(HERE / f"{name}.py", checkout, tmp_path) == {}


@pytest.mark.checkout
@pytest.mark.parametrize("checker", [mypy, pyright])
@pytest.mark.parametrize("name", ["forged", "forged_integrations"])
def test_what_forgers_write_fails(
    checker: Callable[[Path, Path, Path], dict[int, str]], checkout: Path, tmp_path: Path, name: str
) -> None:
    path = HERE / f"{name}.py"
    lines = path.read_text(encoding="utf-8").splitlines()
    marked = {number for number, line in enumerate(lines, 1) if line.endswith(MARK)}
    assert len(marked) > 15
    assert set(checker(path, checkout, tmp_path)) == marked
