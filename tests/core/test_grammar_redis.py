"""Redis URIs: what is accepted and as what, and the longer table of what is refused."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import pytest

import grammars
from envconn.connection import Connection, Host, Origin, Secret
from envconn.grammar import celery, read
from leaks import MARKER

accepted = partial(grammars.accepted, variable="REDIS_URL")
refused = partial(grammars.refused, variable="REDIS_URL")

# What must never be seen again once it was read.
VERIFIED = {"sslmode": "verify-full"}


def test_all_parts() -> None:
    """Every part arrives decoded, under libpq's names where they are about TLS."""
    connection = accepted("rediss://us%20er:p%40ss@Cache.Example.com:6380/3?ssl_ca_certs=/ca.pem&socket_timeout=2.5")
    assert (connection.family, connection.scheme) == ("redis", "rediss")
    assert connection.hosts == (Host("Cache.Example.com", 6380),)
    assert (connection.user, connection.password, connection.dbname) == ("us er", Secret("p@ss"), "3")
    assert {**connection.parameters} == {"sslrootcert": "/ca.pem", "socket_timeout": "2.5"}
    assert connection.origin == Origin("REDIS_URL")


@pytest.mark.parametrize(
    ("scheme", "parameters"),
    [
        ("redis", {"sslmode": "disable"}),
        ("valkey", {"sslmode": "disable"}),
        ("rediss", {}),
        ("valkeys", {}),
    ],
)
def test_schemes(scheme: str, parameters: dict[str, str]) -> None:
    """The scheme alone says whether there is TLS; with TLS, chain and name are verified."""
    connection = accepted(f"{scheme}://:p@h")
    assert (connection.family, connection.scheme, {**connection.parameters}) == ("redis", scheme, parameters)
    assert (connection.user, connection.hosts, connection.dbname) == ("", (Host("h", 6379),), "0")


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("ssl_cert_reqs=required", VERIFIED),
        ("ssl_cert_reqs=CERT_REQUIRED", VERIFIED),
        ("ssl_cert_reqs=none", {"sslmode": "require"}),
        ("ssl_cert_reqs=CERT_NONE", {"sslmode": "require"}),
        ("ssl_cert_reqs=none&ssl_check_hostname=false", {"sslmode": "require"}),
        ("ssl_check_hostname=True", VERIFIED),
        ("ssl_check_hostname=false", {"sslmode": "verify-ca"}),
        (
            "ssl_cert_reqs=required&ssl_check_hostname=False&ssl_ca_certs=/ca",
            {"sslmode": "verify-ca", "sslrootcert": "/ca"},
        ),
        ("ssl_ca_certs=/c%20a", {"sslrootcert": "/c a"}),
        (
            "ssl_certfile=/c&ssl_keyfile=/k&ssl_password=p%26w",
            {"sslcert": "/c", "sslkey": "/k", "sslpassword": "p&w"},
        ),
    ],
)
def test_tls_words(query: str, parameters: dict[str, str]) -> None:
    """The words of redis-py and kombu become libpq's."""
    assert {**accepted(f"rediss://:p@h/0?{query}").parameters} == parameters


@pytest.mark.parametrize(
    ("place", "number"),
    [
        ("h", "0"),
        ("h/", "0"),
        ("h/0", "0"),
        ("h/15", "15"),
        ("h/007", "7"),
        ("h/%31", "1"),
        ("h?db=2", "2"),
        ("h/?db=2", "2"),
        ("h/2?db=02", "2"),
        ("h?virtual_host=2", "2"),
        ("h?", "0"),
    ],
)
def test_databases(place: str, number: str) -> None:
    """The database is its number, from the path or the query."""
    assert accepted(f"redis://{place}").dbname == number


@pytest.mark.parametrize(
    ("text", "user", "password", "number"),
    [
        ("unix:///run/redis.sock", "", None, "0"),
        ("unix:///run/redis.sock?db=2", "", None, "2"),
        ("unix://:p@/run/redis.sock?db=2", "", Secret("p"), "2"),
        ("redis+socket://u:p@/run/redis.sock?virtual_host=2", "u", Secret("p"), "2"),
        ("unix:///run%2Fredis.sock", "", None, "0"),
    ],
)
def test_sockets(text: str, user: str, password: Secret | None, number: str) -> None:
    """A socket is a host whose name is a path; the number of the database is not in it."""
    connection = accepted(text)
    assert connection.hosts == (Host("/run/redis.sock", 0),)
    assert connection.hosts[0].is_socket
    assert (connection.user, connection.password, connection.dbname) == (user, password, number)
    assert {**connection.parameters} == {"sslmode": "disable"}


@pytest.mark.parametrize(
    ("place", "host"),
    [
        ("[::1]", Host("::1", 6379)),
        ("[::1]:1", Host("::1", 1)),
        ("10.0.0.1:06379", Host("10.0.0.1", 6379)),
        ("u:p@my_cache-1.", Host("my_cache-1.", 6379)),
    ],
)
def test_hosts(place: str, host: Host) -> None:
    assert accepted(f"rediss://{place}/0").hosts == (host,)


def test_semicolons() -> None:
    """Data to redis-py; kombu splits there, so they are refused in what Celery may read by itself."""
    text = f"redis://:a;b{MARKER}@h/1"
    assert accepted(text).password == Secret(f"a;b{MARKER}")
    for outcome in (read(Secret(text), Origin("X"), kombu=True), celery.read(Secret(text), Origin("X"))):
        assert not isinstance(outcome, Connection)
        assert [each.code for each in outcome] == ["semicolon-unencoded"]


REFUSED = [
    # What redis-py or kombu reads as something else.
    ("redis://:12/34¤@h", "slash-unencoded"),
    ("redis://:p#¤@h/1", "hash-unencoded"),
    ("redis://:p?¤@h/1", "question-unencoded"),
    ("redis://:p@¤@h/1", "at-unencoded"),
    ("redis://:¤@h1;redis://:¤@h2", "hosts-several"),
    ("redis://h1/0;redis://:¤@h2/0", "hosts-several"),
    ("rediss://:¤@h1/0;rediss://h2/0", "hosts-several"),
    ("redis://:¤@h1;amqp://h2", "hosts-several"),
    ("redis://:¤@h1;h2", "host-invalid"),
    ("redis://:¤@h/1;2", "dbname-invalid"),
    ("redis://h/1?client_name=a@¤", "at-unencoded"),
    ("redis://:p@h/1?client_name=¤@x", "at-unencoded"),
    ("redis://:p ¤@h/1", "space-unencoded"),
    ("redis://:¤@h/1#f", "hash-unencoded"),
    ("redis://:¤@h/1?client_name=a b", "space-unencoded"),
    ("redis://:p[¤@h", "bracket-unencoded"),
    ("redis://:p]¤@h", "bracket-unencoded"),
    ("redis://us[er:¤@h", "bracket-unencoded"),
    ("redis://:p℀¤@h", "character-unencoded"),
    ("redis://:%zz¤@h", "percent-unencoded"),
    ("redis://:%E9¤@h", "text-not-utf8"),
    ("redis://:%00¤@h", "text-nul"),
    ("redis://u%0A:¤@h", "control-character"),
    # Hosts and ports.
    ("redis://:¤@", "host-missing"),
    ("redis:///0?client_name=¤", "host-missing"),
    ("redis://:¤@:6379", "host-missing"),
    ("redis://:¤@h1:1,h2:2/0", "hosts-several"),
    ("redis://:¤@%68ost", "host-invalid"),
    ("redis://:¤@a..b", "host-invalid"),
    ("redis://:¤@https://h/0", "host-invalid"),
    ("rediss://:¤@http//h/0", "host-invalid"),
    ("redis://:¤@rediss://h/0", "host-invalid"),
    ("redis://:¤@127.1", "host-invalid"),
    ("redis://:¤@é.example", "host-not-ascii"),
    ("redis://:¤@::1", "port-invalid"),
    ("redis://:¤@h:", "port-invalid"),
    ("redis://u:¤", "port-invalid"),
    ("redis://:¤@h:x", "port-invalid"),
    ("redis://:¤@h:0", "port-range"),
    ("redis://:¤@h:65536", "port-range"),
    ("redis://:¤@[::1", "host-brackets"),
    ("redis://:¤@[::1]:", "host-brackets"),
    ("redis://:¤@[::1]6379", "host-brackets"),
    ("redis://:¤@[h]", "host-brackets"),
    ("redis://:¤@[:x:]", "host-brackets"),
    # Databases.
    ("redis://:¤@h/x", "dbname-invalid"),
    ("redis://:¤@h/1/2", "dbname-invalid"),
    ("redis://:¤@h/-1", "dbname-invalid"),
    ("redis://:¤@h/1_0", "dbname-invalid"),
    ("redis://:¤@h/%D9%A3", "dbname-invalid"),
    ("redis://:¤@h/2147483648", "dbname-invalid"),
    ("redis://:¤@h/99999999999", "dbname-invalid"),
    ("redis://:¤@h/%20", "dbname-invalid"),
    ("redis://:¤@h/%", "percent-unencoded"),
    ("redis://:¤@h/1?db=2", "dbname-contradicts"),
    ("redis://:¤@h/0?db=2", "dbname-contradicts"),
    ("redis://:¤@h?db=x", "number-invalid"),
    ("redis://:¤@h?db=1&virtual_host=1", "parameter-duplicate"),
    # TLS.
    ("redis://:¤@h?ssl_cert_reqs=required", "tls-scheme"),
    ("redis://:¤@h?ssl_ca_certs=/ca", "tls-scheme"),
    ("valkey://:¤@h?ssl_check_hostname=false", "tls-scheme"),
    ("redis://:¤@h?ssl_password=x", "tls-scheme"),
    ("unix://:¤@/s?ssl_cert_reqs=none", "tls-scheme"),
    ("rediss://:¤@h?ssl_cert_reqs=optional", "sslmode-unknown"),
    ("rediss://:¤@h?ssl_cert_reqs=CERT_OPTIONAL", "sslmode-unknown"),
    ("rediss://:¤@h?ssl_cert_reqs=Required", "sslmode-unknown"),
    ("rediss://:¤@h?ssl_cert_reqs=¤", "sslmode-unknown"),
    ("rediss://:¤@h?ssl_cert_reqs=", "value-empty"),
    ("rediss://:¤@h?ssl_check_hostname=0", "value-unknown"),
    ("rediss://:¤@h?ssl_cert_reqs=none&ssl_check_hostname=true", "tls-contradicts"),
    ("rediss://:¤@h?ssl_cert_reqs=none&ssl_ca_certs=/ca", "tls-contradicts"),
    ("rediss://:¤@h?ssl_cert_reqs=none&ssl_cert_reqs=required", "parameter-duplicate"),
    ("rediss://:¤@h?ssl_cert_reqs=¤&ssl_cert_reqs=required&ssl_cert_reqs=none", "parameter-duplicate"),
    ("rediss://:¤@h?ssl_ca_path=/certs", "parameter-refused"),
    ("rediss://:¤@h?ssl_ca_data=¤", "parameter-refused"),
    ("rediss://:¤@h?ssl_ciphers=NULL", "parameter-refused"),
    ("rediss://:¤@h?ssl_min_version=768", "parameter-refused"),
    ("rediss://:¤@h?sslmode=disable", "parameter-refused"),
    ("rediss://:¤@h?ssl=true", "parameter-refused"),
    # The rest of the query.
    ("redis://h?password=¤", "parameter-refused"),
    ("redis://h?username=¤", "parameter-refused"),
    ("redis://h?password=a&¤=1", "parameter-unknown"),
    ("rediss://h?ssl_password=a&¤=1", "parameter-unknown"),
    ("redis://:¤@h?foo=1", "parameter-unknown"),
    ("redis://:¤@h?SSL_CERT_REQS=none", "parameter-unknown"),
    ("redis://:¤@h?%64b=1", "parameter-unknown"),
    ("redis://:¤@h?db", "parameter-syntax"),
    ("redis://:¤@h?=1", "parameter-syntax"),
    ("redis://:¤@h?db=1&", "parameter-syntax"),
    ("redis://:¤@h?client_name=a+b", "plus-unencoded"),
    ("redis://:¤@h?client_name=%zz", "percent-unencoded"),
    ("redis://:¤@h?client_name=%0A", "control-character"),
    ("redis://:¤@h?socket_timeout=-1", "number-invalid"),
    ("redis://:¤@h?socket_timeout=1e3", "number-invalid"),
    ("redis://:¤@h?socket_timeout=5s", "number-invalid"),
    ("redis://:¤@h?health_check_interval=2.5", "number-invalid"),
    ("redis://:¤@h?protocol=1", "value-unknown"),
    ("redis://:¤@h?retry_on_timeout=1", "value-unknown"),
    ("redis://:¤@h?decode_responses=false", "value-unknown"),
    ("redis://:¤@h?credential_provider=os.system", "parameter-refused"),
    ("redis://:¤@h?retry_on_error=x", "parameter-refused"),
    # Sockets.
    ("unix://", "socket-path"),
    ("unix:///", "socket-path"),
    ("unix://:¤@run/redis.sock", "socket-path"),
    ("unix://:¤@/run/%E9", "text-not-utf8"),
    # Schemes.
    ("redis:h", "scheme-slashes"),
    ("REDIS://:¤@h", "scheme-case"),
    ("redis+ssl://:¤@h", "scheme-unknown"),
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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "redis://h?ssl_ca_certs=/ca",
            "the URI has TLS parameters, but its scheme means no TLS. Use rediss://, or remove them",
        ),
        (
            "valkey://h?ssl_ca_certs=/ca",
            "the URI has TLS parameters, but its scheme means no TLS. Use valkeys://, or remove them",
        ),
        ("unix:///s?ssl_ca_certs=/ca", "the URI has TLS parameters, but its scheme means no TLS. Remove them"),
        ("redis://h?sockettimeout=5", "sockettimeout is not a known parameter. Use socket_"),
        ("redis://h?foo=5", "foo is not a known parameter. Remove it"),
        ("redis://h?foo=5&bar=6", "the name of parameter 2 is unknown"),
        ("redis://:a@b@h", 'second raw "@" in the host at character 13'),
        ("redis://h /0", "white space in the host at character 10"),
        ("redis://h/0#", 'raw "#" in the path at character 12'),
        ("redis://h/0?x=#", 'raw "#" in the query at character 15'),
        ("redis://u#x:p@h", 'raw "#" in the user at character 10'),
        ("redis://h1,h2", "Name the primary, or its sentinels as rediss+sentinel://h1,h2/master"),
    ],
)
def test_messages(text: str, message: str) -> None:
    """A message says which part, and what to write instead."""
    assert any(message in problem.message for problem in refused(text)), refused(text)


def test_imported_when_needed() -> None:
    """A process that has no such URI does not load the grammar of it."""
    script = "import sys; before = {*sys.modules}; import envconn.grammar; print(*sys.modules.keys() - before)"
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    families = {
        f"envconn.grammar.{name}" for name in ("redis", "sentinel", "amqp", "mysql", "sqlite", "_uri", "_query")
    }
    assert not families & {*run.stdout.split()}
