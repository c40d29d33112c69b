"""Celery's settings by service and level, and the variables that Celery believes more than them."""

from __future__ import annotations

import sqlite3
import ssl
import sys
from contextlib import closing, nullcontext
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import redis
from celery import Celery
from celery.backends import database
from celery.backends.cache import CacheBackend
from kombu.transport import pyamqp
from redis.sentinel import SentinelConnectionPool

import envconn
from envconn import ConfigurationError, parse, secure
from envconn.families import REDIS
from envconn_celery import backend as backend_module
from envconn_celery import config, redis_settings, registry
from envconn_celery import transport as transport_module
from envconn_celery.backend import DatabaseBackend
from envconn_celery.registry import MARKER
from envconn_celery.settings import settings as celery_settings
from envconn_redis.connections import SentinelPool, VerifyingConnection

if TYPE_CHECKING:
    from pathlib import Path

    from envconn import SecuredConnection
    from throwaway.certificates import Certificates

SCALINGO = "abc.redis.a.osc-fr1.scalingo-dbs.com:36000"
NEON = "ep-cool-name-123456{pooler}.eu-central-1.aws.neon.tech"


def settings(broker: str, result: str | None = None) -> dict[str, Any]:
    found = celery_settings(*(secure(parse(text)) for text in (broker, result) if text))
    assert found.pop(MARKER)
    return found


def test_redis_over_tls(certificates: Certificates) -> None:
    verify = {"ssl_cert_reqs": "required", "ssl_check_hostname": True, "ssl_ca_certs": str(certificates.ca)}
    query = f"ssl_ca_certs={certificates.ca}&ssl_cert_reqs=CERT_REQUIRED"
    text = f"rediss://abc:p%40w@{SCALINGO}/2?{query}&socket_timeout=2.5"
    assert settings(text, text) == {
        "broker_url": f"rediss://abc:p%40w@{SCALINGO}/2",
        "broker_use_ssl": verify,
        "result_backend": f"rediss://abc:p%40w@{SCALINGO}/2",
        "redis_socket_timeout": 2.5,
    }


def test_redis_without_tls() -> None:
    assert settings("valkey://localhost/1", "redis://:secret@[::1]") == {
        "broker_url": "redis://localhost:6379/1",
        "result_backend": "redis://:secret@[::1]:6379/0",
    }


def test_sockets() -> None:
    found = settings("unix:///run/my%20redis.sock?db=4", "redis+socket://u:secret@/run/redis.sock")
    assert found["broker_url"] == "redis+socket:///run/my%20redis.sock?virtual_host=4"
    assert found["result_backend"] == "redis+socket://u:secret@/run/redis.sock?virtual_host=0"


def test_a_socket_is_found_again() -> None:
    app = Celery("ours", set_as_current=False)
    judged = secure(parse("unix:///run/My%20redis.sock"))
    app.conf.update(celery_settings(judged, judged))
    assert registry.broker(app.connection(), "redis", 6379) is not None
    assert app.backend.connparams["path"] == "/run/My redis.sock"


@pytest.mark.parametrize(
    ("stated", "seconds"), [("", 25), ("&health_check_interval=9", 9), ("&health_check_interval=140", 140)]
)
def test_health_checks(certificates: Certificates, stated: str, seconds: int) -> None:
    connection = secure(parse(f"rediss://{SCALINGO}?ssl_ca_certs={certificates.ca}{stated}"))
    assert redis_settings.transport_options(connection) == {"health_check_interval": seconds}
    found = redis_settings.judged_results({"ssl_cert_reqs": "none"}, connection)
    assert found["health_check_interval"] == (seconds if stated else 120)
    assert found["ssl_cert_reqs"] == "required"


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
    }
    assert settings("amqp://localhost") == {"broker_url": "amqp://localhost:5672/%2F"}


def backend(result: SecuredConnection) -> DatabaseBackend:
    """Return Celery's backend with the settings for `result`."""
    app = Celery("results", set_as_current=False)
    app.conf.update(celery_settings(secure(parse("redis://localhost")), result))
    app.conf.database_create_tables_at_setup = False
    assert isinstance(app.backend, DatabaseBackend)
    return app.backend


@pytest.mark.parametrize("pooler", ["", "-pooler"])
def test_results_in_postgresql_go_to_the_direct_endpoint(pooler: str) -> None:
    made = backend(secure(parse(f"postgresql://app:secret@{NEON.format(pooler=pooler)}/app")))
    assert made.url == f"postgresql+psycopg://app@{NEON.format(pooler='')}:5432/app"
    arguments = made.engine_options["connect_args"]
    assert (arguments["host"], arguments["sslmode"]) == (NEON.format(pooler=""), "require")
    assert arguments["password"] == "secret"
    assert (made.engine_options["pool_pre_ping"], made.engine_options["pool_recycle"]) == (True, 300)


def test_results_behind_a_pooler_without_a_direct_endpoint() -> None:
    environ = {"DATABASE_URL": "postgresql://app:secret@db.example.com/app", "ENVCONN_POOL_MODE": "transaction"}
    made = backend(envconn.load(environ, env_file=None).database)
    assert made.engine_options["connect_args"]["prepare_threshold"] is None
    assert made.engine_options["pool_recycle"] == 3600


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("host=/run/Pg user=app dbname=a/b", "app@:5432/a%2Fb?host=/run/Pg"),
        ("postgresql://app@%2Frun%2Fpg:5433/a", "app@:5433/a?host=/run/pg"),
        ("postgresql://app@localhost,[::1]/a", "app@localhost:5432/a"),
    ],
)
def test_results_in_postgresql_without_one_host(text: str, url: str) -> None:
    made = backend(secure(parse(text)))
    assert made.url == f"postgresql+psycopg://{url}"
    assert made.engine_options["connect_args"]["user"] == "app"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("sqlite:////srv/a%20b%25.db", "db+sqlite:////srv/a b%25.db"),
        ("sqlite:///a.db", "db+sqlite:///a.db"),
        ("sqlite://", "db+sqlite:///:memory:"),
        ("sqlite:///a.db?timeout=20&conn_max_age=60", "db+sqlite:///a.db?timeout=20.0"),
        ("sqlite:///a.db?check_same_thread=false", "db+sqlite:///a.db?check_same_thread=False"),
    ],
)
def test_results_in_sqlite(text: str, url: str) -> None:
    assert settings("redis://localhost", text)["result_backend"] == url


def test_tables_in_sqlite(tmp_path: Path) -> None:
    app = Celery("results", set_as_current=False)
    result = secure(parse(f"sqlite:///{tmp_path}/a.db?timeout=20&check_same_thread=false"))
    app.conf.update(celery_settings(secure(parse("redis://localhost")), result), database_create_tables_at_setup=True)
    assert isinstance(app.backend, DatabaseBackend)
    if not hasattr(database.DatabaseBackend, "_create_tables"):  # Celery 5.4 creates them with the first result
        app.backend.store_result("id", 42, "SUCCESS")
    with closing(sqlite3.connect(tmp_path / "a.db")) as there:
        names = {name for (name,) in there.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {"celery_taskmeta", "celery_tasksetmeta"} <= names


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
        ("redis://localhost", "sqlite:///a.db?transaction_mode=immediate", "does not support transaction_mode"),
        ("amqps://h?retry_delay=3", None, "py-amqp does not support retry_delay"),
    ],
)
def test_refused(broker: str, result: str | None, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        settings(broker, result)


def test_unjudged() -> None:
    judged = secure(parse("rediss://h"))
    for pair in ((parse("rediss://h"),), (judged, parse("rediss://h")), ("rediss://h",)):
        with pytest.raises(TypeError):
            celery_settings(*pair)


class TestVariablesOfCelery:
    """Celery takes these from the environment before any setting, each time it is asked."""

    @pytest.fixture
    def broker(self) -> SecuredConnection:
        return secure(parse("rediss://u:p%40w@h/0"))

    @pytest.mark.parametrize(
        "text", ["rediss://u:p%40w@h/0", "redis://h:6379", "rediss://x@h:6379/5", "rediss://h?ssl_cert_reqs=none"]
    )
    def test_the_same_place(self, broker: SecuredConnection, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        monkeypatch.setenv("CELERY_BROKER_URL", text)
        assert celery_settings(broker)["broker_url"] == "rediss://u:p%40w@h:6379/0"

    @pytest.mark.parametrize(
        "text",
        [
            "rediss://u:p%40w@elsewhere/0",
            "rediss://h/0?socket_timeout=3",
            "rediss://h;rediss://elsewhere",
            "valkeys://h:1",
            "rediss://h:port",
            "sqs://",
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

    @pytest.mark.parametrize(
        "text",
        [
            "redis://other",
            "redis+socket:///run/other",
            "db+postgresql://u@other/d",
            "db+postgresql://u@/d?host=/run/other",
            "db+postgresql://u@localhost/d?port=port",
            "db+mysql://u@localhost/d",
            "mongodb://other",
            "marker",
        ],
    )
    def test_results(self, broker: SecuredConnection, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        monkeypatch.setenv("CELERY_RESULT_BACKEND", text)
        for results in ((), (broker,)):
            with pytest.raises(ConfigurationError, match="CELERY_RESULT_BACKEND"):
                celery_settings(broker, *results)

    @pytest.mark.parametrize(
        ("judged", "text"),
        [
            ("unix:///run/My.sock", "redis+socket:///run/my.sock"),
            ("postgresql://u@/d?host=/run/Pg", "db+postgresql://u@/d?host=/run/pg"),
            ("postgresql://u@a,b/d", "db+postgresql://u@a,c/d"),
            ("postgresql://u@a,b/d", "db+postgresql://u@/d?host=a,b&port=1,2"),
        ],
    )
    def test_results_at_nearly_the_same_place(
        self, broker: SecuredConnection, monkeypatch: pytest.MonkeyPatch, judged: str, text: str
    ) -> None:
        monkeypatch.setenv("CELERY_RESULT_BACKEND", text)
        with pytest.raises(ConfigurationError, match="CELERY_RESULT_BACKEND"):
            celery_settings(broker, secure(parse(judged)))

    @pytest.mark.parametrize("text", ["rpc://", "disabled", "django-db", "cache+memory://"])
    def test_results_without_a_server(
        self, broker: SecuredConnection, monkeypatch: pytest.MonkeyPatch, text: str
    ) -> None:
        monkeypatch.setenv("CELERY_RESULT_BACKEND", text)
        assert "result_backend" not in celery_settings(broker)
        services = envconn.load({"REDIS_URL": "rediss://h", "CELERY_RESULT_BACKEND": text}, env_file=None)
        assert config(services)["result_backend"] == text

    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ("postgresql://u@/d?host=/run/Pg&port=5433", ("/run/Pg", "5433")),
            ("postgresql://u@%2Frun%2FPg:5433/d", ("/run/Pg", "5433")),
            ("postgres://u@localhost/d?port=5433", ("localhost", "5433")),
            ("postgresql+psycopg2://u@localhost/d", ("localhost", "5432")),
            ("postgresql://u@localhost,[::1]/d", ("localhost,::1", "5432,5432")),
            ("postgresql://u@localhost:5433,127.0.0.1:5434/d", ("localhost,127.0.0.1", "5433,5434")),
            ("postgresql://u@/d?host=localhost,127.0.0.1&port=5433,5434", ("localhost,127.0.0.1", "5433,5434")),
            ("postgresql://u@LOCALHOST/d", ("LOCALHOST", "5432")),
        ],
    )
    def test_results_in_sql(self, monkeypatch: pytest.MonkeyPatch, text: str, place: tuple[str, str]) -> None:
        monkeypatch.setenv("CELERY_RESULT_BACKEND", f"db+{text}")
        monkeypatch.setenv("BROKER_URL", "redis://localhost")
        app = Celery("results", set_as_current=False)
        app.conf.update(config(), database_create_tables_at_setup=False)
        arguments = app.backend.engine_options["connect_args"]
        assert (arguments["host"], arguments["port"]) == place

    def test_a_broker_without_a_server(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CELERY_BROKER_URL", "memory://")
        services = envconn.load({"BROKER_URL": "memory://"}, env_file=None)
        assert config(services)["broker_url"] == "memory://"

    def test_an_empty_one_is_not_set(self, broker: SecuredConnection, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CELERY_BROKER_URL", "")
        assert celery_settings(broker)


class TestOtherApplications:
    """An application without the settings of `config` is left alone, unless it connects to a judged endpoint."""

    @pytest.fixture
    def ours(self) -> Celery:
        app = Celery("ours", set_as_current=False)
        app.conf.update(celery_settings(secure(parse("rediss://judged")), secure(parse("rediss://judged"))))
        return app

    @pytest.mark.parametrize(("host", "is_judged"), [("judged", True), ("elsewhere", False)])
    def test_broker_and_results(self, ours: Celery, host: str, *, is_judged: bool) -> None:
        theirs = Celery("theirs", broker=f"redis://{host}", backend=f"redis://{host}", set_as_current=False)
        assert (registry.broker(theirs.connection(), "redis", 6379) is not None) is is_judged
        assert ("ssl_cert_reqs" in theirs.backend.connparams) is is_judged
        assert MARKER in ours.conf

    def test_results_behind_sentinels(self, ours: Celery) -> None:
        theirs = Celery("theirs", backend="sentinel://elsewhere:1;sentinel://judged:1", set_as_current=False)
        theirs.conf.result_backend_transport_options = {"master_name": "m"}
        pool = theirs.backend.client.connection_pool
        assert isinstance(pool, SentinelConnectionPool)
        assert not isinstance(pool, SentinelPool)
        assert MARKER in ours.conf

    @pytest.mark.parametrize("url", ["postgresql://u@elsewhere/d", "postgresql://elsewhere:x", "mssql+pyodbc://judged"])
    def test_results_in_sql(self, ours: Celery, url: str) -> None:
        theirs = Celery("theirs", backend=f"db+{url}", set_as_current=False)
        theirs.conf.database_create_tables_at_setup = False
        assert theirs.backend.url == url
        assert "connect_args" not in theirs.backend.engine_options
        ours.conf.update(result_backend=f"db+{url}", database_create_tables_at_setup=False)
        with pytest.raises(ConfigurationError, match="result_backend"):
            ours.backend  # noqa: B018

    @pytest.mark.parametrize("url", ["sqlalchemy+sqlite://", "amqp://127.0.0.87:1"])
    def test_other_brokers(self, ours: Celery, url: str) -> None:
        theirs = Celery("theirs", broker=url, set_as_current=False).connection()
        with nullcontext() if "sqlite" in url else pytest.raises(OSError, match="refused"):
            theirs.connect()
        assert not theirs.ssl
        ours.conf.broker_url = url
        with pytest.raises(ConfigurationError, match="broker_url"):
            ours.connection().connect()

    def test_a_list_of_brokers(self, ours: Celery) -> None:
        ours.conf.broker_url = ["rediss://judged", "rediss://elsewhere"]
        assert registry.broker(ours.connection(), "redis", 6379)
        with pytest.raises(ConfigurationError, match="broker_url"):
            registry.broker(ours.connection("rediss://elsewhere"), "redis", 6379)

    def test_results_in_memory(self, ours: Celery) -> None:
        ours.conf.result_backend = "cache+memory://"
        assert isinstance(ours.backend, CacheBackend)
        assert ours.backend.as_uri() == "memory:///"

    def test_other_stores(self, ours: Celery) -> None:
        with pytest.raises(ConfigurationError, match="result_backend"):
            backend_module.consul(ours)
        for module in (backend_module, transport_module):
            with pytest.raises(AttributeError):
                module.nowhere  # noqa: B018


class TestWaived:
    """What envconn cannot judge, and a waiver leaves to Celery."""

    @pytest.fixture(autouse=True)
    def _fresh(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(registry, "_WAIVED", set())

    @staticmethod
    def app(monkeypatch: pytest.MonkeyPatch, **environ: str) -> Celery:
        for name, text in environ.items():
            monkeypatch.setenv(name, text)
        app = Celery("waived", set_as_current=False)
        app.conf.update(config())
        return app

    def test_a_broker(self, monkeypatch: pytest.MonkeyPatch) -> None:
        text = "sqlalchemy+sqlite://"
        app = self.app(monkeypatch, CELERY_BROKER_URL=text, ENVCONN_BROKER_TLS_WAIVE="sqlalchemy://")
        assert "broker_url" not in app.conf.changes
        connection = app.connection()
        connection.connect()
        assert connection.transport_cls == "sqlalchemy"
        monkeypatch.delenv("CELERY_BROKER_URL")
        for elsewhere in ("redis://elsewhere", "sqla+sqlite://"):
            app.conf.broker_url = elsewhere
            with pytest.raises(ConfigurationError, match="broker_url"):
                app.connection().ensure_connection(max_retries=1)

    def test_results(self, monkeypatch: pytest.MonkeyPatch) -> None:
        app = self.app(
            monkeypatch,
            REDIS_URL="rediss://h",
            CELERY_RESULT_BACKEND="dynamodb://elsewhere",
            ENVCONN_RESULTS_TLS_WAIVE="dynamodb://",
        )
        assert "result_backend" not in app.conf.changes
        assert type(app.backend).__name__ == "DynamoDBBackend"

    @pytest.mark.parametrize("text", ["sqs://", "sqs://key:marker-password@"])
    def test_no_waiver(self, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        with pytest.raises(ConfigurationError, match="ENVCONN_BROKER_TLS_WAIVE") as refusal:
            self.app(monkeypatch, DATABASE_URL="sqlite://", CELERY_BROKER_URL=text, ENVCONN_TLS_WAIVE="gcpubsub://")
        assert [problem.code for problem in refusal.value.problems] == ["service-foreign"]
        assert "marker" not in str(refusal.value)

    @pytest.mark.parametrize(
        "text",
        [
            *("sqs://;redis://:marker-password@elsewhere/0", "sqs://;rediss://elsewhere", "sqs://;mq", "sqs://;"),
            *("memory://;redis://:marker-password@elsewhere/0", "memory://;sqs://;amqp://elsewhere"),
            *("sqs://;memory://;amqps://:marker-password@elsewhere",),
        ],
    )
    def test_a_waiver_of_the_first_is_none_for_the_others(self, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        with pytest.raises(ConfigurationError, match="begins another broker") as refusal:
            self.app(monkeypatch, DATABASE_URL="sqlite://", CELERY_BROKER_URL=text, ENVCONN_TLS_WAIVE="sqs://")
        assert "marker" not in str(refusal.value)
        monkeypatch.setattr(registry, "_BROKERS", {})
        monkeypatch.delenv("CELERY_BROKER_URL")
        monkeypatch.setenv("CELERY_BROKER_READ_URL", text)
        with pytest.raises(ConfigurationError, match="CELERY_BROKER_READ_URL"):
            self.app(monkeypatch, BROKER_URL="sqs://", ENVCONN_TLS_WAIVE="sqs://")

    def test_several_that_are_waived(self, monkeypatch: pytest.MonkeyPatch) -> None:
        text = "sqs://;gcpubsub://x"
        app = self.app(monkeypatch, CELERY_BROKER_URL=text, ENVCONN_TLS_WAIVE="sqs:// gcpubsub://")
        assert "broker_url" not in app.conf.changes
        assert [registry.is_waived("broker", each) for each in (*text.split(";"), "redis://")] == [True, True, False]

    def test_a_variable_that_names_another(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ConfigurationError, match="CELERY_BROKER_READ_URL"):
            self.app(
                monkeypatch,
                CELERY_BROKER_URL="sqs://",
                CELERY_BROKER_READ_URL="rediss://elsewhere",
                ENVCONN_TLS_WAIVE="sqs://",
            )


@pytest.mark.parametrize("levels", [("required", "none"), ("none", "required")])
def test_of_two_for_one_endpoint_the_later_counts(levels: tuple[str, str]) -> None:
    """kombu's connection does not know its application, so the verdicts are those of the process."""
    apps = [Celery(level, set_as_current=False) for level in levels]
    for app, level in zip(apps, levels, strict=True):
        app.conf.update(celery_settings(secure(parse(f"rediss://twice?ssl_cert_reqs={level}"))))
    found = [registry.broker(app.connection(), REDIS, 6379) for app in apps]
    assert [str(each and each.tls.level) for each in found] == [
        {"required": "verify-full", "none": "encrypted"}[level]
    ] * 2


@pytest.mark.parametrize("stated", ["", "https://rabbit"])
def test_a_warning_about_flowers_broker_page(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, stated: str
) -> None:
    monkeypatch.setitem(sys.modules, "flower", ModuleType("flower"))
    monkeypatch.setenv("FLOWER_BROKER_API", stated)
    celery_settings(secure(parse("amqps://u:p@h")))
    assert ("FLOWER_BROKER_API: not set" in caplog.text) is not bool(stated)


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("broker_transport_options", "ssl"),
        ("broker_transport_options", "host"),
        ("database_engine_options", "creator"),
    ],
)
def test_options_that_decide(setting: str, name: str) -> None:
    app = Celery("ours", set_as_current=False)
    app.conf.update(
        celery_settings(secure(parse("amqps://u:p@localhost:1")), secure(parse("postgresql://u:p@localhost/d"))),
        database_create_tables_at_setup=False,
    )
    app.conf[setting] = {name: None}
    with pytest.raises(ConfigurationError, match=f"{name} in {setting} would replace"):
        (app.connection().connect if setting.startswith("broker") else lambda: app.backend)()


def test_rabbitmq_without_tls_stays_so() -> None:
    app = Celery("ours", set_as_current=False)
    app.conf.update(celery_settings(secure(parse("amqp://u:p@localhost:1"))))
    connection = app.connection()
    with pytest.raises(OSError, match="refused"):
        connection.connect()
    assert not connection.ssl


def test_a_supplied_password_of_redis() -> None:
    tokens = iter(("one", "two", "three"))
    services = envconn.load(
        {"REDIS_URL": "rediss://u:old@localhost:1", "CACHE_URL": "redis://:old@localhost:2"},
        env_file=None,
        passwords={"broker": lambda _: next(tokens), "cache": lambda _: "local"},
    )
    app = Celery("ours", set_as_current=False)
    app.conf.update(config(services))
    parameters = app.backend.connparams
    assert parameters["credential_provider"].get_credentials() == ("local",)
    assert not {"username", "password"} & parameters.keys()
    kind = redis_settings.connection_class(services.broker, "u")
    assert kind
    connection = kind(**redis_settings.judged({"host": "localhost", "port": 1, "username": "u"}, services.broker))
    for token in ("one", "two"):
        with pytest.raises(redis.ConnectionError):
            connection.connect()
        assert (connection.username, connection.password) == ("u", token)
    assert redis_settings.connection_class(services.broker, "another") is VerifyingConnection


def test_a_supplied_password_of_postgresql() -> None:
    environ = {"BROKER_URL": "rediss://h", "DATABASE_URL": "postgresql://u:old@h/d"}
    services = envconn.load(environ, env_file=None, passwords={"database": lambda _: "token"})
    with pytest.raises(ConfigurationError, match="Celery stores one password") as refusal:
        config(services, results="database")
    assert [problem.code for problem in refusal.value.problems] == ["password-fixed"]


@pytest.fixture
def logins(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What py-amqp has been told to log in with."""
    tried: list[str] = []

    class Recorded(pyamqp.Connection):
        def __init__(self, **given: Any) -> None:
            tried.append("{userid}:{password}@{host}/{virtual_host}".format(**given))
            super().__init__(**given)

    monkeypatch.setattr(pyamqp.Transport, "Connection", Recorded)
    return tried


FIRST = "u:one@127.0.0.1:1/a"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("u:one@127.0.0.1:1/a", ""),
        ("u:two@127.0.0.1:1/a", "u:two@127.0.0.1:1/a"),
        ("v:two@127.0.0.1:1/a", "v:two@127.0.0.1:1/a"),
        ("u:two@127.0.0.1:2/a", "u:two@127.0.0.1:2/a"),
        ("u:two@127.0.0.2:1/a", "u:two@127.0.0.2:1/a"),
        ("u:one@127.0.0.2:1/a", "u:one@127.0.0.2:1/a"),
        ("u:two@127.0.0.1:1/b", "u:two@127.0.0.1:1/b"),
        ("v:two@127.0.0.2:3/b", "v:two@127.0.0.2:3/b"),
    ],
)
def test_rabbitmq_is_logged_in_to_as_it_is_now(tmp_path: Path, logins: list[str], text: str, told: str) -> None:
    """A password goes to the host that it is of, and what did not succeed is not in use."""
    (file := tmp_path / "url").write_text(f"amqps://{FIRST}", encoding="utf-8")
    services = envconn.load({"BROKER_URL_FILE": str(file)}, env_file=None)
    app = Celery("ours", set_as_current=False)
    app.conf.update(config(services))
    connection, own = app.connection(), app.connection("amqps://another:own@127.0.0.1:1/c")
    file.write_text(f"amqps://{text}", encoding="utf-8")
    for _ in range(2):
        logins.clear()
        with pytest.raises(OSError, match="refused"):
            connection.connect()
        assert list(dict.fromkeys(logins)) == [FIRST, *([told] if told else [])]
    services.reload()
    for each in (connection, app.connection()):
        logins.clear()
        with pytest.raises(OSError, match="refused"):
            each.connect()
        assert {*logins} == {told or FIRST}
    logins.clear()
    if "@127.0.0.1:1/" in text:
        with pytest.raises(OSError, match="refused"):
            own.connect()
        assert {*logins} == {"another:own@127.0.0.1:1/c"}
    else:
        with pytest.raises(ConfigurationError, match="names a broker that envconn has not judged"):
            own.connect()
        assert not logins


def test_a_broker_at_its_new_place_is_a_judged_one(logins: list[str]) -> None:
    environ = {"BROKER_URL": f"amqps://{FIRST}"}
    services = envconn.load(environ, env_file=None)
    app = Celery("ours", set_as_current=False)
    app.conf.update(config(services))
    environ["BROKER_URL"] = "amqps://u:two@127.0.0.2:4/a"
    services.reload()
    with pytest.raises(OSError, match="refused"):
        app.connection(environ["BROKER_URL"]).connect()
    assert {*logins} == {"u:two@127.0.0.2:4/a"}


def test_results_are_named() -> None:
    with pytest.raises(TypeError, match="results must be"):
        config(envconn.load({"BROKER_URL": "rediss://h"}, env_file=None), results=3)  # type: ignore[arg-type]


def test_a_supplied_password_of_rabbitmq(logins: list[str]) -> None:
    services = envconn.load(
        {"BROKER_URL": "amqps://u:old@localhost:1"}, env_file=None, passwords={"broker": lambda _: "token"}
    )
    app = Celery("ours", set_as_current=False)
    app.conf.update(config(services))
    connection = app.connection()
    assert connection.password is None
    with pytest.raises(OSError, match="refused"):
        connection.connect()
    assert {*logins} == {"u:token@127.0.0.1:1//"}


@pytest.mark.parametrize(("stated", "left"), [("/", "shop"), ("other", "other")])
def test_a_virtual_host_of_the_program_stays(stated: str, left: str) -> None:
    before = secure("amqps://app:old@old.example/")
    now = secure("amqps://app:new@new.example/shop")
    client = SimpleNamespace(
        hostname="old.example", port=5671, userid="app", password="old", virtual_host=stated, transport_cls="amqp"
    )
    registry.move(client, now, 5671, [before])
    assert (client.hostname, client.password, client.virtual_host) == ("new.example", "new", left)
