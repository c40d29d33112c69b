"""What is said of sentinels by the environment, and what everybody is handed who asks them for a master."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
import redis

import envconn
from envconn import ConfigurationError, SecuredConnection, TlsLevel
from envconn.drivers import redis as plain
from envconn.drivers import redis as sentinel
from envconn.records import replace
from envconn.tls import Context, judge
from envconn.tls.policy import Demands
from envconn_celery import redis_settings
from envconn_celery.settings import settings as celery_settings
from envconn_django.cache import cache
from envconn_redis.connections import (
    SentinelConnection,
    SentinelPool,
    SentinelUnencryptedConnection,
    VerifyingConnection,
)

if TYPE_CHECKING:
    from envconn.connection import Connection
    from throwaway.certificates import Certificates

TEXT = "rediss+sentinel://us%20er:marker-%40pw@h1:26380,[::1]/m/3?sentinel_username=s&sentinel_password=marker-s"


def loaded(text: str, **environ: str) -> SecuredConnection:
    return envconn.load({"REDIS_URL": text, **environ}, env_file=None).broker


def codes(text: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigurationError) as refusal:
        envconn.load({"REDIS_URL": text, **environ}, env_file=None)
    return [problem.code for problem in refusal.value.problems]


def tls(certificates: Certificates) -> dict[str, object]:
    return {"ssl_cert_reqs": "required", "ssl_check_hostname": True, "ssl_ca_certs": str(certificates.ca)}


def test_everything(certificates: Certificates) -> None:
    found = loaded(f"{TEXT}&ssl_ca_certs={certificates.ca}&socket_timeout=2.5&min_other_sentinels=1")
    options = {"socket_connect_timeout": 4.0, "socket_timeout": 2.5, "username": "s", "password": "marker-s"}
    assert sentinel.sentinel_arguments(found) == {
        "sentinels": [("h1", 26380), ("::1", 26379)],
        "master_name": "m",
        "min_other_sentinels": 1,
        "sentinel_kwargs": {**tls(certificates), **options},
        **tls(certificates),
        "username": "us er",
        "password": "marker-@pw",
        "socket_timeout": 2.5,
        "db": 3,
    }


def test_each_server_gets_only_its_own_password() -> None:
    found = sentinel.sentinel_arguments(loaded("rediss+sentinel://:marker-pw@h/m"))
    assert found["password"] == "marker-pw"
    assert "password" not in found["sentinel_kwargs"]
    found = sentinel.sentinel_arguments(loaded("rediss+sentinel://h/m?sentinel_password=marker-s"))
    assert found["sentinel_kwargs"]["password"] == "marker-s"
    assert "password" not in found


@pytest.mark.parametrize(
    ("text", "waive", "clear"),
    [
        ("sentinel://localhost?master_name=m", "", []),
        ("sentinel://localhost?master_name=m", "*.internal", []),
        ("redis+sentinel://a.internal,10.1.2.3/m", "*.internal, 10.0.0.0/8", ["*.internal", "10.0.0.0/8"]),
    ],
)
def test_unencrypted(text: str, waive: str, clear: list[str]) -> None:
    found = sentinel.sentinels(loaded(text, ENVCONN_TLS_WAIVE=waive))
    assert found["unencrypted_to"] == clear
    assert not [name for name in found["sentinel_kwargs"] if name.startswith("ssl")]


@pytest.mark.parametrize(
    ("text", "environ", "due"),
    [
        ("redis+sentinel://h1,h2/m", {}, ["tls-disabled"]),
        ("redis+sentinel://localhost,h2/m", {}, ["tls-disabled"]),
        ("redis+sentinel://localhost,h2/m", {"ENVCONN_TLS_WAIVE": "h1"}, ["tls-disabled"]),
        ("redis+sentinel://localhost/m", {"ENVCONN_TLS_LOCAL": "enforce"}, ["tls-disabled"]),
        ("rediss+sentinel://h", {}, ["sentinel-master"]),
        ("rediss+sentinel://h", {"ENVCONN_SENTINEL_MASTER": "a b"}, ["sentinel-master"]),
        ("rediss+sentinel://h/m?ssl_ca_certs=/nowhere", {}, ["ca-missing"]),
        ("rediss+sentinel://h/m?ssl_certfile=/nowhere", {}, ["sslkey-missing", "tls-file-missing"]),
    ],
)
def test_refused(text: str, environ: dict[str, str], due: list[str]) -> None:
    assert codes(text, **environ) == due


def test_the_master_may_be_stated() -> None:
    stated = {"ENVCONN_SENTINEL_MASTER": "stated"}
    assert loaded("rediss+sentinel://h", **stated).parameters["master_name"] == "stated"
    assert loaded("rediss+sentinel://h/written", **stated).parameters["master_name"] == "written"
    assert "master_name" not in loaded("rediss://h", **stated).parameters


def test_another_master_is_another_service() -> None:
    same = {"REDIS_URL": "rediss+sentinel://h/m", "VALKEY_URL": "rediss+sentinel://h/m"}
    assert "broker" in envconn.load(same, env_file=None)
    with pytest.raises(ConfigurationError, match="different master"):
        envconn.load({**same, "VALKEY_URL": "rediss+sentinel://h/n"}, env_file=None)


def test_no_other_driver_takes_them() -> None:
    found = loaded(TEXT)
    for hand_over in (plain.client, plain.arguments, plain.url):
        with pytest.raises(ConfigurationError, match="requires a redis one"):
            hand_over(found)
    with pytest.raises(ConfigurationError, match="requires a sentinel one"):
        sentinel.sentinel_arguments(loaded("rediss://h"))
    with pytest.raises(ConfigurationError, match="does not support ssl_min_protocol_version"):
        sentinel.sentinel_arguments(judged(found_with(found, ssl_min_protocol_version="TLSv1.2")))
    database = {"DATABASE_URL": TEXT}
    with pytest.raises(ConfigurationError, match="but a database URL is expected"):
        envconn.load(database, env_file=None)


def judged(connection: Connection) -> SecuredConnection:
    outcome = judge(connection, Context(Demands()), "broker")
    assert isinstance(outcome, SecuredConnection)
    return outcome


def found_with(connection: SecuredConnection, **parameters: str) -> Any:
    stated = {**connection.parameters, **parameters}
    read = envconn.parse(TEXT)
    return replace(read, parameters=type(read.parameters)(stated))


def test_celery(certificates: Certificates) -> None:
    found = loaded(f"{TEXT}&ssl_ca_certs={certificates.ca}&client_name=c")
    settings = celery_settings(found, found)
    assert settings == {
        "broker_url": "sentinel://us%20er:marker-%40pw@h1:26380/3",
        "broker_use_ssl": tls(certificates),
        "result_backend": "sentinel://us%20er:marker-%40pw@h1:26380/3",
        "redis_client_name": "c",
        "envconn": True,
    }
    assert "marker" not in repr(settings)
    assert redis_settings.transport_options(found) == {"client_name": "c", "health_check_interval": 25}


def test_celery_without_tls() -> None:
    found = loaded("sentinel://localhost/1?master_name=m;sentinel://127.0.0.1:7")
    settings = celery_settings(found, found)
    assert settings["broker_url"] == "sentinel://localhost:26379/1"
    for user, follows in (("", True), (None, True), ("another", False)):
        kind = redis_settings.connection_class(found, user)
        assert kind
        assert issubclass(kind, SentinelUnencryptedConnection)
        assert (kind is not SentinelUnencryptedConnection) is follows
    assert "broker_use_ssl" not in settings


@pytest.mark.parametrize(
    ("query", "message"),
    [("protocol=3", "does not support protocol"), ("decode_responses=true", "does not support decode")],
)
def test_celery_has_no_place_for_it(query: str, message: str) -> None:
    found = loaded(f"rediss+sentinel://h/m?{query}")
    for both in ((found,), (loaded("redis://localhost"), found)):
        with pytest.raises(ConfigurationError, match=message):
            celery_settings(*both)


def test_djangos_cache(certificates: Certificates) -> None:
    entry = cache(loaded(f"{TEXT}&ssl_ca_certs={certificates.ca}"))
    assert entry["LOCATION"] == "sentinel://h1:26380/3"
    assert entry["OPTIONS"]["pool_class"] == "envconn_redis.connections.SentinelPool"
    assert entry["OPTIONS"]["sentinels"] == [("h1", 26380), ("::1", 26379)]
    assert "marker" not in repr(entry)
    with pytest.raises(ConfigurationError, match="Django's cache does not support"):
        cache(loaded("rediss+sentinel://h/m?decode_responses=true"))


def test_the_pool_speaks_tls_on_each_leg(certificates: Certificates) -> None:
    pool = SentinelPool(**sentinel.sentinel_arguments(loaded(f"{TEXT}&ssl_ca_certs={certificates.ca}")))
    assert pool.connection_class is SentinelConnection
    assert to_sentinels(pool) == [VerifyingConnection] * 2
    assert loaded(TEXT).tls.level == TlsLevel.VERIFY_FULL
    pool = SentinelPool(**sentinel.sentinel_arguments(loaded("sentinel://localhost?master_name=m")))
    assert pool.connection_class is SentinelUnencryptedConnection
    assert to_sentinels(pool) == [redis.Connection]


def to_sentinels(pool: SentinelPool) -> list[type[Any]]:
    """Return the classes of the connections to the sentinels, without that for their arguments."""
    return [each.connection_pool.connection_class.__base__ for each in pool.sentinel_manager.sentinels]


def test_without_tls_arguments_there_is_tls() -> None:
    """Nothing but ``unencrypted_to`` turns it off, and nothing but ``ssl_ca_certs`` trusts a CA."""
    bare = SentinelPool(sentinels=[("h", 1)], master_name="m", sentinel_kwargs={})
    assert bare.connection_class is SentinelConnection
    assert to_sentinels(bare) == [VerifyingConnection]
    made = cast("SentinelConnection", bare.make_connection())
    assert made._trusted().cert_store_stats()["x509"] == 0


@pytest.mark.parametrize(
    ("address", "waived", "goes"),
    [
        (("127.0.0.1", 1), (), True),
        (("::1", 1), (), True),
        (("localhost", 1), (), True),
        (("10.1.2.3", 1), (), False),
        (("redis.internal", 1), (), False),
        (("10.1.2.3", 1), ("10.1.0.0/16",), True),
        (("10.2.2.3", 1), ("10.1.0.0/16",), False),
        (("redis.internal", 1), ("*.internal",), True),
    ],
)
def test_where_unencrypted_goes(
    monkeypatch: pytest.MonkeyPatch, address: tuple[str, int], waived: tuple[str, ...], *, goes: bool
) -> None:
    gone: list[object] = []
    monkeypatch.setattr(redis.sentinel.SentinelManagedConnection, "connect_to", lambda _, place: gone.append(place))
    connection = SentinelUnencryptedConnection(unencrypted_to=waived, connection_pool=None)
    if goes:
        connection.connect_to(address)
    else:
        with pytest.raises(redis.ConnectionError, match="on another machine"):
            connection.connect_to(address)
    assert gone == ([address] if goes else [])
