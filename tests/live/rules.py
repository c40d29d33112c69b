"""A private PostgreSQL whose pg_hba.conf a test writes itself."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import daemons
from throwaway import postgres
from throwaway.process import wait

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from throwaway.certificates import Pair
    from throwaway.server import Server

__all__ = ["running"]


@contextmanager
def running(pair: Pair, rules: str, *, ca: Path | None = None, settings: str = "") -> Iterator[Server]:
    """Run one that shows `pair`, with the lines `rules` alone; slashes stand between them.

    With `ca` it asks its clients for a certificate, which that one has signed. `settings` are further
    lines of postgresql.conf.
    """
    with postgres.running(pair) as server:
        data = server.home / "data"
        lines = ["local all all trust", *rules.split(" / ")]
        (data / "pg_hba.conf").write_text("\n".join(lines) + "\n", encoding="ascii")
        if ca:
            daemons.private(server.account, data / "clients.pem", ca.read_bytes())
            settings = f"ssl_ca_file = 'clients.pem'\n{settings}"
        with (data / "postgresql.conf").open("a", encoding="utf-8") as configuration:
            configuration.write(f"{settings}\n")
        server._reload()
        wait(lambda: "received SIGHUP" in server.log(), "the new rules", seconds=5)
        yield server
