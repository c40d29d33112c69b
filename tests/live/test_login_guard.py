"""Without verification: what can be required of the server instead, found out by trying it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import talker
from envconn.drivers import libpq
from logins import DRIVERS, MARKER, Staffed, codes, noted, staffed, tried
from talker import Script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bouncer import Bouncer
    from throwaway.certificates import Certificates

LIBPQ = ("psycopg", "psycopg2")
GUARDS = {"channel-binding-possible", "require-auth-possible", "password-unprotected"}


@pytest.fixture(scope="module")
def own(certificates: Certificates) -> Iterator[Staffed]:
    with staffed(certificates) as server:
        yield server


@pytest.mark.parametrize("driver", LIBPQ)
def test_a_server_that_binds(own: Staffed, driver: str) -> None:
    outcome = tried(own.uri(driver=driver, sslmode="require"))
    assert noted(outcome) == ["channel-binding-possible"]
    assert "Add channel_binding=require" in outcome.notes[0].message
    # What it says to add, works.
    assert noted(tried(own.uri(driver=driver, sslmode="require", channel_binding="require"))) == []


@pytest.mark.parametrize("driver", LIBPQ)
def test_a_pooler_that_cannot(bouncer: Bouncer, driver: str) -> None:
    uri = bouncer.uri(sslmode="require").replace("postgresql:", f"postgresql+{driver}:")
    outcome = tried(uri, ENVCONN_POOL_MODE="transaction")
    assert noted(outcome) == ["role-superuser", "require-auth-possible"]
    assert "Add require_auth=scram-sha-256" in outcome.notes[1].message
    demanding = tried(f"{uri}&require_auth=scram-sha-256", ENVCONN_POOL_MODE="transaction")
    assert noted(demanding) == ["role-superuser"]


@pytest.mark.parametrize("driver", LIBPQ)
def test_a_demand_that_is_not_met(bouncer: Bouncer, driver: str) -> None:
    uri = bouncer.uri(sslmode="require", channel_binding="require").replace("postgresql:", f"postgresql+{driver}:")
    outcome = tried(uri, ENVCONN_POOL_MODE="transaction")
    assert codes(outcome) == ["login-method-refused"]
    assert "SQLSTATE" not in outcome.problems[0].message


@pytest.mark.parametrize("driver", ["asyncpg", "pg8000"])
def test_a_driver_that_cannot(own: Staffed, driver: str) -> None:
    outcome = tried(own.uri(driver=driver, sslmode="require"))
    assert noted(outcome) == ["password-unprotected"]
    assert "Use sslmode=verify-full" in outcome.notes[0].message


@pytest.mark.parametrize("driver", LIBPQ)
def test_a_libpq_that_cannot(bouncer: Bouncer, driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libpq, "version", lambda _: 15_00_00)
    uri = bouncer.uri(sslmode="require").replace("postgresql:", f"postgresql+{driver}:")
    assert noted(tried(uri, ENVCONN_POOL_MODE="transaction")) == ["role-superuser", "password-unprotected"]


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_server_that_asks_for_the_password_as_plain_text(certificates: Certificates, driver: str) -> None:
    with talker.running(Script.CLEAR_TEXT, certificates.unknownca) as poser:
        outcome = tried(poser.uri(driver, sslmode="require"), timeout=2)
    # It got it once, from the login that the application would make, and not from the stricter ones.
    assert poser.passwords == [MARKER]
    assert codes(outcome) == ["timed-out"]


def test_a_server_that_requests_the_password_and_accepts_it(certificates: Certificates) -> None:
    with talker.running(Script.CLEAR_TEXT_IGNORANT, certificates.unknownca) as poser:
        outcome = tried(poser.uri("psycopg", sslmode="require"))
    assert poser.passwords == [MARKER]
    assert GUARDS.intersection(noted(outcome)) == {"password-unprotected"}


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("sslmode", ["verify-ca", "verify-full"])
def test_a_verified_server_may_request_the_password(own: Staffed, driver: str, sslmode: str) -> None:
    outcome = tried(own.uri(driver=driver, sslmode=sslmode, sslrootcert=str(own.ca)))
    assert noted(outcome) == []


@pytest.mark.parametrize("driver", LIBPQ)
@pytest.mark.parametrize("script", [Script.ONCE, Script.ONCE_THEN_SILENT])
def test_a_second_login_that_says_nothing_about_it(certificates: Certificates, driver: str, script: Script) -> None:
    with talker.running(script, certificates.good) as server:
        outcome = tried(server.uri(driver, sslmode="require"), timeout=3)
    assert server.startups == 2
    assert GUARDS.isdisjoint(noted(outcome))
