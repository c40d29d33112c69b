"""Where a secret could surface: everything that people, loggers, debuggers and serializers make of a value."""

from __future__ import annotations

import copy
import json
import pickle
import pprint
import reprlib
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import quote

import envconn
import envconn_psycopg
from envconn.records import Value, fields

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MARKER", "MARKERS", "SHORTEST", "failure_surfaces", "find", "sent_to_sentry", "value_surfaces"]

MARKER = "Zq7xWv9kJb3"
"""The password of tests: letters and digits that nothing else has."""

MARKERS = {"plain": MARKER, "delimiters": "mark/er?pw#x@y:z%"}
"""Where it matters, also one made of what delimits the parts of a URL."""

SHORTEST = 6
"""Characters: a shorter piece of the marker could be there by chance."""

_OURS = tuple(path for module in (envconn, envconn_psycopg) for path in module.__path__)


def find(marker: str, surfaces: Mapping[str, str]) -> dict[str, str]:
    """Return the surfaces that show a piece of `marker`, as it is or percent-encoded."""
    spellings = (marker, quote(marker, safe=""), repr(marker)[1:-1])
    pieces = {text[at : at + SHORTEST] for text in spellings for at in range(len(text) - SHORTEST + 1)}
    return {place: text for place, text in surfaces.items() if any(piece in text for piece in pieces)}


def value_surfaces(value: object) -> dict[str, str]:
    """Return what `value` looks like from outside, by the way of looking."""
    looks = {
        "repr": repr(value),
        "str": str(value),
        "format": f"{value}",
        "pprint": pprint.pformat(value),
        "reprlib": reprlib.repr(value),  # as pytest -l
        "sentry": sent_to_sentry(value),
        "json": json.dumps({"value": value}, default=str),
        "dict": repr(getattr(value, "__dict__", None)),
    }
    if isinstance(value, Value):
        looks["fields"] = repr(fields(value)) + json.dumps(fields(value), default=str)
    with suppress(TypeError):
        looks["copy"] = repr(copy.copy(value))
    with suppress(TypeError, KeyError):  # KeyError: an old pydantic and errors with codes of our own
        looks["deepcopy"] = repr(copy.deepcopy(value))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with suppress(TypeError, pickle.PicklingError, AttributeError):
            looks[f"pickle {protocol}"] = pickle.dumps(value, protocol).decode("utf-8", "replace")
    return looks


_DEPTH, _BREADTH = 5, 10  # its MAX_DATABAG_DEPTH and MAX_DATABAG_BREADTH


def sent_to_sentry(value: object, depth: int = _DEPTH) -> str:
    """Return what Sentry's SDK sends of a local variable (sentry_sdk/serializer.py, 2.75): it looks into containers."""
    own = getattr(type(value), "__sentry_repr__", None)
    if callable(own):
        return str(own(value))
    if not depth or isinstance(value, (str, bytes, bytearray)):
        return repr(value)
    if isinstance(value, Mapping):
        return " ".join(f"{name}={sent_to_sentry(each, depth - 1)}" for name, each in islice(value.items(), _BREADTH))
    if isinstance(value, (Sequence, set, frozenset)):
        return " ".join(sent_to_sentry(each, depth - 1) for each in islice(value, _BREADTH))
    with suppress(Exception):  # an object that was not made whole
        return repr(value)
    return ""


def failure_surfaces(failure: BaseException, *, called: bool = True) -> dict[str, str]:
    """Return what `failure` and everything that travels with it shows.

    `called` says whether the frames of libraries that we called count, too; the drivers' never do.
    """
    surfaces: dict[str, str] = {}
    for number, error in enumerate(_chain(failure)):
        looked_at = {"args": error.args, "error": error, "notes": getattr(error, "__notes__", [])}
        for finding in getattr(error, "problems", ()):
            looked_at[f"problem {finding.code}"] = finding
        for what, value in looked_at.items():
            surfaces |= {f"{number} {what} {way}": text for way, text in value_surfaces(value).items()}
        surfaces |= {f"{number} {place}": text for place, text in _frames(error, called=called)}
    return surfaces


def _chain(failure: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [failure]
    while waiting:
        if (error := waiting.pop()) is not None and error not in found:
            found.append(error)
            waiting += [error.__cause__, error.__context__]
    return found


def _frames(failure: BaseException, *, called: bool) -> Iterator[tuple[str, str]]:
    inside = False
    stack = traceback.TracebackException.from_exception(failure, capture_locals=True).stack
    for frame, (running, _) in zip(stack, traceback.walk_tb(failure.__traceback__), strict=True):
        ours = frame.filename.startswith(_OURS)
        inside = ours or (inside and called and "/psycopg" not in frame.filename)
        place = f"{frame.filename}:{frame.lineno} {frame.name}"
        if inside:
            yield place, repr(frame.locals)
        if ours:
            yield f"{place} sentry", " ".join(map(sent_to_sentry, running.f_locals.values()))
