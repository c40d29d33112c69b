"""``manage.py dbshell``, which hands psql everything that decides about the server, TLS and the login.

Django's own hands over ``sslmode`` and the paths of three files, and nothing else of ``OPTIONS`` (4.2 to 6.1,
django/db/backends/postgresql/client.py): no revocation list, no ``channel_binding``, ``require_auth``,
``sslnegotiation``, ``hostaddr`` or bound of the protocol. Of a CA that came as text, programs get a file on disk.
"""

from __future__ import annotations

import re
import subprocess
from typing import Any

from django.core.management.commands import dbshell
from django.db import connections
from django.db.backends.postgresql.client import DatabaseClient

from envconn.drivers import libpq
from envconn.rotation import login
from envconn.tls.ca_file import on_disk
from envconn_django.final_settings import secured_entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envconn.tls import SecuredConnection


class Command(dbshell.Command):
    """Django's command, with another client for PostgreSQL."""

    def handle(self, **options: Any) -> None:
        """Run the client for the database that `options` name."""
        connection = connections[options["database"]]
        if isinstance(connection.client, DatabaseClient):
            connection.client = Client(connection)
        else:
            connection.settings_dict["OPTIONS"] = _readable(connection.settings_dict["OPTIONS"])
        super().handle(**options)


class Client(DatabaseClient):
    """psql, with its connection in variables, which ``ps`` does not show.

    ``sslpassword`` has no variable: psql asks for it.
    """

    @classmethod
    def settings_to_cmd_args_env(
        cls, settings_dict: Mapping[str, object], parameters: Sequence[str]
    ) -> tuple[list[str], dict[str, str]]:
        """Return the command line and the variables for an entry of ``DATABASES``.

        Raises:
            ConfigurationError: the entry is not secured, or psql's libpq does not support what it requires.
        """
        words = login(secured_entry(settings_dict), lambda current: _arguments(current, cls.executable_name))
        variables = libpq.variables({**words, "dbname": settings_dict["NAME"] or "postgres"})
        return [cls.executable_name, *parameters], variables


def _arguments(connection: SecuredConnection, program: str) -> dict[str, object]:
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    found = re.match(r"psql \([^)]*\) (\d+)", shown.stdout)
    return {**_readable({**libpq.arguments(connection, int(found[1]) * 10_000 if found else _NEWEST)})}


_NEWEST = 18_00_00
"""The version that a program has which does not say so. An older one ignores the variables that it does not know."""


def _readable(options: Any) -> Any:
    """Return `options` with a path on disk in place of each one of a file in memory."""
    if isinstance(options, dict):  # MySQL's are nested
        return {name: _readable(value) for name, value in options.items()}
    return on_disk(options) if isinstance(options, str) else options
