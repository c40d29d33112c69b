"""Arguments that hold secrets and are printed by whoever keeps them (``app.config``, a debug page)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envconn.grammar.keywords import SECRETS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["discreet"]


class _Discreet(str):
    """Text that `repr` does not show, inside a container either. `str` and drivers get the text."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def discreet(arguments: Mapping[str, object]) -> dict[str, object]:
    """Return `arguments` with those values that are secrets by their keyword hidden from `repr`."""
    return {
        name: _Discreet(value) if name in SECRETS and isinstance(value, str) else value
        for name, value in arguments.items()
    }
