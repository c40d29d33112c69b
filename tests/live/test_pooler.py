"""Behind a real PgBouncer in transaction mode: what breaks with the URL as it is, and works with ours."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import psycopg2
import pytest

import envconn
import envconn_psycopg
import envconn_sqlalchemy
from clients import Alchemy
from pooling import NAIVE, OK, OURS, WRONG, is_direct, own_port, storm

if TYPE_CHECKING:
    from types import ModuleType

    from bouncer import Bouncer
    from clients import Client
    from envconn import SecuredConnection
    from lab import Lab
    from throwaway.certificates import Certificates

AUTOCOMMIT = "sqlalchemy+pg8000, autocommit"
TWICE = {"DuplicatePreparedStatement", "InvalidSqlStatementName"}
GONE = {"InvalidSQLStatementNameError"}
# What happens with the plain URL if the pooler does not track prepared statements. Each driver is a line.
BREAKS = {
    "psycopg": TWICE,
    "psycopg pool": {WRONG, *TWICE},
    "psycopg2": {OK},
    "asyncpg": GONE,
    "asyncpg pool": GONE,
    "pg8000": {OK},
    "sqlalchemy+psycopg": TWICE,
    "sqlalchemy+psycopg2": {OK},
    "sqlalchemy+pg8000": {OK},
    AUTOCOMMIT: {WRONG, "DatabaseError", "ProgrammingError"},
    "sqlalchemy+psycopg, async": TWICE,
    "sqlalchemy+asyncpg, async": GONE,
    "flask-sqlalchemy": TWICE,
}
LIBPQ = {"psycopg", "psycopg pool", "psycopg2"}
OPTIONS = "-c statement_timeout=4321"


def verified(certificates: Certificates) -> dict[str, str]:
    return {"sslmode": "verify-full", "sslrootcert": str(certificates.ca)}


def judged(uri: str, pooler: str = "transaction") -> SecuredConnection:
    stated = {"ENVCONN_POOL_MODE": pooler} if pooler else {}
    environ = {"DATABASE_URL": uri, "ENVCONN_TLS_LOCAL": "enforce", **stated}
    return envconn.load(environ, env_file=None).database


def test_every_driver_is_expected_of() -> None:
    assert BREAKS.keys() == NAIVE.keys() == OURS.keys() | {AUTOCOMMIT}


@pytest.mark.parametrize("driver", NAIVE)
def test_the_url_as_it_is(bouncer: Bouncer, certificates: Certificates, driver: str) -> None:
    uri = bouncer.uri(**verified(certificates))
    bouncer.fill()
    assert storm(lambda: NAIVE[driver](uri)) in BREAKS[driver]


@pytest.mark.parametrize("driver", OURS)
def test_ours(bouncer: Bouncer, certificates: Certificates, driver: str) -> None:
    connection = judged(bouncer.uri(**verified(certificates)))
    assert (connection.pooled, connection.pool_mode, connection.features.prepared_statements) == (
        True,
        "transaction",
        False,
    )
    bouncer.fill()
    assert storm(lambda: OURS[driver](connection)) == OK


@pytest.mark.parametrize("driver", OURS)
def test_without_a_pooler_nothing_breaks(lab: Lab, certificates: Certificates, driver: str) -> None:
    uri = lab["good"].uri(**verified(certificates))
    assert storm(lambda: NAIVE[driver](uri)) == OK
    assert storm(lambda: OURS[driver](judged(uri, "none"))) == OK


@pytest.mark.parametrize("driver", OURS)
def test_a_pooler_that_tracks_statements(newer_bouncer: Bouncer, certificates: Certificates, driver: str) -> None:
    uri = newer_bouncer.uri(**verified(certificates))
    assert storm(lambda: NAIVE[driver](uri)) == OK
    assert storm(lambda: OURS[driver](judged(uri))) == OK


def test_a_pooler_that_is_not_stated_is_not_recognised(bouncer: Bouncer, certificates: Certificates) -> None:
    connection = judged(bouncer.uri(**verified(certificates)), "")
    assert connection.pooled is None
    assert storm(lambda: OURS["psycopg"](connection)) in BREAKS["psycopg"]


@pytest.mark.parametrize("module", [psycopg, psycopg2])
def test_options_at_start_up(bouncer: Bouncer, certificates: Certificates, module: ModuleType) -> None:
    uri = bouncer.uri(**verified(certificates), options=OPTIONS)
    with pytest.raises(module.OperationalError, match="unsupported startup parameter"):
        module.connect(uri)
    with pytest.raises(envconn.ConfigurationError) as refusal:
        judged(uri)
    assert [problem.code for problem in refusal.value.problems] == ["options-pooled"]
    assert "ALTER ROLE" in str(refusal.value)
    assert OPTIONS not in str(refusal.value)


@pytest.mark.parametrize("driver", [driver for driver in OURS if driver not in LIBPQ])
def test_options_at_start_up_in_other_drivers(bouncer: Bouncer, certificates: Certificates, driver: str) -> None:
    uri = bouncer.uri(**verified(certificates), options=OPTIONS)
    with pytest.raises(Exception, match="unsupported startup parameter"), closing(NAIVE[driver](uri)) as client:
        client.ask(1)


@pytest.mark.parametrize("place", ["create_engine", "execution_options"])
def test_pg8000_in_autocommit(bouncer: Bouncer, lab: Lab, certificates: Certificates, place: str) -> None:
    def open_it(connection: SecuredConnection) -> Client:
        if place == "create_engine":
            return Alchemy(envconn_sqlalchemy.create_engine(connection, driver="pg8000", isolation_level="AUTOCOMMIT"))
        engine = envconn_sqlalchemy.create_engine(connection, driver="pg8000")
        return Alchemy(engine.execution_options(isolation_level="AUTOCOMMIT"))

    pooled = judged(bouncer.uri(**verified(certificates)))
    with pytest.raises(envconn.ConfigurationError) as refusal:
        open_it(pooled)
    assert [problem.code for problem in refusal.value.problems] == ["autocommit-pooled"]
    direct = judged(lab["good"].uri(**verified(certificates)), "none")
    assert storm(lambda: open_it(direct)) == OK


def test_the_remedy_for_options_works(bouncer: Bouncer, lab: Lab, certificates: Certificates) -> None:
    direct = judged(lab["good"].uri(**verified(certificates), options=OPTIONS), "none")
    with envconn_psycopg.connect(direct) as connection:
        assert connection.execute("show statement_timeout").fetchone() == ("4321ms",)


@pytest.mark.parametrize("is_ours", [False, True])
def test_server_side_cursors(bouncer: Bouncer, certificates: Certificates, *, is_ours: bool) -> None:
    uri = bouncer.uri(**verified(certificates))
    query = "select * from generate_series(1, 9)"
    bouncer.fill()
    # No argument of a connection mends this: a cursor wants a transaction, which keeps the server connection.
    with ours(uri, autocommit=True) if is_ours else psycopg.connect(uri, autocommit=True) as outside:
        cursor = outside.cursor("named", withhold=True)
        with pytest.raises(psycopg.errors.InvalidCursorName):
            cursor.execute(query)
        with outside.transaction():  # looks for the cursor and closes it, which takes one server connection, too
            cursor.close()
    with ours(uri) if is_ours else psycopg.connect(uri) as inside, inside.cursor("named") as named:
        assert len(named.execute(query).fetchall()) == 9


def settings(uri: str) -> set[str]:
    """Return the names of what was set in the server connections, each of which is met in turn."""
    # What PgBouncer itself sets for the client whose turn it is (its manual, track_extra_parameters).
    apart = {"application_name", "client_encoding", "DateStyle", "TimeZone", "standard_conforming_strings"}
    with psycopg.connect(uri, autocommit=True, prepare_threshold=None) as connection:
        query = "select name from pg_settings where source = 'session'"
        return {name for _ in range(4) for (name,) in connection.execute(query)} - apart


def test_what_one_client_sets_another_one_has(bouncer: Bouncer, certificates: Certificates) -> None:
    uri = bouncer.uri(**verified(certificates))
    bouncer.fill()
    with psycopg.connect(uri, autocommit=True) as setting, psycopg.connect(uri, autocommit=True) as other:
        # Half of what the one asks, and half of what the other asks, goes where it was set.
        setting.execute("set envconn.leak = 'here'")
        for connection in (setting, other):
            found = [connection.execute("select current_setting('envconn.leak', true)").fetchone() for _ in range(4)]
            assert {(row and row[0]) or "" for row in found} == {"here", ""}
        for _ in range(2):
            other.execute("reset envconn.leak")


@pytest.mark.parametrize("driver", OURS)
def test_ours_sets_nothing(bouncer: Bouncer, certificates: Certificates, driver: str) -> None:
    uri = bouncer.uri(**verified(certificates))
    before = settings(uri)
    assert storm(lambda: OURS[driver](judged(uri))) == OK
    assert settings(uri) == before


def ours(uri: str, *, autocommit: bool = False) -> psycopg.Connection:
    return envconn_psycopg.connect(judged(uri), autocommit=autocommit)


def test_both_hops_use_tls(bouncer: Bouncer, certificates: Certificates) -> None:
    with envconn_psycopg.connect(judged(bouncer.uri(**verified(certificates)))) as connection:
        ours = own_port(connection)
        assert not is_direct(connection)
        (client,) = (client for client in bouncer.show("CLIENTS") if client["port"] == ours)
        hops = [client["tls"], *(server["tls"] for server in bouncer.show("SERVERS"))]
    assert len(hops) > 1
    assert all(str(hop).startswith("TLSv1.3") for hop in hops)


@pytest.mark.parametrize("module", [psycopg, psycopg2])
def test_the_pooler_takes_no_unencrypted(bouncer: Bouncer, module: ModuleType) -> None:
    with pytest.raises(module.OperationalError, match="SSL required"):
        module.connect(bouncer.uri(sslmode="disable"))
    with pytest.raises(envconn.ConfigurationError):
        judged(bouncer.uri(sslmode="disable"))


@pytest.mark.parametrize("ca", ["other_ca", "ca"])
def test_the_poolers_certificate_is_verified(bouncer: Bouncer, certificates: Certificates, ca: str) -> None:
    host = "elsewhere.envconn.test" if ca == "ca" else "localhost"
    settings = {**verified(certificates), "sslrootcert": str(getattr(certificates, ca)), "hostaddr": "127.0.0.1"}
    connection = judged(bouncer.uri(host, **settings))
    with pytest.raises(psycopg.OperationalError, match="certificate"), closing(envconn_psycopg.connect(connection)):
        pass
