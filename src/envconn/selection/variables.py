"""Which variable means which service, in which order of precedence, and the names that begin with ``ENVCONN_``."""

from __future__ import annotations

import re

from envconn import families
from envconn.errors import note, problem
from envconn.families import POSTGRESQL
from envconn.grammar.libpq_keywords import OVERRULED
from envconn.providers import VARIABLES, names_replicas
from envconn.selection import host_variables
from envconn.sources.order import BOUND_SERVICE_VARIABLES
from envconn.tls import policy
from envconn.tls.policy import PREFIX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from envconn.errors import Finding
    from envconn.sources import Environment


_POSTGRES = [variable for variable in VARIABLES if variable.family == POSTGRESQL and not variable.parts]
_FIRST = ("SCALINGO_POSTGRESQL_URL", "DATABASE_URL")
_LAST = ("POSTGRESQL_URL", "PG_URL")

DEFAULTS = tuple(
    dict.fromkeys((*_FIRST, *(variable.name for variable in _POSTGRES if variable.role == "default"), *_LAST))
)
"""The variables that name the default database, in order of precedence."""

USUAL = (
    *(
        "DB_URL",
        "DATABASE_URI",
        "DB_URI",
        "DATABASE_DSN",
        "DB_DSN",
        "DATABASE_CONNECTION_STRING",
        "DB_CONNECTION_STRING",
    ),
    *("SQLALCHEMY_DATABASE_URI", "POSTGRES_URI", "POSTGRESQL_URI", "PG_URI", "POSTGRES_DSN", "PG_DSN", "PGURL"),
    *("POSTGRES_CONNECTION_STRING", "ELEPHANTSQL_URL", "MYSQL_URL", "MYSQL_URI", "MYSQL_DSN", "MARIADB_URL"),
    *("JAWSDB_URL", "JAWSDB_MARIA_URL"),
)
"""Other usual names of the default database: read if none of `DEFAULTS`, no host and no sibling is set."""

DEFAULT_DATABASE = (*DEFAULTS, *host_variables.DEFAULTS, *USUAL, *host_variables.USUAL)
"""Every variable that names the default database, or the host of one in parts, in order of precedence."""

SIBLINGS: Mapping[str, str] = {variable.name: variable.role for variable in _POSTGRES if variable.role != "default"}
"""The variables that name a sibling of the default database, with its role; with ``<NAME>_`` before it, one of a
named database."""

ROLES: Mapping[str, str] = {**SIBLINGS, "POSTGRESQL_ADDON_DIRECT_HOST": "direct"}
"""The same, and those that hold the host of a sibling given in parts."""

_BROKER_OF_CELERY = ("CELERY_BROKER_URL", "CELERY_BROKER", "BROKER_URL")
_RESULTS_OF_CELERY = ("CELERY_RESULT_BACKEND", "RESULT_BACKEND")
READ_BY_CELERY = (*_BROKER_OF_CELERY, *_RESULTS_OF_CELERY)
"""What Celery or its command reads by itself (celery/app/utils.py, Settings; celery/bin/celery.py)."""

BROKER = (*_BROKER_OF_CELERY, "CLOUDAMQP_URL", "RABBITMQ_URL", "AMQP_URL")
"""The variables that name the message broker; otherwise one of `REDIS` is used."""

RESULTS = (*_RESULTS_OF_CELERY, "RESULTS_URL")
"""The variables that name the store for the results of tasks."""


CACHE = ("CACHE_URL",)
"""The variables that name the cache; otherwise one of `REDIS` is used."""

REDIS = (
    "SCALINGO_REDIS_URL",
    "REDIS_TLS_URL",
    "REDIS_URL",
    "VALKEY_URL",
    "REDISCLOUD_URL",
    "KV_URL",
    "UPSTASH_REDIS_URL",
)
"""The variables that name a Redis, which serves as broker and as cache."""

_READ = {
    *DEFAULTS,
    *USUAL,
    *SIBLINGS,
    *BROKER,
    *RESULTS,
    *CACHE,
    *REDIS,
    *OVERRULED,
    *policy.VARIABLES,
    *BOUND_SERVICE_VARIABLES,
    *(name for family in host_variables.FAMILIES.values() for name in family),
}
_NAMED = r"(?P<name>[A-Z0-9_]+?)_DATABASE_URL|HEROKU_POSTGRESQL_(?P<colour>[A-Z]+)_URL"


def present(environment: Environment) -> set[str]:
    """Return the names of variables that are read and set, also if blank or by ``NAME_FILE``.

    The environment is searched once; the selection of services looks only at these.
    """
    found = environment.among(_READ)
    for part in ("ENVCONN_", "_DATABASE_URL", "HEROKU_POSTGRESQL_", "REPLICA"):
        found.update(name.removesuffix("_FILE") for name in environment.names_with(part))
    for _, variable in [*named(found)]:
        found |= environment.among({*siblings_of(variable)})
    return found


def siblings_of(variable: str) -> tuple[str, ...]:
    """Return the variables that name a sibling of the named database of `variable`."""
    prefix = variable.removesuffix("DATABASE_URL")
    return tuple(prefix + sibling for sibling in SIBLINGS)


def named(present: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield (service, variable) for every ``<NAME>_DATABASE_URL``, whose service is ``<name>`` in lower case.

    Heroku's ``HEROKU_POSTGRESQL_<COLOUR>_URL`` makes a service with the name of the colour.
    """
    candidates = [name for name in present if name.endswith("_URL") and name not in _READ]
    if not candidates:
        return
    from envconn.sources.azure_app_service import plain_name

    for variable in sorted(candidates):
        if not plain_name(variable) and (match := re.fullmatch(_NAMED, variable)):
            yield (match["name"] or match["colour"]).lower(), variable


def replicas(present: Iterable[str]) -> tuple[str, ...]:
    """Return the list and numbered variables that name replicas of the default database, numbers in order."""
    found = [name for name in present if "REPLICA" in name and names_replicas(name)]
    return tuple(sorted(found, key=lambda name: (len(name), name)))


def of_aspire(environment: Environment) -> list[str]:
    """Return the variables with a database URL that are named as Aspire does: ``X_URI``, ``ConnectionStrings__x``.

    They are read if nothing else is, and there is only one.
    """
    names = {*environment.names_with("_URI\n"), *environment.names_with(_OF_DOTNET)}
    return sorted(name for name in names - _READ if environment.plain(name).startswith(_DATABASE))


def unread_of_aspire(environment: Environment, leader: str) -> dict[str, str]:
    """Return why each variable that is named as Aspire does, and holds another text than `leader`, is not used."""
    unread = sorted(environment.names_with(_OF_DOTNET))
    found = dict.fromkeys(unread, _UNREAD) | dict.fromkeys(of_aspire(environment), f"{leader} is the database")
    held = environment.plain(leader)
    return {name: why for name, why in found.items() if name != leader and environment.plain(name) not in {"", held}}


_OF_DOTNET = "ConnectionStrings__"
_UNREAD = "only a URL of a database is read. Set the variable of the service, such as REDIS_URL, to its URL"


def meant(environment: Environment) -> tuple[str, str] | None:
    """Return a variable that is not read but looks like one for the database, and what to do with it."""
    from difflib import get_close_matches  # imported only after a mistake

    if lacking := host_variables.lacking_host(environment):
        return lacking
    for name in sorted(environment.names()):
        if is_read(name):
            continue
        if known := get_close_matches(name.upper(), (*DEFAULTS, *USUAL), 1, _ONE_LETTER):
            return name, f"is not read. Rename it to {known[0]}"
        if environment.plain(name).startswith(_DATABASE):
            remedy = f"Rename it to DATABASE_URL, or set {CHOOSERS['database']}={name}"
            return name, f"holds a database URL, but is not read. {remedy}"
    return _of_dotnet(environment)


def _of_dotnet(environment: Environment) -> tuple[str, str] | None:
    """Return a connection string of ADO.NET, as Aspire sets it, and what to do with it."""
    from envconn.grammar.mistakes import of_dotnet  # only if nothing is found

    for name in sorted(environment.names_with(_OF_DOTNET)):
        if message := of_dotnet(environment.plain(name)):
            return name, f"{message}, in DATABASE_URL"
    return None


_ONE_LETTER = 0.9
"""The similarity of two names as long as ``DATABASE_URL`` that differ in one letter (`difflib`)."""
_DATABASE = ("postgresql://", "postgres://", "mysql://")


def is_read(name: str) -> bool:
    """Whether `name` is a variable that is read, or would be with another configuration; upper case."""
    plain = name.removesuffix("_FILE")
    if plain in _READ:
        return True
    from envconn.sources.azure_app_service import TYPED, plain_name

    return (
        plain.startswith(("ENVCONN_", *TYPED))
        or (plain.startswith("CUSTOMCONNSTR_") and is_read(plain_name(plain)))
        or re.fullmatch(_NAMED, plain) is not None
        or names_replicas(plain)
        or any(plain.endswith(f"_{sibling}") for sibling in SIBLINGS)
    )


def variables(origin: str) -> tuple[str, ...]:
    """Return the variables that hold a connection or a part of it, by the one in its origin."""
    variable, _, name = origin.partition("/")
    relationship = name.upper().replace("-", "_") if name else origin.removesuffix("_HOST")
    if variable == "VCAP_SERVICES":
        return (variable, f"{variable}_FILE_PATH")
    if variable in host_variables.FAMILIES:
        return tuple(host_variables.FAMILIES[variable])
    if variable == "PLATFORM_RELATIONSHIPS" or origin.endswith("_HOST"):
        return (variable, *(f"{relationship}_{suffix}" for suffix in _UPSUN))
    return (variable,)


_UPSUN = ("HOST", "SCHEME", "PORT", "USERNAME", "PASSWORD", "PATH")


APIS = {name: f"{PREFIX}API_{name.upper()}" for name in ("casedev", "neon", "planetscale", "scalingo", "scalingo_auth")}
"""The variable with the address of each provider's API; Scalingo has a second one for its tokens."""

FOR_EACH = (*policy.WORDS, "PROVIDER", "POOL_MODE", "SENTINEL_MASTER", "AUTH", "AUTH_HOST", "AUTH_REGION")
"""The words after ``ENVCONN_`` for every service that also apply to one, after ``ENVCONN_<SERVICE>_``."""

SERVICES = tuple(families.VARIABLES)

_FOR_ALL = (*FOR_EACH, "IGNORE", "ENDPOINT", "SECRETS_DIR", "PHASE", "PYTEST_ALLOW")

FOR_EVERY = (*(PREFIX + word for word in _FOR_ALL), *APIS.values())
"""The names that apply to every service, or to none."""

ENDPOINTS: Mapping[str, Mapping[str, Any]] = {
    "direct": {"pooled": False, "replica": False},
    "pooled": {"pooled": True},
    "replica": {"replica": True},
}
"""The values of ``ENVCONN_ENDPOINT``, with the arguments of `SecuredConnection.endpoint` that each of them means."""

CHOOSERS = {name: f"{PREFIX}{name.upper()}_VARIABLE" for name in SERVICES}
"""The variable that holds the name of the variable, or of the bound service, to use for each of these services."""

RESERVED = frozenset({"broker", "results", "cache"})
"""The names that no database can have, neither by ``<NAME>_DATABASE_URL`` nor by what is bound."""

OF_BROKER_AND_CACHE = {*BROKER, *RESULTS, *CACHE, *REDIS, *CHOOSERS.values()} - {CHOOSERS["database"]}
"""Every variable that configures the broker, the store for results or the cache."""

HOSTS_OF_BROKER_AND_CACHE: Mapping[str, str] = {
    f"{name.removesuffix('URL')}HOST": name for name in (*BROKER, *REDIS, *CACHE) if name.endswith("_URL")
}
"""Hosts that are not read, as a broker or a cache is never given in parts, with the variable for the whole URL."""

_OWN = tuple(f"{PREFIX}{name.upper()}_{word}" for name in SERVICES for word in FOR_EACH)

KNOWN = (*FOR_EVERY, *CHOOSERS.values(), *_OWN)
"""Every name that is known, whatever services there are."""

_DECISIVE = frozenset({"TLS", "WAIVE", "CA", "AUTH"})
_OF_THE_TESTS = f"{PREFIX}TEST_"


def unknown_names(present: Iterable[str], prefixes: Iterable[str] = ()) -> Iterator[Finding]:
    """Yield the problems and notes about the unknown names among `present` that begin with ``ENVCONN_``.

    They are a closed set: one that is nearly a known name, or contains a word that affects TLS or the login, is an
    error. Any other is a note: Kubernetes sets ``ENVCONN_SERVICE_HOST`` for a service called envconn. `prefixes` are
    those of the services.
    """
    befores = tuple(prefixes)
    known = {*KNOWN, *(before + word for before in befores for word in FOR_EACH)}
    for name in sorted(present):
        if name.startswith(PREFIX) and name not in known and not name.startswith(_OF_THE_TESTS):
            yield _about_unknown(name, known)


def _about_unknown(name: str, known: set[str]) -> Finding:
    from difflib import get_close_matches  # imported only after a mistake

    near = get_close_matches(name, sorted(known), 1, 0.85)
    if near or _DECISIVE.intersection(name.split("_")):
        meant = f"Use {near[0]}, or remove it" if near else "Remove it"
        return problem("envconn-variable-unknown", name, f"unknown name. {meant}")
    return note("envconn-variable-ignored", name, "not used: envconn does not read a variable of this name")
