"""What cannot be seen and was stated: ``ENVCONN_PROVIDER`` and ``ENVCONN_POOLER``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envconn.errors import Problem
from envconn.providers import POOLERS, Facts, named

if TYPE_CHECKING:
    from envconn.assembly.reading import Reading

__all__ = ["stated_facts"]


def stated_facts(reading: Reading) -> Facts:
    """Read the two variables; a word that is not known becomes a problem."""
    provider = reading.plain("ENVCONN_PROVIDER") or None
    pooler = reading.plain("ENVCONN_POOLER") or None
    if provider and named(provider) is None:
        reading.problems.append(Problem("provider-unknown", "ENVCONN_PROVIDER", _PROVIDER))
        provider = None
    if pooler and pooler not in POOLERS:
        reading.problems.append(Problem("pooler-unknown", "ENVCONN_POOLER", _POOLER))
        pooler = None
    return Facts(provider, pooler)


_PROVIDER = (
    "no provider of that name is known; write the short name that `envconn show` uses (scalingo, planetscale, neon)"
)
_POOLER = "not a known word; write transaction, session or none"
