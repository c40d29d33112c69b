"""The entry of ``DATABASES`` for a connection, by family.

Source of the keys: "Databases" and "Settings, DATABASES" in Django's documentation, 4.2 to 6.0; the
PostgreSQL backend passes ``OPTIONS`` to the driver unchanged (django/db/backends/postgresql/base.py).
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import cast

from envconn.drivers import Hidden, libpq, psycopg
from envconn.drivers.unsupported import refuse
from envconn.families import MYSQL, POSTGRESQL, SQLITE
from envconn.records import TypedDict
from envconn.tls import require_sealed
from envconn.tls.secured import foreign_parameters, has_supplier
from envconn_django.alias_options import NOTHING, merged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envconn.tls import SecuredConnection
    from envconn_django.alias_options import AliasOptions


class DatabaseSettings(TypedDict, total=False):
    """An entry of ``DATABASES``. `CONN_MAX_AGE`: seconds, `None` for no limit; `ENVCONN`: the source of logins."""

    ENGINE: str
    NAME: str
    USER: str
    PASSWORD: str
    HOST: str
    PORT: str
    OPTIONS: dict[str, object]
    CONN_MAX_AGE: int | None
    CONN_HEALTH_CHECKS: bool
    DISABLE_SERVER_SIDE_CURSORS: bool
    ATOMIC_REQUESTS: bool
    AUTOCOMMIT: bool
    TEST: dict[str, object]
    ENVCONN: object


def settings(
    connection: SecuredConnection, *, pool: Mapping[str, float] | None = None, stated: AliasOptions = NOTHING
) -> DatabaseSettings:
    """Return the entry of ``DATABASES`` for `connection`, with what the project has `stated` for it.

    With `pool`, Django 5.1 and newer keeps a pool of psycopg_pool in each process; its arguments
    are those of ``ConnectionPool``, ages in seconds, all optional.

    Raises:
        ConfigurationError: Django or the driver does not support what the connection requires.
        TypeError: `connection` was not judged.
    """
    require_sealed(connection)
    if connection.family not in _BY_KIND:
        refuse(connection, f"holds a {connection.family} connection, which Django does not support as a database")
    entry = _BY_KIND[connection.family](connection)
    _set_cursors(entry, connection, stated)
    _set_lifetime(entry, connection, stated, pooled_here=pool is not None)
    if stated.options:
        entry["OPTIONS"] = merged(connection, entry["OPTIONS"], stated.options)
    if stated.test:
        entry["TEST"] = {**stated.test}
    if pool is not None:
        entry["OPTIONS"]["pool"] = _pool(connection, entry, pool)
    return entry


def fixed(
    connection: SecuredConnection, pool: Mapping[str, float] | None, stated: AliasOptions = NOTHING
) -> DatabaseSettings:
    """Return the entry of `settings`, if it can hold the password.

    Raises:
        ConfigurationError, TypeError: as for `settings`.
    """
    if has_supplier(connection):
        from envconn.tls.password import FIXED

        refuse(
            connection,
            f"{FIXED}, but Django's settings store one password. Use databases(rotate=True)",
            "password-fixed",
        )
    return settings(connection, pool=pool, stated=stated)


def _postgresql(connection: SecuredConnection) -> DatabaseSettings:
    # Without an option for prepared statements, Django makes psycopg 3 prepare none.
    options = cast("dict[str, object]", driven(connection))
    return DatabaseSettings(
        ENGINE=_engine(connection),
        NAME=str(options.pop("dbname")),
        USER=str(options.pop("user")),
        PASSWORD=cast("str", options.pop("password", "")),
        HOST=str(options.pop("host")),
        PORT=str(options.pop("port")),
        OPTIONS=options,
    )


def _set_cursors(entry: DatabaseSettings, connection: SecuredConnection, stated: AliasOptions) -> None:
    """Set whether cursors on the server are off: a pooler in transaction mode has no other way."""
    cursors = _flag(connection, "disable_server_side_cursors", stated.disable_server_side_cursors)
    if connection.pool_mode == "transaction":
        if cursors is False:
            refuse(connection, _CURSORS)
        cursors = True
    if cursors is not None:
        entry["DISABLE_SERVER_SIDE_CURSORS"] = cursors


def _engine(connection: SecuredConnection) -> str:
    """Return the ENGINE for the scheme, or that of the family; TimescaleDB also works without its package."""
    scheme = connection.scheme.partition("+")[0]
    engine = _BY_SCHEME.get(scheme, _BY_FAMILY[connection.family])
    module = engine.partition(".")[0]
    if module == "django" or find_spec(module):
        return engine
    if module == "timescale":
        return f"{_GIS}postgis" if scheme == "timescalegis" else _BY_FAMILY[POSTGRESQL]
    package = module.replace("_", "-")
    return refuse(
        connection, f"{scheme}:// requires the package {package}. Run pip install {package}", "driver-missing"
    )


_GIS = "django.contrib.gis.db.backends."
_BY_FAMILY = {
    POSTGRESQL: "django.db.backends.postgresql",
    MYSQL: "django.db.backends.mysql",
    SQLITE: "django.db.backends.sqlite3",
}
_BY_SCHEME = {
    "postgis": f"{_GIS}postgis",
    "mysqlgis": f"{_GIS}mysql",
    "spatialite": f"{_GIS}spatialite",
    **dict.fromkeys(("timescale", "timescaledb"), "timescale.db.backends.postgresql"),
    "timescalegis": "timescale.db.backends.postgis",
    **dict.fromkeys(("cockroach", "cockroachdb"), "django_cockroachdb"),
    "redshift": "django_redshift_backend",
}
"""The ENGINE for the schemes with one of their own, as in dj-database-url."""

_CURSORS = (
    "a pooler in transaction mode does not support disable_server_side_cursors=false. Remove it, or set "
    "ENVCONN_POOL_MODE=none if there is no pooler"
)


def driven(connection: SecuredConnection) -> libpq.Keywords:
    """Return the arguments for the driver that Django uses: psycopg, or psycopg2 if that cannot be imported.

    Raises:
        ConfigurationError: the driver does not support what the connection requires, or there is none.
    """
    try:
        return psycopg.arguments(connection)
    except ImportError:
        pass
    try:
        return libpq.arguments(connection, libpq.version("psycopg2"))
    except ImportError:
        pass
    return refuse(connection, _NO_LIBPQ if find_spec("psycopg") else _NO_DRIVER)


_NO_DRIVER = "neither psycopg nor psycopg2 is installed. Run pip install 'envconn[django,psycopg]'"
_NO_LIBPQ = "psycopg cannot be imported, as it is without libpq. Run pip install 'psycopg[binary]'"


def _mysql(connection: SecuredConnection) -> DatabaseSettings:
    from envconn.drivers import mysql

    host = connection.hosts[0]
    return DatabaseSettings(
        ENGINE=_engine(connection),
        NAME=connection.dbname,
        USER=connection.user,
        PASSWORD=Hidden(connection.password.reveal() if connection.password else ""),
        HOST=host.host,
        PORT="" if host.is_socket else str(host.port),
        OPTIONS=cast("dict[str, object]", mysql.arguments(connection)),
    )


def _sqlite(connection: SecuredConnection) -> DatabaseSettings:
    from envconn.drivers import sqlite

    options = cast("dict[str, object]", sqlite.arguments(connection))
    return DatabaseSettings(ENGINE=_engine(connection), NAME=connection.dbname, OPTIONS=options)


_BY_KIND: dict[str, Callable[[SecuredConnection], DatabaseSettings]] = {
    POSTGRESQL: _postgresql,
    MYSQL: _mysql,
    SQLITE: _sqlite,
}


def _set_lifetime(
    entry: DatabaseSettings, connection: SecuredConnection, stated: AliasOptions, *, pooled_here: bool
) -> None:
    """Set how long connections are kept, if it is stated, and no longer than the provider allows.

    Unasked they are not: under ASGI, Django's documentation says that they should not be (Databases, "Caveats").
    """
    text = foreign_parameters(connection).get("conn_max_age")
    age = stated.conn_max_age if text is None else _age(connection, text)
    if text is not None or age != 0:
        entry["CONN_MAX_AGE"] = _capped(age, _max_age(connection))
    checks = _flag(connection, "conn_health_checks", stated.conn_health_checks)
    if checks is not None or pooled_here or age != 0:
        entry["CONN_HEALTH_CHECKS"] = checks is not False
    if (atomic := _flag(connection, "atomic_requests", stated.atomic_requests)) is not None:
        entry["ATOMIC_REQUESTS"] = atomic
    if (autocommit := _flag(connection, "autocommit", None)) is not None:
        entry["AUTOCOMMIT"] = autocommit


def _capped(age: int | None, limit: int | None) -> int | None:
    return min((each for each in (age, limit) if each is not None), default=None)


def _max_age(connection: SecuredConnection) -> int | None:
    """Return how many seconds a connection may be kept: less than the provider's idle limit and maximum age."""
    bounds = [
        connection.features.idle_seconds and connection.features.idle_seconds * 9 // 10,
        connection.features.lifetime_seconds,
    ]
    return min((bound for bound in bounds if bound), default=None)


def _pool(connection: SecuredConnection, entry: DatabaseSettings, stated: Mapping[str, float]) -> dict[str, float]:
    """Refuse what Django would refuse only at the first connection, and what would empty the other pool."""
    if connection.pool_mode == "transaction":
        refuse(connection, _TWO_POOLS)
    if entry.get("CONN_MAX_AGE", 0) != 0:
        refuse(connection, "conn_max_age and pool cannot be combined. Remove one of the two")
    if not (find_spec("psycopg") and find_spec("psycopg_pool")):
        refuse(connection, "pool requires psycopg 3 and psycopg_pool. Run pip install 'psycopg[pool]', or remove pool")
    from importlib import metadata

    if tuple(map(int, metadata.version("django").split(".")[:2])) < (5, 1):
        refuse(connection, "pool requires Django 5.1 or newer. Upgrade Django, or remove pool")
    max_age = _max_age(connection)
    return ({"max_lifetime": float(max_age), "max_idle": float(max_age)} if max_age else {}) | dict(stated)


_TWO_POOLS = "uses a pooler in transaction mode, which does not work with pool. Remove pool, or use the direct endpoint"


def _age(connection: SecuredConnection, stated: str) -> int | None:
    if stated.lower() == "none":
        return None
    if not re.fullmatch(r"[0-9]{1,9}", stated):
        refuse(connection, "the value of conn_max_age is invalid: expected a whole number of seconds, or None")
    return int(stated)


def _flag(connection: SecuredConnection, name: str, default: bool | None) -> bool | None:  # noqa: FBT001 - a setting
    """Return a parameter as a bool, as Django requires it: as text, "false" would be true."""
    stated = foreign_parameters(connection).get(name)
    if stated is not None and stated.lower() not in _FLAGS:
        refuse(connection, f"the value of {name} is invalid: expected true or false")
    return default if stated is None else _FLAGS[stated.lower()]


_FLAGS = {"true": True, "1": True, "on": True, "yes": True, "false": False, "0": False, "off": False, "no": False}
