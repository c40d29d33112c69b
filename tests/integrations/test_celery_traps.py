"""What Celery makes of configurations that look right, and what becomes of the same environment with ours.

Each trap is fallen into first, with a real client against something that listens; then it is not.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery
from celery.app.backends import BACKEND_ALIASES
from kombu import transport
from kombu.connection import Connection
from kombu.transport import pyamqp

import eavesdropper
import envconn
from envconn import ConfigurationError
from envconn_celery import config, registry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from eavesdropper import Eavesdropper
    from redisserver import Redis
    from servers import States
    from throwaway.certificates import Certificates

PASSWORD = b"marker-password"
HELLO = b"\x16\x03\x01"  # the first bytes of TLS

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """redis-py waits seconds before it tries again what cannot work."""
    monkeypatch.setattr("redis.retry.sleep", lambda _: None)


@pytest.fixture(autouse=True)
def stock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give kombu and Celery their own classes, which an earlier test may have replaced; `config` does it again."""
    for aliases, stock in (
        (transport.TRANSPORT_ALIASES, registry.STOCK_TRANSPORTS),
        (BACKEND_ALIASES, registry.STOCK_BACKENDS),
    ):
        for name, path in stock.items():
            monkeypatch.setitem(aliases, name, path)
    monkeypatch.setattr(transport, "_transport_cache", {})


def sent_by_celery(recorder: Eavesdropper, url: str, **settings: Any) -> bytes:
    """Connect with kombu, whatever comes of it, and return what the other side has read."""
    return sent_through(recorder, theirs(url, **settings))


def theirs(url: str, **settings: Any) -> Connection:
    return Connection(url, **settings)  # type: ignore[no-untyped-call]


def sent_through(recorder: Eavesdropper, connection: Connection) -> bytes:
    with connection, suppress(Exception):
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=2)  # type: ignore[no-untyped-call]
        connection.channel().client.ping()  # type: ignore[no-untyped-call]
    return b"".join(recorder.received)


def ours(environ: Mapping[str, str]) -> Celery:
    app = Celery("ours", set_as_current=False)
    app.conf.update(config(envconn.load(environ, env_file=None)))
    return app


def sent_by_us(recorder: Eavesdropper, **environ: str) -> bytes:
    return sent_through(recorder, ours(environ).connection())


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_true_turns_tls_off(certificates: Certificates, scheme: str) -> None:
    with eavesdropper.listening(None) as recorder:
        sent = sent_by_celery(recorder, f"{scheme}://:marker-password@localhost:{recorder.port}/0", ssl=True)
    assert PASSWORD in sent
    with eavesdropper.listening(None) as recorder:
        uri = f"rediss://:marker-password@localhost:{recorder.port}/0?ssl_ca_certs={certificates.ca}"
        sent = sent_by_us(recorder, BROKER_URL=uri)
    assert sent.startswith(HELLO)
    assert PASSWORD not in sent


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_an_empty_dictionary_is_unencrypted(scheme: str) -> None:
    with eavesdropper.listening(None) as recorder:
        sent = sent_by_celery(recorder, f"{scheme}://u:marker-password@localhost:{recorder.port}/0", ssl={})
    assert sent
    assert not sent.startswith(HELLO)
    with pytest.raises(ConfigurationError) as refusal:
        ours({"BROKER_URL": f"{scheme}://u:marker-password@h/0"})
    assert [problem.code for problem in refusal.value.problems] == ["tls-disabled"]
    with eavesdropper.listening(None) as recorder:
        sent = sent_by_us(recorder, BROKER_URL=f"{scheme}s://u:marker-password@localhost:{recorder.port}/0")
    assert sent.startswith(HELLO)


def test_an_empty_dictionary_is_unencrypted_for_results(certificates: Certificates) -> None:
    def sent_to(recorder: Eavesdropper, **settings: Any) -> bytes:
        app = Celery("results", set_as_current=False)
        app.conf.update(settings)
        with suppress(Exception):
            app.backend.client.ping()
        return b"".join(recorder.received)

    with eavesdropper.listening(None) as recorder:
        uri = f"redis://:marker-password@localhost:{recorder.port}/0"
        assert PASSWORD in sent_to(recorder, result_backend=uri, redis_backend_use_ssl={})
    with eavesdropper.listening(None) as recorder:
        environ = {"REDIS_URL": f"rediss://:marker-password@localhost:{recorder.port}/0?ssl_ca_certs={certificates.ca}"}
        sent = sent_to(recorder, **config(envconn.load(environ, env_file=None), results="cache"))
    assert sent.startswith(HELLO)
    assert PASSWORD not in sent


@pytest.mark.parametrize("state", ["wronghost", "unknownca", "expired"])
def test_bare_rediss_verifies_nothing(certificates: Certificates, state: str) -> None:
    pair = getattr(certificates, state)
    with eavesdropper.listening(pair) as recorder:
        sent = sent_by_celery(recorder, f"rediss://:marker-password@localhost:{recorder.port}/0")
    assert PASSWORD in sent
    with eavesdropper.listening(pair) as recorder:
        uri = f"rediss://:marker-password@localhost:{recorder.port}/0"
        sent = sent_by_us(recorder, BROKER_URL=uri, ENVCONN_TLS_CA=str(certificates.ca))
    assert sent == b""


def test_a_word_in_the_url_beats_the_dictionary(certificates: Certificates) -> None:
    verify = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_ca_certs": str(certificates.ca)}
    with eavesdropper.listening(certificates.unknownca) as recorder:
        sent = sent_by_celery(
            recorder, f"rediss://:marker-password@localhost:{recorder.port}/0?ssl_cert_reqs=none", ssl=verify
        )
    assert PASSWORD in sent
    floor = {"ENVCONN_TLS": "verify-full", "ENVCONN_TLS_LOCAL": "enforce", "ENVCONN_TLS_CA": str(certificates.ca)}
    with eavesdropper.listening(certificates.unknownca) as recorder:
        uri = f"rediss://:marker-password@localhost:{recorder.port}/0?ssl_cert_reqs=none"
        assert sent_by_us(recorder, BROKER_URL=uri, **floor) == b""


def test_public_cas_are_trusted_beside_the_stated_one(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.other_ca))
    with eavesdropper.listening(certificates.unknownca) as recorder:
        verify = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_ca_certs": str(certificates.ca)}
        assert PASSWORD in sent_by_celery(
            recorder, f"rediss://:marker-password@localhost:{recorder.port}/0", ssl=verify
        )
    with eavesdropper.listening(certificates.unknownca) as recorder:
        uri = f"rediss://:marker-password@localhost:{recorder.port}/0?ssl_ca_certs={certificates.ca}"
        assert sent_by_us(recorder, BROKER_URL=uri) == b""


def test_keys_to_a_file(certificates: Certificates, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    with eavesdropper.listening(certificates.good) as recorder:
        uri = f"rediss://:marker-password@localhost:{recorder.port}/0?ssl_ca_certs={certificates.ca}"
        assert PASSWORD in sent_by_celery(recorder, f"{uri}&ssl_cert_reqs=required")
        assert (tmp_path / "keys").exists()
        (tmp_path / "keys").unlink()
        assert PASSWORD in sent_by_us(recorder, BROKER_URL=uri)
        assert not (tmp_path / "keys").exists()


def test_amqps_without_a_name_verifies_none(certificates: Certificates) -> None:
    verify = {"cert_reqs": ssl.CERT_REQUIRED, "ca_certs": str(certificates.ca)}
    with eavesdropper.listening(certificates.wronghost) as recorder:
        assert sent_by_celery(recorder, f"amqps://u:p@localhost:{recorder.port}", ssl=verify).startswith(b"AMQP")
    with eavesdropper.listening(certificates.wronghost) as recorder:
        uri = f"amqps://u:p@localhost:{recorder.port}?cacertfile={certificates.ca}"
        assert sent_by_us(recorder, BROKER_URL=uri) == b""
    with eavesdropper.listening(certificates.good) as recorder:
        uri = f"amqps://u:p@localhost:{recorder.port}?cacertfile={certificates.ca}"
        assert sent_by_us(recorder, BROKER_URL=uri).startswith(b"AMQP")


def test_words_of_the_other_protocol(certificates: Certificates) -> None:
    ca = str(certificates.ca)
    wrong = {
        "redis": {"cert_reqs": ssl.CERT_REQUIRED, "ca_certs": ca},
        "amqp": {"ssl_cert_reqs": 2, "ssl_ca_certs": ca},
    }
    for scheme, verify in wrong.items():
        with (
            eavesdropper.listening(certificates.good) as recorder,
            theirs(f"{scheme}s://u:p@localhost:{recorder.port}/0", ssl=verify) as connection,
            pytest.raises(TypeError, match="unexpected keyword"),
        ):
            connection.default_channel.client.ping()
    for scheme, word in (("redis", "ssl_ca_certs"), ("amqp", "cacertfile")):
        with eavesdropper.listening(certificates.good) as recorder:
            assert sent_by_us(
                recorder, BROKER_URL=f"{scheme}s://u:marker-password@localhost:{recorder.port}/0?{word}={ca}"
            )


def test_one_variable_is_an_error_for_results_and_a_hole_for_the_broker(redis_server: States[Redis]) -> None:
    """The bare URL connects the broker to any server, and the same one is refused as a place for results."""
    uri = redis_server["wronghost"].uri()
    with theirs(uri) as connection:
        assert connection.default_channel.client.ping()
    with pytest.raises(ValueError, match="ssl_cert_reqs"):
        Celery("theirs", broker=uri, backend=uri, set_as_current=False).backend  # noqa: B018


def test_a_variable_that_celery_believes_more(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    app = ours({"BROKER_URL": f"rediss://:p@localhost/0?ssl_ca_certs={certificates.ca}"})
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://elsewhere.example.com")
    assert app.conf.broker_url == "redis://elsewhere.example.com"
    with app.connection() as connection, pytest.raises(ConfigurationError, match="CELERY_BROKER_URL: names a broker"):
        connection.connect()


@pytest.mark.parametrize(
    ("scheme", "user", "sent"),
    [
        ("rediss", "app", "in-the-environment"),
        ("rediss", "other", "in-the-program"),
        ("redis", "app", "in-the-program"),
        ("amqp", "app", "in-the-environment"),
        ("amqp", "other", "in-the-program"),
    ],
)
def test_whose_password_is_sent(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch, scheme: str, user: str, sent: str
) -> None:
    """The page on Celery says it: the environment's for its own user, but with a Redis without TLS."""
    told: list[str] = []

    class Recorded(pyamqp.Connection):
        def __init__(self, **given: Any) -> None:
            told.append(given["password"])
            super().__init__(**given)

    monkeypatch.setattr(pyamqp.Transport, "Connection", Recorded)
    with eavesdropper.listening(certificates.good if scheme == "rediss" else None) as recorder:
        ca = f"?ssl_ca_certs={certificates.ca}" if scheme == "rediss" else ""
        app = ours({"BROKER_URL": f"{scheme}://app:in-the-environment@localhost:{recorder.port}/0{ca}"})
        app.conf.broker_url = f"{scheme}://{user}:in-the-program@localhost:{recorder.port}/0"
        client = app.connection()
        received = sent_through(recorder, client).decode(errors="replace")
    # py-amqp waits for the server's greeting before it logs in, with what it was told.
    used = received if scheme != "amqp" else " ".join(told)
    assert [each for each in ("in-the-environment", "in-the-program") if each in used] == [sent]
