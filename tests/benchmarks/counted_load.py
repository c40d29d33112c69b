"""What one `envconn.load()` makes Python do, as JSON: modules, classes, patterns, and calls from module to module.

A process of its own for tests/house, with envconn on the path and DATABASE_URL set. Nothing else is imported first.
"""

from __future__ import annotations

import builtins
import re
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

HELPERS = {"collections", "re", "typing"}  # counted for their callers
counts = {"classes": 0, "patterns": 0}
moves: dict[tuple[str, str], int] = {}


def module_of(frame: FrameType | None) -> str:
    """Return the name of the module whose code a frame runs."""
    return frame.f_globals.get("__name__", "") if frame else ""


def is_ours(frame: FrameType | None) -> bool:
    """Whether our code asked for what is made here."""
    while frame and module_of(frame).partition(".")[0] in HELPERS:
        frame = frame.f_back
    return module_of(frame).startswith("envconn")


def counting(what: str, call: Callable[..., object]) -> Callable[..., object]:
    """Return `call`, counted under `what` where our code asks for it."""

    def counted(*arguments: object, **named: object) -> object:
        counts[what] += is_ours(sys._getframe(1))
        return call(*arguments, **named)

    return counted


def moving(frame: FrameType, event: str, _: object) -> None:
    """Note a call from a module of ours to another one."""
    way = (module_of(frame.f_back), module_of(frame))
    if event == "call" and way[0] != way[1] and all(name.startswith("envconn") for name in way):
        moves[way] = moves.get(way, 0) + 1


build, compiler = builtins.__build_class__, vars(re)["_compiler"]
builtins.__build_class__ = counting("classes", build)
compiler.compile = counting("patterns", compiler.compile)
import envconn  # noqa: E402 - what it does is what is counted

envconn.load()
modules = set(sys.modules)
builtins.__build_class__ = build
sys.setprofile(moving)
envconn.load()
sys.setprofile(None)

import json  # noqa: E402 - not before the modules are counted

found = {
    "modules": len(modules),
    "own": sum(name.startswith("envconn") for name in modules),
    **counts,
    "moves": sum(moves.values()),
    "between": len({name for way in moves for name in way}),
    "questions": sum(times for way, times in moves.items() if way[1] == "envconn.sources.environment"),
}
sys.stdout.write(json.dumps(found))
