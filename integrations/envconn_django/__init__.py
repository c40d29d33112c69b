"""Django: ``DATABASES`` and ``CACHES`` from the environment, with TLS that is judged before Django sees it.

    from envconn_django import caches, databases

    INSTALLED_APPS = [..., "envconn_django"]     # system checks
    DATABASES = databases()
    CACHES = caches()
    DATABASE_ROUTERS = ["envconn_django.ReplicaRouter"]
    DEFAULT_EXCEPTION_REPORTER_FILTER = "envconn_django.SafeExceptionReporterFilter"

Importing this does not import Django, whose settings are not there yet when it is imported.
"""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from importlib import import_module
from importlib.util import find_spec

import envconn
from envconn.services import Services, database
from envconn_django.aliases import BUILDING, current
from envconn_django.aliases import entries as django_entries
from envconn_django.cache import cache
from envconn_django.rotation import renewed, rotates
from envconn_psycopg.rotating import connections

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    from envconn import SecuredConnection
    from envconn_django.aliases import Handed
    from envconn_django.cache import CacheSettings
    from envconn_django.database_entry import DatabaseSettings
    from envconn_django.router import ReplicaRouter, SafeExceptionReporterFilter

    Made = TypeVar("Made")
    Source = Services | SecuredConnection | None

__all__ = ["ReplicaRouter", "SafeExceptionReporterFilter", "caches", "databases", "followed_entries"]

handed: dict[str, Handed] = {}
"""What `databases` returned last, by alias, for the system checks."""


def databases(
    source: Source = None, *, pool: bool | Mapping[str, float] = False, rotate: bool = False
) -> dict[str, DatabaseSettings]:
    """Return ``DATABASES``: ``default``, each named database, their replicas, and ``direct`` behind a pooler.

    `source` is services or a connection, `envconn.load()` when left out; of a connection, its other
    endpoints count, too. `pool` asks for Django's own pool (5.1 and newer): `True`, or arguments of
    psycopg_pool's ``ConnectionPool``, such as ``{"max_size": 10}``. With `rotate`, PostgreSQL's entries have
    an ENGINE that logs in with what `source` comes to at that moment, and tries a login that fails once more if
    the environment has changed (`envconn.login`). With ``ENVCONN_PHASE=build`` and no database
    configured, the result is one that fails when it is used.

    Raises:
        ConfigurationError: the environment is wrong, or Django or its driver cannot do what it asks
            for. Where Django is installed, it is an `ImproperlyConfigured` as well.
    """
    return _made(source, lambda found: _databases(found, {} if pool is True else pool or None, rotate=rotate))


def caches(source: Source = None) -> dict[str, CacheSettings]:
    """Return ``CACHES``: the cache service as ``default``, or Django's own default, local memory, without one.

    `source` is services, or the connection to use; `envconn.load()` when left out.

    Raises:
        ConfigurationError: as for `databases`.
    """
    return _made(source, lambda found: {"default": cache(_cache(found))})


def _databases(
    found: Services | SecuredConnection, pool: Mapping[str, float] | None, *, rotate: bool
) -> dict[str, DatabaseSettings]:
    if isinstance(found, envconn.Services) and any(note.code == "build-phase" for note in found.report().notes):
        return {"default": BUILDING.copy()}
    handed.clear()
    handed.update(followed_entries(found, pool, rotate=rotate))
    return {alias: deepcopy(entry.settings) for alias, entry in handed.items()}


def _cache(found: Services | SecuredConnection) -> SecuredConnection | None:
    return found.cache if isinstance(found, envconn.Services) else found


def _made(source: Source, make: Callable[[Services | SecuredConnection], Made]) -> Made:
    try:
        return make(envconn.load() if source is None else source)
    except envconn.ConfigurationError as error:
        problems = error.problems
    # Raised out here, so that nothing travels along as context.
    if find_spec("django") is None:
        raise envconn.ConfigurationError(problems)
    raise import_module("envconn_django.router").ImproperEnvironment(problems)


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("envconn_django.router"), name)


def followed_entries(
    source: Services | SecuredConnection, pool: Mapping[str, float] | None, *, rotate: bool
) -> dict[str, Handed]:
    """Return the entries of `envconn_django.entries` for every database of `source`.

    Raises:
        ConfigurationError: as there.
        TypeError: `source` is neither services nor a judged connection.
    """
    others = source.databases if isinstance(source, Services) else {}
    found = django_entries({"database": database(source), **others}, pool, rotate=rotate)
    for alias, handed in found.items():
        if rotates(handed.settings):
            choose = partial(current, alias=alias)
            _follow(handed.settings, source.view(choose) if isinstance(source, Services) else handed.connection)
    return found


def _follow(entry: DatabaseSettings, source: Services | SecuredConnection) -> None:
    entry["ENVCONN"] = source
    if isinstance(lent := entry["OPTIONS"].get("pool"), dict):
        lent["connection_class"] = connections(import_module("psycopg").Connection, source, renewed)
