"""``migrate`` and ``test`` by the direct endpoint: under the alias of the pooler, and never in another database."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import django
import psycopg
import pytest

import envconn
from envconn.migration_endpoint import difference, direct_by_itself
from throwaway.process import free_port

if TYPE_CHECKING:
    from lab import Lab
    from project import Project
    from throwaway.certificates import Certificates
    from throwaway.server import Server

pytestmark = pytest.mark.measured

TOLD = "envconn: {} uses the direct endpoint for default. Set ENVCONN_ENDPOINT=pooled to prevent that\n"
UNUSED = (
    "envconn: migrate does not use DIRECT_URL for default, because nothing states that DATABASE_URL is a pooler. Set "
    "ENVCONN_POOL_MODE if it is one\n"
)
RUN = "from django.core.management import call_command; call_command('migrate', {})\n"
PLACE = """
from django.db import connection
shown = {name: connection.settings_dict[name] for name in ("HOST", "PORT")}
"""


@pytest.fixture
def pooled(private: Server, certificates: Certificates) -> dict[str, str]:
    """Return variables with a pooler where nothing listens, and with the server of an empty database."""
    tls = {"sslmode": "verify-full", "sslrootcert": str(certificates.ca)}
    with psycopg.connect(private.uri(), autocommit=True) as admin:
        admin.execute("drop database if exists moved")
        admin.execute("create database moved")
    server = private.uri(**tls).replace("/postgres?", "/moved?")
    address = f"127.0.0.1:{free_port()}"
    pooler = re.sub(r"@[^/]+/", f"@{address}/", server)
    return {"DATABASE_URL": pooler, "DIRECT_URL": server, "ENVCONN_POOL_MODE": "transaction"}


DATA = """
from django.db import migrations

def fill(apps, schema_editor):
    # As Wagtail and django-oscar do it: by the alias of the settings, while this one holds a lock.
    Visit = apps.get_model("website", "Visit")
    Visit.objects.create(path="/migrated")
    Visit.objects.using("default").get(path="/migrated")

class Migration(migrations.Migration):
    dependencies = [("website", "0001_initial")]
    operations = [
        migrations.RunSQL("lock table website_visit in access exclusive mode"),
        migrations.RunPython(fill),
    ]
"""


@pytest.fixture
def migrations(project: Project) -> Project:
    """The site with a migration of data behind its own."""
    folder = project.directory / "moved"
    folder.mkdir()
    first = "from importlib import import_module\nMigration = import_module('website.migrations.{}').Migration\n"
    (folder / "__init__.py").write_text("", encoding="utf-8")
    names = {"0001_initial": first.format("0001_initial"), "0002_data": DATA}
    for name, text in names.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    project.settings("MIGRATION_MODULES = {'website': 'moved'}")
    return project


def test_data_migrations_query_by_the_default_alias(migrations: Project, pooled: dict[str, str]) -> None:
    done = migrations.manage("migrate", **pooled)
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith(TOLD.format("migrate"))
    assert "Applying website.0002_data... OK" in done.stdout
    again = migrations.python(RUN.format("verbosity=0"), **pooled)
    assert (again.returncode, again.stdout) == (0, "")


def test_a_program_that_calls_the_command_goes_on_with_the_pooler(project: Project, pooled: dict[str, str]) -> None:
    done = project.python(f"{RUN.format('')}{PLACE}print('then', shown)", **pooled)
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith(TOLD.format("migrate"))
    port = re.search(r"@127\.0\.0\.1:(\d+)/", pooled["DATABASE_URL"])
    assert port
    assert f"then {{'HOST': '127.0.0.1', 'PORT': '{port[1]}'}}" in done.stdout
    silent = project.python(RUN.format("verbosity=0"), **pooled)
    assert (silent.returncode, silent.stdout) == (0, "")
    elsewhere = project.python(
        f"import io; s = io.StringIO(); {RUN.format('stderr=s')}print('read', s.getvalue())", **pooled
    )
    assert f"read {TOLD.format('migrate')}" in elsewhere.stdout


TESTS = """
from django.core.management import call_command
from django.db import connection
from django.test import TestCase, TransactionTestCase
from website.models import Visit

class One(TestCase):
    def test_it(self):
        Visit.objects.create(path="/here")
        call_command("migrate", verbosity=0)
        self.assertEqual(Visit.objects.count(), 1)
        self.assertTrue(connection.settings_dict["NAME"].startswith("test_"))
        self.assertIn(connection.settings_dict["NAME"], str(connection.connection.info.dbname))

class Other(TransactionTestCase):
    def test_it(self):
        call_command("migrate", verbosity=0)
        self.assertTrue(connection.settings_dict["NAME"].startswith("test_"))
        Visit.objects.create(path="/here")
"""


@pytest.mark.parametrize(
    ("parallel", "made"),
    [
        ((), "databases()"),
        pytest.param(("--parallel", "2"), "databases()", marks=pytest.mark.exhaustive),
        pytest.param(("--parallel", "2"), "databases(rotate=True)", marks=pytest.mark.exhaustive),
    ],
)
def test_the_test_runner(project: Project, pooled: dict[str, str], parallel: tuple[str, ...], made: str) -> None:
    project.settings(f"DATABASES = {made}")
    project.tests(TESTS)
    done = project.manage("test", "extra", *parallel, **pooled)
    assert done.returncode == 0, done.stdout
    assert TOLD.format("test") in done.stdout
    assert "Ran 2 tests" in done.stdout


START = "import multiprocessing; multiprocessing.set_start_method('spawn'); from django.core import management; "


def test_spawned_processes_log_in_directly(project: Project, pooled: dict[str, str]) -> None:
    project.settings("DATABASES = databases(rotate=True)")
    project.tests(TESTS)
    command = "management.execute_from_command_line(['manage.py', 'test', 'extra', '--parallel', '2'])"
    done = project.run("-c", START + command, **pooled)
    assert done.returncode == 0, done.stdout
    assert "Ran 2 tests" in done.stdout


OPTIONS = """
DATABASES["default"]["OPTIONS"]["application_name"] = "told"
DATABASES["default"]["ATOMIC_REQUESTS"] = True
INSTALLED_APPS += ["asking"]
"""
ASKING = """
from django.apps import AppConfig
from django.db import connection
from django.db.models.signals import post_migrate

def ask(using, **_):
    with connection.cursor() as cursor:
        cursor.execute("select current_setting('application_name')")
        print("asked", using, cursor.fetchone()[0], connection.settings_dict["ATOMIC_REQUESTS"])

class AskingConfig(AppConfig):
    name = "asking"
    def ready(self):
        post_migrate.connect(ask, sender=self)
"""


def test_what_the_project_has_added_stays(project: Project, pooled: dict[str, str]) -> None:
    project.settings(OPTIONS)
    (project.directory / "asking").mkdir()
    (project.directory / "asking" / "models.py").touch()
    (project.directory / "asking" / "__init__.py").write_text("", encoding="utf-8")
    (project.directory / "asking" / "apps.py").write_text(ASKING, encoding="utf-8")
    done = project.manage("migrate", **pooled)
    assert done.returncode == 0, done.stdout
    assert "asked default told True" in done.stdout


@pytest.mark.skipif(django.VERSION < (5, 1), reason="Django has no pool")
def test_a_native_pool_is_left(project: Project, pooled: dict[str, str]) -> None:
    project.settings("DATABASES = databases(pool={'min_size': 1, 'max_size': 1})")
    session = {**pooled, "ENVCONN_POOL_MODE": "session"}
    done = project.manage("migrate", **session)
    assert done.returncode == 0, done.stdout
    assert TOLD.format("migrate") in done.stdout


@pytest.mark.parametrize(
    ("variables", "returncode", "line"),
    [
        # The pooler, which does not answer: asked for, or because nothing else is known.
        ({"ENVCONN_ENDPOINT": "pooled"}, 1, "OperationalError"),
        ({"DIRECT_URL": ""}, 1, "OperationalError"),
        ({"ENVCONN_ENDPOINT": "direct", "DIRECT_URL": ""}, 78, "DATABASE_URL: a direct endpoint on the primary: "),
        # NAME would have to change, which would migrate production in a test.
        ({"DIRECT_URL": "{other}"}, 78, "DIRECT_URL: is another database than DATABASE_URL, so it is not used by itse"),
        # The project goes on without it where nothing says that the default is a pooler.
        ({"ENVCONN_POOL_MODE": "none"}, 1, "OperationalError"),
        ({"ENVCONN_POOL_MODE": ""}, 1, UNUSED),
        (
            {"DIRECT_URL": "{remote}"},
            78,
            "DIRECT_URL: does not have everything that DATABASE_URL requires, so it is not",
        ),
        ({"DIRECT_URL": "{clear}"}, 78, "DIRECT_URL: sslmode=disable for a remote host"),
    ],
)
def test_not_by_the_direct_endpoint(
    project: Project, pooled: dict[str, str], variables: dict[str, str], returncode: int, line: str
) -> None:
    server = pooled["DIRECT_URL"]
    others = {
        "other": server.replace("/moved?", "/another?"),
        "remote": "postgresql://app@db.example.com/moved?sslmode=require",
        "clear": "postgresql://app@db.example.com/app?sslmode=disable",
    }
    given = {name: value.format_map(others) for name, value in variables.items()}
    done = project.manage("migrate", **{**pooled, **given})
    assert (done.returncode, line in done.stdout) == (returncode, True), done.stdout
    assert (UNUSED in done.stdout) is (line == UNUSED)
    assert "uses the direct endpoint" not in done.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hostaddr", "127.0.0.1"),
        pytest.param("sslmode", "disable", marks=pytest.mark.exhaustive),
        pytest.param("passfile", "/run/pass", marks=pytest.mark.exhaustive),
    ],
)
def test_what_the_project_has_changed_for_the_pooler_is_not_for_the_direct_endpoint(
    project: Project, name: str, value: str
) -> None:
    project.settings(f"DATABASES['default']['OPTIONS'][{name!r}] = {value!r}")  # to PgBouncer beside the program
    variables = {
        "DATABASE_URL": "postgresql://app:marker-password@localhost:6432/app",
        "DIRECT_URL": "postgresql://owner:marker-password@localhost:9/app",
        "ENVCONN_TLS_LOCAL": "allow",
    }
    done = project.manage("migrate", **variables)
    assert done.returncode == 78, done.stdout
    message = f"DIRECT_URL: OPTIONS {name} cannot be set in the program. Set it in the environment\n"
    assert done.stdout.endswith(message)
    assert "marker-password" not in done.stdout


POOLER = "postgresql://app:marker@db.example.com:6432/app"
DIRECT = "postgresql://owner:marker@direct.example.com/app"
NEON = "postgresql://app:marker@ep-a-123456{}.us-east-2.aws.neon.tech/app"
CA = "sslmode=verify-full&sslrootcert=system"


@pytest.mark.parametrize(
    ("pooler", "other", "environ"),
    [
        ("", "", {}),
        ("?sslmode=require", "?sslmode=verify-full&sslrootcert=system", {}),
        (f"?{CA}", f"?{CA}", {}),
        ("", "?options=-csearch_path%3Dtenant", {}),
        ("?currentSchema=tenant", "?options=-csearch_path%3Dtenant", {}),
        ("?schema=public", "", {}),
        # What names the endpoint to the provider's proxy is no setting of the session.
        ("", "", {"DATABASE_URL": NEON.format("-pooler") + "?options=endpoint%3Dep-a-123456-pooler"}),
        ("?target_session_attrs=read-write", "?target_session_attrs=read-write", {}),
        ("?sslmode=disable", "?sslmode=disable", {"ENVCONN_TLS_WAIVE": "*.example.com"}),
        (f"?{CA}", "", {"ENVCONN_TLS_WAIVE": "*.example.com"}),
    ],
)
def test_an_endpoint_of_the_same_database(pooler: str, other: str, environ: dict[str, str]) -> None:
    assert not compared({"DATABASE_URL": POOLER + pooler, "DIRECT_URL": DIRECT + other, **environ})


SAME = "does not have everything that DATABASE_URL requires, so it is not used by itself. Write {} in it"


@pytest.mark.parametrize(
    ("pooler", "other", "message"),
    [
        *((f"?{name}=tenant", "", SAME.format(f"the same {name}")) for name in ("currentSchema", "schema")),
        ("?currentSchema=tenant", "?currentSchema=other", SAME.format("the same currentSchema")),
        ("?currentSchema=tenant", "?options=-crole%3Downer", SAME.format("the same currentSchema")),
        ("?options=-csearch_path%3Dtenant", "", SAME.format("the same options")),
        ("?options=-c%20role%3Downer", "?options=-c%20role%3Dapp", SAME.format("the same options")),
        ("?target_session_attrs=read-write", "", SAME.format("the same target_session_attrs")),
        (
            "?target_session_attrs=primary&schema=tenant",
            "?target_session_attrs=any",
            SAME.format("the same schema and the same target_session_attrs"),
        ),
        (f"?{CA}", "", SAME.format("sslmode=verify-full and the same sslrootcert")),
        (f"?{CA}", "?sslmode=require", SAME.format("sslmode=verify-full and the same sslrootcert")),
        ("?channel_binding=require", "", SAME.format("the same channel_binding")),
        (
            "?sslmode=verify-full&sslrootcert={ca}",
            "?sslmode=verify-ca&sslrootcert={ca}",
            SAME.format("sslmode=verify-full"),
        ),
        (f"?{CA}&options=-crole%3Da", f"?{CA}", SAME.format("the same options")),
    ],
)
def test_an_endpoint_that_requires_less(pooler: str, other: str, message: str, certificates: Certificates) -> None:
    texts = {"DATABASE_URL": POOLER + pooler, "DIRECT_URL": DIRECT + other}
    assert compared({name: text.format(ca=certificates.ca) for name, text in texts.items()}).startswith(message)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"DIRECT_URL": f"{DIRECT}x"}, "is another database than DATABASE_URL, so it is not used by itself. Set"),
        ({"ENVCONN_TLS_WAIVE": "db.example.com"}, "is remote, but DATABASE_URL is local or has a waiver, so it is not"),
        ({"ENVCONN_TLS_WAIVE": "direct.example.com"}, "is local or has a waiver, but DATABASE_URL is neither, so it"),
        ({"DATABASE_URL": "postgresql://app:marker@localhost:6432/app"}, "is remote, but DATABASE_URL is local or has"),
        ({"DIRECT_URL": "postgresql://app:marker@localhost/app"}, "is local or has a waiver, but DATABASE_URL is"),
        (
            {
                "DATABASE_URL": "mysql://app:marker@db.example.com/app?ssl-mode=VERIFY_IDENTITY&ssl-ca=system",
                "DIRECT_URL": "mysql://app:marker@direct.example.com/app?ssl-mode=REQUIRED",
                "ENVCONN_POOL_MODE": "session",
            },
            SAME.format("the same TLS parameters"),
        ),
    ],
)
def test_an_endpoint_of_another_database(environ: dict[str, str], message: str) -> None:
    assert compared({"DATABASE_URL": POOLER, "DIRECT_URL": DIRECT, **environ}).startswith(message)


def compared(environ: dict[str, str]) -> str:
    """Return why the direct endpoint of the database is not used by itself, without any value."""
    database = envconn.load(environ, env_file=None).database
    found = direct_by_itself(database)
    assert found
    message = difference(database, found)
    assert "marker" not in message
    return message


def test_it_is_used_where_it_is_stated(project: Project, pooled: dict[str, str]) -> None:
    done = project.manage("migrate", **pooled, ENVCONN_ENDPOINT="direct")
    assert done.returncode == 0, done.stdout
    assert "uses the direct endpoint" not in done.stdout


def test_an_entry_of_the_projects_own_is_left_alone(project: Project, pooled: dict[str, str], lab: Lab) -> None:
    server = lab["good"]
    own = {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "HOST": "localhost", "PORT": str(server.port)}
    login = {"USER": server.user, "PASSWORD": server.password}
    options = "DATABASES['default']['OPTIONS']"
    project.settings(
        f"DATABASES['own'] = {{**DATABASES['default'], **{ {**own, **login} }, 'OPTIONS': dict({options})}}"
    )
    done = project.manage("migrate", "--database", "own", "website", "zero", **pooled)
    assert "uses the direct endpoint" not in done.stdout
