"""A login to a provider whose roots are shipped: chosen by the region in the hostname, and no other CA is accepted.

The roots are of our own making, put in the place of those that are shipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

import envconn
import envconn_psycopg
from envconn.providers import recognition
from throwaway import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from throwaway.certificates import Certificates
    from throwaway.server import Server

HERE, ELSEWHERE, UNKNOWN = (
    f"shop.abcdefghijkl.{region}.rds.amazonaws.com" for region in ("eu-west-1", "us-east-1", "xx-new-1")
)


@pytest.fixture(scope="module")
def server(certificates: Certificates) -> Iterator[Server]:
    with postgres.running(certificates.issue(HERE, ELSEWHERE, UNKNOWN)) as running:
        yield running


@pytest.fixture(autouse=True)
def roots(certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "aws-rds").mkdir()
    (tmp_path / "aws-rds" / "eu-west-1.pem").write_bytes(certificates.ca.read_bytes())
    (tmp_path / "aws-rds" / "us-east-1.pem").write_bytes(certificates.other_ca.read_bytes())
    monkeypatch.setattr(recognition, "ROOTS", str(tmp_path))


def load(server: Server, host: str, **parameters: str) -> envconn.Services:
    # hostaddr makes it local, which the floor would not apply to.
    environ = {"DATABASE_URL": server.uri(host, hostaddr="127.0.0.1", **parameters), "ENVCONN_TLS_LOCAL": "enforce"}
    return envconn.load({**environ, "ENVCONN_TLS": "best"}, env_file=None)


@pytest.mark.parametrize("parameters", [{}, {"sslmode": "require"}, {"sslmode": "verify-full"}], ids=str)
def test_best_verifies_with_the_roots_of_the_region(server: Server, parameters: dict[str, str]) -> None:
    services = load(server, HERE, **parameters)
    assert services.database.tls.level == "verify-full"
    assert services.database.tls.ca
    assert services.database.tls.ca.path.endswith("/aws-rds/eu-west-1.pem")
    with envconn_psycopg.connect(services) as connection:
        assert connection.pgconn.ssl_in_use


def test_the_roots_of_another_region_are_no_ca(server: Server) -> None:
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        envconn_psycopg.connect(load(server, ELSEWHERE))


def test_a_region_without_roots_is_not_verified_and_says_how_it_could_be(server: Server) -> None:
    assert load(server, UNKNOWN).database.tls.level == "encrypted"
    services = envconn.load({"DATABASE_URL": f"postgresql://app:x@{UNKNOWN}/app", "ENVCONN_TLS": "best"}, env_file=None)
    [note] = [note for note in services.report().notes if note.code == "tls-better"]
    assert "Download the bundle of the region" in note.message
    with pytest.raises(envconn.ConfigurationError, match="requires a CA"):
        load(server, UNKNOWN, sslmode="verify-full")
