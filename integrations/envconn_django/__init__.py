"""Django's ``DATABASES`` and ``CACHES`` from the environment, with their TLS checked.

    from envconn_django import caches, databases

    INSTALLED_APPS = [..., "envconn_django"]     # system checks
    DATABASES = databases()
    CACHES = caches()
    DATABASE_ROUTERS = ["envconn_django.ReplicaRouter"]
    DEFAULT_EXCEPTION_REPORTER_FILTER = "envconn_django.SafeExceptionReporterFilter"

Importing this does not import Django, whose settings do not exist yet at that time.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from importlib import import_module
from importlib.util import find_spec

from envconn.errors import ConfigurationError
from envconn.services import CACHE_ONLY, ENVIRONMENT, EVERY_DATABASE, Services, resolve
from envconn_django.aliases import DUMMY, followed_entries, last_refused, made_entries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Any, TypeVar

    from envconn import SecuredConnection
    from envconn.services import Source
    from envconn_django.exceptions import SafeExceptionReporterFilter
    from envconn_django.router import ReplicaRouter

    Made = TypeVar("Made")

__all__ = ["ReplicaRouter", "SafeExceptionReporterFilter", "caches", "databases"]


def databases(
    source: Source = ENVIRONMENT, /, *, pool: bool | Mapping[str, float] = False, rotate: bool = False
) -> dict[str, dict[str, Any]]:
    """Return ``DATABASES``: ``default``, each named database, their replicas, and ``direct`` behind a pooler.

    The first argument is services or a connection, `envconn.load()` if left out; a connection's siblings
    are included. `pool` enables Django's own pool (5.1 and newer): `True`, or arguments of
    psycopg_pool's ``ConnectionPool``, such as ``{"max_size": 10}``. With `rotate`, PostgreSQL's entries have
    an ENGINE that logs in with the current configuration of the services, and tries a login that fails again if
    the environment has changed. With ``ENVCONN_PHASE=build`` and no database
    configured, the result has a ``default`` that fails when it is used.

    Raises:
        ConfigurationError: the environment is wrong, or Django or its driver does not support it.
            If Django is installed, it is also an `ImproperlyConfigured`.
        TypeError: the first argument was not judged, or another one has a wrong type.
    """
    if not isinstance(pool, bool | Mapping):
        raise TypeError("pool must be True, False, or the arguments of psycopg_pool's ConnectionPool by name")
    if not isinstance(rotate, bool):
        raise TypeError("rotate must be True or False")
    return _made(
        source, EVERY_DATABASE, lambda found: _databases(found, {} if pool is True else pool or None, rotate=rotate)
    )


def caches(source: Source = ENVIRONMENT, /) -> dict[str, dict[str, Any]]:
    """Return ``CACHES``: the cache service as ``default``; without one, Django's own default, local memory.

    The first argument is services, or the connection to use; `envconn.load()` if left out.

    Raises:
        ConfigurationError: as for `databases`.
    """
    from envconn_django.cache import cache

    return _made(source, CACHE_ONLY, lambda found: {"default": {**cache(_cache(found))}})


def _databases(
    found: Services | SecuredConnection, pool: Mapping[str, float] | None, *, rotate: bool
) -> dict[str, dict[str, Any]]:
    if isinstance(found, Services) and any(note.code == "build-phase" for note in found.report().notes):
        return {"default": {**DUMMY}}
    last_refused.clear()
    if isinstance(found, Services):
        last_refused.update((name, each.problems) for name, each in found.report().refused.items())
    made = followed_entries(found, pool, rotate=rotate)
    for alias, entry in made.items():
        made_entries.setdefault(alias, []).append(entry)
    return {alias: {**deepcopy(entry.settings)} for alias, entry in made.items()}


def _cache(found: Services | SecuredConnection) -> SecuredConnection | None:
    if not isinstance(found, Services):
        return found
    return found.cache if found.is_stated("cache") else None


def _made(source: Source, needs: Collection[str], make: Callable[[Services | SecuredConnection], Made]) -> Made:
    try:
        return make(resolve(source, needs))
    except ConfigurationError as error:
        problems = error.problems
    # Raised outside of the except block, so that it has no context.
    if find_spec("django") is None:
        raise ConfigurationError(problems)
    return import_module("envconn_django.exceptions").stop(problems)  # type: ignore[no-any-return]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "router" if name == "ReplicaRouter" else "exceptions"
    return getattr(import_module(f"envconn_django.{module}"), name)
