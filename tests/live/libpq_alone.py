"""Connect with libpq and nothing else, and tell what came of each: what ours is held against.

A process of its own, which has the environment that is tried. A line of JSON with connection strings comes in; one with
the outcomes goes out. Nothing of envconn is imported.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg


def outcome(conninfo: str) -> str:
    """Return ``TLS`` or ``clear``, or libpq's reason for a refusal."""
    try:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            return "TLS" if connection.pgconn.ssl_in_use else "clear"
    except psycopg.Error as error:
        return f"refused: {error}"


if __name__ == "__main__":
    with ThreadPoolExecutor(4) as threads:
        for line in sys.stdin:
            sys.stdout.write(json.dumps(list(threads.map(outcome, json.loads(line)))) + "\n")
            sys.stdout.flush()
