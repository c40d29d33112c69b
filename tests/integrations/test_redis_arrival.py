"""What the URL of a broker or a cache says arrives unchanged at the server, in every client."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import redis

import envconn
import rabbitmq as rabbits
from matrix import TLS
from redis_clients import CLIENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envconn import Services
    from rabbitmq import RabbitMQ
    from redisserver import Redis
    from servers import States
    from throwaway.certificates import Certificates

EACH = pytest.mark.parametrize("client", CLIENTS)
PRINTABLE = string.ascii_letters + string.digits + string.punctuation + " "
USERS = [
    pytest.param("", PRINTABLE, id="no user, and every printable character"),
    pytest.param("", "пароль-日本-€", id="no user, beyond ASCII"),
    pytest.param("printable", PRINTABLE[::-1], id="every printable character"),
    pytest.param("größe-żółw", "пароль-日本-€", id="beyond ASCII"),
    pytest.param("o'brien\"x\\:@/?#[]%41+", "%20+%41&=?#@:/ ", id="what parsers stumble over"),
]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redis.retry.sleep", lambda _: None)


@pytest.fixture(scope="module")
def admin(redis_server: States[Redis]) -> Iterator[redis.Redis]:
    """A connection that may do everything; what it adds to the server is gone with this module."""
    server = redis_server["good"]
    with redis.Redis(unix_socket_path=str(server.socket), password=server.password) as connection:
        yield connection
        allow(connection, "default", server.password)


def allow(admin: redis.Redis, user: str, password: str) -> None:
    """Let `user` do everything with `password`, and with no other."""
    rule = ("resetpass", "on", f">{password}", "~*", "&*", "+@all")
    admin.execute_command("ACL", "SETUSER", user, *rule)  # type: ignore[no-untyped-call]


def load(uri: str, certificates: Certificates) -> Services:
    environ = {"REDIS_URL": uri, "ENVCONN_TLS_CA": str(certificates.ca)}
    return envconn.load(environ, env_file=None)


@EACH
@pytest.mark.parametrize(("user", "password"), USERS)
def test_user_and_password(
    redis_server: States[Redis],
    admin: redis.Redis,
    certificates: Certificates,
    client: str,
    user: str,
    password: str,
) -> None:
    for name, word in (("default", redis_server["good"].password), (user or "default", password)):
        allow(admin, name, word)
    where = f"localhost:{redis_server['good'].port}/5"
    uri = f"rediss://{quote(user, safe='')}:{quote(password, safe='')}@{where}"
    assert CLIENTS[client](load(uri, certificates)) == TLS
    outcome = CLIENTS[client](load(uri.replace("@", "x@"), certificates))
    assert "invalid username-password pair" in outcome


@pytest.mark.parametrize("client", ["broker", "django cache"])
@pytest.mark.parametrize("scheme", ["rediss", "unix"])
def test_the_number_of_a_database(
    redis_server: States[Redis], certificates: Certificates, client: str, scheme: str
) -> None:
    server = redis_server["good"]
    uri = server.uri(database=9) if scheme == "rediss" else f"unix://:{server.password}@{server.socket}?db=9"
    with redis.Redis(unix_socket_path=str(server.socket), password=server.password, db=9) as there:
        there.flushdb()
        assert CLIENTS[client](load(uri, certificates)) == TLS
        assert there.keys()


@EACH
def test_ipv6(redis_server: States[Redis], certificates: Certificates, client: str) -> None:
    assert CLIENTS[client](load(redis_server["ipv6"].uri("[::1]"), certificates)) == TLS


@EACH
@pytest.mark.parametrize("scheme", ["unix", "redis+socket"])
def test_unix_socket(redis_server: States[Redis], certificates: Certificates, client: str, scheme: str) -> None:
    server = redis_server["good"]
    uri = f"{scheme}://:{server.password}@{server.socket}?db=3"
    assert CLIENTS[client](load(uri, certificates)) == TLS


def test_rabbitmq(rabbitmq: States[RabbitMQ], certificates: Certificates) -> None:
    (user, password), vhost = rabbits.ODD, quote(rabbits.ODD_VHOST, safe="")
    where = f"localhost:{rabbitmq['good'].port}/{vhost}"
    environ = {
        "AMQP_URL": f"amqps://{quote(user, safe='')}:{quote(password, safe='')}@{where}",
        "ENVCONN_TLS_CA": str(certificates.ca),
    }
    assert CLIENTS["broker"](envconn.load(environ, env_file=None)) == TLS
    wrong = {**environ, "AMQP_URL": environ["AMQP_URL"].replace("@", "x@")}
    assert "ACCESS_REFUSED" in CLIENTS["broker"](envconn.load(wrong, env_file=None))
    elsewhere = {**environ, "AMQP_URL": environ["AMQP_URL"] + "x"}
    assert "not found" in CLIENTS["broker"](envconn.load(elsewhere, env_file=None))
