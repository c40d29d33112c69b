"""``uri()`` of what is not PostgreSQL: read back by our own grammars, and by the clients of each family."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
from kombu.utils.url import parse_url as kombu_reads
from redis.connection import parse_url as redis_reads
from sqlalchemy import make_url

from envconn import Policy, TlsLevel, parse, secure

if TYPE_CHECKING:
    from envconn import SecuredConnection
    from throwaway.certificates import Certificates

NASTY = "p@s:/?#[]!$&'()*+,;=% é\"\\"
USER, SECRET = "u%40ser", "p%40s%3A%2F%3F%23%5B%5D%21%24%26%27%28%29%2A%2B%2C%3B%3D%25%20%C3%A9%22%5C"
PLACE = f"{USER}:{SECRET}@db.example.com"
VERIFY_CA = Policy(tls="verify-ca")

TEXTS = {
    f"rediss://{PLACE}:7000/3?ssl_ca_certs={{ca}}": "verify-full",
    f"valkeys://{PLACE}/3?ssl_ca_certs={{ca}}&ssl_check_hostname=false": "verify-ca",
    "rediss://:secret@[fd00::1]?ssl_cert_reqs=none&client_name=a%26b&db=2": "encrypted",
    "rediss://db.example.com": "verify-full",
    "redis://localhost:7000/1": "none",
    "unix:///run/my%20redis.sock?db=4": "none",
    "redis+socket://:secret@/run/redis.sock": "none",
    f"rediss+sentinel://{PLACE}:7000,[::1]/my-master/3?ssl_ca_certs={{ca}}&sentinel_password=a%26b": "verify-full",
    "rediss+sentinel://h1,h2/m?ssl_cert_reqs=none&min_other_sentinels=1": "encrypted",
    "sentinel://:secret@localhost/3?master_name=m;sentinel://127.0.0.1": "none",
    f"amqps://{PLACE}/%2Fa%20b?cacertfile={{ca}}&heartbeat=5": "verify-full",
    f"amqps://{PLACE}:5/?verify=verify_none": "encrypted",
    "amqp://localhost": "none",
    f"mysql://{PLACE}/app?ssl-mode=VERIFY_IDENTITY&ssl-ca={{ca}}&charset=utf8mb4": "verify-full",
    f"mysql://{PLACE}:3307/app?ssl-ca={{ca}}": "verify-ca",
    f"mysql://{PLACE}/app": "encrypted",
    "mysql://u:p@127.0.0.1/app": "opportunistic",
    "mysql://u:p@/app?unix_socket=/run/my%20sql.sock": "none",
    "sqlite:///my%20file.db?timeout=5": "none",
    "sqlite:////srv/a%25b.db": "none",
    "sqlite://": "none",
}


def meaning(connection: SecuredConnection) -> tuple[object, ...]:
    return (
        connection.family,
        connection.hosts,
        connection.user,
        connection.password,
        connection.dbname,
        connection.tls.level,
    )


@pytest.mark.parametrize(("text", "level"), TEXTS.items(), ids=lambda value: value.partition("://")[0])
def test_our_own_grammar_reads_it_back(certificates: Certificates, text: str, level: str) -> None:
    first = secure(parse(text.format(ca=certificates.ca)))
    again = secure(parse(first.uri().reveal()))
    assert str(first.tls.level) == level
    assert meaning(again) == meaning(first)
    assert again.uri().reveal() == first.uri().reveal()
    stated = {name: value for name, value in first.parameters.items() if not name.startswith("ssl")}
    assert stated.items() <= dict(again.parameters).items()


@pytest.mark.parametrize(
    "text", [text for text in TEXTS if text.startswith(("redis:", "rediss:", "redis+socket", "valkey", "unix"))]
)
def test_redis_py_reads_the_same(certificates: Certificates, text: str) -> None:
    connection = secure(parse(text.format(ca=certificates.ca)))
    read = redis_reads(connection.uri().reveal())  # type: ignore[no-untyped-call]
    assert read.get("path", read.get("host")) == connection.host
    assert read.get("port", 0) == connection.port
    assert read["db"] == int(connection.dbname)
    assert read.get("username", "") == connection.user
    assert read.get("password", "") == (connection.password.reveal() if connection.password else "")
    assert read.get("ssl_check_hostname") in (None, connection.tls.level == TlsLevel.VERIFY_FULL)


@pytest.mark.parametrize("text", [text for text in TEXTS if text.startswith(("redis:", "rediss:", "valkeys"))])
def test_kombu_reads_the_same(certificates: Certificates, text: str) -> None:
    connection = secure(parse(text.format(ca=certificates.ca)))
    read = kombu_reads(connection.uri().reveal())
    assert (read["hostname"], read["port"]) == (connection.host, connection.port)
    assert (read["userid"] or "", read["virtual_host"]) == (connection.user, connection.dbname)
    assert (read["password"] or "") == (connection.password.reveal() if connection.password else "")
    verified = {TlsLevel.NONE: None, TlsLevel.ENCRYPTED: 0}.get(connection.tls.level, 2)
    assert read.get("ssl", {}).get("ssl_cert_reqs") == verified


@pytest.mark.parametrize("text", [text for text in TEXTS if text.startswith(("mysql", "sqlite"))])
def test_sqlalchemy_reads_the_same(certificates: Certificates, text: str) -> None:
    connection = secure(parse(text.format(ca=certificates.ca)))
    read = make_url(connection.uri().reveal())
    assert (read.username or "", unquote(read.database or "")) == (connection.user, connection.dbname)
    assert (read.password or "") == (connection.password.reveal() if connection.password else "")
    assert read.query.get("unix_socket", read.host or "") == (connection.host if connection.family == "mysql" else "")


def test_credentials_arrive() -> None:
    connection = secure(parse(f"rediss://{PLACE}/3"))
    assert connection.password is not None
    assert (connection.user, connection.password.reveal()) == ("u@ser", NASTY)
    assert redis_reads(connection.uri().reveal())["password"] == NASTY  # type: ignore[no-untyped-call]


def test_client_certificate(certificates: Certificates) -> None:
    pair = certificates.good
    for family, cert, key in (("rediss", "ssl_certfile", "ssl_keyfile"), ("amqps", "certfile", "keyfile")):
        text = f"{family}://u:p@h/1?{cert}={pair.chain}&{key}={pair.key}"
        uri = secure(parse(text)).uri().reveal()
        assert f"{cert}={pair.chain}" in uri
        assert secure(parse(uri)).parameters["sslkey"] == str(pair.key)


def test_no_word_for_a_chain_without_a_name(certificates: Certificates) -> None:
    connection = secure(parse("amqps://u:p@h/1?verify=verify_none"), Policy(ca=str(certificates.ca), tls="verify-ca"))
    assert connection.tls.level == TlsLevel.VERIFY_CA
    assert secure(parse(connection.uri().reveal())).tls.level == TlsLevel.VERIFY_FULL
