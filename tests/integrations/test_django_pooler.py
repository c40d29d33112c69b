"""Django behind a real PgBouncer in transaction mode: what breaks with the URL as it is, and works with ours."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

import envconn
import envconn_psycopg
from edges import PLANETSCALE

if TYPE_CHECKING:
    from bouncer import Bouncer
    from edges import Edge
    from lab import Lab
    from project import Project
    from throwaway.certificates import Certificates

# The settings with the URL alone, and Django's own defaults for the rest.
NAIVE = """
import dj_database_url
DATABASES = {"default": dj_database_url.config()}
DATABASE_ROUTERS = []
INSTALLED_APPS.remove("envconn_django")
"""
# More rows than a chunk, so that a cursor of the server's would be asked twice.
ROWS = """
from website.models import Visit
Visit.objects.bulk_create(Visit(path=f"/{n}") for n in range(7))
try:
    found = len([visit.path for visit in Visit.objects.iterator(chunk_size=2)])
except Exception as error:
    found = type(error.__cause__ or error).__name__
print("found", __import__("json").dumps(found))
"""
# Something that a session is to keep, as it would a migration's lock_timeout. Nobody else reads this one.
SESSION = """
from django.db import connections
found = {}
for alias in connections:
    with connections[alias].cursor() as cursor:
        cursor.execute("set envconn.seen = 'yes'")
        cursor.execute("select current_setting('envconn.seen', true), pg_backend_pid()")
        seen, pid = cursor.fetchone()
        found[alias] = [seen == "yes", pid == connections[alias].connection.info.backend_pid]
print("found", __import__("json").dumps(found))
"""


@pytest.fixture
def url(bouncer: Bouncer, certificates: Certificates) -> str:
    return bouncer.uri(sslmode="verify-full", sslrootcert=str(certificates.ca))


def result_of(project: Project, code: str, **variables: str) -> Any:
    result = project.python(code, **variables)
    assert result.returncode == 0, result.stdout
    (found,) = re.findall("(?m)^found (.*)$", result.stdout)
    return json.loads(found)


def migrated(project: Project, *arguments: str, **variables: str) -> str:
    result = project.manage("migrate", *arguments, **variables)
    assert result.returncode == 0, result.stdout
    return result.stdout


def test_cursors_of_the_server(
    project: Project, bouncer: Bouncer, lab: Lab, url: str, certificates: Certificates
) -> None:
    direct = lab["good"].uri(sslmode="verify-full", sslrootcert=str(certificates.ca))
    environ = {"DATABASE_URL": url, "DIRECT_DATABASE_URL": direct, "ENVCONN_POOL_MODE": "transaction"}
    assert "envconn: migrate uses the direct endpoint for default. " in migrated(project, **environ)
    bouncer.fill()
    assert result_of(project, ROWS, **environ) >= 7
    project.settings(NAIVE)
    bouncer.fill()
    assert result_of(project, ROWS, **environ) == "InvalidCursorName"


def test_migrations_go_past_the_pooler(project: Project, planetscale_like: Edge) -> None:
    environ = {"DATABASE_URL": planetscale_like.uri(PLANETSCALE, pooled=True)}
    pooled = envconn.load(environ, env_file=None).connection("database", pooled=True)
    # Both server connections of this user's are to be open.
    with envconn_psycopg.connect(pooled) as one, envconn_psycopg.connect(pooled) as other:
        one.execute("select 1")
        other.execute("select 1")
    # The one URL names both. What a migration sets for its session is there for its next statement only if direct.
    assert result_of(project, SESSION, **environ) == {"default": [False, False]}
    assert result_of(project, SESSION, **environ, ENVCONN_ENDPOINT="direct") == {"default": [True, True]}
    before = served(planetscale_like.bouncer)
    migrated(project, **environ)
    assert served(planetscale_like.bouncer) == before
    assert result_of(project, ROWS, **environ) >= 7


def served(bouncer: Bouncer) -> int:
    """The transactions that the pooler has passed on so far, for the application."""
    return sum(int(str(row["total_xact_count"])) for row in bouncer.show("STATS") if row["database"] != "pgbouncer")


def test_options_at_start_up(project: Project, url: str) -> None:
    environ = {"DATABASE_URL": f"{url}&options=-c%20lock_timeout%3D4321"}
    refused = project.manage("check", ENVCONN_POOL_MODE="transaction", **environ)
    assert refused.returncode == 78
    assert "the pooler does not support options" in refused.stdout
    project.settings(NAIVE)
    broken = project.manage("migrate", **environ)
    assert broken.returncode == 1
    assert "unsupported startup parameter" in broken.stdout


def test_two_pools(project: Project, url: str) -> None:
    project.settings("DATABASES = databases(pool=True)")
    refused = project.manage("check", DATABASE_URL=url, ENVCONN_POOL_MODE="transaction")
    assert refused.returncode == 78
    assert "does not work with pool" in refused.stdout
