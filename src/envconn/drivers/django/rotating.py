"""Entries of ``DATABASES`` for a password that changes while the process runs, and for one that does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from envconn.drivers.django.database import DatabaseSettings, driven, settings
from envconn.drivers.refusal import refuse
from envconn.tls.supplied import FIXED, is_supplied, without_password

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envconn.tls import SecuredConnection

__all__ = ["SOURCE", "fixed", "renewed", "rotates", "rotating"]

SOURCE = "ENVCONN"
"""The key of an entry that holds what its logins follow. Django asks for no such key."""

_ENGINES = {
    "django.db.backends.postgresql": "envconn_django.rotating",
    "django.contrib.gis.db.backends.postgis": "envconn_django.rotating_gis",
}


def fixed(connection: SecuredConnection, pool: Mapping[str, float] | None) -> DatabaseSettings:
    """Return the entry of `settings`, if it can hold the password.

    Raises:
        ConfigurationError, TypeError: as for `settings`.
    """
    if is_supplied(connection.password):
        refuse(
            connection,
            f"{FIXED}, and Django's settings keep one for ever; write databases(rotate=True)",
            "password-fixed",
        )
    return settings(connection, pool=pool)


def rotating(connection: SecuredConnection, pool: Mapping[str, float] | None) -> DatabaseSettings:
    """Return the entry of `settings` with an ENGINE that logs in with the password of that moment.

    Raises:
        ConfigurationError, TypeError: as for `settings`.
    """
    if connection.kind != "postgresql":
        return fixed(connection, pool)
    entry = settings(without_password(connection), pool=pool)
    entry["ENGINE"] = _ENGINES[entry["ENGINE"]]
    return entry


def rotates(entry: DatabaseSettings) -> bool:
    """Whether `entry` is one that `rotating` made."""
    return entry["ENGINE"] in _ENGINES.values()


def renewed(given: Mapping[str, object], connection: SecuredConnection) -> dict[str, object]:
    """Return what Django has `given` to its driver, with everything in it that is `connection`'s to say.

    The database's name stays Django's, which has one of its own while it tests.

    Raises:
        ConfigurationError: the driver cannot do what the connection asks for.
    """
    ours = cast("dict[str, object]", driven(connection))
    return {**given, **ours, "dbname": given["dbname"]}
