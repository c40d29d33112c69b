"""A rotation under load: the file changes, the password changes, every connection is cut, and no request is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

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


@pytest.mark.parametrize("pool", PLAIN)
def test_a_pool_that_does_not_follow_loses_requests(vault: Vault, pool: str) -> None:
    with running(PLAIN[pool], vault.load()) as counts:
        all_are_open(vault.admin, vault.role)
        vault.rotate()
        vault.cut()
        wait(lambda: counts["lost"] > 0, "a lost request", seconds=15)
