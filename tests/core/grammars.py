"""What the tests of every grammar ask: the connection in a text, or why it is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envconn.connection import Connection, Origin, Secret
from envconn.grammar import read

if TYPE_CHECKING:
    from envconn.errors import Finding


def accepted(text: str, variable: str = "DATABASE_URL") -> Connection:
    """Return what the text means; it must mean something."""
    outcome = read(Secret(text), Origin(variable))
    assert isinstance(outcome, Connection), outcome
    return outcome


def refused(text: str, variable: str = "DATABASE_URL") -> tuple[Finding, ...]:
    """Return why the text is refused; it must be."""
    outcome = read(Secret(text), Origin(variable))
    assert not isinstance(outcome, Connection), outcome
    assert outcome
    return outcome
