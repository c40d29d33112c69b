"""Colour where a person looks on, plain text everywhere else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["paint"]

_CODES = {"red": "31", "green": "32"}


def paint(text: str, colour: str, stream: TextIO) -> str:
    """Return `text` in `colour` if `stream` is a terminal that wants it (no ``NO_COLOR``, no ``TERM=dumb``)."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not stream.isatty()
    return text if plain else f"\x1b[{_CODES[colour]}m{text}\x1b[0m"
