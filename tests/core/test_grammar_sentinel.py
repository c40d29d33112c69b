"""Lists of Redis Sentinels: the two spellings of the field, and what is refused of both."""

from __future__ import annotations

import pytest
from kombu.utils.url import url_to_parts

from envconn.connection import Connection, Host, Origin, Secret
from envconn.grammar import read
from envconn.grammar.redis import is_master
from leaks import MARKER


def outcome(text: str) -> object:
    return read(Secret(text.replace("¤", MARKER)), Origin("REDIS_URL"))


def accepted(text: str) -> Connection:
    found = outcome(text)
    assert isinstance(found, Connection), found
    return found


def test_all_parts() -> None:
    found = accepted(
        "rediss+sentinel://us%20er:p%40ss@s1.example.com:26380,[::1],10.0.0.7/my.master-1/3"
        "?ssl_ca_certs=/ca.pem&sentinel_username=watch&sentinel_password=p%26w&min_other_sentinels=1&socket_timeout=2.5"
    )
    assert (found.family, found.scheme) == ("sentinel", "rediss+sentinel")
    assert found.hosts == (Host("s1.example.com", 26380), Host("::1", 26379), Host("10.0.0.7", 26379))
    assert (found.user, found.password, found.dbname) == ("us er", Secret("p@ss"), "3")
    assert {**found.parameters} == {
        "sslrootcert": "/ca.pem",
        "sentinel_username": "watch",
        "sentinel_password": "p&w",
        "min_other_sentinels": "1",
        "socket_timeout": "2.5",
        "master_name": "my.master-1",
    }
    assert "p&w" not in repr(found)


@pytest.mark.parametrize(
    ("text", "master", "number"),
    [
        ("redis+sentinel://h/m", "m", "0"),
        ("redis+sentinel://h/m/", "m", "0"),
        ("redis+sentinel://h/m/7", "m", "7"),
        ("redis+sentinel://h/m?db=7", "m", "7"),
        ("redis+sentinel://h/m%2D1/7?db=7", "m-1", "7"),
        ("redis+sentinel://h/m?master_name=m", "m", "0"),
        ("redis+sentinel://h/7?master_name=m", "m", "7"),
        ("redis+sentinel://h/?service_name=m", "m", "0"),
        ("redis+sentinel://h?service_name=m&db=7", "m", "7"),
        ("redis+sentinel://h", None, "0"),
        ("sentinel://h", None, "0"),
        ("sentinel://h/7", None, "7"),
        ("sentinel://h/7?master_name=m", "m", "7"),
        ("sentinel://h:1/7?master_name=m;sentinel://h:2", "m", "7"),
        ("sentinel://h:1/7?master_name=m;sentinel://h:2/7?master_name=m", "m", "7"),
    ],
)
def test_master_and_database(text: str, master: str | None, number: str) -> None:
    found = accepted(text)
    assert (found.parameters.get("master_name"), found.dbname) == (master, number)


@pytest.mark.parametrize(
    ("scheme", "parameters"),
    [
        ("sentinel", {"sslmode": "disable", "master_name": "m"}),
        ("redis+sentinel", {"sslmode": "disable", "master_name": "m"}),
        ("rediss+sentinel", {"master_name": "m"}),
    ],
)
def test_schemes(scheme: str, parameters: dict[str, str]) -> None:
    assert {**accepted(f"{scheme}://:p@h?master_name=m").parameters} == parameters


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("ssl_cert_reqs=none", {"sslmode": "require"}),
        ("ssl_check_hostname=false&ssl_ca_certs=/ca", {"sslmode": "verify-ca", "sslrootcert": "/ca"}),
        ("ssl_certfile=/c&ssl_keyfile=/k", {"sslcert": "/c", "sslkey": "/k"}),
    ],
)
def test_tls_words(query: str, parameters: dict[str, str]) -> None:
    """Those of `redis`."""
    assert {**accepted(f"rediss+sentinel://h/m?{query}").parameters} == {**parameters, "master_name": "m"}


@pytest.mark.parametrize(
    "text",
    [
        "sentinel://:p%40w@h1:26379/2;sentinel://h2:26380",
        "sentinel://:p%3Bw@h1/2;sentinel://:p%3Bw@h2/2;sentinel://h3:1",
        "sentinel://u:p@[::1]:7",
        "sentinel://h1;sentinel://h2;sentinel://h3",
    ],
)
def test_kombu_reads_the_same(text: str) -> None:
    """Its first member says who asks, and for which database; each of them is a sentinel."""
    found, (first, *others) = accepted(text), map(url_to_parts, text.split(";"))
    assert (found.user or None, found.password) == (first.username, first.password and Secret(first.password))
    assert found.dbname == (first.path or "0")
    assert [(host.host, host.port) for host in found.hosts] == [
        (each.hostname, each.port or 26379) for each in (first, *others)
    ]


REFUSED = [
    # The list.
    ("sentinel://:¤@h1;sentinel://:other@h2", "sentinel-list"),
    ("sentinel://h1;sentinel://:¤@h2", "sentinel-list"),
    ("sentinel://:¤@h1;sentinel://u:¤@h2", "sentinel-list"),
    ("sentinel://h1;sentinel://h2/1", "sentinel-list"),
    ("sentinel://h1/0;sentinel://h2/1", "sentinel-list"),
    ("sentinel://h1;sentinel://h2?master_name=m", "sentinel-list"),
    ("sentinel://h1,h2/0", "sentinel-list"),
    ("sentinel://:a;¤@h", "semicolon-unencoded"),
    ("sentinel://:¤@h1;h2", "semicolon-unencoded"),
    ("sentinel://:¤@h1;redis://h2", "semicolon-unencoded"),
    ("sentinel://:¤@h1;;sentinel://h2", "semicolon-unencoded"),
    ("sentinel://:¤@h1;", "semicolon-unencoded"),
    ("redis+sentinel://:¤@h1;redis+sentinel://h2", "semicolon-unencoded"),
    ("rediss+sentinel://:¤@h1;h2/m", "semicolon-unencoded"),
    ("redis+sentinel://:¤@h1,,h2/m", "host-missing"),
    ("redis+sentinel://:¤@h1,/m", "host-missing"),
    ("redis+sentinel://:¤@/m", "host-missing"),
    ("redis+sentinel://:¤@h1:26379:1,h2/m", "port-invalid"),
    ("redis+sentinel://:¤@https://h/m", "host-invalid"),
    ("redis+sentinel://:¤@h1:0,h2/m", "port-range"),
    ("redis+sentinel://:¤@h1,[::1/m", "host-brackets"),
    ("sentinel://:¤@h1;sentinel://h_ö", "host-not-ascii"),
    # Who asks.
    ("redis+sentinel://¤@h/m", "password-missing"),
    ("sentinel://¤@h", "password-missing"),
    ("redis+sentinel://:a@¤@h/m", "at-unencoded"),
    ("sentinel://:p@h1;sentinel://:a@¤@h2", "at-unencoded"),
    ("redis+sentinel://:a/¤@h/m", "slash-unencoded"),
    ("redis+sentinel://:a%zz¤@h/m", "percent-unencoded"),
    ("redis+sentinel://h/m?password=¤", "parameter-refused"),
    ("redis+sentinel://h/m?sentinel_password=", "value-empty"),
    ("redis+sentinel://h/m?sentinel_password=a&¤=1", "parameter-unknown"),
    # The master.
    ("redis+sentinel://:¤@h/0", "sentinel-master"),
    ("redis+sentinel://:¤@h/0/m", "sentinel-master"),
    ("redis+sentinel://:¤@h/m?master_name=x", "sentinel-master"),
    ("redis+sentinel://:¤@h/m%20m", "sentinel-master"),
    ("redis+sentinel://:¤@h?master_name=m/0", "sentinel-master"),
    ("redis+sentinel://:¤@h/m%C3%A9", "sentinel-master"),
    ("redis+sentinel://:¤@h/m%zz", "percent-unencoded"),
    ("redis+sentinel://:¤@h?master_name=m&service_name=m", "parameter-duplicate"),
    ("redis+sentinel://:¤@h?master=m", "parameter-refused"),
    ("redis+sentinel://:¤@h/0?sentinelMasterId=m", "parameter-refused"),
    ("redis+sentinel://:¤@h/0?sentinelService=m", "parameter-refused"),
    ("redis+sentinel://:¤@h/0?sentinel_master_name=m", "parameter-refused"),
    # The database.
    ("redis+sentinel://:¤@h/m/x", "dbname-invalid"),
    ("redis+sentinel://:¤@h/m/1/2", "dbname-invalid"),
    ("sentinel://:¤@h/m", "dbname-invalid"),
    ("redis+sentinel://:¤@h/m/1?db=2", "dbname-contradicts"),
    # TLS, and the rest of the query.
    ("sentinel://:¤@h?ssl_cert_reqs=required", "tls-scheme"),
    ("redis+sentinel://:¤@h/m?ssl_ca_certs=/ca", "tls-scheme"),
    ("rediss+sentinel://:¤@h/m?ssl_cert_reqs=none&ssl_ca_certs=/ca", "tls-contradicts"),
    ("rediss+sentinel://:¤@h/m?ssl_cert_reqs=optional", "sslmode-unknown"),
    ("rediss+sentinel://:¤@h/m?virtual_host=2", "parameter-unknown"),
    ("rediss+sentinel://:¤@h/m?min_other_sentinels=-1", "number-invalid"),
    # Schemes.
    ("sentinels://:¤@h", "scheme-unknown"),
    ("redis-sentinel://:¤@h/m", "scheme-unknown"),
    ("SENTINEL://:¤@h", "scheme-case"),
]


@pytest.mark.parametrize(("text", "code"), REFUSED)
def test_refused(text: str, code: str) -> None:
    problems = outcome(text)
    assert isinstance(problems, tuple), problems
    assert code in {problem.code for problem in problems}
    for problem in problems:
        assert MARKER.lower() not in str(problem).lower()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sentinel://:p@h1;sentinel://:a@b@h2", 'second raw "@" in the host at character 33'),
        ("sentinel://:p@h1;sentinel://:%zz@h2", 'raw "%" at character 30 in the password'),
        ("sentinel://:p@h1;h2", 'the ";" at character 17 is not followed by sentinel://'),
        ("sentinel://h?ssl_ca_certs=/ca", "Use rediss+sentinel://h1,h2/master, or remove them"),
        ("sentinel://h1;sentinel://h2/1", "has another database than the first"),
    ],
)
def test_messages(text: str, message: str) -> None:
    problems = outcome(text)
    assert isinstance(problems, tuple)
    assert any(message in problem.message for problem in problems), problems


@pytest.mark.parametrize(("name", "good"), [("mymaster", True), ("a.b-c_1", True), ("", False), ("a b", False)])
def test_names(name: str, *, good: bool) -> None:
    assert is_master(name) is good
