"""A rotation under load: the file changes, the password changes, every connection is cut, and no request is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import envconn
from throwaway.process import wait
from traffic import PLAIN, POOLS, all_are_open, running

if TYPE_CHECKING:
    from mounted import Vault


@pytest.mark.parametrize("pool", POOLS)
def test_nothing_is_lost(vault: Vault, pool: str) -> None:
    services = vault.load()
    with running(POOLS[pool], services) as counts:
        for _ in range(2):
            all_are_open(vault.admin, vault.role)
            vault.rotate()
            assert vault.cut() >= 1
        all_are_open(vault.admin, vault.role)
    assert counts["lost"] == 0, counts
    assert vault.refused() >= 2, "no client had to log in again"
    assert services.database.password
    assert services.database.password.reveal() == vault.password


@pytest.mark.parametrize("by", ["agent", "operator", "driver"])
def test_nothing_is_lost_with_another_user(vault: Vault, by: str) -> None:
    services = envconn.load(vault.delivered(by), env_file=None)
    first = vault.role
    # Other pools may lose a request whose connection is cut in the middle of their own check.
    with running(POOLS["psycopg_pool"], services) as counts:
        for _ in range(2):
            all_are_open(vault.admin, vault.role)
            before = vault.lease()
            assert vault.end_lease(before) >= 1
        all_are_open(vault.admin, vault.role)
    assert counts["lost"] == 0, counts
    assert services.database.user == vault.role != first
    assert services.database.password == envconn.Secret(vault.password)


@pytest.mark.parametrize("pool", PLAIN)
def test_a_pool_that_does_not_follow_loses_requests(vault: Vault, pool: str) -> None:
    with running(PLAIN[pool], vault.load()) as counts:
        all_are_open(vault.admin, vault.role)
        vault.rotate()
        vault.cut()
        wait(lambda: counts["lost"] > 0, "a lost request", seconds=15)
