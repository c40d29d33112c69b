"""Arguments that are made once for many connections: a trust store of the system takes 20 ms to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from envconn.tls import SecuredConnection

    Made = TypeVar("Made")

__all__ = ["remembered"]


def remembered(make: Callable[[SecuredConnection], Made]) -> Callable[[SecuredConnection], Made]:
    """Return a function like `make` that makes anew only for another connection than the last one. Any thread may call.

    What it returns is shared and must not be changed.
    """
    last: tuple[SecuredConnection, Made] | None = None

    def made(connection: SecuredConnection) -> Made:
        nonlocal last
        found = last
        if found is None or found[0] is not connection:
            last = found = connection, make(connection)
        return found[1]

    return made
