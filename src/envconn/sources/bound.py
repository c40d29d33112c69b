"""Services that a platform has bound to the application: what it calls them, and what it tells about each.

One file for each way that platforms have to say it; nothing is imported for a way that is not used.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from envconn.connection import Origin
    from envconn.errors import Note, Problem
    from envconn.sources.document import Credentials
    from envconn.sources.environment import Environment

    Finding: TypeAlias = "Bound | Problem | Note"

__all__ = ["VARIABLES", "Bound", "bound", "gather", "slug"]

VARIABLES = (
    "SERVICE_BINDING_ROOT",
    "VCAP_SERVICES",
    "VCAP_SERVICES_FILE_PATH",
    "PLATFORM_RELATIONSHIPS",
    "PLATFORM_PROJECT",
)
"""The variables that say that a platform has bound something, or may have."""

_LONGEST_NAME = 63


class Bound(NamedTuple):
    """One bound service: its name, the protocol it speaks, what is told about it, and where."""

    name: str
    kind: str
    credentials: Credentials
    origin: Origin


def gather(environment: Environment) -> Iterator[Finding]:
    """Yield what all platforms have bound, the most believed first (`envconn.sources.precedence`)."""
    if environment.is_set("SERVICE_BINDING_ROOT"):
        from envconn.sources.service_binding import read as read_service_binding

        yield from read_service_binding(environment)
    if environment.is_set("VCAP_SERVICES") or environment.is_set("VCAP_SERVICES_FILE_PATH"):
        from envconn.sources.vcap import read as read_vcap

        yield from read_vcap(environment)
    if environment.is_set("PLATFORM_RELATIONSHIPS") or environment.is_set("PLATFORM_PROJECT"):
        from envconn.sources.relationships import read as read_relationships

        yield from read_relationships(environment)


def bound(name: str, kind: str, credentials: Credentials, origin: Origin) -> Bound:
    """Return the service that `origin.variable` calls `name`."""
    plain = slug(name)
    return Bound(plain, kind, credentials, origin._replace(variable=f"{origin.variable}/{plain}"))


def slug(name: str) -> str:
    """Return `name` so that it can stand in any message: Cloud Foundry lets people write what they like."""
    return re.sub("[^a-z0-9._-]+", "-", name.lower())[:_LONGEST_NAME].strip("-.") or "unnamed"
