"""One verdict: broker, results, cache and redis-py come to the same at every server, for every level.

What each must come to is PostgreSQL's table (`matrix.expected`), so equal levels mean equal things.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

import envconn
import rabbitmq as rabbits
import redis_clients
import redisserver
from envconn import TlsLevel
from envconn_celery import config
from matrix import SITES, expected
from redis_clients import CLIENTS, REFUSED

if TYPE_CHECKING:
    from rabbitmq import RabbitMQ
    from redisserver import Redis
    from servers import States
    from throwaway.certificates import Certificates

FULL, CHAIN, NONE = {"ssl_cert_reqs": "required"}, {"ssl_check_hostname": "false"}, {"ssl_cert_reqs": "none"}

# What the URL says and what the policy does: the level.
LEVELS = [
    ({}, "require", TlsLevel.VERIFY_FULL),
    (FULL, "verify-ca", TlsLevel.VERIFY_FULL),
    (CHAIN, "require", TlsLevel.VERIFY_CA),
    (CHAIN, "verify-full", TlsLevel.VERIFY_FULL),
    (NONE, "require", TlsLevel.ENCRYPTED),
    (NONE, "verify-ca", TlsLevel.VERIFY_CA),
    (NONE, "verify-full", TlsLevel.VERIFY_FULL),
]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redis.retry.sleep", lambda _: None)


def environment(certificates: Certificates, floor: str, level: TlsLevel) -> dict[str, str]:
    policy = {"ENVCONN_TLS": floor, "ENVCONN_TLS_LOCAL": "enforce"}
    return policy | ({"ENVCONN_TLS_CA": str(certificates.ca)} if level >= TlsLevel.VERIFY_CA else {})


@pytest.mark.parametrize(("query", "floor", "level"), LEVELS)
@pytest.mark.parametrize("state", redisserver.STATES)
def test_redis(
    redis_server: States[Redis],
    certificates: Certificates,
    state: str,
    query: dict[str, str],
    floor: str,
    level: TlsLevel,
) -> None:
    query = {"socket_connect_timeout": "0.2", "socket_timeout": "0.5", **query}
    uri = f"{redis_server[state].uri(scheme='rediss')}?{urlencode(query)}"
    services = envconn.load({"REDIS_URL": uri, **environment(certificates, floor, level)}, dotenv=None)
    assert services.broker is not None
    assert services.broker.tls.level == level
    right = expected(level, SITES["notls" if state == "plain" else state], "ca")
    assert {name: connect(services) for name, connect in CLIENTS.items()} == {
        name: REFUSED if redis_clients.refuses(name, level) else right for name in CLIENTS
    }


@pytest.mark.parametrize(
    ("query", "floor", "level"),
    [
        ({}, "require", TlsLevel.VERIFY_FULL),
        ({"verify": "verify_none"}, "require", TlsLevel.ENCRYPTED),
        ({"verify": "verify_none"}, "verify-ca", TlsLevel.VERIFY_CA),
        ({"verify": "verify_peer"}, "verify-ca", TlsLevel.VERIFY_FULL),
    ],
)
@pytest.mark.parametrize("state", rabbits.STATES)
def test_rabbitmq(
    rabbitmq: States[RabbitMQ],
    certificates: Certificates,
    state: str,
    query: dict[str, str],
    floor: str,
    level: TlsLevel,
) -> None:
    uri = rabbitmq[state].uri(**query)
    services = envconn.load({"AMQP_URL": uri, **environment(certificates, floor, level)}, dotenv=None)
    assert services.broker is not None
    assert services.broker.tls.level == level
    assert CLIENTS["broker"](services) == expected(level, SITES[state], "ca")


@pytest.mark.parametrize(
    ("redis_query", "postgres_mode"),
    [({}, "verify-full"), (CHAIN, "verify-ca"), (NONE, "require")],
)
@pytest.mark.parametrize("floor", ["require", "verify-ca", "verify-full"])
def test_the_same_wish_and_policy_are_the_same_level(
    certificates: Certificates, redis_query: dict[str, str], postgres_mode: str, floor: str
) -> None:
    environ = environment(certificates, floor, TlsLevel.VERIFY_CA)
    if postgres_mode == "require" and floor == "require":
        del environ["ENVCONN_TLS_CA"]
    query = "&".join(f"{name}={value}" for name, value in redis_query.items())
    environ |= {
        "REDIS_URL": f"rediss://:secret@h/0?{query}".rstrip("?"),
        "DATABASE_URL": f"postgresql://u:secret@h/d?sslmode={postgres_mode}",
    }
    services = envconn.load(environ, dotenv=None)
    assert services.broker is not None
    assert services.broker.tls.level == services.database.tls.level
    found = config(services, result="database")
    arguments = found["database_engine_options"]["connect_args"]
    assert isinstance(arguments, dict)
    words = {"verify-full": ("required", True), "verify-ca": ("required", False), "require": ("none", False)}
    verify = found["broker_use_ssl"]
    assert (verify["ssl_cert_reqs"], verify["ssl_check_hostname"]) == words[arguments["sslmode"]]
