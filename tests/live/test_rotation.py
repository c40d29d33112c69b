"""A password that changes while a program runs: in every factory, on a real server and through a mounted file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import envconn
from factories import FACTORIES, POOLED, opened
from mounted import Vault, count_readings
from throwaway import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from throwaway.certificates import Certificates
    from throwaway.server import Server


@pytest.fixture(scope="module")
def private(certificates: Certificates) -> Iterator[Server]:
    """A server whose roles these tests change."""
    with postgres.running(certificates.good) as server:
        yield server


@pytest.fixture
def vault(private: Server, tmp_path: Path, certificates: Certificates) -> Iterator[Vault]:
    made = Vault(private, tmp_path, certificates)
    yield made
    made.close()


@pytest.mark.parametrize("name", FACTORIES)
def test_the_next_connection_takes_the_new_password(vault: Vault, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    readings = count_readings(monkeypatch)
    services = vault.load()
    with opened(name, services) as ask:
        assert ask() == vault.role
        for round_ in (1, 2):
            vault.rotate()
            assert vault.cut() == (name in POOLED)
            assert ask() == vault.role
            assert (len(readings), vault.refused()) == (1 + round_, round_)
        assert services.database.password == envconn.Secret(vault.password)


@pytest.mark.parametrize("name", FACTORIES)
def test_connections_that_are_open_go_on(vault: Vault, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    readings = count_readings(monkeypatch)
    with opened(name, vault.load()) as ask:
        assert ask() == vault.role
        vault.rotate()
        if name in POOLED:
            assert ask() == vault.role
            assert (len(readings), vault.refused()) == (1, 0)
