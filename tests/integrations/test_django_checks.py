"""System checks, and the filter of error reports, in a real Django project."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from project import Project
    from throwaway.certificates import Certificates

pytestmark = pytest.mark.measured

HOST = "db.example.com"
URI = f"postgresql://app:marker-password@{HOST}/app"
PLANETSCALE = "postgresql://{role}.abc123:marker-password@us-east-1-2.pg.psdb.cloud:{port}/app?sslmode=require"
NEON = "postgresql://app:marker-password@ep-cool-darkness-123456-pooler.us-east-2.aws.neon.tech/app?sslmode=require"


def found(project: Project, *arguments: str, **variables: str) -> set[str]:
    """Return the ids of our findings."""
    done = project.manage("check", *arguments, **variables)
    assert "marker-password" not in done.stdout
    return set(re.findall(r"\(envconn\.([a-z-]+)\)", done.stdout))


def test_nothing_is_said_of_a_good_configuration(project: Project, certificates: Certificates) -> None:
    variables = {"DATABASE_URL": f"{URI}?sslmode=verify-full", "DATABASE_CA_CERT": str(certificates.ca)}
    assert found(project, "--deploy", **variables) == set()
    local = {"DATABASE_URL": "postgresql://app:marker-password@localhost/app", "ENVCONN_TLS_LOCAL": "allow"}
    assert found(project, "--deploy", **local) == set()


@pytest.mark.parametrize(
    ("uri", "variables", "codes"),
    [
        (f"{URI}?sslmode=require", {}, {"tls-unverified"}),
        (f"{URI}?sslmode=disable", {"ENVCONN_TLS_WAIVE": HOST}, {"tls-waived"}),
        (f"{URI}?sslmode=prefer", {"ENVCONN_TLS_WAIVE": HOST}, {"tls-waived"}),
        (PLANETSCALE.format(role="postgres", port=5432), {}, {"tls-unverified", "default-role"}),
    ],
)
def test_what_matters_where_it_is_deployed(
    project: Project, uri: str, variables: dict[str, str], codes: set[str]
) -> None:
    assert found(project, DATABASE_URL=uri, **variables) == set()
    assert found(project, "--deploy", DATABASE_URL=uri, **variables) == codes


def test_verify_ca_is_not_enough_where_it_is_deployed(project: Project, certificates: Certificates) -> None:
    uri = f"{URI}?sslmode=verify-ca&sslrootcert={certificates.ca}"
    assert found(project, "--deploy", DATABASE_URL=uri) == {"tls-unverified"}


@pytest.mark.parametrize(
    ("uri", "variables", "codes"),
    [
        (NEON, {}, set()),  # the direct endpoint is derived
        (f"{URI}?sslmode=require", {"ENVCONN_POOL_MODE": "transaction"}, {"migrate-pooled"}),
        (f"{URI}?sslmode=require", {"ENVCONN_POOL_MODE": "session"}, set()),
    ],
)
def test_migrations_through_a_pooler(project: Project, uri: str, variables: dict[str, str], codes: set[str]) -> None:
    assert found(project, DATABASE_URL=uri, **variables) == codes


@pytest.mark.parametrize(
    ("direct", "variables", "told"),
    [
        ("?sslmode=require", {}, True),
        ("2?sslmode=verify-full&sslrootcert={ca}", {}, True),
        ("?sslmode=verify-full&sslrootcert={ca}", {}, False),
        ("?sslmode=require", {"ENVCONN_ENDPOINT": "pooled"}, False),
        ("?sslmode=require", {"ENVCONN_ENDPOINT": "direct"}, False),
    ],
)
def test_check_says_where_migrate_would_stop(
    project: Project,
    certificates: Certificates,
    direct: str,
    variables: dict[str, str],
    told: bool,  # noqa: FBT001
) -> None:
    texts = {
        "DATABASE_URL": f"{URI}?sslmode=verify-full&sslrootcert={certificates.ca}",
        "DIRECT_URL": f"{URI}{direct.format(ca=certificates.ca)}".replace("db.", "direct."),
        "ENVCONN_POOL_MODE": "transaction",
    }
    assert found(project, **texts, **variables) == ({"endpoint-differs"} if told else set())
    if told:
        assert "error DIRECT_URL" not in project.manage("check", **texts).stdout
        assert "DIRECT_URL: " in project.manage("migrate", **texts).stdout


def test_a_second_pool(project: Project) -> None:
    project.settings("DATABASES['default']['OPTIONS']['pool'] = True\nDATABASE_ROUTERS = []")
    assert found(project, DATABASE_URL=NEON) == {"pool-behind-pooler"}


def test_a_broker_that_django_does_not_use_is_a_warning(project: Project) -> None:
    broker = "amqp://app:marker-password@mq.example.com"
    assert found(project, DATABASE_URL=NEON, BROKER_URL=broker) == {"tls-disabled"}
    assert project.manage("check", DATABASE_URL=NEON, BROKER_URL=broker).returncode == 0
    # The site asks for its cache.
    done = project.manage("check", DATABASE_URL=NEON, CACHE_URL="redis://h.example.com")
    assert "CACHE_URL: the scheme means no TLS" in done.stdout
    assert done.returncode == 78


LATE = """
from django.conf import settings
from django.core.checks import run_checks
settings.DATABASES["default"]["OPTIONS"]["sslmode"] = "disable"
print(*(found for found in run_checks() if found.is_serious()))
"""


def test_a_change_by_an_application_that_is_ready_later(project: Project) -> None:
    done = project.python(LATE, DATABASE_URL=NEON)
    assert "(envconn.tls-disabled) DATABASES['default']: sslmode=disable for a remote host" in done.stdout


def test_a_waiver_is_named_for_an_entry_of_the_project(project: Project) -> None:
    project.settings(f"DATABASES['own'] = {OWN}")
    assert found(project, "--deploy", DATABASE_URL=NEON, ENVCONN_TLS_WAIVE="old.example.com") == {
        *("tls-unverified", "tls-waived")
    }


OWN = {"ENGINE": "django.db.backends.postgresql", "NAME": "old", "HOST": "old.example.com"}


@pytest.mark.parametrize("covered", [True, False])
def test_error_pages_with_debug(project: Project, *, covered: bool) -> None:
    filter_ = "" if covered else "from django.conf.global_settings import DEFAULT_EXCEPTION_REPORTER_FILTER"
    project.settings(f"DEBUG = True\n{filter_}")
    assert found(project, DATABASE_URL=NEON) == (set() if covered else {"filter-missing"})


def test_a_finding_can_be_silenced(project: Project) -> None:
    project.settings("SILENCED_SYSTEM_CHECKS = ['envconn.tls-unverified']")
    assert found(project, "--deploy", DATABASE_URL=NEON) == set()


REPORT = """
import os, sys
from django.test import RequestFactory
from django.views.debug import ExceptionReporter
def view():
    uri, harmless = os.environ["DATABASE_URL"], "https://example.com/page"
    raise ValueError("no")
try:
    view()
except ValueError:
    request = RequestFactory().get("/", **{name: value for name, value in os.environ.items() if "URL" in name})
    reporter = ExceptionReporter(request, *sys.exc_info())
    print(reporter.get_traceback_html(), reporter.get_traceback_text())
"""


@pytest.mark.parametrize("covered", [True, False])
def test_a_debug_page(project: Project, *, covered: bool) -> None:
    filter_ = "" if covered else "from django.conf.global_settings import DEFAULT_EXCEPTION_REPORTER_FILTER"
    keep = "import os; KEPT = {'list': [os.environ['DATABASE_URL']]}; OTHER_URL = os.environ['OTHER_URL']; DEBUG = True"
    project.settings(f"{keep}\n{filter_}")
    # The first password is in variables that envconn reads, the second in an unknown one.
    other = "amqp://app:other-password@mq.example.com"
    done = project.python(REPORT, DATABASE_URL=NEON, CACHE_URL="rediss://:marker-password@h/0", OTHER_URL=other)
    assert done.returncode == 0, done.stdout
    assert "https://example.com/page" in done.stdout
    assert ("marker-password" in done.stdout) is not covered
    assert ("other-password" in done.stdout) is not covered


PAGES = """
import asyncio, sys
from django.conf import settings
from django.core import mail
from django.db import connections
from django.test import AsyncClient, Client
from django.test.utils import setup_test_environment
from django.urls import path
from django.utils.log import AdminEmailHandler
import logging

def view(request, alias):
    kept = {"deep": [({"password": "marker-password"},)], "texts": {"postgresql://app:marker-password@h/d"}}
    kept["itself"] = kept
    with connections[alias].cursor():
        pass

setup_test_environment()
logging.getLogger("django.request").addHandler(AdminEmailHandler(include_html=True))
settings.ROOT_URLCONF = (path("<alias>", view),)
pages = []
for settings.DEBUG in (True, False):
    for alias in ("default", "rotated"):
        for accept in ("text/html", "text/plain"):
            pages.append(Client(raise_request_exception=False).get(f"/{alias}", HTTP_ACCEPT=accept).content.decode())
        found = asyncio.run(AsyncClient(raise_request_exception=False).get(f"/{alias}"))
        pages.append(found.content.decode())
for message in mail.outbox:
    pages += [message.body, *(each[0] for each in message.alternatives)]
sys.stdout.write("".join(pages))
print("pages", len(pages), sum("OperationalError" in each for each in pages))
"""


@pytest.mark.parametrize("covered", [True, False])
def test_pages_and_mails_about_a_failed_connection(project: Project, *, covered: bool) -> None:
    """Every page for a browser and for a program, WSGI and ASGI, every mail, and the log on stderr."""
    filter_ = "" if covered else "from django.conf.global_settings import DEFAULT_EXCEPTION_REPORTER_FILTER"
    second = "DATABASES['rotated'] = databases(rotate=True)['default']"
    project.settings(f"{second}\nADMINS = [('a', 'a@example.com')]\nALLOWED_HOSTS = ['*']\n{filter_}")
    uri = "postgresql://app:marker-password@127.0.0.1:1/app?sslmode=require"
    done = project.run("-c", f"import django\ndjango.setup()\n{PAGES}", DATABASE_URL=uri)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "pages 42 36"
    assert ("marker-password" in done.stdout) is not covered
