"""JSON that a platform or a secret manager stores: read strictly, and taken apart into names and texts.

Two keys of one name are refused, because programs differ over which one counts. Nothing raised by
the parser gets out: `json.JSONDecodeError` holds the whole text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from envconn.connection import Parameters
from envconn.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from envconn.connection import Secret

__all__ = ["Credentials", "parse", "taken_apart"]

_DEEPEST = 4  # levels of objects and lists, as in credentials.tls.cert.ca


class Credentials(NamedTuple):
    """What is told about one service, under the names of whoever tells it; those of nested objects with dots.

    `others` has the names whose value is no text: numbers but those of ports, lists, and the like.
    """

    texts: Parameters = Parameters()
    others: frozenset[str] = frozenset()


def parse(text: Secret, variable: str, limit: int) -> Mapping[str, object] | Problem:
    """Return the JSON object that `text` holds, which has at most `limit` bytes, or the `Problem` with it.

    `variable` is the name for messages.
    """
    import json

    revealed = text.reveal()
    if len(revealed.encode("utf-8", "surrogatepass")) > limit:
        return Problem("json-too-large", variable, f"the JSON has more than {limit:,} bytes; shorten it")
    try:
        found = json.loads(revealed.lstrip("\ufeff \t\r\n"), object_pairs_hook=_object)
    except json.JSONDecodeError as failure:
        where = f"line {failure.lineno}, column {failure.colno}"
        return Problem("json-invalid", variable, f"the JSON is broken at {where}; correct it")
    except (ValueError, RecursionError):  # a number of thousands of digits, thousands of brackets
        return Problem("json-invalid", variable, "the JSON has more digits or brackets than anybody needs; correct it")
    if any(isinstance(each, _Twice) for each in _everything(found)):
        return Problem("json-duplicate", variable, "a key is in one object of the JSON twice; keep one of the two")
    if not isinstance(found, dict):
        return Problem("json-invalid", variable, 'the JSON is no object; write {"name": "value", ...}')
    return found


def taken_apart(found: Mapping[str, object]) -> Credentials:
    """Return the texts in `found` by their names; a port may be a number, and null is nothing."""
    texts: dict[str, str] = {}
    others: set[str] = set()
    for name, value in _leaves(found, "", _DEEPEST):
        if isinstance(value, str):
            texts[name] = value
        elif isinstance(value, int) and not isinstance(value, bool) and name.endswith("port"):
            texts[name] = str(value)
        elif value is not None:
            others.add(name)
    return Credentials(Parameters(texts), frozenset(others))


class _Twice:
    """Stands in for an object that has a key twice: an exception would carry its values."""


def _object(pairs: Iterable[tuple[str, object]]) -> object:
    found = list(pairs)
    made = dict(found)
    return made if len(made) == len(found) else _Twice()


def _everything(found: object) -> Iterator[object]:
    """Every value in `found`; as deep as the parser came, which has a limit of its own."""
    waiting = [found]
    while waiting:
        yield (each := waiting.pop())
        waiting += each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()


def _leaves(found: Mapping[str, object], prefix: str, depth: int) -> Iterator[tuple[str, object]]:
    for key, value in found.items():
        yield f"{prefix}{key}", value
        if isinstance(value, dict) and depth > 1:
            yield from _leaves(value, f"{prefix}{key}.", depth - 1)
