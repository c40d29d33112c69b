"""Connect through stacks of ours in a process whose environment OpenSSL reads when it starts.

A line of JSON comes in, the stacks with the environment to load for each; a line goes out, what came of each.
"""

from __future__ import annotations

import json
import sys

import stacks
from envconn import ConfigurationError


def outcome(stack: str, environ: dict[str, str]) -> list[str]:
    """Return what may have come of it, or the codes of a refusal."""
    try:
        return sorted(stacks.outcome(stack, environ, ask=False))
    except ConfigurationError as refusal:
        return [f"refused: {problem.code}" for problem in refusal.problems]


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps([outcome(stack, environ) for stack, environ in json.loads(line)]) + "\n")
        sys.stdout.flush()
