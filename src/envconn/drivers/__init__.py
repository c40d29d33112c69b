"""The arguments of each driver for a judged connection, by version. Nothing here connects or decides.

What all of them share: texts that hide secrets in arguments and settings, which users and tracebacks print.
"""

from __future__ import annotations

import re

from envconn.grammar.libpq_keywords import SECRETS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import SupportsIndex


class Hidden(str):
    """A normal string for a driver that no `repr` shows, not even inside dictionaries or in part.

    `str`, a format and JSON show it, because drivers and other processes use them to get the text.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'********'"

    def __getitem__(self, part: SupportsIndex | slice) -> Hidden:
        # rich shows the first characters of a long text, such as a token.
        return Hidden(super().__getitem__(part))


def hide(arguments: Mapping[str, object], *others: str) -> dict[str, object]:
    """Return `arguments` with secrets replaced by `Hidden`: those of secret keywords, and those in `others`."""
    return {
        name: Hidden(value) if value and isinstance(value, str) and (name in SECRETS or name in others) else value
        for name, value in arguments.items()
    }


def holds_credentials(value: object) -> bool:
    """Whether `value` is a text that looks like a connection string with a user or a password."""
    return isinstance(value, str) and re.search(_CREDENTIALS, value) is not None


_CREDENTIALS = r"(?i)://\S*@|\bpassword\s*="
