"""Behind names like the providers': the pooled endpoint is the pooler, the direct one is not, both with what they need.

PgBouncer lists its clients by their ports, and names no server process to them at start-up, as PostgreSQL does.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, Literal

import psycopg
import psycopg2
import pytest

import envconn
import envconn_psycopg
import libpq_drivers
import matrix
from edges import NEON, PLANETSCALE
from pooling import OK, OURS, is_direct, own_port, storm

if TYPE_CHECKING:
    from edges import Edge
    from envconn import SecuredConnection, Services

DRIVERS: tuple[Literal["psycopg", "psycopg2"], ...] = ("psycopg", "psycopg2")
OPTIONS = "-c statement_timeout=4321"
POOLED_NEON = NEON.replace(".", "-pooler.", 1)


def load(**environ: str) -> Services:
    return envconn.load({"ENVCONN_TLS_LOCAL": "enforce", **environ}, env_file=None)


def connect(connection: SecuredConnection, driver: Literal["psycopg", "psycopg2"]) -> Any:
    arguments = envconn_psycopg.kwargs(connection, driver=driver)
    return psycopg2.connect(**arguments) if driver == "psycopg2" else psycopg.connect(**arguments)


def is_pooled(edge: Edge, connection: SecuredConnection, driver: Literal["psycopg", "psycopg2"] = "psycopg") -> bool:
    """Connect, and let both servers say who is there."""
    assert connection.tls.level == envconn.TlsLevel.VERIFY_FULL
    with closing(connect(connection, driver)) as opened:
        through = edge.bouncer.serves(own_port(opened))
        assert is_direct(opened) is not through
    return through


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("given", [True, False])
def test_planetscale_by_port(planetscale_like: Edge, driver: Literal["psycopg", "psycopg2"], *, given: bool) -> None:
    services = load(DATABASE_URL=planetscale_like.uri(PLANETSCALE, pooled=given))
    for pooled, port in ((True, 6432), (False, 5432)):
        endpoint = services.connection("database", pooled=pooled)
        assert (endpoint.provider, endpoint.port, endpoint.pooled) == ("planetscale", port, pooled)
        assert (endpoint.role, endpoint.branch) == ("app", "branch1234ab")
        assert is_pooled(planetscale_like, endpoint, driver) is pooled


@pytest.mark.parametrize("given", [True, False])
def test_planetscale_replica(planetscale_like: Edge, *, given: bool) -> None:
    services = load(DATABASE_URL=planetscale_like.uri(PLANETSCALE, pooled=given))
    replica = "app.branch1234ab|replica"
    derived = services.connection("database", replica=True)
    assert (derived.user, derived.port, derived.replica) == (replica, 5432, True)
    assert not is_pooled(planetscale_like, derived)
    assert derived.endpoint(replica=False).user == "app.branch1234ab"
    with pytest.raises(envconn.EndpointUnavailable):
        services.connection("database", replica=True, pooled=True)


def test_planetscale_tls_from_the_first_byte(planetscale_like: Edge) -> None:
    services = load(DATABASE_URL=planetscale_like.uri(PLANETSCALE))
    expected = planetscale_like.parameters.get("sslnegotiation", "direct")
    for pooled in (True, False):
        endpoint = services.connection("database", pooled=pooled)
        assert envconn_psycopg.kwargs(endpoint)["sslnegotiation"] == expected
        assert is_pooled(planetscale_like, endpoint) is pooled


def test_planetscale_prepared_statements(planetscale_like: Edge) -> None:
    services = load(DATABASE_URL=planetscale_like.uri(PLANETSCALE))
    pooled = services.connection("database", pooled=True)
    assert pooled.features.prepared_statements
    # Kept, because PlanetScale's pooler tracks them; before one that does not, this is what it would cost.
    outcome = OK if planetscale_like.bouncer.tracks else "DuplicatePreparedStatement"
    assert storm(lambda: OURS["psycopg"](pooled)) == outcome
    assert storm(lambda: OURS["psycopg"](services.connection("database", pooled=False))) == OK


def test_planetscale_options_stay_on_the_direct_endpoint(planetscale_like: Edge) -> None:
    services = load(DATABASE_URL=planetscale_like.uri(PLANETSCALE, options=OPTIONS))
    assert timeout(services.database) == "4321ms"
    with pytest.raises(envconn.EndpointUnavailable, match="the pooler does not support options"):
        services.connection("database", pooled=True)


def test_neon_options_stay_on_the_direct_endpoint(neon_like: Edge) -> None:
    direct, pooled = neon_like.uri(NEON, options=OPTIONS), neon_like.uri(POOLED_NEON, pooled=True)
    services = load(DATABASE_URL=pooled, DATABASE_URL_UNPOOLED=direct)
    assert timeout(services.connection("database", pooled=False)) == "4321ms"
    assert timeout(services.database) == "0"
    with pytest.raises(envconn.ConfigurationError, match="the pooler does not support options"):
        load(DATABASE_URL=neon_like.uri(POOLED_NEON, pooled=True, options=OPTIONS))


def timeout(connection: SecuredConnection) -> str:
    with envconn_psycopg.connect(connection) as opened:
        row = opened.execute("show statement_timeout").fetchone()
    assert row is not None
    return str(row[0])


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("name", ["DATABASE_URL_UNPOOLED", "DIRECT_URL", "POSTGRES_URL_NON_POOLING"])
def test_neon_by_variable(neon_like: Edge, driver: Literal["psycopg", "psycopg2"], name: str) -> None:
    direct, pooled = neon_like.uri(NEON), neon_like.uri(POOLED_NEON, pooled=True)
    services = load(DATABASE_URL=pooled, **{name: direct})
    for wanted, host in ((True, POOLED_NEON), (False, NEON)):
        endpoint = services.connection("database", pooled=wanted)
        assert (endpoint.provider, endpoint.host, endpoint.port, endpoint.pooled) == ("neon", host, 5432, wanted)
        assert is_pooled(neon_like, endpoint, driver) is wanted


def test_neon_prepared_statements(neon_like: Edge) -> None:
    pooled = load(DATABASE_URL=neon_like.uri(POOLED_NEON, pooled=True)).database
    outcome = OK if neon_like.bouncer.tracks else "DuplicatePreparedStatement"
    assert storm(lambda: OURS["psycopg"](pooled)) == outcome


def test_neon_by_rule_forgets_the_other_hosts_address(neon_like: Edge) -> None:
    derived = load(DATABASE_URL=neon_like.uri(NEON)).connection("database", pooled=True)
    assert (derived.host, derived.hosts[0].hostaddr) == (POOLED_NEON, "")


@pytest.mark.parametrize("driver", libpq_drivers.DRIVERS)
@pytest.mark.parametrize("pooled", [True, False])
def test_another_customers_host_is_not_taken(planetscale_like: Edge, driver: str, *, pooled: bool) -> None:
    host = PLANETSCALE.replace("east", "west")
    connection = load(DATABASE_URL=planetscale_like.uri(host, pooled=pooled)).database
    arguments = envconn_psycopg.kwargs(connection, driver=libpq_drivers.family(driver))
    assert libpq_drivers.outcome(driver, "", arguments) not in {matrix.TLS, matrix.CLEAR}
