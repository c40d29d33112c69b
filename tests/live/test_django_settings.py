"""Every cell of the table of Django: a process of the example's project, beside a server that asks for passwords."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

import django
import pytest

from asking import asking
from django_settings import TABLE
from framework_settings import JUDGED, MERGED, MOMENTS, NONE, NOT_READ, OPEN, REFUSED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from asking import Asking
    from lab import Lab
    from project import Project
    from throwaway.certificates import Certificates

pytestmark = pytest.mark.measured

TLS, STOPPED = "TLS", "refused"
NEEDED = {JUDGED: {TLS, STOPPED}, REFUSED: {STOPPED}, MERGED: {TLS}, NONE: {TLS}, NOT_READ: set(), OPEN: set()}
"""The outcomes with which a cell is shown."""


class Try(NamedTuple):
    """One way to set what `row`, the beginning of the name of a row, says. `lines` make ``DATABASES``."""

    row: str
    moment: str
    outcome: str
    lines: str
    variables: tuple[tuple[str, str], ...] = ()


OURS = "DATABASES = databases()"
OPTIONS = "DATABASES['default']['OPTIONS']"
ASKING = "{'ENGINE': POSTGRESQL, 'NAME': 'x', 'USER': 'u', 'PASSWORD': 'own', 'HOST': '127.0.0.1', 'PORT': PORT%s}"
WEAK, WEAK_OPTIONS = ASKING % "", ASKING % ", 'OPTIONS': {'sslmode': 'prefer', **extra}"
REQUIRED = ASKING % ", 'OPTIONS': {'sslmode': 'require', 'require_auth': 'md5,scram-sha-256'}"
OWN = "{**databases()['default'], 'NAME': 'template1'}"
OF_MYSQL = (
    "{'ENGINE': MYSQL, 'NAME': 'x', 'USER': 'u', 'PASSWORD': 'own', 'HOST': 'localhost', 'PORT': PORT, "
    "'OPTIONS': {'host': 'db.example.com', %s}}"
)
STRONG_MYSQL = OF_MYSQL % "'ssl': {'ca': CA}"


def replaced(row: str, weak: str) -> Iterator[Try]:
    """Yield the try of what is set before `databases`, which replaces it."""
    yield Try(row, "before", TLS, f"extra = {weak}; DATABASES = {{'default': {WEAK_OPTIONS}, **databases()}}")


def later(row: str, outcome: str, line: str) -> Try:
    """Return the try of a `line` behind `databases`."""
    return Try(row, "after", outcome, f"{OURS}; {line}")


def beside(row: str, outcome: str, entry: str) -> Iterator[Try]:
    """Yield the tries of an `entry` of the project, before and after."""
    yield Try(row, "before", outcome, f"DATABASES = {{'own': {entry}}}; DATABASES |= databases()")
    yield Try(row, "after", outcome, f"{OURS}; DATABASES['own'] = {entry}")


TRIES = (
    *replaced("`HOST`", "{}"),
    later("`HOST`", TLS, "DATABASES['default'] |= {'HOST': '127.0.0.1', 'NAME': 'template1'}"),
    later("`HOST`", STOPPED, f"DATABASES['default'] |= {WEAK}; {OPTIONS}['sslmode'] = 'prefer'"),
    *replaced("`sslmode`", "{'gssencmode': 'prefer'}"),
    later("`sslmode`", TLS, f"{OPTIONS}['ssl_min_protocol_version'] = 'TLSv1.3'"),
    *(
        later("`sslmode`", STOPPED, f"DATABASES['default']['PORT'] = PORT; {line}")
        for line in (
            f"{OPTIONS}['sslmode'] = 'disable'",
            f"{OPTIONS}['sslmode'] = 'require'",
            f"{OPTIONS} |= {{'sslmode': 'verify-ca'}}",
            f"{OPTIONS} = {{}}",
            f"del {OPTIONS}",
            f"{OPTIONS}['sslrootcert'] = '/dev/null/absent'",
        )
    ),
    *replaced("`host`", "{'hostaddr': '127.0.0.1', 'dbname': 'x', 'passfile': '/x'}"),
    later("`host`", TLS, f"{OPTIONS} |= {{'hostaddr': '127.0.0.1', 'dbname': 'template1', 'passfile': '/x'}}"),
    later(
        "`host`",
        STOPPED,
        f"DATABASES['default']['HOST'] = ''; {OPTIONS} |= {{'host': '127.0.0.1', 'sslmode': 'prefer'}}",
    ),
    *replaced("`service`", "{'service': 'x'}"),
    *(
        later("`service`", STOPPED, f"{OPTIONS}[{name!r}] = {value!r}")
        for name, value in {
            "service": "x",
            "conninfo": "sslmode=disable",
            "dsn": "sslmode=disable",
            "connection_factory": "x",
        }.items()
    ),
    *replaced("`isolation_level`", "{'assume_role': 'x'}"),
    later("`isolation_level`", TLS, f"{OPTIONS} |= {{'application_name': 'x', 'connect_timeout': 5}}"),
    *replaced("`pool`", "{'pool': True}"),
    later("`pool`", TLS, f"{OPTIONS}['pool'] = {{'min_size': 1, 'max_size': 1}} if POOLS else None"),
    *replaced("`conninfo`", "{'pool': {'conninfo': 'x'}}"),
    *(
        later("`conninfo`", STOPPED, f"{OPTIONS}['pool'] = {{{name!r}: {{}}}}")
        for name in ("conninfo", "kwargs", "connection_class")
    ),
    *replaced("`ENGINE`, derived", "{}"),
    later("`ENGINE`, derived", TLS, "DATABASES['default']['ENGINE'] = 'derived'"),
    later("`ENGINE`, derived", STOPPED, f"DATABASES['default'] |= {{**{WEAK}, 'ENGINE': 'derived', 'OPTIONS': {{}}}}"),
    *beside("`ENGINE` of another", STOPPED, f"{{**{WEAK}, 'ENGINE': 'another'}}"),
    *beside("`ENGINE` of another", STOPPED, "{'ENGINE': 'another', 'NAME': '(DESCRIPTION=...)'}"),
    *beside("an entry of the project", TLS, OWN),
    *beside("an entry of the project", STOPPED, WEAK),
    *beside("an entry of SQLite", TLS, "{'ENGINE': 'derived_file', 'NAME': ':memory:'}"),
    *beside("an entry of SQLite", TLS, "{'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}"),
    later(
        "an entry of SQLite", TLS, "DATABASES['default'] = {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}"
    ),
    *beside("MySQL's `host`", TLS, STRONG_MYSQL),
    *beside("MySQL's `host`", STOPPED, OF_MYSQL % ""),
    *beside("MySQL's `host`", STOPPED, OF_MYSQL % "'ssl': {'ca': CA, 'verify_mode': 'none'}"),
    *beside("MySQL's `host`", STOPPED, "{'ENGINE': MYSQL, 'HOST': '/run/mysqld.sock'}"),  # local is enforced here
    Try(
        *("MySQL's `host`", "after", TLS),
        f"{OURS}; DATABASES['own'] = {OF_MYSQL % ''}",
        (("ENVCONN_TLS_WAIVE", "db.example.com"),),
    ),
    *beside("MySQL's `read_default_file`", STOPPED, OF_MYSQL % "'ssl': {'ca': CA}, 'read_default_file': '/x'"),
    *beside("`databases()`", TLS, "databases(envconn.secure(URI))['default']"),
    Try("`PGHOSTADDR`", "environment", TLS, OURS, (("PGHOSTADDR", "192.0.2.1"), ("PGSSLMODE", "disable"))),
    Try("the same", "environment", TLS, f"{OURS}; DATABASES['own'] = {OWN}", (("PGSSLMODE", "disable"),)),
    Try(
        *("the same", "environment", STOPPED),
        f"{OURS}; DATABASES['own'] = {REQUIRED}",
        (("PGREQUIREAUTH", "scram-sha-256"),),
    ),
)
"""Those of `WHOLE` and of dbshell are in functions of their own."""

WORKER = """
import json, os, sys, types
import envconn, pymysql
pymysql.install_as_MySQLdb()
from django.db.backends.postgresql import base
from django.db.backends.sqlite3 import base as file
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler, DatabaseError
from envconn_django import databases
from envconn_django.final_settings import final_entries

def backend(name, kind):
    module = sys.modules[name] = types.ModuleType(name)
    module.__path__ = []
    module.base = sys.modules[name + ".base"] = types.ModuleType(name + ".base")
    module.base.DatabaseWrapper = type("DatabaseWrapper", (kind,), {})

backend("derived", base.DatabaseWrapper)
backend("derived_file", file.DatabaseWrapper)
backend("another", BaseDatabaseWrapper)
known = json.loads(sys.argv[1])

def outcome(lines, variables):
    os.environ.update(variables)
    scope = {"databases": databases, "envconn": envconn, **known["names"]}
    try:
        exec(lines, scope)
        entries = scope["DATABASES"]
        if problems := [str(each) for final in final_entries(entries) for each in final.problems]:
            return "refused", problems
        return connected(ConnectionHandler(entries)), []
    except DatabaseError as error:
        return "failed", [str(error)]
    finally:
        for name in variables:
            del os.environ[name]

def connected(handler):
    for alias in handler:
        connection = handler[alias]
        if connection.vendor == "mysql":
            continue  # what PyMySQL does with it is tried in test_mysql
        connection.ensure_connection()
        pgconn = getattr(connection.connection, "pgconn", None)
        if pgconn and not pgconn.ssl_in_use:
            return "clear"
        connection.close()
        if getattr(connection, "pool", None):
            connection.close_pool()
    return "TLS"

print(json.dumps([outcome(*each) for each in known["tries"]]))
if known["naive"]:
    known["names"]["extra"] = {}
    scope = dict(known["names"])
    exec(known["naive"], scope)
    try:
        ConnectionHandler(scope["DATABASES"])["default"].ensure_connection()
    except Exception:
        pass
"""


@pytest.fixture
def listener() -> Iterator[Asking]:
    with asking() as server:
        yield server


@pytest.fixture
def environ(lab: Lab, certificates: Certificates) -> dict[str, str]:
    return {"DATABASE_URL": lab["good"].uri(sslmode="verify-full", sslrootcert=str(certificates.ca))}


def test_every_cell(project: Project, listener: Asking, environ: dict[str, str], certificates: Certificates) -> None:
    names = {
        "POSTGRESQL": "django.db.backends.postgresql",
        "MYSQL": "django.db.backends.mysql",
        "CA": str(certificates.ca),
        "PORT": listener.port,
        "URI": environ["DATABASE_URL"],
        "POOLS": django.VERSION >= (5, 1),
    }
    naive = f"DATABASES = {{'default': {WEAK}}}"
    tries = [[each.lines, dict(each.variables)] for each in TRIES]
    request = json.dumps({"names": names, "tries": tries, "naive": ""})
    done = project.run("-c", f"import django\ndjango.setup()\n{WORKER}", request, **environ)
    assert done.returncode == 0, done.stdout
    found = json.loads(done.stdout.splitlines()[-1])
    wrong = [(each, *request) for each, request in zip(TRIES, found, strict=True) if each.outcome != request[0]]
    assert wrong == []
    assert "own" not in str([request[1] for request in found if "DATABASES['own']" not in str(request[1])])
    assert listener.passwords == []
    # The same entry without us: the listener is one to whom a password is sent.
    request = json.dumps({"names": names, "tries": [], "naive": naive})
    project.run("-c", f"import django\ndjango.setup()\n{WORKER}", request, **environ)
    assert listener.passwords == ["own"]


BAD = f"extra = {{}}; PORT, POSTGRESQL = '%s', 'django.db.backends.postgresql'; DATABASES['own'] = {WEAK}"
WHOLE = (
    ("environment", ("-c", "import website.wsgi")),
    ("environment", ("-c", "from django.core.asgi import get_asgi_application as a; a()")),
    ("environment", ("manage.py", "check")),
    ("command_line", ("manage.py", "migrate", "--database=own", "--settings=tested")),
)
"""Programs whose settings are those in `DJANGO_SETTINGS_MODULE` or ``--settings``."""


def test_whole_programs_stop(project: Project, listener: Asking, environ: dict[str, str]) -> None:
    project.settings(f"{BAD % listener.port}\nSILENCED_SYSTEM_CHECKS = ['envconn.tls-below-minimum']")
    for moment, command in WHOLE:
        module = "website.settings" if moment == "command_line" else "tested"
        done = project.run(*command, **environ, DJANGO_SETTINGS_MODULE=module)
        assert (done.returncode, done.stdout.splitlines()) == (
            78,
            ["DATABASES['own']: TLS is opportunistic, but encrypted is the minimum. State it, or remove the entry"],
        )
    done = project.run(*WHOLE[0][1], **environ, DJANGO_SETTINGS_MODULE="website.settings")
    assert (done.returncode, listener.passwords) == (0, [])


def test_every_cell_is_tried() -> None:
    elsewhere = {"`DJANGO_SETTINGS_MODULE`", "`dbshell`"}
    for row in TABLE.rows:
        if row.what.startswith(tuple(elsewhere)):
            continue
        own = [each for each in TRIES if row.what.startswith(each.row)]
        for moment in MOMENTS:
            shown = {each.outcome for each in own if each.moment == moment}
            assert shown == NEEDED[getattr(row, moment)], (row.what, moment)


def test_dbshell(project: Project, lab: Lab, certificates: Certificates) -> None:
    if not shutil.which("psql"):
        pytest.skip("there is no psql")
    strict = {"sslmode": "verify-full", "sslrootcert": str(certificates.ca), "hostaddr": "127.0.0.1"}
    uri = lab["good"].uri("db.envconn.test", **strict, channel_binding="require")
    ask = "select current_database(), ssl from pg_stat_ssl where pid = pg_backend_pid()"
    wrong = {"PGHOSTADDR": "192.0.2.1", "PGCHANNELBINDING": "disable", "PGOPTIONS": "-c work_mem=x"}
    done = project.manage("dbshell", "--", "-Atc", ask, DATABASE_URL=uri, **wrong)
    assert (done.returncode, done.stdout) == (0, "postgres|t\n"), done.stdout


STATED = {
    "hostaddr": ("PGHOSTADDR", "127.0.0.1"),
    "channel_binding": ("PGCHANNELBINDING", "require"),
    "require_auth": ("PGREQUIREAUTH", "scram-sha-256"),
    "sslnegotiation": ("PGSSLNEGOTIATION", "direct"),
    "ssl_min_protocol_version": ("PGSSLMINPROTOCOLVERSION", "TLSv1.3"),
    "ssl_max_protocol_version": ("PGSSLMAXPROTOCOLVERSION", "TLSv1.3"),
}


@pytest.mark.parametrize("rotate", [False, True])
@pytest.mark.parametrize(("version", "refused"), [("18.1", ""), ("15.18 (Debian 15.18-0+deb12u1)", "require_auth")])
def test_dbshell_hands_over_what_decides(
    project: Project, tmp_path: Path, certificates: Certificates, version: str, refused: str, *, rotate: bool
) -> None:
    project.settings(f"DATABASES = databases(rotate={rotate})")
    script = f"#!/bin/sh\n[ \"$1\" = --version ] && echo 'psql (PostgreSQL) {version}' && exit\nenv\n"
    (program := tmp_path / "psql").write_text(script, encoding="ascii")
    program.chmod(0o755)
    crl = tmp_path / "list.pem"
    crl.write_bytes(certificates.ca.read_bytes())
    query = {"sslmode": "verify-full", "sslrootcert": str(certificates.ca), "sslcrl": str(crl)}
    query |= {name: value for name, (_, value) in STATED.items()}
    uri = f"postgresql://app:marker-password@db.example.com/app?{urlencode(query)}"
    done = project.manage("dbshell", DATABASE_URL=uri, PATH=f"{tmp_path}:{os.environ['PATH']}")
    if refused:
        assert f"DATABASE_URL: {refused} requires libpq 16" in done.stdout
        assert "marker-password" not in done.stdout
        return
    request = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    assert {name: request.get(name) for name, _ in STATED.values()} == dict(STATED.values())
    assert (request["PGSSLCRL"], request["PGDATABASE"], request["PGPASSWORD"]) == (str(crl), "app", "marker-password")
