"""What Django is given, by setting: an entry of ``DATABASES`` and one of ``CACHES``, and the aliases of several."""

from envconn.drivers.django.aliases import BUILDING, Handed, entries
from envconn.drivers.django.cache import CacheSettings, cache
from envconn.drivers.django.database import DatabaseSettings, TestSettings, settings
from envconn.drivers.django.findings import Finding, findings

__all__ = [
    "BUILDING",
    "CacheSettings",
    "DatabaseSettings",
    "Finding",
    "Handed",
    "TestSettings",
    "cache",
    "entries",
    "findings",
    "settings",
]
