"""redis-py, kombu and SQLAlchemy say what a text means: thousands of texts, and no third meaning.

What we accept, the client of the family accepts, and finds the same host, port, user, password and
database in it. What a client accepts and we refuse is listed in the headers of `envconn.grammar`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import pytest

from drawing import TIMES, generator
from envconn.connection import Connection, Origin, Secret
from envconn.grammar import read

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

redis_connection = pytest.importorskip("redis.connection")
kombu_url = pytest.importorskip("kombu.utils.url")
kombu = pytest.importorskip("kombu")
sqlalchemy = pytest.importorskip("sqlalchemy")

ORIGIN = Origin("SERVICE_URL")
TEXTS = 750 * TIMES


class Meaning(NamedTuple):
    """Host, user and database. Host names are in lower case, as urllib leaves them."""

    host: str | None
    port: int
    user: str
    password: str
    database: str


def ours(text: str) -> Connection | None:
    outcome = read(Secret(text), ORIGIN)
    if isinstance(outcome, Connection):
        return outcome
    assert outcome, "a refusal without a problem"
    return None


def flat(connection: Connection) -> Meaning:
    host, password = connection.hosts[0], connection.password
    return Meaning(
        host.host.lower(), host.port, connection.user, password.reveal() if password else "", connection.dbname
    )


def to_redis_py(text: str) -> Meaning:
    known = {"valkey": "redis", "valkeys": "rediss"}
    scheme, _, rest = text.partition("://")
    read_by = redis_connection.parse_url(f"{known.get(scheme, scheme)}://{rest}")
    return Meaning(
        read_by.get("host", read_by.get("path", "")).lower(),
        read_by.get("port", 0 if "path" in read_by else 6379),
        read_by.get("username", ""),
        read_by.get("password", ""),
        str(read_by.get("db", 0)),
    )


def to_kombu(text: str) -> Meaning:
    parts = kombu_url.url_to_parts(text)
    # The class behind Celery's broker splits lists and applies defaults; TLS words are not its own.
    connection = kombu.Connection(text.partition("?")[0])
    assert not connection.alt, "kombu sees a list"
    assert (connection.userid, connection.password) == (parts.username, parts.password)
    port = parts.port or (5671 if parts.scheme == "amqps" else 5672)
    return Meaning(parts.hostname, port, parts.username or "", parts.password or "", connection.virtual_host)


def to_sqlalchemy(text: str) -> Meaning:
    url = sqlalchemy.make_url(text)
    return Meaning((url.host or "").lower(), url.port or 3306, url.username or "", url.password or "", url.database)


def to_sqlalchemy_file(text: str) -> Meaning:
    url = sqlalchemy.make_url(text)
    assert (url.host, url.port, url.username, url.password) == (None, None, None, None)
    return Meaning("", 0, "", "", url.database or ":memory:")


# Pieces. Most are good, so that a text of eight of them still has a chance.

ODD = [*":/?#[]@!$&'()*+,;=% \\\"|<>^`{}~.-_", "\t", "\u00a0", "\u2028", "é", "雪", "℀", "\uff20", "ﬁ", "a", "1", "0"]
ESCAPES = ["%20", "%40", "%2F", "%3a", "%25", "%C3%A9", "%E9", "%00", "%0A", "%2C", "%", "%2", "%zz", "%3B", "%2B"]
NAMES = ["app", "u", "odd%20us%40r", "münch", "a+b", "$x", "x.y-z", "雪", "o'neil", "back\\slash", '"q"', "x=y", "%25"]
HOSTS = ["h", "db.example.com", "DB-1.Example.COM", "10.0.0.1", "[::1]", "[::ffff:1.2.3.4]", "localhost", "my_db"]
BAD_HOSTS = ["", "%68ost", "a,b", "::1", "[::1", "[h]", "127.1", "é.example", "[fe80::1%25eth0]", "[v1.x]", "h[1]"]
PORTS = ["", "", ":", ":6379", ":1", ":65535", ":06379", ":0", ":65536", ":5x", ":+1", ":1_0", ":٣"]
PASSWORDS = ["", ":", ":secret", ":p%40ss", ":a+b", ":12345", ":x:y", ":100%25", ":p@ss", ":1/2", ":1#2", ":1?2"]
PASSWORDS += [":a;b", ":a[b", ":a[b]c", ":]", ":p|w", ":é", ":%C3%A9", ":a&b=c", ":%5B%3B", ":{}", ":\\", ":℀"]


def pieces(pick: random.Random) -> str:
    return "".join(pick.choice(pick.choice([NAMES, ODD, ESCAPES])) for _ in range(pick.randrange(4)))


def authority(pick: random.Random) -> str:
    host = pick.choice(BAD_HOSTS if pick.random() < 0.1 else HOSTS)
    host += pick.choice(PORTS if pick.random() < 0.3 else ["", ":6380"])
    if pick.random() < 0.1:
        return host
    if pick.random() < 0.5:
        return f"{pick.choice(NAMES)}:{pick.choice(NAMES)}@{host}"
    odd = pick.random() < 0.4
    return pick.choice(["", *NAMES]) + (f":{pieces(pick)}" if odd else pick.choice(PASSWORDS)) + f"@{host}"


def query(pick: random.Random, parameters: list[str]) -> str:
    chosen = pick.choices(parameters, k=pick.choice([0, 0, 1, 1, 2, 3]))
    return f"?{'&'.join(chosen)}" if chosen else pick.choice(["", "", "?"])


REDIS_PATHS = [
    "",
    "/",
    "/0",
    "/3",
    "/15",
    "/007",
    "/x",
    "/1/2",
    "/-1",
    "/%31",
    "/1_0",
    "/ 1",
    "/0/",
    "//1",
    "/٣",
    "/0#f",
]
REDIS_PARAMETERS = ["db=3", "db=0", "db=x", "socket_timeout=5", "socket_timeout=2.5", "client_name=a%20b", "protocol=3"]
REDIS_PARAMETERS += ["client_name=a+b", "ssl_cert_reqs=none", "foo=1", "db=", "db", "", "health_check_interval=30"]
VHOSTS = ["", "/", "//", "/v", "/%2F", "/a%2Fb", "/a/b", "///", "/é", "/a%20b", "/v;w", "/v%3Bw", "/+", "/%E9", "/v#f"]
AMQP_PARAMETERS = ["heartbeat=5", "verify=verify_none", "cacertfile=/ca.pem", "channel_max=9", "foo=1", "heartbeat="]
DBNAMES = ["/d", "/app", "/a%20b", "/é", "", "/", "/a/b", "//d", "/d#f", "/d%3Fx", "/a+b", "/d;e", "/%E9", "/x@y"]
MYSQL_PARAMETERS = [
    "charset=utf8mb4",
    "ssl-mode=REQUIRED",
    "ssl_ca=/ca.pem",
    "foo=1",
    "useSSL=true",
    "connect_timeout=5",
]
FILES = [
    "",
    "/",
    "/:memory:",
    "/x.db",
    "//x.db",
    "//a/b%20c.db",
    "/é.db",
    "/a@b",
    "/a:b",
    "/a;b",
    "/x#y",
    "/a+b",
    "/%3F",
]
FILES += ["x.db", "h/x.db", "u:p@h/x.db", "/C:\\x.db", "//", "/file:x", "/%E9", "/a[b]", "/a b.db", "/%00", "///x"]


def redis_text(pick: random.Random) -> str:
    if pick.random() < 0.15:
        path = pick.choice(["/run/r.sock", "/r%20s", "/", "", "run/r.sock", "/a;b", "/a@b"])
        return f"unix://{pick.choice(['', ':pw@', 'u:p@', 'u@'])}{path}{query(pick, REDIS_PARAMETERS)}"
    scheme = pick.choice(["redis", "rediss", "valkey", "valkeys"])
    return f"{scheme}://{authority(pick)}{pick.choice(REDIS_PATHS)}{query(pick, REDIS_PARAMETERS)}"


def amqp_text(pick: random.Random) -> str:
    scheme = pick.choice(["amqp", "amqps", "pyamqp"])
    return f"{scheme}://{authority(pick)}{pick.choice(VHOSTS)}{query(pick, AMQP_PARAMETERS)}"


def mysql_text(pick: random.Random) -> str:
    scheme = pick.choice(["mysql", "mysql+pymysql", "mysql+mysqldb", "mariadb"])
    return f"{scheme}://{authority(pick)}{pick.choice(DBNAMES)}{query(pick, MYSQL_PARAMETERS)}"


def sqlite_text(pick: random.Random) -> str:
    path = pick.choice(FILES) + (pieces(pick) if pick.random() < 0.3 else "")
    return f"sqlite://{path}{query(pick, ['timeout=5', 'mode=ro', 'timeout=', 'check_same_thread=false'])}"


FAMILIES = [
    pytest.param(redis_text, to_redis_py, id="redis"),
    pytest.param(amqp_text, to_kombu, id="amqp"),
    pytest.param(mysql_text, to_sqlalchemy, id="mysql"),
    pytest.param(sqlite_text, to_sqlalchemy_file, id="sqlite"),
]


@pytest.mark.parametrize(("draw", "theirs"), FAMILIES)
def test_same_meaning_or_refused(draw: Callable[[random.Random], str], theirs: Callable[[str], Meaning]) -> None:
    """The client finds in a text what we find in it. Both outcomes occur often enough to mean something."""
    pick = generator(draw.__name__)
    outcomes: Counter[bool] = Counter()
    for _ in range(TEXTS):
        text = draw(pick)
        connection = ours(text)
        if connection is not None:
            assert flat(connection) == theirs(text.strip(" ")), text
        outcomes[connection is not None] += 1
    assert min(outcomes[True], outcomes[False]) > TEXTS / 12, outcomes


@pytest.mark.parametrize(
    ("shape", "theirs"),
    [
        ("rediss://{user}:{password}@h:6380/7", to_redis_py),
        ("amqps://{user}:{password}@h/{user}", to_kombu),
        ("mysql://{user}:{password}@h/d", to_sqlalchemy),
    ],
)
def test_every_password_survives_percent_encoding(shape: str, theirs: Callable[[str], Meaning]) -> None:
    """User and password of any characters, once encoded, come out as they went in, there and here."""
    pick = generator("passwords")
    for _ in range(250 * TIMES):
        user, password = ("".join(pick.choices([*map(chr, range(33, 127)), *"é雪 ℀😀"], k=8)) for _ in range(2))
        text = shape.format(user=quote(user, safe=""), password=quote(password, safe=""))
        connection = ours(text)
        assert connection is not None, text
        assert flat(connection) == theirs(text)
        assert (connection.user, connection.password) == (user, Secret(password))


def test_clients_know_what_is_passed_on() -> None:
    """Each argument that a Redis URI may hand on is one that redis-py's connections or pools take."""
    values = {"socket_timeout": "5", "retry_on_timeout": "true", "health_check_interval": "30", "protocol": "3"}
    values |= {"socket_connect_timeout": "2.5", "socket_keepalive": "true", "client_name": "x", "encoding": "utf-8"}
    values |= {"socket_read_size": "65536", "max_connections": "9", "decode_responses": "true"}
    text = "redis://h/1?" + "&".join(f"{name}={value}" for name, value in values.items())
    connection = ours(text)
    assert connection is not None
    assert {**connection.parameters} == {**values, "sslmode": "disable"}
    pool = redis_connection.ConnectionPool.from_url(text)
    assert pool.make_connection().db == 1
