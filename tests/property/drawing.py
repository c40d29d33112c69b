"""Which texts other parsers are asked about: the same in every run, or, for tests/fuzz, new ones and more of them."""

from __future__ import annotations

import os
import random
import time

TIMES = int(os.environ.get("ENVCONN_TEST_FUZZ", "1"))  # read on import: a test's own environment is empty
SEED = time.time_ns() if TIMES > 1 else 0


def generator(name: str) -> random.Random:
    """Return a generator of random numbers of its own for each name."""
    return random.Random(f"envconn {name} {SEED or ''}".strip())  # noqa: S311 - no secrets
