"""What is left to libpq's own variables has to be what libpq can read; a service file is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import envconn
from envconn.selection import select_services

if TYPE_CHECKING:
    from pathlib import Path

URL = "postgresql://u:p@db.example.com/d"


def refused(variables: dict[str, str], url: str = URL) -> list[tuple[str, str]]:
    try:
        envconn.load({"DATABASE_URL": url, **variables}, env_file=None)
    except envconn.ConfigurationError as refusal:
        return [(found.code, found.variable) for found in refusal.problems]
    return []


@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [
        ("PGSERVICE", "shop", "pg-service"),
        ("PGSERVICE", "", "pg-service"),
        ("PGCONNECT_TIMEOUT", "", "pg-variable-invalid"),
        ("PGCONNECT_TIMEOUT", " ", "pg-variable-invalid"),
        ("PGGSSLIB", "", "pg-variable-invalid"),
        ("PGCONNECT_TIMEOUT", "abc", "pg-variable-invalid"),
        ("PGCONNECT_TIMEOUT", "5s", "pg-variable-invalid"),
        ("PGCONNECT_TIMEOUT", "1.5", "pg-variable-invalid"),
        ("PGCONNECT_TIMEOUT", "99999999999", "pg-variable-invalid"),
        ("PGCONNECT_TIMEOUT", "4294967296", "pg-variable-invalid"),
        ("PGCONNECT_TIMEOUT", "2147483648", "pg-variable-invalid"),
        ("PGCLIENTENCODING", "bogus", "pg-variable-invalid"),
        ("PGCLIENTENCODING", "utf-16", "pg-variable-invalid"),
        ("PGCLIENTENCODING", "-", "pg-variable-invalid"),
        ("PGGSSLIB", "kerberos", "pg-variable-invalid"),
        ("PGGSSENCMODE", "require", "pg-variable-invalid"),
        ("PGMINPROTOCOLVERSION", "9", "policy-unknown"),
    ],
)
def test_refused(variable: str, value: str, code: str) -> None:
    assert refused({variable: value}) == [(code, variable)]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PGCONNECT_TIMEOUT", "5"),
        ("PGCONNECT_TIMEOUT", " 5 "),
        ("PGCONNECT_TIMEOUT", "-1"),
        ("PGCONNECT_TIMEOUT", "2147483647"),
        ("PGCONNECT_TIMEOUT", "-2147483647"),
        ("PGCLIENTENCODING", ""),
        ("PGCLIENTENCODING", "UTF8"),
        ("PGCLIENTENCODING", "utf-8"),
        ("PGCLIENTENCODING", "auto"),
        ("PGCLIENTENCODING", "SQL_ASCII"),
        ("PGCLIENTENCODING", "ISO 8859-1"),
        ("PGGSSLIB", "gssapi"),
        ("PGGSSLIB", "sspi"),
        ("PGGSSENCMODE", "prefer"),
        ("PGSERVICEFILE", "/etc/services"),
        ("PGLOADBALANCEHOSTS", "bad"),
        ("PGMAXPROTOCOLVERSION", "9"),
    ],
)
def test_accepted_or_without_effect(variable: str, value: str) -> None:
    assert refused({variable: value}) == []


@pytest.mark.parametrize("variable", ["PGCONNECT_TIMEOUT", "PGCLIENTENCODING", "PGGSSLIB"])
def test_what_the_text_states_is_not_read(variable: str) -> None:
    stated = {"PGCONNECT_TIMEOUT": "connect_timeout=5", "PGCLIENTENCODING": "client_encoding=UTF8"}
    query = stated.get(variable, "gsslib=gssapi")
    assert refused({variable: "bad"}, f"{URL}?{query}") == []


NO_PASSWORD, OTHER = (f"postgresql://u@{name}.example.com/d" for name in ("db", "other"))


@pytest.mark.parametrize(
    ("process", "env_file", "count"),
    [
        ({"PGPASSWORD": "p"}, {"DATABASE_URL": NO_PASSWORD}, 1),
        ({"PGPASSWORD": "p"}, {"DATABASE_URL": NO_PASSWORD, "OTHER_DATABASE_URL": OTHER}, 1),
        ({"PGPASSWORD": "p"}, {"DATABASE_URL": URL}, 0),
        ({"PGPASSWORD": "p"}, {"DATABASE_URL": URL, "OTHER_DATABASE_URL": OTHER}, 1),
        ({"PGPASSWORD": "p", "DATABASE_URL": NO_PASSWORD}, {"PGAPPNAME": "a"}, 0),
        ({"PGAPPNAME": "a"}, {"DATABASE_URL": NO_PASSWORD}, 0),
        ({"PGAPPNAME": "a"}, {"DATABASE_URL": NO_PASSWORD, "PGPASSWORD": "p"}, 0),
    ],
)
def test_a_password_of_the_process_stays_with_its_hosts(
    tmp_path: Path, process: dict[str, str], env_file: dict[str, str], count: int
) -> None:
    path = tmp_path / ".env"
    path.write_text("".join(f"{name}={text}\n" for name, text in env_file.items()), encoding="utf-8")
    found = select_services(process, str(path)).report.problems
    assert [(each.code, each.variable) for each in found] == [("password-redirected", "PGPASSWORD")] * count


def test_services_without_postgresql() -> None:
    variables = {"PGSERVICE": "x", "PGCONNECT_TIMEOUT": "x", "PGGSSLIB": "x"}
    assert refused(variables, "mysql://u:p@db.example.com/d?ssl-mode=REQUIRED") == []
