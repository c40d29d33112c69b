"""The matrix of `test_matrix`, through every stack above and beside libpq: the same environment, the same verdict.

A cell is judged each time. Cells of one server that come to the same promise are tried once.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

import envconn
import fakes
import matrix
import stacks
from envconn import TlsLevel
from fakes import Fake
from matrix import CLAIMS, LENIENT, MODES, SITES, STRICT
from stacks import STACKS
from throwaway.certificates import HOST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab import Lab
    from throwaway.certificates import Certificates
    from throwaway.server import Server

HOSTADDR: dict[str, dict[str, str]] = {"localhost": {}, HOST: {"hostaddr": "127.0.0.1"}}
# ENVCONN_TLS, ENVCONN_TLS_LOCAL, what they must come to, host
POLICIES = [
    ("require", "enforce", STRICT, HOST),
    ("verify-ca", "enforce", STRICT, "localhost"),
    ("verify-full", "enforce", STRICT, "localhost"),
    ("require", "allow", LENIENT, "localhost"),
]
CERTIFICATES = ("good", "wronghost", "expired", "unknownca", "notls")
"""The sites that a floor above ``require`` makes a difference at."""


@pytest.fixture(autouse=True)
def system_store(monkeypatch: pytest.MonkeyPatch, certificates: Certificates) -> None:
    """Let the right CA be the only one that the system trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))


@pytest.fixture
def there(lab: Lab, certificates: Certificates, site: str) -> Iterator[Server | Fake]:
    """What stands at `site`."""
    answer, signer = SITES[site].answer, SITES[site].signer
    if answer is None:
        yield lab[site]
    else:
        with fakes.running(answer, certificates.good if signer else None) as fake:
            yield fake


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize(
    ("policy", "site"),
    [
        pytest.param(policy, site, id=f"{policy[0]}, local {policy[1]}, {site}")
        for policy in POLICIES
        for site in SITES
        if policy[0] == "require" or site in CERTIFICATES
    ],
)
def test_what_is_promised_is_what_happens(
    certificates: Certificates,
    there: Server | Fake,
    policy: tuple[str, str, dict[str, matrix.Row], str],
    site: str,
    stack: str,
) -> None:
    broken: list[str] = []
    tried: dict[tuple[TlsLevel, str | None], set[str]] = {}
    floor, local, table, host = policy
    for name, mode in product(CLAIMS, MODES):
        claim = CLAIMS[name](certificates)
        uri = there.uri(host, **claim.query(mode), **HOSTADDR[host])
        due = promised(table, mode, name, floor)
        found = judged({"DATABASE_URL": uri, "ENVCONN_TLS": floor, "ENVCONN_TLS_LOCAL": local, **dict(claim.environ)})
        if isinstance(found, str) or isinstance(due, str):
            if found != due:
                broken.append(f"{mode}, CA {name}: {found}; should be {due}")
            continue
        key = (found.tls.level, claim.trusted if found.tls.ca else None)
        before = spilled(there)
        if key not in tried:
            tried[key] = stacks.outcome(stack, found, ask=not isinstance(there, Fake))
        want = expected(stack, due, site, claim.trusted)
        told = spilled(there) > before and not (want & {matrix.CLEAR})
        kept = tried[key] & want and not told
        if found.tls.level != due or not (kept or beyond(stack, due, site)):
            broken.append(f"{mode}, CA {name}: {found.tls.level!s}, {tried[key]}, {told=}; should be {due!s}, {want}")
    assert not broken, "\n".join(broken)


def promised(table: dict[str, matrix.Row], mode: str, claim: str, floor: str) -> TlsLevel | str:
    """Look the level up and raise it to the policy's floor, which needs a CA where it verifies."""
    due = matrix.promised(table, mode, claim)
    lowest = {"require": TlsLevel.ENCRYPTED, "verify-ca": TlsLevel.VERIFY_CA, "verify-full": TlsLevel.VERIFY_FULL}[
        floor
    ]
    if lowest == TlsLevel.ENCRYPTED:
        return due
    if claim == "none":
        return "tls-disabled ca-missing" if due == "tls-disabled" else "ca-missing"
    return due if isinstance(due, str) else max(due, lowest)


def expected(stack: str, level: TlsLevel, site: str, trusted: str | None) -> set[str]:
    """Say what the promise may come to.

    Python's drivers notice clear bytes behind the consent before they have seen a certificate, libpq after.
    """
    want = {matrix.expected(level, SITES[site], trusted)}
    return want | {matrix.INJECTED} if site == "fake_inject" and level > TlsLevel.NONE else want


def beyond(stack: str, level: TlsLevel, site: str) -> bool:
    """Say whether `stack` may do as it likes: optional TLS, which pg8000 takes every answer but "S" to decline."""
    return level == TlsLevel.OPPORTUNISTIC and STACKS[stack].driver == "pg8000" and SITES[site].answer is not None


def judged(environ: dict[str, str]) -> envconn.SecuredConnection | str:
    """Load and return the connection, or the codes of all that stands against it."""
    try:
        return envconn.load(environ, dotenv=None).database
    except envconn.ConfigurationError as error:
        return " ".join(problem.code for problem in error.problems)


def spilled(there: Server | Fake) -> int:
    """Count what has reached a fake in clear so far: start-up packets and passwords."""
    return len(there.startups) + len(there.passwords) if isinstance(there, Fake) else 0
