"""PgBouncer, Redis, RabbitMQ and MariaDB as fixtures, each started when first asked for.

Loaded as a plugin by tests/conftest.py. Where tests/run could not unpack a server, what asks for it
is skipped with the reason.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import pytest

import bouncer as bouncers
import edges
import mysqlserver
import rabbitmq as rabbits
import redisserver
import sentinels
from installed import Installations, ServerMissing
from throwaway import postgres
from throwaway.binaries import current_account
from throwaway.process import ADDRESS, workplace

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from contextlib import AbstractContextManager

    from bouncer import Bouncer
    from edges import Edge
    from lab import Lab
    from mysqlserver import MySQL
    from rabbitmq import RabbitMQ
    from redisserver import Redis
    from sentinels import Sentinels
    from throwaway.binaries import Account
    from throwaway.certificates import Certificates

__all__ = ["States"]

Running = TypeVar("Running")


class States(Generic[Running]):
    """Servers by the state of their certificate: ``redis_server["expired"]``; each is started once."""

    def __init__(
        self, states: Collection[str], start: Callable[[str], AbstractContextManager[Running]], cleanup: ExitStack
    ) -> None:
        self._states = states
        self._start = start
        self._cleanup = cleanup
        self._running: dict[str, Running] = {}

    def __getitem__(self, state: str) -> Running:
        if state not in self._states:
            raise KeyError(state)
        if state not in self._running:
            self._running[state] = self._cleanup.enter_context(self._start(state))
        return self._running[state]


@pytest.fixture(scope="session")
def installations(machine: dict[str, str], checkout: Path) -> Iterator[Installations]:
    """Where servers are found; ENVCONN_TEST_SERVERS names the directory, as tests/run does."""
    place = Path(machine.get("ENVCONN_TEST_SERVERS") or checkout / ".cache" / "servers")
    account = current_account()
    with workplace(account) as scrap:
        yield Installations(place, account, scrap)


@pytest.fixture(scope="session")
def applications(installations: Installations) -> Path:
    """The environment with Wagtail, django-oscar and Django's tests, where ENVCONN_TEST_APPLICATIONS=1 asks for it."""
    place = installations.place / "applications"
    if not (place / "source").is_dir():
        pytest.skip("only with ENVCONN_TEST_APPLICATIONS=1, which has tests/run install them")
    return place


@pytest.fixture(scope="session")
def bouncer(installations: Installations, lab: Lab, certificates: Certificates) -> Iterator[Bouncer]:
    """PgBouncer in transaction mode before ``lab["good"]``, which tracks no prepared statements, whatever its age.

    Two server connections for all clients, TLS on both sides; ``.uri(host, **parameters)``, ``.show("CLIENTS")``,
    ``.serves(port)``, ``.fill()``.
    """
    command = _or_skip(partial(installations.command, "pgbouncer"))
    with bouncers.running(command, lab["good"], certificates, certificates.good) as running:
        yield running


@pytest.fixture(scope="session")
def newer_bouncer(
    installations: Installations, lab: Lab, certificates: Certificates, machine: dict[str, str]
) -> Iterator[Bouncer]:
    """The same with a PgBouncer that tracks them (1.21 or newer), where ENVCONN_TEST_NEWER_PGBOUNCER=1 asks for it."""
    command = _newer(installations, machine)
    with bouncers.running(command, lab["good"], certificates, certificates.good, tracks=True) as running:
        yield running


@pytest.fixture(scope="session")
def redis_server(installations: Installations, certificates: Certificates) -> Iterator[States[Redis]]:
    """Redis in the states of `redisserver.STATES`: ``redis_server["good"].uri()``; ``ipv6`` is on ``::1``."""
    command = _or_skip(partial(installations.command, "redis-server"))

    def start(state: str) -> AbstractContextManager[Redis]:
        address = "::1" if state == "ipv6" else ADDRESS
        pair = certificates.issue(address) if state == "ipv6" else getattr(certificates, state, None)
        return redisserver.running(command, installations.account, pair, certificates.ca, address=address)

    with ExitStack() as cleanup:
        yield States({*redisserver.STATES, "ipv6"}, start, cleanup)


@pytest.fixture(scope="session")
def sentinel_sets(
    installations: Installations, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[States[Sentinels]]:
    """Sentinels, a Redis and its replica, over TLS alone, in the states of `sentinels.STATES`.

    ``sentinel_sets["good"].uri(host, database=, **parameters)``, ``.fail_over()``.
    """
    command = _or_skip(partial(installations.command, "redis-server"))
    # To each other they are right in every state: what is tried is what clients make of them.
    both = tmp_path_factory.mktemp("sentinels") / "ca.pem"
    both.write_bytes(certificates.ca.read_bytes() + certificates.other_ca.read_bytes())

    def start(state: str) -> AbstractContextManager[Sentinels]:
        sentinel, redis = (getattr(certificates, name) for name in sentinels.STATES[state])
        size = (1, 2) if state == "good" else (0, 1)
        return sentinels.running(
            command, installations.account, (sentinel, redis), both, names=state == "names", size=size
        )

    with ExitStack() as cleanup:
        yield States(sentinels.STATES, start, cleanup)


@pytest.fixture(scope="session")
def valkey(installations: Installations, machine: dict[str, str]) -> tuple[tuple[str, ...], Account]:
    """The command of a Valkey (where ENVCONN_TEST_VALKEY=1 asks for it) and the account, as for Redis."""
    _asked_for(machine, "ENVCONN_TEST_VALKEY")
    return _or_skip(partial(installations.newer, "valkey-server")), installations.account


@pytest.fixture(scope="session")
def rabbitmq(
    installations: Installations, certificates: Certificates, machine: dict[str, str]
) -> Iterator[States[RabbitMQ]]:
    """RabbitMQ in the states of `rabbitmq.STATES`, where ENVCONN_TEST_RABBITMQ=1 asks for it: six seconds for each."""
    _asked_for(machine, "ENVCONN_TEST_RABBITMQ")
    tree = _or_skip(partial(installations.tree, "rabbitmq"))

    def start(state: str) -> AbstractContextManager[RabbitMQ]:
        return rabbits.running(tree, installations.account, getattr(certificates, state), certificates.ca)

    with ExitStack() as cleanup:
        yield States(rabbits.STATES, start, cleanup)


@pytest.fixture(scope="session")
def mysql(installations: Installations, certificates: Certificates, machine: dict[str, str]) -> Iterator[States[MySQL]]:
    """MariaDB in the states of `mysqlserver.STATES`, where ENVCONN_TEST_MYSQL=1 asks for it."""
    _asked_for(machine, "ENVCONN_TEST_MYSQL")
    tree = _or_skip(partial(installations.tree, "mariadb"))

    def start(state: str) -> AbstractContextManager[MySQL]:
        pair = None if state == "plain" else getattr(certificates, state)
        return mysqlserver.running(tree, installations.account, pair, certificates.ca)

    with ExitStack() as cleanup:
        yield States(mysqlserver.STATES, start, cleanup)


@pytest.fixture(scope="session")
def modern() -> Iterator[postgres.Template]:
    """A PostgreSQL 17 or newer, which takes TLS from the first byte (``sslnegotiation=direct``)."""
    with ExitStack() as cleanup:
        try:
            template = cleanup.enter_context(postgres.template(oldest=17))
        except postgres.PostgresUnavailable as reason:
            pytest.skip(f"no PostgreSQL 17: {reason}")
        yield template


@pytest.fixture(scope="session", params=["usual", "newer"])
def planetscale_like(
    request: pytest.FixtureRequest,
    installations: Installations,
    modern: postgres.Template,
    certificates: Certificates,
    machine: dict[str, str],
) -> Iterator[Edge]:
    """What PlanetScale has: ports 5432 and 6432 of one host; before it the usual PgBouncer, then the newer one.

    ``.uri(edges.PLANETSCALE, pooled=, user=, **parameters)``, with `hostaddr`, for the name leads nowhere.
    """
    newer = request.param == "newer"
    command = _newer(installations, machine) if newer else _or_skip(partial(installations.command, "pgbouncer"))
    with edges.planetscale(modern, certificates, command, newer=newer) as running:
        yield running


@pytest.fixture(scope="session", params=["usual", "newer"])
def neon_like(
    request: pytest.FixtureRequest,
    installations: Installations,
    modern: postgres.Template,
    certificates: Certificates,
    machine: dict[str, str],
) -> Iterator[Edge]:
    """What Neon has: two hosts with port 5432, one of them pooled; the usual PgBouncer, then the newer one."""
    newer = request.param == "newer"
    command = _newer(installations, machine) if newer else _or_skip(partial(installations.command, "pgbouncer"))
    with edges.neon(modern, certificates, command, newer=newer) as running:
        yield running


def _newer(installations: Installations, machine: dict[str, str]) -> tuple[str, ...]:
    _asked_for(machine, "ENVCONN_TEST_NEWER_PGBOUNCER")
    return _or_skip(partial(installations.newer, "pgbouncer"))


def _asked_for(machine: dict[str, str], variable: str) -> None:
    if machine.get(variable) != "1":
        pytest.skip(f"only with {variable}=1")


Found = TypeVar("Found")


def _or_skip(find: Callable[[], Found]) -> Found:
    try:
        return find()
    except ServerMissing as reason:
        pytest.skip(str(reason))
