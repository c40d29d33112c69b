"""Celery's settings by service and level, and the variables that Celery believes more than them."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest

import envconn
from envconn import ConfigurationError, parse, secure
from envconn_celery import config
from envconn_celery.settings import settings as celery_settings

if TYPE_CHECKING:
    from envconn import SecuredConnection
    from throwaway.certificates import Certificates

SCALINGO = "abc.redis.a.osc-fr1.scalingo-dbs.com:36000"
NEON = "ep-cool-name-123456{pooler}.eu-central-1.aws.neon.tech"


def settings(broker: str, result: str | None = None) -> dict[str, Any]:
    return celery_settings(secure(parse(broker)), secure(parse(result)) if result else None)


def test_redis_over_tls(certificates: Certificates) -> None:
    verify = {"ssl_cert_reqs": "required", "ssl_check_hostname": True, "ssl_ca_certs": str(certificates.ca)}
    query = f"ssl_ca_certs={certificates.ca}&ssl_cert_reqs=CERT_REQUIRED"
    text = f"rediss://abc:p%40w@{SCALINGO}/2?{query}&socket_timeout=2.5"
    assert settings(text, text) == {
        "broker_url": f"rediss://abc:p%40w@{SCALINGO}/2",
        "broker_transport": "envconn_celery.transport:Transport",
        "broker_use_ssl": verify,
        "broker_transport_options": {"socket_timeout": 2.5, "health_check_interval": 25},
        "result_backend": "envconn_celery.transport:Backend",
        "redis_host": SCALINGO.partition(":")[0],
        "redis_port": 36000,
        "redis_db": 2,
        "redis_username": "abc",
        "redis_password": "p@w",
        "redis_backend_use_ssl": verify,
        "redis_backend_health_check_interval": 120,
        "redis_socket_timeout": 2.5,
    }


def test_redis_without_tls_stays_celerys_own() -> None:
    assert settings("valkey://localhost/1", "redis://:secret@[::1]") == {
        "broker_url": "redis://localhost:6379/1",
        "broker_transport_options": {"health_check_interval": 25},
        "result_backend": "redis://:secret@[::1]:6379/0",
    }


def test_sockets() -> None:
    found = settings("unix:///run/my%20redis.sock?db=4", "redis+socket://u:secret@/run/redis.sock")
    assert found["broker_url"] == "redis+socket:///run/my%20redis.sock?virtual_host=4"
    assert found["result_backend"] == "redis+socket://u:secret@/run/redis.sock?virtual_host=0"


@pytest.mark.parametrize(
    ("stated", "seconds"), [("", 25), ("&health_check_interval=9", 9), ("&health_check_interval=140", 140)]
)
def test_health_checks(certificates: Certificates, stated: str, seconds: int) -> None:
    text = f"rediss://{SCALINGO}?ssl_ca_certs={certificates.ca}{stated}"
    found = settings(text, text)
    assert found["broker_transport_options"]["health_check_interval"] == seconds
    assert found["redis_backend_health_check_interval"] == (seconds if stated else 120)


def test_rabbitmq(certificates: Certificates) -> None:
    query = f"cacertfile={certificates.ca}&heartbeat=7&connection_timeout=1500&auth_mechanism=plain&frame_max=4096"
    assert settings(f"amqps://u:p@mq.example.com/a%2Fb?{query}") == {
        "broker_url": "amqps://u:p@mq.example.com:5671/a%2Fb",
        "broker_use_ssl": {
            "cert_reqs": ssl.CERT_REQUIRED,
            "ca_certs": str(certificates.ca),
            "server_hostname": "mq.example.com",
        },
        "broker_heartbeat": 7,
        "broker_connection_timeout": 1.5,
        "broker_login_method": "PLAIN",
        "broker_transport_options": {"frame_max": 4096},
    }
    assert settings("amqp://localhost") == {"broker_url": "amqp://localhost:5672/%2F"}


@pytest.mark.parametrize("pooler", ["", "-pooler"])
def test_results_in_postgresql_go_to_the_direct_endpoint(pooler: str) -> None:
    found = settings("redis://localhost", f"postgresql://app:secret@{NEON.format(pooler=pooler)}/app")
    assert found["result_backend"] == "db+postgresql+psycopg://"
    options = found["database_engine_options"]
    arguments = options["connect_args"]
    assert isinstance(arguments, dict)
    assert (arguments["host"], arguments["sslmode"]) == (NEON.format(pooler=""), "require")
    assert arguments["password"] == "secret"
    assert (options["pool_pre_ping"], options["pool_recycle"]) == (True, 300)


def test_results_behind_a_pooler_that_cannot_be_gone_round() -> None:
    environ = {"DATABASE_URL": "postgresql://app:secret@db.example.com/app", "ENVCONN_POOL_MODE": "transaction"}
    pooled = envconn.load(environ, env_file=None).database
    options = celery_settings(secure(parse("redis://localhost")), pooled)["database_engine_options"]
    arguments = options["connect_args"]
    assert isinstance(arguments, dict)
    assert arguments["prepare_threshold"] is None
    assert options["pool_recycle"] == 3600


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("sqlite:////srv/a%20b%25.db", "db+sqlite:////srv/a b%25.db"),
        ("sqlite:///a.db", "db+sqlite:///a.db"),
        ("sqlite://", "db+sqlite:///:memory:"),
    ],
)
def test_results_in_sqlite(text: str, url: str) -> None:
    assert settings("redis://localhost", text)["result_backend"] == url


def test_secrets_are_not_shown(certificates: Certificates) -> None:
    redis, pair = "rediss://u:marker-one@h", certificates.good
    query = f"?ssl_certfile={pair.chain}&ssl_keyfile={pair.key}&ssl_password=marker-two"
    for found in (settings(redis + query, redis), settings(redis, "postgresql://u:marker-one@h/d")):
        assert "marker" not in repr(found)
        assert "marker-one" in found["broker_url"]


@pytest.mark.parametrize(
    ("broker", "result", "words"),
    [
        ("postgresql://u:p@h/d", None, "cannot be used as a broker. Use amqp or redis"),
        ("redis://localhost", "mysql://u:p@h/d", "cannot be used as the place of results"),
        ("redis://localhost?protocol=3", None, "does not support protocol"),
        ("redis://localhost", "redis://localhost?encoding=latin-1", "does not support encoding"),
        ("redis://localhost", "sqlite:///a.db?timeout=3", "does not support timeout"),
        ("amqps://h?retry_delay=3", None, "py-amqp does not support retry_delay"),
    ],
)
def test_refused(broker: str, result: str | None, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        settings(broker, result)


def test_unjudged() -> None:
    judged = secure(parse("rediss://h"))
    for pair in ((parse("rediss://h"), None), (judged, parse("rediss://h")), ("rediss://h", None)):
        with pytest.raises(TypeError):
            celery_settings(*pair)


class TestVariablesOfCelery:
    """Celery takes these from the environment before any setting, each time it is asked."""

    @pytest.fixture
    def broker(self) -> SecuredConnection:
        return secure(parse("rediss://u:p%40w@h/0"))

    @pytest.mark.parametrize(
        "text", ["rediss://u:p%40w@h/0", "rediss://u:p%40w@h:6379", "rediss://u:p%40w@h:6379/0", "rediss://u:%70%40w@h"]
    )
    def test_the_same_place(self, broker: SecuredConnection, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        monkeypatch.setenv("CELERY_BROKER_URL", text)
        assert celery_settings(broker)["broker_url"] == "rediss://u:p%40w@h:6379/0"

    @pytest.mark.parametrize(
        "text",
        [
            "redis://u:p%40w@h/0",
            "rediss://u:p%40w@h/0?ssl_cert_reqs=none",
            "rediss://u:p%40w@elsewhere/0",
            "valkeys://u:p%40w@h/0",
            "rediss://u:p%40w@h/0\n",
            "memory://",
            "marker-password",
        ],
    )
    @pytest.mark.parametrize("variable", ["CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL"])
    def test_another(
        self, broker: SecuredConnection, monkeypatch: pytest.MonkeyPatch, variable: str, text: str
    ) -> None:
        monkeypatch.setenv(variable, text)
        with pytest.raises(ConfigurationError) as refusal:
            celery_settings(broker)
        assert [(problem.code, problem.variable) for problem in refusal.value.problems] == [
            ("celery-overruled", variable)
        ]
        assert "marker-password" not in str(refusal.value)
        assert "p%40w" not in str(refusal.value)

    def test_results(self, broker: SecuredConnection, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CELERY_RESULT_BACKEND", "redis://h")
        for result in (None, broker):
            with pytest.raises(ConfigurationError, match="CELERY_RESULT_BACKEND"):
                celery_settings(broker, result)

    @pytest.mark.parametrize("text", ["rpc://", "disabled", "django-db", "cache+memory://"])
    def test_results_without_a_server(
        self, broker: SecuredConnection, monkeypatch: pytest.MonkeyPatch, text: str
    ) -> None:
        monkeypatch.setenv("CELERY_RESULT_BACKEND", text)
        assert "result_backend" not in celery_settings(broker)
        services = envconn.load({"REDIS_URL": "rediss://h", "CELERY_RESULT_BACKEND": text}, env_file=None)
        assert config(services)["result_backend"] == text

    def test_an_empty_one_is_not_set(self, broker: SecuredConnection, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CELERY_BROKER_URL", "")
        assert celery_settings(broker)
