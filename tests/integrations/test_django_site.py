"""examples/django_site, built, migrated and served as Scalingo does it: by the lines of its Procfile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import deployed
from project import SITE, Project

if TYPE_CHECKING:
    from throwaway.certificates import Certificates
    from throwaway.server import Server

pytestmark = pytest.mark.application


def environment(project: Project, **variables: str) -> dict[str, str]:
    found = deployed.environment(**project.environment(TMPDIR=str(project.directory), **variables))
    return found | {"PATH": deployed.environment()["PATH"], "DJANGO_SETTINGS_MODULE": "website.settings"}


def test_the_site_as_deployed(project: Project, private: Server, certificates: Certificates) -> None:
    build = ["python", "manage.py", "collectstatic", "--no-input"]
    built = deployed.run(build, SITE, environment(project, ENVCONN_PHASE="build"))
    assert built.returncode == 0, built.stderr
    uri = private.uri(sslmode="prefer").replace("postgresql://", "postgres://")  # as Scalingo writes it
    variables = {"SCALINGO_POSTGRESQL_URL": uri, "DATABASE_CA_CERT": str(certificates.ca), "ENVCONN_TLS": "verify-full"}
    port = deployed.free_port()
    environ = environment(project, PORT=str(port), **variables)
    migrated = deployed.run(deployed.procfile(SITE)["postdeploy"], SITE, environ)
    assert migrated.returncode == 0, migrated.stderr
    with deployed.serving(deployed.procfile(SITE)["web"], SITE, environ):
        for number in (1, 2):
            assert deployed.fetched(port) == {"visits": number, "ssl": True, "version": "TLSv1.3"}


@pytest.mark.parametrize("process", ["postdeploy", "web"])
def test_the_site_does_not_boot_with_a_bad_environment(project: Project, process: str) -> None:
    uri = "postgresql://app:marker-password@db.example.com/app?sslmode=disable"
    environ = environment(project, SCALINGO_POSTGRESQL_URL=uri, PORT="1")
    done = deployed.run(deployed.procfile(SITE)[process], SITE, environ)
    assert done.returncode == 78
    assert "SCALINGO_POSTGRESQL_URL: sslmode=disable" in done.stderr
    assert "marker-password" not in done.stderr


def test_no_setting_of_a_database_is_in_the_code() -> None:
    text = (SITE / "website" / "settings.py").read_text(encoding="utf-8")
    assert "DATABASES = databases()" in text
    assert not {"ENGINE", "sslmode", "HOST"} & set(text.replace("'", " ").split())
