"""What the environment can do behind a URL's back: one entry for each way in, and where it shows.

Sources: "Environment Variables", "The Password File", "The Connection Service File" and "SSL Support"
of the PostgreSQL 18 manual. An entry that changed nothing for a naive connection would prove nothing, so each
says at which site it bites, and what it turns the outcome into.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import fakes
from fakes import Answer
from matrix import CLEAR, ELSEWHERE, TLS, UNTRUSTED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fakes import Fake
    from lab import Lab
    from throwaway.certificates import Certificates

__all__ = ["AWAY", "TRAPS", "Furniture", "Trap"]

SITES = ("good", "unknownca", "both", "both_unknownca", "notls")

AWAY = f"127.99.{os.getpid() >> 8 & 127}.{os.getpid() & 255 or 1}"
"""Where the fake listens that redirected connections end at, on the port of the server that is meant.

An address of this process's own: another run of the tests may have that port, too.
"""


@dataclass(frozen=True, slots=True)
class Trap:
    """Variables, files below HOME, and the naive connection that they bite.

    Values may name the files of `Furniture` in braces. `query` is what the naive URL says; at `site` it comes to
    `harmless` without the trap and to `bitten` with it, which is a pattern for a refusal. `claim` is how envconn takes
    the variable for a statement of a CA, where it does that. `demand` says that the variable makes a connection
    stricter, or is refused: where envconn has seen it, nothing connects that would not connect without it.
    """

    environ: dict[str, str] = field(default_factory=dict)
    home: dict[str, str] = field(default_factory=dict)
    site: str = "good"
    query: dict[str, str] = field(default_factory=dict)
    harmless: str = TLS
    bitten: str = CLEAR
    claim: str = "none"
    demand: bool = False


_VERIFIED = {"sslmode": "verify-full", "sslrootcert": "{ca}"}
_SERVICE = {"PGSERVICE": "trap"}

TRAPS = {
    "PGSSLMODE": Trap({"PGSSLMODE": "disable"}, site="both"),
    "PGHOSTADDR": Trap({"PGHOSTADDR": AWAY}, bitten=ELSEWHERE),
    "PGSSLROOTCERT, wrong": Trap({"PGSSLROOTCERT": "{other_ca}"}, site="both", claim="wrong"),
    "PGSSLROOTCERT, right": Trap({"PGSSLROOTCERT": "{ca}"}, site="both_unknownca", claim="right"),
    "PGGSSENCMODE": Trap({"PGGSSENCMODE": "require"}, bitten="GSSAPI", demand=True),
    "PGSSLCRL": Trap({"PGSSLCRL": "{crl}"}, query=_VERIFIED, bitten=UNTRUSTED, demand=True),
    "PGSSLCRLDIR": Trap({"PGSSLCRLDIR": "{empty}"}, query=_VERIFIED, bitten=UNTRUSTED, demand=True),
    "PGSSLCERT": Trap({"PGSSLCERT": "{certificate}", "PGSSLKEY": "{open_key}"}, site="both"),
    "PGSSLKEY": Trap({"PGSSLKEY": "{open_key}"}, {".postgresql/postgresql.crt": "{certificate}"}, site="both"),
    "PGSSLCERTMODE": Trap({"PGSSLCERTMODE": "require"}, bitten="certificate", demand=True),
    "PGSSLNEGOTIATION": Trap({"PGSSLNEGOTIATION": "direct"}, bitten="sslnegotiation", demand=True),
    "PGSSLMINPROTOCOLVERSION": Trap(
        {"PGSSLMINPROTOCOLVERSION": "TLSv9"}, bitten="ssl_min_protocol_version", demand=True
    ),
    "PGSSLMAXPROTOCOLVERSION": Trap(
        {"PGSSLMINPROTOCOLVERSION": "TLSv1", "PGSSLMAXPROTOCOLVERSION": "TLSv1.1"}, site="both"
    ),
    "PGREQUIREAUTH": Trap({"PGREQUIREAUTH": "password"}, bitten="auth", demand=True),
    "PGCHANNELBINDING": Trap(
        {"PGCHANNELBINDING": "require"}, site="notls", harmless=CLEAR, bitten="channel binding", demand=True
    ),
    "PGOPTIONS": Trap({"PGOPTIONS": "-c no_such_setting=1"}, bitten="no_such_setting"),
    "PGTARGETSESSIONATTRS": Trap({"PGTARGETSESSIONATTRS": "standby"}, bitten="standby"),
    "root.crt, wrong": Trap(home={".postgresql/root.crt": "{other_ca}"}, site="both", claim="wrong"),
    "root.crt, right": Trap(home={".postgresql/root.crt": "{ca}"}, site="both_unknownca", claim="right"),
    "root.crl": Trap(home={".postgresql/root.crl": "{crl}"}, query=_VERIFIED, bitten=UNTRUSTED, demand=True),
    "postgresql.crt": Trap(
        home={".postgresql/postgresql.crt": "{certificate}", ".postgresql/postgresql.key": "{open_key}"}, site="both"
    ),
    "PGSERVICE": Trap(_SERVICE, {".pg_service.conf": "{service}"}, site="both", demand=True),
    # psycopg 3 resolves the name itself, so that a `hostaddr` in a service file comes too late for it.
    "PGSERVICEFILE": Trap(
        {"PGSERVICEFILE": "{service_away}", **_SERVICE}, site="both", bitten=f"{ELSEWHERE}|{CLEAR}", demand=True
    ),
    "PGSYSCONFDIR": Trap({"PGSYSCONFDIR": "{sysconf}", **_SERVICE}, site="both", demand=True),
}


@dataclass(frozen=True, slots=True)
class Furniture:
    """Files for traps, by the names that stand in their braces."""

    paths: dict[str, str]

    def lay(self, trap: Trap, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
        """Lay `trap` for this process, which HOME is `home` of."""
        for name, value in trap.environ.items():
            monkeypatch.setenv(name, value.format_map(self.paths))
        for name, source in trap.home.items():
            (home / name).parent.mkdir(exist_ok=True)
            (home / name).symlink_to(source.format_map(self.paths))

    def query(self, trap: Trap) -> dict[str, str]:
        """Return what the naive URL says."""
        return {name: value.format_map(self.paths) for name, value in trap.query.items()}


def furnish(directory: Path, certificates: Certificates) -> Furniture:
    """Make the files: a client certificate of an unknown CA whose key is readable by all, an alien CRL, services."""
    alien = trustme.CA().issue_cert("app@elsewhere.envconn.test")
    contents = {
        "certificate": alien.cert_chain_pems[0].bytes(),
        "open_key": alien.private_key_pem.bytes(),
        "crl": _crl(),
        "service": b"[trap]\nsslmode=disable\nhost=elsewhere.envconn.test\n",
        "service_away": f"[trap]\nsslmode=disable\nhostaddr={AWAY}\n".encode(),
    }
    paths = {"ca": str(certificates.ca), "other_ca": str(certificates.other_ca), "empty": str(directory / "empty")}
    for name, content in contents.items():
        (directory / name).write_bytes(content)
        (directory / name).chmod(0o644)
        paths[name] = str(directory / name)
    (directory / "empty").mkdir()
    (directory / "sysconf").mkdir()
    (directory / "sysconf" / "pg_service.conf").write_bytes(contents["service"])
    return Furniture(paths | {"sysconf": str(directory / "sysconf")})


def _crl() -> bytes:
    """An empty list of a CA that signs nothing here: with it, libpq misses the list of the CA that does."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "an alien CA")])
    now = datetime.now(UTC)
    builder = x509.CertificateRevocationListBuilder(name, now, now + timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="session")
def furniture(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Furniture:
    """The files that the traps are made of."""
    return furnish(tmp_path_factory.mktemp("traps"), certificates)


@pytest.fixture(scope="session")
def away(lab: Lab) -> Iterator[list[Fake]]:
    """Fakes where redirected connections end, whichever server was meant."""
    with ExitStack() as cleanup:
        start = cleanup.enter_context
        yield [start(fakes.running(Answer.N, address=AWAY, port=lab[site].port)) for site in SITES]
