"""Hosting providers: records (`record`), recognition (`recognition`), siblings (`siblings`), the table (`table`).

A provider is data. To add one, write its records into a file of their own and a line into `table`; a
third party registers one by an entry point of the group ``envconn.providers``.
"""

from __future__ import annotations

from envconn.providers.recognition import POOLERS, Facts, advice, identify, objections
from envconn.providers.record import Certificates, Endpoint, Forbidden, Gateway, Pooler, Provider, Rewrite
from envconn.providers.rewrites import derive
from envconn.providers.table import VARIABLES, Variable, every, named, names_replicas

__all__ = [
    "POOLERS",
    "VARIABLES",
    "Certificates",
    "Endpoint",
    "Facts",
    "Forbidden",
    "Gateway",
    "Pooler",
    "Provider",
    "Rewrite",
    "Variable",
    "advice",
    "derive",
    "every",
    "identify",
    "named",
    "names_replicas",
    "objections",
]
