"""Certificates in a mounted directory, a PostgreSQL that asks its clients for one, and both replaced while it runs.

Loaded as a plugin by tests/conftest.py for the fixture `mount`.
"""

from __future__ import annotations

import secrets
import ssl
import threading
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

import daemons
import envconn
import revocation
import rules
from envconn.tls import deciding_files
from throwaway import certificates as making

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from throwaway.certificates import Certificates, Pair
    from throwaway.server import Server

__all__ = ["Mount", "MountedFiles", "bundle", "threads_that_read"]


class MountedFiles:
    """The files that the clients of a server need, as Kubernetes mounts a Secret.

    `path` is the directory: ``ca.pem``, ``client.pem``, ``client.key`` and ``crl.pem`` are links through ``..data``, a
    link that is swapped. `authority` is the one of now, of the server's certificate and of the client's. `serve` has
    the server show a certificate of the first authority, and trust the clients of all of them.
    """

    def __init__(self, directory: Path, serve: Callable[[Sequence[Certificates]], object]) -> None:
        self.path = directory / "mount"
        self.path.mkdir()
        self._directory, self._serve = directory, serve
        self.authority = self._made()
        self._serve([self.authority])
        self.write()
        for name in ("ca.pem", "client.pem", "client.key", "crl.pem"):
            (self.path / name).symlink_to(f"..data/{name}")

    def rotate(self) -> None:
        """Replace everything: both sides trust the old and the new authority for a while, then the new one alone."""
        old, self.authority = self.authority, self._made()
        self._serve([old, self.authority])
        self.write(old)
        self._serve([self.authority])
        self.write()

    def write(self, old: Certificates | None = None, *, revoked: bytes | None = None) -> None:
        """Swap the directory for one with the files of now; with `old`, its authority is trusted, too."""
        version, trusted = self.path / f"..{secrets.token_hex(8)}", [self.authority, *([old] if old else [])]
        version.mkdir()
        (version / "ca.pem").write_bytes(bundle(trusted))
        lists = b"".join(
            revocation.listed(version / "one.crl", each.authority, *([revoked] if revoked else [])).read_bytes()
            for each in trusted
        )
        (version / "crl.pem").write_bytes(lists)
        for name, content in _files(self.authority.issue("client")).items():
            (version / name).touch(mode=0o600)
            (version / name).write_bytes(content)
        following = self.path / "..data_tmp"
        following.symlink_to(version.name)
        following.replace(self.path / "..data")

    def _made(self) -> Certificates:
        directory = self._directory / secrets.token_hex(4)
        directory.mkdir()
        return making.write(directory)


class Mount(MountedFiles):
    """A role of the PostgreSQL `server`, and the files of its clients."""

    def __init__(self, server: Server, directory: Path) -> None:
        self.server = server
        self.role = f"certified_{secrets.token_hex(4)}"
        self.password = secrets.token_urlsafe(9)
        self.admin = psycopg.connect(
            host=str(server.home), port=server.port, user=server.user, dbname=server.dbname, autocommit=True
        )
        self.admin.execute(f"create role {self.role} login password '{self.password}'")
        super().__init__(directory, self._use)

    def close(self) -> None:
        """Let go of the server; the role stays."""
        self.admin.close()

    def environ(self, *, text: bool = False, **parameters: str) -> dict[str, str]:
        """Return the variables of a client; with `text`, its CA is one instead of a path."""
        stated = {"sslrootcert": "ca.pem", "sslcert": "client.pem", "sslkey": "client.key", "sslcrl": "crl.pem"}
        query = {"sslmode": "verify-full", **{name: str(self.path / file) for name, file in stated.items()}}
        if text:
            del query["sslrootcert"]
        options = "&".join(f"{name}={value}" for name, value in {**query, **parameters}.items())
        address = f"localhost:{self.server.port}/{self.server.dbname}"
        found = {"DATABASE_URL": f"postgresql://{self.role}:{self.password}@{address}?{options}"}
        return {**found, "DATABASE_CA_CERT_FILE": str(self.path / "ca.pem")} if text else found

    def load(self, *, text: bool = False) -> envconn.Services:
        """Return the services of that environment."""
        return envconn.load(self.environ(text=text), env_file=None)

    def cut(self) -> int:
        """Terminate every connection of the role, and return how many there were."""
        found = self.admin.execute(
            "select count(pg_terminate_backend(pid, 2000)) from pg_stat_activity where usename = %s", [self.role]
        ).fetchone()
        assert found
        return int(found[0])

    def _use(self, trusted: Sequence[Certificates]) -> None:
        daemons.private(self.server.account, self.server.home / "data" / "clients.pem", bundle(trusted))
        self.server.use(trusted[0].issue("localhost", "127.0.0.1"))


def bundle(trusted: Sequence[Certificates]) -> bytes:
    """Return the certificates of the authorities, one after the other."""
    return b"".join(each.ca.read_bytes() for each in trusted)


def threads_that_read(patch: pytest.MonkeyPatch) -> set[int]:
    """Return a set that gets the threads in which files that decide are looked at, or read by Python's TLS."""
    found: set[int] = set()

    def noted(function: Any) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            found.add(threading.get_ident())
            return function(*given, **named)

        return call

    patch.setattr(deciding_files, "current", noted(deciding_files.current))
    for name in ("load_verify_locations", "load_cert_chain"):
        patch.setattr(ssl.SSLContext, name, noted(getattr(ssl.SSLContext, name)))
    return found


def _files(pair: Pair) -> dict[str, bytes]:
    return {"client.pem": pair.chain.read_bytes(), "client.key": pair.key.read_bytes()}


@pytest.fixture(scope="session")
def asking(certificates: Certificates) -> Iterator[Server]:
    """A PostgreSQL that asks its clients for a certificate; each `mount` changes which ones it takes."""
    rule = "hostssl all all 127.0.0.0/8 scram-sha-256 clientcert=verify-ca"
    with rules.running(certificates.good, rule, ca=certificates.ca) as server:
        yield server


@pytest.fixture
def mount(asking: Server, tmp_path: Path) -> Iterator[Mount]:
    """A role and the files of its clients: `.environ()`, `.load()`, `.rotate()`, `.cut()`."""
    made = Mount(asking, tmp_path)
    yield made
    made.close()
