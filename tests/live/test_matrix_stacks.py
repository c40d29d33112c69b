"""The one matrix: policies, what the URL says, servers and stacks, each with each; the same verdict in every one.

Each cell is judged. Cells that come to the same promise at the same server are tried once in each stack.
docs/verdicts.md shows what is expected here.
"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import pytest

import envconn
import fakes
import matrix
import stacks
from envconn import TlsLevel
from fakes import Fake
from matrix import CLAIMS, FLOORS, MODES, RULES, SITES
from stacks import STACKS
from throwaway.certificates import HOST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab import Lab
    from throwaway.certificates import Certificates
    from throwaway.server import Server

HOSTADDR: dict[str, dict[str, str]] = {"localhost": {}, HOST: {"hostaddr": "127.0.0.1"}}


class Policy(NamedTuple):
    """Values of ENVCONN_TLS and ENVCONN_TLS_LOCAL, and the host to try them with."""

    floor: str
    local: str
    host: str


HOSTS = {"enforce": HOST, "allow": "localhost"}
POLICIES = [Policy(floor, local, host) for local, host in HOSTS.items() for floor in FLOORS]


class Cell(NamedTuple):
    """What is `due`, the variables to load, what was `found` in them, and whose CA is trusted."""

    name: str
    due: TlsLevel | str
    environ: dict[str, str]
    found: envconn.SecuredConnection | str
    trusted: str | None


class Trial(NamedTuple):
    """What may have come of connecting, and whether a fake received anything unencrypted."""

    seen: set[str]
    spilled: bool


class Bench:
    """The servers and fakes, what was judged for them, and what was tried at them already."""

    def __init__(self, lab: Lab, certificates: Certificates, cleanup: ExitStack) -> None:
        self._lab = lab
        self._certificates = certificates
        self._cleanup = cleanup
        self._fakes: dict[str, Fake] = {}
        self._cells: dict[tuple[Policy, str], list[Cell]] = {}
        self._trials: dict[tuple[object, ...], Trial] = {}

    def at(self, site: str) -> Server | Fake:
        """Return what stands at `site`."""
        answer = SITES[site].answer
        if answer is None:
            return self._lab[site]
        if site not in self._fakes:
            pair = self._certificates.good if SITES[site].signer else None
            self._fakes[site] = self._cleanup.enter_context(fakes.running(answer, pair))
        return self._fakes[site]

    def cells(self, policy: Policy, site: str) -> list[Cell]:
        """Return everything that a URL for `site` can say, judged."""
        if (policy, site) not in self._cells:
            self._cells[policy, site] = [self._cell(policy, site, *each) for each in product(CLAIMS, MODES)]
        return self._cells[policy, site]

    def _cell(self, policy: Policy, site: str, name: str, mode: str) -> Cell:
        claim = CLAIMS[name](self._certificates)
        uri = self.at(site).uri(policy.host, **claim.query(mode), **HOSTADDR[policy.host])
        rules = {"ENVCONN_TLS": policy.floor, "ENVCONN_TLS_LOCAL": policy.local}
        environ = {"DATABASE_URL": uri, **rules, **dict(claim.environ)}
        due = matrix.promised(RULES[policy.local], mode, name, policy.floor)
        return Cell(f"{mode}, CA {name}", due, environ, judged(environ), matrix.TRUSTED[name])

    def tried(self, stack: str, site: str, host: str, cell: Cell) -> Trial:
        """Return what became of the promise in `cell`, here or in an earlier cell that came to the same."""
        assert isinstance(cell.found, envconn.SecuredConnection)
        key = (stack, site, host, cell.found.tls.level, cell.found.tls.ca)
        if key not in self._trials:
            before = self._spilled(site)
            seen = stacks.outcome(stack, cell.environ, ask=SITES[site].answer is None)
            self._trials[key] = Trial(seen, self._spilled(site) > before)
        return self._trials[key]

    def _spilled(self, site: str) -> int:
        """Count what has reached a fake unencrypted so far: start-up packets and passwords."""
        fake = self._fakes.get(site)
        return len(fake.startups) + len(fake.passwords) if fake else 0


@pytest.fixture(scope="module")
def bench(lab: Lab, certificates: Certificates) -> Iterator[Bench]:
    with ExitStack() as cleanup:
        yield Bench(lab, certificates, cleanup)


@pytest.fixture(autouse=True)
def system_store(monkeypatch: pytest.MonkeyPatch, certificates: Certificates) -> None:
    """Let the right CA be the only one that the system trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))


@pytest.mark.sampled(6)
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: f"{policy.floor}, local {policy.local}")
def test_what_is_promised_is_what_happens(bench: Bench, policy: Policy, site: str, stack: str) -> None:
    broken = []
    for cell in bench.cells(policy, site):
        if isinstance(cell.found, str) or not isinstance(cell.due, TlsLevel):
            if cell.found != cell.due:
                broken.append(f"{cell.name}: {cell.found}; should be {cell.due}")
            continue
        trial = bench.tried(stack, site, policy.host, cell)
        want = matrix.outcomes(cell.due, site, cell.trusted)
        kept = trial.seen & want and not (trial.spilled and matrix.CLEAR not in want)
        if cell.found.tls.level != cell.due or not (kept or matrix.is_free(stack, cell.due, site)):
            broken.append(f"{cell.name}: {cell.found.tls.level!s}, {trial}; should be {cell.due!s}, {want}")
    assert not broken, "\n".join(broken)


def judged(environ: dict[str, str]) -> envconn.SecuredConnection | str:
    """Load and return the connection, or the codes of all that stands against it."""
    try:
        return envconn.load(environ, env_file=None).database
    except envconn.ConfigurationError as error:
        return " ".join(problem.code for problem in error.problems)


def test_every_stack_is_in_the_table() -> None:
    assert tuple(STACKS) == matrix.STACKS
