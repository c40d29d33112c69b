"""The JSON that an API answers, read field by field: what is missing or of another type is said, and never guessed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeVar

from envconn.remote.faults import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envconn.report import Json

__all__ = ["Answer"]

T = TypeVar("T")

_TYPES = {str: "a text", bool: "true or false", int: "a whole number", list: "a list", dict: "an object"}


class Answer:
    """One object of the answer that `title` gave, found at `path` in it. Messages name fields and never values."""

    __slots__ = ("_path", "_title", "_value")

    def __init__(self, value: object, title: str, path: str = "") -> None:
        if not isinstance(value, dict):
            raise _wrong(title, path or "the answer", dict)
        self._value: dict[str, object] = value
        self._title = title
        self._path = path

    @classmethod
    def read(cls, body: bytes, title: str) -> Answer:
        """Read `body`, which has to be one JSON object.

        Raises:
            Failure: it is not.
        """
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            value = None
        if value is None:
            raise Failure("answer-malformed", title, f"the answer is not JSON; {REMEDY}")
        return cls(value, title)

    def text(self, name: str) -> str:
        """Return the text in the field `name`, which must not be empty, and has no control characters.

        Raises:
            Failure: it is missing or something else; the same goes for the other fields.
        """
        value = self._field(name, str)
        if not (value and value.isprintable()):
            raise _wrong(self._title, self._path_to(name), str)
        return value

    def string(self, name: str) -> str:
        """Return the text in the field `name`, which may be empty."""
        return self._field(name, str)

    def flag(self, name: str) -> bool:
        """Return the truth in the field `name`."""
        return self._field(name, bool)

    def number(self, name: str) -> int:
        """Return the whole number in the field `name`."""
        return self._field(name, int)

    def inner(self, name: str) -> Answer:
        """Return the object in the field `name`."""
        return Answer(self._field(name, dict), self._title, self._path_to(name))

    def items(self, name: str) -> Iterator[Answer]:
        """Yield the objects in the list `name`."""
        for position, value in enumerate(self.values(name)):
            yield Answer(value, self._title, f"{self._path_to(name)}[{position}]")

    def values(self, name: str) -> list[object]:
        """Return the list in the field `name`."""
        return self._field(name, list)

    def rows(self, name: str, width: int) -> Iterator[list[Json]]:
        """Yield the lists in the list `name`, each of which has `width` values."""
        for position, value in enumerate(self.values(name)):
            if not isinstance(value, list) or len(value) != width:
                raise _wrong(self._title, f"{self._path_to(name)}[{position}]", list)
            yield value

    def has(self, name: str) -> bool:
        """Whether there is a field `name`, and not null in it."""
        return self._value.get(name) is not None

    def _field(self, name: str, kind: type[T]) -> T:
        value = self._value.get(name)
        # True is an int to Python, and none to JSON.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise _wrong(self._title, self._path_to(name), kind)
        return value

    def _path_to(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name


REMEDY = "see whether the address of the API is right, or a newer envconn knows what it says now"


def _wrong(title: str, path: str, kind: type) -> Failure:
    return Failure("answer-malformed", title, f"{path} is missing or not {_TYPES[kind]}; {REMEDY}")
