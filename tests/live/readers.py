"""Programs that read what `envconn.export` writes for libpq, and what came of it in the words of `matrix`.

A reader is a ``psql`` of some age, found where servers are, or psycopg in this process.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import psycopg

import libpq_drivers
import matrix
from envconn.export import environment, render
from throwaway import binaries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from envconn import SecuredConnection

__all__ = ["SPELLINGS", "Handed", "Reader", "psqls", "read"]


class Reader(NamedTuple):
    """A program with a libpq of version `libpq`; `command` is psql's path, or empty for psycopg."""

    command: str
    libpq: int


class Handed(NamedTuple):
    """What a reader is given: an argument, and an environment."""

    conninfo: str
    environ: Mapping[str, str]


def psqls() -> list[Reader]:
    """Return every psql here, and psycopg."""
    folders = [*os.get_exec_path(), *map(str, binaries.find())]
    paths = [os.path.join(folder, "psql") for folder in folders]
    found = {os.path.realpath(path): path for path in paths if os.access(path, os.X_OK)}
    readers = [Reader(path, _major(path) * 10_000) for path in found.values()]
    return [*readers, Reader("", psycopg.pq.version())]


def _major(path: str) -> int:
    output = subprocess.run([path, "--version"], capture_output=True, check=True, text=True, timeout=60).stdout
    (major,) = re.findall(r"\(PostgreSQL\) ([0-9]+)", output)
    return int(major)


def _environment(judged: SecuredConnection, libpq: int | None, directory: Path) -> Handed:
    found = environment(judged, libpq=libpq)
    left = {name: value for name, value in os.environ.items() if name not in found.absent}
    return Handed("", {**left, **found.values})


def _service(judged: SecuredConnection, libpq: int | None, directory: Path) -> Handed:
    for name, text in (
        ("service", render(judged, "pg_service", libpq=libpq)),
        ("passwords", render(judged, "pgpass")),
    ):
        (directory / name).write_text(text, encoding="utf-8")
        (directory / name).chmod(0o600)
    chosen = {"PGSERVICEFILE": str(directory / "service"), "PGPASSFILE": str(directory / "passwords")}
    return Handed("", {**os.environ, **chosen, "PGSERVICE": judged.name})


SPELLINGS: dict[str, Callable[[SecuredConnection, int | None, Path], Handed]] = {
    "pg": _environment,
    "pg_service": _service,
    "conninfo": lambda judged, libpq, _: Handed(render(judged, "conninfo", libpq=libpq).rstrip("\n"), dict(os.environ)),
    "uri": lambda judged, libpq, _: Handed(render(judged, "uri", libpq=libpq).rstrip("\n"), dict(os.environ)),
}
"""How a judged connection is handed to libpq, by the name of the format."""


def read(reader: Reader, handed: Handed) -> str:
    """Connect and say what came of it."""
    if not reader.command:
        before = dict(os.environ)
        os.environ.clear()
        os.environ.update(handed.environ)
        try:
            return libpq_drivers.outcome("psycopg", handed.conninfo, {})
        finally:
            os.environ.clear()
            os.environ.update(before)
    database = [handed.conninfo] if handed.conninfo else []
    command = [reader.command, "-X", "-w", "-A", "-t", "-c", libpq_drivers.QUERY, *database]
    done = subprocess.run(
        command,
        env={**handed.environ, "PGCONNECT_TIMEOUT": "10", "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    output = {"t\n": matrix.TLS, "f\n": matrix.CLEAR}
    return output.get(done.stdout) or libpq_drivers.recognised(done.stderr)
