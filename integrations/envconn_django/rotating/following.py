"""How it opens a connection, whichever of Django's backends stands below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import envconn
from envconn.drivers import django

if TYPE_CHECKING:
    from envconn import SecuredConnection

__all__ = ["Following"]


class Following:
    """Logs in with what the entry's services come to at that moment. A pool of Django's does so itself."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Open a connection through `envconn.login`."""
        settings: dict[str, Any] = self.settings_dict  # type: ignore[attr-defined]
        opened = super().get_new_connection  # type: ignore[misc]

        def connect(judged: SecuredConnection) -> Any:
            return opened(django.renewed(conn_params, judged))

        return (
            opened(conn_params) if settings["OPTIONS"].get("pool") else envconn.login(settings[django.SOURCE], connect)
        )
