"""psycopg 3's arguments in addition to libpq's keywords: how it prepares statements, and how its pool behaves."""

from __future__ import annotations

from typing import cast

from envconn.drivers import libpq
from envconn.drivers.unsupported import refuse
from envconn.tls.secured import without_password

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from envconn.tls import SecuredConnection


class Arguments(libpq.Keywords, total=False, closed=True):
    """The arguments of ``psycopg.connect``; `prepare_threshold` is `None` if statements must not be prepared."""

    prepare_threshold: int | None


def arguments(connection: SecuredConnection) -> Arguments:
    """Return the keyword arguments for psycopg 3, sync or async, and for the ``kwargs`` of its pools.

    Raises:
        ConfigurationError: its libpq does not support what the connection requires.
        ImportError: psycopg is not installed.
        TypeError: `connection` was not judged.
    """
    found = cast("Arguments", libpq.arguments(connection, libpq.version("psycopg")))
    if not connection.features.prepared_statements:
        # A pooler in transaction mode could run another client's statement of the same name.
        found["prepare_threshold"] = None
    return found


def merged(connection: SecuredConnection, stated: Mapping[str, object]) -> dict[str, object]:
    """Return `arguments`, overridden by what a program has `stated`.

    Raises:
        ConfigurationError: a stated argument affects security or the server; or as for `arguments`.
    """
    from envconn.drivers.allowed_options import permit

    permit(connection, "psycopg", stated)
    return {**arguments(connection), **stated}


def renewed(given: dict[str, object], connection: SecuredConnection) -> dict[str, object]:
    """Return what a pool has `given` to psycopg, with `arguments` of `connection`; errors are those of `arguments`."""
    return {**given, **arguments(connection)}


def pool_options(connection: SecuredConnection, stated: Mapping[str, object]) -> dict[str, object]:
    """Return the options of a pool of psycopg_pool: what a program has `stated`, and how long connections are kept.

    They are closed after nine tenths of the provider's limit in seconds, if it is known.

    Raises:
        ConfigurationError: a stated option would open connections in another way; or as for `arguments`.
        ImportError: psycopg is not installed.
        TypeError: `connection` was not judged.
    """
    arguments(without_password(connection))  # fail here if it is not supported, and not in a thread of the pool
    if taken := sorted(OF_POOL & stated.keys()):
        refuse(connection, f"{taken[0]} would open connections without a TLS check. Remove it", "argument-refused")
    known = {"max_idle": connection.features.idle_seconds, "max_lifetime": connection.features.lifetime_seconds}
    return {name: seconds * 0.9 for name, seconds in known.items() if seconds} | dict(stated)


OF_POOL = frozenset({"conninfo", "connection_class", "kwargs"})
"""Options of a pool that open its connections in another way."""
