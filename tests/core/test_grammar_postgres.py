"""PostgreSQL URIs: what is accepted and as what, and the longer table of what is refused."""

from __future__ import annotations

import pytest
import sqlalchemy
from asyncpg import connect_utils

from envconn.connection import Host, Origin, Parameters, Secret
from envconn.families import FAMILIES
from envconn.grammar import recheck
from envconn.grammar.libpq_keywords import FOREIGN, KEYWORDS, OF_DJANGO, SCHEMAS, SECRETS
from grammars import accepted, refused
from leaks import MARKER

# What must never be seen again once it was read. No word that we know shares five letters with it.
PG = "postgresql://u:p@h/d"


def test_all_parts() -> None:
    """Every part arrives decoded, and what was written is kept."""
    connection = accepted(
        "postgres://us%20er:p%40ss@Db.Example.com:6543/a%2Fb?sslmode=verify-full&application_name=007"
    )
    assert connection.family == "postgresql"
    assert connection.scheme == "postgres"
    assert connection.hosts == (Host("Db.Example.com", 6543),)
    assert (connection.user, connection.password, connection.dbname) == ("us er", Secret("p@ss"), "a/b")
    assert dict(connection.parameters) == {"sslmode": "verify-full", "application_name": "007"}
    assert connection.foreign == Parameters()
    assert connection.origin == Origin("DATABASE_URL")
    assert connection.notes == ()


@pytest.mark.parametrize("scheme", FAMILIES["postgresql"].schemes)
def test_schemes(scheme: str) -> None:
    """Both schemes of libpq, their forms with a driver, and two synonyms are one kind; the spelling is kept."""
    connection = accepted(f"{scheme}://u:p@h/d")
    assert (connection.family, connection.scheme) == ("postgresql", scheme)
    assert connection.driver == (scheme.partition("+")[2] or None)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("p%40ss", "p@ss"),
        ("a+b", "a+b"),
        ("a%2Bb", "a+b"),
        ("12345", "12345"),
        ("true", "true"),
        ("null", "null"),
        ("1e5", "1e5"),
        ("0x1f", "0x1f"),
        ("2024-01-01", "2024-01-01"),
        ("%40none", "@none"),
        ("pa${b}ss", "pa${b}ss"),
        ("$name", "$name"),
        ("100%25", "100%"),
        ("a:b", "a:b"),
        ("a|[b]", "a|[b]"),
        ("münch雪", "münch雪"),
        ("%C3%A9%e9%9b%AA", "é雪"),
        ("%2F%3F%23%5B%5D%20", "/?#[] "),
        ("line%0Abreak", "line\nbreak"),
        ("a'b\\c\"d", "a'b\\c\"d"),
    ],
)
def test_passwords_stay_text(written: str, meant: str) -> None:
    """A password is decoded once and is nothing but text: no number, no alias, no blank for a plus."""
    assert accepted(f"postgres://u:{written}@h/d").password == Secret(meant)
    if "+" not in written:
        assert accepted(f"postgres://u@h/d?password={written}").password == Secret(meant)


@pytest.mark.parametrize("userinfo", ["u@", "u:@"])
def test_no_password(userinfo: str) -> None:
    """An absent password and an empty one are the same, as for libpq."""
    assert accepted(f"postgres://{userinfo}h/d").password is None


@pytest.mark.parametrize(
    ("place", "hosts"),
    [
        ("h", [Host("h", 5432)]),
        ("h:", [Host("h", 5432)]),
        ("h:1", [Host("h", 1)]),
        ("h:65535", [Host("h", 65535)]),
        ("h:05432", [Host("h", 5432)]),
        ("DB.Example.COM.", [Host("DB.Example.COM.", 5432)]),
        ("my_db-1", [Host("my_db-1", 5432)]),
        ("%68ost", [Host("host", 5432)]),
        ("10.0.0.1:6543", [Host("10.0.0.1", 6543)]),
        ("[::1]:5433", [Host("::1", 5433)]),
        ("[fe80::1%25eth0]", [Host("fe80::1%eth0", 5432)]),
        ("h1,h2:5433", [Host("h1", 5432), Host("h2", 5433)]),
        ("h1:5433,h2", [Host("h1", 5433), Host("h2", 5432)]),
        ("h1,[::1]:2,10.0.0.1:3", [Host("h1", 5432), Host("::1", 2), Host("10.0.0.1", 3)]),
        ("%2Fvar%2Frun%2Fpostgresql:5433", [Host("/var/run/postgresql", 5433)]),
        ("%40abstract", [Host("@abstract", 5432)]),
    ],
)
def test_hosts(place: str, hosts: list[Host]) -> None:
    """Names, addresses, sockets and lists of them, each with its port."""
    assert accepted(f"postgres://u:p@{place}/d").hosts == tuple(hosts)


@pytest.mark.parametrize(
    ("query", "hosts"),
    [
        ("host=/cloudsql/proj:region:inst", [Host("/cloudsql/proj:region:inst", 5432)]),
        ("host=/var/run/postgresql&port=", [Host("/var/run/postgresql", 5432)]),
        ("host=%40abstract&port=1", [Host("@abstract", 1)]),
        ("host=a,b&port=7", [Host("a", 7), Host("b", 7)]),
        ("host=a%2Cb&port=7%2C8", [Host("a", 7), Host("b", 8)]),
        ("host=::1", [Host("::1", 5432)]),
        ("host=/sock%C3%A9t", [Host("/sockét", 5432)]),
        ("host=db&hostaddr=10.0.0.1", [Host("db", 5432, "10.0.0.1")]),
        ("host=a,b&hostaddr=fe80::1%25eth0,10.0.0.1", [Host("a", 5432, "fe80::1%eth0"), Host("b", 5432, "10.0.0.1")]),
    ],
)
def test_hosts_in_the_query(query: str, hosts: list[Host]) -> None:
    """The same from the query; a list may be encoded there, since libpq splits it after decoding."""
    assert accepted(f"postgres:///d?user=u&{query}").hosts == tuple(hosts)


def test_one_port_in_the_query_serves_two_hosts_before_it() -> None:
    """Hosts without ports leave the port to the query."""
    assert accepted("postgres://u:p@a,b/d?port=6543").hosts == (Host("a", 6543), Host("b", 6543))


def test_port_without_host_belongs_to_the_host_in_the_query() -> None:
    """The authority may hold nothing but a port."""
    assert accepted("postgres://u:p@:6543/d?host=/run").hosts == (Host("/run", 6543),)


@pytest.mark.parametrize(
    ("path", "dbname"), [("/a/b", "a/b"), ("//d", "/d"), ("/d%3Fx", "d?x"), ("/" + 63 * "n", 63 * "n")]
)
def test_dbname(path: str, dbname: str) -> None:
    """The name is all that stands between the first slash and the question mark."""
    assert accepted(f"postgres://u:p@h{path}").dbname == dbname


def test_identity_in_the_query() -> None:
    """User, password and name may stand in the query, as for libpq."""
    connection = accepted("postgres://h?user=x%40y&password=p%26q&dbname=d")
    assert (connection.user, connection.password, connection.dbname) == ("x@y", Secret("p&q"), "d")
    assert connection.parameters == Parameters()


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        *((name, word, word) for name, keyword in KEYWORDS.items() for word in keyword.values),
        ("options", "-c%20statement_timeout%3D5000", "-c statement_timeout=5000"),
        ("options", "", ""),
        ("options", "-c%20a%3Db%2Bc", "-c a=b+c"),
        ("application_name", "a+b", "a+b"),
        ("application_name", "a;b?c/d", "a;b?c/d"),
        ("sslrootcert", "system", "system"),
        ("sslpassword", "a%0Ab", "a\nb"),
        ("connect_timeout", "2147483647", "2147483647"),
        ("keepalives_idle", "0", "0"),
        ("passfile", "/run/pgpass", "/run/pgpass"),
    ],
)
def test_parameters(name: str, value: str, meant: str) -> None:
    """A parameter of libpq is kept under its name, decoded, as text."""
    assert dict(accepted(f"{PG}?{name}={value}").parameters) == {name: meant}


@pytest.mark.parametrize("name", [name for name in FOREIGN if name not in SCHEMAS])
def test_foreign_keys(name: str) -> None:
    """Keys of other tools are set apart and reach no driver."""
    connection = accepted(f"{PG}?{name}=a%20b&sslmode=require")
    assert dict(connection.foreign) == {name: "a b"}
    assert dict(connection.parameters) == {"sslmode": "require"}


@pytest.mark.parametrize("name", OF_DJANGO)
def test_djangos_keys_in_capitals(name: str) -> None:
    """As in settings.py."""
    assert dict(accepted(f"{PG}?{name.upper()}=1").foreign) == {name: "1"}


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("currentSchema=app", "-csearch_path=app"),
        ("currentSchema=App", "-csearch_path=App"),
        ("currentSchema=app,public", "-csearch_path=app,public"),
        ("currentSchema=%22App%22,%20b", '-csearch_path="App",\\ b'),
        ("currentSchema=a%5Cb", "-csearch_path=a\\\\b"),
        ("schema=app", "-csearch_path=app"),
        ("schema=App", '-csearch_path="App"'),
        ("schema=a-b", '-csearch_path="a-b"'),
        ("schema=a%22b%20c", '-csearch_path="a""b\\ c"'),
        ("schema=a,b", '-csearch_path="a,b"'),
        ("schema=app&currentSchema=app", "-csearch_path=app"),
        ("schema=app&options=-c%20a%3Db", "-c a=b -csearch_path=app"),
        ("options=-ca%3Db&currentSchema=app", "-ca=b -csearch_path=app"),
        ("options=-csearch_path%3Dapp&currentSchema=app", "-csearch_path=app"),
        ("schema=app&options=", "-csearch_path=app"),
        ("search_path=app,public", "-csearch_path=app,public"),
        ("schema_search_path=app,public", "-csearch_path=app,public"),
        ("schema=public", None),
        ("currentSchema=public", None),
        ("currentSchema=public&options=-ca%3Db", "-ca=b"),
    ],
)
def test_schemas(query: str, options: str | None) -> None:
    """The schema of other tools is the server's search_path; theirs is kept for exports. Read again, it is the same."""
    connection = accepted(f"{PG}?{query}")
    assert connection.parameters.get("options") == options
    assert {*connection.foreign} <= {*SCHEMAS}
    assert recheck.problems(connection) == ()
    assert any("=public was removed" in note for note in connection.notes) is (
        query.partition("&")[0].endswith("=public")
    )


@pytest.mark.parametrize("query", ["", "?", "?sslmode=require&"])
def test_empty_queries(query: str) -> None:
    """No query, an empty one, and one "&" at the end say nothing, as for libpq."""
    assert accepted(f"{PG}{query}").user == "u"


def test_ssl_true() -> None:
    """JDBC's switch means what libpq makes of it, and is mentioned."""
    connection = accepted(f"{PG}?ssl=true")
    assert dict(connection.parameters) == {"sslmode": "require"}
    assert connection.notes == ("ssl=true was read as sslmode=require",)


@pytest.mark.parametrize(
    ("query", "mode"),
    [
        *((f"ssl={mode}", mode) for mode in KEYWORDS["sslmode"].values),
        *((f"ssl={mode}&sslmode={mode}", mode) for mode in KEYWORDS["sslmode"].values),
        *((f"ssl={flag}", "require") for flag in ("true", "True", "TRUE", "1")),
        *((f"ssl={flag}", "disable") for flag in ("false", "False", "0")),
        *((f"ssl=true&sslmode={mode}", mode) for mode in ("require", "verify-ca", "verify-full")),
        ("sslmode=verify-full&ssl=true", "verify-full"),
        ("sslmode=require&ssl=true", "require"),
    ],
)
@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+asyncpg"])
def test_ssl(scheme: str, query: str, mode: str) -> None:
    """asyncpg's words, which SQLAlchemy passes on; beside a sslmode that says the same or more."""
    assert dict(accepted(f"{scheme}://u:p@h/d?{query}").parameters) == {"sslmode": mode}


@pytest.mark.parametrize(
    ("query", "hosts"),
    [
        ("host=h1:5432&host=h2:5433", [Host("h1", 5432), Host("h2", 5433)]),
        ("host=h1:6432&host=h2", [Host("h1", 6432), Host("h2", 5432)]),
        ("host=h1&host=h2:6432&host=10.0.0.3", [Host("h1", 5432), Host("h2", 6432), Host("10.0.0.3", 5432)]),
        ("host=h1%3A6432&host=h2%3a6433", [Host("h1", 6432), Host("h2", 6433)]),
        ("host=h:6432", [Host("h", 6432)]),
        ("sslmode=require&host=h1:1&connect_timeout=5&host=h2:2", [Host("h1", 1), Host("h2", 2)]),
    ],
)
@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg2", "postgresql+asyncpg"])
def test_hosts_of_sqlalchemy(scheme: str, query: str, hosts: list[Host]) -> None:
    """Each host with its port, as SQLAlchemy reads several parameters of one name."""
    text = f"{scheme}://u:p@/d?{query}"
    assert accepted(text).hosts == tuple(hosts)
    dialect = sqlalchemy.make_url(text.replace("+asyncpg", "+psycopg2")).get_dialect()()
    url = sqlalchemy.make_url(text.replace("%3A", ":").replace("%3a", ":"))
    theirs = dialect.create_connect_args(url)[1]
    ports = [int(port or 5432) for port in str(theirs["port"]).split(",")]
    assert [*zip(theirs["host"].split(","), ports, strict=True)] == [(host.host, host.port) for host in hosts]


@pytest.mark.parametrize("hosts", ["h1:1,h2:2", "h1,h2:6433", "h1:6432,10.0.0.1", "h1%3A1,h2%3a2"])
def test_hosts_of_asyncpg(hosts: str) -> None:
    """A list with ports in one parameter."""
    found = accepted(f"postgresql+asyncpg://u:p@/d?host={hosts}").hosts
    names, ports = connect_utils._parse_hostlist(hosts.replace("%3A", ":").replace("%3a", ":"), [])
    assert [*zip(names, ports, strict=True)] == [(host.host, host.port) for host in found]


@pytest.mark.parametrize(
    ("text", "host", "port", "user", "dbname"),
    [
        ("postgres://", "", 0, "", ""),
        ("postgres:///", "", 0, "", ""),
        ("postgres:///d", "", 0, "", "d"),
        ("postgres://h", "h", 5432, "", ""),
        ("postgres://h/d", "h", 5432, "", "d"),
        ("postgres://@h/d", "h", 5432, "", "d"),
        ("postgres://u@/d", "", 0, "u", "d"),
        ("postgres://u@h", "h", 5432, "u", ""),
        ("postgres://u@h/?sslmode=require", "h", 5432, "u", ""),
        ("postgres://u@:6543/d", "", 6543, "u", "d"),
        ("postgres:///d?port=6543", "", 6543, "", "d"),
        ("postgres:///?host=/run", "/run", 5432, "", ""),
        ("dbname=d", "", 0, "", "d"),
        ("user=u port=1", "", 1, "u", ""),
        ("host=h", "h", 5432, "", ""),
    ],
)
def test_what_is_left_out(text: str, host: str, port: int, user: str, dbname: str) -> None:
    """What libpq takes from the process is empty, and the rest as it says."""
    connection = accepted(text)
    assert (connection.host, connection.port, connection.user, connection.dbname) == (host, port, user, dbname)
    assert recheck.problems(connection) == ()


def test_an_unlimited_timeout_is_noted() -> None:
    """A connect_timeout of zero is valid, and a surprise to many."""
    connection = accepted(f"{PG}?connect_timeout=0")
    assert connection.parameters["connect_timeout"] == "0"
    assert connection.notes == ("connect_timeout is zero, so a connection waits without limit",)


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (f"{PG}\n", "surrounding newlines or tabs removed"),
        (f"{PG}\r\n", "surrounding newlines or tabs removed"),
        (f"{PG}\n\n", "surrounding newlines or tabs removed"),
        (f"{PG}\n\r\n", "surrounding newlines or tabs removed"),
        (f"{PG}\t", "surrounding newlines or tabs removed"),
        (f"{PG}\n\t", "surrounding newlines or tabs removed"),
        (f"\n{PG}", "surrounding newlines or tabs removed"),
        (f"\n\t{PG}\n\n", "surrounding newlines or tabs removed"),
        (f"  {PG} ", "surrounding spaces removed"),
        (f"\ufeff{PG}", "byte-order mark removed"),
    ],
)
def test_wrappings(text: str, note: str) -> None:
    """What files and clipboards put around a text is removed and mentioned."""
    connection = accepted(text)
    assert connection.dbname == "d"
    assert connection.notes == (note,)


def test_all_wrappings_at_once() -> None:
    """They may come together."""
    assert len(accepted(f"\ufeff {PG} \n").notes) == 3


def test_a_long_text() -> None:
    """32,768 characters are read."""
    text = f"{PG}?application_name="
    assert len(accepted(text + (32_768 - len(text)) * "x").parameters["application_name"]) > 32_000


# The refusing half. ¤ stands for the marker: in the secret places, and wherever a careless message would
# show it.

REFUSED: list[tuple[str, str]] = [
    # around the text
    ("", "text-empty"),
    ("   ", "text-empty"),
    ("\ufeff\n", "text-empty"),
    ("'postgres://u:¤@h/d'", "text-quoted"),
    ('"postgres://u:¤@h/d"', "text-quoted"),
    ('"postgres://u:¤@h/d', "text-quoted"),
    ("postgres://u:¤@h/d\n¤", "control-character"),
    ("postgres://u:¤\t@h/d", "control-character"),
    ("postgres://u:¤@h/d\\\n", "control-character"),
    ("postgres://u:¤\x85@h/d", "control-character"),
    ("postgres://u:¤\x7f@h/d", "control-character"),
    ("postgres://u:¤\0¤@h/d", "text-nul"),
    ("postgres://u:¤\udce9@h/d", "text-not-utf8"),
    ("postgres://u:¤@h/" + 32_768 * "d", "text-too-long"),
    # scheme
    ("¤", "scheme-missing"),
    ("psql 'postgres://u:¤@h/d?sslmode=require'", "text-pasted"),
    ("psql -d postgres://u:¤@h/d", "text-pasted"),
    ("//u:¤@h/d", "scheme-missing"),
    ("//u:¤@h/d?sslmode=require", "scheme-missing"),
    ("u:¤@h/d", "scheme-unknown"),
    ("¤:¤@h/d", "scheme-unknown"),
    ("POSTGRES://u:¤@h/d", "scheme-case"),
    ("Postgresql+Psycopg://u:¤@h/d", "scheme-case"),
    ("postgress://u:¤@h/d", "scheme-unknown"),
    ("postgre://u:¤@h/d", "scheme-unknown"),
    ("postgresql+¤://u:¤@h/d", "scheme-unknown"),
    ("postgresql+psycopg3://u:¤@h/d", "scheme-unknown"),
    ("postgresql:u:¤@h/d", "scheme-slashes"),
    ("postgresql:/u:¤@h/d", "scheme-slashes"),
    ("jdbc:postgresql://h/d?user=u&password=¤", "scheme-unknown"),
    ("file:///¤/db.sqlite3", "scheme-unknown"),
    ("http://u:¤@h/d", "scheme-unknown"),
    ("https://u:¤@h/d", "scheme-unknown"),
    ("prisma+postgres://accelerate.example/?api_key=¤", "scheme-unknown"),
    ("mssql://u:¤@h/d", "scheme-unsupported"),
    ("mssql+pyodbc://u:¤@h/d", "scheme-unsupported"),
    ("oracle://u:¤@h/d", "scheme-unsupported"),
    ("mongodb://u:¤@h/d", "scheme-unsupported"),
    ("mongodb+srv://u:¤@h/d", "scheme-unsupported"),
    # delimiters in user and password
    ("postgres://u:¤#¤@h/d", "hash-unencoded"),
    ("postgres://u:¤/¤@h/d", "slash-unencoded"),
    ("postgres://u:¤?¤@h/d", "question-unencoded"),
    ("postgres://u:¤@¤@h/d", "at-unencoded"),
    ("postgres://¤/¤:¤@h/d", "slash-unencoded"),
    ("postgres://u:¤ ¤@h/d", "space-unencoded"),
    ("postgres://u:¤\u00a0¤@h/d", "space-unencoded"),
    ("postgres://u:¤\u2028¤@h/d", "space-unencoded"),
    ("postgres://u:¤@h/d#¤", "hash-unencoded"),
    ("postgres://u:¤@h#¤/d", "hash-unencoded"),
    ("postgres://u:¤@h/d?application_name=#¤", "hash-unencoded"),
    ("postgres://u:¤@h/d?application_name=¤ ¤", "space-unencoded"),
    ("postgres://u:¤@h/d?application_name=¤@¤", "at-unencoded"),
    ("postgres://h/d?user=¤@¤", "at-unencoded"),
    ("postgres://h?user=¤@¤", "at-unencoded"),
    ("postgres://u:p@h?dbname=d&password=¤@¤", "at-unencoded"),
    ("postgres://u:¤@h/d?pool_size=¤@¤", "at-unencoded"),
    ("postgres://u:¤?foo=¤@h/d", "question-unencoded"),
    ("postgres://u:¤/¤?foo=¤@h/d", "slash-unencoded"),
    ("postgres://u:¤@¤@h/d?options=¤@¤", "at-unencoded"),
    # percent escapes
    ("postgres://u:¤%@h/d", "percent-unencoded"),
    ("postgres://u:¤%4@h/d", "percent-unencoded"),
    ("postgres://u:¤%zz@h/d", "percent-unencoded"),
    ("postgres://u:¤% 4@h/d", "space-unencoded"),
    ("postgres://%u:¤@h/d", "percent-unencoded"),
    ("postgres://u:¤@h%/d", "percent-unencoded"),
    ("postgres://u:¤@[::1%eth0]/d", "percent-unencoded"),
    ("postgres://u:¤@h/d%", "percent-unencoded"),
    ("postgres://u:¤@h/d?application_name=¤%", "percent-unencoded"),
    ("postgres://u:¤@h/d?sslmode=¤%", "percent-unencoded"),
    ("postgres://u:¤@h/d?schema=¤%", "percent-unencoded"),
    ("postgres://u:¤%00¤@h/d", "text-nul"),
    ("postgres://u:¤%E9@h/d", "text-not-utf8"),
    ("postgres://u:¤%ED%A0%80@h/d", "text-not-utf8"),
    ("postgres://u:¤%C0%80@h/d", "text-not-utf8"),
    ("postgres://¤%0A:¤@h/d", "control-character"),
    ("postgres://u:¤@h/d%0A¤", "control-character"),
    ("postgres://u:¤@h/d?options=¤%07", "control-character"),
    # user and database
    ("postgres://h/d?user=", "user-missing"),
    ("postgres://:¤@h/d?user=", "user-missing"),
    ("postgres://u:¤@h?dbname=", "dbname-missing"),
    ("postgres://u:¤@h/" + 64 * "n", "dbname-too-long"),
    ("postgres://u:¤@h/" + 32 * "é", "dbname-too-long"),
    # hosts
    ("postgres:///d?user=u&password=¤&host=", "host-missing"),
    ("postgres://u:¤@:1,:2/d", "host-empty"),
    ("postgres:///d?user=u&password=¤&port=1,2", "port-count"),
    ("postgres:///d?user=u&password=¤&port=x", "port-invalid"),
    ("postgres:///d?user=u&host=h1&host=h2&password=¤", "parameter-duplicate"),
    ("postgresql+psycopg2:///d?user=u&host=h1&host=h2", "parameter-duplicate"),
    ("postgres://u:¤@h/d?host=h1:1&host=h2:2", "parameter-duplicate"),
    ("postgres://u:¤@/d?host=h1:1&host=h2:2&port=3", "parameter-duplicate"),
    ("postgres://u:¤@:4/d?host=h1:1&host=h2:2", "parameter-duplicate"),
    ("postgres://u:¤@/d?host=h1:1&host=/run", "parameter-duplicate"),
    ("postgres://u:¤@/d?host=h1:1&host=[::1]:2", "parameter-duplicate"),
    ("postgres://u:¤@/d?host=h1:1&host=a,b", "parameter-duplicate"),
    ("postgres://u:¤@/d?host=h1:1&host=", "parameter-duplicate"),
    ("postgres://u:¤@/d?host=h1:0&host=h2:1", "port-range"),
    ("postgres://u:¤@/d?host=h1:1&host=127.1:2", "host-invalid"),
    ("postgres://u:¤@/d?host=h1:x", "host-invalid"),
    ("postgres://u:¤@,/d", "host-empty"),
    ("postgres://u:¤@h,/d", "host-empty"),
    ("postgres://u:¤@,h/d", "host-empty"),
    ("postgres:///d?user=u&host=a,,b", "host-empty"),
    ("postgres://u:¤@h%2Ci/d", "host-invalid"),
    ("postgres://u:¤@h%20¤/d", "host-invalid"),
    ("postgres://u:¤@h%0A¤/d", "control-character"),
    ('postgres://u:¤@h"¤/d', "host-invalid"),
    ("postgres://u:¤@h'¤/d", "host-invalid"),
    ("postgres://u:¤@h\\¤/d", "host-invalid"),
    ("postgres://u:¤@$¤/d", "reference-unresolved"),
    ("postgres://u:¤@<¤>/d", "placeholder-unreplaced"),
    ("postgres://u:¤@a..¤/d", "host-invalid"),
    ("postgres://u:¤@https://h/d", "host-invalid"),
    ("postgres://u:¤@HTTPS://h/d", "host-invalid"),
    ("postgresql://u:¤@http://h:5432/d?sslmode=require", "host-invalid"),
    ("postgres://u:¤@https//h/d", "host-invalid"),
    ("postgres://u:¤@postgresql://h/d", "host-invalid"),
    ("postgres://https://h/¤", "host-invalid"),
    ("postgres://u:¤@.¤/d", "host-invalid"),
    ("postgres://u:¤@" + 64 * "n" + "/d", "host-invalid"),
    ("postgres://u:¤@" + 128 * "n." + "n/d", "host-invalid"),
    ("postgres://u:¤@127.1/d", "host-invalid"),
    ("postgres://u:¤@0x7f.1/d", "host-invalid"),
    ("postgres://u:¤@0x7f000001/d", "host-invalid"),
    ("postgres://u:¤@2130706433/d", "host-invalid"),
    ("postgres://u:¤@127.0.0.256/d", "host-invalid"),
    ("postgres://u:¤@127.0.0.01/d", "host-invalid"),
    ("postgres://u:¤@127.0.0.1./d", "host-invalid"),
    ("postgres://u:¤@%2F/d", "host-invalid"),
    ("postgres://u:¤@%40/d", "host-invalid"),
    ("postgres://u:¤@münchen.example/d", "host-not-ascii"),
    ("postgres:///d?user=u&password=¤&host=[::1]", "host-invalid"),
    ("postgres:///d?user=u&password=¤&host=a:b", "host-invalid"),
    ("postgres:///d?user=u&password=¤&host=fe80::1%25", "host-invalid"),
    ("postgres:///d?user=u&password=¤&host=::1%25a'b", "host-invalid"),
    ("postgres://u:¤@[::1/d", "host-brackets"),
    ("postgres://u:¤@[]/d", "host-brackets"),
    ("postgres://u:¤@[h]/d", "host-brackets"),
    ("postgres://u:¤@[10.0.0.1]/d", "host-brackets"),
    ("postgres://u:¤@[10.0.0.1%25eth0]/d", "host-brackets"),
    ("postgres://u:¤@[::1]x/d", "host-brackets"),
    ("postgres://u:¤@[::g]/d", "host-brackets"),
    ("postgres://u:¤@h[x]/d", "host-invalid"),
    ("postgres://u:¤@h/d?host=h2", "parameter-duplicate"),
    ("postgres://u:¤@h/d?host=h", "parameter-duplicate"),
    ("postgres://u:¤@,/d?host=a,b", "parameter-duplicate"),
    ("postgres://u:¤@h:5432/d?port=5432", "parameter-duplicate"),
    ("postgres://u:¤@h/d?user=x", "parameter-duplicate"),
    ("postgres://u:¤@h/d?password=¤", "parameter-duplicate"),
    ("postgres://u:¤@h/d?dbname=x", "parameter-duplicate"),
    ("postgres://u:¤@h/d?hostaddr=", "value-empty"),
    ("postgres:///d?user=u&password=¤&hostaddr=10.0.0.1", "hostaddr-alone"),
    ("postgres://u:¤@h/d?hostaddr=¤", "hostaddr-invalid"),
    ("postgres://u:¤@h/d?hostaddr=127.1", "hostaddr-invalid"),
    ("postgres://u:¤@h/d?hostaddr=10.0.0.1,10.0.0.2", "hostaddr-count"),
    ("postgres://u:¤@a,b/d?hostaddr=10.0.0.1,", "hostaddr-invalid"),
    ("postgres:///d?user=u&password=¤&host=/run&hostaddr=10.0.0.1", "hostaddr-socket"),
    # ports
    ("postgres://u:¤@h:0/d", "port-range"),
    ("postgres://u:¤@h:65536/d", "port-range"),
    ("postgres://u:¤@h:99999/d", "port-range"),
    ("postgres://u:¤@h:" + 5000 * "9" + "/d", "port-range"),
    ("postgres://u:¤@h:5432x/d", "port-invalid"),
    ("postgres://u:¤@h:+5432/d", "port-invalid"),
    ("postgres://u:¤@h:-1/d", "port-invalid"),
    ("postgres://u:¤@h:%35432/d", "port-invalid"),
    ("postgres://u:¤@h:٥٤٣٢/d", "port-invalid"),
    ("postgres://u:¤@h:²/d", "port-invalid"),
    ("postgres://u:¤@h:1:2/d", "port-invalid"),
    ("postgres://u:¤@::1/d", "port-invalid"),
    ("postgres://u:¤", "port-invalid"),
    ("postgres://u:¤/d", "port-invalid"),
    ("postgres://u:¤@a,b/d?port=1,2,3", "port-count"),
    ("postgres:///d?user=u&host=a&port=1,2", "port-count"),
    # the query's own syntax
    ("postgres://u:¤@h/d?¤", "parameter-syntax"),
    ("postgres://u:¤@h/d?=¤", "parameter-syntax"),
    ("postgres://u:¤@h/d?&sslmode=require", "parameter-syntax"),
    ("postgres://u:¤@h/d?sslmode=require&&", "parameter-syntax"),
    ("postgres://u:¤@h/d?options=-c%20¤=¤", "parameter-syntax"),
    ("postgres://u:¤@h/d?sslrootcert=¤;sslmode=verify-full", "parameter-misplaced"),
    ("postgres://u:¤@h/d\tsslmode=verify-full", "parameter-misplaced"),
    ("postgres://u:¤@h/d\nsslmode=verify-full", "parameter-misplaced"),
    ("postgres://u@h/d?password=¤;sslmode=verify-full", "parameter-misplaced"),
    ("postgres://u@h/d?password=¤%26sslmode=verify-full", "parameter-misplaced"),
    ("postgres://u:¤@h/d?application_name=¤%0Asslmode%3Dverify-full", "parameter-misplaced"),
    ("postgres://u:¤@h/d?application_name=¤+channel_binding%3Drequire", "parameter-misplaced"),
    ("postgres://u:¤@h/d?&application_name=¤%2Fsslrootcert%3D¤", "parameter-misplaced"),
    ("postgres://u:¤@h/d?options=-c%20client_encoding=¤", "parameter-syntax"),
    ("postgres://u:¤@h/d?sslmode&sslrootcert=¤", "parameter-syntax"),
    # parameters
    ("postgres://u:¤@h/d?sslmode=", "value-empty"),
    ("postgres://u:¤@h/d?sslrootcert=", "value-empty"),
    ("postgres://u:¤@h/d?sslpassword=", "value-empty"),
    ("postgres://u:¤@h/d?require_auth=", "value-empty"),
    ("postgres://u:¤@h/d?require_auth=bogus", "value-unknown"),
    ("postgres://u:¤@h/d?require_auth=scram-sha-256,scram-sha-256", "value-unknown"),
    ("postgres://u:¤@h/d?require_auth=scram-sha-256,!none", "value-unknown"),
    ("postgres://u:¤@h/d?require_auth=scram-sha-256,%20md5", "value-unknown"),
    ("postgres://u:¤@h/d?require_auth=scram-sha-256,", "value-unknown"),
    ("postgres://u:¤@h/d?connect_timeout=", "value-empty"),
    ("postgres://u:¤@h/d?target_session_attrs=", "value-empty"),
    ("postgres://u:¤@h/d?ssl_min_protocol_version=", "value-empty"),
    ("postgres://u:¤@h/d?sslmode=require&sslmode=disable", "parameter-duplicate"),
    ("postgres://u:¤@h/d?sslmode=require&sslmode=require", "parameter-duplicate"),
    ("postgres://u:¤@h/d?pgbouncer=true&pgbouncer=true", "parameter-duplicate"),
    ("postgres://u:¤@h/d?ssl=true&ssl=true", "parameter-duplicate"),
    ("postgres://u:¤@h/d?ssl=true&ssl=verify-full", "parameter-duplicate"),
    ("postgres://u:¤@h/d?ssl=true&sslmode=disable", "parameter-duplicate"),
    ("postgres://u:¤@h/d?sslmode=disable&ssl=true", "parameter-duplicate"),
    ("postgres://u:¤@h/d?ssl=true&sslmode=allow", "parameter-duplicate"),
    ("postgres://u:¤@h/d?sslmode=prefer&ssl=true", "parameter-duplicate"),
    ("postgres://u:¤@h/d?ssl=require&sslmode=verify-full", "parameter-duplicate"),
    ("postgres://u:¤@h/d?ssl=verify-full&sslmode=require", "parameter-duplicate"),
    ("postgres://u:¤@h/d?ssl=verify-full&sslmode=disable", "parameter-duplicate"),
    ("postgres://u:¤@h/d?ssl=verify-full&sslmode=¤", "sslmode-unknown"),
    ("postgres://u:¤@h/d?ssl=2", "ssl-unknown"),
    ("postgres://u:¤@h/d?ssl=on", "ssl-unknown"),
    ("postgres://u:¤@h/d?ssl=0&sslmode=require", "parameter-duplicate"),
    ("postgres://u:¤@h/d?ssl=1&ssl=1", "parameter-duplicate"),
    ("postgres://u:¤@h/d?ssl=REQUIRE", "ssl-unknown"),
    ("postgres://u:¤@h/d?ssl=verify_full", "ssl-unknown"),
    ("postgres://u:¤@h/d?ssl=no-verify", "ssl-unknown"),
    ("postgresql+asyncpg://u:¤@h/d?ssl=on", "ssl-unknown"),
    ("postgres://u:¤@h/d?ssl=", "ssl-unknown"),
    ("postgres://u:¤@h/d?ssl=¤", "ssl-unknown"),
    ("postgres://u:¤@h/d?sslmode=requre", "sslmode-unknown"),
    ("postgres://u:¤@h/d?sslmode=REQUIRE", "sslmode-unknown"),
    ("postgres://u:¤@h/d?sslmode=require%20", "sslmode-unknown"),
    ("postgres://u:¤@h/d?sslmode=no-verify", "sslmode-unknown"),
    ("postgres://u:¤@h/d?sslmode=¤", "sslmode-unknown"),
    ("postgres://u:¤@h/d?sslnegotiation=¤", "value-unknown"),
    ("postgres://u:¤@h/d?channel_binding=¤", "value-unknown"),
    ("postgres://u:¤@h/d?sslcertmode=¤", "value-unknown"),
    ("postgres://u:¤@h/d?target_session_attrs=master", "value-unknown"),
    ("postgres://u:¤@h/d?load_balance_hosts=¤", "value-unknown"),
    ("postgres://u:¤@h/d?sslsni=true", "value-unknown"),
    ("postgres://u:¤@h/d?keepalives=2", "value-unknown"),
    ("postgres://u:¤@h/d?ssl_min_protocol_version=tlsv1.4", "value-unknown"),
    ("postgres://u:¤@h/d?ssl_min_protocol_version=TLSV1.1", "tls-version-weak"),
    ("postgres://u:¤@h/d?channel_binding=REQUIRE", "value-unknown"),
    ("postgres://u:¤@h/d?ssl_min_protocol_version=tlsv1.3&ssl_max_protocol_version=TLSV1.2", "tls-version-range"),
    ("postgres://u:¤@h/d?ssl_min_protocol_version=TLSv1", "tls-version-weak"),
    ("postgres://u:¤@h/d?ssl_max_protocol_version=TLSv1.1", "tls-version-weak"),
    (
        "postgres://u:¤@h/d?ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.2",
        "tls-version-range",
    ),
    ("postgres://u:¤@h/d?min_protocol_version=3.2&max_protocol_version=3.0", "tls-version-range"),
    ("postgres://u:¤@h/d?min_protocol_version=latest&max_protocol_version=3.0", "tls-version-range"),
    ("postgres://u:¤@h/d?sslcompression=1", "value-refused"),
    ("postgres://u:¤@h/d?gssencmode=require", "value-refused"),
    ("postgres://u:¤@h/d?service=¤", "parameter-refused"),
    ("postgres://u:¤@h/d?servicefile=¤", "parameter-refused"),
    ("postgres://u:¤@h/d?sslkeylogfile=¤", "parameter-refused"),
    ("postgres://u:¤@h/d?connect_timeout=¤", "number-invalid"),
    ("postgres://u:¤@h/d?connect_timeout=-1", "number-invalid"),
    ("postgres://u:¤@h/d?connect_timeout=1.5", "number-invalid"),
    ("postgres://u:¤@h/d?connect_timeout=%205", "number-invalid"),
    ("postgres://u:¤@h/d?tcp_user_timeout=2147483648", "number-invalid"),
    ("postgres://u:¤@h/d?tcp_user_timeout=" + 5000 * "9", "number-invalid"),
    ("postgres://u:¤@h/d?options=-c+¤", "plus-unencoded"),
    ("postgres://u:¤@h/d?foo=¤", "parameter-unknown"),
    ("postgres://u:¤@h/d?SSLMODE=¤", "parameter-unknown"),
    ("postgres://u:¤@h/d?%68ost=¤", "parameter-unknown"),
    ("postgres://u:¤@h/d?requiressl=1", "parameter-unknown"),
    ("postgres://u:¤@h/d?Conn_Max_Ages=1", "parameter-unknown"),
    ("postgres://u:¤@h/d?POOL_SIZE=1", "parameter-unknown"),
    ("postgres://u:¤@h/d?SCHEMA=app", "parameter-unknown"),
    ("postgres://u:¤@h/d?currentschema=app", "parameter-unknown"),
    ("postgres://u:¤@h/d?isolation_level=serializable", "parameter-unknown"),
    ("postgres://u:¤@h/d?assume_role=¤", "parameter-unknown"),
    ("postgres://u:¤@h/d?CONN_MAX_AGE=1&conn_max_age=1", "parameter-duplicate"),
    ("postgres://u:¤@h/d?schema=", "value-empty"),
    ("postgres://u:¤@h/d?currentSchema=", "value-empty"),
    ("postgres://u:¤@h/d?schema=a&schema=a", "parameter-duplicate"),
    ("postgres://u:¤@h/d?schema=a&currentSchema=b", "parameter-duplicate"),
    ("postgres://u:¤@h/d?schema=App&currentSchema=App", "parameter-duplicate"),
    ("postgres://u:¤@h/d?schema=public&currentSchema=b", "parameter-duplicate"),
    ("postgres://u:¤@h/d?schema=a&options=-csearch_path%3Db", "parameter-duplicate"),
    ("postgres://u:¤@h/d?schema=a&options=-c%20search_path%3Da", "parameter-duplicate"),
    ("postgres://u:¤@h/d?options=--search_path%3Dpublic&schema=public", "parameter-duplicate"),
    ("postgres://u:¤@h/d?schema=¤+¤&options=¤+", "plus-unencoded"),
    ("postgres://u:¤@h/d?schema=¤%0A", "control-character"),
    ("postgres://u:¤@h/d?authtype=¤", "parameter-unknown"),
    ("postgres://u:¤@h/d?tty=¤", "parameter-unknown"),
    ("postgres://h/d?user=u&password=¤&¤¤=x", "parameter-unknown"),
    ("postgres://u:¤@h/d?sslpassword=¤&¤=x", "parameter-unknown"),
    ("postgres://u:¤@h/d?¤=x&password=¤", "parameter-unknown"),
    ("postgres://h/d?user=u&PASSWORD=¤&¤=x", "parameter-unknown"),
    ("postgres://u:p@h/d?pwd=¤&¤=x", "parameter-unknown"),
    ("postgres://u:p@h/d?%70assword=¤&¤=x", "parameter-unknown"),
    ("postgres://u:¤@h/d?oauth_client_secret=¤&¤=x", "parameter-unknown"),
    ("postgres://u:¤@h:x/d?¤=x", "parameter-unknown"),
    ("postgres://u:¤?¤=x", "parameter-unknown"),
    ("postgres://u:¤@h:1:2/d?¤=x", "parameter-unknown"),
    ("postgres://u:¤@h/d?¤-¤=x", "parameter-unknown"),
    ("postgres://u:¤@h/d?¤é=x", "parameter-unknown"),
    ("postgres://u:¤@h/d?¤" + 60 * "¤" + "=x", "parameter-unknown"),
]


@pytest.mark.parametrize(("text", "code"), REFUSED)
def test_refused(text: str, code: str) -> None:
    """Each has its code, names the variable, fits one line, and shows nothing of the text."""
    problems = refused(text.replace("¤", MARKER))
    assert code in [problem.code for problem in problems]
    for problem in problems:
        assert problem.variable == "DATABASE_URL"
        assert str(problem) == f"DATABASE_URL: {problem.message}"
        assert problem.message.isprintable()
        assert not problem.message.endswith((".", " ", ";"))
        shown = f"{problem!r}{problem}"
        assert not [at for at in range(len(MARKER) - 4) if MARKER[at : at + 5] in shown]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("postgres://us:secret/x@h/d", 'raw "/" in the password at character 21. Write %2F'),
        ("postgres://us/er:secret@h/d", 'raw "/" in the user at character 14. Write %2F'),
        ("postgres://us:secret#x@h/d", 'raw "#" in the password at character 21. Write %23'),
        ("postgres://us:p@ss@h/d", 'second raw "@" in the host at character 19. Write %40'),
        ("postgres://u:p@h/d#x", 'raw "#" in the database name at character 19. Write %23'),
        ("postgres://h?x#y", 'raw "#" in the query at character 15. Write %23'),
        ("postgres://u:p w@h/d", "white space in the password at character 15. Write %20"),
        (
            "postgres://us:100%@h/d",
            'raw "%" at character 18 in the password is not followed by two hex digits. Write %25',
        ),
        ("postgres://u:p@h,%zz/d", 'raw "%" at character 18 in the host'),
        ("postgres://u:p@h/d%", 'raw "%" at character 19 in the database name'),
        ("postgres://u:p@h/d?pool=1&options=%", 'raw "%" at character 35 in the value of options'),
        ("postgres://u:p@h/d?options=-c%00", "%00 at character 30 in the value of options"),
        ("postgres://u:p\nx@h/d", "there is a line break at character 15"),
        ("postgres://u:p\tx@h/d", "there is a control character at character 15"),
        ("postgres://u:\udce9@h/d", "not UTF-8 at character 14"),
        ("postgress://h", "Use postgres"),
        ("mangodb://h", "Use postgresql://, mysql://"),
        ("jdbc:postgresql://h/d", "Remove jdbc:"),
        ("http://h/d", "Copy the database's connection string"),
        ("file:///x.db", "Use sqlite:///path"),
        ("mongodb://h/d", "MongoDB is not supported"),
        ("POSTGRES://h/d", "Write it in lower case"),
        ("postgres://u:p@/d?host=", "?host=/var/run/postgresql for a socket"),
        ("postgres://us:p@h/d?options=a@b", 'raw "@" in the query at character 30. Write %40'),
        ("postgres://h?user=a@b", 'raw "@" in the query at character 20. Write %40'),
        ("postgres://us:p@ss@h/d?user=a@b", 'second raw "@" in the host at character 19. Write %40 for every'),
        ("postgres://us:p@h/d?options=#", 'raw "#" in the query at character 29'),
        (f"{PG}?ssl=true&sslmode=disable", "ssl and sslmode differ. Keep the stronger one, as sslmode"),
        (f"{PG}?isolation_level=1", "pass it to databases(options={...})"),
        (f"{PG}?schema=a&options=-csearch_path%3Db", "schema and another parameter differ. Keep one"),
        (f"{PG}?sslmode=requre", "Use require"),
        (f"{PG}?sslmode=verify_full", "Use verify-full"),
        (f"{PG}?sslmode=VERIFY-CA", "Use verify-ca, in lower case"),
        (f"{PG}?sslmode=require%20", "Use require without the space"),
        (f"{PG}?sslmode=no-verify", "a word of node-postgres"),
        (f"{PG}?sslmode=1", "Use require, verify-ca or verify-full"),
        (f"{PG}?foo=bar", "libpq does not support foo. Remove it"),
        (f"{PG}?SSLMODE=require", "Use sslmode, in lower case"),
        (f"{PG}?sslmod=require", "Use sslmode"),
        (f"{PG}?PASSWORD=a&b=c", "libpq does not support PASSWORD. Use password, in lower case"),
        (f"{PG}?conection_limit=5", "Use connection_limit"),
        (f"{PG}?database=d", "libpq does not support database. Use dbname"),
        (f"{PG}?statement_timeout=5s", "options=-c%20"),
        (f"{PG}?options[work_mem]=5", "options=-c%20"),
        (f"{PG}?ssl-mode=require", "libpq does not support ssl-mode. Use sslmode"),
        ("postgres://h/d?user=u&password=a&bcdef=g", "the name of parameter 3 is unknown"),
    ],
)
def test_messages(text: str, says: str) -> None:
    """A message says which part is wrong, where, and what to write instead."""
    assert any(says in problem.message for problem in refused(text))


def test_all_problems_are_reported_at_once() -> None:
    """One round of mending is enough."""
    problems = refused("postgres://u%:p%@h:0,é,:1:2/?sslmode=REQUIRE&x&foo=1&service=s&connect_timeout=a")
    assert [problem.code for problem in problems] == [
        "percent-unencoded",
        "percent-unencoded",
        "port-invalid",
        "sslmode-unknown",
        "parameter-syntax",
        "parameter-refused",
        "number-invalid",
        "parameter-unknown",
    ]
    kinds = [problem.code for problem in refused("postgres://u:a b/c#d@e@h/d")]
    assert kinds == ["space-unencoded", "slash-unencoded", "hash-unencoded", "at-unencoded"]


@pytest.mark.parametrize("filling", [",", "&", "a=b&", "x%", "#", "@", "[", "host=&", "sslmode=&", "a b=c "])
def test_a_flood_of_mistakes(filling: str) -> None:
    """However much is wrong, twenty problems are enough, each once."""
    for start in ("postgres://u:p@h/d?", "postgres://", "user=u dbname=d "):
        problems = refused(start + 4_000 * filling)
        assert len({*problems}) == len(problems) <= 20


def test_the_table_of_keywords() -> None:
    """Those that hold secrets are marked, and a name is either libpq's or another tool's."""
    assert sorted(SECRETS) == ["oauth_client_secret", "password", "scram_client_key", "scram_server_key", "sslpassword"]
    assert not KEYWORDS.keys() & FOREIGN.keys()
