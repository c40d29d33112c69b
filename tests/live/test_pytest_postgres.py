"""The stand-in for a PostgreSQL with TLS: real drivers take it for one, and end where a real one would end them."""

from __future__ import annotations

import asyncio
import gc
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import asyncpg
import pg8000.dbapi
import psycopg
import psycopg2
import pytest

import envconn
import envconn_asyncpg
import envconn_psycopg
import matrix
from envconn import TlsLevel
from envconn.drivers import pg8000 as pg8000_arguments
from envconn.probe import examine
from envconn_pytest.tls_server import STATES, Authority, StandIn, stand_in
from leaks import value_surfaces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MODES = {"require": TlsLevel.ENCRYPTED, "verify-ca": TlsLevel.VERIFY_CA, "verify-full": TlsLevel.VERIFY_FULL}


async def _psycopg_async(connection: envconn.SecuredConnection) -> None:
    await (await envconn_psycopg.aconnect(connection)).close()


async def _asyncpg(connection: envconn.SecuredConnection) -> None:
    await (await envconn_asyncpg.connect(connection)).close()


DRIVERS: dict[str, Callable[[envconn.SecuredConnection], object]] = {
    "psycopg": lambda connection: envconn_psycopg.connect(connection).close(),
    "psycopg, async": lambda connection: asyncio.run(_psycopg_async(connection)),
    "psycopg2": lambda connection: psycopg2.connect(**envconn_psycopg.kwargs(connection, driver="psycopg2")).close(),
    "asyncpg": lambda connection: asyncio.run(_asyncpg(connection)),
    "pg8000": lambda connection: pg8000.dbapi.connect(**pg8000_arguments.arguments(connection)).close(),
}
FAULTS = {
    matrix.TLS: set(),
    matrix.UNTRUSTED: {"certificate-untrusted", "certificate-expired"},
    matrix.MISNAMED: {"certificate-misnamed"},
    matrix.NO_TLS: {"tls-refused"},
}


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def servers(authority: Authority) -> Iterator[dict[str, StandIn]]:
    """One in each state, shared: what a client did is at the end of `clients`."""
    with (
        stand_in("good", authority=authority) as good,
        stand_in("wronghost", authority=authority) as wronghost,
        stand_in("expired", authority=authority) as expired,
        stand_in("unknownca", authority=authority) as unknownca,
        stand_in("notls", authority=authority) as notls,
    ):
        yield {server.state: server for server in (good, wronghost, expired, unknownca, notls)}


@pytest.fixture
def good(servers: dict[str, StandIn]) -> StandIn:
    return servers["good"]


@pytest.fixture
def notls(servers: dict[str, StandIn]) -> StandIn:
    return servers["notls"]


def judged(server: StandIn, sslmode: str = "verify-full", **parameters: str) -> envconn.SecuredConnection:
    return envconn.load(server.environment(sslmode, **parameters), env_file=None).database


def outcome(connect: Callable[[envconn.SecuredConnection], object], connection: envconn.SecuredConnection) -> bool:
    """Whether a driver gets in."""
    try:
        connect(connection)
    except (psycopg.Error, psycopg2.Error, asyncpg.PostgresError, pg8000.dbapi.Error, OSError):
        return False
    return True


# Whom it lets in


def test_there_is_one_for_each_state(servers: dict[str, StandIn]) -> None:
    assert tuple(servers) == STATES
    assert {state for state in STATES if state in matrix.SITES} == set(STATES)


@pytest.mark.parametrize("sslmode", MODES)
@pytest.mark.parametrize("state", STATES)
def test_what_is_promised_is_what_happens(servers: dict[str, StandIn], state: str, sslmode: str) -> None:
    server = servers[state]
    connection = judged(server, sslmode)
    assert connection.tls.level == MODES[sslmode]
    due = matrix.expected(MODES[sslmode], matrix.SITES[state], "ca")
    proof = examine(connection)
    assert {problem.code for problem in proof.problems} <= FAULTS[due]
    assert proof.ok == (due == matrix.TLS)
    before = [client for client in server.clients if client.authenticated]
    for driver, connect in DRIVERS.items():
        assert outcome(connect, connection) == (due == matrix.TLS), driver
    after = [client for client in server.clients if client.authenticated]
    assert len(after) - len(before) == (len(DRIVERS) if due == matrix.TLS else 0)
    assert all(client.tls for client in after)
    assert not server.saw_unencrypted


def test_other_authorities_are_strangers() -> None:
    with stand_in() as one, stand_in() as other:
        assert examine(judged(one)).ok
        other.ca = one.ca
        assert [problem.code for problem in examine(judged(other)).problems] == ["certificate-untrusted"]


def test_examined(good: StandIn, notls: StandIn) -> None:
    [seen] = examine(judged(good), enforcement="require").seen
    assert seen.enforced is True
    assert seen.handshake
    assert (seen.handshake.chain_verified, seen.handshake.host_verified) == (True, True)
    assert not good.saw_unencrypted  # except the anonymous test, which holds no real name
    local = envconn.load({"DATABASE_URL": notls.uri(sslmode="disable")}, env_file=None)
    assert examine(local, login=True).ok


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg", "pg8000"])
def test_a_login_as_the_command_does_it(good: StandIn, driver: str) -> None:
    environ = good.environment()
    environ["DATABASE_URL"] = environ["DATABASE_URL"].replace("postgresql:", f"postgresql+{driver}:")
    proof = examine(envconn.load(environ, env_file=None), login=True)
    assert proof.ok, proof
    [seen] = proof.seen
    assert seen.login
    assert (seen.login.driver, seen.login.user) == (driver, "app")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("FAKE_password", "other"), "password-refused"),
        (("FAKE_password", "FAKE_passwor"), "password-refused"),
        (("app:", "nobody:"), "password-refused"),
        (("/app?", "/other?"), "database-absent"),
    ],
)
def test_logins_that_are_refused(good: StandIn, change: tuple[str, str], code: str) -> None:
    environ = good.environment()
    environ["DATABASE_URL"] = environ["DATABASE_URL"].replace(*change)
    proof = examine(envconn.load(environ, env_file=None), login=True)
    assert [problem.code for problem in proof.problems] == [code]
    assert proof.exit_code == 77
    assert good.clients[-1].password
    assert not good.clients[-1].authenticated


def test_with_tls_it_refuses_unencrypted_logins(good: StandIn) -> None:
    with stand_in() as server:
        with pytest.raises(psycopg.OperationalError, match=r"no pg_hba.conf entry .* no encryption"):
            psycopg.connect(server.uri(sslmode="disable"))
        assert server.saw_unencrypted
        [client] = server.clients
        assert (client.startup_unencrypted, client.password_unencrypted, client.authenticated) == (True, False, False)


def test_without_tls_it_accepts_unencrypted_logins() -> None:
    with stand_in("notls") as server:
        with psycopg.connect(server.uri(sslmode="prefer", gssencmode="disable")) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        assert server.saw_unencrypted
        [client] = server.clients
        assert (client.startup_unencrypted, client.password_unencrypted, client.tls) == (True, True, None)


def test_libpq_finds_no_channel_to_bind_to(good: StandIn) -> None:
    with pytest.raises(psycopg.OperationalError, match="channel binding required"):
        envconn_psycopg.connect(judged(good, channel_binding="require"))


# What it has seen


def test_what_it_sees_of_a_client(good: StandIn) -> None:
    with envconn_psycopg.connect(judged(good, application_name="shop")) as connection:
        connection.execute("select 1")
    client = good.clients[-1]
    assert (client.tls, client.sni, client.direct) == ("TLSv1.3", "localhost", False)
    assert (client.user, client.dbname, client.parameters["application_name"]) == ("app", "app", "shop")
    assert (client.password, client.authenticated) == (True, True)
    assert (client.startup_unencrypted, client.password_unencrypted) == (False, False)
    assert client.statements == ["BEGIN", "select 1", "COMMIT"]


def test_tls_without_asking(good: StandIn) -> None:
    with envconn_psycopg.connect(judged(good, sslnegotiation="direct")):
        assert good.clients[-1].direct
    assert examine(judged(good, sslnegotiation="direct")).notes == ()


def test_no_name_where_an_address_is_dialled(good: StandIn) -> None:
    environ = {**good.environment(), "DATABASE_URL": good.uri("127.0.0.1", sslmode="verify-full")}
    with envconn_psycopg.connect(envconn.load(environ, env_file=None).database):
        assert good.clients[-1].sni is None


def test_each_client_is_its_own(good: StandIn) -> None:
    names = [f"client{number}" for number in range(12)]

    def connect(name: str) -> None:
        with psycopg.connect(good.uri(sslmode="require", application_name=name)) as connection:
            connection.execute("select 1")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(connect, names))
    statements = {client.parameters["application_name"]: client.statements for client in good.clients[-12:]}
    assert statements == {name: ["BEGIN", "select 1", "COMMIT"] for name in names}
    assert len({client.number for client in good.clients}) == len(good.clients)


def test_passwords_are_neither_stored_nor_shown(good: StandIn) -> None:
    psycopg.connect(good.uri(sslmode="require")).close()
    assert good.clients[-1].password is True
    for shown in (*value_surfaces(good.clients[-1]).values(), repr(good), str(good)):
        assert "FAKE_password" not in shown


# What it answers


def test_nothing_but_select_one_and_transactions(good: StandIn) -> None:
    with envconn_psycopg.connect(judged(good)) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
        assert status(connection) == "INTRANS"
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="answers nothing but select 1"):
            connection.execute("select 2")
        assert status(connection) == "INERROR"
        connection.rollback()
        assert status(connection) == "IDLE"
        assert connection.execute("SELECT 1;").fetchone() == (1,)
    assert connection.closed


@pytest.mark.parametrize("sql", ["select 1", "select * from shop", ""])
def test_no_prepared_statements(good: StandIn, sql: str) -> None:
    with envconn_psycopg.connect(judged(good), autocommit=True) as connection:
        for _ in range(2):
            with pytest.raises(psycopg.errors.FeatureNotSupported, match="this stands in for a PostgreSQL"):
                connection.execute(sql, prepare=True)
            assert status(connection) == "IDLE"
        assert connection.execute("select 1").fetchone() == (1,)


def status(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    return connection.info.transaction_status.name


def test_protocols_that_are_newer(good: StandIn) -> None:
    with psycopg.connect(good.uri(sslmode="require", max_protocol_version="latest")) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


# How it begins and ends


@pytest.mark.parametrize("state", ["", "GOOD", "both", "ca"])
def test_states_that_there_are_not(state: str) -> None:
    with pytest.raises(ValueError, match="Use one of good, wronghost, expired, unknownca, notls"), stand_in(state):
        pass


def test_the_port_is_closed_after_the_block() -> None:
    before = threading.active_count()
    with stand_in("notls") as server:
        left = psycopg.connect(server.uri())
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(server.uri())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        left.close()
        del left
        gc.collect()
    assert threading.active_count() <= before + 1


def test_as_a_fixture(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        import envconn_psycopg
        from envconn.probe import examine

        def test_good(postgres_tls, envconn_environment):
            server = postgres_tls()
            envconn_environment.update(server.environment())
            assert examine(enforcement="require").ok
            with envconn_psycopg.connect() as connection:
                assert connection.execute("select 1").fetchone() == (1,)
            assert server.clients[-1].authenticated and not server.saw_unencrypted

        @pytest.mark.parametrize("state", ["wronghost", "expired", "unknownca", "notls"])
        def test_bad(postgres_tls, envconn_environment, state):
            good, bad = postgres_tls("good"), postgres_tls(state)
            assert good.ca == bad.ca
            envconn_environment.update(bad.environment())
            assert not examine().ok
            with pytest.raises(Exception):
                envconn_psycopg.connect()
            assert not any(client.authenticated for client in bad.clients)

        def test_unknown(postgres_tls):
            with pytest.raises(ValueError):
                postgres_tls("other")
        """
    )
    pytester.runpytest_inprocess("-p", "envconn_pytest", "-W", "error").assert_outcomes(passed=6)
