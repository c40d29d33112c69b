"""Connections that other libraries open, opened through `envconn.login` instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from envconn.attempts import alogin, login
from envconn.drivers import django

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    import psycopg

    from envconn.services import Services
    from envconn.tls import SecuredConnection

    Source: TypeAlias = Services | SecuredConnection
    Renewed: TypeAlias = Callable[[dict[str, object], SecuredConnection], dict[str, object]]

__all__ = ["Backend", "aconnections", "connections"]


def connections(kind: type[psycopg.Connection], source: Source, renewed: Renewed) -> type[psycopg.Connection]:
    """Return a `kind` of psycopg's whose ``connect`` logs in with what `source` comes to, for a pool to open.

    `renewed` says what arguments become for the connection to log in with.
    """

    class Connection(kind):  # type: ignore[misc,valid-type]
        @classmethod
        def connect(cls, conninfo: str = "", **given: Any) -> Any:
            opened = super().connect
            return login(source, lambda judged: opened(conninfo, **renewed(given, judged)))

    return Connection


def aconnections(
    kind: type[psycopg.AsyncConnection], source: Source, renewed: Renewed
) -> type[psycopg.AsyncConnection]:
    """Return the same for an asynchronous `kind`."""

    class Connection(kind):  # type: ignore[misc,valid-type]
        @classmethod
        async def connect(cls, conninfo: str = "", **given: Any) -> Any:
            opened = super().connect
            return await alogin(source, lambda judged: opened(conninfo, **renewed(given, judged)))

    return Connection


class Backend:
    """In front of one of Django's backends: logs in with what the entry's services come to. A pool does so itself."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Open a connection with `conn_params`, renewed, where no pool of Django's does."""
        settings: dict[str, Any] = self.settings_dict  # type: ignore[attr-defined]
        opened = super().get_new_connection  # type: ignore[misc]
        if settings["OPTIONS"].get("pool"):
            return opened(conn_params)
        return login(settings[django.SOURCE], lambda judged: opened(django.renewed(conn_params, judged)))
