"""A real Django project against real servers: manage.py, the ORM and the test runner, in processes of their own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import django
import psycopg
import pytest

from project import SITE
from throwaway.process import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from lab import Lab
    from project import Project
    from throwaway.certificates import Certificates
    from throwaway.server import Server

pytestmark = pytest.mark.measured

ASK = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"
SSL = f"from django.db import connection as c; k = c.cursor(); k.execute({ASK!r}); print(k.fetchone())"
NO_PSYCOPG = "import sys; sys.modules['psycopg'] = None"
BAD = "postgresql://app:marker-password@db.example.com/app?sslmode=disable"


@pytest.fixture
def verified(private: Server, certificates: Certificates) -> str:
    return private.uri(sslmode="verify-full", sslrootcert=str(certificates.ca))


@pytest.mark.parametrize("before", ["", NO_PSYCOPG], ids=["psycopg", "psycopg2"])
def test_migrate_and_query_over_tls(project: Project, verified: str, before: str) -> None:
    project.settings("", before=before)
    done = project.manage("migrate", DATABASE_URL=verified)
    assert done.returncode == 0, done.stdout
    code = f"{SSL}\nfrom website.models import Visit; Visit.objects.create(path='/'); print(Visit.objects.exists(), "
    done = project.python(f"{code}c.Database.__name__)", DATABASE_URL=verified)
    assert done.stdout.split("\n")[:2] == ["(True,)", f"True {'psycopg2' if before else 'psycopg'}"], done.stdout


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("expired", "certificate verify failed"),
        ("unknownca", "certificate verify failed"),
        ("wronghost", "does not match host name"),
        ("notls", "does not support SSL"),
    ],
)
def test_migrate_is_refused_on_psycopg2(
    project: Project, lab: Lab, certificates: Certificates, state: str, message: str
) -> None:
    project.settings("", before=NO_PSYCOPG)
    uri = lab[state].uri(sslmode="verify-full", sslrootcert=str(certificates.ca))
    done = project.manage("migrate", DATABASE_URL=uri)
    assert done.returncode == 1
    assert re.search(f"^django.db.utils.OperationalError: .*{message}", done.stdout, re.MULTILINE)
    assert lab[state].password not in done.stdout


def test_disable_is_refused_before_a_socket_is_opened(project: Project) -> None:
    done = project.manage("migrate", DATABASE_URL=BAD)
    assert done.returncode == 78
    assert "DATABASE_URL: sslmode=disable for a remote host" in done.stdout
    assert "marker-password" not in done.stdout


@pytest.mark.parametrize("command", ["check", "migrate --help", "test", "runserver"])
def test_a_bad_environment_stops_what_needs_settings(project: Project, command: str) -> None:
    cache = "redis://:marker-password@cache.example.com/x"
    done = project.manage(*command.split(), DATABASE_URL=BAD, CACHE_URL=cache)
    assert done.returncode == 78
    assert sorted(line.partition(":")[0] for line in done.stdout.splitlines()) == ["CACHE_URL", "DATABASE_URL"]
    assert "marker-password" not in done.stdout


@pytest.mark.parametrize("environment", [{"DATABASE_URL": BAD}, {"DATABASE_URL": "marker-password://x"}, {}])
def test_help_goes_on_and_shows_the_text(project: Project, environment: dict[str, str]) -> None:
    done = project.manage("help", **environment)
    assert done.returncode == 0, done.stdout
    assert "DATABASE_URL: " in done.stdout
    assert "startproject" in done.stdout
    assert "marker-password" not in done.stdout


@pytest.mark.parametrize(
    ("before", "returncode", "tracebacks"),
    [
        ("", 78, 0),
        ("import sys; sys.excepthook = lambda *_: print('another hook')", 78, 0),
        ("import sys; sys.ps1 = '>>> '", 1, 1),  # an interactive interpreter goes on
    ],
)
def test_a_program_ends_with_the_error_alone(project: Project, before: str, returncode: int, tracebacks: int) -> None:
    project.settings("", before=before)
    done = project.python("", DATABASE_URL=BAD)
    assert (done.returncode, done.stdout.count("Traceback")) == (returncode, tracebacks)
    assert "DATABASE_URL: sslmode=disable" in done.stdout
    assert "marker-password" not in done.stdout


def test_other_errors_go_to_the_hook_that_was_there(project: Project) -> None:
    hook = "import sys; sys.excepthook = lambda *_: print('another hook')"
    tried = "from envconn_django import databases\nfor _ in range(2):\n try: databases()\n except Exception: pass"
    done = project.run("-c", f"{hook}\n{tried}\nraise RuntimeError", DATABASE_URL=BAD)
    assert (done.returncode, done.stdout) == (1, "another hook\n")


@pytest.mark.application
def test_runserver_goes_on_after_a_mistake(project: Project) -> None:
    good = f"import os\nos.environ['DATABASE_URL'] = 'sqlite:///{project.directory}/site.sqlite3'"
    project.settings("", before=good)
    command = [sys.executable, "-u", "manage.py", "runserver", f"127.0.0.1:{free_port()}", "--skip-checks"]
    with subprocess.Popen(
        command, cwd=SITE, env=project.environment(ENVCONN_TLS_LOCAL="allow"), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout
        lines = iter(process.stdout.readline, "")
        try:
            assert any("Quit the server" in line for line in lines)
            time.sleep(1.5)  # the reloader looks at the times of files once a second
            project.settings("", before=f"import os\nos.environ['DATABASE_URL'] = {BAD!r}")
            told = next(line for line in lines if "DATABASE_URL" in line)
            assert told.startswith("DATABASE_URL: sslmode=disable for a remote host")
            time.sleep(1.5)
            project.settings("", before=good)
            assert "Quit the server" in next(line for line in lines if "Quit" in line or "Traceback" in line)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_an_image_is_built_without_a_database(project: Project) -> None:
    assert project.manage("collectstatic", "--no-input").returncode == 78
    done = project.manage("collectstatic", "--no-input", ENVCONN_PHASE="build")
    assert done.returncode == 0, done.stdout
    assert (project.directory / "collected" / "site.css").is_file()
    project.settings("DATABASES['default']['OPTIONS']['application_name'] = 'told'")
    for command in ("check", "check --deploy"):
        assert project.manage(*command.split(), ENVCONN_PHASE="build").returncode == 0
    for use in ("migrate", "dbshell", "inspectdb", "sqlmigrate website 0001"):
        done = project.manage(*use.split(), ENVCONN_PHASE="build")
        assert done.returncode == 1, use
        assert "ENVCONN_PHASE: is build, and no database is configured" in done.stdout, (use, done.stdout)


def test_changes_of_models_are_found_without_a_database(project: Project) -> None:
    command = ("-W", "default", "manage.py", "makemigrations", "--check")
    done = project.run(*command, ENVCONN_PHASE="build")
    assert (done.returncode, "No changes detected" in done.stdout) == (0, True), done.stdout
    assert "RuntimeWarning: Got an error checking a consistent migration history" in done.stdout
    project.settings("DEFAULT_AUTO_FIELD = 'django.db.models.AutoField'")
    assert project.run(*command, ENVCONN_PHASE="build").returncode == 1


def test_the_database_s_shell_can_read_a_ca_that_came_as_text(
    project: Project, certificates: Certificates, tmp_path: Path
) -> None:
    (program := tmp_path / "psql").write_text(
        '#!/bin/sh\ncat "$PGSSLROOTCERT"; echo; echo "$PGSSLROOTCERT"\n', encoding="ascii"
    )
    program.chmod(0o755)
    variables = {
        "DATABASE_URL": "postgresql://app:pw@db.example.com/app?sslmode=verify-full",
        "DATABASE_CA_CERT": certificates.ca.read_text(encoding="ascii"),
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "TMPDIR": str(tmp_path),
    }
    done = project.manage("dbshell", **variables)
    *content, path = done.stdout.splitlines()
    assert (done.returncode, content) == (0, certificates.ca.read_text(encoding="ascii").splitlines()), done.stdout
    assert path.startswith(str(tmp_path))
    assert [found.name for found in tmp_path.iterdir() if "envconn" in found.name] == []


MIRRORED = """
from django.db import connections, router
from django.test import TransactionTestCase
from website.models import Visit

class Mirrored(TransactionTestCase):
    databases = {"default", "replica"}

    def test_all_aliases_share_one_database(self):
        Visit.objects.create(path="/here")
        for alias in connections:
            self.assertEqual(Visit.objects.using(alias).get().path, "/here")
            self.assertTrue(connections[alias].settings_dict["NAME"].startswith("test_"))

    def test_reads_go_to_the_replica_and_writes_to_the_primary(self):
        written = Visit.objects.create(path="/here")
        self.assertEqual(written._state.db, "default")
        read = Visit.objects.get()
        self.assertEqual(read._state.db, "replica")
        read.save()
        self.assertEqual(read._state.db, "default")
"""


def test_the_test_runner_mirrors(project: Project, private: Server, certificates: Certificates) -> None:
    project.tests(MIRRORED)
    project.settings("from envconn_django import ReplicaRouter; DATABASE_ROUTERS = [ReplicaRouter(pinned_seconds=0)]")
    tls = {"sslmode": "verify-full", "sslrootcert": str(certificates.ca)}
    pooled = private.uri(**tls, hostaddr="127.0.0.1").replace("localhost", "db.envconn.test")
    done = project.manage(
        "test",
        "extra",
        DATABASE_URL=pooled,
        DATABASE_REPLICA_URL=private.uri(**tls),
        DIRECT_URL=private.uri("127.0.0.1", **tls),
        ENVCONN_POOL_MODE="session",
        ENVCONN_DATABASE_VARIABLE="DATABASE_URL",
    )
    assert done.returncode == 0, done.stdout
    assert "Ran 2 tests" in done.stdout
    assert "envconn: test uses the direct endpoint for default." in done.stdout
    with psycopg.connect(private.uri()) as admin:
        assert admin.execute("select count(*) from pg_database where datname like 'test%'").fetchone() == (0,)


PARALLEL = """
from django.db import connection
from django.test import TestCase
from website.models import Visit

class One(TestCase):
    def test_it(self):
        Visit.objects.create(path="/here")
        self.assertTrue(connection.settings_dict["NAME"].startswith("test_"))

class Other(One):
    pass
"""
START = "import multiprocessing; multiprocessing.set_start_method({!r}); from django.core import management"


@pytest.mark.parametrize("method", ["spawn", *(["forkserver"] if django.VERSION >= (6, 0) else [])])
def test_parallel_tests_with_rotation(project: Project, verified: str, method: str) -> None:
    pool = "{'min_size': 1, 'max_size': 2}" if django.VERSION >= (5, 1) else "False"
    project.settings(f"DATABASES = databases(rotate=True, pool={pool})")
    project.tests(PARALLEL)
    command = "management.execute_from_command_line(['manage.py', 'test', 'extra', '--parallel', '2'])"
    done = project.run("-c", f"{START.format(method)}; {command}", DATABASE_URL=verified)
    assert done.returncode == 0, done.stdout
    assert "Ran 2 tests" in done.stdout
    assert "Cloning test database" in done.stdout


def test_migrations_stay_off_replicas(project: Project, verified: str) -> None:
    with psycopg.connect(verified, autocommit=True) as admin:
        admin.execute("drop database if exists replica_db")
        admin.execute("create database replica_db")
    replica = verified.replace("/postgres?", "/replica_db?")
    done = project.manage("migrate", "--database=replica", DATABASE_URL=verified, DATABASE_REPLICA_URL=replica)
    assert done.returncode == 0, done.stdout
    with psycopg.connect(replica) as reader:
        assert reader.execute("select to_regclass('website_visit')").fetchone() == (None,)


def test_a_native_pool_connects_over_tls(project: Project, verified: str) -> None:
    project.settings("DATABASES = databases(pool={'min_size': 1, 'max_size': 2})")
    code = f"{SSL}; print(c.pool.max_size); c.close_pool()"
    done = project.python(code, DATABASE_URL=verified)
    if django.VERSION < (5, 1):
        assert "DATABASE_URL: pool requires Django 5.1" in done.stdout
    else:
        assert done.stdout == "(True,)\n2\n"


def test_sqlite(project: Project) -> None:
    uri = f"sqlite:///{project.directory}/site.sqlite3?timeout=5"
    for command in ("check", "migrate"):
        done = project.manage(command, DATABASE_URL=uri, ENVCONN_TLS_LOCAL="allow")
        assert done.returncode == 0, done.stdout
    code = "from website.models import Visit; print(Visit.objects.count())"
    done = project.python(code, DATABASE_URL=uri, ENVCONN_TLS_LOCAL="allow")
    assert done.stdout == "0\n"


NAIVE = "import dj_database_url; DATABASES = {'default': dj_database_url.config()}"


def test_a_naive_configuration_connects_unencrypted_where_ours_refuses(project: Project, lab: Lab) -> None:
    uri = f"{lab['notls'].uri()}?sslmode="  # a template whose variable was not set
    ours = project.python(SSL, DATABASE_URL=uri)
    assert "the value of sslmode is empty" in ours.stdout
    absent = project.python(SSL, DATABASE_URL=lab["notls"].uri())
    assert "server does not support SSL, but SSL was required" in absent.stdout
    (project.directory / "tested.py").write_text(
        f"{NAIVE}\nSECRET_KEY = 'x'\nINSTALLED_APPS = []\nUSE_TZ = True\n", encoding="utf-8"
    )
    for text in (uri, lab["notls"].uri()):
        assert project.python(SSL, DATABASE_URL=text).stdout == "(False,)\n"


def test_diffsettings_shows_no_password(project: Project, verified: str, private: Server) -> None:
    cache = "rediss://:marker-password@localhost:6390/1"
    done = project.manage("diffsettings", DATABASE_URL=verified, CACHE_URL=cache)
    assert "'HOST': 'localhost'" in done.stdout
    assert "rediss://localhost:6390/1" in done.stdout
    assert private.password not in done.stdout
    assert "marker-password" not in done.stdout
