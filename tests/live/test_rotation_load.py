"""A rotation under load: the file changes, the password changes, every connection is cut, and no request is lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from traffic import PLAIN, POOLS, running

if TYPE_CHECKING:
    from mounted import Vault


@pytest.mark.parametrize("pool", POOLS)
def test_nothing_is_lost(vault: Vault, pool: str) -> None:
    services = vault.load()
    with running(POOLS[pool], services) as counts:
        for _ in range(2):
            time.sleep(0.4)
            vault.rotate()
            assert vault.cut() >= 1
        time.sleep(0.2)
        before = counts["served"]
        time.sleep(0.4)
    assert counts["lost"] == 0, counts
    assert counts["served"] > before > 0, "the traffic stopped"
    assert vault.refused() >= 2, "no client had to log in again"
    assert services.database.password
    assert services.database.password.reveal() == vault.password


@pytest.mark.parametrize("pool", PLAIN)
def test_a_pool_that_does_not_follow_loses_requests(vault: Vault, pool: str) -> None:
    with running(PLAIN[pool], vault.load()) as counts:
        time.sleep(0.3)
        vault.rotate()
        vault.cut()
        time.sleep(0.8)
    assert counts["served"] > 0
    assert counts["lost"] > 0, counts
