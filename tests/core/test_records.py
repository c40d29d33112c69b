"""`Record` and `TypedDict` do what those of `typing` do; a `Value` has fields, and is no sequence of them."""

from __future__ import annotations

import copy
import json
import pickle
import re
import subprocess
import sys
from datetime import UTC, datetime
from operator import delitem, setitem
from typing import TYPE_CHECKING, Any, Self

import pytest

import envconn
from envconn.connection import Host, Origin
from envconn.probe.proof import Certificate, Handshake, Login, Proof, Seen
from envconn.records import Record, TypedDict, Value, fields, replace
from envconn.remote import RemoteConnection, Result, Serverless
from envconn.report import Refusal, Report
from envconn.rotation.reload import Changes
from envconn.tls import CA
from envconn.tls.policy import Demands

if TYPE_CHECKING:
    from collections.abc import Callable


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


class Place(Value):
    """Three fields, of which one may be left out and one is not shown."""

    x: int
    y: int = 2
    _z: int = 3


class Named(Place):
    """The same with another."""

    name: str = "a"


EQUAL = {
    "all by place": Place(1, 2, 3),
    "defaults": Place(1),
    "by place and by name": Place(1, y=2),
    "all by name": Place(y=2, x=1),
    "replaced": replace(Place(1, 3), y=2),
    "copied": copy.copy(Place(1)),
    "copied with all that it holds": copy.deepcopy(Place(1)),
    "pickled": pickle.loads(pickle.dumps(Place(1))),  # noqa: S301 - our own
}
DIFFERENT = {
    "another value": Place(2),
    "another hidden value": Place(1, _z=4),
    "a subclass": Named(1),
    "a record": Point(1),
    "a tuple": (1, 2, 3),
    "a dictionary": {"x": 1, "y": 2, "_z": 3},
}


@pytest.mark.parametrize("case", EQUAL)
def test_every_way_makes_the_same_value(case: str) -> None:
    made = EQUAL[case]
    assert (made, hash(made), fields(made)) == (Place(1), hash(Place(1)), {"x": 1, "y": 2, "_z": 3})
    assert repr(made) == "Place(x=1, y=2)"
    assert fields(Named(1, name="b")) == {"x": 1, "y": 2, "_z": 3, "name": "b"}


@pytest.mark.parametrize("case", DIFFERENT)
def test_other_things_are_not_equal(case: str) -> None:
    assert Place(1) != DIFFERENT[case]
    assert DIFFERENT[case] != Place(1)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        *REFUSED.values(),
        ((1, 2, 3, 4), {}),
        ((), {"x": 1, "y": 2, "_z": 3, "w": 4}),
        ((), {"x": 1, "z": 2}),
    ],
)
def test_a_value_refuses_other_arguments(given: tuple[int, ...], named: dict[str, int]) -> None:
    if (given, named) == REFUSED["too many"]:
        given = (*given, 4)
    with pytest.raises(TypeError, match=re.escape("Place() takes x, y, _z")):
        Place(*given, **named)
    with pytest.raises(TypeError, match=re.escape("Place() takes x, y, _z")):
        replace(Place(1), w=1)


def test_values_are_matched_by_place_and_by_name() -> None:
    match Place(1):
        case Place(x, y=y):
            assert (x, y) == (1, 2)


CONNECTION = envconn.secure("postgresql://app:marker-password@localhost/app")
CERTIFICATE = Certificate("CN=a", ("a",), "CN=b", ("CN=a",), "00", datetime.now(UTC), datetime.now(UTC), 0)
PUBLIC = [
    *(Host("a", 1), Origin("A"), envconn.parse("postgresql://app:marker-password@localhost/app")),
    *(CA("system", "A"), CONNECTION.tls, CONNECTION.features, Changes(), Demands()),
    *(Refusal("A", ()), Report(), Proof(), Seen(CONNECTION, Host("a", 1))),
    RemoteConnection("neon", envconn.Secret("a"), None, pooled=True, connection=CONNECTION),
    *(Handshake("TLSv1.3", "A", 256), CERTIFICATE, Login("psycopg", "app")),
    *(Result("SELECT", 0, (), ()), Serverless("", "", {}, pipelines=True)),
]
FORBIDDEN: dict[str, Callable[[Any], object]] = {
    "to be unpacked": lambda value: [*value],
    "to be unpacked into names": lambda value: dict(**value),
    "an item": lambda value: value[0],
    "a slice": lambda value: value[1:],
    "a length": len,
    "a search": lambda value: 1 in value,
    "an order": lambda value: value < value,  # noqa: PLR0124
    "a sum": lambda value: value + value,
    "an item that is set": lambda value: setitem(value, 0, 1),
    "an item that is deleted": lambda value: delitem(value, 0),
    "to be JSON": json.dumps,
}


@pytest.mark.parametrize("what", FORBIDDEN)
@pytest.mark.parametrize("value", PUBLIC, ids=lambda value: type(value).__name__)
def test_values_of_the_public_interface_are_not_sequences(value: Value, what: str) -> None:
    with pytest.raises(TypeError):
        FORBIDDEN[what](value)


@pytest.mark.parametrize("value", PUBLIC, ids=lambda value: type(value).__name__)
def test_what_programs_get_cannot_be_changed(value: Value) -> None:
    assert {"count", "index", "_replace", "_asdict"}.isdisjoint(dir(value))
    as_tuple: object = tuple(fields(value).values())
    assert value != as_tuple
    for name in (*fields(value), "other"):
        with pytest.raises(AttributeError, match=rf"^cannot set {name}: a {type(value).__name__} is immutable$"):
            setattr(value, name, None)
        with pytest.raises(AttributeError, match=rf"^cannot delete {name}: a {type(value).__name__} is immutable$"):
            delattr(value, name)


def test_a_value_that_holds_a_secret_is_never_pickled() -> None:
    for value in PUBLIC:
        if "marker-password" not in str(getattr(getattr(value, "password", None), "reveal", str)()):
            continue
        with pytest.raises(TypeError, match="never pickled"):
            pickle.dumps(value)
        break
    else:
        pytest.fail("no value holds a secret")


def test_vars_returns_a_copy_of_the_fields() -> None:
    """``vars(services.database.tls)["level"] = ...`` would change what drivers are told."""
    value = Place(1, y=3)
    copied = vars(value)
    assert copied == {"x": 1, "y": 3}
    copied["x"] = 2
    copied["_z"] = 4
    assert value == Place(1, y=3)
