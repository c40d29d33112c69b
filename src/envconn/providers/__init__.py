"""Hosting providers: records (`record`), recognition (`recognition`), siblings (`rewrites`), the table (`table`).

A provider is data. To add one, write its records into a file of its own and a line into `table`; other
packages register one with an entry point of the group ``envconn.providers``.
"""

from __future__ import annotations

from envconn.providers.recognition import POOLERS, ProviderHints, advice, identify, is_recognised, objections
from envconn.providers.record import Certificates, Endpoint, Forbidden, Gateway, Pooler, Provider, Rewrite
from envconn.providers.table import VARIABLES, Variable, all_providers, names_replicas, provider_named

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
    "names_replicas",
    "objections",
    "provider_named",
]
