"""What Django is given, by setting: an entry of ``DATABASES`` and one of ``CACHES``, and the aliases of several."""

from envconn.drivers.django.aliases import (
    BUILDING,
    NOT_HERE,
    Handed,
    current,
    entries,
    is_of_default,
    is_replica,
    replicas,
)
from envconn.drivers.django.cache import CacheSettings, cache
from envconn.drivers.django.database import DatabaseSettings, TestSettings, settings
from envconn.drivers.django.findings import PROBE, Finding, findings, told
from envconn.drivers.django.rotating import SOURCE, renewed, rotates

__all__ = [
    "BUILDING",
    "NOT_HERE",
    "PROBE",
    "SOURCE",
    "CacheSettings",
    "DatabaseSettings",
    "Finding",
    "Handed",
    "TestSettings",
    "cache",
    "current",
    "entries",
    "findings",
    "is_of_default",
    "is_replica",
    "renewed",
    "replicas",
    "rotates",
    "settings",
    "told",
]
