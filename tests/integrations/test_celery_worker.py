"""Real workers: a round trip where everything is right, and nothing but a handshake where it is not.

The worker is the one in examples/celery_worker, started as it would be anywhere.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

import psycopg
import pytest

import eavesdropper
from celery_example import REFUSED, Example
from throwaway.process import wait

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lab import Lab
    from rabbitmq import RabbitMQ
    from redisserver import Redis
    from servers import States
    from throwaway.certificates import Certificates

pytestmark = pytest.mark.application

WRONG = {
    "wronghost": "Hostname mismatch",
    "expired": "certificate has expired",
    "unknownca": "certificate verify failed",
}


@pytest.fixture
def example(tmp_path: Path) -> Callable[..., Example]:
    return lambda **environ: Example(tmp_path, environ)


def test_results_in_redis(
    redis_server: States[Redis], certificates: Certificates, example: Callable[..., Example]
) -> None:
    server = redis_server["good"]
    ours = example(REDIS_URL=server.uri(ssl_ca_certs=str(certificates.ca)))
    with ours.working():
        assert ours.add(19, 23) == "42"
    assert "succeeded" in ours.log
    assert f"results:     rediss://:**@localhost:{server.port}/0" in ours.log
    assert server.password not in ours.log
    assert "insecure" not in ours.log


def test_results_in_postgresql(
    redis_server: States[Redis], lab: Lab, certificates: Certificates, example: Callable[..., Example]
) -> None:
    verified = lab["good"].uri("localhost", sslmode="verify-full", sslrootcert=str(certificates.ca))
    broker = redis_server["good"].uri(database=1, scheme="valkeys", ssl_ca_certs=str(certificates.ca))
    # A name of its own, so that the Redis is a broker and no cache.
    ours = example(QUEUE=broker, ENVCONN_BROKER_VARIABLE="QUEUE", DATABASE_URL=verified)
    with ours.working():
        assert ours.add(2, 3) == "5"
    assert "postgresql+psycopg" in ours.log
    with psycopg.connect(verified) as connection:
        assert connection.execute("select status from celery_taskmeta").fetchall() == [("SUCCESS",)]


@pytest.mark.parametrize("state", WRONG)
def test_refuses_the_broker(
    redis_server: States[Redis], certificates: Certificates, example: Callable[..., Example], state: str
) -> None:
    server = redis_server[state]
    ours = example(REDIS_URL=server.uri(ssl_ca_certs=str(certificates.ca)))
    with ours.working(until=REFUSED):
        pass
    assert WRONG[state] in ours.log
    assert server.password not in ours.log


def test_sends_nothing_unencrypted(certificates: Certificates, example: Callable[..., Example]) -> None:
    with eavesdropper.listening(None) as recorder:
        uri = f"rediss://:marker-password@localhost:{recorder.port}/0?ssl_ca_certs={certificates.ca}"
        ours = example(REDIS_URL=uri)
        with ours.working(until=REFUSED):
            pass
        assert recorder.received
        assert all(sent.startswith(b"\x16\x03\x01") for sent in recorder.received)
        assert not any(b"marker-password" in sent for sent in recorder.received)
    assert "marker-password" not in ours.log


def test_a_server_without_tls(redis_server: States[Redis], example: Callable[..., Example]) -> None:
    uri = redis_server["plain"].uri(scheme="rediss", socket_connect_timeout="0.5")
    ours = example(REDIS_URL=uri)
    with ours.working(until=REFUSED):
        pass
    assert "Timeout connecting to server" in ours.log


def test_a_configuration_that_is_wrong_ends_with_78(example: Callable[..., Example], tmp_path: Path) -> None:
    ours = example(REDIS_URL="redis://:marker-password@queue.example.com")
    message = ours.add(1, 1)
    assert "REDIS_URL" in message
    assert "marker-password" not in message
    with pytest.raises(AssertionError, match="REDIS_URL: "), ours.working():
        pass


def test_rabbitmq(
    rabbitmq: States[RabbitMQ], lab: Lab, certificates: Certificates, example: Callable[..., Example]
) -> None:
    place = lab["good"].uri("localhost", sslmode="verify-full", sslrootcert=str(certificates.ca))
    ours = example(RABBITMQ_URL=rabbitmq["good"].uri(cacertfile=str(certificates.ca)), DATABASE_URL=place)
    with ours.working():
        assert ours.add(40, 4) == "44"
    assert rabbitmq["good"].password not in ours.log


@pytest.mark.parametrize("state", WRONG)
def test_refuses_rabbitmq(
    rabbitmq: States[RabbitMQ], certificates: Certificates, example: Callable[..., Example], state: str
) -> None:
    server = rabbitmq[state]
    ours = example(RABBITMQ_URL=server.uri(cacertfile=str(certificates.ca)))
    with ours.working(until=REFUSED):
        pass
    assert WRONG[state] in ours.log
    assert server.password not in ours.log


def test_flowers_page_on_a_redis(
    redis_server: States[Redis], certificates: Certificates, example: Callable[..., Example]
) -> None:
    server = redis_server["good"]
    ours = example(REDIS_URL=server.uri(ssl_ca_certs=str(certificates.ca)))
    with ours.working(), ours.flower() as flower:
        # The row is what Flower's own client has asked the server for, to which it gives a second.
        wait(lambda: '<tr id="celery">' in flower.page("broker"), "the queue's row", seconds=30)
        page = flower.page("broker")
        assert f"rediss://:**@localhost:{server.port}/0" in page
        assert "FLOWER_BROKER_API" not in flower.log
        assert server.password not in page + flower.log


def test_flowers_page_on_a_rabbitmq(
    rabbitmq: States[RabbitMQ], certificates: Certificates, example: Callable[..., Example]
) -> None:
    server = rabbitmq["good"]
    ours = example(RABBITMQ_URL=server.uri(cacertfile=str(certificates.ca)))
    with eavesdropper.listening(certificates.unknownca) as recorder:
        with ours.flower() as flower:
            assert "FLOWER_BROKER_API: not set" in flower.log
        with ours.flower(FLOWER_BROKER_API=f"https://guest:marker-password@localhost:{recorder.port}/api/") as flower:
            page = flower.page("broker")
            assert f"@localhost:{server.port}//" in page
            assert "FLOWER_BROKER_API: not set" not in flower.log
            assert server.password not in page + flower.log
        wait(lambda: bool(recorder.received), "a request", seconds=10)
        assert not any(b"marker-password" in sent for sent in recorder.received)


@pytest.mark.parametrize("stated", [False, True])
def test_what_flowers_page_sends_to_the_management_of_a_rabbitmq(
    certificates: Certificates, example: Callable[..., Example], *, stated: bool
) -> None:
    """The broker's user and password without TLS, whatever TLS the broker has, unless it is told where to ask."""
    ours = example(RABBITMQ_URL="amqps://app:marker-password@127.0.0.77:1")
    login = b64encode(b"app:marker-password")
    with (
        eavesdropper.listening(None, ("127.0.0.77", 15672)) as recorder,
        eavesdropper.listening(certificates.unknownca) as api,
    ):
        told = f"https://app:marker-password@localhost:{api.port}/api/"
        with ours.flower(until="Visit me at", **({"FLOWER_BROKER_API": told} if stated else {})) as flower:
            flower.page("broker")
            assert ("FLOWER_BROKER_API: not set" in flower.log) is not stated
        # Flower waits for a second, and what listens may be later.
        wait(lambda: bool((api if stated else recorder).received), "a request", seconds=10)
        assert any(login in sent for sent in recorder.received) is not stated
        assert bool(api.received) is stated
        assert not any(login in sent for sent in api.received)
