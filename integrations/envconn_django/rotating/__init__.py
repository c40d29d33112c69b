"""The ENGINE for PostgreSQL that logs in with the current configuration, and its entry of ``DATABASES``."""

from __future__ import annotations

from typing import cast

from envconn.drivers.unsupported import refuse
from envconn.families import POSTGRESQL
from envconn.tls.secured import without_password
from envconn_django.database_entry import DatabaseSettings, driven, fixed, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from envconn.tls import SecuredConnection
    from envconn_django.alias_options import AliasOptions


SOURCE = "ENVCONN"
"""The key of an entry that holds the source of its logins. Django does not read it."""

_ENGINES = {
    "django.db.backends.postgresql": "envconn_django.rotating",
    "django.contrib.gis.db.backends.postgis": "envconn_django.rotating_gis",
}


def rotating(connection: SecuredConnection, pool: Mapping[str, float] | None, stated: AliasOptions) -> DatabaseSettings:
    """Return the entry of `settings` with an ENGINE that logs in with the current password.

    Raises:
        ConfigurationError, TypeError: as for `settings`.
    """
    if connection.family != POSTGRESQL:
        return fixed(connection, pool, stated)
    entry = settings(without_password(connection), pool=pool, stated=stated)
    if entry["ENGINE"] not in _ENGINES:
        refuse(connection, f"a changing password does not work with {connection.scheme}://. Use postgresql://")
    entry["ENGINE"] = _ENGINES[entry["ENGINE"]]
    return entry


def rotates(entry: DatabaseSettings) -> bool:
    """Whether `entry` is one that `rotating` made."""
    return entry["ENGINE"] in _ENGINES.values()


def renewed(given: Mapping[str, object], connection: SecuredConnection) -> dict[str, object]:
    """Return what Django has `given` to its driver, updated with everything that `connection` defines.

    The database's name stays Django's, which uses another one in tests.

    Raises:
        ConfigurationError: the driver does not support what the connection requires.
    """
    ours = cast("dict[str, object]", driven(connection))
    return {**given, **ours, "dbname": given["dbname"]}


class Backend:
    """A mixin for Django's backends: logs in with the current configuration. A pool does so itself."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Open a connection with `conn_params`, updated, unless Django uses a pool."""
        from envconn.rotation import login

        settings: dict[str, Any] = self.settings_dict  # type: ignore[attr-defined]
        opened = super().get_new_connection  # type: ignore[misc]
        if settings["OPTIONS"].get("pool"):
            return opened(conn_params)
        return login(settings[SOURCE].connection, lambda judged: opened(renewed(conn_params, judged)))
