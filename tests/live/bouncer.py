"""A real PgBouncer in transaction mode, in front of a real PostgreSQL.

TLS is demanded of clients, and of the server with its certificate verified in full. Two server
connections are handed out in turn, so that clients meet each other's leftovers at once.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg
from psycopg.rows import dict_row

import daemons
from throwaway.process import ADDRESS, free_port, workplace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from throwaway.binaries import Account
    from throwaway.certificates import Certificates, Pair
    from throwaway.server import Server

__all__ = ["Bouncer", "running"]

_CONFIGURATION = """
[databases]
* = host={server.address} port={server.port}
[pgbouncer]
listen_addr = {address}
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {home}/users
admin_users = {server.user}
pool_mode = transaction
default_pool_size = 2
server_round_robin = 1
query_wait_timeout = 10
client_tls_sslmode = {client_tls}
client_tls_cert_file = {home}/server.crt
client_tls_key_file = {home}/server.key
server_tls_sslmode = {upstream}
max_client_conn = {clients}
server_tls_ca_file = {home}/ca.crt
{more}
"""


@dataclass(frozen=True)
class Bouncer:
    """A pooler on `port` of a loopback address. `tracks` says whether prepared statements survive it."""

    address: str
    port: int
    user: str
    password: str = field(repr=False)
    dbname: str
    version: tuple[int, ...]
    tracks: bool
    home: Path
    host: str = "localhost"

    def uri(self, host: str = "localhost", **parameters: str) -> str:
        """Return the address with the password in it; `parameters` become the query."""
        who = (self.user, self.password)
        return daemons.uri("postgresql", who, f"{host}:{self.port}", self.dbname, parameters)

    def show(self, what: str) -> list[dict[str, object]]:
        """Ask the pooler itself: ``show("CLIENTS")``, ``POOLS``, ``SERVERS``, ``CONFIG``."""
        who, settings = (self.user, self.password), {"sslmode": "require", "connect_timeout": "5"}
        address = daemons.uri("postgresql", who, f"{self.address}:{self.port}", "pgbouncer", settings)
        with psycopg.connect(address, autocommit=True) as admin:
            return admin.cursor(row_factory=dict_row).execute(f"SHOW {what}").fetchall()

    def fill(self) -> None:
        """Have both server connections open: two clients are in a transaction at once. Failing clients close one."""
        uri = self.uri(hostaddr=self.address, sslmode="require", connect_timeout="10")
        with psycopg.connect(uri) as one, psycopg.connect(uri) as other:
            one.execute("select 1")
            other.execute("select 1")

    def serves(self, port: int) -> bool:
        """Whether the client whose own port is `port` is connected to this pooler."""
        return any(client["port"] == port for client in self.show("CLIENTS"))

    def log(self) -> str:
        """Return what the pooler has said so far."""
        return (self.home / "log").read_text(encoding="utf-8", errors="replace")


@contextmanager
def running(
    command: Sequence[str],
    server: Server,
    certificates: Certificates,
    pair: Pair,
    *,
    users: Mapping[str, str] | None = None,
    address: str = ADDRESS,
    port: int = 0,
    tracks: bool = False,
    client_tls: str = "require",
    upstream: str = "verify-full",
    clients: int = 100,
) -> Iterator[Bouncer]:
    """Run `command` in front of `server`, showing `pair`. `users` may log in beside the server's own.

    `tracks` asks for prepared statements to be tracked, which takes PgBouncer 1.21. `client_tls` is what it demands
    of its clients (``client_tls_sslmode``), `upstream` its sslmode towards the server, `clients` how many it takes
    at once.
    """
    account, port = server.account, port or free_port(address)
    version = _version(command, account)
    with workplace(account) as home:
        daemons.keys(account, home, pair, certificates.ca)
        known = {server.user: server.password, **(users or {})}
        daemons.private(account, home / "users", "".join(map(_line, known.items())))
        more = f"max_prepared_statements = {200 if tracks else 0}" if version >= (1, 21) else ""
        words = {"address": address, "port": port, "home": home, "more": more}
        words |= {"client_tls": client_tls, "upstream": upstream, "clients": clients}
        text = _CONFIGURATION.format(server=server, **words)
        configuration = daemons.private(account, home / "pgbouncer.ini", text)
        with daemons.listening((*command, str(configuration)), home, account, address, port):
            tracks = tracks and bool(more)
            yield Bouncer(address, port, server.user, server.password, server.dbname, version, tracks, home)


def _line(user: tuple[str, str]) -> str:
    name, password = (part.replace('"', '""') for part in user)
    return f'"{name}" "{password}"\n'


def _version(command: Sequence[str], account: Account) -> tuple[int, ...]:
    version = account.run([*command, "--version"], seconds=20)
    return tuple(int(part) for part in re.findall(r"\d+", version.split("\n")[0]))
