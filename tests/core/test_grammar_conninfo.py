"""Keyword/value strings: conninfo_parse's blanks, quotes and backslashes, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from envconn.connection import Connection, Host, Origin, Secret
from envconn.grammar import read
from leaks import MARKER

if TYPE_CHECKING:
    from envconn.errors import Finding

BASE = "host=h user=u dbname=d"


def outcome(text: str) -> Connection | tuple[Finding, ...]:
    return read(Secret(text), Origin("PGCONN"))


def accepted(text: str) -> Connection:
    connection = outcome(text)
    assert isinstance(connection, Connection), connection
    return connection


def test_all_parts() -> None:
    """Keywords go where they belong; there is no scheme."""
    connection = accepted(
        "host=a,b port=1,2 hostaddr=10.0.0.1,::1 user=u password=p dbname=d sslmode=require pgbouncer=true"
    )
    assert (connection.family, connection.scheme, connection.driver) == ("postgresql", "", None)
    assert connection.hosts == (Host("a", 1, "10.0.0.1"), Host("b", 2, "::1"))
    assert (connection.user, connection.password, connection.dbname) == ("u", Secret("p"), "d")
    assert dict(connection.parameters) == {"sslmode": "require"}
    assert dict(connection.foreign) == {"pgbouncer": "true"}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("p", "p"),
        ("'p q'", "p q"),
        (r"p\ q", "p q"),
        (r"'it\'s'", "it's"),
        (r"it\'s", "it's"),
        ("it's", "it's"),
        (r"a\\b", r"a\b"),
        (r"'a\\b'", r"a\b"),
        (r"a\nb", "anb"),
        ("a%40b", "a%40b"),
        ("a+b", "a+b"),
        ("a=b", "a=b"),
        ("abc,ssl=1", "abc,ssl=1"),
        ("abc;tls=on", "abc;tls=on"),
        ("'abc,sslmode=verify-full'", "abc,sslmode=verify-full"),
        ("a#b/c?d@e", "a#b/c?d@e"),
        (r"\'a", "'a"),
        ('"a"', '"a"'),
        ("雪", "雪"),
        ("a\u00a0b", "a\u00a0b"),
        (" 'a=b'", "a=b"),
        (" p", "p"),
    ],
)
def test_values(written: str, meant: str) -> None:
    """Quotes and backslashes as in conninfo_parse; nothing else is special, not even a percent sign."""
    assert accepted(f"{BASE} password={written}").password == Secret(meant)
    assert accepted(f"password={written} {BASE}").password == Secret(meant)


@pytest.mark.parametrize("written", ["", "''"])
def test_empty_password(written: str) -> None:
    """An empty password means no password."""
    assert accepted(f"{BASE} password={written}").password is None


@pytest.mark.parametrize(
    "text",
    [
        "host = h  user =u dbname= d",
        "host='h'user='u'dbname='d'",
        "  host=h user=u dbname=d  ",
        "\ufeffhost=h user=u dbname=d\n",
    ],
)
def test_blanks(text: str) -> None:
    """Blanks around pairs and signs do not count, and none is needed behind a quote."""
    connection = accepted(text)
    assert (connection.hosts, connection.user, connection.dbname) == ((Host("h", 5432),), "u", "d")


@pytest.mark.parametrize(
    "text",
    [
        "host=h\nuser=u\ndbname=d\npassword=p\n",
        "host = h\r\nuser = u\r\ndbname = d\r\npassword = p\r\n",
        "\n  host=h\n  user=u\n  dbname=d\n  password='p'\n",
        "host=h\tuser=u\tdbname=d\tpassword=p",
        "host=\n'h'user=\t'u'\ndbname='d'\fpassword\n=\vp",
    ],
)
def test_several_lines(text: str) -> None:
    """Line breaks and tabs separate pairs, as blanks do; libpq says the same."""
    connection = accepted(text)
    assert (connection.host, connection.user, connection.dbname) == ("h", "u", "d")
    assert connection.password == Secret("p")
    assert psycopg.conninfo.conninfo_to_dict(text) == {"host": "h", "user": "u", "dbname": "d", "password": "p"}


def test_quotes_in_several_lines() -> None:
    """A quote that is not the first character of a value is part of it; escapes stay as they are."""
    assert accepted(f"{BASE}\npassword=it's\nsslmode=require").password == Secret("it's")
    assert accepted(f"{BASE}\npassword='a b\\' c'\nsslmode=require").password == Secret("a b' c")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (f"{BASE} password=a\\", "a"),
        (f"{BASE} password=a\\ ", "a "),
        (f"{BASE} password=a\\\\ ", "a\\"),
        (f"{BASE} password=a\\\\\n", "a\\"),
        (f"{BASE} password=a\\\\\\ \n", "a\\ "),
        (f"{BASE}\npassword=a\\\\\t\n", "a\\"),
    ],
)
def test_backslash_at_the_end(text: str, meant: str) -> None:
    """The last backslash stands for nothing; one before a blank keeps the blank, though blanks are stripped."""
    assert accepted(text).password == Secret(meant)


@pytest.mark.parametrize("host", ["/var/run/postgresql", "@abstract", "::1", "fe80::1%eth0"])
def test_hosts(host: str) -> None:
    """Sockets and addresses are written as they are."""
    assert accepted(f"host={host} user=u dbname=d").hosts == (Host(host, 5432),)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("host=h dbname=d user='' password=¤", "user-missing"),
        ("user=u dbname=d host='' password=¤", "host-missing"),
        ("host=h user=u password=¤ dbname=''", "dbname-missing"),
        (f"{BASE} password='¤", "parameter-syntax"),
        (f"{BASE} password='¤\\'", "parameter-syntax"),
        (f"{BASE} password=¤ ¤", "parameter-syntax"),
        (f"{BASE} password=¤ ¤ sslmode=require", "parameter-syntax"),
        (f"{BASE} password='¤''¤'", "parameter-syntax"),
        (f"{BASE} ¤", "parameter-syntax"),
        ("password= dbname=¤ host=h user=u", "value-ambiguous"),
        (f"{BASE} password= application_name=¤", "value-ambiguous"),
        (f"{BASE} =¤", "parameter-unknown"),
        (f"{BASE} password=¤ ¤=x", "parameter-unknown"),
        (f"{BASE} '¤'=x", "parameter-unknown"),
        ("¤?¤=x", "parameter-unknown"),
        (f"{BASE} ssl=true", "parameter-unknown"),
        (f"{BASE} user=¤", "parameter-duplicate"),
        (f"{BASE} sslmode=require sslmode=require", "parameter-duplicate"),
        (f"{BASE} sslmode=¤", "sslmode-unknown"),
        (f"{BASE} sslmode=''", "value-empty"),
        (f"{BASE} service=¤", "parameter-refused"),
        (f"{BASE} connect_timeout=¤", "number-invalid"),
        (f"{BASE}\tpassword=¤\thost=x", "parameter-duplicate"),
        (f"{BASE}\npassword='¤\n¤'", "control-character"),
        (f"{BASE}\npassword= '¤\t¤'", "control-character"),
        (f"application_name=a=' {BASE} password='¤\n¤'", "control-character"),
        (f"application_name='a=' {BASE} password='¤\n¤'", "control-character"),
        (f"application_name=a\\='x' {BASE} password='¤\n¤'", "control-character"),
        (f"application_name=a' {BASE} password=\\'¤\\\n¤", "control-character"),
        (f"{BASE} password=¤\\\\\\\n", "control-character"),
        (f"{BASE} password='¤;sslmode=verify-full", "parameter-misplaced"),
        (f"{BASE} password=¤;sslmode=verify-full", "parameter-misplaced"),
        (f"{BASE} password=¤,sslrootcert=¤", "parameter-misplaced"),
        (f"{BASE} password=¤&channel_binding=require", "parameter-misplaced"),
        (f"application_name=it's {BASE};sslmode=verify-full password=o'¤", "parameter-misplaced"),
        (f"{BASE}\npassword=¤\\\n¤", "control-character"),
        (f"{BASE}\npassword=\nsslmode=require", "value-ambiguous"),
        (f"{BASE}\npassword='¤\n", "parameter-syntax"),
        (f"{BASE}\n¤\n", "parameter-syntax"),
        (f"{BASE}\n# ¤\nsslmode=require", "parameter-syntax"),
        (f"# ¤\n{BASE}", "control-character"),
        (f"{BASE}\x01password=¤", "control-character"),
        (f"{BASE}\x85password=¤", "control-character"),
        (f"{BASE}\n\xa0password=¤", "parameter-unknown"),
        (f"HOST=h\n{BASE} password=¤", "control-character"),
        ("host=[::1] user=u dbname=d password=¤", "host-invalid"),
        ("host=¤' user=u dbname=d", "host-invalid"),
        (f"{BASE} password=¤\\\n", "control-character"),
    ],
)
def test_refused(text: str, code: str) -> None:
    """Each has its code, names the variable, and shows nothing of the text."""
    problems = outcome(text.replace("¤", MARKER))
    assert not isinstance(problems, Connection)
    assert code in [problem.code for problem in problems]
    for problem in problems:
        assert problem.variable == "PGCONN"
        assert not [at for at in range(len(MARKER) - 4) if MARKER[at : at + 5] in f"{problem!r}{problem}"]


def test_unknown_keyword_is_named_where_no_secret_is_near() -> None:
    """Without a password in the text the keyword can be no part of one."""
    problems = outcome(f"{BASE} username=x")
    assert not isinstance(problems, Connection)
    assert [str(problem) for problem in problems] == ["PGCONN: libpq does not support username. Use user"]
