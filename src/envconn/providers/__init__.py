"""Hosting providers: records (`record`), recognition (`recognition`), siblings (`rewrites`), the table (`table`).

A provider is data. To add one, write its records into a file of its own and a line into `table`; other
packages register one with an entry point of the group ``envconn.providers``.
"""

from __future__ import annotations

from envconn.providers.recognition import (
    POOLERS,
    Endpoint,
    ProviderHints,
    advice,
    identify,
    is_recognised,
    looks_pooled,
    objections,
)
from envconn.providers.table import VARIABLES, Variable, all_providers, names_replicas, provider_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.providers.record import Certificates, Forbidden, Gateway, Pooler, Provider, Rewrite

__all__ = [
    "POOLERS",
    "VARIABLES",
    "Certificates",
    "Endpoint",
    "Forbidden",
    "Gateway",
    "Pooler",
    "Provider",
    "ProviderHints",
    "Rewrite",
    "Variable",
    "advice",
    "all_providers",
    "identify",
    "is_recognised",
    "looks_pooled",
    "names_replicas",
    "objections",
    "provider_named",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Not at the top: a host of no known provider needs no record.
    from envconn.providers import record

    return getattr(record, name)
