"""What is said about a PostgreSQL that let us in, and is not what it should be."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

import edges
from envconn.probe import examine
from envconn.probe.login import log_in
from logins import DRIVERS, MARKER, Staffed, administer, codes, decent, judged, noted, staffed, tried
from throwaway import postgres
from throwaway.process import listens, wait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edges import Edge
    from throwaway.certificates import Certificates


@pytest.fixture(scope="module")
def own(certificates: Certificates) -> Iterator[Staffed]:
    with staffed(certificates) as server:
        yield server


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_superuser(own: Staffed, driver: str) -> None:
    outcome = tried(own.uri("app", driver=driver))
    assert noted(outcome) == ["role-superuser"]
    assert outcome.login
    assert outcome.login.superuser is True


def test_a_member_of_the_role_that_replaces_superuser(own: Staffed) -> None:
    outcome = tried(own.uri("master"))
    assert noted(outcome) == ["role-superuser"]
    assert outcome.login
    assert outcome.login.superuser is True


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_role_that_may_only_read(own: Staffed, driver: str) -> None:
    outcome = tried(own.uri("reader", driver=driver))
    assert noted(outcome) == ["primary-is-read-only"]
    assert "default_transaction_read_only" in outcome.notes[0].message
    assert outcome.login
    assert outcome.login.read_only is True


def test_a_limit_of_the_role(own: Staffed) -> None:
    outcome = tried(own.uri("cramped"))
    assert noted(outcome) == ["connections-scarce"]
    assert "1 of the role's 4 connections" in outcome.notes[0].message
    assert "CONNECTION LIMIT" in outcome.notes[0].message


def test_few_connections_left(own: Staffed) -> None:
    with ExitStack() as held:
        for _ in range(23):
            held.enter_context(psycopg.connect(own.uri()))
        outcome = tried(own.uri())
        assert noted(outcome) == ["connections-scarce"]
        assert "24 of the server's 27 connections" in outcome.notes[0].message
        assert outcome.login
        assert (outcome.login.connections, outcome.login.max_connections) == (24, 30)
        for _ in range(4):
            held.enter_context(psycopg.connect(own.uri()))
        assert codes(tried(own.uri())) == ["server-full"]
        # Three are reserved for superusers, and no limit of a role applies to them.
        assert noted(tried(own.uri("app"))) == ["role-superuser", "connections-scarce"]
        for _ in range(3):
            held.enter_context(psycopg.connect(own.uri("app")))
        proof = examine(judged(own.uri()))
        assert ([problem.code for problem in proof.problems], proof.exit_code) == (["server-full"], 69)


@contextmanager
def standby(certificates: Certificates, *, hot: bool) -> Iterator[Staffed]:
    """A server that stays in recovery, and accepts queries if it is a hot standby."""
    with postgres.template() as template, template.running(certificates.good) as server:
        administer(server, [f"create role plain login password '{MARKER}'"])
        server.stop()
        data = server.home / "data"
        (data / "standby.signal").touch()
        if hot:
            server.start(template.binaries, certificates.good)
        else:
            with (data / "postgresql.conf").open("a", encoding="utf-8") as configuration:
                configuration.write("hot_standby = off\n")
            command = [str(template.binaries / "postgres"), "-D", str(data)]
            server._process = server.account.popen(command, server.home / "log")
            wait(lambda: listens(server.address, server.port), "the standby", seconds=20)
        yield Staffed(server, certificates.ca)


def test_a_server_that_recovers(certificates: Certificates) -> None:
    with standby(certificates, hot=False) as own:
        for driver in DRIVERS:
            outcome = tried(own.uri(driver=driver))
            assert codes(outcome) == ["server-starting"]
            assert "57P03" in outcome.problems[0].message
        proof = examine(judged(own.uri()))
    assert ([problem.code for problem in proof.problems], proof.exit_code) == (["server-starting"], 69)


def test_a_standby(certificates: Certificates) -> None:
    with standby(certificates, hot=True) as own:
        outcome = tried(own.uri())
    assert noted(outcome) == ["primary-is-read-only"]
    assert "standby" in outcome.notes[0].message
    assert outcome.login
    assert outcome.login.read_only is True


def test_a_replica_that_is_a_primary(planetscale_like: Edge) -> None:
    uri = planetscale_like.uri(edges.PLANETSCALE, user="app.branch1234ab|replica")
    outcome = decent(log_in(judged(uri), timeout=20))
    assert noted(outcome) == ["replica-is-primary"]
    assert noted(decent(log_in(judged(planetscale_like.uri(edges.PLANETSCALE)), timeout=20))) == []


def test_the_pooled_endpoint_of_a_provider(planetscale_like: Edge, neon_like: Edge) -> None:
    for uri in (
        planetscale_like.uri(edges.PLANETSCALE, pooled=True),
        neon_like.uri(edges.NEON.replace(".", "-pooler.", 1), pooled=True),
    ):
        outcome = decent(log_in(judged(uri), timeout=20))
        assert noted(outcome) == []
        assert outcome.login
        assert outcome.login.pooled is True
