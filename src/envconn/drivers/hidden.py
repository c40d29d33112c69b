"""Text that a framework keeps among its settings, where people and debug pages print it."""

from __future__ import annotations

__all__ = ["Hidden"]


class Hidden(str):
    """A string like any other to a driver, that no `repr` shows, also inside dictionaries.

    `str` and JSON show it: whoever asks for the text gets it.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'********'"
