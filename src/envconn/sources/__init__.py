"""Where texts come from. Each source feeds one `Environment`; nothing here knows what a text means."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from envconn.sources.environment import Environment, Lookup, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envconn.errors import Problem

__all__ = ["Environment", "Lookup", "Text", "read"]


def read(
    environ: Mapping[str, str] | None = None, dotenv: str | os.PathLike[str] | None = ".env"
) -> tuple[Environment, tuple[Problem, ...]]:
    """Gather the sources: `environ` (default `os.environ`) over the file `dotenv` (`None`: no file)."""
    process = os.environ if environ is None else environ
    if dotenv is None or (dotenv == ".env" and not os.path.exists(".env")):
        return Environment(process), ()
    from envconn.sources.dotenv import read as read_dotenv

    assignments, problems = read_dotenv(dotenv)
    return Environment(process, assignments), problems
