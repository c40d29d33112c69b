"""libpq's spellings: what is written for which version, and that libpq and a shell read back what was meant."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from psycopg.conninfo import conninfo_to_dict

import envconn
from envconn.drivers.libpq import arguments
from envconn.export import environment, render
from envconn.grammar.libpq_keywords import KEYWORDS

if TYPE_CHECKING:
    from envconn import SecuredConnection
    from envconn.export import FormatName
    from throwaway.certificates import Certificates

HARD = [
    "it's",
    '"quoted"',
    "$HOME ${HOME} $(id) `id`",
    "#no comment",
    "a:b\\:c\\\\",
    " blanks ",
    "\u00fc\u4e16\U0001f600",
    "%41&x=y",
    "\\",
    "*",
]
"""Passwords (and more) that some format would take for something else."""


def secured(
    query: str = "?sslmode=require", *, password: str = "s3cret", place: str = "db.example"
) -> SecuredConnection:
    login = f"app:{quote(password, safe='')}" if password else "app"
    url = f"postgresql://{login}@{place}/app{query}"
    return envconn.secure(envconn.parse(url, "DATABASE_URL"), envconn.Policy(waive=("*.example",)))


@pytest.mark.parametrize("libpq", [None, 13_00_00, 15_00_00, 16_00_00, 17_00_00, 18_00_00])
@pytest.mark.parametrize("name", ["conninfo", "uri"])
def test_text_says_what_a_driver_is_given(name: FormatName, libpq: int | None) -> None:
    connection = secured("?sslmode=require&application_name=a")
    assert conninfo_to_dict(render(connection, name, libpq=libpq).rstrip("\n")) == {
        **arguments(connection, libpq or 13_00_00)
    }


def test_pg_service_holds_every_argument_but_the_password() -> None:
    hint, section, *lines = render(secured(), "pg_service", libpq=17_00_00).splitlines()
    assert (hint[0], section) == ("#", "[database]")
    found = dict(line.split("=", 1) for line in lines)
    assert found == {name: value for name, value in arguments(secured(), 17_00_00).items() if name != "password"}
    assert render(secured(password=""), "pg_service").startswith("[database]\n")


@pytest.mark.parametrize(
    ("stated", "oldest"),
    [("require_auth=scram-sha-256", 16), ("sslcertmode=require", 16), ("oauth_scope=x", 18), ("sslsni=0", 13)],
)
def test_what_is_stated_decides_how_new_libpq_must_be(stated: str, oldest: int) -> None:
    connection = secured(f"?sslmode=require&{stated}")
    due = {name for name, keyword in KEYWORDS.items() if keyword.since <= oldest}
    assert conninfo_to_dict(render(connection, "conninfo").rstrip("\n")).keys() <= due
    if oldest > 13:
        assert stated.replace("=", "='", 1) not in render(connection, "conninfo")
        for name in ("conninfo", "uri", "pg_service", "sqlalchemy", "pg"):
            with pytest.raises(envconn.ConfigurationError, match=rf"requires libpq {oldest} or newer"):
                render(connection, name, libpq=15_00_00)


@pytest.mark.parametrize(
    "stated", ["require_auth=scram-sha-256", "sslcrldir=lists", "sslcertmode=allow", "max_protocol_version=3.2"]
)
def test_environment_that_an_older_libpq_would_ignore(certificates: Certificates, stated: str) -> None:
    """It refuses a string for a word that it does not know, and a variable goes past it."""
    Path("lists").mkdir()
    Path("lists", "0123abcd.r0").touch()
    connection = secured(f"?sslmode=verify-ca&sslrootcert={certificates.ca}&{stated}")
    variable = KEYWORDS[stated.partition("=")[0]].variable
    if stated.startswith("max"):
        assert environment(connection).values[variable] == "3.2", "the connection is made another way, as secure"
        return
    with pytest.raises(envconn.ConfigurationError, match="Pass --libpq") as caught:
        environment(connection)
    assert [problem.code for problem in caught.value.problems] == ["export-unsupported"]
    expected = str(Path("lists").absolute()) if "lists" in stated else stated.partition("=")[2]
    assert environment(connection, libpq=16_00_00).values[variable] == expected


def test_environment() -> None:
    found = environment(secured())
    assert found.values == {
        "PGHOST": "db.example",
        "PGPORT": "5432",
        "PGUSER": "app",
        "PGPASSWORD": "s3cret",
        "PGDATABASE": "app",
        "PGSSLMODE": "require",
        "PGSSLROOTCERT": "/dev/null/absent",
        "PGSSLCRL": "/dev/null/absent",
        "PGSSLCERT": "/dev/null/absent",
        "PGSSLKEY": "/dev/null/absent",
        "PGSSLSNI": "1",
        "PGSSLCOMPRESSION": "0",
        "PGSSLCERTMODE": "disable",
        "PGSSLNEGOTIATION": "postgres",
        "PGSSLMINPROTOCOLVERSION": "TLSv1.2",
        "PGGSSENCMODE": "disable",
        "PGGSSDELEGATION": "0",
        "PGCHANNELBINDING": "prefer",
        "PGTARGETSESSIONATTRS": "any",
        "PGLOADBALANCEHOSTS": "disable",
        "PGMINPROTOCOLVERSION": "3.0",
        "PGMAXPROTOCOLVERSION": "3.0",
    }
    assert found.absent == (
        *("PGHOSTADDR", "PGOAUTHDEBUG", "PGOPTIONS", "PGREQUIREAUTH", "PGREQUIREPEER", "PGREQUIRESSL"),
        *("PGSERVICE", "PGSERVICEFILE", "PGSSLCRLDIR", "PGSSLMAXPROTOCOLVERSION", "PGSYSCONFDIR"),
    )


@pytest.mark.parametrize(
    "stated",
    ["replication=1", "keepalives_idle=5", "tcp_user_timeout=1", "fallback_application_name=f", "sslpassword=x"],
)
def test_what_has_no_variable(stated: str) -> None:
    with pytest.raises(envconn.ConfigurationError, match=f"{stated.partition('=')[0]} has no environment variable"):
        render(secured(f"?sslmode=require&{stated}"), "pg")


@pytest.mark.parametrize("stated", ["keepalives=1", "target_session_attrs=any"])
def test_what_needs_none(stated: str) -> None:
    assert environment(secured(f"?sslmode=require&{stated}")) == environment(secured())


def test_what_does_not_decide_is_left_to_the_environment() -> None:
    found = environment(secured(password=""))
    kept = {"PGPASSWORD", "PGPASSFILE", "PGAPPNAME", "PGCLIENTENCODING", "PGCONNECT_TIMEOUT"}
    assert not kept & {*found.values, *found.absent}
    stated = environment(
        secured("?application_name=a&connect_timeout=3&passfile=/p&client_encoding=latin1", password="")
    )
    assert {name: stated.values[name] for name in kept - {"PGPASSWORD"}} == {
        "PGAPPNAME": "a",
        "PGCLIENTENCODING": "latin1",
        "PGCONNECT_TIMEOUT": "3",
        "PGPASSFILE": "/p",
    }


@pytest.mark.parametrize("hard", HARD)
def test_a_shell_reads_it_back(hard: str) -> None:
    connection = secured(f"?sslmode=require&application_name={quote(hard, safe='')}", password=hard)
    script = f"{render(connection, 'pg')}env -0"
    done = subprocess.run(
        ["sh", "-euc", script],
        env={"PGSERVICE": "x", "PATH": os.environ["PATH"]},
        capture_output=True,
        check=True,
        timeout=60,
    )
    seen = dict(entry.split("=", 1) for entry in done.stdout.decode().split("\0") if "=" in entry)
    assert {name: value for name, value in seen.items() if name.startswith("PG")} == environment(connection).values
    assert (seen["PGPASSWORD"], seen["PGAPPNAME"]) == (hard, hard)


@pytest.mark.parametrize("hard", HARD)
@pytest.mark.parametrize("name", ["conninfo", "uri"])
def test_libpq_reads_it_back(name: FormatName, hard: str) -> None:
    connection = secured(f"?sslmode=require&options={quote(hard, safe='')}", password=hard)
    found = conninfo_to_dict(render(connection, name).rstrip("\n"))
    assert (found["password"], found["options"]) == (hard, hard)


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ("-c a=b", True),
        (" -c # ; ' \" $x \u00fc\\", True),
        ("x" * 245, True),
        ("x" * 246, False),
        ("\u00fc" * 123, False),
        ("x ", False),
        ("x\u00a0", False),
    ],
)
def test_lines_of_a_service_file(value: str, fits: bool) -> None:  # noqa: FBT001 - a column of the table
    connection = secured(f"?sslmode=require&options={quote(value, safe='')}")
    if fits:
        assert f"\noptions={value}\n" in render(connection, "pg_service")
    else:
        with pytest.raises(envconn.ConfigurationError, match="options does not fit a line of a service file"):
            render(connection, "pg_service")


@pytest.mark.parametrize(
    ("place", "password", "lines"),
    [
        ("db.example", "s3cret", ["db.example:5432:app:app:s3cret"]),
        ("a.example:1,b.example:2", "x", ["a.example:1:app:app:x", "b.example:2:app:app:x"]),
        ("[2001:db8::1]", "x", ["2001\\:db8\\:\\:1:5432:app:app:x"]),
        ("%2Frun%2Fpg", "x", ["/run/pg:5432:app:app:x"]),
        ("%2Ftmp:1", "x", ["/tmp:1:app:app:x", "localhost:1:app:app:x"]),  # noqa: S108 - where PostgreSQL has it
        ("%2Fvar%2Frun%2Fpostgresql", "x", ["/var/run/postgresql:5432:app:app:x", "localhost:5432:app:app:x"]),
        *(("h.example", hard, [f"h.example:5432:app:app:{hard}"]) for hard in HARD if not set(hard) & set(":\\")),
        ("h.example", "a:b\\:c\\\\", ["h.example:5432:app:app:a\\:b\\\\\\:c\\\\\\\\"]),
        ("h.example", "\\", ["h.example:5432:app:app:\\\\"]),
    ],
)
def test_password_file(place: str, password: str, lines: list[str]) -> None:
    assert render(secured(place=place, password=password), "pgpass").splitlines() == lines


def test_a_star_as_a_name_is_not_a_wildcard() -> None:
    connection = envconn.secure(envconn.parse("postgresql://%2A:x@h.example/%2A"))
    assert render(connection, "pgpass") == "h.example:5432:\\*:\\*:x\n"


@pytest.mark.parametrize(
    ("password", "message"), [("", "has no password"), ("a\nb", "line break"), ("a\rb", "line break")]
)
def test_passwords_that_fit_no_line(password: str, message: str) -> None:
    with pytest.raises(envconn.ConfigurationError, match=message):
        render(secured(password=password), "pgpass")


def test_key_passwords_that_fit_no_line(certificates: Certificates) -> None:
    key = f"sslcert={certificates.good.chain}&sslkey={certificates.good.key}&sslpassword="
    assert "\nsslpassword=a b\n" in render(secured(f"?sslmode=require&{key}a%20b"), "pg_service")
    with pytest.raises(envconn.ConfigurationError, match="sslpassword does not fit a line"):
        render(secured(f"?sslmode=require&{key}a%0Ab"), "pg_service")
