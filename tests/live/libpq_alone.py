"""Connect with libpq and nothing else, and tell what came of each: what ours is held against.

A process of its own. A line of JSON comes in, variables and connection strings; one with the outcomes goes out. OpenSSL
reads its variables when the process starts, libpq its own whenever it connects. Nothing of envconn is imported.
"""

from __future__ import annotations

import json
import os
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
        before = dict(os.environ)
        for line in sys.stdin:
            variables, texts = json.loads(line)
            os.environ.clear()
            os.environ.update(before | variables)
            sys.stdout.write(json.dumps(list(threads.map(outcome, texts))) + "\n")
            sys.stdout.flush()
