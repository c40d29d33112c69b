"""What recognising a provider costs: one connection, with the table's keys and with ten times as many.

A report, not a test: ``python tests/benchmarks/recognition.py``, with envconn on the path.
"""

from __future__ import annotations

import sys
import timeit

from envconn.connection import Connection, Host, Origin
from envconn.providers import identify, table

HOSTS = {
    "Scalingo": "my-app-1234.postgresql.a.osc-fr1.scalingo-dbs.com",
    "PlanetScale": "abcdefghij-useast1-1.horizon.psdb.cloud",
    "Neon": "ep-cool-darkness-a1b2c3d4-pooler.us-east-2.aws.neon.tech",
    "Amazon RDS": "mydb.cluster-ro-c1abcdefghij.eu-west-1.rds.amazonaws.com",
    "nobody": "db.example.com",
}
SIZES = (50, 500)
CALLS, ROUNDS = 2_000, 7


def main() -> None:
    """Print microseconds for each host and size, and their ratio."""
    few, many = SIZES
    sys.stdout.write(f"{'host of':<12}{few:>6} keys{many:>6} keys   ratio\n")
    for name, host in HOSTS.items():
        connection = Connection(
            "postgresql", "postgresql", (Host(host, 5432),), "app", "app", origin=Origin("DATABASE_URL")
        )
        # Rounds alternate between the sizes, so that a busy machine slows both.
        rounds = [[_microseconds(connection, size) for size in SIZES] for _ in range(ROUNDS)]
        small, large = (min(times) for times in zip(*rounds, strict=True))
        sys.stdout.write(f"{name:<12}{small:>8.2f} us{large:>8.2f} us   {large / small:5.2f}\n")


def _microseconds(connection: Connection, size: int) -> float:
    table._INDEX = {**REAL, **{f"copy-{number}.example": ("aiven",) for number in range(size - len(REAL))}}
    identify(connection)
    return timeit.timeit(lambda: identify(connection), number=CALLS) / CALLS * 1e6


REAL = table._INDEX

if __name__ == "__main__":
    main()
