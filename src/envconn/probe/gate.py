"""`prove`: look at every endpoint, log in where that is asked for, and wait for what waiting cures."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from envconn.probe.faults import curable
from envconn.probe.proof import Proof

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from envconn.probe.proof import Seen
    from envconn.tls import SecuredConnection

__all__ = ["prove"]

_SHORTEST, _LONGEST = 0.1, 2.0
"""Seconds between two attempts: the first pause, which doubles, and the longest."""


def prove(
    source,
    *,
    within: float = 10.0,
    wait: float = 0.0,
    login: bool = False,
    enforced: bool = False,
    on_attempt: Callable[[Proof, float], None] | None = None,
) -> Proof:
    ...
