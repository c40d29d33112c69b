"""redis-py's URL and arguments."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
import redis as redis_py

import envconn
from envconn.connection import Parameters
from envconn.drivers import redis
from envconn.records import replace
from envconn.tls.judge import judge
from envconn.tls.judged import Context
from envconn.tls.policy import combined

if TYPE_CHECKING:
    from throwaway.certificates import Certificates


def load(uri: str, variable: str = "CACHE_URL", **environ: str) -> envconn.SecuredConnection:
    services = envconn.load({variable: uri, **environ}, env_file=None)
    return services.get("cache") or services.database


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("rediss://:p@h.example.com", "rediss://h.example.com:6379/0"),
        ("valkeys://u:p@h.example.com:1/3", "rediss://h.example.com:1/3"),
        ("rediss://[2001:db8::1]:1/3", "rediss://[2001:db8::1]:1/3"),
        ("redis://localhost/1", "redis://localhost:6379/1"),
        ("unix:///run/a%20b.sock?db=2", "unix:///run/a%20b.sock?db=2"),
    ],
)
def test_url(text: str, url: str) -> None:
    judged = load(text)
    assert redis.url(judged) == url
    pool = redis_py.ConnectionPool.from_url(url)
    assert pool.connection_kwargs["db"] == int(judged.dbname)
    assert pool.connection_kwargs.get("path", judged.host) == judged.host


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ("required", True, "system")),
        ("?ssl_cert_reqs=none", ("none", False, None)),
        ("?ssl_ca_certs={ca}", ("required", True, "ca")),
        ("?ssl_ca_certs={ca}&ssl_check_hostname=false", ("required", False, "ca")),
    ],
)
def test_tls(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch, query: str, expected: tuple[str, bool, str | None]
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.other_ca))
    found = redis.arguments(load(f"rediss://h.example.com/0{query.format(ca=certificates.ca)}"))
    files = {"system": str(certificates.other_ca), "ca": str(certificates.ca), None: None}
    reqs, check, ca = expected
    assert (found["ssl_cert_reqs"], found["ssl_check_hostname"]) == (reqs, check)
    assert found.get("ssl_ca_certs") == files[ca]
    context = redis.context(found)
    assert context.check_hostname is check
    assert context.verify_mode == (ssl.CERT_REQUIRED if reqs == "required" else ssl.CERT_NONE)
    assert len(context.get_ca_certs()) == (1 if ca else 0)
    assert context.keylog_filename is None


def test_client_certificate(certificates: Certificates) -> None:
    pair = certificates.good
    files = f"ssl_certfile={pair.chain}&ssl_keyfile={pair.key}"
    for password in ("", "&ssl_password=not-needed"):
        found = redis.arguments(load(f"rediss://h.example.com/0?{files}{password}"))
        assert (found["ssl_certfile"], found["ssl_keyfile"]) == (str(pair.chain), str(pair.key))
        redis.context(found)


def test_names_and_types() -> None:
    query = "socket_timeout=2.5&max_connections=7&retry_on_timeout=true&client_name=shop&health_check_interval=9"
    found = redis.arguments(load(f"redis://app:p%40@localhost/0?{query}"))
    assert found == {
        "username": "app",
        "password": "p@",
        "socket_timeout": 2.5,
        "max_connections": 7,
        "retry_on_timeout": True,
        "client_name": "shop",
        "health_check_interval": 9,
    }


def test_health_check_stays_below_what_the_provider_bears() -> None:
    scalingo = "redis://:p@shop-1.redis.a.osc-fr1.scalingo-dbs.com:30000/0"
    environ = {"ENVCONN_TLS_WAIVE": "*.scalingo-dbs.com"}
    assert redis.health_check_seconds(load(scalingo, "SCALINGO_REDIS_URL", **environ)) == 120
    assert redis.health_check_seconds(load("rediss://h.example.com")) is None


def test_a_revocation_list_is_refused(certificates: Certificates) -> None:
    """No text can state one: what a later grammar might let through, the driver refuses."""
    revoked = Parameters({"sslcrl": str(certificates.ca), "sslmode": "verify-ca"})
    altered = replace(envconn.parse("rediss://h.example.com"), parameters=revoked)
    judged = judge(altered, Context(combined(envconn.Policy(ca=str(certificates.ca)))), "cache")
    assert isinstance(judged, envconn.SecuredConnection)
    with pytest.raises(envconn.ConfigurationError, match="redis-py does not support sslcrl"):
        redis.arguments(judged)


def test_what_is_refused() -> None:
    uri = "postgresql://app:p@h.example.com/app?sslmode=require"
    for function in (redis.url, redis.arguments):
        with pytest.raises(envconn.ConfigurationError, match="redis-py requires a redis one"):
            function(load(uri, "DATABASE_URL"))
        with pytest.raises(TypeError):
            function(envconn.parse("rediss://h.example.com"))  # type: ignore[arg-type]
