"""What `envconn.export` writes comes to the verdict that was promised: in psql of any age, psycopg, SQLAlchemy, Django.

The traps are those of `test_matrix_traps`, where libpq is shown to fall into each.
"""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy

import envconn
import libpq_drivers
import matrix
import readers
from envconn.drivers.libpq import version as installed
from envconn.export import render
from matrix import CLAIMS, LENIENT, SITES, STRICT
from naive import asyncpg_connect
from readers import SPELLINGS
from traps import TRAPS

if TYPE_CHECKING:
    from envconn import SecuredConnection
    from fakes import Fake
    from lab import Lab
    from readers import Reader
    from throwaway.certificates import Certificates
    from traps import Furniture

SERVERS = ("good", "wronghost", "unknownca", "notls")
# ENVCONN_TLS_LOCAL, mode, CA
CELLS = [
    ("enforce", "require", "none"),
    ("enforce", "verify-ca", "right"),
    ("enforce", "verify-full", "right"),
    ("allow", "disable", "none"),
    ("allow", "prefer", "none"),
]
DISTURBING = {"PGSSLCERTMODE", "PGREQUIREAUTH", "PGSSLNEGOTIATION"}
"""Traps that a libpq newer than the text was written for can still fall into: it fails, and does nothing worse."""


@pytest.fixture(scope="session")
def everyone() -> list[Reader]:
    """Every libpq here. Without a psql, these tests would say little."""
    found = readers.psqls()
    assert len(found) > 1, "no psql on PATH, nor where PostgreSQL's servers are"
    return found


def judged(
    lab: Lab, certificates: Certificates, site: str, cell: tuple[str, str, str], scheme: str = ""
) -> SecuredConnection:
    local, mode, claim = cell
    uri = lab[site].uri(**CLAIMS[claim](certificates).query(mode))
    environ = {"DATABASE_URL": uri.replace("postgresql", scheme or "postgresql", 1), "ENVCONN_TLS_LOCAL": local}
    return envconn.load(environ, env_file=None).database


def due(site: str, cell: tuple[str, str, str]) -> str:
    """Look up what the promise must come to."""
    local, mode, claim = cell
    level = matrix.promised(STRICT if local == "enforce" else LENIENT, mode, claim)
    assert isinstance(level, envconn.TlsLevel)
    return matrix.expected(level, SITES[site], matrix.TRUSTED[claim])


def with_versions(everyone: list[Reader]) -> list[tuple[Reader, int | None]]:
    """Pair each reader with the version that the text is written for; the newest with none as well."""
    return [*((reader, reader.libpq) for reader in everyone), (everyone[-1], None)]


def cells(trap: str) -> list[tuple[str, tuple[str, str, str]]]:
    """Return the cells that are tried in `trap`: where it works without envconn, and where no connection is allowed."""
    return [(TRAPS[trap].site, CELLS[0]), ("unknownca", CELLS[2])]


@pytest.mark.parametrize("site", SERVERS)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_libpq(
    lab: Lab, certificates: Certificates, everyone: list[Reader], tmp_path: Path, spelling: str, site: str
) -> None:
    broken = []
    for (reader, version), cell in product(with_versions(everyone), CELLS):
        connection = judged(lab, certificates, site, cell)
        seen = readers.read(reader, SPELLINGS[spelling](connection, version, tmp_path))
        if seen != (want := due(site, cell)):
            broken.append(f"{reader}, {version}, {cell}: {seen}; should be {want}")
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("site", SERVERS)
def test_asyncpg(lab: Lab, certificates: Certificates, site: str) -> None:
    """Its own DSN, without envconn: connected as promised, or not at all."""
    connected = {matrix.TLS, matrix.CLEAR}
    for cell in CELLS:
        seen = asyncpg_connect(render(judged(lab, certificates, site, cell), "asyncpg").rstrip("\n"))
        want = due(site, cell)
        assert seen == want if want in connected else seen not in connected, (cell, seen, want)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("trap", TRAPS)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_libpq_in_a_trap(
    lab: Lab,
    certificates: Certificates,
    everyone: list[Reader],
    furniture: Furniture,
    away: list[Fake],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    spelling: str,
    trap: str,
) -> None:
    for fake in away:
        fake.startups.clear()
    furniture.lay(TRAPS[trap], monkeypatch, Path(os.environ["HOME"]))
    broken = []
    for (reader, version), (site, cell) in product(with_versions(everyone), cells(trap)):
        connection = judged(lab, certificates, site, cell)
        seen = readers.read(reader, SPELLINGS[spelling](connection, version, tmp_path))
        want = due(site, cell)
        # In the environment, nothing depends on the version.
        fails = version is None and spelling != "pg" and trap in DISTURBING and seen not in {matrix.TLS, matrix.CLEAR}
        if seen != want and not fails:
            broken.append(f"{reader}, {version}, {site}, {cell}: {seen}; should be {want}")
    assert not broken, "\n".join(broken)
    assert not any(fake.saw_startup_unencrypted for fake in away)


def test_what_disturbs_does(
    lab: Lab, certificates: Certificates, furniture: Furniture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`DISTURBING` holds no trap that would not be noticed if it were missing."""
    psycopg = readers.psqls()[-1]
    for trap in DISTURBING:
        with monkeypatch.context() as patch:
            furniture.lay(TRAPS[trap], patch, Path(os.environ["HOME"]))
            # With `require`, a server from 17 on would have direct TLS.
            connection = judged(lab, certificates, "good", CELLS[-1] if trap == "PGSSLNEGOTIATION" else CELLS[0])
            assert readers.read(psycopg, SPELLINGS["uri"](connection, None, tmp_path)) != matrix.TLS
            assert readers.read(psycopg, SPELLINGS["uri"](connection, psycopg.libpq, tmp_path)) == matrix.TLS


@pytest.mark.parametrize("trap", ["none", *TRAPS])
@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_sqlalchemy(
    lab: Lab,
    certificates: Certificates,
    furniture: Furniture,
    monkeypatch: pytest.MonkeyPatch,
    driver: str,
    trap: str,
) -> None:
    if trap in TRAPS:
        furniture.lay(TRAPS[trap], monkeypatch, Path(os.environ["HOME"]))
    broken = []
    for site, cell in cells(trap) if trap in TRAPS else product(SERVERS, CELLS):
        connection = judged(lab, certificates, site, cell, f"postgresql+{driver}")
        engine = sqlalchemy.create_engine(render(connection, "sqlalchemy", libpq=installed(driver)).rstrip("\n"))
        try:
            with engine.connect() as opened:
                in_use = opened.execute(sqlalchemy.text(libpq_drivers.QUERY)).scalar_one()
            seen = matrix.TLS if in_use else matrix.CLEAR
        except sqlalchemy.exc.OperationalError as error:
            seen = libpq_drivers.recognised(str(error))
        finally:
            engine.dispose()
        if seen != (want := due(site, cell)):
            broken.append(f"{site}, {cell}: {seen}; should be {want}")
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("site", SERVERS)
@pytest.mark.parametrize("tool", ["psql", "pg_dump"])
def test_exec(
    lab: Lab,
    certificates: Certificates,
    everyone: list[Reader],
    furniture: Furniture,
    tmp_path: Path,
    tool: str,
    site: str,
) -> None:
    """The whole way: URL and CA text in the environment, everything against us around them that demands nothing."""
    against = {
        **{name: value for trap in TRAPS.values() if not trap.demand for name, value in trap.environ.items()},
        "PGSERVICEFILE": "{service_away}",
        "PGSSLMODE": "disable",
        "PGSSLROOTCERT": "{other_ca}",
    }
    home = {name: source for trap in TRAPS.values() if not trap.demand for name, source in trap.home.items()}
    (tmp_path / ".postgresql").mkdir()
    for name, source in home.items():
        (tmp_path / name).symlink_to(source.format_map(furniture.paths))
    environ = {
        **os.environ,
        **{name: value.format_map(furniture.paths) for name, value in against.items()},
        "HOME": str(tmp_path),
        "XDG_RUNTIME_DIR": str(tmp_path),
        "DATABASE_URL": lab[site].uri(sslmode="verify-full"),
        "DATABASE_CA_CERT": certificates.ca.read_text("ascii"),
        "ENVCONN_TLS_LOCAL": "enforce",
        "LC_ALL": "C",
    }
    question = {"psql": ("-X", "-A", "-t", "-c", libpq_drivers.QUERY), "pg_dump": ("--schema-only",)}[tool]
    for reader in everyone[:-1]:
        command = os.path.join(os.path.dirname(reader.command), tool)
        done = subprocess.run(
            [sys.executable, "-m", "envconn", "exec", "--export", "pg", "--unset", "--", command, "-w", *question],
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
            timeout=60,
        )
        with_versions = matrix.TLS if done.stdout.startswith("t\n") or "database dump complete" in done.stdout else ""
        want = due(site, ("enforce", "verify-full", "right"))
        if tool == "pg_dump" and "server version mismatch" in done.stderr:
            assert want == matrix.TLS, "an old pg_dump refuses a new server, after it has connected"
            continue
        assert (with_versions or libpq_drivers.recognised(done.stderr)) == want


DEMANDS = ("PGGSSENCMODE", "PGREQUIREAUTH", "PGSSLCERTMODE", "PGSSLMINPROTOCOLVERSION")


@pytest.mark.parametrize("trap", DEMANDS)
def test_exec_refuses_what_it_cannot_keep(lab: Lab, certificates: Certificates, trap: str) -> None:
    """A variable that makes libpq refuse, or that an unknown libpq may not know, starts no program."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "envconn",
            "exec",
            "--export",
            "pg",
            "--unset",
            "--",
            "psql",
            "-w",
            "-X",
            "-c",
            "select 1",
        ],
        env={
            **os.environ,
            **TRAPS[trap].environ,
            "DATABASE_URL": lab["good"].uri(sslmode="verify-full"),
            "DATABASE_CA_CERT": certificates.ca.read_text("ascii"),
            "ENVCONN_TLS_LOCAL": "enforce",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (78, "")
