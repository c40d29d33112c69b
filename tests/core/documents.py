"""The JSON that the command prints, held against the schema that it publishes, and against a stricter one.

The published schema is open: a program that goes by it takes what later minor versions add. What is printed today is
compared with `strict`, which knows every key, every code and every word there is.
"""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from envconn.cli.options import PROVIDERS
from envconn.codes import SECTIONS
from envconn.sources.order import FETCHED, SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["objects", "schema", "strict", "understood"]


@cache
def schema() -> dict[str, Any]:
    """Return the published schema."""
    from jsonschema import Draft202012Validator  # the corners, which import this module, do without it

    found: dict[str, Any] = json.loads(files("envconn.cli").joinpath("report.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(found)
    return found


@cache
def strict() -> dict[str, Any]:
    """Return the published schema without anything open in it."""
    found = deepcopy(schema())
    for each in objects(found):
        each["additionalProperties"] = False
    kinds = found["$defs"]
    kinds["finding"]["properties"]["code"] = {
        "anyOf": [
            {"enum": sorted({code for codes in SECTIONS.values() for code in codes})},
            {"pattern": "^x-[a-z0-9]+(-[a-z0-9]+)*$"},
        ]
    }
    kinds["family"]["enum"] = ["postgresql", "mysql", "redis", "sentinel", "amqp", "sqlite"]
    kinds["source"]["enum"] = [*(source.word for source in SOURCES), "argument", "remote", *FETCHED]
    kinds["fetched"]["properties"]["provider"]["enum"] = list(PROVIDERS)
    found["properties"]["format_version"]["const"] = "1.0"
    found["properties"]["command"]["enum"] = ["check", "show", "fetch", None]
    return found


def objects(part: object) -> Iterator[dict[str, Any]]:
    """Yield every schema of an object in `part`."""
    if isinstance(part, dict):
        if "properties" in part and part.get("type") == "object":
            yield part
        for each in part.values():
            yield from objects(each)
    for each in part if isinstance(part, list) else ():
        yield from objects(each)


def understood(text: str) -> dict[str, Any]:
    """Return the one document in `text`, which has to be as both schemas say."""
    from jsonschema import Draft202012Validator

    document: dict[str, Any] = json.loads(text)
    for each in (schema(), strict()):
        wrong = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(each).iter_errors(document)]
        assert not wrong, wrong
    return document
