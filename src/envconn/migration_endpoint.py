"""The direct endpoint for migrations: when it is used unasked, and what it must have in common with the pooler."""

from __future__ import annotations

from envconn.providers import looks_pooled
from envconn.selection.endpoint_choice import missing_words
from envconn.tls.secured import direct, is_exempt, judgement_of, stated_endpoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.tls import SecuredConnection


def direct_by_itself(connection: SecuredConnection) -> SecuredConnection | None:
    """Return what `direct` does if a program may use it unasked, otherwise `None`.

    A program may if ``ENVCONN_ENDPOINT`` states nothing, if `connection` is a pooler or looks like one, and if a
    variable names the endpoint, or the provider has it wherever the other one can be reached. It does not leave a
    replica.
    """
    if stated_endpoint(connection) or connection.replica or not _is_pooler(connection):
        return None
    if (found := direct(connection)) is None:
        return None
    if any(found is sibling for sibling in connection.siblings):
        return found
    provider = judgement_of(connection).endpoint.provider
    rule = None if provider is None or provider.private else provider.siblings.get("direct")
    return found if getattr(rule, "reachable", False) else None


def _is_pooler(connection: SecuredConnection) -> bool:
    judgement = judgement_of(connection)
    return bool(connection.pooled) or looks_pooled(judgement.connection, judgement.endpoint)


def unused(connection: SecuredConnection) -> SecuredConnection | None:
    """Return the direct endpoint that `direct_by_itself` leaves alone, as it is not known whether there is a pooler."""
    if connection.pooled is not None or connection.replica or stated_endpoint(connection):
        return None
    return None if direct_by_itself(connection) else direct(connection)


def difference(pooler: SecuredConnection, found: SecuredConnection) -> str:
    """Return why the endpoint `found` is not used by itself, and what to do: it differs from `pooler` in other ways."""
    variable = pooler.origin.variable
    if found.dbname != pooler.dbname:
        return _ANOTHER.format(f"is another database than {variable}")
    if is_exempt(found) is not is_exempt(pooler):
        words = _HERE if is_exempt(found) else _REMOTE
        return _ANOTHER.format(words.format(variable))
    missing = missing_words(pooler, found)
    return _LESS.format(variable, " and ".join(missing)) if missing else ""


_ANOTHER = "{}, so it is not used by itself. Set ENVCONN_ENDPOINT to direct to use it, or to pooled"
_HERE = "is local or has a waiver, but {} is neither"
_REMOTE = "is remote, but {} is local or has a waiver"
_LESS = (
    "does not have everything that {0} requires, so it is not used by itself. Write {1} in it, or set ENVCONN_ENDPOINT "
    "to direct to use it as it is, or to pooled"
)
