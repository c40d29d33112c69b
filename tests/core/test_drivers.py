"""asyncpg's and pg8000's arguments, and the context they share: what is written out, what is refused and why."""

from __future__ import annotations

import os
import ssl
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization

import envconn
from envconn.connection import Connection, Host, Secret
from envconn.drivers import asyncpg, hide, pg8000
from envconn.drivers import ssl_context as contexts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from throwaway.certificates import Certificates

DRIVERS: dict[str, Callable[[envconn.SecuredConnection], Mapping[str, object]]] = {
    "asyncpg": asyncpg.arguments,
    "pg8000": pg8000.arguments,
}
BOTH = pytest.mark.parametrize("driver", DRIVERS)
MARKER = "marker-password"
PASSWORDLESS = "postgresql://app@db.example.com/app"


def judged(query: str = "sslmode=require", host: str = "db.example.com") -> envconn.SecuredConnection:
    return load(f"postgresql://app:{MARKER}@{host}/app?{query}")


def load(uri: str, **environ: str) -> envconn.SecuredConnection:
    return envconn.load({"DATABASE_URL": uri, **environ}, env_file=None).database


def context(driver: str, connection: envconn.SecuredConnection) -> ssl.SSLContext:
    arguments = DRIVERS[driver](connection)
    found = arguments.get("ssl", arguments.get("ssl_context"))
    assert isinstance(found, ssl.SSLContext)
    return found


def refusal(driver: str, connection: envconn.SecuredConnection, code: str = "driver-unsupported") -> str:
    with pytest.raises(envconn.ConfigurationError) as caught:
        DRIVERS[driver](connection)
    assert {problem.code for problem in caught.value.problems} == {code}
    assert MARKER not in str(caught.value)
    return str(caught.value)


@BOTH
@pytest.mark.parametrize(
    ("query", "check_hostname", "verify_mode"),
    [
        ("sslmode=require", False, ssl.CERT_NONE),
        ("sslmode=verify-ca&sslrootcert={ca}", False, ssl.CERT_REQUIRED),
        ("sslmode=verify-full&sslrootcert={ca}", True, ssl.CERT_REQUIRED),
    ],
)
def test_the_context_holds_the_level(
    certificates: Certificates, driver: str, query: str, verify_mode: int, *, check_hostname: bool
) -> None:
    found = context(driver, judged(query.format(ca=certificates.ca)))
    assert (found.check_hostname, found.verify_mode) == (check_hostname, verify_mode)
    assert found.minimum_version == ssl.TLSVersion.TLSv1_2
    assert found.maximum_version == ssl.TLSVersion.MAXIMUM_SUPPORTED
    assert found.cert_store_stats()["x509"] == (1 if verify_mode else 0)


@BOTH
def test_protocol_bounds(driver: str) -> None:
    query = "sslmode=require&ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.3"
    found = context(driver, judged(query))
    assert found.minimum_version == found.maximum_version == ssl.TLSVersion.TLSv1_3


def test_other_protocols_name_none() -> None:
    assert contexts.build(judged()).verify_mode == ssl.CERT_NONE


@BOTH
def test_keys_of_tls_are_written_nowhere(driver: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    assert context(driver, judged()).keylog_filename is None


@BOTH
def test_client_certificate(certificates: Certificates, tmp_path: Path, driver: str) -> None:
    files = f"sslcert={certificates.good.chain}&sslkey="
    assert context(driver, judged(f"sslmode=require&{files}{certificates.good.key}")).verify_mode == ssl.CERT_NONE
    open_key = tmp_path / "open.key"
    open_key.write_bytes(certificates.good.key.read_bytes())
    open_key.chmod(0o644)
    assert "chmod 600" in refusal(driver, judged(f"sslmode=require&{files}{open_key}"))


@BOTH
def test_a_key_with_its_password(certificates: Certificates, tmp_path: Path, driver: str) -> None:
    loaded, key = serialization.load_pem_private_key(certificates.good.key.read_bytes(), None), tmp_path / "key"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    key.write_bytes(loaded.private_bytes(*form, serialization.BestAvailableEncryption(MARKER.encode())))
    key.chmod(0o600)
    query = f"sslmode=require&sslcert={certificates.good.chain}&sslkey={key}&sslpassword={MARKER}"
    assert context(driver, judged(query)).verify_mode == ssl.CERT_NONE


@BOTH
@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("&sslrootcert=FILE", "ca-broken", "the CA in .*, cannot be read. Write it as PEM"),
        ("&sslrootcert=CA&sslcrl=FILE", "crl-broken", "the revocation list in sslcrl cannot be read. Write it as PEM"),
        ("&sslcert=CHAIN&sslkey=FILE", "tls-file-missing", "the file in sslkey cannot be read. Mount it"),
    ],
)
def test_a_file_that_breaks_after_it_was_judged(
    certificates: Certificates, tmp_path: Path, driver: str, query: str, code: str, message: str
) -> None:
    file, good = tmp_path / "file.pem", certificates.good
    file.write_bytes((good.key if "sslkey" in query else certificates.ca).read_bytes())
    file.chmod(0o600)
    for word, path in {"FILE": file, "CA": certificates.ca, "CHAIN": good.chain}.items():
        query = query.replace(f"={word}", f"={path}")
    connection = judged(f"sslmode=require{query}")
    before = DRIVERS[driver](connection)
    assert before
    file.write_text("no longer", encoding="ascii")
    if code == "tls-file-missing":
        file.unlink()
    assert refusal(driver, connection, code)
    with pytest.raises(envconn.ConfigurationError, match=message):
        contexts.build(connection)  # as if it broke after it was looked at


def test_pg8000_cannot_begin_with_tls() -> None:
    message = refusal("pg8000", judged("sslmode=require&sslnegotiation=direct"))
    assert "pg8000 does not support sslnegotiation=direct. Remove it, or use psycopg" in message
    assert asyncpg.arguments(judged("sslmode=require&sslnegotiation=direct"))["direct_tls"] is True


@BOTH
@pytest.mark.parametrize(("owner", "mode", "good"), [(0, 0o640, True), (0, 0o644, False), (1000, 0o640, False)])
def test_a_key_of_root_may_be_read_by_its_group(
    monkeypatch: pytest.MonkeyPatch, certificates: Certificates, driver: str, owner: int, mode: int, *, good: bool
) -> None:
    connection = judged(f"sslmode=require&sslcert={certificates.good.chain}&sslkey={certificates.good.key}")
    kind = os.stat(certificates.good.key).st_mode & ~0o777
    status = os.stat_result((kind | mode, 0, 0, 1, owner, owner, 0, 0, 0, 0), {"st_mtime_ns": 0, "st_ctime_ns": 0})
    real = os.stat
    monkeypatch.setattr(os, "stat", lambda path, **_: status if path == str(certificates.good.key) else real(path))
    refused = () if good else pytest.raises(envconn.ConfigurationError, match="chmod 600")
    with refused or nullcontext():
        DRIVERS[driver](connection)


@BOTH
def test_revocation_list(certificates: Certificates, driver: str) -> None:
    # A file with a certificate and no list loads, and then every server is refused for want of the list.
    query = f"sslmode=verify-full&sslrootcert={certificates.ca}&sslcrl={certificates.ca}"
    assert context(driver, judged(query)).verify_flags & ssl.VERIFY_CRL_CHECK_CHAIN


@BOTH
def test_a_name_belongs_to_its_address(driver: str) -> None:
    connection = judged("sslmode=require&hostaddr=192.0.2.1", "db.example.com")
    assert DRIVERS[driver](connection)["host"] == "192.0.2.1"
    made = context(driver, connection).wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="192.0.2.1")
    assert made.server_hostname == "db.example.com"


def test_two_names_at_one_address() -> None:
    connection = judged("sslmode=require&hostaddr=192.0.2.1,192.0.2.1", "a.example.com,b.example.com")
    assert "two hostnames" in refusal("asyncpg", connection)
    same = judged("sslmode=require&hostaddr=192.0.2.1,192.0.2.1", "a.example.com:1,a.example.com:2")
    assert asyncpg.arguments(same)["port"] == [1, 2]


@BOTH
@pytest.mark.parametrize(
    "query",
    [
        "channel_binding=require",
        "require_auth=scram-sha-256",
        "gssdelegation=1",
        "keepalives_idle=30",
        "load_balance_hosts=random",
        "replication=database",
        "requirepeer=postgres",
        "scram_client_key=a2V5&scram_server_key=a2V5",
        "sslcertmode=require",
        "sslsni=0",
        "tcp_user_timeout=5",
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(driver: str, query: str) -> None:
    message = refusal(driver, judged(f"sslmode=require&{query}"))
    assert driver in message
    assert query.partition("=")[0] in message


@pytest.mark.parametrize(
    "query",
    [
        *("connect_timeout=5", "target_session_attrs=read-write", "passfile=/x", "client_encoding=LATIN1"),
        *("krbsrvname=x", "gsslib=gssapi"),
    ],
)
def test_what_pg8000_alone_cannot(query: str) -> None:
    assert "pg8000" in refusal("pg8000", judged(f"sslmode=require&{query}"))
    assert asyncpg.arguments(judged(f"sslmode=require&{query}"))


def test_kerberos_with_asyncpg(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = judged("sslmode=require&krbsrvname=pg&gsslib=gssapi")
    arguments = asyncpg.arguments(connection)
    assert (arguments["krbsrvname"], arguments["gsslib"]) == ("pg", "gssapi")
    monkeypatch.setattr("importlib.metadata.version", lambda _: "0.29.0")
    assert "krbsrvname requires asyncpg 0.30" in refusal("asyncpg", connection)
    assert "krbsrvname" not in asyncpg.arguments(judged("sslmode=require"))


def test_several_hosts() -> None:
    connection = judged(host="a.example.com:1,b.example.com")
    assert "several hosts" in refusal("pg8000", connection)
    arguments = asyncpg.arguments(connection)
    assert (arguments["host"], arguments["port"]) == (["a.example.com", "b.example.com"], [1, 5432])


@BOTH
@pytest.mark.parametrize(
    "query", ["channel_binding=prefer", "gssencmode=disable", "keepalives=1", "client_encoding=utf8", "sslsni=1"]
)
def test_what_says_nothing_new_is_taken(driver: str, query: str) -> None:
    assert DRIVERS[driver](judged(f"sslmode=require&{query}"))


@BOTH
def test_verification_does_not_replace_channel_binding(certificates: Certificates, driver: str) -> None:
    """It may ask for the password itself all the same, and would get it."""
    verified = f"sslmode=verify-full&sslrootcert={certificates.ca}"
    message = refusal(driver, judged(f"{verified}&channel_binding=require"))
    assert "Use psycopg, or remove it and use sslmode=verify-full with a CA" in message
    assert context(driver, judged(verified)).check_hostname, "the remedy works"


@BOTH
def test_optional_tls_takes_no_conditions(certificates: Certificates, driver: str) -> None:
    assert DRIVERS[driver](judged("sslmode=prefer", "localhost")).get("ssl", None) == {"asyncpg": "prefer"}.get(driver)
    message = refusal(driver, judged("sslmode=prefer&ssl_min_protocol_version=TLSv1.3", "localhost"))
    assert "sslmode=require" in message


@BOTH
def test_unencrypted_is_written_out(driver: str) -> None:
    arguments = DRIVERS[driver](judged("sslmode=disable", "localhost"))
    assert arguments.get("ssl", arguments.get("ssl_context")) is False


@BOTH
def test_another_service_is_refused(driver: str) -> None:
    queue = Connection("redis", "redis", (Host("localhost", 6379),), "app", "0", Secret(MARKER))
    assert "redis" in refusal(driver, envconn.secure(queue))


@BOTH
def test_only_what_was_judged_is_taken(driver: str) -> None:
    with pytest.raises(TypeError):
        DRIVERS[driver](envconn.parse(PASSWORDLESS))  # type: ignore[arg-type]


def test_sockets() -> None:
    directory, abstract = "host=/run/pg&port=6000", "host=%40name&port=6000"
    uri = f"postgresql://app:{MARKER}@/app?"
    arguments = asyncpg.arguments(load(uri + directory))
    assert (arguments["host"], arguments["port"], arguments["ssl"]) == ("/run/pg", 6000, False)
    assert "abstract" in refusal("asyncpg", load(uri + abstract))
    assert pg8000.arguments(load(uri + directory))["unix_sock"] == "/run/pg/.s.PGSQL.6000"
    assert pg8000.arguments(load(uri + abstract))["unix_sock"] == "\0name/.s.PGSQL.6000"


def test_a_comma_ends_the_name_in_asyncpgs_login() -> None:
    assert "comma" in refusal("asyncpg", load(f"postgresql://a,b:{MARKER}@db.example.com/app"))


def test_names_settings_and_timeouts_of_asyncpg() -> None:
    query = "sslmode=require&connect_timeout=7&options=-c%20x.y%3D1&fallback_application_name=other"
    arguments = asyncpg.arguments(judged(query))
    assert arguments["timeout"] == 7.0
    assert arguments["server_settings"] == {"options": "-c x.y=1", "application_name": "other"}
    assert asyncpg.arguments(judged(f"{query}&application_name=mine"))["server_settings"]["application_name"] == "mine"
    assert "timeout" not in asyncpg.arguments(judged("sslmode=require&connect_timeout=0"))


def test_names_and_settings_of_pg8000() -> None:
    arguments = pg8000.arguments(judged("sslmode=require&options=-c%20x.y%3D1&fallback_application_name=other"))
    assert (arguments["startup_params"], arguments["application_name"]) == ({"options": "-c x.y=1"}, "other")


def test_where_passwords_come_from() -> None:
    assert asyncpg.arguments(judged())["passfile"] == os.devnull
    assert "passfile" not in asyncpg.arguments(load(f"{PASSWORDLESS}?sslmode=require"))
    assert asyncpg.arguments(load(f"{PASSWORDLESS}?sslmode=require&passfile=/x"))["passfile"] == "/x"
    assert "password" not in pg8000.arguments(load(f"{PASSWORDLESS}?sslmode=require"))


def test_statements_are_not_cached_behind_a_pooler() -> None:
    uri = f"{PASSWORDLESS}?sslmode=require"
    assert asyncpg.arguments(load(uri, ENVCONN_POOL_MODE="transaction"))["statement_cache_size"] == 0
    assert "statement_cache_size" not in asyncpg.arguments(load(uri, ENVCONN_POOL_MODE="session"))
    assert "statement_cache_size" not in asyncpg.arguments(load(uri))


@pytest.mark.parametrize(
    ("host", "seconds"),
    [
        ("ep-a-1.eu-central-1.aws.neon.tech", 270.0),  # dropped after 300
        ("eu-west-1-1.pg.psdb.cloud", 300.0),  # dropped after 600, so asyncpg's own default holds
        ("db.example.com", None),
    ],
)
def test_idle_connections_go_before_they_are_dropped(host: str, seconds: float | None) -> None:
    assert asyncpg.pool_options(judged(host=host)).get("max_inactive_connection_lifetime") == seconds


def test_secrets_among_arguments_are_not_printed() -> None:
    arguments = hide({"sslpassword": MARKER, "sslmode": "require", "ssl": False})
    assert repr(arguments) == "{'sslpassword': '********', 'sslmode': 'require', 'ssl': False}"
    assert arguments["sslpassword"] == MARKER
    assert str(arguments["sslpassword"]) == MARKER
