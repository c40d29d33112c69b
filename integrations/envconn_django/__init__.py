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
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

import envconn
from envconn.drivers import django

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    from envconn import SecuredConnection, Services
    from envconn.drivers.django import CacheSettings, DatabaseSettings, Handed
    from envconn_django.debug import SafeExceptionReporterFilter
    from envconn_django.router import ReplicaRouter

    Made = TypeVar("Made")

__all__ = ["ReplicaRouter", "SafeExceptionReporterFilter", "caches", "databases"]

handed: dict[str, Handed] = {}
"""What `databases` returned last, by alias, for the system checks."""


def databases(
    source: Services | SecuredConnection | None = None, *, pool: bool | Mapping[str, float] = False
) -> dict[str, DatabaseSettings]:
    """Return ``DATABASES``: ``default``, each named database, their replicas, and ``direct`` behind a pooler.

    `source` is `envconn.load()` when left out; of a connection, its other endpoints count, too.
    `pool` asks for Django's own pool (5.1 and newer): `True`, or arguments of psycopg_pool's
    ``ConnectionPool``, such as ``{"max_size": 10}``. With ``ENVCONN_PHASE=build`` and no database
    configured, the result is one that fails when it is used.

    Raises:
        ConfigurationError: the environment is wrong, or Django or its driver cannot do what it asks
            for. Where Django is installed, it is an `ImproperlyConfigured` as well.
    """
    return _made(lambda: _databases(source, {} if pool is True else pool or None))


def caches(source: Services | SecuredConnection | None = None) -> dict[str, CacheSettings]:
    """Return ``CACHES``: the cache service as ``default``, or Django's own default, local memory, without one.

    `source` is services, or the connection to use; `envconn.load()` when left out.

    Raises:
        ConfigurationError: as for `databases`.
    """
    return _made(lambda: {"default": django.cache(_cache(source))})


def _databases(
    source: Services | SecuredConnection | None, pool: Mapping[str, float] | None
) -> dict[str, DatabaseSettings]:
    source = envconn.load() if source is None else source
    if isinstance(source, envconn.Services) and any(note.code == "build-phase" for note in source.report().notes):
        return {"default": django.BUILDING.copy()}
    default = {"database": envconn.database(source)}
    others = source.databases if isinstance(source, envconn.Services) else {}
    handed.clear()
    handed.update(django.entries({**default, **others}, pool))
    return {alias: deepcopy(entry.settings) for alias, entry in handed.items()}


def _cache(source: Services | SecuredConnection | None) -> SecuredConnection | None:
    source = envconn.load() if source is None else source
    return source.cache if isinstance(source, envconn.Services) else source


def _made(make: Callable[[], Made]) -> Made:
    try:
        return make()
    except envconn.ConfigurationError as error:
        problems = error.problems
    # Raised out here, so that nothing travels along as context.
    if find_spec("django") is None:
        raise envconn.ConfigurationError(problems)
    raise import_module("envconn_django.improper").ImproperEnvironment(problems)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


_HOMES = {"ReplicaRouter": "envconn_django.router", "SafeExceptionReporterFilter": "envconn_django.debug"}
