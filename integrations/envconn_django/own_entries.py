"""Judge entries of ``DATABASES`` that the project wrote or changed: what Django would hand to the driver.

Sources: ``get_connection_params`` of the backends in django/db/backends/postgresql and mysql, 4.2 to 6.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import cast

from django.core.exceptions import ImproperlyConfigured
from django.db.utils import load_backend

from envconn.drivers import connection_from_arguments, psycopg
from envconn.drivers.unsupported import refuse
from envconn.errors import ConfigurationError, problem
from envconn.families import MYSQL, POSTGRESQL, SQLITE
from envconn.rotation.reload import weakened
from envconn.services import is_waived, secure_as_stated
from envconn.tls.secured import is_exempt
from envconn_django.aliases import LoginSource, made_entries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.tls import SecuredConnection

    Settings = Mapping[str, object]


def judged(alias: str, settings: Settings) -> SecuredConnection | None:
    """Return the connection of an entry, `None` for one without a network, or that a waiver leaves without a verdict.

    Raises:
        ConfigurationError: it is not secured as the policy requires, or weaker than `databases` made this alias.
    """
    _require_one(alias, settings)
    family = _family(str(settings.get("ENGINE") or ""))
    if family is None or waiver(alias, settings):
        return None
    connection = _judge(family, settings, f"DATABASES[{alias!r}]", _like(alias))
    _compare(alias, connection)
    return connection


def _require_one(alias: str, settings: Settings) -> None:
    """Refuse what is not an entry but a mapping of them, for which Django only says that there is no ENGINE."""
    if any(isinstance(each, Mapping) and "ENGINE" in each for each in settings.values()):
        raise ConfigurationError([problem("databases-nested", f"DATABASES[{alias!r}]", _NESTED)])


_NESTED = "holds several databases. Write DATABASES = databases()"


def waiver(alias: str, settings: Settings) -> str | None:
    """Return the scheme by which a waiver leaves an entry without a verdict, otherwise `None`."""
    family = _family(str(settings.get("ENGINE") or ""))
    if family in {None, POSTGRESQL, MYSQL}:
        return None
    found = _scheme(str(family))
    return found if is_waived(found, _like(alias)) else None


def _scheme(engine: str) -> str:
    """Return what a waiver calls a backend that envconn cannot judge, such as ``oracle://``."""
    return f"{load_backend(engine).DatabaseWrapper.vendor}://"


def _family(engine: str) -> str | None:
    """Return the family of a backend, `None` for one without a network, and the backend's own name for any other."""
    if engine in _WITHOUT_NETWORK:
        return None
    try:
        bases = {base.__module__ for base in load_backend(engine).DatabaseWrapper.__mro__}
    except (ImproperlyConfigured, ImportError):
        return None  # Django cannot connect with it either, and says why
    found = next((family for base, family in _BACKENDS.items() if base in bases), engine)
    return None if found == SQLITE else found


_WITHOUT_NETWORK = frozenset({"", "django.db.backends.dummy", "django.db.backends.sqlite3", "envconn_django.dummy"})
_BACKENDS = {
    "django.db.backends.postgresql.base": POSTGRESQL,
    "django.db.backends.mysql.base": MYSQL,
    "django.db.backends.sqlite3.base": SQLITE,
}
"""The modules from which every other backend of the family derives its own: PostGIS, and those of django-tenants,
django-prometheus or psqlextra."""


def _like(alias: str) -> SecuredConnection | None:
    """Return the connection by whose policy an entry is judged: its own, otherwise that of the default database."""
    found = made_entries.get(alias) or made_entries.get("default")
    return found[-1].connection if found else None


def _judge(family: str, settings: Settings, variable: str, like: SecuredConnection | None) -> SecuredConnection:
    if family == POSTGRESQL:
        return secure_as_stated(connection_from_arguments.postgresql(_of_postgresql(settings), variable), like)
    if family == MYSQL:
        words = _of_mysql(settings)
        connection = secure_as_stated(connection_from_arguments.mysql(words, variable), like)
        if not is_exempt(connection):
            connection_from_arguments.require_enforced(connection, words)
        return connection
    return _exempt(family, settings, variable, like)


def _of_postgresql(settings: Settings) -> dict[str, object]:
    words = {"dbname": settings.get("NAME"), **_options(settings)}
    pool = words.pop("pool", None)
    if isinstance(pool, Mapping):
        own = {name for name, value in pool.items() if isinstance(value, LoginSource)}
        words = {**words, **{name: pool[name] for name in psycopg.OF_POOL & pool.keys() - own}}
    words = {name: value for name, value in words.items() if name not in _NEUTRAL}
    return words | _stated(settings, {"USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"})


_NEUTRAL = frozenset(
    {
        *("assume_role", "isolation_level", "server_side_binding"),  # Django's own
        *("autocommit", "context", "cursor_factory", "prepare_threshold", "row_factory"),  # about statements
    }
)


def _of_mysql(settings: Settings) -> dict[str, object]:
    own = _stated(
        settings, {"USER": "user", "NAME": "database", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    )
    if str(own.get("host", "")).startswith("/"):
        own["unix_socket"] = own.pop("host")
    return own | {name: value for name, value in _options(settings).items() if name != "isolation_level"}


def _stated(settings: Settings, names: Mapping[str, str]) -> dict[str, object]:
    return {name: settings[key] for key, name in names.items() if settings.get(key)}


def _options(settings: Settings) -> Mapping[str, object]:
    return cast("Mapping[str, object]", settings.get("OPTIONS") or {})


def _exempt(engine: str, settings: Settings, variable: str, like: SecuredConnection | None) -> SecuredConnection:
    """Return a connection that stands for one that cannot be judged, if its server is local or has a waiver.

    Without a host, the server may be anywhere: Oracle's is in NAME, and others have theirs in OPTIONS.
    """
    if host := str(settings.get("HOST") or ""):
        with suppress(ConfigurationError):
            return secure_as_stated(connection_from_arguments.unencrypted(host, variable), like)
    where = "its host" if host else _scheme(engine)
    message = f"{engine} cannot be judged. Set ENVCONN_TLS_WAIVE to {where} if you check its TLS yourself"
    raise ConfigurationError([problem("engine-unjudged", variable, message)])


def _compare(alias: str, connection: SecuredConnection) -> None:
    before = [entry.connection for entry in made_entries.get(alias, ())]
    if before and not is_exempt(connection) and all(weakened({alias: each}, {alias: connection}) for each in before):
        refuse(connection, _WEAKER.format(before[-1].origin.variable), "settings-changed")


_WEAKER = "was changed to something weaker than {} requires. Set it in the environment, where it is checked"
