"""``manage.py dbshell`` with a CA that came as text: the client program is given a file on disk."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import dbshell
from django.db import connections

from envconn.tls.ca_file import on_disk


class Command(dbshell.Command):
    """Django's own, after which the file is removed."""

    def handle(self, **options: Any) -> None:
        """Run the client for the database that `options` name."""
        settings = connections[options["database"]].settings_dict
        settings["OPTIONS"] = _readable(settings["OPTIONS"])
        super().handle(**options)


def _readable(options: Any) -> Any:
    """Return `options` with a path on disk in place of each one of a file in memory."""
    if isinstance(options, dict):  # MySQL's are nested
        return {name: _readable(value) for name, value in options.items()}
    return on_disk(options) if isinstance(options, str) else options
