"""One verdict: broker, results, cache and redis-py come to the same at every server, for every level.

What each must come to is PostgreSQL's table (`matrix.expected`), so equal levels mean equal things.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from celery import Celery

import envconn
import rabbitmq as rabbits
import redis_clients
import redisserver
from envconn import TlsLevel
from envconn_celery import config
from matrix import FLOORS, RABBITMQ, REDIS, SITES, expected
from redis_clients import CLIENTS, REFUSED

if TYPE_CHECKING:
    from rabbitmq import RabbitMQ
    from redisserver import Redis
    from servers import States
    from throwaway.certificates import Certificates

# What is said in the URL, the policy, and the level it comes to.
Row = tuple[str, str, TlsLevel]
LEVELS: list[Row] = [(query, *each) for query, found in REDIS.items() for each in zip(FLOORS, found, strict=True)]
AMQP: list[Row] = [(query, *each) for query, found in RABBITMQ.items() for each in zip(FLOORS, found, strict=True)]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redis.retry.sleep", lambda _: None)


def environment(certificates: Certificates, floor: str, level: TlsLevel) -> dict[str, str]:
    policy = {"ENVCONN_TLS": floor, "ENVCONN_TLS_LOCAL": "enforce"}
    return policy | ({"ENVCONN_TLS_CA": str(certificates.ca)} if level >= TlsLevel.VERIFY_CA else {})


@pytest.fixture(scope="module")
def trials() -> dict[tuple[str, str, TlsLevel], dict[str, str]]:
    """What came of connecting to a server at a level, by client; the same promise is not tried twice."""
    return {}


@pytest.mark.parametrize(("query", "floor", "level"), LEVELS)
@pytest.mark.parametrize("state", redisserver.STATES)
def test_redis(
    redis_server: States[Redis],
    certificates: Certificates,
    trials: dict[tuple[str, str, TlsLevel], dict[str, str]],
    state: str,
    query: str,
    floor: str,
    level: TlsLevel,
) -> None:
    limits = "socket_connect_timeout=0.2&socket_timeout=0.5"
    uri = f"{redis_server[state].uri(scheme='rediss')}?{'&'.join(filter(None, (limits, query)))}"
    services = envconn.load({"REDIS_URL": uri, **environment(certificates, floor, level)}, env_file=None)
    assert services.broker.tls.level == level
    if ("redis", state, level) not in trials:
        trials["redis", state, level] = {name: connect(services) for name, connect in CLIENTS.items()}
    right = expected(level, SITES["notls" if state == "plain" else state], "ca")
    assert trials["redis", state, level] == {
        name: REFUSED if redis_clients.refuses(name, level) else right for name in CLIENTS
    }


@pytest.mark.parametrize(("query", "floor", "level"), AMQP)
@pytest.mark.parametrize("state", rabbits.STATES)
def test_rabbitmq(
    rabbitmq: States[RabbitMQ],
    certificates: Certificates,
    trials: dict[tuple[str, str, TlsLevel], dict[str, str]],
    state: str,
    query: str,
    floor: str,
    level: TlsLevel,
) -> None:
    uri = f"{rabbitmq[state].uri()}?{query}".rstrip("?")
    services = envconn.load({"AMQP_URL": uri, **environment(certificates, floor, level)}, env_file=None)
    assert services.broker.tls.level == level
    if ("amqp", state, level) not in trials:
        trials["amqp", state, level] = {"broker": CLIENTS["broker"](services)}
    assert trials["amqp", state, level] == {"broker": expected(level, SITES[state], "ca")}


@pytest.mark.parametrize(
    ("redis_query", "postgres_mode"),
    [("", "verify-full"), ("ssl_check_hostname=false", "verify-ca"), ("ssl_cert_reqs=none", "require")],
)
@pytest.mark.parametrize("floor", ["require", "verify-ca", "verify-full"])
def test_the_same_text_and_policy_give_the_same_level(
    certificates: Certificates, redis_query: str, postgres_mode: str, floor: str
) -> None:
    environ = environment(certificates, floor, TlsLevel.VERIFY_CA)
    if postgres_mode == "require" and floor == "require":
        del environ["ENVCONN_TLS_CA"]
    environ |= {
        "REDIS_URL": f"rediss://:secret@h/0?{redis_query}".rstrip("?"),
        "DATABASE_URL": f"postgresql://u:secret@h/d?sslmode={postgres_mode}",
    }
    services = envconn.load(environ, env_file=None)
    assert services.broker.tls.level == services.database.tls.level
    app = Celery("matrix", set_as_current=False)
    app.conf.update(config(services, results="database"), database_create_tables_at_setup=False)
    arguments = app.backend.engine_options["connect_args"]
    words = {"verify-full": ("required", True), "verify-ca": ("required", False), "require": ("none", False)}
    verify = app.conf.broker_use_ssl
    assert (verify["ssl_cert_reqs"], verify["ssl_check_hostname"]) == words[arguments["sslmode"]]
