"""The JSON that the command prints, held against the schema that it publishes."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator

__all__ = ["schema", "understood"]


@cache
def schema() -> dict[str, Any]:
    """Return the published schema."""
    found: dict[str, Any] = json.loads(files("envconn.cli").joinpath("report.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(found)
    return found


def understood(text: str) -> dict[str, Any]:
    """Return the one document in `text`, which has to be as the schema says."""
    document: dict[str, Any] = json.loads(text)
    wrong = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema()).iter_errors(document)]
    assert not wrong, wrong
    return document
