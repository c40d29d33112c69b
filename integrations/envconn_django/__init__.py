"""Django's ``DATABASES``, ``CACHES`` and ``CHANNEL_LAYERS`` from the environment, with their TLS checked.

    from envconn_django import caches, databases

    INSTALLED_APPS = [..., "envconn_django"]     # system checks
    DATABASES = databases()
    CACHES = caches()
    DATABASE_ROUTERS = ["envconn_django.ReplicaRouter"]
    DEFAULT_EXCEPTION_REPORTER_FILTER = "envconn_django.SafeExceptionReporterFilter"

Importing this does not import Django, whose settings do not exist yet at that time.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from copy import deepcopy
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType

from envconn.drivers.unsupported import refuse
from envconn.errors import ConfigurationError
from envconn.services import (
    CACHE_ONLY,
    ENV_FILE,
    ENVIRONMENT,
    EVERY_DATABASE,
    Environment,
    Services,
    env_files,
    resolve,
)
from envconn.tls.secured import identity_of
from envconn_django.alias_options import refuse_unused, stated
from envconn_django.aliases import DUMMY, files_read, followed_entries, last_refused, made_entries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from envconn import SecuredConnection
    from envconn.services import EnvFile, Source
    from envconn_django.alias_options import StatedOptions
    from envconn_django.aliases import Entry
    from envconn_django.exceptions import SafeExceptionReporterFilter
    from envconn_django.router import ReplicaRouter

    Made = TypeVar("Made")

__all__ = ["ReplicaRouter", "SafeExceptionReporterFilter", "caches", "channel_layers", "databases"]

_NONE: Mapping[str, Any] = MappingProxyType({})


def databases(  # noqa: PLR0913 - Django's own settings, one for each
    source: Source = ENVIRONMENT,
    /,
    *,
    pool: bool | Mapping[str, float] = False,
    rotate: bool = False,
    engine: str = "",
    conn_max_age: int | None = 0,
    conn_health_checks: bool | None = None,
    disable_server_side_cursors: bool | None = None,
    atomic_requests: bool | None = None,
    options: Mapping[str, object] = _NONE,
    test: Mapping[str, object] = _NONE,
    aliases: Mapping[str, Mapping[str, Any]] = _NONE,
    default: str | None = None,
    env_file: EnvFile = ENV_FILE,
) -> dict[str, dict[str, Any]]:
    """Return ``DATABASES``: ``default``, each named database, and their replicas.

    The first argument is services or a connection, `envconn.load()` if left out; a connection's replicas
    are included. `pool` enables Django's own pool (5.1 and newer): `True`, or arguments of
    psycopg_pool's ``ConnectionPool``, such as ``{"max_size": 10}``. With `rotate`, PostgreSQL's entries have
    an ENGINE that logs in with the current configuration of the services, and tries a login that fails again if
    the environment has changed; so have, in any case, those that ``ENVCONN_AUTH`` applies to. With
    ``ENVCONN_PHASE=build`` and no database configured, the result has a ``default`` that fails when it is used.

    `engine` to `test` are Django's settings for every alias; what the connection string states has precedence.
    `conn_max_age` is in seconds, `None` for as long as the provider allows, and never longer. `options` may hold
    what does not decide about the server, the login or TLS. `engine` and `options` do not apply to SQLite.
    `aliases` has the same arguments for one alias instead, ``{"analytics": {"atomic_requests": False}}``; an alias
    that the environment does not configure is checked and ignored.

    `default` is the URL of an SQLite database, for development: it is used where nothing in the environment looks
    like the URL of a database, and an error under ``check --deploy``. `env_file` is that of `envconn.load`.

    Raises:
        ConfigurationError: the environment is wrong, or Django or its driver does not support it.
            If Django is installed, it is also an `ImproperlyConfigured`.
        TypeError: the first argument was not judged, or another one has a wrong type.
    """
    _check(source, {"pool": pool, "rotate": rotate, "default": default, "env_file": env_file})
    found = stated(
        {
            "engine": engine,
            "conn_max_age": conn_max_age,
            "conn_health_checks": conn_health_checks,
            "disable_server_side_cursors": disable_server_side_cursors,
            "atomic_requests": atomic_requests,
            "options": options,
            "test": test,
        },
        aliases,
    )
    if rotate and found.has_engine:
        raise TypeError("engine and rotate cannot be combined. Remove one of the two")
    return _made(
        env_file,
        lambda: resolve(source, EVERY_DATABASE, env_file=env_file, default=default),
        lambda services: _databases(services, {} if pool is True else pool or None, rotate=rotate, stated=found),
    )


_OR_DEFAULT = "databases() takes the URL of an SQLite database as default="


def _check(source: object, given: Mapping[str, object]) -> None:
    if isinstance(source, str):
        raise TypeError(f"the first argument must be Services or a SecuredConnection. {_OR_DEFAULT}")
    default = given["default"]
    is_loaded = isinstance(source, Environment) or (default is None and given["env_file"] is ENV_FILE)
    wrong = {
        "pool must be True, False, or the arguments of psycopg_pool's ConnectionPool by name": (
            not isinstance(given["pool"], bool | Mapping)
        ),
        "rotate must be True or False": not isinstance(given["rotate"], bool),
        "default must be the URL of an SQLite database, or None": not isinstance(default, str | None),
        "default and env_file are for the environment, and cannot be combined with a first argument": not is_loaded,
    }
    for message, is_so in wrong.items():
        if is_so:
            raise TypeError(message)


def caches(
    source: Source = ENVIRONMENT, /, *, backend: str = "", env_file: EnvFile = ENV_FILE
) -> dict[str, dict[str, Any]]:
    """Return ``CACHES``: the cache service as ``default``; without one, Django's own default, local memory.

    The first argument is services, or the connection to use; `envconn.load()` if left out. `backend` is the path of
    another backend for a Redis, ``django_redis.cache.RedisCache`` or one that is derived from Django's own. `env_file`
    is that of `envconn.load`.

    Raises:
        ConfigurationError, TypeError: as for `databases`.
    """
    _check(source, {"pool": False, "rotate": False, "default": None, "env_file": env_file})
    return _made(
        env_file, lambda: resolve(source, CACHE_ONLY, env_file=env_file), lambda found: _caches(found, backend)
    )


def channel_layers(
    source: Source = ENVIRONMENT,
    /,
    *,
    backend: str = "channels_redis.core.RedisChannelLayer",
    env_file: EnvFile = ENV_FILE,
) -> dict[str, dict[str, Any]]:
    """Return ``CHANNEL_LAYERS`` of Channels: the cache service as ``default``; without one, the layer in memory.

    The arguments are those of `caches`; `backend` is a layer of channels_redis.

    Raises:
        ConfigurationError, TypeError: as for `databases`; or the cache is not a Redis, or has sentinels.
    """
    _check(source, {"pool": False, "rotate": False, "default": None, "env_file": env_file})
    return _made(
        env_file, lambda: resolve(source, CACHE_ONLY, env_file=env_file), lambda found: _layers(found, backend)
    )


def _caches(found: Services | SecuredConnection, backend: str) -> dict[str, dict[str, Any]]:
    from envconn_django.cache import cache, made_caches

    made_caches.append(cache(_cache(found), backend))
    return {"default": {**deepcopy(made_caches[-1])}}


def _layers(found: Services | SecuredConnection, backend: str) -> dict[str, dict[str, Any]]:
    from envconn_django.cache import channel_layer

    return {"default": channel_layer(_cache(found), backend)}


def _databases(
    found: Services | SecuredConnection, pool: Mapping[str, float] | None, *, rotate: bool, stated: StatedOptions
) -> dict[str, dict[str, Any]]:
    if isinstance(found, Services) and any(note.code == "build-phase" for note in found.report().notes):
        return {"default": {**deepcopy(DUMMY)}}
    last_refused.clear()
    if isinstance(found, Services):
        last_refused.update((name, each.problems) for name, each in found.report().refused.items())
    made = followed_entries(found, pool, rotate=rotate, stated=stated)
    refuse_unused(made, pool, stated)
    for alias, entry in made.items():
        made_entries.setdefault(alias, []).append(entry)
    return {alias: {**deepcopy(entry.settings), **_engine(alias, entry, stated)} for alias, entry in made.items()}


def _engine(alias: str, entry: Entry, stated: StatedOptions) -> dict[str, str]:
    """Return the stated ENGINE of an entry. It is not what was made, so the final settings are judged with it."""
    engine = stated.of(entry.mirrors or alias, entry.connection.family).engine
    if engine and (identity := identity_of(entry.connection)):
        refuse(entry.connection, f"{identity.word} needs the ENGINE of envconn. Remove engine", "password-fixed")
    return {"ENGINE": engine} if engine else {}


def _cache(found: Services | SecuredConnection) -> SecuredConnection | None:
    if not isinstance(found, Services):
        return found
    return found.cache if found.is_stated("cache") else None


def _made(
    env_file: EnvFile,
    load: Callable[[], Services | SecuredConnection],
    make: Callable[[Services | SecuredConnection], Made],
) -> Made:
    files_read.update(map(os.path.abspath, env_files(env_file)))
    try:
        return make(load())
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
