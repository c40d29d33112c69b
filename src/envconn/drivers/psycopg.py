"""What psycopg 3 is given beside libpq's keywords: how it may prepare statements, and how its pool behaves."""

from __future__ import annotations

from typing import cast

from envconn.drivers import libpq
from envconn.drivers.program_options import permit
from envconn.drivers.unsupported import refuse
from envconn.tls.secured import without_password

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from envconn.tls import SecuredConnection


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
    if not connection.features.prepared_statements:
        # A pooler that hands out server connections in turn runs another client's statement under that name.
        found["prepare_threshold"] = None
    return found


def merged(connection: SecuredConnection, stated: Mapping[str, object]) -> dict[str, object]:
    """Return `arguments` with what a program `stated` beside them, which wins.

    Raises:
        ConfigurationError: something stated would decide on the connection; or as for `arguments`.
    """
    permit(connection, "psycopg", stated)
    return {**arguments(connection), **stated}


def renewed(given: dict[str, object], connection: SecuredConnection) -> dict[str, object]:
    """Return what a pool has `given` to psycopg, with `arguments` of `connection`; errors are those of `arguments`."""
    return {**given, **arguments(connection)}


def pool_options(connection: SecuredConnection, stated: Mapping[str, object]) -> dict[str, object]:
    """Return the options of a pool of psycopg_pool: what a program `stated`, and how long connections may be kept.

    They are closed a tenth before the provider would drop them, where that is known; seconds.

    Raises:
        ConfigurationError: something stated would open connections another way; or as for `arguments`.
        ImportError: psycopg is not installed.
        TypeError: `connection` was not judged.
    """
    arguments(without_password(connection))  # what cannot be done is refused here, and not by a thread of the pool
    if taken := sorted(_TAKEN & stated.keys()):
        refuse(connection, f"{taken[0]} would open connections without a TLS check. Remove it", "argument-refused")
    known = {"max_idle": connection.features.idle_seconds, "max_lifetime": connection.features.lifetime_seconds}
    return {name: seconds * 0.9 for name, seconds in known.items() if seconds} | dict(stated)


_TAKEN = frozenset({"conninfo", "connection_class", "kwargs"})
