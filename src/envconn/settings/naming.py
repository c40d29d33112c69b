"""Names: of the fields, and from those of secrets to those of variables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["FIELDS", "folded", "variables"]

# No variable can have these names, so that DATABASE=app or CACHE=1, which mean other things, stay
# out: every settings source looks for something named like each field.
FIELDS = {name: f"envconn:{name}" for name in ("database", "databases", "broker", "cache", "services")}
"""By field of `Settings`: the name under which pydantic gets it."""

_SEPARATORS = re.compile(r"[^A-Za-z0-9_]+")


def folded(key: str) -> str:
    """Return the variable that a secret called `key` stands for: ``analytics/database-url``, ANALYTICS_DATABASE_URL."""
    return _SEPARATORS.sub("_", key.strip("/")).upper()


def variables(keys: Iterable[object], prefix: str = "") -> dict[str, str]:
    """Return the `keys` by the variable that each stands for, those alone that begin with `prefix`, without it.

    Of two that stand for one variable, the one that is spelled like it counts. Hidden files are none:
    Kubernetes keeps older versions of a secret in them.
    """
    start = folded(prefix)
    visible = [key for key in keys if isinstance(key, str) and not f"/{key}".count("/.")]
    visible.sort(key=lambda key: (key == folded(key), key))
    names = {folded(key): key for key in visible}
    return {name.removeprefix(start): key for name, key in names.items() if name.startswith(start)}
