"""SQLite URIs: what is accepted and as what, and the longer table of what is refused."""

from __future__ import annotations

import pytest

from envconn.connection import Host, Origin
from grammars import accepted, refused
from leaks import MARKER

# What must never be seen again once it was read.


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("/db.sqlite3", "db.sqlite3"),
        ("/data/db.sqlite3", "data/db.sqlite3"),
        ("//srv/db.sqlite3", "/srv/db.sqlite3"),
        ("//srv/my%20db%3F.sqlite3", "/srv/my db?.sqlite3"),
        ("/a@b:c;d+e", "a@b:c;d+e"),
        ("/é.db", "é.db"),
        ("//srv/a,user=b;ssl=c/{{d}}/app.db", "/srv/a,user=b;ssl=c/{{d}}/app.db"),
        ("", ":memory:"),
        ("/", ":memory:"),
        (":memory:", ":memory:"),
        ("/:memory:", ":memory:"),
    ],
)
def test_paths(place: str, path: str) -> None:
    """Three slashes are a relative path, four an absolute one, none a database in memory. All of them are local."""
    connection = accepted(f"sqlite://{place}")
    assert (connection.family, connection.dbname, connection.hosts) == ("sqlite", path, (Host("", 0),))
    assert connection.hosts[0].is_socket
    assert (connection.user, connection.password, {**connection.parameters}) == ("", None, {})
    assert connection.origin == Origin("DATABASE_URL")


@pytest.mark.parametrize("scheme", ["sqlite", "sqlite+pysqlite", "sqlite+aiosqlite", "spatialite"])
def test_schemes(scheme: str) -> None:
    """One kind, whatever the driver; the spelling is kept."""
    connection = accepted(f"{scheme}:///x.db")
    assert (connection.family, connection.scheme) == ("sqlite", scheme)


def test_parameters() -> None:
    """What sqlite3.connect takes and a text can say."""
    connection = accepted("sqlite:///x?timeout=2.5&isolation_level=immediate&check_same_thread=False")
    assert {**connection.parameters} == {"timeout": "2.5", "isolation_level": "IMMEDIATE", "check_same_thread": "false"}


REFUSED = [
    ("sqlite://x.db", "host-refused"),
    ("sqlite://¤/x.db", "host-refused"),
    ("sqlite://u:¤@h/x.db", "host-refused"),
    ("sqlite://h:1/x.db", "host-refused"),
    ("sqlite://./x.db", "host-refused"),
    ("sqlite:///x#y", "hash-unencoded"),
    ("sqlite:///x?timeout=5#y", "hash-unencoded"),
    ("sqlite:///%zz", "percent-unencoded"),
    ("sqlite:///%00", "text-nul"),
    ("sqlite:///%E9", "text-not-utf8"),
    ("sqlite:///x%0A", "control-character"),
    ("sqlite:////", "path-invalid"),
    ("sqlite:///data/", "path-invalid"),
    ("sqlite:///file:x.db", "path-invalid"),
    ("sqlite:///file:x.db?mode=ro&uri=true", "parameter-refused"),
    ("sqlite:///x?mode=ro", "parameter-refused"),
    ("sqlite:///x?cache=shared", "parameter-refused"),
    ("sqlite:///x?init_command=DROP", "parameter-refused"),
    ("sqlite:///x?sslmode=require", "parameter-refused"),
    ("sqlite:///x?foo=1", "parameter-unknown"),
    ("sqlite:///x?timeout", "parameter-syntax"),
    ("sqlite:///x?timeout=", "value-empty"),
    ("sqlite:///x?timeout=5s", "number-invalid"),
    ("sqlite:///x?timeout=5&timeout=6", "parameter-duplicate"),
    ("sqlite:///x?isolation_level=serializable", "value-unknown"),
    ("sqlite:x.db", "scheme-slashes"),
    ("sqlite:/x.db", "scheme-slashes"),
    ("SQLite:///x.db", "scheme-case"),
    ("sqlite3:///x.db", "scheme-unknown"),
    ("file:///x/db.sqlite3", "scheme-unknown"),
    ("file:x.db", "scheme-unknown"),
]


@pytest.mark.parametrize(("text", "code"), REFUSED)
def test_refused(text: str, code: str) -> None:
    """Refused under a stable code, in one line that shows nothing of the secret."""
    problems = refused(text.replace("¤", MARKER))
    assert code in {problem.code for problem in problems}
    for problem in problems:
        assert MARKER.lower() not in str(problem).lower()
        assert "\n" not in problem.message
        assert not problem.message.endswith(".")


def test_file_names_the_remedy() -> None:
    """Who writes file: is told what to write for SQLite."""
    assert "Use sqlite:///path" in refused("file:///x/db.sqlite3")[0].message
