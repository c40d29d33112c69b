"""Programs that other people have written, deployed as their documentation says, with our lines in their settings."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

import deployed

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["LINES", "Site", "Visitor"]

LINES = """
from envconn_django import databases

INSTALLED_APPS = ["envconn_django", *INSTALLED_APPS]
DATABASES = databases()
SECRET_KEY = "a key for tests"
ALLOWED_HOSTS = ["localhost"]
"""


@dataclass(frozen=True)
class Site:
    """A Django project in `directory`, for the interpreter of the environment `installed`."""

    directory: Path
    installed: Path
    settings: str
    wsgi: str

    def manage(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run one of Django's commands to its end."""
        command = [str(self.installed / "bin" / "python"), "-m", "django", *arguments]
        return deployed.run(command, self.directory, self._environment(variables))

    @contextmanager
    def serving(self, **variables: str) -> Iterator[Visitor]:
        """Run gunicorn behind the boot gate, as docs/django.md says, and yield a visitor."""
        port = deployed.free_port()
        gate = ["envconn", "exec", "--login", "--wait", "10", "--", "gunicorn"]
        command = [*gate, "--bind", f"127.0.0.1:{port}", "--workers", "2", "--preload", self.wsgi]
        command[0] = str(self.installed / "bin" / command[0])
        with (
            deployed.serving(command, self.directory, self._environment(variables)),
            Visitor(base_url=f"http://localhost:{port}", timeout=30, follow_redirects=True) as visitor,
        ):
            visitor.wait()
            yield visitor

    def _environment(self, variables: dict[str, str]) -> dict[str, str]:
        environ = deployed.environment(DJANGO_SETTINGS_MODULE=self.settings, PYTHONPATH=".", **variables)
        return {**environ, "PATH": f"{self.installed / 'bin'}:{environ['PATH']}"}


class Visitor(httpx.Client):
    """A browser: it keeps cookies, and sends a form with the token that is on its page."""

    def wait(self) -> None:
        """Wait until the server listens."""
        end = time.monotonic() + 60
        while True:
            try:
                self.head("/")
            except httpx.ConnectError:
                assert time.monotonic() < end, "no server answers"
                time.sleep(0.1)
            else:
                return

    def page(self, path: str) -> str:
        """Return the text of a page that is there."""
        answer = self.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return answer.text

    def submit(self, path: str, fields: dict[str, str], *, to: str = "") -> str:
        """Fill in the form that is on a page, and return the page to which that leads."""
        (token, *_) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', self.page(path))
        answer = self.post(to or path, data={**fields, "csrfmiddlewaretoken": token})
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return answer.text
