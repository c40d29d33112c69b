"""Certificates and CAs that are replaced while clients of MariaDB, RabbitMQ and Redis run, as for PostgreSQL.

Each server asks its clients for a certificate, and lets go of the old authority when the rotation ends.
"""

from __future__ import annotations

import secrets
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import celery
import pymysql
import pytest
import redis
import sqlalchemy

import daemons
import envconn
import envconn_redis
import envconn_sqlalchemy
import mysqlserver
import rabbitmq
import redisserver
import sentinels
from certified import MountedFiles, bundle
from envconn_celery import config
from envconn_django import caches
from envconn_redis.connections import VerifyingPool
from installed import ServerMissing
from throwaway.process import ADDRESS, free_port
from traffic import SIZE, Cut, in_coroutines, in_threads, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from envconn import Services
    from installed import Installations
    from redisserver import Redis
    from throwaway.binaries import Account
    from throwaway.certificates import Certificates


class Site(NamedTuple):
    """A server's clients: their variables without a CA, the parameter that names one, their files, and their end."""

    environ: dict[str, str]
    ca: str
    files: MountedFiles
    cut: Callable[[], object]

    def load(self, *, text: bool) -> Services:
        """Return the services; with `text`, the CA is read from a file, otherwise by the drivers."""
        path = str(self.files.path / "ca.pem")
        if text:
            return envconn.load({**self.environ, "ENVCONN_TLS_CA_FILE": path}, env_file=None)
        return envconn.load({name: f"{uri}&{self.ca}={path}" for name, uri in self.environ.items()}, env_file=None)


def _client_files(directory: Path, certificate: str, key: str) -> dict[str, str]:
    return {certificate: str(directory / "mount" / "client.pem"), key: str(directory / "mount" / "client.key")}


def _shown(server: Redis, account: Account, contents: Mapping[str, bytes], turn: int) -> None:
    """Have `server` ask for certificates with these contents of its files. Under one name, a file is read once."""
    paths = {
        f"tls-{name}-file": str(daemons.private(account, server.home / f"{name}{turn}", content))
        for name, content in contents.items()
    }
    _told(server, "CONFIG SET", *(word for pair in paths.items() for word in pair))


def _told(server: Redis, *words: str) -> Any:
    with redis.Redis(unix_socket_path=str(server.socket), password=server.password) as admin:
        return admin.execute_command(*words)


@contextmanager
def _redis(installations: Installations, certificates: Certificates, directory: Path) -> Iterator[Site]:
    command, account = installations.command("redis-server"), installations.account
    with redisserver.running(command, account, certificates.good, certificates.ca) as server:
        turns = count()

        def serve(trusted: Sequence[Certificates]) -> None:
            pair = trusted[0].issue("localhost", "127.0.0.1")
            contents = {"cert": pair.chain.read_bytes(), "key": pair.key.read_bytes(), "ca-cert": bundle(trusted)}
            _shown(server, account, contents, next(turns))

        files = MountedFiles(directory, serve)
        _told(server, "CONFIG SET", "tls-auth-clients", "yes")
        query: dict[str, Any] = _client_files(directory, "ssl_certfile", "ssl_keyfile")
        uri = server.uri(**query)
        cut = partial(_told, server, "CLIENT KILL", "TYPE", "normal")
        yield Site({"CACHE_URL": uri, "BROKER_URL": uri}, "ssl_ca_certs", files, cut)


@contextmanager
def _sentinels(installations: Installations, certificates: Certificates, directory: Path) -> Iterator[Site]:
    """Two sentinels, which read their files when they start: one is started again after the other."""
    command, account = installations.command("redis-server"), installations.account
    secret, turns = secrets.token_urlsafe(9), count()
    running = redisserver.running(command, account, certificates.good, certificates.ca, more=["tls-replication yes"])
    with running as master, ExitStack() as first, ExitStack() as second:
        places = {free_port(): first, free_port(): second}

        def serve(trusted: Sequence[Certificates]) -> None:
            pair, turn = trusted[0].issue("localhost", "127.0.0.1"), next(turns)
            (bundled := directory / f"trusted{turn}.pem").write_bytes(bundle(trusted))
            contents = {"cert": pair.chain.read_bytes(), "key": pair.key.read_bytes(), "ca-cert": bundle(trusted)}
            _shown(master, account, contents, turn)
            looked = sentinels.watching(ADDRESS, master)
            for port, place in places.items():
                place.close()
                place.enter_context(sentinels.sentinel(command, account, pair, bundled, secret, looked, port=port))
                time.sleep(0.3)  # who was refused here has asked the other one before that is started again, too

        files = MountedFiles(directory, serve)
        hosts = ",".join(f"localhost:{port}" for port in places)
        uri = f"rediss+sentinel://:{master.password}@{hosts}/{sentinels.MASTER}/0?sentinel_password={secret}"
        cut = partial(_told, master, "CLIENT KILL", "TYPE", "normal")
        yield Site({"CACHE_URL": uri, "BROKER_URL": uri}, "ssl_ca_certs", files, cut)


@contextmanager
def _mysql(installations: Installations, certificates: Certificates, directory: Path) -> Iterator[Site]:
    tree, account = installations.tree("mariadb"), installations.account
    with mysqlserver.running(tree, account, certificates.good, certificates.ca) as server:
        place = {"unix_socket": f"{server.home}/socket", "user": server.user, "password": server.password}
        with closing(pymysql.connect(**place)) as connection, connection.cursor() as admin:
            admin.execute("create user certified identified by %s require x509", (server.password,))

            def serve(trusted: Sequence[Certificates]) -> None:
                (bundled := directory / "clients.pem").write_bytes(bundle(trusted))
                daemons.keys(account, server.home, trusted[0].issue("localhost", "127.0.0.1"), bundled)
                admin.execute("flush ssl")

            files = MountedFiles(directory, serve)
            query = {"ssl-mode": "VERIFY_IDENTITY", **_client_files(directory, "ssl-cert", "ssl-key")}
            uri = replace(server, user="certified", dbname="information_schema").uri(**query)
            yield Site({"DATABASE_URL": uri}, "ssl-ca", files, lambda: admin.execute("kill connection user certified"))


@contextmanager
def _rabbitmq(installations: Installations, certificates: Certificates, directory: Path) -> Iterator[Site]:
    tree, account = installations.tree("rabbitmq"), installations.account
    with rabbitmq.running(tree, account, certificates.good, certificates.ca, asks=True) as server:

        def serve(trusted: Sequence[Certificates]) -> None:
            (bundled := directory / "clients.pem").write_bytes(bundle(trusted))
            daemons.keys(account, server.home, trusted[0].issue("localhost", "127.0.0.1"), bundled)
            server.control("eval", "ssl:clear_pem_cache().")

        files = MountedFiles(directory, serve)
        uri = server.uri(**_client_files(directory, "certfile", "keyfile"))
        cut = partial(server.control, "close_all_connections", "rotated")
        yield Site({"BROKER_URL": uri}, "cacertfile", files, cut)


@contextmanager
def _engine(services: Services) -> Iterator[Any]:
    engine = envconn_sqlalchemy.create_engine(services, driver="pymysql", pool_size=SIZE, pool_pre_ping=True)

    def request() -> None:
        connection = engine.connect()
        try:
            with connection:
                connection.execute(sqlalchemy.text("select sleep(0.005)"))
        except sqlalchemy.exc.DBAPIError:
            raise Cut from None

    yield in_threads(request)
    engine.dispose()


@contextmanager
def _through(pool: Any) -> Iterator[Any]:
    def request() -> None:
        connection = pool.get_connection()
        try:
            connection.send_command("PING")
            connection.read_response()
        except redis.ConnectionError:
            raise Cut from None
        finally:
            pool.release(connection)
        time.sleep(0.005)

    yield in_threads(request)
    pool.disconnect()


def _django(services: Services) -> Any:
    """The pool of Django's cache, which is handed arguments and no services."""
    entry = caches(services)["default"]
    assert entry["OPTIONS"].pop("pool_class") == "envconn_redis.connections.VerifyingPool"
    return _through(VerifyingPool.from_url(entry["LOCATION"], **entry["OPTIONS"]))


async def _ping(client: Any) -> None:
    connection = await client.connection_pool.get_connection()
    try:
        await connection.send_command("PING")
        await connection.read_response()
    except redis.ConnectionError:
        raise Cut from None
    finally:
        await client.connection_pool.release(connection)


@contextmanager
def _celery(services: Services) -> Iterator[Any]:
    """kombu's pool, as Celery makes it of its settings."""
    app = celery.Celery(set_as_current=False)
    app.conf.update(config(services))
    pool = app.connection_for_write().Pool(SIZE)

    def request() -> None:
        connection = pool.acquire(block=True)
        try:
            connection.ensure_connection(max_retries=1)
            try:
                client = getattr(connection.default_channel, "client", None)
                client.ping() if client else connection.channel().close()
            except connection.recoverable_connection_errors:
                connection.collect()
                raise Cut from None
        finally:
            connection.release()

    yield in_threads(request)
    pool.force_close_all()


def _results(services: Services) -> Any:
    """The pool of Celery's results."""
    app = celery.Celery(set_as_current=False)
    app.conf.update(config(services, results="cache"))
    return _through(app.backend.client.connection_pool)


SITES = {
    "mysql": (_mysql, "ENVCONN_TEST_MYSQL"),
    "amqp": (_rabbitmq, "ENVCONN_TEST_RABBITMQ"),
    "redis": (_redis, ""),
    "sentinel": (_sentinels, ""),
}
CLIENTS: dict[str, tuple[str, Callable[[Services], Any]]] = {
    "sqlalchemy pymysql": ("mysql", _engine),
    "celery": ("amqp", _celery),
    "redis": ("redis", lambda services: _through(envconn_redis.client(services).connection_pool)),
    "redis.asyncio": ("redis", lambda services: in_coroutines(partial(envconn_redis.aclient, services), _ping)),
    "django cache": ("redis", _django),
    "celery on redis": ("redis", _celery),
    "celery results": ("redis", _results),
    "redis behind sentinels": ("sentinel", lambda services: _through(envconn_redis.client(services).connection_pool)),
    "redis.asyncio behind sentinels": (
        "sentinel",
        lambda services: in_coroutines(partial(envconn_redis.aclient, services), _ping),
    ),
    "celery behind sentinels": ("sentinel", _celery),
    "celery results behind sentinels": ("sentinel", _results),
}
"""By name, the server of a client, and what has requests made to it."""
DICTIONARIES = {"django cache"}
"""The clients that keep a text, and read the file at a path again."""


@pytest.mark.parametrize(
    ("name", "text"),
    [(name, text) for name in CLIENTS for text in (False, True) if not (text and name in DICTIONARIES)],
)
def test_nothing_is_lost(
    installations: Installations,
    certificates: Certificates,
    machine: dict[str, str],
    tmp_path: Path,
    name: str,
    *,
    text: bool,
) -> None:
    family, client = CLIENTS[name]
    start, asked = SITES[family]
    if asked and machine.get(asked) != "1":
        pytest.skip(f"only with {asked}=1")
    try:
        found = start(installations, certificates, tmp_path)
        with found as site, running(client, site.load(text=text)) as counts:
            more_than(0, counts)
            site.files.rotate()
            were_there = site.cut()
            before = counts["served"]
            more_than(before, counts)
    except ServerMissing as reason:
        pytest.skip(str(reason))
    assert counts["lost"] == 0, counts
    assert counts["repeated"] or were_there, "no connection was cut"
    assert counts["served"] > before > 0, "the traffic stopped"


def more_than(number: int, counts: Mapping[str, int]) -> None:
    """Wait until more than `number` requests have been served, and at least half a second, for ten seconds at most."""
    end = time.monotonic() + 10
    time.sleep(0.5)
    while counts["served"] <= number and time.monotonic() < end:
        time.sleep(0.05)
