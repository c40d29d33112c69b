"""The published JSON Schema is strict, and everything that is printed follows it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from documents import schema, understood
from envconn.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.measured

MARKER = "Zq7xWv9kJb3"
HOST = "ep-cool-darkness-a1b2c3d4-pooler.us-east-2.aws.neon.tech"
ENVIRONMENTS: dict[str, dict[str, str]] = {
    "plain": {"DATABASE_URL": f"postgresql://app:{MARKER}@db.example/app"},
    "provider": {"DATABASE_URL": f"postgresql://neondb_owner:{MARKER}@{HOST}/app?sslmode=require&connection_limit=1"},
    "alias": {"DATABASE_URL": "$PG_URL", "PG_URL": f"postgresql://app:{MARKER}@db.example/app", "PGHOST": "x"},
    "socket": {"DATABASE_URL": f"postgresql://app:{MARKER}@/app?host=/run/postgresql"},
    "several": {"DATABASE_URL": f"postgresql://app:{MARKER}@a.example,b.example:6432/app?hostaddr=10.0.0.1,10.0.0.2"},
    "waived": {"DATABASE_URL": f"postgresql://app:{MARKER}@a.example/app", "ENVCONN_TLS_WAIVE": "*.example"},
    "families": {
        "DATABASE_URL": f"mysql://app:{MARKER}@db.example/app?ssl-mode=REQUIRED",
        "FILES_DATABASE_URL": "sqlite:///files.db",
        "REDIS_URL": f"rediss://:{MARKER}@cache.example/0",
        "CLOUDAMQP_URL": f"amqps://app:{MARKER}@queue.example/app",
    },
    "build": {"ENVCONN_PHASE": "build"},
    "nothing": {},
    "wrong": {"DATABASE_URL": f"postgresql://app:{MARKER}@db.example/app?sslmode=disable", "A_DATABASE_URL": MARKER},
}


@pytest.mark.parametrize("command", ["check", "show"])
@pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=list(ENVIRONMENTS))
def test_every_output_follows_the_schema(
    command: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    code = main([command, "--json"])
    output = capsys.readouterr()
    told = understood(output.out)
    assert (told["exit_code"], told["ok"], told["live"]) == (code, code == 0, None)
    assert MARKER not in output.out + output.err


def test_the_command_prints_the_schema() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "envconn", "schema"], check=True, capture_output=True, text=True, timeout=60
    )
    assert json.loads(done.stdout) == schema()
    assert done.stderr == ""


GOOD: dict[str, Any] = {
    "ok": True,
    "services": [],
    "problems": [],
    "notes": [],
    "exit_code": 0,
    "live": None,
    "sources": None,
    "fetched": None,
}
FETCHED = {"provider": "neon", "branch": None, "pooled": False, "variable": "DATABASE_URL", "file": None}
FINDING = {"code": "conflict", "variable": "DATABASE_URL", "message": "m"}
PLACE = {"source": "vcap", "title": "VCAP_SERVICES", "is_there": True, "names": ["VCAP_SERVICES/a"]}
BAD = {**GOOD, "ok": False, "exit_code": 78, "problems": [FINDING]}


@pytest.mark.parametrize(
    "document",
    [
        GOOD,
        BAD,
        {**BAD, "problems": [{**FINDING, "code": "x-somebodys-own"}]},
        {**BAD, "problems": [{**FINDING, "code": "token-refused"}]},
        {**GOOD, "fetched": FETCHED},
        {**GOOD, "sources": [PLACE]},
    ],
)
def test_accepted(document: dict[str, Any]) -> None:
    understood(json.dumps(document))


@pytest.mark.parametrize(
    "document",
    [
        {},
        {**GOOD, "more": 1},
        *({name: value for name, value in GOOD.items() if name != left_out} for left_out in GOOD),
        {**GOOD, "exit_code": 78},
        {**GOOD, "exit_code": 1},
        {**GOOD, "problems": [FINDING]},
        {**BAD, "ok": True},
        {**BAD, "exit_code": 0},
        {**BAD, "exit_code": 64},
        {**BAD, "problems": []},
        {**BAD, "problems": [{**FINDING, "code": "unheard-of"}]},
        {**BAD, "problems": [{**FINDING, "code": "blank"}]},
        {**BAD, "problems": [{**FINDING, "line": 1}]},
        {**GOOD, "notes": [FINDING]},
        {**GOOD, "live": {}},
        {**GOOD, "fetched": {}},
        {**GOOD, "fetched": {**FETCHED, "provider": "nobody"}},
        {**GOOD, "fetched": {**FETCHED, "uri": "postgresql://"}},
        {**GOOD, "services": [{}]},
        {**GOOD, "sources": []},
        {**GOOD, "sources": [{**PLACE, "source": "elsewhere"}]},
        {**GOOD, "sources": [{**PLACE, "more": 1}]},
        {**GOOD, "sources": [{**PLACE, "names": None}]},
    ],
)
def test_refused(document: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        understood(json.dumps(document))


def objects(part: object) -> Iterator[dict[str, Any]]:
    """Every schema of an object in `part`."""
    if isinstance(part, dict):
        if "properties" in part and part.get("type") == "object":
            yield part
        for each in part.values():
            yield from objects(each)


def test_nothing_in_it_is_open_or_optional() -> None:
    found = list(objects(schema()))
    assert len(found) > 10
    for each in found:
        assert each["additionalProperties"] is False
        assert each["required"] == list(each["properties"])


def test_everything_in_it_is_used() -> None:
    text = json.dumps(schema())
    for name in schema()["$defs"]:
        assert f'"#/$defs/{name}"' in text, name
