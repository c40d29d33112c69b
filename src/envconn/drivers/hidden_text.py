"""Secrets among arguments and settings, which people, tracebacks and debug pages print."""

from __future__ import annotations

import re

from envconn.grammar.libpq_keywords import SECRETS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


_CREDENTIALS = re.compile(r"://\S*@|\bpassword\s*=", re.IGNORECASE)


class Hidden(str):
    """A string like any other to a driver, that no `repr` shows, also inside dictionaries.

    `str` and JSON show it: whoever asks for the text gets it.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'********'"


def hide(arguments: Mapping[str, object], *others: str) -> dict[str, object]:
    """Return `arguments` with those values `Hidden` that are secrets by their keyword, or are among `others`."""
    return {
        name: Hidden(value) if value and isinstance(value, str) and (name in SECRETS or name in others) else value
        for name, value in arguments.items()
    }


def holds_credentials(value: object) -> bool:
    """Whether `value` is a text that looks like a connection string with a user or a password in it."""
    return isinstance(value, str) and _CREDENTIALS.search(value) is not None
