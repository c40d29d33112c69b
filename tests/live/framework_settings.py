"""The tables of what a framework reads by itself, beside what it is handed, and what comes of it.

Each framework has one module with its table: `sqlalchemy_settings`, `flask_settings` and so on, whose test tries every
cell. `docs/frameworks.py` makes the page docs/frameworks.md from them.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["JUDGED", "MERGED", "MOMENTS", "NONE", "NOT_READ", "OPEN", "REFUSED", "WORDS", "Row", "Table", "cells"]

JUDGED, REFUSED, MERGED, NONE, OPEN, NOT_READ = "judged", "refused", "merged", "no effect", "open", "-"

WORDS = {
    JUDGED: "used, and judged as a variable of the environment is: raised to the policy's minimum, or refused",
    REFUSED: "an error that names it, before a password is sent",
    MERGED: "used: it decides neither the server, the login nor TLS",
    NONE: "ignored: the connection is the judged one",
    OPEN: "used without being judged; do not use it",
    NOT_READ: "not read there",
}
"""What a cell may say, and what that means."""

MOMENTS = ("before", "after", "environment", "command_line")
"""The columns: set before envconn or after it, in the environment, on the command line."""


class Row(NamedTuple):
    """One thing that the framework reads, as the page names it, and what comes of it at each of the `MOMENTS`."""

    what: str
    before: str = NOT_READ
    after: str = NOT_READ
    environment: str = NOT_READ
    command_line: str = NOT_READ
    note: str = ""


class Table(NamedTuple):
    """The rows of one framework; `versions` says what they were tried with, `text` what to know about all of them."""

    title: str
    versions: str
    text: str
    rows: tuple[Row, ...]


def cells(table: Table) -> list[tuple[Row, str]]:
    """Return each row with each of the `MOMENTS` at which the framework reads it."""
    return [(row, moment) for row in table.rows for moment in MOMENTS if getattr(row, moment) != NOT_READ]
