"""A real Redis with a replica, and sentinels that look after both, all of them over TLS and nothing else."""

from __future__ import annotations

import secrets
import ssl
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import redis

import daemons
import redisserver
from throwaway.process import ADDRESS, free_port, wait, workplace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from redisserver import Redis
    from throwaway.binaries import Account
    from throwaway.certificates import Pair

__all__ = ["MASTER", "STATES", "Sentinels", "running", "sentinel", "watching"]

MASTER = "mymaster"
STATES = {
    "good": ("good", "good"),
    "names": ("good", "good"),
    "sentinel wronghost": ("wronghost", "good"),
    "sentinel unknownca": ("unknownca", "good"),
    "sentinel expired": ("expired", "good"),
    "redis wronghost": ("good", "wronghost"),
    "redis unknownca": ("good", "unknownca"),
}
"""The certificates that sentinels show, and the Redis behind them. At ``names``, host names are announced."""


@dataclass(frozen=True)
class Sentinels:
    """Sentinels on `ports` of the loopback interface, with a password of their own, and the `nodes` they look after."""

    ports: tuple[int, ...]
    secret: str = field(repr=False)
    nodes: tuple[Redis, ...]

    def uri(self, host: str = "localhost", *, database: int = 0, **parameters: str) -> str:
        """Return the address of all of them, with both passwords in it."""
        hosts = ",".join(f"{host}:{port}" for port in self.ports)
        query = urlencode({"sentinel_password": self.secret, **parameters}, quote_via=quote)
        return f"rediss+sentinel://:{self.nodes[0].password}@{hosts}/{MASTER}/{database}?{query}"

    def ask(self, *words: str) -> Any:
        """Ask the first sentinel."""
        with _client(self.ports[0], self.secret) as client:
            return client.execute_command("SENTINEL", *words)

    def master(self) -> int:
        """Return the port of the master, which all of them agree on."""
        [port] = {self._named(port) for port in self.ports} or {0}
        return port

    def fail_over(self) -> None:
        """Make the replica the master, and wait until everybody knows, the old master included."""
        before = self.master()
        [old] = [node for node in self.nodes if node.port == before]
        self.ask("FAILOVER", MASTER)
        wait(lambda: all(self._named(port) != before for port in self.ports), "another master", seconds=30)
        with _client(old.port, old.password) as client, client.pipeline() as pipe:
            # What a sentinel sends it some ten seconds later (sentinel.c, sentinelSendSlaveOf).
            pipe.replicaof("localhost", self.master())
            pipe.execute_command("CLIENT", "KILL", "TYPE", "normal")
            pipe.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            pipe.execute()
        wait(lambda: _linked(old), "the old master to follow", seconds=20)

    def _named(self, port: int) -> int:
        with _client(port, self.secret) as client:
            [_, named] = client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER)
        return int(named)


@contextmanager
def running(
    command: Sequence[str],
    account: Account,
    pairs: tuple[Pair, Pair],
    ca: Path,
    *,
    names: bool = False,
    size: tuple[int, int] = (1, 2),
) -> Iterator[Sentinels]:
    """Run sentinels and what they look after; `pairs` are what the sentinels show, and what the others do.

    `size` is the number of replicas, and that of sentinels. With `names`, ``localhost`` is announced, no address.
    """
    replicas, many = size
    host, password = "localhost" if names else ADDRESS, secrets.token_urlsafe(18)
    more = [
        "tls-replication yes",
        f"masterauth {password}",
        "repl-diskless-sync-delay 0",
        f"replica-announce-ip {host}",
    ]
    with ExitStack() as stack:

        def node(*lines: str) -> Redis:
            return stack.enter_context(
                redisserver.running(command, account, pairs[1], ca, password=password, more=[*more, *lines])
            )

        master = node()
        nodes = (master, *(node(f"replicaof {host} {master.port}") for _ in range(replicas)))
        for each in nodes[1:]:
            wait(lambda each=each: _linked(each), "the replica", seconds=20)  # type: ignore[misc]
        secret = secrets.token_urlsafe(18)
        looked = watching(host, master)
        ports = [
            stack.enter_context(sentinel(command, account, pairs[0], ca, secret, looked, names=names))
            for _ in range(many)
        ]
        found = Sentinels(tuple(ports), secret, nodes)
        wait(lambda: _ready(found, replicas), "the sentinels", seconds=20)
        yield found


def _ready(found: Sentinels, replicas: int) -> bool:
    known = found.ask("REPLICAS", MASTER)
    return len(known) == replicas


def _linked(node: Redis) -> bool:
    with _client(node.port, node.password) as client:
        return bool(client.info("replication").get("master_link_status") == "up")


def watching(host: str, master: Redis) -> list[str]:
    """Return the lines with which a sentinel looks after `master`, which it reaches at `host`."""
    return [f"sentinel monitor {MASTER} {host} {master.port} 1", f"sentinel auth-pass {MASTER} {master.password}"]


@contextmanager
def sentinel(
    command: Sequence[str],
    account: Account,
    pair: Pair,
    ca: Path,
    secret: str,
    looked: Sequence[str],
    *,
    names: bool = False,
    port: int = 0,
) -> Iterator[int]:
    """Run a sentinel for the masters that it is told of in the lines `looked`, on its `port`."""
    port = port or free_port()
    with workplace(account) as home:
        chain, key, root = daemons.keys(account, home, pair, ca)
        lines = [f"bind {ADDRESS}", f"dir {home}", "port 0", f"tls-port {port}", "tls-replication yes"]
        lines += ["tls-auth-clients no", f"tls-ca-cert-file {root}", f"tls-cert-file {chain}", f"tls-key-file {key}"]
        lines += [f"requirepass {secret}", f"sentinel sentinel-pass {secret}"]
        lines += ["sentinel resolve-hostnames yes", "sentinel announce-hostnames yes"] if names else []
        lines += [*looked, f"sentinel down-after-milliseconds {MASTER} 2000"]
        configuration = daemons.private(account, home / "sentinel.conf", "\n".join(lines) + "\n")
        with daemons.listening((*command, str(configuration), "--sentinel"), home, account, ADDRESS, port):
            yield port


def _client(port: int, password: str) -> redis.Redis:
    return redis.Redis(
        host="localhost", port=port, password=password, ssl=True, ssl_cert_reqs=ssl.CERT_NONE, ssl_check_hostname=False
    )
