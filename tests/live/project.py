"""The Django site of examples/, run by ``manage.py`` in processes of its own, with settings on top of its own.

Loaded as a plugin by tests/conftest.py for the fixture `project`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

__all__ = ["SITE", "Project"]

SITE = Path(__file__).parents[2] / "examples" / "django_site"


@dataclass(frozen=True)
class Project:
    """A directory with the settings module ``tested``, and what is collected and generated."""

    directory: Path

    def __post_init__(self) -> None:
        self.settings("")

    def settings(self, lines: str, *, before: str = "") -> None:
        """Put `lines` behind the settings of the site, and `before` in front of them."""
        text = f"{before}\nfrom website.settings import *\n{lines}\n"
        (self.directory / "tested.py").write_text(text, encoding="utf-8")

    def tests(self, text: str) -> None:
        """Make `text` the module that ``manage.py test extra`` finds."""
        (self.directory / "extra.py").write_text(text, encoding="utf-8")

    def manage(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run ``manage.py`` to its end; warnings are errors. Both streams are in `stdout`."""
        return self.run("manage.py", *arguments, **variables)

    def python(self, code: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `code` after ``django.setup()``."""
        return self.run("-c", f"import django\ndjango.setup()\n{code}", **variables)

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run this Python on `command` in the directory of the site."""
        return subprocess.run(
            [sys.executable, "-W", "error", *command],
            cwd=SITE,
            env=self.environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )

    def environment(self, **variables: str) -> dict[str, str]:
        """Return what such a process gets: the test's own environment, which is empty, and `variables`."""
        path = os.pathsep.join(filter(None, [str(self.directory), str(SITE), os.environ.get("PYTHONPATH")]))
        ours = {"DJANGO_SETTINGS_MODULE": "tested", "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        site = {"SECRET_KEY": "a key for tests", "STATIC_ROOT": str(self.directory / "collected")}
        return {**os.environ, **ours, **site, "ENVCONN_TLS_LOCAL": "enforce", **variables}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The site in examples/django_site: ``project.manage("migrate", DATABASE_URL=...)``, `.python(code)`."""
    return Project(tmp_path)
