"""Nothing in the environment of a process moves any stack, once we have written it out.

The traps are those of `test_matrix_traps`, where libpq is shown to fall into each. What asyncpg falls
into by itself is shown here.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import envconn
import matrix
import naive
import stacks
from matrix import CLAIMS, SITES
from stacks import STACKS
from traps import TRAPS, Furniture

if TYPE_CHECKING:
    from fakes import Fake
    from lab import Lab
    from throwaway.certificates import Certificates

# site, mode, CA
CELLS = [("good", "require", "none"), ("good", "verify-full", "right"), ("unknownca", "verify-full", "right")]


@pytest.mark.sampled(7)
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("trap", TRAPS)
def test_ours_is_not_caught(
    monkeypatch: pytest.MonkeyPatch,
    lab: Lab,
    certificates: Certificates,
    furniture: Furniture,
    away: list[Fake],
    trap: str,
    stack: str,
) -> None:
    furniture.lay(TRAPS[trap], monkeypatch, Path(os.environ["HOME"]))
    for site, mode, name in CELLS:
        claim = CLAIMS[name](certificates)
        uri = lab[site].uri(**claim.query(mode))
        environ = {"DATABASE_URL": uri, "ENVCONN_TLS_LOCAL": "enforce"}
        level = envconn.load(environ, env_file=None).database.tls.level
        assert stacks.outcome(stack, environ) == {matrix.expected(level, SITES[site], matrix.TRUSTED[name])}
    assert not any(fake.saw_startup_unencrypted for fake in away)


@pytest.mark.parametrize(
    ("trap", "bitten"),
    [
        ("PGSSLMODE", matrix.CLEAR),
        ("PGSSLNEGOTIATION", "direct TLS"),
        ("PGTARGETSESSIONATTRS", "TargetServerAttributeNotMatched"),
        ("root.crl", "CERTIFICATE_VERIFY_FAILED"),
    ],
)
def test_a_naive_asyncpg_is(
    monkeypatch: pytest.MonkeyPatch, lab: Lab, furniture: Furniture, trap: str, bitten: str
) -> None:
    entry = TRAPS[trap]
    uri = lab[entry.site].uri(**furniture.query(entry))
    assert naive.asyncpg_connect(uri) == matrix.TLS
    furniture.lay(entry, monkeypatch, Path(os.environ["HOME"]))
    assert bitten in naive.asyncpg_connect(uri)
