"""`Record` and `TypedDict` do what those of `typing` do, without compiling annotations."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
from typing import Self

import pytest

from envconn.records import Record, TypedDict


class Point(Record):
    """Two fields, one of which may be left out."""

    x: int
    y: int = 2


class Checked(Point):
    """A subclass that has no fields of its own."""

    def __new__(cls, *, x: int) -> Self:
        """Take one keyword."""
        return super().__new__(cls, x)


class Words(TypedDict, total=False):
    """One key."""

    word: str


MADE = {
    "all by place": Point(1, 2),
    "defaults": Point(1),
    "by place and by name": Point(1, y=2),
    "all by name": Point(y=2, x=1),
    "from values": Point._make([1, 2]),
    "replaced": Point(1, 3)._replace(y=2),
    "copied": copy.copy(Point(1)),
    "pickled": pickle.loads(pickle.dumps(Point(1))),  # noqa: S301 - our own
    "by a subclass": Checked(x=1),
}
REFUSED = {
    "too few": ((), {}),
    "too many": ((1, 2, 3), {}),
    "an unknown name": ((1,), {"z": 3}),
    "a field twice": ((1,), {"x": 1}),
    "one of two by name": ((), {"y": 2}),
}


@pytest.mark.parametrize("case", MADE)
def test_every_way_makes_the_same(case: str) -> None:
    assert (MADE[case].x, MADE[case].y) == (1, 2)
    assert MADE[case]._asdict() == {"x": 1, "y": 2}
    assert repr(MADE[case]) == f"{type(MADE[case]).__name__}(x=1, y=2)"


@pytest.mark.parametrize("case", REFUSED)
def test_other_arguments_are_refused(case: str) -> None:
    given, named = REFUSED[case]
    with pytest.raises(TypeError, match=re.escape("Point() takes x, y")):
        Point(*given, **named)


def test_unknown_fields_are_not_replaced() -> None:
    with pytest.raises(TypeError, match=re.escape("Point() has no field z")):
        Point(1)._replace(z=3)  # type: ignore[call-arg]


def test_fields_are_read_only() -> None:
    with pytest.raises(AttributeError):
        Point(1).x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        Point(1).z = 2  # type: ignore[attr-defined]


def test_patterns_match_by_place() -> None:
    match Point(1):
        case Point(x, y):
            assert (x, y) == (1, 2)


def test_a_typed_dictionary_is_a_plain_one() -> None:
    assert type(Words(word="a")) is dict
    assert Words(word="a") == {"word": "a"}


def test_annotations_stay_text() -> None:
    code = "from envconn.connection import Host; import sys; sys.exit('typing' in sys.modules)"
    subprocess.run([sys.executable, "-S", "-c", f"import sys; sys.path[:] = {sys.path}; {code}"], check=True)
    assert Point.__annotations__ == {"x": "int", "y": "int"}
