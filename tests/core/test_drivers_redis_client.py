"""``redis.Redis(**client())``, and the context for those who bring a connection class."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
import redis

from envconn import ConfigurationError, parse, secure
from envconn.drivers.redis import arguments, client, context, health_check_seconds, url

if TYPE_CHECKING:
    from throwaway.certificates import Certificates

SCALINGO = "rediss://abc:p%40w@abc.redis.a.osc-fr1.scalingo-dbs.com:36000/2?ssl_ca_certs={ca}"


def test_complete(certificates: Certificates) -> None:
    found = client(secure(parse(SCALINGO.format(ca=certificates.ca))))
    assert found == {
        "host": "abc.redis.a.osc-fr1.scalingo-dbs.com",
        "port": 36000,
        "db": 2,
        "ssl": True,
        "username": "abc",
        "password": "p@w",
        "health_check_interval": 120,
        "ssl_cert_reqs": "required",
        "ssl_check_hostname": True,
        "ssl_ca_certs": str(certificates.ca),
    }
    assert redis.Redis(**found).get_connection_kwargs()["db"] == 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("redis://localhost", {"host": "localhost", "port": 6379, "db": 0, "ssl": False}),
        ("unix:///run/redis.sock?db=3", {"unix_socket_path": "/run/redis.sock", "db": 3, "ssl": False}),
        (
            "rediss://h?ssl_cert_reqs=none&health_check_interval=9&socket_timeout=1.5&retry_on_timeout=true",
            {
                "host": "h",
                "port": 6379,
                "db": 0,
                "ssl": True,
                "ssl_cert_reqs": "none",
                "ssl_check_hostname": False,
                "health_check_interval": 9,
                "socket_timeout": 1.5,
                "retry_on_timeout": True,
            },
        ),
    ],
)
def test_places(text: str, found: dict[str, object]) -> None:
    assert client(secure(parse(text))) == found


def test_urls_without_secrets() -> None:
    assert url(secure(parse("rediss://:secret@h"))) == "rediss://h:6379/0"
    assert url(secure(parse("unix:///run/redis.sock?db=3"))) == "unix:///run/redis.sock?db=3"
    assert health_check_seconds(secure(parse("redis://localhost"))) is None


def test_a_chain_without_a_name_is_nothing_beside_public_cas(certificates: Certificates) -> None:
    connection = secure(parse(f"rediss://h?ssl_ca_certs={certificates.ca}&ssl_check_hostname=false"))
    assert arguments(connection)["ssl_check_hostname"] is False
    with pytest.raises(ConfigurationError, match="cannot be enforced"):
        client(connection)


def test_refused() -> None:
    with pytest.raises(ConfigurationError, match="requires a redis one"):
        client(secure(parse("amqps://h")))
    with pytest.raises(TypeError):
        client(parse("rediss://h"))  # type: ignore[arg-type]


def test_context(certificates: Certificates) -> None:
    pair = certificates.good
    files = {"ssl_ca_certs": str(certificates.ca), "ssl_certfile": str(pair.chain), "ssl_keyfile": str(pair.key)}
    made = context({"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": False, **files})
    assert (made.verify_mode, made.check_hostname) == (ssl.CERT_REQUIRED, False)
    assert made.cert_store_stats()["x509"] == 1
    nothing = context({})
    assert (nothing.verify_mode, nothing.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert nothing.cert_store_stats()["x509"] == 0
    assert context({"ssl_cert_reqs": "none", "ssl_check_hostname": False}).verify_mode == ssl.CERT_NONE
    assert context({"ssl_cert_reqs": ssl.CERT_NONE, "ssl_check_hostname": False}).verify_mode == ssl.CERT_NONE
    for else_ in ("optional", ssl.CERT_OPTIONAL, None):
        assert context({"ssl_cert_reqs": else_}).verify_mode == ssl.CERT_REQUIRED
    with pytest.raises(ValueError, match="check_hostname"):
        context({"ssl_cert_reqs": "none"})
