"""A secret in a file as Kubernetes mounts it, a role whose password it holds, and who has logged in with it."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

import envconn
from envconn.rotation import reload
from envconn.selection import select_services

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from envconn.rotation.passwords import Supplier
    from lab import Lab
    from throwaway.certificates import Certificates
    from throwaway.server import Server

__all__ = ["Vault", "count_readings"]


class Vault:
    """A role of `server` and the file that has its URL; `role`, `path`, `password` are those of now.

    The file `replica` beside it names the same server by its address, and `rendered` is replaced as a whole, as a
    program does that renders a template. `username` and `password` are beside it as well.
    """

    def __init__(self, server: Server, directory: Path, certificates: Certificates) -> None:
        self.server = server
        self.role = f"rotating_{secrets.token_hex(4)}"
        self.password = self.new = secrets.token_urlsafe(9)
        self._certificates = certificates
        self._mount = directory / "mount"
        self._mount.mkdir()
        self.path = self._mount / "url"
        self.rendered = directory / "rendered"
        self.admin = psycopg.connect(server.uri(sslmode="require"), autocommit=True)
        self.admin.execute(f"create role {self.role} login password '{self.password}'")
        self.write(self.uri())
        self.replica = self._mount / "replica"
        for name in ("url", "replica", "username", "password"):
            (self._mount / name).symlink_to(f"..data/{name}")

    def close(self) -> None:
        """Let go of the server; the role stays, since a client may still be logged in."""
        self.admin.close()

    def uri(self, host: str = "localhost", *, port: int = 0, **parameters: str) -> str:
        """Return the address with the password of now, verified in full unless `parameters` say otherwise."""
        query = {"sslmode": "verify-full", "sslrootcert": str(self._certificates.ca), **parameters}
        options = "&".join(f"{name}={value}" for name, value in query.items() if value)
        address = f"{host}:{port or self.server.port}/{self.server.dbname}"
        return f"postgresql://{self.role}:{self.password}@{address}?{options}"

    def write(self, text: str) -> None:
        """Have the file hold `text`, by swapping a directory, so that it is never read half-written."""
        version = self._mount / f"..{secrets.token_hex(8)}"
        version.mkdir()
        (version / "url").write_text(text, encoding="utf-8")
        (version / "replica").write_text(text.replace("localhost", "127.0.0.1"), encoding="utf-8")
        (version / "username").write_text(self.role, encoding="utf-8")
        (version / "password").write_text(self.password, encoding="utf-8")
        following = self._mount / "..data_tmp"
        following.symlink_to(version.name)
        following.replace(self._mount / "..data")
        partial = self.rendered.with_suffix(".tmp")
        partial.write_text(text, encoding="utf-8")
        partial.replace(self.rendered)

    def rotate(self, *, file: bool = True) -> None:
        """Make a `new` password, write it into the file unless told not to, and then tell the server."""
        self.new = secrets.token_urlsafe(9)
        if file:
            self.password = self.new
            self.write(self.uri())
        self.admin.execute(f"alter role {self.role} password '{self.new}'")

    def lease(self) -> str:
        """Have another user with another password in the files from now on, and return the user before."""
        before, self.role = self.role, f"rotating_{secrets.token_hex(4)}"
        self.password = self.new = secrets.token_urlsafe(9)
        self.admin.execute(f"create role {self.role} login password '{self.password}'")
        self.write(self.uri())
        return before

    def end_lease(self, role: str) -> int:
        """Drop `role` as Vault does with the statements of the page, and return how many connections it had."""
        self.admin.execute(f"alter role {role} nologin")
        found = self.admin.execute(
            "select count(pg_terminate_backend(pid, 2000)) from pg_stat_activity where usename = %s", [role]
        ).fetchone()
        self.admin.execute(f"drop role if exists {role}")
        assert found
        return int(found[0])

    def cut(self) -> int:
        """Terminate every connection of the role, as a failover would, and return how many there were."""
        found = self.admin.execute(
            "select count(pg_terminate_backend(pid, 2000)) from pg_stat_activity where usename = %s", [self.role]
        ).fetchone()
        assert found
        return int(found[0])

    def environ(self) -> dict[str, str]:
        """Return the variables that name the files."""
        return {"DATABASE_URL_FILE": str(self.path), "DATABASE_REPLICA_URL_FILE": str(self.replica)}

    def load(self, passwords: Mapping[str, Supplier] | None = None) -> envconn.Services:
        """Return what an environment comes to that names the file."""
        return envconn.load({"DATABASE_URL_FILE": str(self.path)}, env_file=None, passwords=passwords)

    def delivered(self, by: str) -> dict[str, str]:
        """Return the variables for what Vault's ``agent``, its ``operator`` or the CSI ``driver`` writes."""
        if by == "operator":
            return {
                "DB_HOST": "localhost",
                "DB_PORT": str(self.server.port),
                "DB_NAME": self.server.dbname,
                "DB_USER_FILE": str(self._mount / "username"),
                "DB_PASSWORD_FILE": str(self._mount / "password"),
                "DB_SSLMODE": "verify-full",
                "DATABASE_CA_CERT": str(self._certificates.ca),
            }
        return {"DATABASE_URL_FILE": str(self.rendered if by == "agent" else self.path)}

    def refused(self) -> int:
        """Return how often the server has refused the role's password so far."""
        time.sleep(0.02)  # the server answers before it writes
        return self.server.log().count(f'password authentication failed for user "{self.role}"')


@pytest.fixture
def vault(lab: Lab, tmp_path: Path, certificates: Certificates) -> Iterator[Vault]:
    """A role of its own on ``lab["good"]``, and the file that has its URL: `.rotate()`, `.cut()`, `.refused()`."""
    made = Vault(lab["good"], tmp_path, certificates)
    yield made
    made.close()


def count_readings(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a list that gets an entry each time that services are read, the first time included."""
    found: list[float] = []

    def counted(*given: Any, **named: Any) -> object:
        found.append(time.monotonic())
        return select_services(*given, **named)

    monkeypatch.setattr(reload, "select_services", counted)
    return found
