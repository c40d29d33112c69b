"""A real MariaDB with TLS and a password, in the states a certificate can be in; a second to start."""

from __future__ import annotations

import secrets
import shlex
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import daemons
from throwaway.process import ADDRESS, free_port, workplace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from throwaway.binaries import Account
    from throwaway.certificates import Pair

__all__ = ["STATES", "MySQL", "running"]

STATES = ("good", "wronghost", "expired", "unknownca", "plain")
"""The names of certificates; ``plain`` is a server without TLS."""

_USER, _DBNAME = "app", "shop"


@dataclass(frozen=True)
class MySQL:
    """A MariaDB on `port` of the loopback interface, which wants TLS, or (not `tls`) has none."""

    port: int
    password: str = field(repr=False)
    tls: bool
    home: Path
    host: str = "localhost"
    user: str = _USER
    dbname: str = _DBNAME

    def uri(self, host: str = "localhost", **parameters: str) -> str:
        """Return the address with the password in it; `parameters` become the query."""
        return daemons.uri("mysql", (self.user, self.password), f"{host}:{self.port}", self.dbname, parameters)


@contextmanager
def running(tree: Path, account: Account, pair: Pair | None, ca: Path) -> Iterator[MySQL]:
    """Run the MariaDB that was unpacked as `tree` under `account`, showing `pair` (`None`: no TLS)."""
    port, password = free_port(), secrets.token_urlsafe(18)
    with workplace(account) as home:
        command = _command(tree, home)
        _fill(command, tree, home, account, password)
        lines = [f"--port={port}", f"--bind-address={ADDRESS}", f"--socket={home}/socket", f"--pid-file={home}/pid"]
        if pair is None:
            lines.append("--skip-ssl")
        else:
            chain, key, root = daemons.keys(account, home, pair, ca)
            lines += [f"--ssl-cert={chain}", f"--ssl-key={key}", f"--ssl-ca={root}", "--require-secure-transport"]
        with daemons.listening((*command, *lines), home, account, ADDRESS, port):
            yield MySQL(port, password, pair is not None, home)


def _command(tree: Path, home: Path) -> tuple[str, ...]:
    """The words that start it, without the files that this machine's own server would read."""
    libraries, shared = ":".join(map(str, tree.glob("usr/lib/*-linux-gnu*"))), tree / "usr/share/mysql"
    return (
        *("env", f"LD_LIBRARY_PATH={libraries}", str(tree / "usr/sbin/mariadbd"), "--no-defaults"),
        *(f"--datadir={home}/data", f"--lc-messages-dir={shared}", f"--character-sets-dir={shared}/charsets"),
        *("--innodb-log-file-size=4M", "--innodb-buffer-pool-size=8M", "--innodb-flush-log-at-trx-commit=0"),
    )


def _fill(command: tuple[str, ...], tree: Path, home: Path, account: Account, password: str) -> None:
    """Make the tables of the server, as mariadb-install-db does, and the user, who may do everything."""
    before = "create database mysql;\nuse mysql;\n"
    after = (
        f"flush privileges;\ncreate user {_USER}@'%' identified by '{password}';\n"
        f"grant all on *.* to {_USER}@'%' with grant option;\ncreate database {_DBNAME} character set utf8mb4;\n"
    )
    shared = tree / "usr/share/mysql"
    texts = [
        daemons.private(account, home / "before.sql", before),
        *(shared / f"mysql_system_tables{name}.sql" for name in ("", "_data")),
        daemons.private(account, home / "after.sql", after),
    ]
    account.run(["mkdir", str(home / "data")], seconds=20)
    account.run(["sh", "-c", f"cat {shlex.join(map(str, texts))} | {shlex.join(command)} --bootstrap"], seconds=60)
