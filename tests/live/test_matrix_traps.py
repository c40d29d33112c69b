"""Nothing in the environment of a process moves a connection that we have written out.

Each trap of `traps` is shown to bite a naive connection first. Then a reduced matrix is tried inside
it, and must come out as if it were not there.
"""

from __future__ import annotations

import os
import re
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import envconn
import envconn_psycopg
import libpq_drivers
import matrix
from libpq_drivers import DRIVERS
from matrix import CLAIMS, LENIENT, SITES, STRICT
from traps import TRAPS, Furniture, Trap

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakes import Fake
    from lab import Lab
    from throwaway.certificates import Certificates

# ENVCONN_TLS_LOCAL, mode, CA
CELLS = [
    ("enforce", "absent", "none"),
    ("enforce", "absent", "right"),
    ("enforce", "require", "none"),
    ("enforce", "verify-full", "right"),
    ("allow", "disable", "none"),
]
SERVERS = ("good", "unknownca", "both", "notls")


@pytest.fixture
def lay(monkeypatch: pytest.MonkeyPatch, furniture: Furniture, away: list[Fake]) -> Callable[[Trap], None]:
    """Lay a trap in this process; the fakes have seen nothing yet."""
    for fake in away:
        fake.startups.clear()
        fake.passwords.clear()
    return lambda trap: furniture.lay(trap, monkeypatch, Path(os.environ["HOME"]))


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("trap", TRAPS)
def test_a_naive_connection_is_caught(
    lab: Lab, furniture: Furniture, away: list[Fake], lay: Callable[[Trap], None], trap: str, driver: str
) -> None:
    entry = TRAPS[trap]
    uri = lab[entry.site].uri(**furniture.query(entry), connect_timeout="10")
    assert libpq_drivers.naive(driver, uri) == entry.harmless
    lay(entry)
    seen = libpq_drivers.naive(driver, uri)
    robbed = any(fake.saw_password_unencrypted for fake in away)
    assert re.search(entry.bitten, matrix.ELSEWHERE if robbed else seen)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("trap", TRAPS)
def test_ours_is_not(
    lab: Lab, certificates: Certificates, away: list[Fake], lay: Callable[[Trap], None], trap: str, driver: str
) -> None:
    broken = []
    lay(TRAPS[trap])
    # libpq always knows of the trap. envconn may have seen it as well, or been asked about a text alone.
    for site, (local, mode, name), aware in product(SERVERS, CELLS, {driver == "psycopg", False}):
        uri = lab[site].uri(**CLAIMS[name](certificates).query(mode), connect_timeout="10")
        environ = {**(os.environ if aware else {}), "DATABASE_URL": uri, "ENVCONN_TLS_LOCAL": local}
        column = TRAPS[trap].claim if aware and name == "none" else name
        level = matrix.promised(STRICT if local == "enforce" else LENIENT, mode, column if mode != "disable" else name)
        assert isinstance(level, envconn.TlsLevel)
        want = (level, matrix.expected(level, SITES[site], matrix.TRUSTED[column]))
        seen = tried(driver, environ)
        if seen != want and not (aware and TRAPS[trap].demand and seen[1] not in {matrix.TLS, matrix.CLEAR}):
            broken.append(f"{site}, {mode}, CA {name}, {aware=}: {seen}; should be {want}")
    assert not broken, "\n".join(broken)
    assert not any(fake.saw_startup_unencrypted for fake in away)


def tried(driver: str, environ: dict[str, str]) -> tuple[envconn.TlsLevel | None, str]:
    """Load `environ`, connect with what we hand over, and say what was promised and what came of it."""
    try:
        judged = envconn.load(environ, env_file=None).database
    except envconn.ConfigurationError as refusal:
        return None, f"refused for {', '.join(found.variable for found in refusal.problems)}"
    arguments = envconn_psycopg.kwargs(judged, driver=libpq_drivers.family(driver))
    return judged.tls.level, libpq_drivers.outcome(driver, "", arguments)
