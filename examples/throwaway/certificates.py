"""Certificates made on the spot: a right one, and one for each way of being wrong.

::

    ca ──────── good, wronghost, expired
     └── (intermediate) ──── intermediate
    other_ca ── unknownca

No key outlives the directory it is written to, and none is ever committed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["HOST", "Certificates", "Pair", "write"]

# Resolves nowhere (RFC 6761 reserves .test): connect with hostaddr=127.0.0.1 beside it.
HOST = "db.envconn.test"


@dataclass(frozen=True, slots=True)
class Pair:
    """What a server shows (its chain, leaf first, without the root) and the key to it, both PEM files."""

    chain: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files for clients (`ca`, `other_ca`, `not_pem`, `missing`) and pairs for servers."""

    ca: Path
    other_ca: Path
    not_pem: Path
    missing: Path
    good: Pair
    wronghost: Pair
    expired: Pair
    unknownca: Pair
    intermediate: Pair
    authority: trustme.CA = field(repr=False)

    def issue(self, *hosts: str) -> Pair:
        """Make one more pair that `ca` vouches for, made out to `hosts` (names and addresses)."""
        return _pair(self.ca.parent / f"for-{hosts[0]}", self.authority.issue_cert(*hosts))


def write(directory: Path, *hosts: str) -> Certificates:
    """Make everything anew and write it into `directory`, which must exist.

    `hosts` are the names and addresses of the right certificate; without any they are `HOST`,
    ``localhost`` and ``127.0.0.1``. ``wronghost`` is made out to a name that is not among them.
    """
    names = hosts or (HOST, "localhost", "127.0.0.1")
    ca = trustme.CA(organization_name="envconn throw-away CA")
    other_ca = trustme.CA(organization_name="envconn other throw-away CA")
    now = datetime.now(UTC)
    month, week = timedelta(days=30), timedelta(days=7)
    return Certificates(
        ca=_root(directory / "ca.pem", ca),
        other_ca=_root(directory / "other_ca.pem", other_ca),
        not_pem=_not_pem(directory / "not_pem.pem"),
        missing=directory / "missing.pem",
        good=_pair(directory / "good", ca.issue_cert(*names)),
        wronghost=_pair(directory / "wronghost", ca.issue_cert("elsewhere.envconn.test")),
        expired=_pair(directory / "expired", ca.issue_cert(*names, not_before=now - month, not_after=now - week)),
        unknownca=_pair(directory / "unknownca", other_ca.issue_cert(*names)),
        intermediate=_pair(directory / "intermediate", ca.create_child_ca().issue_cert(*names)),
        authority=ca,
    )


def _root(path: Path, ca: trustme.CA) -> Path:
    ca.cert_pem.write_to_path(str(path))
    return path


def _not_pem(path: Path) -> Path:
    path.write_text("this is not a certificate\n", encoding="ascii")
    return path


def _pair(stem: Path, leaf: trustme.LeafCert) -> Pair:
    pair = Pair(stem.with_name(f"{stem.name}.pem"), stem.with_name(f"{stem.name}.key"))
    pair.chain.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    pair.key.touch(mode=0o600)
    pair.key.write_bytes(leaf.private_key_pem.bytes())
    return pair
