"""What ``DATABASES`` finally says, entry by entry: as `databases` made it, or judged again by the core.

A project may change, replace or add entries, in any order of lines. What counts is what Django connects with.
"""

from __future__ import annotations

from envconn.errors import ConfigurationError
from envconn.records import Record
from envconn_django.aliases import made_entries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from envconn.errors import Finding
    from envconn.tls import SecuredConnection


class FinalEntry(Record):
    """An entry; its connection, `None` if it has none or none that may be used; and why it may not be used.

    `waived` is the scheme by which a waiver leaves it without a verdict.
    """

    alias: str
    settings: Mapping[str, object]
    connection: SecuredConnection | None = None
    problems: tuple[Finding, ...] = ()
    waived: str | None = None


def final_entries(databases: Mapping[str, Mapping[str, object]]) -> list[FinalEntry]:
    """Return the entries of `databases`, which is ``DATABASES``, as they are now."""
    return [_final(alias, settings) for alias, settings in databases.items()]


def secured_entry(settings: Mapping[str, object]) -> SecuredConnection:
    """Return the connection of the entry `settings`, which has one.

    Raises:
        ConfigurationError: it is not secured as the policy requires.
    """
    (entry,) = final_entries({"this": settings})
    if entry.connection is None:
        raise ConfigurationError(entry.problems)
    return entry.connection


def _final(alias: str, settings: Mapping[str, object]) -> FinalEntry:
    decisive = _decisive(settings)
    for made in (entry for entries in made_entries.values() for entry in entries):
        if _decisive(made.settings) == decisive:
            return FinalEntry(alias, settings, made.connection)
    # What databases() returns is rarely changed, and then this is all that a process needs.
    from envconn_django.own_entries import judged, waiver

    try:
        return FinalEntry(alias, settings, judged(alias, settings), waived=waiver(alias, settings))
    except ConfigurationError as error:
        return FinalEntry(alias, settings, None, error.problems)


def _decisive(settings: Mapping[str, object]) -> list[object]:
    """Return what Django makes the arguments of its driver of."""
    return [settings.get(key) or "" for key in _DECISIVE]


_DECISIVE = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
