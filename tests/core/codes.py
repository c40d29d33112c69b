"""The stable codes, found in the source by what they are handed to, so that no table can forget one."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import envconn
import envconn_django

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CORE", "PACKAGES", "in_findings", "in_notes", "in_problems", "words"]

CORE = Path(envconn.__file__).parent
DJANGO = Path(envconn_django.__file__).parent
PACKAGES = (CORE, *(path for path in sorted(DJANGO.parent.glob("envconn_*")) if path.is_dir()))
"""The folders of all packages that are shipped."""


def in_problems(*roots: Path) -> set[str]:
    """Every code of a problem: first in problem() and refuse(), or before its message in a tuple."""
    found: set[str] = set()
    for nodes in _trees(roots or PACKAGES, command=True):
        calls = [node for node in nodes if isinstance(node, ast.Call) and node.args]
        found |= {_code(call.args[0]) for call in calls if _name(call.func) in {"problem", "refuse"}}
        rows = [node.elts for node in nodes if isinstance(node, ast.Tuple)]
        rows += [call.args for call in calls if _name(call.func) == "Forbidden"]
        found |= {_code(left) for row in rows for left, right in pairwise(row) if _is_message(right)}
    return found - {"", "transaction"}  # the last is a pool mode beside its reason


def words(*roots: Path) -> set[str]:
    """Every constant that looks like a code because it has a hyphen, wherever it stands."""
    nodes = [node for tree in _trees(roots) for node in tree if isinstance(node, ast.Constant)]
    return {code for node in nodes if "-" in (code := _code(node))}


def in_notes() -> set[str]:
    """Every code of a note, but those that stand in a table beside their message."""
    return _first("note")


def in_findings() -> set[str]:
    """Every code of a finding of Django's checks."""
    return _first("Finding")


def _first(*makers: str) -> set[str]:
    calls = [node for nodes in _trees(()) for node in nodes if isinstance(node, ast.Call) and node.args]
    return {_code(call.args[0]) for call in calls if _name(call.func) in makers} - {""}


def _trees(roots: tuple[Path, ...], *, command: bool = False) -> Iterator[list[ast.AST]]:
    found = [(folder, path) for folder in roots or PACKAGES for path in folder.rglob("*.py")]
    for folder, path in found:
        if path.name == "codes.py":
            continue  # the table that is held against the rest
        if command or "cli" not in path.relative_to(folder).parts:
            yield list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def _code(node: ast.expr) -> str:
    text = node.value if isinstance(node, ast.Constant) else None
    return text if isinstance(text, str) and re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", text) else ""


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _is_message(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.JoinedStr)
        or (isinstance(node, ast.Name) and node.id.isupper() and node.id.startswith("_"))
        or (isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value)
    )
