"""The JSON schema of a model with connections, by the validator that knows schemas best."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from check_jsonschema.cli.main_command import main
from click.testing import CliRunner
from jsonschema import Draft202012Validator
from pydantic import BaseModel

import envconn
from documents import strict
from envconn.settings.other_sources import WORDS
from envconn.sources.order import FETCHED, SOURCES
from sourced import RDS, URL

if TYPE_CHECKING:
    from typing import Literal


class App(envconn.Settings):
    debug: bool = False


CONNECTION = {"type": "string", "writeOnly": True}
OPTIONAL = {"anyOf": [CONNECTION, {"type": "null"}]}


@pytest.mark.parametrize("mode", ["validation", "serialization"])
@pytest.mark.parametrize("by_alias", [False, True])
def test_fields(mode: Literal["validation", "serialization"], by_alias: object) -> None:
    schema = App.model_json_schema(mode=mode, by_alias=bool(by_alias))
    Draft202012Validator.check_schema(schema)
    assert schema["properties"] == {
        "database": {"title": "Database", **CONNECTION},
        "databases": {"title": "Databases", "type": "object", "additionalProperties": CONNECTION},
        "broker": {"title": "Broker", **OPTIONAL},
        "results": {"title": "Results", **OPTIONAL},
        "cache": {"title": "Cache", **OPTIONAL},
        "debug": {"title": "Debug", "type": "boolean", "default": False},
    }
    assert "required" not in schema


def checked(document: object, mode: Literal["validation", "serialization"] = "validation") -> int:
    """Return the exit code of check-jsonschema for `document` against the schema of `App`."""
    Path("schema.json").write_text(json.dumps(App.model_json_schema(mode=mode)), encoding="utf-8")
    Path("document.json").write_text(json.dumps(document), encoding="utf-8")
    return CliRunner().invoke(main, ["--schemafile", "schema.json", "document.json"]).exit_code


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"database": URL, "databases": {"analytics": URL}, "broker": None, "cache": URL, "debug": True},
        {"database": "host=db.example.com user=app dbname=app"},
    ],
)
def test_documents_that_fill_it(document: object) -> None:
    assert checked(document) == 0


@pytest.mark.parametrize(
    "document", [{"database": 1}, {"database": None}, {"database": RDS}, {"databases": URL}, {"cache": []}, []]
)
def test_documents_that_do_not(document: object) -> None:
    assert checked(document) == 1


def test_what_is_dumped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    monkeypatch.setenv("REDIS_URL", "rediss://:secret@cache.example.com/0")
    assert checked(json.loads(App().model_dump_json()), "serialization") == 0


def test_inside_another_model() -> None:
    class Outer(BaseModel):
        app: App

    described: dict[str, Any] = Outer.model_json_schema()["properties"]["app"]
    assert described["properties"]["database"]["writeOnly"]
    assert "services" not in described["properties"]


def test_every_word_is_known() -> None:
    """In the schema of what a report is today."""
    words = {word for word, _ in WORDS.values()} | {"settings-source"}
    assert words - {"dotenv"} == FETCHED.keys()
    assert {*strict()["$defs"]["source"]["enum"]} == {
        *FETCHED,
        *(source.word for source in SOURCES),
        "argument",
        "remote",
    }
