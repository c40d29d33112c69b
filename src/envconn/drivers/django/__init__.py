"""What Django is given, by setting: an entry of ``DATABASES`` and one of ``CACHES``, and the aliases of several."""

from envconn.drivers.django.aliases import BUILDING, NOT_HERE, Handed, entries, is_of_default, is_replica, replicas
from envconn.drivers.django.cache import CacheSettings, cache
from envconn.drivers.django.database import DatabaseSettings, TestSettings, settings
from envconn.drivers.django.findings import PROBE, Finding, findings, told

__all__ = [
    "BUILDING",
    "NOT_HERE",
    "PROBE",
    "CacheSettings",
    "DatabaseSettings",
    "Finding",
    "Handed",
    "TestSettings",
    "cache",
    "entries",
    "findings",
    "is_of_default",
    "is_replica",
    "replicas",
    "settings",
    "told",
]
