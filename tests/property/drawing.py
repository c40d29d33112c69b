"""Which texts other parsers are asked about: the same in every run, more of them in .ci/run, new ones in tests/fuzz."""

from __future__ import annotations

import os
import random
import time

# Read on import: a test's own environment is empty.
_FUZZ = os.environ.get("ENVCONN_TEST_FUZZ")
TIMES = 4 * int(_FUZZ or 1) if _FUZZ or os.environ.get("ENVCONN_TEST_EVERYTHING") == "1" else 1
SEED = time.time_ns() if _FUZZ else 0


def generator(name: str) -> random.Random:
    """Return a generator of random numbers of its own for each name."""
    return random.Random(f"envconn {name} {SEED or ''}".strip())  # noqa: S311 - no secrets
