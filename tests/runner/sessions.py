"""Which test module runs in which session of tests/run. Sessions run beside each other, and share no server.

They take about the same time, so that neither of two cores is without work at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SESSIONS = {
    "program": ("live/test_gate*", "live/test_probe*", "live/test_login*"),
    "matrix": ("live/test_matrix*", "live/test_never_weaker*"),
    "applications": (
        "applications/*",
        "integrations/test_*examples*",
        "integrations/test_fastapi_async*",
        "integrations/test_flask_app*",
        "integrations/test_whole_programs*",
    ),
    "live": ("live/*",),
    "integrations": ("integrations/*",),
    "core-a-l": ("core/test_[a-l]*",),
    "core-m-z": ("*",),
}
"""By name, patterns of paths below tests/. A module belongs to the first session that has one for it."""


def modules(root: Path) -> Iterator[Path]:
    """Yield the path of each test module below `root`, the checkout, in order."""
    return (path.relative_to(root) for path in sorted((root / "tests").rglob("test_*.py")))


def session(module: Path) -> str:
    """Return the name of the session that a module belongs to."""
    below = module.relative_to("tests")
    return next(name for name, patterns in SESSIONS.items() if any(below.match(pattern) for pattern in patterns))


def marked(root: Path, mark: str) -> list[str]:
    """Return the modules in which this mark stands: to open all of them takes long."""
    return [str(path) for path in modules(root) if f"mark.{mark}" in (root / path).read_text(encoding="utf-8")]
