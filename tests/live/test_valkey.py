"""A real Valkey, by its own schemes: to every client it is a Redis, with sentinels and without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import envconn
import redisserver
import sentinels
from envconn import TlsLevel
from matrix import MISNAMED, SITES, TLS, expected
from redis_clients import CLIENTS, SENTINEL_CLIENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envconn import Services
    from throwaway.binaries import Account
    from throwaway.certificates import Certificates

    Valkey = tuple[tuple[str, ...], Account]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redis.retry.sleep", lambda _: None)


def outcomes(uri: str, certificates: Certificates, clients: Mapping[str, Callable[[Services], str]]) -> dict[str, str]:
    services = envconn.load({"VALKEY_URL": uri, "ENVCONN_TLS_CA": str(certificates.ca)}, env_file=None)
    assert services.broker.tls.level == TlsLevel.VERIFY_FULL
    return {name: connect(services) for name, connect in clients.items()}


@pytest.mark.parametrize("state", ["good", "wronghost", "expired", "unknownca"])
def test_valkeys(valkey: Valkey, certificates: Certificates, state: str) -> None:
    command, account = valkey
    with redisserver.running(command, account, getattr(certificates, state), certificates.ca) as server:
        found = outcomes(server.uri(scheme="valkeys"), certificates, CLIENTS)
        assert "valkey" in server.log().lower()
    assert found == dict.fromkeys(CLIENTS, expected(TlsLevel.VERIFY_FULL, SITES[state], "ca"))


@pytest.mark.parametrize(("state", "right"), [("good", TLS), ("wronghost", MISNAMED)])
def test_sentinels(valkey: Valkey, certificates: Certificates, state: str, right: str) -> None:
    pairs = (certificates.good, getattr(certificates, state))
    with sentinels.running(*valkey, pairs, certificates.ca) as servers:
        assert outcomes(servers.uri(), certificates, SENTINEL_CLIENTS) == dict.fromkeys(SENTINEL_CLIENTS, right)
        if state == "good":
            servers.fail_over()
            assert outcomes(servers.uri(), certificates, SENTINEL_CLIENTS) == dict.fromkeys(SENTINEL_CLIENTS, right)
