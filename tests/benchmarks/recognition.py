"""What recognising a provider costs: one connection, among thirty records and among three hundred.

A report, not a test: ``python tests/benchmarks/recognition.py``, with envconn on the path.
"""

from __future__ import annotations

import sys
import timeit
from dataclasses import replace
from typing import TYPE_CHECKING

from envconn.connection import Connection, Host, Origin
from envconn.providers import PROVIDERS, identify, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envconn.providers import Provider

HOSTS = {
    "Scalingo": "my-app-1234.postgresql.a.osc-fr1.scalingo-dbs.com",
    "PlanetScale": "abcdefghij-useast1-1.horizon.psdb.cloud",
    "Neon": "ep-cool-darkness-a1b2c3d4-pooler.us-east-2.aws.neon.tech",
    "Amazon RDS": "mydb.cluster-ro-c1abcdefghij.eu-west-1.rds.amazonaws.com",
    "nobody": "db.example.com",
}
SIZES = (30, 300)
CALLS, ROUNDS = 2_000, 7


def main() -> None:
    """Print microseconds for each host and size, and their ratio."""
    few, many = SIZES
    sys.stdout.write(f"{'host of':<12}{few:>6} records{many:>6} records   ratio\n")
    for name, host in HOSTS.items():
        connection = Connection(
            "postgresql", "postgresql", (Host(host, 5432),), "app", "app", origin=Origin("DATABASE_URL")
        )
        # Rounds alternate between the sizes, so that a busy machine slows both.
        rounds = [[_microseconds(connection, records) for records in map(_records, SIZES)] for _ in range(ROUNDS)]
        small, large = (min(times) for times in zip(*rounds, strict=True))
        sys.stdout.write(f"{name:<12}{small:>11.2f} us{large:>11.2f} us   {large / small:5.2f}\n")


def _records(size: int) -> Sequence[Provider]:
    """The first `size` records (all that `HOSTS` needs among them), padded with copies under other keys."""
    needed = [record for record in PROVIDERS if "postgresql" in record.kinds][: min(SIZES)]
    copies = [
        replace(record, keys=tuple(f"copy-{number}.{key}" for key in record.keys))
        for number in range(size // len(needed))
        for record in needed
    ]
    return [*needed, *copies][:size]


def _microseconds(connection: Connection, records: Sequence[Provider]) -> float:
    table._INDEX = _indexed(records)
    identify(connection)
    return timeit.timeit(lambda: identify(connection), number=CALLS) / CALLS * 1e6


def _indexed(records: Sequence[Provider]) -> dict[str, tuple[Provider, ...]]:
    index: dict[str, tuple[Provider, ...]] = {}
    for record in records:
        for key in record.keys:
            index[key] = (*index.get(key, ()), record)
    return index


if __name__ == "__main__":
    main()
