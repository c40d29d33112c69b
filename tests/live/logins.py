"""What the tests of logins share: a server with users of every sort, and how to look at an outcome."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import psycopg

import envconn
import leaks
from envconn.probe import FAULTS
from envconn.probe.login import log_in
from leaks import MARKER
from throwaway import postgres
from throwaway.process import wait

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import FrameType

    from envconn import Finding
    from envconn.probe.login.outcome import Outcome
    from throwaway.certificates import Certificates
    from throwaway.server import Server

__all__ = [
    "DRIVERS",
    "MARKER",
    "Staffed",
    "administer",
    "alone",
    "assert_no_login_is_running",
    "codes",
    "decent",
    "judged",
    "noted",
    "staffed",
    "tried",
]

DRIVERS = ("psycopg", "psycopg2", "asyncpg", "pg8000")

"""Whatever a login comes to, this is nowhere in it."""

_STAFF = (
    f"create role plain login password '{MARKER}'",
    f"create role nologin password '{MARKER}'",
    f"create role full login password '{MARKER}' connection limit 0",
    f"create role cramped login password '{MARKER}' connection limit 4",
    f"create role reader login password '{MARKER}'",
    "alter role reader set default_transaction_read_only = on",
    "create role rds_superuser",
    f"create role master login password '{MARKER}' in role rds_superuser",
    "create database closed",
    "revoke connect on database closed from public",
    "create database shut allow_connections false",
)


@dataclass(frozen=True)
class Staffed:
    """A server of our own; `superuser` is its administrator, everybody else has `MARKER` for a password."""

    server: Server
    ca: Path
    superuser: str = field(default="app")

    def uri(
        self, user: str = "plain", *, driver: str = "", password: str | None = None, dbname: str = "", **more: str
    ) -> str:
        """Return an address; `more` are parameters, in place of verification in full where they name a mode."""
        own = self.server.password if user == self.superuser else MARKER
        secret = own if password is None else password
        verified = {"sslmode": "verify-full", "sslrootcert": str(self.ca)}
        query = urlencode(more if "sslmode" in more else {**verified, **more}, quote_via=quote)
        scheme = f"postgresql+{driver}" if driver else "postgresql"
        where = f"localhost:{self.server.port}/{dbname or self.server.dbname}"
        return f"{scheme}://{user}:{quote(secret, safe='')}@{where}?{query}"

    def administer(self, *statements: str) -> None:
        """Have the administrator do something."""
        administer(self.server, statements)


@contextmanager
def staffed(certificates: Certificates) -> Iterator[Staffed]:
    """Run one until the block ends."""
    with postgres.running(certificates.good) as server:
        found = Staffed(server, certificates.ca)
        administer(server, _STAFF)
        yield found


def administer(server: Server, statements: Sequence[str]) -> None:
    """Have the administrator do something."""
    with psycopg.connect(server.uri(sslmode="require"), autocommit=True) as admin:
        for statement in statements:
            admin.execute(statement.encode())


def judged(uri: str, **more: str) -> envconn.SecuredConnection:
    """Return the judged connection; `more` are further variables."""
    if more:
        return envconn.load(environ={"DATABASE_URL": uri, **more}, env_file=None).database
    return envconn.secure(envconn.parse(uri, "DATABASE_URL"))


def tried(uri: str, *, timeout: float = 20, **more: str) -> Outcome:
    """Log in, and make sure that whatever comes of it is fit to be printed."""
    outcome = log_in(judged(uri, **more), timeout=timeout)
    return decent(outcome)


def decent(outcome: Outcome) -> Outcome:
    """Make sure that `outcome` gives no secret away, and that every code is known and every line has its variable."""
    assert not leaks.find(MARKER, leaks.value_surfaces(outcome))
    assert {problem.code for problem in outcome.problems} <= FAULTS.keys()
    findings: tuple[Finding, ...] = (*outcome.problems, *outcome.notes)
    for finding in findings:
        assert finding.variable
        assert finding.message
        assert "\n" not in finding.message
        assert "{" not in finding.message
    assert (outcome.login is None) is bool(outcome.problems)
    return outcome


def alone(uri: str, *, code: str = "", **environment: str) -> list[str]:
    """Log in to `uri` in a process of its own, and return the codes, or driver and version where there are none."""
    program = f"""
import sys
{code}
import envconn
from envconn.probe.login import log_in
outcome = log_in(envconn.secure(envconn.parse(sys.argv[1], "DATABASE_URL")), timeout=20)
print(*([problem.code for problem in outcome.problems] or (outcome.login.driver, outcome.login.server_version)))
print(*(problem.message for problem in outcome.problems), file=sys.stderr)
"""
    command = [sys.executable, "-c", program, uri]
    variables = {**os.environ, **environment}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=True)
    assert "Traceback" not in done.stderr
    assert MARKER not in done.stderr
    return done.stdout.split()


def assert_no_login_is_running() -> None:
    """Make sure that the drivers give up by themselves, and soon."""
    wait(lambda: not any(map(_logs_in, sys._current_frames().values())), "logins to end", seconds=4)


def _logs_in(frame: FrameType) -> bool:
    return any(each.f_globals.get("__name__") == log_in.__module__ for each, _ in traceback.walk_stack(frame))


def codes(outcome: Outcome) -> list[str]:
    """Return the codes of what stands against it."""
    return [problem.code for problem in outcome.problems]


def noted(outcome: Outcome) -> list[str]:
    """Return the codes of what is worth knowing about a login that succeeded."""
    assert not outcome.problems
    return [note.code for note in outcome.notes]
