"""One service that a platform has bound to the application: what it is called, and what is told about it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import TypeAlias

    from envconn.connection import Origin
    from envconn.errors import Note, Problem
    from envconn.sources.document import Credentials

    Finding: TypeAlias = "Bound | Problem | Note"

__all__ = ["Bound", "bound", "slug"]

_LONGEST_NAME = 63


class Bound(NamedTuple):
    """One bound service: its name, the protocol it speaks, what is told about it, and where."""

    name: str
    kind: str
    credentials: Credentials
    origin: Origin


def bound(name: str, kind: str, credentials: Credentials, origin: Origin) -> Bound:
    """Return the service that `origin.variable` calls `name`."""
    plain = slug(name)
    return Bound(plain, kind, credentials, origin._replace(variable=f"{origin.variable}/{plain}"))


def slug(name: str) -> str:
    """Return `name` so that it can stand in any message: Cloud Foundry lets people write what they like."""
    return re.sub("[^a-z0-9._-]+", "-", name.lower())[:_LONGEST_NAME].strip("-.") or "unnamed"
