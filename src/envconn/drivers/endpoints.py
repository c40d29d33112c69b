"""Which other endpoint of a database is meant by a word that several frameworks share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envconn.errors import EndpointUnavailable

if TYPE_CHECKING:
    from envconn.tls import SecuredConnection

__all__ = ["direct"]


def direct(connection: SecuredConnection) -> SecuredConnection | None:
    """Return the endpoint for migrations that is not `connection` itself, or `None` where there is none."""
    if connection.pooled is False:
        return None
    # Where nobody sees whether there is a pooler, a variable for the direct endpoint says it.
    named = (sibling for sibling in connection.siblings if sibling.pooled is False and not sibling.replica)
    try:
        return next(named, None) or (connection.endpoint(pooled=False, replica=False) if connection.pooled else None)
    except EndpointUnavailable:
        return None
