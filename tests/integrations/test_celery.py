"""``envconn_celery.config``: what it chooses, and what Celery shows of it."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from celery import Celery
from celery.bin import celery as celery_command

import envconn
from envconn import ConfigurationError
from envconn.families import REDIS as REDIS_FAMILY
from envconn.services import ENVIRONMENT, Environment
from envconn_celery import config, registry

if TYPE_CHECKING:
    from redisserver import Redis
    from servers import States
    from throwaway.certificates import Certificates

BROKER = {"BROKER_URL": "amqp://localhost"}
CACHE = {"CACHE_URL": "redis://localhost/1"}
DATABASE = {"DATABASE_URL": "sqlite:///results.db"}
REDIS = {"REDIS_URL": "redis://localhost/2"}


@pytest.mark.parametrize(
    ("environ", "result", "backend"),
    [
        ({**BROKER, **CACHE, **DATABASE}, ENVIRONMENT, "redis://localhost:6379/1"),
        ({**BROKER, **DATABASE}, ENVIRONMENT, "db+sqlite:///results.db"),
        (BROKER, ENVIRONMENT, None),
        (REDIS, ENVIRONMENT, "redis://localhost:6379/2"),
        ({**BROKER, **CACHE, **DATABASE}, "cache", "redis://localhost:6379/1"),
        ({**BROKER, **CACHE, **DATABASE}, "database", "db+sqlite:///results.db"),
        ({**BROKER, **CACHE, **DATABASE}, None, None),
    ],
)
def test_where_results_go(environ: dict[str, str], result: str | Environment | None, backend: str | None) -> None:
    found = config(envconn.load(environ, env_file=None), results=result)
    assert found.get("result_backend") == backend
    assert found["broker_url"].startswith(("amqp://localhost:5672/", "redis://localhost:6379/2"))


@pytest.mark.parametrize(
    ("environ", "result", "code", "variable"),
    [
        (DATABASE, ENVIRONMENT, "broker-missing", "BROKER_URL"),
        ({**BROKER, **DATABASE}, "cache", "result-missing", "CACHE_URL"),
        ({**BROKER, **CACHE}, "database", "result-missing", "DATABASE_URL"),
        ({**BROKER, **CACHE}, "archive", "result-missing", "ARCHIVE_DATABASE_URL"),
    ],
)
def test_missing(environ: dict[str, str], result: str | Environment, code: str, variable: str) -> None:
    services = envconn.load(environ, env_file=None)
    with pytest.raises(ConfigurationError) as refusal:
        config(services, results=result)
    assert [(problem.code, problem.variable) for problem in refusal.value.problems] == [(code, variable)]


def test_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = envconn.secure(envconn.parse("rediss://h/3"))
    assert config(broker)["broker_url"] == "rediss://h:6379/3"
    assert "result_backend" not in config(broker)
    monkeypatch.setenv("REDIS_URL", "redis://localhost/2")
    assert config()["broker_url"] == config()["result_backend"] == "redis://localhost:6379/2"
    with pytest.raises(TypeError):
        config(envconn.parse("rediss://h/3"))  # type: ignore[arg-type]


def test_nothing_while_an_image_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError):
        config()
    monkeypatch.setenv("ENVCONN_PHASE", "build")
    assert config() == {}


def test_health_checks_reach_the_connections(redis_server: States[Redis], certificates: Certificates) -> None:
    """kombu before 5.7 takes the interval away from a class that does not name the argument."""
    environ = {"REDIS_URL": redis_server["good"].uri(), "ENVCONN_TLS_CA": str(certificates.ca)}
    app = Celery("checked", set_as_current=False)
    app.conf.update(config(envconn.load({**environ, "ENVCONN_PROVIDER": "scalingo"}, env_file=None)))
    with app.connection() as connection:
        subscribed = connection.default_channel._get_pool(asynchronous=True).make_connection()
        assert subscribed.health_check_interval == 25
        subscribed.disconnect()
    assert app.backend.client.connection_pool.make_connection().health_check_interval == 120


PROGRAM = """
from celery import Celery
from envconn_celery import config

app = Celery("program")
app.conf.update(config({arguments}))
"""
MASTER = "?master_name=m&sentinel_password=marker-sentinel"
SENTINELS = f"rediss+sentinel://u:marker-%40broker@h1,h2{MASTER}&ssl_certfile={{chain}}&ssl_keyfile={{key}}"
MARKED = {
    "CLOUDAMQP_URL": "rediss://u:marker-%40broker@h?ssl_certfile={chain}&ssl_keyfile={key}&ssl_password=marker-key",
    "CACHE_URL": "rediss://u:marker-%40cache@h/1",
    "DATABASE_URL": "postgresql://u:marker-%40database@h/d",
}


@pytest.mark.parametrize(
    ("changed", "arguments"),
    [
        ({}, ""),
        ({}, "results='database'"),
        ({"CLOUDAMQP_URL": "amqps://u:marker-%40broker@h"}, ""),
        ({"BROKER_URL": "rediss://u:marker-%40broker@h", "CLOUDAMQP_URL": ""}, ""),
        ({"CLOUDAMQP_URL": "amqp://u:marker-%40broker@localhost", "CACHE_URL": "redis://:marker-pw@localhost"}, ""),
        ({"CLOUDAMQP_URL": "redis+socket://:marker-broker@/run/r", "CACHE_URL": "unix://:marker-pw@/run/r"}, ""),
        ({"CLOUDAMQP_URL": SENTINELS, "CACHE_URL": SENTINELS}, ""),
        (dict.fromkeys(("CLOUDAMQP_URL", "CACHE_URL"), f"sentinel://:marker-pw@[::1]{MASTER}"), ""),
    ],
    ids=["redis", "postgresql", "amqps", "the-command's-own", "in-clear", "sockets", "sentinels", "sentinels-in-clear"],
)
def test_report_shows_no_secret(
    certificates: Certificates, tmp_path: Path, changed: dict[str, str], arguments: str
) -> None:
    (tmp_path / "program.py").write_text(PROGRAM.format(arguments=arguments), encoding="utf-8")
    pair = certificates.good
    environ = {name: text.format(chain=pair.chain, key=pair.key) for name, text in {**MARKED, **changed}.items()}
    done = subprocess.run(
        [sys.executable, "-m", "celery", "--app", "program", "report"],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "broker_url" in done.stdout
    assert "marker" not in done.stdout + done.stderr


LATE = {
    **dict.fromkeys(("CELERY_BROKER", "-b"), ("call", "connecting to localhost:1.")),
    "--result-backend": ("result", "CELERY_RESULT_BACKEND: names a result backend that envconn has not judged"),
}
"""What Celery 5.4 sets after the program is loaded, a command that connects, and what that says."""


@pytest.mark.parametrize(
    "variable",
    [
        "BROKER_URL",
        "CELERY_BROKER_URL",
        "CELERY_BROKER",
        "RESULT_BACKEND",
        "CELERY_RESULT_BACKEND",
        "-b",
        "--result-backend",
    ],
)
@pytest.mark.parametrize("text", ["rediss://:marker-password@h?ssl_cert_reqs=none", "redis://:marker-password@h"])
def test_the_command_reads_variables_that_are_judged(tmp_path: Path, variable: str, text: str) -> None:
    command, words = LATE.get(variable, ("", "")) if hasattr(celery_command, "App") else ("", "")
    (tmp_path / "program.py").write_text(PROGRAM.format(arguments=""), encoding="utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "celery", "--app", "program"),
            *([variable, text] if "-" in variable else []),
            *([command, "x"] if command else ["report"]),
        ],
        cwd=tmp_path,
        env={"REDIS_URL": "redis://localhost:1", **({} if "-" in variable else {variable: text})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "marker" not in done.stdout + done.stderr
    if command:
        assert done.returncode
        assert words in done.stderr
        return
    assert (done.returncode == 0) is text.startswith("rediss")
    # The command copies these first.
    copies = {
        **dict.fromkeys(("-b", "CELERY_BROKER"), "CELERY_BROKER_URL"),
        "--result-backend": "CELERY_RESULT_BACKEND",
    }
    named = copies.get(variable, variable)
    assert done.returncode == 0 or f"{named}: the scheme means no TLS" in done.stderr


@pytest.mark.parametrize("changed", [{}, {"CLOUDAMQP_URL": f"rediss+sentinel://u:marker-%40broker@h{MASTER}"}])
def test_what_else_shows_settings(monkeypatch: pytest.MonkeyPatch, changed: dict[str, str]) -> None:
    for name, text in MARKED.items():
        monkeypatch.setenv(name, changed.get(name) or text.partition("?")[0])
    for result in ("cache", "database"):
        app = Celery("shown", set_as_current=False)
        app.conf.update(config(results=result))
        shown = [app.conf.humanize(), app.conf.humanize(censored=False), repr(app.conf.changes), repr(config())]
        shown += [json.dumps(app.conf.table(), default=repr), app.connection().as_uri(), repr(app.connection())]
        assert not [text for text in shown if "marker" in text]
        assert app.connection().info()["password"] == "marker-@broker"


TASKS = """
from celery import Celery
from envconn_celery import config
app = Celery("tasks")
app.conf.update(config())
app.conf.{setting} = "{url}"
"""
QUEUE = "rediss://:in-the-environment@queue.example.com/0"
STORE = "postgresql://app:in-the-environment@db.example.com/results"


@pytest.mark.parametrize(
    ("setting", "url", "line"),
    [
        ("broker_url", QUEUE.replace("in-the-environment", "hard-coded"), "tasks.py, line 6"),
        ("broker_url", QUEUE, ""),
        ("broker_url", QUEUE.replace("in-the-environment", "in-another-variable"), ""),
        ("broker_url", "rediss://queue.example.com/0", ""),
        ("result_backend", QUEUE.replace("in-the-environment", "hard-coded"), "tasks.py, line 6"),
        ("result_backend", QUEUE, ""),
        ("result_backend", "db+" + STORE.replace("in-the-environment", "hard-coded"), "tasks.py, line 6"),
        ("result_backend", f"db+{STORE}", ""),
    ],
)
def test_a_password_in_the_program_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, setting: str, url: str, line: str
) -> None:
    """The endpoint is that of the environment, or it is refused."""
    monkeypatch.setattr(registry, "_WARNED", set())
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # it holds the parameters
    for name, text in {"BROKER_URL": QUEUE, "CACHE_URL": QUEUE, "DATABASE_URL": STORE}.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setenv("ANOTHER", "in-another-variable")
    results = ", results='database'" if url.startswith("db+") else ""
    text = TASKS.replace("config()", f"config({results[2:]})").format(setting=setting, url=url)
    Path("tasks.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(Path.cwd()))
    app = importlib.import_module("tasks").app
    app.conf.database_create_tables_at_setup = False
    for _ in range(2):
        if setting == "broker_url":
            registry.broker(app.connection_for_write(), REDIS_FAMILY, 6379)
        else:
            assert app._get_backend()
    app.close()
    del sys.modules["tasks"]
    told = f"{setting}: the credentials are in {line}, and not in the environment. Set them in the environment"
    assert [each for each in caplog.messages if "credentials" in each] == ([told] if line else [])
    assert "hard-coded" not in caplog.text


def test_a_password_of_the_environment_is_none_of_the_program(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """kombu's client, and its clones, have the password of the last login: of a rotation since, or a token."""
    monkeypatch.setattr(registry, "_WARNED", set())
    app = Celery("rotating", set_as_current=False)
    environ = {"BROKER_URL": "amqps://app:first@queue.example.com"}
    app.conf.update(config(envconn.load(environ, env_file=None)))
    client = app.connection_for_write()
    client.password = "second"  # as at a login
    for each in (client, client.clone()):
        assert registry.broker(each, "amqp", 5671)
    # The settings of two calls differ after a rotation.
    config(envconn.load({"BROKER_URL": "amqps://app:third@queue.example.com"}, env_file=None))
    assert registry.broker(app.connection_for_write(), "amqp", 5671)
    app.close()
    assert not [each for each in caplog.messages if "credentials" in each]
