"""A `Connection` that a program made or changed: judged only if a text could have said it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from envconn import ConfigurationError, Policy, parse, secure
from envconn.connection import Connection, Host, Origin, Parameters, Secret
from envconn.grammar import celery, django_cache, recheck
from envconn.records import replace
from envconn.services import Services

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PG = "postgresql://app:p@db.example.com/app?sslmode=require"
REDIS = "rediss://:p@cache.example.com/0?socket_timeout=5"
AMQP = "amqps://app:p@mq.example.com/v?heartbeat=5"
MYSQL = "mysql://app:p@db.example.com/app?ssl_mode=REQUIRED"
SENTINEL = "rediss+sentinel://:p@one.example.com:26379,two.example.com:26379/mine/0"

TEXTS = [
    PG,
    REDIS,
    AMQP,
    MYSQL,
    SENTINEL,
    "postgresql://us%20er:p%27%5C%40%0A@a.example.com:1,b.example.com:2,[::1]/d%27b?application_name=a%5Cb%20c",
    "postgresql://app@db.example.com/app?hostaddr=203.0.113.9&sslmode=require&connect_timeout=5&pgbouncer=true",
    "postgresql:///app?host=/var/run/postgresql&user=app&options=-c%20a%3Db",
    "host=db.example.com,two.example.com hostaddr=203.0.113.9,fd00::1 port=1,2 user=app dbname=app sslmode=require",
    "postgres://app:p@db.example.com/app?ssl=true&target_session_attrs=any",
    "unix:///run/redis.sock",
    "mysql://u:p@localhost/app?unix_socket=/run/m.sock",
    "sqlite:///app.db",
    "sqlite:////var/app.db?timeout=5",
    "sqlite://",
    "redis://localhost:6379/1",
    "rediss://u:p@cache.example.com?ssl_cert_reqs=none&client_name=a",
    "mysql+pymysql://app:p@[fd00::1]:3307/app?ssl_mode=REQUIRED&charset=utf8mb4",
    "amqp://guest:guest@localhost//",
    "redis+sentinel://:p@one.example.com:26379/mine/0",
    "rediss://cache.example.com?ssl_ca_certs=/ca.pem",
    *(f"mysql://app:p@db.example.com/app?ssl_mode={mode}" for mode in ("PREFERRED", "VERIFY_IDENTITY")),
    "mysql://app:p@db.example.com/app?ssl_mode=VERIFY_CA&ssl_ca=/ca.pem&reconnect=true",
]


SERVERLESS = [
    *((celery.serverless, text) for text in ("rpc://", "disabled", "file:///results")),
    *((celery.in_process, text) for text in ("memory://", "filesystem://localhost//")),
    *((django_cache.serverless, text) for text in ("locmem://", "db://table")),
]


@pytest.mark.parametrize("text", TEXTS)
def test_what_was_read_is_judged(text: str) -> None:
    assert recheck.problems(parse(text)) == ()


def serverless(read: Callable[[str, Origin], Connection | None], text: str, **fields: Any) -> Connection:
    found = read(text, Origin(""))
    assert found
    return replace(found, **fields)


@pytest.mark.parametrize(
    "text", ["memcache://localhost,cache.example.com:1", "pylibmc://[::1]", "memcached:///run/m.sock"]
)
def test_a_memcached_is_judged(text: str) -> None:
    assert recheck.problems(serverless(django_cache.memcached, text)) == ()
    for fields in (
        {"scheme": "redis"},
        {"scheme": "locmem"},
        {"dbname": "1"},
        {"hosts": ()},
        {"hosts": (Host("a.example.com,evil.example.com", 11211),)},
        {"hosts": (Host("a.example.com", 11211), Host("/run/m.sock", 0))},
        {"hosts": (Host("localhost", 11211, "203.0.113.9"),)},
        {"hosts": (Host("localhost", 0),)},
        {"user": "app"},
        {"password": Secret("marker-password")},
        {"parameters": Parameters({})},
        {"parameters": Parameters({"sslmode": "verify-full"})},
    ):
        assert recheck.problems(serverless(django_cache.memcached, text, **fields)), fields


@pytest.mark.parametrize(("read", "text"), SERVERLESS)
def test_what_has_no_server_is_judged(read: Callable[[str, Origin], Connection | None], text: str) -> None:
    assert recheck.problems(serverless(read, text)) == ()
    for fields in (
        {"scheme": "disabled" if text != "disabled" else "rpc"},
        {"dbname": "amqp://evil.example.com"},
        {"dbname": "memcache://evil.example.com"},
        {"hosts": (Host("evil.example.com", 5672),)},
        {"user": "app"},
        {"parameters": Parameters({"sslmode": "disable"})},
    ):
        assert recheck.problems(serverless(read, text, **fields)), fields


def test_the_problem_of_the_grammar_is_told() -> None:
    (problem,) = recheck.problems(changed(PG, {"sslmode": "bogus"}))
    assert problem.code == "sslmode-unknown"
    (problem,) = recheck.problems(changed(PG, family="redis"))
    assert problem.code == "connection-altered"


def changed(text: str, parameters: Mapping[str, Any] | None = None, **fields: Any) -> Connection:
    connection = parse(text)
    added = {"parameters": Parameters({**connection.parameters, **(parameters or {})})}
    return replace(connection, **{**added, **fields})


def hosts(*found: Host) -> dict[str, Any]:
    return {"hosts": found}


@pytest.mark.parametrize(
    "connection",
    [
        changed(PG, **hosts()),
        changed(PG, **hosts(Host("a.example.com,b.example.com", 5432))),
        changed(PG, **hosts(Host("a.example.com", 5432, "203.0.113.9,203.0.113.10"))),
        changed(PG, **hosts(Host("a.example.com", 5432, "localhost"))),
        changed(PG, **hosts(Host("a.example.com", 5432, "203.0.113.9"), Host("b.example.com", 5432))),
        changed(PG, **hosts(Host("/var/run", 5432, "203.0.113.9"))),
        changed(PG, **hosts(Host("127.1", 5432))),
        changed(PG, **hosts(Host("a b", 5432))),
        changed(PG, **hosts(Host("", 5432, "203.0.113.9"))),
        changed(PG, **hosts(Host("db.example.com\0.evil.com", 5432))),
        changed(PG, **hosts(Host("db.example.com' hostaddr='203.0.113.9", 5432))),
        changed(PG, **hosts(Host("db.example.com", 0))),
        changed(PG, **hosts(Host("db.example.com", 65536))),
        changed(PG, **hosts(Host("db.example.com", -1))),
        changed(PG, hosts=(Host("db.example.com", "5432"),)),  # type: ignore[arg-type]
        changed(PG, hosts=(("db.example.com", 5432, ""),)),
        changed(PG, hosts=[Host("db.example.com", 5432)]),
        changed(PG, {"sslmode": "bogus"}),
        changed(PG, {"sslmode": ""}),
        changed(PG, {"sslkeylogfile": "/keys"}),
        changed(PG, {"service": "other"}),
        changed(PG, {"host": "evil.example.com"}),
        changed(PG, {"hostaddr": "203.0.113.9"}),
        changed(PG, {"password": "x"}),
        changed(PG, {"ssl_cert_reqs": "none"}),
        changed(PG, {"ssl_min_protocol_version": "TLSv1"}),
        changed(PG, {"require_auth": "bogus"}),
        changed(PG, {"application_name": 1}),
        replace(parse(PG), parameters={"sslmode": "require"}),
        changed(PG, foreign=Parameters({"sslmode": "disable"})),
        changed(PG, foreign=Parameters({"host": "evil.example.com"})),
        changed(PG, user=""),
        changed(PG, user="app\0"),
        changed(PG, dbname="x" * 70),
        changed(PG, password="p"),
        changed(PG, password=Secret("p\0")),
        changed(PG, family="postgres"),
        changed(PG, family="redis"),
        changed(REDIS, family="postgresql"),
        changed(REDIS, **hosts(Host("a.example.com,b.example.com", 6379))),
        changed(REDIS, **hosts(Host("a.example.com", 6379), Host("b.example.com", 6379))),
        changed(REDIS, **hosts(Host("a.example.com", 6379, "203.0.113.9"))),
        changed(REDIS, **hosts(Host("a.example.com", 0))),
        changed("unix:///run/redis.sock", **hosts(Host("/run/redis.sock,/run/other.sock", 0))),
        changed("unix:///run/redis.sock", **hosts(Host("/run/redis.sock", 0, "203.0.113.9"))),
        changed(REDIS, {"sslmode": "bogus"}),
        changed(REDIS, {"sslmode": "allow"}),
        changed(REDIS, {"sslkeylogfile": "/keys"}),
        changed(REDIS, {"host": "evil.example.com"}),
        changed(REDIS, {"master_name": "other"}),
        changed(REDIS, dbname="0?ssl_cert_reqs=none"),
        changed(REDIS, dbname="0?ssl_check_hostname=false&ssl_ca_certs=/other"),
        changed(REDIS, dbname="1/2"),
        changed(REDIS, dbname=""),
        changed(REDIS, dbname="-1"),
        changed(REDIS, dbname="\u0661"),
        changed(REDIS, dbname="00"),
        changed(REDIS, {"socket_timeout": "soon"}),
        changed(REDIS, {"health_check_interval": "1.5"}),
        changed(REDIS, {"decode_responses": "yes"}),
        changed(REDIS, {"protocol": "4"}),
        changed(SENTINEL, dbname="mine"),
        changed(SENTINEL, {"min_other_sentinels": "x"}),
        changed(AMQP, {"heartbeat": "often"}),
        changed(MYSQL, {"connect_timeout": "x"}),
        changed("sqlite:///app.db", {"timeout": "x"}),
        changed(SENTINEL, **hosts(Host("one.example.com,two.example.com", 26379))),
        changed(SENTINEL, **hosts(Host("one.example.com", 26379), Host("a/b", 26379))),
        changed(AMQP, **hosts(Host("a.example.com/evil", 5671))),
        changed(AMQP, {"sslmode": "verify"}),
        changed(AMQP, {"unknown": "x"}),
        changed(MYSQL, **hosts(Host("a.example.com@evil.com", 3306))),
        changed(MYSQL, {"init_command": "x"}),
        changed("sqlite:///app.db", **hosts(Host("db.example.com", 5432))),
        changed("sqlite:///app.db", **hosts(Host("@other.db", 0))),
        changed("sqlite:///app.db", {"sslmode": "disable"}),
        changed("sqlite:///app.db", dbname=""),
        changed("sqlite:///app.db", dbname="app.db\0"),
        changed(SENTINEL, **hosts()),
        changed(MYSQL, hosts=[Host("db.example.com", 3306)]),
        changed(MYSQL, foreign={"reconnect": "true"}),
        changed(MYSQL, foreign=Parameters({"reconnect": "\0"})),
        changed(MYSQL, {"reconnect": "true"}),
        changed("unix:///run/redis.sock", **hosts(Host("/run/redis.sock", -1))),
        changed(PG, {"host": "db.example.com"}),
        changed(PG, foreign=Parameters({"host": "db.example.com"})),
    ],
)
def test_what_no_text_says_is_refused(connection: Connection) -> None:
    with pytest.raises(ConfigurationError) as caught:
        secure(connection)
    assert "evil" not in str(caught.value)


def test_an_address_that_was_added_is_judged() -> None:
    """As if a text had named it: the waiver of the name does not cover it, and it is not local."""
    connection = changed(
        "postgresql://app:p@localhost/app?sslmode=disable", **hosts(Host("localhost", 5432, "203.0.113.9"))
    )
    with pytest.raises(ConfigurationError) as caught:
        secure(connection, Policy(waive=["localhost"]))
    assert [problem.code for problem in caught.value.problems] == ["tls-disabled"]


@pytest.mark.parametrize("source", [None, 1, b"x", (), vars, object.__new__(Services)])
def test_nothing_else_is_taken(source: Any) -> None:
    with pytest.raises(TypeError):
        secure(source)


@pytest.mark.parametrize("policy", [{}, "verify-full", (), object(), type("Policy", (Policy,), {})(waive=["x"])])
def test_only_a_policy_is_one(policy: Any) -> None:
    with pytest.raises(TypeError):
        secure(PG, policy)


def test_a_policy_without_its_constructor() -> None:
    with pytest.raises((TypeError, AttributeError)):
        secure(PG, object.__new__(Policy))
