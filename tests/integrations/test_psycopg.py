"""psycopg 3 and psycopg2 against real servers: what is handed over, and what becomes of it.

Whether the TLS promise holds is the business of tests/live/test_matrix.py; this is everything else
that a connection has to get right.
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import psycopg2
import pytest
from psycopg.rows import dict_row

import envconn
import envconn_psycopg
import libpq_drivers
import matrix
from fakes import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from envconn import SecuredConnection
    from fakes import Fake
    from lab import Lab
    from throwaway.certificates import Certificates
    from throwaway.server import Server

DRIVERS = tuple(libpq_drivers.DRIVERS)


def load(uri: str, **environ: str) -> SecuredConnection:
    return envconn.load({"DATABASE_URL": uri, **environ}, env_file=None).database


def outcome(driver: str, judged: SecuredConnection) -> str:
    return libpq_drivers.outcome(driver, "", envconn_psycopg.kwargs(judged, driver=libpq_drivers.family(driver)))


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_only_what_was_judged_is_taken(driver: str) -> None:
    text = "postgresql://app:marker-password@db.example.com/app"
    for unjudged in (envconn.parse(text), text, {"host": "db.example.com"}, object()):
        with pytest.raises(TypeError) as refusal:
            envconn_psycopg.kwargs(unjudged, driver=driver)  # type: ignore[arg-type]
        assert "marker-password" not in str(refusal.value)
    with pytest.raises(TypeError):
        envconn_psycopg.connect(envconn.parse(text))  # type: ignore[call-overload]


def test_connect_reads_the_environment(monkeypatch: pytest.MonkeyPatch, lab: Lab, certificates: Certificates) -> None:
    uri = lab["good"].uri(sslmode="verify-full", sslrootcert=str(certificates.ca))
    monkeypatch.setenv("DATABASE_URL", uri)
    for autocommit in (False, True):
        with envconn_psycopg.connect(autocommit=autocommit) as connection:
            assert connection.autocommit is autocommit
            assert connection.pgconn.ssl_in_use
            assert connection.execute("select 1").fetchone() == (1,)


def test_options_are_psycopgs(lab: Lab) -> None:
    services = envconn.load({"DATABASE_URL": lab["good"].uri(sslmode="require")}, env_file=None)
    with envconn_psycopg.connect(services, row_factory=dict_row, application_name="job") as connection:
        assert connection.execute("select current_setting('application_name') as name").fetchone() == {"name": "job"}
    for name in ("conninfo", "host", "sslmode", "password"):
        with pytest.raises(envconn.ConfigurationError, match=f"DATABASE_URL: {name} "):
            envconn_psycopg.connect(services, **{name: "marker-value"})
    assert lab["good"].password not in repr(envconn_psycopg.kwargs(services))


def test_connect_without_configuration_says_so() -> None:
    with pytest.raises(envconn.ConfigurationError, match="DATABASE_URL"):
        envconn_psycopg.connect()


@pytest.mark.parametrize("autocommit", [False, True])
def test_aconnect_reads_the_environment(monkeypatch: pytest.MonkeyPatch, lab: Lab, *, autocommit: bool) -> None:
    monkeypatch.setenv("DATABASE_URL", lab["good"].uri(sslmode="require"))

    async def one() -> tuple[int] | None:
        async with await envconn_psycopg.aconnect(autocommit=autocommit) as connection:
            assert connection.autocommit is autocommit
            assert connection.pgconn.ssl_in_use
            cursor = await connection.execute("select 1")
            row: tuple[int] | None = await cursor.fetchone()
            return row

    assert asyncio.run(one()) == (1,)


@pytest.mark.parametrize("source", ["services", "connection"])
def test_services_and_connections_are_taken(lab: Lab, source: str) -> None:
    services = envconn.load({"DATABASE_URL": lab["good"].uri(sslmode="require")}, env_file=None)
    given = services if source == "services" else services.database
    with envconn_psycopg.connect(given) as connection:
        assert connection.pgconn.ssl_in_use
    with closing(psycopg2.connect(**envconn_psycopg.kwargs(given, driver="psycopg2"))) as other:
        assert other.info.ssl_in_use


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("hostaddr", [{}, {"hostaddr": "127.0.0.1,127.0.0.1"}], ids=["name", "hostaddr"])
@pytest.mark.parametrize("first", ["expired", "wronghost", "unknownca", "notls"])
def test_a_host_that_breaks_the_promise_is_not_taken(
    lab: Lab, certificates: Certificates, driver: str, hostaddr: dict[str, str], first: str
) -> None:
    judged = two_hosts(lab[first].port, lab["good"], certificates, hostaddr)
    # psycopg 3 makes an attempt for each host by itself. libpq goes on to the next host when one cannot
    # be reached, and gives up at one that can and fails the handshake.
    refused = matrix.expected(judged.tls.level, matrix.SITES[first], "ca")
    assert outcome(driver, judged) == (refused if driver == "psycopg2" else matrix.TLS)


def test_a_thief_among_the_hosts_learns_nothing(
    lab: Lab, certificates: Certificates, fake: Callable[[Answer], Fake]
) -> None:
    thief = fake(Answer.N)
    for driver in DRIVERS:
        outcome(driver, two_hosts(thief.port, lab["good"], certificates, {}))
    assert thief.requests == ["ssl"] * len(DRIVERS)
    assert not thief.saw_startup_unencrypted


def two_hosts(first: int, good: Server, certificates: Certificates, hostaddr: dict[str, str]) -> SecuredConnection:
    """Load an address with two hosts, both at home, on the port `first` and on that of `good`."""
    query = {"sslmode": "verify-full", "sslrootcert": str(certificates.ca), "connect_timeout": "10", **hostaddr}
    uri = good.uri(f"localhost:{first},localhost", **query)
    return load(uri, ENVCONN_TLS_LOCAL="enforce")


@pytest.mark.parametrize("driver", DRIVERS)
def test_unix_socket(lab: Lab, driver: str) -> None:
    server = lab["good"]
    uri = f"{server.uri('')}?host={server.home}&sslmode=verify-full"
    judged = load(uri)
    assert judged.tls.level == envconn.TlsLevel.NONE
    assert outcome(driver, judged) == matrix.CLEAR
    with pytest.raises(envconn.ConfigurationError) as refusal:
        load(uri, ENVCONN_TLS_LOCAL="enforce")
    assert "socket-enforced" in {problem.code for problem in refusal.value.problems}


@pytest.mark.parametrize("driver", DRIVERS)
def test_options_and_names_arrive(lab: Lab, driver: str) -> None:
    uri = lab["good"].uri(sslmode="require", application_name="name of ours", options="-c statement_timeout=4321")
    arguments = envconn_psycopg.kwargs(load(uri), driver=libpq_drivers.family(driver))
    module = psycopg2 if driver == "psycopg2" else psycopg
    with closing(module.connect(**arguments)) as connection, connection.cursor() as cursor:
        cursor.execute("select current_setting('application_name'), current_setting('statement_timeout')")
        assert cursor.fetchone() == ("name of ours", "4321ms")
