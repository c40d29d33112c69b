"""Redis Sentinel: one verdict on the way to the sentinels and to the Redis that they name, in every client."""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery
from redis.backoff import NoBackoff
from redis.retry import Retry

import eavesdropper
import envconn
import liar
import sentinels
from envconn import TlsLevel
from envconn_celery import config, registry
from envconn_celery.transport import SentinelTransport
from envconn_redis.connections import SentinelUnencryptedConnection
from matrix import FLOORS, MISNAMED, NO_TLS, REDIS, SITES, TLS, UNTRUSTED, expected
from redis_clients import SENTINEL_CLIENTS as CLIENTS

if TYPE_CHECKING:
    from redisserver import Redis
    from sentinels import Sentinels
    from servers import States
    from throwaway.certificates import Certificates

LEVELS = [(query, *each) for query, found in REDIS.items() for each in zip(FLOORS, found, strict=True)]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """redis-py waits seconds before it tries again what cannot work."""
    monkeypatch.setattr("redis.retry.sleep", lambda _: None)


def loaded(uri: str, certificates: Certificates, **environ: str) -> envconn.Services:
    stated = {"REDIS_URL": uri, "ENVCONN_TLS_CA": str(certificates.ca), **environ}
    return envconn.load(stated, env_file=None)


@pytest.fixture(scope="module")
def trials() -> dict[tuple[str, TlsLevel], dict[str, str]]:
    """What came of connecting to a set at a level, by client; the same promise is not tried twice."""
    return {}


@pytest.mark.parametrize(("query", "floor", "level"), LEVELS)
@pytest.mark.parametrize("state", sentinels.STATES)
def test_each_leg(
    sentinel_sets: States[Sentinels],
    certificates: Certificates,
    trials: dict[tuple[str, TlsLevel], dict[str, str]],
    state: str,
    query: str,
    floor: str,
    level: TlsLevel,
) -> None:
    environ = {"ENVCONN_TLS": floor, "ENVCONN_TLS_LOCAL": "enforce"}
    environ |= {"ENVCONN_TLS_CA": str(certificates.ca)} if level >= TlsLevel.VERIFY_CA else {}
    uri = "&".join(filter(None, (sentinel_sets[state].uri(socket_timeout="2"), query)))
    services = envconn.load({"REDIS_URL": uri, **environ}, env_file=None)
    assert services.broker.tls.level == level
    if (state, level) not in trials:
        trials[state, level] = {name: connect(services) for name, connect in CLIENTS.items()}
    right = expected(level, SITES[state.rpartition(" ")[2].replace("names", "good")], "ca")
    assert trials[state, level] == dict.fromkeys(CLIENTS, right)


@pytest.mark.parametrize("state", ["plain", "expired", "wronghost", "unknownca"])
def test_a_sentinel_that_names_another_server(
    redis_server: States[Redis], certificates: Certificates, state: str
) -> None:
    """Its own certificate is right, that of the master it names is not: no password is sent."""
    named = redis_server[state]
    with liar.naming(certificates.good, "127.0.0.1", named.port) as port:
        uri = f"rediss+sentinel://:{named.password}@localhost:{port}/{sentinels.MASTER}"
        services = loaded(f"{uri}?socket_connect_timeout=0.2&socket_timeout=0.5", certificates)
        right = {"plain": NO_TLS, "wronghost": MISNAMED}.get(state, UNTRUSTED)
        assert {name: connect(services) for name, connect in CLIENTS.items()} == dict.fromkeys(CLIENTS, right)


def test_a_sentinel_that_names_the_right_one(redis_server: States[Redis], certificates: Certificates) -> None:
    """The stand-in is one that clients believe."""
    named = redis_server["good"]
    with liar.naming(certificates.good, "127.0.0.1", named.port) as port:
        uri = f"rediss+sentinel://:{named.password}@localhost:{port}/{sentinels.MASTER}"
        services = loaded(uri, certificates)
        assert {name: connect(services) for name, connect in CLIENTS.items()} == dict.fromkeys(CLIENTS, TLS)


def test_nothing_is_sent_unencrypted_to_the_master_of_a_sentinel(certificates: Certificates) -> None:
    with eavesdropper.listening(None) as recorder, liar.naming(certificates.good, "127.0.0.1", recorder.port) as port:
        uri = f"rediss+sentinel://:marker-password@localhost:{port}/{sentinels.MASTER}?socket_connect_timeout=0.2"
        services = loaded(uri, certificates)
        for connect in CLIENTS.values():
            assert connect(services) == NO_TLS
    assert recorder.received
    assert all(sent.startswith(b"\x16\x03\x01") for sent in recorder.received)
    assert not any(b"marker-password" in sent for sent in recorder.received)


def test_without_tls_on_this_machine(redis_server: States[Redis]) -> None:
    """In clear from end to end, to this machine and nowhere else."""
    named = redis_server["plain"]
    with liar.naming(None, "127.0.0.1", named.port) as port:
        environ = {
            "REDIS_URL": f"sentinel://:{named.password}@localhost:{port}/0",
            "ENVCONN_SENTINEL_MASTER": sentinels.MASTER,
        }
        services = envconn.load(environ, env_file=None)
        assert {name: connect(services) for name, connect in CLIENTS.items()} == dict.fromkeys(CLIENTS, TLS)
        assert services.broker.tls.level == TlsLevel.NONE


@pytest.mark.parametrize("named", ["192.0.2.7", "redis.example.com"])
def test_without_tls_to_another_machine(named: str) -> None:
    with liar.naming(None, named, 6379) as port:
        uri = f"redis+sentinel://:marker-password@127.0.0.1:{port}/{sentinels.MASTER}"
        services = envconn.load({"REDIS_URL": uri}, env_file=None)
        for connect in CLIENTS.values():
            assert "on another machine" in connect(services)
        with pytest.raises(envconn.ConfigurationError):
            envconn.load({"REDIS_URL": uri.replace("127.0.0.1", named)}, env_file=None)


def test_a_waiver_applies_to_the_master_of_the_sentinels(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address is waived; no server listens there."""
    uri = f"redis+sentinel://10.1.2.3,10.1.2.4/{sentinels.MASTER}"
    services = envconn.load({"REDIS_URL": uri, "ENVCONN_TLS_WAIVE": "10.1.0.0/16 *.internal"}, env_file=None)
    app = Celery("ours", set_as_current=False)
    app.conf.update(config(services))
    pool = app.backend.client.connection_pool
    assert pool.connection_kwargs["unencrypted_to"] == ["10.1.0.0/16"]
    assert issubclass(pool.connection_class, SentinelUnencryptedConnection)


def naive(uri: str, sentinel_options: dict[str, Any], **settings: Any) -> None:
    """Connect with Celery as its documentation has it, whatever comes of it; `asked` is for the sentinels."""
    hasty = {"socket_timeout": 0.2, "retry": Retry(NoBackoff(), 0)}
    options = {"master_name": sentinels.MASTER, "sentinel_kwargs": sentinel_options | hasty, "socket_timeout": 0.2}
    app = Celery("theirs", set_as_current=False)
    app.conf.update(broker_url=uri, broker_transport_options=options, **settings)
    with app.connection() as connection, suppress(Exception):
        connection.channel().client.ping()


def test_celerys_own_flag_leaves_the_sentinels_unencrypted(certificates: Certificates) -> None:
    """``broker_use_ssl`` is about the Redis alone: sentinels are asked, and their password is sent, unencrypted."""
    verify = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_ca_certs": str(certificates.ca)}
    with eavesdropper.listening(None) as recorder:
        naive(f"sentinel://localhost:{recorder.port}/0", {"password": "marker-password"}, broker_use_ssl=verify)
    assert any(b"marker-password" in sent for sent in recorder.received)
    with eavesdropper.listening(None) as recorder:
        uri = f"rediss+sentinel://localhost:{recorder.port}/m?sentinel_password=marker-password&socket_connect_timeout=0.2"
        services = loaded(uri, certificates)
        for connect in CLIENTS.values():
            assert connect(services) == NO_TLS
    assert recorder.received
    assert not any(b"marker-password" in sent for sent in recorder.received)


def test_celerys_own_sentinels_over_tls_leave_the_redis_unencrypted(certificates: Certificates) -> None:
    """And the other way round: TLS to the sentinels does not imply TLS to the master."""
    options = {"ssl": True, "ssl_cert_reqs": "required", "ssl_ca_certs": str(certificates.ca)}
    with eavesdropper.listening(None) as recorder, liar.naming(certificates.good, "127.0.0.1", recorder.port) as port:
        naive(f"sentinel://:marker-password@localhost:{port}/0", options)
    assert any(b"marker-password" in sent for sent in recorder.received)


def test_celerys_own_trusts_public_cas_on_each_leg(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate of any public CA for the name will do, though the CA is stated."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.other_ca))
    verify = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_ca_certs": str(certificates.ca), "ssl_check_hostname": True}
    with (
        eavesdropper.listening(certificates.unknownca) as recorder,
        liar.naming(certificates.unknownca, "127.0.0.1", recorder.port) as port,
    ):
        naive(f"sentinel://:marker-password@localhost:{port}/0", {"ssl": True, **verify}, broker_use_ssl=verify)
    assert any(b"marker-password" in sent for sent in recorder.received)
    for pair in (certificates.unknownca, certificates.good):
        with (
            eavesdropper.listening(certificates.unknownca) as recorder,
            liar.naming(pair, "127.0.0.1", recorder.port) as port,
        ):
            uri = f"rediss+sentinel://:marker-password@localhost:{port}/{sentinels.MASTER}"
            for connect in CLIENTS.values():
                assert connect(loaded(uri, certificates)) == UNTRUSTED
        assert b"".join(recorder.received) == b""


def test_the_next_member_of_a_list_is_judged_as_well(certificates: Certificates) -> None:
    """kombu takes the class of the scheme for it (kombu/connection.py, switch)."""
    services = loaded(f"rediss+sentinel://h1:1,h2:2/{sentinels.MASTER}", certificates)
    app = Celery("ours", set_as_current=False)
    app.conf.update(config(services))
    app.conf.broker_url = "sentinel://h1:1;sentinel://h2:2;sentinel://h3:3"
    connection = app.connection()
    for judged in (True, True, False):
        if judged:
            assert registry.broker(connection, "sentinel") is services.broker
        else:
            with pytest.raises(envconn.ConfigurationError, match="broker_url: names a broker"):
                connection.connect()
        connection.maybe_switch_next()
        assert isinstance(connection.transport, SentinelTransport)


def test_what_is_checked_how_often(sentinel_sets: States[Sentinels], certificates: Certificates) -> None:
    """Health checks reach the very connections, of broker, results and cache."""
    uri = sentinel_sets["good"].uri(health_check_interval="7")
    services = loaded(uri, certificates)
    app = Celery("ours", set_as_current=False)
    app.conf.update(config(services, results="cache"))
    with app.connection() as connection:
        pools = [connection.default_channel.pool, connection.default_channel._get_pool(asynchronous=True)]
        pools.append(app.backend.client.connection_pool)
        for pool in pools:
            made = pool.make_connection()
            assert made.health_check_interval == 7
            made.disconnect()
