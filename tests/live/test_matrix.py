"""Every level means what it says: modes, ways to state a CA, servers and drivers, each with each.

A cell is loaded, handed over and tried. What is promised, and what that promise must come to, is
looked up in `matrix`; a cell that differs is named in the failure.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import pytest

import envconn
import envconn_psycopg
import fakes
import libpq_drivers
import matrix
from envconn import TlsLevel
from fakes import Fake
from libpq_drivers import DRIVERS
from matrix import CLAIMS, LENIENT, MODES, SITES, STRICT
from throwaway.certificates import HOST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab import Lab
    from throwaway.certificates import Certificates
    from throwaway.server import Server


class Rules(NamedTuple):
    """A value of ENVCONN_TLS_LOCAL, what it must come to, and the hosts to try it with."""

    local: str
    table: dict[str, matrix.Row]
    hosts: tuple[str, ...]


# Two names for one address; the certificates carry both or, `wronghost`, neither.
HOSTADDR: dict[str, dict[str, str]] = {"localhost": {}, HOST: {"hostaddr": "127.0.0.1"}}
RULES = [Rules("enforce", STRICT, ("localhost", HOST)), Rules("allow", LENIENT, (HOST,))]


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


@pytest.mark.sampled(4)
@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("rules", RULES, ids=lambda rules: rules.local)
def test_what_is_promised_is_what_happens(
    certificates: Certificates, there: Server | Fake, rules: Rules, site: str, driver: str
) -> None:
    broken = []
    for name, mode, host in product(CLAIMS, MODES, rules.hosts):
        claim = CLAIMS[name](certificates)
        uri = there.uri(host, **claim.query(mode), **HOSTADDR[host], connect_timeout="10")
        due = matrix.promised(rules.table, mode, name)
        want = matrix.expected(due, SITES[site], matrix.TRUSTED[name]) if isinstance(due, TlsLevel) else due
        judged = promise(uri, {"ENVCONN_TLS_LOCAL": rules.local, **dict(claim.environ)})
        found = judged if isinstance(judged, str) else judged.tls.level
        before = spilled(there)
        seen = judged if isinstance(judged, str) else tried(driver, judged, there)
        leaked = spilled(there) > before
        if (found, seen, leaked) != (due, want, want == matrix.CLEAR and isinstance(there, Fake)):
            leak = ", and told it in clear" if leaked else ""
            broken.append(f"{mode}, CA {name}, {host}: {found!s} and {seen}{leak}; should be {due!s} and {want}")
    assert not broken, "\n".join(broken)


def promise(uri: str, environ: dict[str, str]) -> envconn.SecuredConnection | str:
    """Load and return the connection, or the codes of all that stands against it."""
    try:
        return envconn.load({"DATABASE_URL": uri, **environ}, env_file=None).database
    except envconn.ConfigurationError as error:
        return " ".join(problem.code for problem in error.problems)


def tried(driver: str, judged: envconn.SecuredConnection, there: Server | Fake) -> str:
    """Connect with what we hand over."""
    arguments = envconn_psycopg.kwargs(judged, driver=libpq_drivers.family(driver))
    return libpq_drivers.outcome(driver, "", arguments, ask=not isinstance(there, Fake))


def spilled(there: Server | Fake) -> int:
    """Count what has reached a fake unencrypted so far: start-up packets and passwords."""
    return len(there.startups) + len(there.passwords) if isinstance(there, Fake) else 0
