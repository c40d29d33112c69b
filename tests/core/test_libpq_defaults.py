"""What a text leaves out is libpq's default, which the installed libpq confirms, with the same environment."""

from __future__ import annotations

import os
from pwd import getpwuid
from typing import TYPE_CHECKING

import psycopg
import pytest

import envconn
from envconn import ConfigurationError
from envconn.drivers import asyncpg, libpq, pg8000
from envconn.grammar.libpq_keywords import VARIABLES
from envconn.selection import select_services
from envconn.selection.libpq_defaults import SOCKETS
from envconn.tls import Context, judge
from envconn.tls.policy import Demands
from envconn_django import databases
from envconn_sqlalchemy import url
from leaks import MARKER

if TYPE_CHECKING:
    from pathlib import Path

pq = psycopg.pq

ME = getpwuid(os.geteuid()).pw_name
AT = f"{SOCKETS}:5432"
PRISMA = f"postgres://app:{MARKER}@pooled.db.prisma.io:5432/?sslmode=require"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)


def confirmed(text: str) -> tuple[str, str, str]:
    """Return place, user and database name to which libpq connects; it tries those on this machine."""
    found = {each.keyword.decode(): (each.val or b"").decode() for each in pq.Conninfo.get_defaults()}
    found |= {each.keyword.decode(): each.val.decode() for each in pq.Conninfo.parse(text.encode()) if each.val}
    host = found["host"] or pq.PGconn.connect_start(text.encode()).host.decode()
    return f"{host}:{found['port']}", found["user"], found["dbname"] or found["user"]


STATED = [
    # Without a host, a user, a database name; in both grammars.
    ("postgres://", {}, AT, ME, ME),
    ("postgresql:///", {}, AT, ME, ME),
    ("postgres:///app", {}, AT, ME, "app"),
    ("dbname=app", {}, AT, ME, "app"),
    ("postgres:///?host=/var/run/postgresql", {}, AT, ME, ME),
    ("host=/var/run/postgresql", {}, AT, ME, ME),
    ("postgres:///app?host=/run/x&port=6543", {}, "/run/x:6543", ME, "app"),
    ("postgres://%2Frun%2Fx/app", {}, "/run/x:5432", ME, "app"),
    ("postgres:///app?host=%40abstract", {}, "@abstract:5432", ME, "app"),
    ("postgres://localhost/app", {}, "localhost:5432", ME, "app"),
    ("host=localhost dbname=app", {}, "localhost:5432", ME, "app"),
    ("host=localhost\ndbname=app\n", {}, "localhost:5432", ME, "app"),
    ("postgres://127.0.0.1:6543", {}, "127.0.0.1:6543", ME, ME),
    ("postgres://[::1]/", {}, "::1:5432", ME, ME),
    ("postgres://:6543/app", {}, f"{SOCKETS}:6543", ME, "app"),
    ("postgres://app@/", {}, AT, "app", "app"),
    (f"postgres://app:{MARKER}@/?port=6543", {}, f"{SOCKETS}:6543", "app", "app"),
    ("postgres://app@localhost", {}, "localhost:5432", "app", "app"),
    ("user=app", {}, AT, "app", "app"),
    (f"postgres://app:{MARKER}@db.example.com", {}, "db.example.com:5432", "app", "app"),
    (f"postgres://app:{MARKER}@db.example.com/?sslmode=require", {}, "db.example.com:5432", "app", "app"),
    (f"host=db.example.com user=app password={MARKER}", {}, "db.example.com:5432", "app", "app"),
    (PRISMA, {}, "pooled.db.prisma.io:5432", "app", "app"),
    # With variables.
    ("postgres://", {"PGUSER": "me", "PGDATABASE": "mine"}, AT, "me", "mine"),
    ("postgres:///app", {"PGUSER": "me", "PGDATABASE": "mine"}, AT, "me", "app"),
    ("postgres://localhost", {"PGUSER": "me"}, "localhost:5432", "me", "me"),
    ("postgres://localhost", {"PGUSER": "", "PGDATABASE": " "}, "localhost:5432", ME, ME),
    ("postgres://db.example.com/app", {"PGUSER": "me"}, "db.example.com:5432", "me", "app"),
    ("postgres://db.example.com", {"PGUSER": "m e"}, "db.example.com:5432", "m e", "m e"),
    (PRISMA, {"PGUSER": "me", "PGDATABASE": "postgres"}, "pooled.db.prisma.io:5432", "app", "postgres"),
    ("host=db.example.com", {"PGUSER": "me", "PGDATABASE": "mine"}, "db.example.com:5432", "me", "mine"),
    ("postgres:///app", {"PGHOST": "localhost"}, "localhost:5432", ME, "app"),
    ("postgres:///app", {"PGHOST": "/run/x", "PGPORT": "6543"}, "/run/x:6543", ME, "app"),
    ("postgres:///app", {"PGPORT": "6543"}, f"{SOCKETS}:6543", ME, "app"),
    ("postgres://:6543/app", {"PGHOST": "localhost", "PGPORT": "1"}, "localhost:6543", ME, "app"),
    ("postgres://app@/", {"PGHOST": "db.example.com"}, "db.example.com:5432", "app", "app"),
    ("dbname=app", {"PGHOST": "db.example.com", "PGPORT": "6543", "PGUSER": "me"}, "db.example.com:6543", "me", "app"),
    ("user=app", {"PGHOST": "a,b", "PGPORT": "1,2"}, "a,b:1,2", "app", "app"),
    ("postgres://app@/", {"PGHOST": "db.example.com", "PGHOSTADDR": "127.0.0.1"}, "db.example.com:5432", "app", "app"),
    # What a text states stays.
    ("postgres://app@localhost/app", {"PGHOST": "h", "PGUSER": "x", "PGDATABASE": "y"}, "localhost:5432", "app", "app"),
    ("host=/run/x user=app dbname=d", {"PGHOST": "h", "PGUSER": "x"}, "/run/x:5432", "app", "d"),
]


@pytest.mark.parametrize(("text", "environ", "place", "user", "dbname"), STATED)
def test_as_libpq(
    text: str, environ: dict[str, str], place: str, user: str, dbname: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        if value.strip():
            monkeypatch.setenv(name, value)
    assert confirmed(text) == (place, user, dbname)
    report = select_services({"DATABASE_URL": text, **environ}, None).report
    assert report.ok, report
    found = envconn.secure(text)
    for each in (report.services["database"], found):
        arguments = libpq.arguments(each, 18_00_00)
        assert (f"{arguments['host']}:{arguments['port']}", arguments["user"], arguments["dbname"]) == (
            place,
            user,
            dbname,
        )
    assert MARKER not in str(report)
    is_completed = {"PGUSER", "PGDATABASE", "PGHOST"} & {
        word for each in report.notes for word in each.message.split() if each.code == "text-normalised"
    }
    ignored = {each.variable for each in report.notes if each.code == "pg-variable-ignored"}
    assert is_completed.isdisjoint(ignored)


def refusal(environ: dict[str, str], env_file: str | None = None) -> list[tuple[str, str]]:
    return [(each.variable, each.code) for each in select_services(environ, env_file).report.problems]


LONG = "x" * 64
REFUSED = [
    # Somebody else's machine does not know the process's user.
    *(
        (text, {}, "DATABASE_URL", "user-missing")
        for text in (
            "postgres://db.example.com",
            "postgres://db.example.com/app",
            f"postgres://:{MARKER}@db.example.com/app",
            "postgres://localhost./app",
            "postgres://localhost.example.com/app",
            "postgres://10.0.0.1/app",
            "postgres://0.0.0.0/app",
            "postgres://localhost,db.example.com/app",
            "postgres:///app?host=localhost&hostaddr=10.0.0.1",
            "postgres:///app?host=/run/x,db.example.com",
            "host=db.example.com dbname=app",
            "host=db.example.com\ndbname=app",
        )
    ),
    ("postgres://db.example.com/app", {"PGUSER": ""}, "DATABASE_URL", "user-missing"),
    ("postgres://db.example.com/app", {"PGUSER": "  "}, "DATABASE_URL", "user-missing"),
    ("postgres:///app", {"PGHOST": "db.example.com"}, "DATABASE_URL", "user-missing"),
    ("postgres:///app", {"PGHOST": "localhost", "PGHOSTADDR": "10.0.0.1"}, "DATABASE_URL", "user-missing"),
    # Empty is not absent.
    *(
        (text, {"PGUSER": "me", "PGDATABASE": "mine", "PGHOST": "localhost"}, "DATABASE_URL", code)
        for text, code in {
            "postgres://localhost/app?user=": "user-missing",
            "postgres://app@localhost?dbname=": "dbname-missing",
            "postgres://app@/app?host=": "host-missing",
            "host=localhost user='' dbname=app": "user-missing",
            "host=localhost user=app dbname=''": "dbname-missing",
            "host='' user=app dbname=app": "host-missing",
            "postgres://app@,/app": "host-empty",
        }.items()
    ),
    # What is in the variables is looked at as if it stood in the text.
    *(
        ("postgres://", {"PGUSER": "me", **environ}, variable, code)
        for environ, variable, code in (
            ({"PGHOST": "a b"}, "PGHOST", "host-invalid"),
            ({"PGHOST": "127.1"}, "PGHOST", "host-invalid"),
            ({"PGHOST": "a,"}, "PGHOST", "host-empty"),
            ({"PGHOST": "münchen.example"}, "PGHOST", "host-not-ascii"),
            ({"PGHOST": "h", "PGPORT": "x"}, "PGPORT", "port-invalid"),
            ({"PGPORT": "x"}, "PGPORT", "port-invalid"),
            ({"PGHOST": "h", "PGPORT": "0"}, "PGPORT", "port-range"),
            ({"PGHOST": "h", "PGPORT": "1,2"}, "PGPORT", "port-count"),
            ({"PGHOST": "h", "PGHOSTADDR": "x"}, "PGHOSTADDR", "hostaddr-invalid"),
            ({"PGHOSTADDR": "10.0.0.1"}, "PGHOSTADDR", "hostaddr-alone"),
            ({"PGHOST": "/run", "PGHOSTADDR": "10.0.0.1"}, "PGHOSTADDR", "hostaddr-socket"),
            ({"PGUSER": "m\ne"}, "PGUSER", "control-character"),
            ({"PGDATABASE": "m\te"}, "PGDATABASE", "control-character"),
            ({"PGDATABASE": LONG}, "DATABASE_URL", "dbname-too-long"),
            ({"PGUSER": LONG}, "DATABASE_URL", "dbname-too-long"),
            ({"PGUSER": "$NOWHERE"}, "PGUSER", "alias-missing"),
            ({"PGDATABASE": "$PGDATABASE"}, "PGDATABASE", "alias-cycle"),
        )
    ),
    # TLS is judged for where it leads.
    ("postgres://me@/app?sslmode=disable", {"PGHOST": "db.example.com"}, "DATABASE_URL", "tls-disabled"),
    ("postgres://db.example.com?ssl=disable", {"PGUSER": "me"}, "DATABASE_URL", "tls-disabled"),
    ("postgres://me@/?sslmode=verify-full", {"PGHOST": "db.example.com"}, "DATABASE_URL", "ca-missing"),
    ("postgres://me@/", {"PGHOST": "db.example.com,/run"}, "DATABASE_URL", "hosts-mixed"),
    ("postgres://me@/", {"ENVCONN_TLS_LOCAL": "enforce"}, "DATABASE_URL", "socket-enforced"),
    ("postgres://me@localhost?sslmode=disable", {"ENVCONN_TLS_LOCAL": "enforce"}, "DATABASE_URL", "tls-disabled"),
    # A service file could say anything.
    ("postgres:///app", {"PGSERVICE": "x"}, "PGSERVICE", "pg-service"),
]


@pytest.mark.parametrize(("text", "environ", "variable", "code"), REFUSED)
def test_refused(text: str, environ: dict[str, str], variable: str, code: str) -> None:
    found = refusal({"DATABASE_URL": text, **environ})
    assert (variable, code) in found
    assert len({each for each, _ in found}) == 1


def test_the_refusing_half_is_the_longer_one() -> None:
    assert len(REFUSED) > len(STATED)


@pytest.mark.parametrize(
    ("stated", "beside", "problems"),
    [
        ({"DATABASE_URL": "postgres://localhost/app"}, {"PGUSER": "me"}, [("PGUSER", "user-missing")]),
        ({"DATABASE_URL": "postgres://me@localhost"}, {"PGDATABASE": "x"}, [("PGDATABASE", "dbname-missing")]),
        ({"DATABASE_URL": "postgres://me@/x"}, {"PGHOST": "db.example.com"}, [("PGHOST", "host-missing")]),
        ({"DATABASE_URL": "postgres://me@/x"}, {"PGPORT": "1"}, [("PGPORT", "host-missing")]),
        ({"DATABASE_URL": "postgres://me@localhost/x"}, {"PGUSER": "y", "PGHOST": "h"}, []),
        ({"PGUSER": "me", "PGDATABASE": "x"}, {"DATABASE_URL": "postgres://localhost"}, []),
        ({}, {"DATABASE_URL": "postgres://db.example.com", "PGUSER": "me"}, []),
        ({"PGPASSWORD": MARKER}, {"DATABASE_URL": "postgres:///x"}, [("PGPASSWORD", "password-redirected")]),
    ],
)
def test_an_env_file_completes_only_its_own(
    stated: dict[str, str], beside: dict[str, str], problems: list[tuple[str, str]], tmp_path: Path
) -> None:
    file = tmp_path / ".env"
    file.write_text("".join(f"{name}={value}\n" for name, value in beside.items()), encoding="utf-8")
    assert refusal(stated, str(file)) == problems


REMOTE = "postgres://app@db.example.com/app"
PASSWORD = {"PGPASSWORD": MARKER}


@pytest.mark.parametrize(
    ("stated", "beside", "password"),
    [
        ({"DATABASE_URL": REMOTE, **PASSWORD}, {}, MARKER),
        ({}, {"DATABASE_URL": REMOTE, **PASSWORD}, MARKER),
        ({"DATABASE_URL": "host=db.example.com user=app", **PASSWORD}, {}, MARKER),
        ({"DATABASE_URL": "postgres://db.example.com", "PGUSER": "app", **PASSWORD}, {}, MARKER),
        ({"DATABASE_URL": REMOTE, "PGPASSWORD": "$OTHER", "OTHER": MARKER}, {}, MARKER),
        ({"DATABASE_URL": REMOTE, **PASSWORD}, {"PGPASSWORD": "another"}, MARKER),
        # A text's own password, other parts, other services, another place.
        ({"DATABASE_URL": REMOTE.replace("@", ":own@"), **PASSWORD}, {}, "own"),
        ({}, {"DATABASE_URL": REMOTE.replace("@", ":own@"), **PASSWORD}, "own"),
        (PASSWORD, {"DATABASE_URL": REMOTE.replace("@", ":own@")}, "own"),
        ({"DB_HOST": "db.example.com", "DB_USER": "app", "DB_NAME": "app", **PASSWORD}, {}, None),
        ({"DB_HOST": "db.example.com", "DB_USER": "app", "DB_NAME": "app"}, PASSWORD, None),
        ({"DATABASE_URL": REMOTE}, PASSWORD, None),
        ({"DATABASE_URL": REMOTE, "PGPASSWORD": " "}, {}, None),
        ({"DATABASE_URL": REMOTE, "PGPASSWORD": ""}, {}, None),
        ({"DATABASE_URL": "mysql://app@db.example.com/app", **PASSWORD}, {}, None),
        ({"DATABASE_URL": "sqlite:////tmp/x", **PASSWORD}, {}, None),
    ],
)
def test_the_password_beside_a_text(
    stated: dict[str, str], beside: dict[str, str], password: str | None, tmp_path: Path
) -> None:
    """A password completes a text of the same place, with a note; an env file's is noted where it does not."""
    file = tmp_path / ".env"
    file.write_text("".join(f"{name}={value}\n" for name, value in beside.items()), encoding="utf-8")
    report = select_services(stated, str(file)).report
    found = report.services["database"].password
    assert (found and found.reveal()) == password
    assert MARKER not in f"{report}{report.as_dict()}"
    notes = [each.message for each in report.notes if "PGPASSWORD" in each.message or each.variable == "PGPASSWORD"]
    assert ("the password is that of PGPASSWORD" in notes) is (password == MARKER)
    is_dropped = REMOTE in stated.values() and beside == PASSWORD
    assert any("only" in each and "is more trusted" in each for each in notes) is is_dropped


@pytest.mark.parametrize(
    ("stated", "beside", "code"),
    [
        (PASSWORD, {"DATABASE_URL": REMOTE}, "password-redirected"),
        (PASSWORD, {"DATABASE_URL": "postgres:///app"}, "password-redirected"),
        (PASSWORD, {"DATABASE_URL": REMOTE, "PGPASSWORD": "another"}, "password-redirected"),
        ({"DATABASE_URL": REMOTE, "PGPASSWORD": "a\x01b"}, {}, "control-character"),
        ({"DATABASE_URL": REMOTE, "PGPASSWORD": "a\udce9b"}, {}, "text-not-utf8"),
        ({"DATABASE_URL": REMOTE, "PGPASSWORD": "$(X)"}, {}, "reference-unresolved"),
        ({"DATABASE_URL": REMOTE, "PGPASSWORD": "<password>"}, {}, "placeholder-unreplaced"),
        ({}, {"DATABASE_URL": REMOTE, "PGPASSWORD": "<password>"}, "placeholder-unreplaced"),
        ({"DATABASE_URL": REMOTE, "PGPASSWORD_FILE": "/run"}, {}, "file-directory"),
    ],
)
def test_refused_passwords(stated: dict[str, str], beside: dict[str, str], code: str, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("".join(f"{name}={value}\n" for name, value in beside.items()), encoding="utf-8")
    found = select_services(stated, str(file)).report.problems
    assert [each.code for each in found] == [code]
    assert found[0].variable.startswith("PGPASSWORD")


def test_a_variable_that_libpq_reads_is_not_left_out() -> None:
    environ = {"DATABASE_URL": "postgres:///app", "PGUSER": "me", "ENVCONN_IGNORE": "PGUSER"}
    assert [each.code for each in select_services(environ, None).report.problems] == ["ignore-refused"]


def test_a_process_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may run under a number; PGUSER, or the text, names the user."""

    def unknown(_number: int) -> None:
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", unknown)
    assert refusal({"DATABASE_URL": "postgres:///app"}) == [("DATABASE_URL", "user-missing")]
    assert refusal({"DATABASE_URL": "postgres:///app", "PGUSER": "me"}) == []
    assert refusal({"DATABASE_URL": "postgres://me@/app"}) == []


@pytest.mark.parametrize("text", ["postgres://", "postgres:///app", "postgres://app@localhost", "user=app"])
def test_what_is_not_completed_is_not_judged(text: str) -> None:
    """The last door: no driver gets an empty host, which libpq would fill."""
    outcome = judge(envconn.parse(text), Context(Demands()), "database")
    assert isinstance(outcome, tuple)
    assert [each.code for each in outcome] == ["host-missing"]


def test_every_driver_gets_them_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://localhost")
    monkeypatch.setenv("PGUSER", "me")
    monkeypatch.setenv("PGPASSWORD", MARKER)
    found = envconn.load(env_file=None).database
    assert found.password
    assert libpq.arguments(found, 18_00_00).items() >= {"host": "localhost", "user": "me", "dbname": "me"}.items()
    assert asyncpg.arguments(found).items() >= {"host": "localhost", "user": "me", "database": "me"}.items()
    assert pg8000.arguments(found).items() >= {"host": "localhost", "user": "me", "database": "me"}.items()
    entry = databases(found)["default"]
    assert (entry["HOST"], entry["USER"], entry["NAME"]) == ("localhost", "me", "me")
    made = url(found)
    assert (made.host, made.username, made.database) == ("localhost", "me", "me")
    assert found.uri().reveal() == f"postgresql://me:{MARKER}@localhost:5432/me?sslmode=prefer&gssencmode=disable"


def test_two_spellings_of_one_target_are_one() -> None:
    environ = {"DATABASE_URL": "postgres://app@localhost", "POSTGRES_URL": "postgres://app@localhost:5432/app"}
    report = select_services(environ, None).report
    assert report.ok
    assert "variable-duplicate" in {each.code for each in report.notes}


def test_parts_of_other_names_have_no_defaults() -> None:
    """Who sets DB_HOST has a variable for each part, and left one out."""
    assert refusal({"DB_HOST": "localhost"}) == [("DB_USER", "user-missing"), ("DB_NAME", "dbname-missing")]
    assert refusal({"DB_HOST": "localhost", "PGUSER": "me", "PGDATABASE": "x"}) == [
        ("DB_USER", "user-missing"),
        ("DB_NAME", "dbname-missing"),
    ]
    assert refusal({"PGHOST": "localhost"}) == []
    assert refusal({"PGHOST": "db.example.com", "PGUSER": "me"}) == []


def test_it_is_reported() -> None:
    environ = {
        "DATABASE_URL": "postgres:///",
        "PGDATABASE": "x",
        "PGHOSTADDR": "10.0.0.1",
        "PGHOST": "h",
        "PGUSER": "u",
    }
    notes = [each.message for each in select_services(environ, None).report.notes if each.code == "text-normalised"]
    assert notes == [
        "the host is that of PGHOST",
        "the user is that of PGUSER",
        "the database name is that of PGDATABASE",
    ]
    with pytest.raises(ConfigurationError, match=r"Add user:password@ before the host, or set PGUSER"):
        envconn.secure("postgres://db.example.com/app")
