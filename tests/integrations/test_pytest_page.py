"""docs/testing.md: its examples run, and its guard says what stands there."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from envconn_pytest.tls_server import STATES

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.checkout


@pytest.fixture
def page(checkout: Path) -> str:
    return (checkout / "docs" / "testing.md").read_text(encoding="utf-8")


@pytest.fixture
def command(page: str, pytester: pytest.Pytester) -> tuple[str, ...]:
    """Write the files of the page, and return the command that runs them."""
    blocks = re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) == page.count("```python") == 3
    for name, text in blocks:
        (pytester.path / name).write_text(text, encoding="utf-8")
    [configuration] = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (pytester.path / "pyproject.toml").write_text(configuration, encoding="utf-8")
    return (sys.executable, "-m", "pytest", "-W", "error", "--strict-config")


def test_the_examples(command: tuple[str, ...], pytester: pytest.Pytester) -> None:
    pytester.run(*command).assert_outcomes(passed=10)


def test_the_guard(
    command: tuple[str, ...], page: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    [(url, text)] = re.findall(r"^\$ DATABASE_URL=(\S+) python -m pytest\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    monkeypatch.setenv("DATABASE_URL", url)
    done = pytester.run(*command)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert done.stderr.str().strip() == text.strip()
    monkeypatch.setenv("DATABASE_URL", url.replace("db.", "db.test.").replace("_prod", ""))
    assert pytester.run(*command, "--collect-only").ret == pytest.ExitCode.OK


def test_every_state_is_there(page: str) -> None:
    assert tuple(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == STATES


def test_links_lead_somewhere(page: str, checkout: Path) -> None:
    assert all((checkout / "docs" / target).exists() for target in re.findall(r"\]\(([^)#]+)\)", page))
