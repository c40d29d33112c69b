"""Connections that other libraries open, opened through `envconn.rotation.login` instead."""

from __future__ import annotations

from envconn.rotation.login import alogin, login

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    import psycopg

    from envconn.services import Services
    from envconn.tls import SecuredConnection

    Source: TypeAlias = Services | SecuredConnection
    Renewed: TypeAlias = Callable[[dict[str, object], SecuredConnection], dict[str, object]]


def connections(kind: type[psycopg.Connection], source: Source, renewed: Renewed) -> type[psycopg.Connection]:
    """Return a subclass of psycopg's `kind` whose ``connect`` logs in with the current `source`, for a pool.

    `renewed` returns the arguments for the connection to log in with.
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
