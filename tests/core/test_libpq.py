"""What libpq is handed, by its version; and who may be handed over."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from envconn import ConfigurationError, Policy
from envconn.drivers.libpq import arguments, version
from envconn.services import parse, secure

if TYPE_CHECKING:
    from envconn import SecuredConnection
    from throwaway.certificates import Certificates

URL = "postgresql://app:p%40ss@db.example:6543/app"
LIBPQ = 18_00_06
VERSIONS = (13_00_00, 14_00_11, 15_00_06, 16_00_02, 17_00_11, 18_00_06, 19_00_00)


def secured(query: str = "", place: str = "") -> SecuredConnection:
    policy = Policy(waive=("*.example",)) if "disable" in query else None
    return secure(
        parse(f"postgresql://app:p%40ss@{place}/app{query}" if place else URL + query, "DATABASE_URL"), policy
    )


def test_everything_that_decides_is_written_out() -> None:
    assert arguments(secured(), LIBPQ) == {
        "host": "db.example",
        "hostaddr": "",
        "port": "6543",
        "user": "app",
        "password": "p@ss",
        "dbname": "app",
        "sslmode": "require",
        "sslrootcert": "/dev/null/absent",
        "sslcert": "/dev/null/absent",
        "sslkey": "/dev/null/absent",
        "sslpassword": "",
        "sslcertmode": "disable",
        "sslcrl": "/dev/null/absent",
        "sslcrldir": "",
        "sslsni": "1",
        "sslcompression": "0",
        "sslnegotiation": "postgres",
        "sslkeylogfile": "",
        "ssl_min_protocol_version": "TLSv1.2",
        "ssl_max_protocol_version": "",
        "gssencmode": "disable",
        "gssdelegation": "0",
        "channel_binding": "prefer",
        "require_auth": "none,password,md5,gss,sspi,scram-sha-256,oauth",
        "requirepeer": "",
        "target_session_attrs": "any",
        "load_balance_hosts": "disable",
        "min_protocol_version": "3.0",
        "max_protocol_version": "3.0",
        "options": "",
    }


NEWER = {
    "sslsni": 14,
    "sslcrldir": 14,
    "sslcertmode": 16,
    "require_auth": 16,
    "load_balance_hosts": 16,
    "sslnegotiation": 17,
    "sslkeylogfile": 18,
    "min_protocol_version": 18,
    "max_protocol_version": 18,
}


@pytest.mark.parametrize("libpq", VERSIONS)
def test_older_libpq_gets_no_word_it_does_not_know(libpq: int) -> None:
    """One unknown word and libpq refuses all of them."""
    handed = arguments(secured(), libpq)
    assert {name: name in handed for name in NEWER} == {name: libpq // 10_000 >= since for name, since in NEWER.items()}
    assert ("oauth" in handed.get("require_auth", "oauth")) is (libpq >= 18_00_00 or libpq < 16_00_00)
    assert {"host", "hostaddr", "sslmode", "sslrootcert", "gssencmode", "channel_binding"} <= handed.keys()


@pytest.mark.parametrize(
    ("query", "since", "code"),
    [
        ("?load_balance_hosts=random", 16, "driver-unsupported"),
        ("?require_auth=scram-sha-256", 16, "driver-unsupported"),
        ("?oauth_issuer=x", 18, "driver-unsupported"),
        ("?sslcertmode=require", 16, "driver-unsupported"),
        ("?sslnegotiation=direct", 13, None),
        ("?sslsni=0", 13, None),
        ("?max_protocol_version=3.0", 13, None),
        ("?application_name=a", 13, None),
        ("?channel_binding=require", 13, None),
    ],
)
@pytest.mark.parametrize("libpq", VERSIONS)
def test_parameters_by_version(libpq: int, query: str, since: int, code: str | None) -> None:
    """What would be lost without being missed may go; what was asked for and decides may not."""
    name = query[1:].partition("=")[0]
    if libpq // 10_000 >= since:
        assert (name in arguments(secured(query), libpq)) is (libpq // 10_000 >= NEWER.get(name, since))
        return
    with pytest.raises(ConfigurationError) as caught:
        arguments(secured(query), libpq)
    assert [(problem.code, problem.variable) for problem in caught.value.problems] == [(code, "DATABASE_URL")]
    assert f"requires libpq {since}" in str(caught.value)


@pytest.mark.parametrize("libpq", [9_06_24, 10_00_00, 12_00_22, 12_99_99])
def test_too_old(libpq: int) -> None:
    with pytest.raises(ConfigurationError) as caught:
        arguments(secured(), libpq)
    assert [problem.code for problem in caught.value.problems] == ["driver-too-old"]


def test_all_missing_parts_are_reported_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        arguments(secured("?load_balance_hosts=random&oauth_scope=x"), 15_00_00)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("query", "place", "expected"),
    [
        ("?sslmode=disable", "", {"sslmode": "disable"}),
        ("", "localhost", {"sslmode": "prefer"}),
        ("", "a:1,b:2", {"host": "a,b", "port": "1,2", "hostaddr": ""}),
        ("?hostaddr=10.0.0.1,10.0.0.2", "a,b", {"hostaddr": "10.0.0.1,10.0.0.2"}),
        ("?gssencmode=prefer", "", {"gssencmode": "disable"}),
        ("?sslmode=require", "%2Frun", {"sslmode": "disable", "host": "/run"}),
        ("?ssl_min_protocol_version=TLSv1.3", "", {"ssl_min_protocol_version": "TLSv1.3"}),
        ("?connect_timeout=5&application_name=007", "", {"connect_timeout": "5", "application_name": "007"}),
    ],
    ids=["waived", "local", "list", "hostaddr", "gss", "socket", "stated", "passed"],
)
def test_spelling(query: str, place: str, expected: dict[str, str]) -> None:
    handed = dict(arguments(secured(query, place), LIBPQ))
    assert {name: handed[name] for name in expected} == expected
    assert all(isinstance(value, str) for value in handed.values())


def test_a_missing_password_is_not_an_empty_one() -> None:
    assert "password" not in arguments(secure(parse("postgresql://app@db.example/app")), LIBPQ)


def test_client_certificate_switches_itself_on(certificates: Certificates) -> None:
    query = f"?sslcert={certificates.good.chain}&sslkey={certificates.good.key}"
    handed = arguments(secured(query), LIBPQ)
    assert (handed["sslcertmode"], handed["sslpassword"]) == ("allow", "-")
    assert handed["sslkey"] == str(certificates.good.key)


def test_ca_is_a_file(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))
    handed = arguments(secured("?sslrootcert=system"), 15_00_06)
    assert (handed["sslmode"], handed["sslrootcert"]) == ("verify-full", str(certificates.ca))


def test_version_of_what_is_installed() -> None:
    import psycopg2.extensions

    assert version("psycopg") == psycopg.pq.version()
    assert version("psycopg2") == psycopg2.extensions.libpq_version()
    with pytest.raises(KeyError):
        version("asyncpg")


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_installed_libpq_knows_every_word(driver: str) -> None:
    from psycopg2.extensions import parse_dsn

    handed = arguments(secured(), version(driver))
    read = {"psycopg": conninfo_to_dict, "psycopg2": parse_dsn}[driver]
    assert read(" ".join(f"{name}=1" for name in handed)).keys() == handed.keys()


def test_other_families_are_refused() -> None:
    cache = secure(parse("rediss://:p@cache.example/0", "REDIS_URL"))
    with pytest.raises(ConfigurationError, match="REDIS_URL: holds a redis connection"):
        arguments(cache, 180_000)


@pytest.mark.parametrize("value", [parse("postgresql://u:p@h/d"), SimpleNamespace(family="postgresql"), None])
def test_what_was_not_judged_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="expected the SecuredConnection"):
        arguments(value, 18_00_00)


@pytest.mark.parametrize(("query", "negotiation"), [("", "direct"), ("?sslnegotiation=postgres", "postgres")])
def test_direct_tls_where_the_provider_has_it(query: str, negotiation: str) -> None:
    connection = secure(parse(f"postgresql://u.abc:p@eu-west-1.pg.psdb.cloud:5432/d{query}"))
    assert connection.provider == "planetscale"
    assert arguments(connection, 18_00_00)["sslnegotiation"] == negotiation
    local = secure(parse("postgresql://u:p@localhost/d?sslmode=prefer"))
    assert arguments(local, 18_00_00)["sslnegotiation"] == "postgres"
