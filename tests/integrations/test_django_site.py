"""examples/django_site, built, migrated and served as Scalingo does it: by the lines of its Procfile."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from project import SITE, Project
from throwaway import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from throwaway.certificates import Certificates
    from throwaway.server import Server


@pytest.fixture(scope="module")
def private(certificates: Certificates) -> Iterator[Server]:
    with postgres.running(certificates.good) as server:
        yield server


def lines() -> dict[str, str]:
    """Return the command of each kind of process."""
    return dict(line.split(": ", 1) for line in (SITE / "Procfile").read_text(encoding="utf-8").splitlines())


def environment(project: Project, **variables: str) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    found = project.environment(PATH=path, TMPDIR=str(project.directory), **variables)
    return found | {"DJANGO_SETTINGS_MODULE": "website.settings"}


def run(project: Project, command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", command],
        cwd=SITE,
        env=environment(project, **variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def serving(project: Project, **variables: str) -> Iterator[str]:
    """Start the web process, and stop it as a platform does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = environment(project, PORT=str(port), **variables)
    command = ["sh", "-c", f"exec {lines()['web']}"]
    with subprocess.Popen(command, cwd=SITE, env=environ, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://localhost:{port}/"
        finally:
            process.terminate()
            _, told = process.communicate(timeout=20)
    assert process.returncode == 0, told


def fetched(url: str) -> dict[str, object]:
    for _ in range(600):
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own
                page: dict[str, object] = json.load(answer)
                return page
        except urllib.error.HTTPError:
            raise
        except OSError:
            time.sleep(0.1)
    raise AssertionError("nobody answers")


def test_the_site_as_deployed(project: Project, private: Server, certificates: Certificates) -> None:
    built = run(project, "python manage.py collectstatic --no-input", ENVCONN_PHASE="build")
    assert built.returncode == 0, built.stderr
    uri = private.uri(sslmode="prefer").replace("postgresql://", "postgres://")  # as Scalingo writes it
    variables = {"SCALINGO_POSTGRESQL_URL": uri, "DATABASE_CA_CERT": str(certificates.ca), "ENVCONN_TLS": "verify-full"}
    migrated = run(project, lines()["postdeploy"], **variables)
    assert migrated.returncode == 0, migrated.stderr
    with serving(project, **variables) as url:
        assert fetched(url) == {"visits": 1, "ssl": True, "version": "TLSv1.3"}
        assert fetched(url) == {"visits": 2, "ssl": True, "version": "TLSv1.3"}


def test_the_site_does_not_boot_with_a_bad_environment(project: Project) -> None:
    uri = "postgresql://app:marker-password@db.example.com/app?sslmode=disable"
    for command in lines().values():
        done = run(project, command, SCALINGO_POSTGRESQL_URL=uri, PORT="1")
        assert done.returncode == 78
        assert "SCALINGO_POSTGRESQL_URL: sslmode=disable" in done.stderr
        assert "marker-password" not in done.stderr


def test_no_setting_of_a_database_is_in_the_code() -> None:
    text = (SITE / "website" / "settings.py").read_text(encoding="utf-8")
    assert "DATABASES = databases()" in text
    assert not {"ENGINE", "sslmode", "HOST"} & set(text.replace("'", " ").split())
