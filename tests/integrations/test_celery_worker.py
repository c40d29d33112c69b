"""Real workers: a round trip where everything is right, and nothing but a handshake where it is not.

The worker is the one in examples/celery_worker, started as it would be anywhere.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

import eavesdropper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lab import Lab
    from rabbitmq import RabbitMQ
    from redisserver import Redis
    from servers import States
    from throwaway.certificates import Certificates

WRONG = {
    "wronghost": "Hostname mismatch",
    "expired": "certificate has expired",
    "unknownca": "certificate verify failed",
}
WORKER = ("-m", "celery", "--app", "worker", "worker", "--pool", "solo", "--without-gossip", "--without-mingle")
READY, REFUSED = r"celery@\S+ ready\.", r"Cannot connect to"


class Example:
    """examples/celery_worker, with an environment."""

    def __init__(self, home: Path, folder: Path, environ: dict[str, str]) -> None:
        self._log, self._folder = home / "log", folder
        kept = {name: text for name, text in os.environ.items() if name.startswith(("COV", "PATH", "PYTHON", "LANG"))}
        self._environ = {**kept, "HOME": str(home), "PYTHONUNBUFFERED": "1", **environ}

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    @contextmanager
    def working(self, *, until: str = READY) -> Iterator[None]:
        """Run the worker from when its log has `until` to the end of the block."""
        with self._log.open("w") as log:
            command = [sys.executable, *WORKER, "--loglevel", "INFO"]
            worker = subprocess.Popen(
                command, cwd=self._folder, env=self._environ, stdout=log, stderr=log, start_new_session=True
            )
        try:
            deadline = time.monotonic() + 60
            while not re.search(until, self.log):
                assert worker.poll() is None, self.log
                assert time.monotonic() < deadline, self.log
                time.sleep(0.05)
            yield
        finally:
            # Its second signal ends a worker that waits for a broker.
            for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGKILL):
                worker.send_signal(number)
                try:
                    worker.wait(10)
                    break
                except subprocess.TimeoutExpired:
                    continue

    def add(self, left: int, right: int) -> str:
        done = subprocess.run(
            [sys.executable, "worker.py", str(left), str(right)],
            cwd=self._folder,
            env=self._environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout.strip() or done.stderr


@pytest.fixture
def example(tmp_path: Path, checkout: Path) -> Callable[..., Example]:
    return lambda **environ: Example(tmp_path, checkout / "examples" / "celery_worker", environ)


def test_results_in_redis(
    redis_server: States[Redis], certificates: Certificates, example: Callable[..., Example]
) -> None:
    server = redis_server["good"]
    ours = example(REDIS_URL=server.uri(ssl_ca_certs=str(certificates.ca)))
    with ours.working():
        assert ours.add(19, 23) == "42"
    assert "succeeded" in ours.log
    assert f"results:     rediss://localhost:{server.port}/0" in ours.log
    assert server.password not in ours.log
    assert "insecure" not in ours.log


def test_results_in_postgresql(
    redis_server: States[Redis], lab: Lab, certificates: Certificates, example: Callable[..., Example]
) -> None:
    verified = lab["good"].uri("localhost", sslmode="verify-full", sslrootcert=str(certificates.ca))
    broker = redis_server["good"].uri(database=1, scheme="valkeys", ssl_ca_certs=str(certificates.ca))
    # A name of its own, so that the Redis is a broker and no cache.
    ours = example(QUEUE=broker, ENVCONN_BROKER="QUEUE", DATABASE_URL=verified)
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


def test_says_nothing_in_clear(certificates: Certificates, example: Callable[..., Example]) -> None:
    with eavesdropper.listening(None) as ear:
        uri = f"rediss://:marker-password@localhost:{ear.port}/0?ssl_ca_certs={certificates.ca}"
        ours = example(REDIS_URL=uri)
        with ours.working(until=REFUSED):
            pass
        assert ear.heard
        assert all(heard.startswith(b"\x16\x03\x01") for heard in ear.heard)
        assert not any(b"marker-password" in heard for heard in ear.heard)
    assert "marker-password" not in ours.log


def test_a_server_without_tls(redis_server: States[Redis], example: Callable[..., Example]) -> None:
    uri = redis_server["plain"].uri(scheme="rediss", socket_connect_timeout="0.5")
    ours = example(REDIS_URL=uri)
    with ours.working(until=REFUSED):
        pass
    assert "Timeout connecting to server" in ours.log


@pytest.mark.parametrize("state", ["wronghost", "unknownca"])
def test_results_are_not_fetched_from_anybody(
    redis_server: States[Redis], lab: Lab, certificates: Certificates, example: Callable[..., Example], state: str
) -> None:
    """The broker is right, and the PostgreSQL behind it is not: the client does not read a result there."""
    place = lab[state].uri("localhost", sslmode="verify-full", sslrootcert=str(certificates.ca))
    broker = redis_server["good"].uri(database=2, ssl_ca_certs=str(certificates.ca))
    told = example(QUEUE=broker, ENVCONN_BROKER="QUEUE", DATABASE_URL=place).add(1, 1)
    assert re.search("certificate verify failed|does not match host name", told)
    assert lab[state].password not in told


def test_a_configuration_that_is_wrong_ends_with_78(example: Callable[..., Example], tmp_path: Path) -> None:
    ours = example(REDIS_URL="redis://:marker-password@queue.example.com")
    told = ours.add(1, 1)
    assert "REDIS_URL" in told
    assert "marker-password" not in told
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
