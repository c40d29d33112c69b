"""Real servers where a provider's would be: its host names, its ports, its kind of user name.

The names lead nowhere, so every URL states a loopback address of its own as ``hostaddr``; there
PostgreSQL and PgBouncer have the ports to themselves, whatever else runs on this machine.
"""

from __future__ import annotations

import secrets
import socket
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

import bouncer
import daemons

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bouncer import Bouncer
    from throwaway.certificates import Certificates
    from throwaway.postgres import Template
    from throwaway.server import Server

__all__ = ["NEON", "PLANETSCALE", "Edge", "neon", "planetscale"]

PLANETSCALE = "aws-us-east-1-1.pg.psdb.cloud"
NEON = "ep-cool-darkness-a1b2c3d4.us-east-2.aws.neon.tech"


@dataclass(frozen=True)
class Edge:
    """A PostgreSQL on port 5432 of `direct`, and a PgBouncer in front of it, at `pooled` and its port.

    `users` are role names with their passwords, the application's first. `parameters` are what
    every URL has: verification in full against the laboratory's CA, and nothing that the servers lack.
    """

    server: Server
    bouncer: Bouncer
    users: Mapping[str, str] = field(repr=False)
    parameters: Mapping[str, str]

    def uri(self, host: str, *, pooled: bool = False, user: str = "", **parameters: str) -> str:
        """Return the address of one of the two under the name `host`; the user is the application's when left out."""
        user = user or next(iter(self.users))
        where = self.bouncer if pooled else self.server
        query = {**self.parameters, "hostaddr": where.address, **parameters}
        return daemons.uri("postgresql", (user, self.users[user]), f"{host}:{where.port}", self.server.dbname, query)


@contextmanager
def planetscale(
    template: Template, certificates: Certificates, command: Sequence[str], *, newer: bool
) -> Iterator[Edge]:
    """One address: PostgreSQL on 5432, PgBouncer on 6432, roles of the form ``role.branch``, one for replicas."""
    address, *_ = _addresses((5432, 6432))
    pair = certificates.issue(PLANETSCALE, address)
    # "|replica" is no part of the role there; here it is another role with the same password.
    users = dict.fromkeys(("app.branch1234ab", "app.branch1234ab|replica"), secrets.token_urlsafe(18))
    with ExitStack() as cleanup:
        server = cleanup.enter_context(template.running(pair, address=address, port=5432))
        pooler = bouncer.running(
            command, server, certificates, pair, users=users, address=address, port=6432, tracks=newer
        )
        yield _edge(server, cleanup.enter_context(pooler), users, certificates)


@contextmanager
def neon(template: Template, certificates: Certificates, command: Sequence[str], *, newer: bool) -> Iterator[Edge]:
    """Two addresses for two names, both on port 5432, as Neon's proxies are."""
    direct, pooled = _addresses((5432,), (5432,))
    name, _, domain = NEON.partition(".")
    pair = certificates.issue(NEON, f"{name}-pooler.{domain}", direct)
    users = {"app_owner": secrets.token_urlsafe(18)}
    with ExitStack() as cleanup:
        server = cleanup.enter_context(template.running(pair, address=direct, port=5432))
        pooler = bouncer.running(
            command, server, certificates, pair, users=users, address=pooled, port=5432, tracks=newer
        )
        yield _edge(server, cleanup.enter_context(pooler), users, certificates)


def _edge(server: Server, pooler: Bouncer, users: Mapping[str, str], certificates: Certificates) -> Edge:
    address = {"host": server.address, "sslmode": "verify-full", "sslrootcert": str(certificates.ca)}
    with psycopg.connect(server.uri(**address), autocommit=True) as admin:
        for name, password in users.items():
            words = sql.SQL("create role {} login password {}")
            admin.execute(words.format(sql.Identifier(name), sql.Literal(password)))
            admin.execute(sql.SQL("grant create on schema public to {}").format(sql.Identifier(name)))
    parameters = {"sslmode": "verify-full", "sslrootcert": str(certificates.ca), "connect_timeout": "10"}
    if pooler.version < (1, 25):
        parameters["sslnegotiation"] = "postgres"  # it does not know TLS from the first byte
    return Edge(server, pooler, users, parameters)


def _addresses(*wanted: Sequence[int]) -> Iterator[str]:
    """Yield for each list of ports a loopback address where all of them are free."""
    for ports in wanted:
        for _ in range(50):
            address = f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(256)}.{secrets.randbelow(253) + 2}"
            if all(_is_free(address, port) for port in ports):
                yield address
                break
        else:
            raise OSError(f"no loopback address has {ports} free: other processes use all of them")


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True
