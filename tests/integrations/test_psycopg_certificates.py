"""Client certificates with psycopg 3 and psycopg2, and a key without a known password."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import trustme
from cryptography.hazmat.primitives import serialization

import envconn
import envconn_psycopg
import libpq_drivers
import matrix
from throwaway import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from throwaway.certificates import Certificates
    from throwaway.server import Server

ENCRYPTED = {"sslpassword": "of the key"}
QUERY = "select client_dn from pg_stat_ssl where pid = pg_backend_pid()"


@dataclass(frozen=True)
class Client:
    """A client's files, the key unencrypted and encrypted."""

    certificate: Path
    key: Path
    locked_key: Path

    def query(self, key: Path, **more: str) -> dict[str, str]:
        return {"sslmode": "require", "sslcert": str(self.certificate), "sslkey": str(key), **more}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA(organization_name="clients")


@pytest.fixture(scope="module")
def client(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Client:
    directory = tmp_path_factory.mktemp("client")
    issued = authority.issue_cert("app@envconn.test", common_name="app")
    files = Client(directory / "client.crt", directory / "client.key", directory / "locked.key")
    files.certificate.write_bytes(issued.cert_chain_pems[0].bytes())
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    encryption = serialization.BestAvailableEncryption(ENCRYPTED["sslpassword"].encode())
    form = serialization.PrivateFormat.PKCS8
    for path, how in ((files.key, serialization.NoEncryption()), (files.locked_key, encryption)):
        path.touch(mode=0o600)
        path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, how))
    return files


@pytest.fixture(scope="module")
def server(certificates: Certificates, authority: trustme.CA) -> Iterator[Server]:
    """A server that asks its clients for a certificate of `authority`."""
    with postgres.running(certificates.good) as running:
        trusted = running.account.own(_written(running.home / "clients.pem", authority.cert_pem.bytes()))
        with psycopg.connect(running.uri(), autocommit=True) as admin:
            admin.execute(f"alter system set ssl_ca_file = '{trusted}'")
            admin.execute("select pg_reload_conf()")
        limit = time.monotonic() + 5
        while _setting(running) != str(trusted):
            assert time.monotonic() < limit
        yield running


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o644)
    return path


def _setting(server: Server) -> str:
    with psycopg.connect(server.uri()) as connection:
        row = connection.execute("show ssl_ca_file").fetchone()
    return "" if row is None else str(row[0])


def load(server: Server, **query: str) -> envconn.SecuredConnection:
    uri = server.uri(**query, connect_timeout="10")
    return envconn.load({"DATABASE_URL": uri, "ENVCONN_TLS_LOCAL": "enforce"}, env_file=None).database


def shown(judged: envconn.SecuredConnection) -> str | None:
    with envconn_psycopg.connect(judged) as connection:
        row = connection.execute(QUERY).fetchone()
    return None if row is None else row[0]


def test_certificate_is_shown(server: Server, client: Client) -> None:
    assert "CN=app" in (shown(load(server, **client.query(client.key))) or "")


def test_encrypted_key_is_opened(server: Server, client: Client) -> None:
    assert "CN=app" in (shown(load(server, **client.query(client.locked_key, **ENCRYPTED))) or "")


@pytest.mark.parametrize("driver", libpq_drivers.DRIVERS)
@pytest.mark.parametrize("key", ["key", "locked_key"])
def test_every_driver_shows_it(server: Server, client: Client, driver: str, key: str) -> None:
    judged = load(server, **client.query(getattr(client, key), **(ENCRYPTED if key == "locked_key" else {})))
    arguments = envconn_psycopg.kwargs(judged, driver=libpq_drivers.family(driver))
    arguments["sslcertmode"] = "require"
    assert libpq_drivers.outcome(driver, "", arguments) == matrix.TLS


def test_none_is_shown_unless_stated(server: Server, client: Client) -> None:
    directory = Path(os.environ["HOME"], ".postgresql")
    directory.mkdir()
    (directory / "postgresql.crt").symlink_to(client.certificate)
    (directory / "postgresql.key").symlink_to(client.key)
    with psycopg.connect(server.uri()) as naive:
        assert "CN=app" in str(naive.execute(QUERY).fetchone())
    assert shown(load(server, sslmode="require")) is None


OURS = """
import os, envconn, envconn_psycopg, {driver}
arguments = envconn_psycopg.kwargs(envconn.load(env_file=None), driver="{driver}")
os.replace(arguments["sslkey"] + ".locked", arguments["sslkey"])
try:
    {driver}.connect(**arguments)
except {driver}.OperationalError:
    raise SystemExit(3)
"""
NAIVE = """
import os, {driver}
{driver}.connect(os.environ["DATABASE_URL"])
"""


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_a_locked_key_is_an_error_and_not_a_question(
    server: Server, client: Client, checkout: Path, tmp_path: Path, driver: str
) -> None:
    """At load it is refused; here, it takes the place of one that was not locked."""
    for path, source in {"key": client.key, "key.locked": client.locked_key}.items():
        (tmp_path / path).touch(0o600)
        (tmp_path / path).write_bytes(source.read_bytes())
    uri = server.uri(**client.query(tmp_path / "key"))
    assert ended(OURS.format(driver=driver), uri, checkout, seconds=20) == 3


def test_naively_libpq_asks_on_the_terminal(server: Server, client: Client, checkout: Path) -> None:
    uri = server.uri(**client.query(client.locked_key))
    assert ended(NAIVE.format(driver="psycopg"), uri, checkout, seconds=2) is None


def ended(code: str, uri: str, checkout: Path, *, seconds: float) -> int | None:
    """Run `code` with a standard input that stays open and no terminal; `None` if it does not end in time."""
    environ = {**os.environ, "DATABASE_URL": uri}
    command = [sys.executable, "-c", code]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, env=environ, cwd=checkout, start_new_session=True)
    with process:
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            return None
