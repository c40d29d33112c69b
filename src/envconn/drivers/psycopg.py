"""What psycopg 3 is given beside libpq's keywords: how it may prepare statements."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from envconn.drivers import libpq

if TYPE_CHECKING:
    from envconn.tls import SecuredConnection

__all__ = ["Arguments", "arguments"]


class Arguments(libpq.Keywords, total=False, closed=True):
    """What ``psycopg.connect`` is given; `prepare_threshold` is `None` where statements must not be prepared."""

    prepare_threshold: int | None


def arguments(connection: SecuredConnection) -> Arguments:
    """Return the keyword arguments for psycopg 3, sync or async, and for the ``kwargs`` of its pools.

    Raises:
        ConfigurationError: its libpq cannot do what the connection asks for.
        ImportError: psycopg is not installed.
        TypeError: `connection` was not judged.
    """
    found = cast("Arguments", libpq.arguments(connection, libpq.version("psycopg")))
    if not connection.prepared_statements:
        # A pooler that hands out server connections in turn runs another client's statement under that name.
        found["prepare_threshold"] = None
    return found
