"""Records that other distributions register, by an entry point of the group ``envconn.providers``."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envconn.providers.record import Provider

__all__ = ["GROUP", "registered"]

GROUP = "envconn.providers"
"""The entry point group. Each entry point leads to one `Provider`."""


@cache
def registered() -> tuple[Provider, ...]:
    """Return the registered records. They are looked for once, for the first host that no record of ours knows."""
    if not _is_group_mentioned(sys.path):
        return ()
    from importlib.metadata import entry_points

    return tuple(point.load() for point in entry_points(group=GROUP))


def _is_group_mentioned(path: Iterable[str]) -> bool:
    """Whether any distribution on `path` mentions the group. Looking takes a tenth of what importlib.metadata does."""
    for folder in path:
        with suppress(OSError), os.scandir(folder or ".") as entries:
            for entry in entries:
                if entry.name.endswith((".dist-info", ".egg-info")) and _mentions_group(entry.path):
                    return True
    return False


def _mentions_group(folder: str) -> bool:
    try:
        with open(os.path.join(folder, "entry_points.txt"), "rb") as stream:
            return f"[{GROUP}]".encode() in stream.read()
    except OSError:
        return False
