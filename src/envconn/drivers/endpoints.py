"""Which other endpoint of a database is meant by a word that several frameworks share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envconn.errors import EndpointUnavailable

if TYPE_CHECKING:
    from envconn.tls import SecuredConnection

__all__ = ["direct"]


def direct(connection: SecuredConnection) -> SecuredConnection | None:
    """Return the endpoint for migrations that is not `connection` itself, or `None` where there is none."""
    try:
        found = connection.endpoint(pooled=False, replica=False)
    except EndpointUnavailable:
        return None
    return None if found is connection else found
