"""One service, several variables: the same target is one connection, different targets are a conflict."""

from __future__ import annotations

from envconn.errors import Finding, note, problem
from envconn.providers import ProviderHints, identify
from envconn.records import Record
from envconn.sources import order
from envconn.tls import requested

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from envconn.connection import Connection


class Choice(Record):
    """The chosen connection, siblings, or the conflict; and notes on the others."""

    connection: Connection | None
    siblings: tuple[Connection, ...] = ()
    problems: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()


def choose(candidates: Sequence[Connection], chooser: str | None) -> Choice:
    """Choose among `candidates`, in order of precedence; `chooser` is the variable that resolves a conflict.

    Of several with the same target, the one that requests the strongest TLS is used. The
    pooled and the direct endpoint of one database are a pair, not a conflict.
    """
    first, *others = candidates
    if not others:
        return Choice(first)
    same, different_targets = _partition([first, *others], lambda other: same_target(other, first))
    siblings, strangers = _partition(different_targets, lambda other: _direct(other) == _direct(first))
    if strangers:
        return Choice(None, problems=(_conflict(first, strangers, chooser),))
    chosen = max(same, key=requested)
    notes = [_duplicate(other, chosen) for other in same if other is not chosen]
    return Choice(chosen, siblings=tuple(siblings), notes=tuple(notes))


def _partition(
    connections: Sequence[Connection], is_one: Callable[[Connection], bool]
) -> tuple[list[Connection], list[Connection]]:
    """Return those of `connections` for which it is true, and the others."""
    parts: tuple[list[Connection], list[Connection]] = ([], [])
    for connection in connections:
        parts[not is_one(connection)].append(connection)
    return parts


def same_target(one: Connection, other: Connection) -> bool:
    """Whether both lead to the same place as the same user, with the same password."""
    return _target(one) == _target(other)


def _direct(connection: Connection) -> dict[str, object]:
    """Return the target of the primary's direct endpoint, if the provider's rule derives it."""
    from envconn.providers.rewrites import derive_sibling

    found = derive_sibling(connection, identify(connection), pooled=False, replica=False, hints=ProviderHints())
    return _target(connection if isinstance(found, str) else found)


def _target(connection: Connection) -> dict[str, object]:
    """Return everything that determines the server and the user, normalised."""
    return {
        "host": [host.host.lower() for host in connection.hosts],
        "port": [host.port for host in connection.hosts],
        "hostaddr": [host.hostaddr for host in connection.hosts],
        "user": connection.user,
        "dbname": connection.dbname,
        "password": connection.password,
        "protocol": connection.family,
        "master": connection.parameters.get("master_name"),
    }


def _conflict(first: Connection, strangers: list[Connection], chooser: str | None) -> Finding:
    mine = _target(first)
    described = [f"{other.origin.variable} ({_difference(mine, other)})" for other in strangers]
    variable = first.origin.variable
    settled = f", or set {chooser}={variable} to use this one" if chooser else ""
    message = (
        f"conflicts with {' and '.join(described)}: this one is on {_hosts(first)}{_from(first)}. Remove all but "
        f"one{settled}"
    )
    return problem("variable-conflict", variable, message)


def _difference(mine: dict[str, object], other: Connection) -> str:
    different = [part for part, value in _target(other).items() if value != mine[part]]
    difference = f"on {_hosts(other)}" if "host" in different else f"same host, different {' and '.join(different)}"
    return difference + _from(other)


def _hosts(connection: Connection) -> str:
    return ",".join(host.host for host in connection.hosts)


def _from(connection: Connection) -> str:
    # Within one environment, the variable alone identifies it.
    origin = connection.origin
    return f", from {order.place(origin)}" if origin.source in order.FETCHED else ""


def _duplicate(other: Connection, chosen: Connection) -> Finding:
    if requested(other) == requested(chosen):
        return note(
            "variable-duplicate", other.origin.variable, f"is not used: {chosen.origin.variable} is the same database"
        )
    message = f"is not used: {chosen.origin.variable} is the same database with stronger TLS"
    return note("variable-duplicate-weaker", other.origin.variable, message)
