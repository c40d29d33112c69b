"""What pydantic's own errors show when another field of a model is wrong: nothing of a connection string."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pydantic
import pytest
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

import envconn
from envconn.settings import HiddenInputModel
from leaks import MARKERS, failure_surfaces, find

if TYPE_CHECKING:
    from collections.abc import Callable

MARKER = MARKERS["delimiters"]
URI = f"postgresql://app:{quote(MARKER, safe='')}@db.example.com/app"


class Own(HiddenInputModel):
    database: envconn.SecuredConnection
    others: list[envconn.SecuredConnection] = pydantic.Field(default_factory=list)
    port: int

    @pydantic.field_validator("port")
    @classmethod
    def _not_one(cls, port: int) -> int:
        if port == 1:
            raise ValueError("refused")
        return port

    @pydantic.model_validator(mode="after")
    def _not_three(self) -> Own:
        assert self.port != 3, "three"
        return self


class Outer(HiddenInputModel):
    inner: Own
    missing: int


class OwnSettings(HiddenInputModel, BaseSettings):
    model_config = SettingsConfigDict(extra="forbid")

    database: envconn.SecuredConnection = pydantic.Field(validation_alias="DATABASE_URL")
    port: int


class Inherited(envconn.Settings):
    model_config = SettingsConfigDict(extra="forbid", env_file=".env", validate_assignment=True)

    port: int
    numbers: list[int] = pydantic.Field(default_factory=list)
    claimed: envconn.SecuredConnection | None = pydantic.Field(default=None, validation_alias="DATABASE_URL")


# What is under test is what type checkers would not let pass.
own: Any = Own
own_settings: Any = OwnSettings
inherited: Any = Inherited


CALLS: dict[str, tuple[Callable[[], object], list[tuple[str, tuple[object, ...]]]]] = {
    "missing": (lambda: own(database=URI), [("missing", ("port",))]),
    "wrong": (lambda: own(database=URI, port="x"), [("int_parsing", ("port",))]),
    "text in the wrong field": (lambda: own(database=URI, port=URI), [("int_parsing", ("port",))]),
    "field validator": (lambda: own(database=URI, port=1), [("value_error", ("port",))]),
    "model validator": (lambda: own(database=URI, port=3), [("assertion_error", ())]),
    "no text": (lambda: own(database=1, port=2), [("secured_connection", ("database",))]),
    "no text in a list": (
        lambda: own(database=URI, others=[URI, 1], port=2),
        [("secured_connection", ("others", 1))],
    ),
    "no list": (lambda: own(database=URI, others=URI, port=2), [("list_type", ("others",))]),
    "no mapping": (lambda: Own.model_validate([URI]), [("model_type", ())]),
    "JSON": (lambda: Own.model_validate_json(json.dumps({"database": URI})), [("missing", ("port",))]),
    "adapter": (
        lambda: pydantic.TypeAdapter(list[Own]).validate_python([{"database": URI}]),
        [("missing", (0, "port"))],
    ),
    "nested": (
        lambda: Outer.model_validate({"inner": {"database": URI}}),
        [("missing", ("inner", "port")), ("missing", ("missing",))],
    ),
    "settings of one's own": (own_settings, [("missing", ("port",))]),
    "an extra argument": (lambda: own_settings(port=2, unheard=URI), [("extra_forbidden", ("unheard",))]),
    "inherited": (inherited, [("missing", ("port",))]),
    "inherited, wrong": (lambda: inherited(port=URI), [("int_parsing", ("port",))]),
    "inherited, an extra argument": (
        lambda: inherited(port=2, unheard=URI),
        [("extra_forbidden", ("unheard",))],
    ),
    "inherited, no connection": (
        lambda: inherited(port=2, database=[URI], databases=3, services=4),
        [
            ("secured_connection", ("database",)),
            ("dict_type", ("databases",)),
            ("is_instance_of", ("services",)),
        ],
    ),
    "inherited, assigned": (lambda: setattr(inherited(port=2), "port", URI), [("int_parsing", ("port",))]),
}


@pytest.mark.parametrize("name", CALLS)
def test_nothing_of_the_input(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URI)
    call, expected = CALLS[name]
    with pytest.raises(pydantic.ValidationError) as caught:
        call()
    error = caught.value
    assert [(found["type"], found["loc"]) for found in error.errors()] == expected
    assert [found["input"] for found in error.errors()] == [None] * len(expected)
    texts = {"errors": repr(error.errors()), "json": error.json(), "str": str(error), "title": error.title}
    assert find(MARKER, failure_surfaces(error, called=False) | texts) == {}


def test_messages_stay() -> None:
    with pytest.raises(pydantic.ValidationError) as caught:
        own(database=URI, port="x")
    [found] = caught.value.errors()
    assert found["msg"] == "Input should be a valid integer, unable to parse string as an integer"
    assert caught.value.title == "Own"


def test_braces_in_messages_mean_nothing() -> None:
    class Model(HiddenInputModel):
        port: int

        @pydantic.field_validator("port")
        @classmethod
        def _refuse(cls, port: int) -> int:
            raise ValueError(f"{{port}} {port}")

    with pytest.raises(pydantic.ValidationError, match=r"Value error, \{port\} 7"):
        Model(port=7)


def test_invalid_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URI)
    monkeypatch.setenv("NUMBERS", f"[{MARKER}")
    with pytest.raises(SettingsError, match="numbers") as caught:
        inherited(port=2)
    assert find(MARKER, failure_surfaces(caught.value, called=False)) == {}


class Ordinary(pydantic.BaseModel):
    database: envconn.SecuredConnection
    port: int


@pytest.mark.parametrize(
    "call", [lambda: Ordinary.model_validate({"database": URI}), lambda: Own.model_validate_json(URI)]
)
def test_what_no_field_type_can_cover(call: Callable[[], object]) -> None:
    """As `HiddenInputModel` says. When pydantic changes this, the sentence there can go."""
    with pytest.raises(pydantic.ValidationError) as caught:
        call()
    assert find(MARKER, {"errors": repr(caught.value.errors())}) != {}
