"""The services that platforms have bound: one file for each way to say it, imported where it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envconn.sources.bound import Finding
    from envconn.sources.environment import Environment

__all__ = ["VARIABLES", "gather"]

VARIABLES = (
    "SERVICE_BINDING_ROOT",
    "VCAP_SERVICES",
    "VCAP_SERVICES_FILE_PATH",
    "PLATFORM_RELATIONSHIPS",
    "PLATFORM_PROJECT",
)
"""The variables that say that a platform has bound something, or may have."""


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
