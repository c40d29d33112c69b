"""Logging in through a real PgBouncer, told and untold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

import bouncer as bouncers
from logins import DRIVERS, alone, codes, noted, tried

if TYPE_CHECKING:
    from bouncer import Bouncer
    from installed import Installations
    from lab import Lab
    from throwaway.certificates import Certificates


@pytest.fixture(params=["bouncer", "newer_bouncer"])
def pooler(request: pytest.FixtureRequest) -> Bouncer:
    found: Bouncer = request.getfixturevalue(request.param)
    return found


def through(pooler: Bouncer, certificates: Certificates, driver: str = "psycopg") -> str:
    uri = pooler.uri(sslmode="verify-full", sslrootcert=str(certificates.ca))
    return uri.replace("postgresql:", f"postgresql+{driver}:")


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_pooler_that_is_not_stated(pooler: Bouncer, certificates: Certificates, driver: str) -> None:
    outcome = tried(through(pooler, certificates, driver))
    assert noted(outcome) == ["pooler-unstated", "role-superuser"]
    assert "ENVCONN_POOL_MODE=transaction" in outcome.notes[0].message
    assert outcome.login
    assert outcome.login.pooled is True
    assert outcome.login.tls is True


def test_the_next_client_finds_no_leftovers(bouncer: Bouncer, certificates: Certificates, lab: Lab) -> None:
    for driver in DRIVERS:
        # Processes of their own, since asyncpg numbers its statements throughout one; two servers take turns.
        for _ in range(3):
            assert alone(through(bouncer, certificates, driver)) == [driver, lab["good"].version]


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_a_pooler_that_is_stated(pooler: Bouncer, certificates: Certificates, driver: str, mode: str) -> None:
    outcome = tried(through(pooler, certificates, driver), ENVCONN_POOL_MODE=mode)
    assert noted(outcome) == ["role-superuser"]


def test_a_pooler_that_was_denied(pooler: Bouncer, certificates: Certificates) -> None:
    outcome = tried(through(pooler, certificates), ENVCONN_POOL_MODE="none")
    assert noted(outcome) == ["pooler-unstated", "role-superuser"]
    assert "ENVCONN_POOL_MODE=none" in outcome.notes[0].message


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_pooler_that_is_not_there(lab: Lab, certificates: Certificates, driver: str) -> None:
    uri = lab["good"].uri(sslmode="verify-full", sslrootcert=str(certificates.ca))
    outcome = tried(uri.replace("postgresql:", f"postgresql+{driver}:"), ENVCONN_POOL_MODE="transaction")
    assert noted(outcome) == ["pooler-absent", "role-superuser"]
    assert "ENVCONN_POOL_MODE=none" in outcome.notes[0].message


@pytest.mark.parametrize("driver", DRIVERS)
def test_what_a_pooler_refuses(pooler: Bouncer, certificates: Certificates, driver: str) -> None:
    uri = through(pooler, certificates, driver)
    outcome = tried(uri.replace(pooler.password, "wrong"))
    assert codes(outcome) == ["password-refused"]
    assert "08P01" in outcome.problems[0].message


def test_a_database_that_a_pooler_does_not_know(pooler: Bouncer, certificates: Certificates) -> None:
    # The pooler asks once, and the next client waits.
    outcome = tried(through(pooler, certificates).replace("/postgres?", "/absent?"))
    assert codes(outcome) == ["database-absent"]


def test_the_second_hop_unencrypted(installations: Installations, lab: Lab, certificates: Certificates) -> None:
    command = installations.command("pgbouncer")
    with bouncers.running(command, lab["both"], certificates, certificates.good, upstream="disable") as pooler:
        outcome = tried(through(pooler, certificates), ENVCONN_POOL_MODE="transaction")
    assert noted(outcome) == ["tls-unseen-behind-pooler", "role-superuser"]
    assert outcome.login
    assert outcome.login.tls is False


def test_a_pooler_that_is_full(installations: Installations, lab: Lab, certificates: Certificates) -> None:
    command = installations.command("pgbouncer")
    with (
        bouncers.running(command, lab["good"], certificates, certificates.good, clients=1) as pooler,
        psycopg.connect(pooler.uri(sslmode="require")),
    ):
        for driver in DRIVERS:
            outcome = tried(through(pooler, certificates, driver), ENVCONN_POOL_MODE="transaction")
            assert codes(outcome) == ["server-full"]
