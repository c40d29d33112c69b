"""The JSON: the published schema is open, what is printed follows a strict one, and says what it should."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from documents import objects, schema, strict, understood
from envconn.cli import main
from leaks import MARKER

if TYPE_CHECKING:
    from throwaway.certificates import Certificates

pytestmark = pytest.mark.measured

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
    checked = understood(output.out)
    assert (checked["exit_code"], checked["ok"], checked["live"]) == (code, code == 0, None)
    assert MARKER not in output.out + output.err


def test_the_command_prints_the_schema() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "envconn", "schema"], check=True, capture_output=True, text=True, timeout=60
    )
    assert json.loads(done.stdout) == schema()
    assert done.stderr == ""


GOOD: dict[str, Any] = {
    "format_version": "1.0",
    "command": "check",
    "ok": True,
    "exit_code": 0,
    "policy": None,
    "services": [],
    "problems": [],
    "notes": [],
    "live": None,
    "sources": None,
    "names": None,
    "fetched": None,
}
FETCHED = {"provider": "neon", "branch": None, "pooled": False, "variable": "DATABASE_URL", "file": None}
FINDING = {
    "code": "variable-conflict",
    "severity": "error",
    "service": "database",
    "variable": "DATABASE_URL",
    "message": "m",
    "exit_code": 78,
}
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
        {**GOOD, "sources": [PLACE], "names": ["DATABASE_URL"]},
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
        {**BAD, "problems": [{**FINDING, "line": 1}]},
        {**BAD, "problems": [{**FINDING, "severity": "warning"}]},
        {**BAD, "problems": [{**FINDING, "service": 1}]},
        {**BAD, "problems": [{**FINDING, "exit_code": 1}]},
        {**GOOD, "format_version": "2.0"},
        {**GOOD, "format_version": 1},
        {**GOOD, "command": "exec"},
        {**GOOD, "policy": {}},
        {**GOOD, "live": {}},
        {**GOOD, "fetched": {}},
        {**GOOD, "fetched": {**FETCHED, "provider": "nobody"}},
        {**GOOD, "fetched": {**FETCHED, "uri": "postgresql://"}},
        {**GOOD, "services": [{}]},
        {**GOOD, "sources": []},
        {**GOOD, "names": []},
        {**GOOD, "names": [None]},
        {**GOOD, "sources": [{**PLACE, "source": "elsewhere"}]},
        {**GOOD, "sources": [{**PLACE, "more": 1}]},
        {**GOOD, "sources": [{**PLACE, "names": None}]},
    ],
)
def test_refused(document: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        understood(json.dumps(document))


LATER: list[dict[str, Any]] = [
    {**GOOD, "format_version": "1.7"},
    {**GOOD, "more": {"than": "today"}},
    {**GOOD, "command": "explain"},
    {**BAD, "problems": [{**FINDING, "code": "unheard-of", "line": 1}]},
    {**GOOD, "fetched": {**FETCHED, "provider": "another", "more": 1}},
    {**GOOD, "sources": [{**PLACE, "source": "elsewhere"}]},
]


@pytest.mark.parametrize("document", LATER)
def test_what_a_later_minor_version_may_add(document: dict[str, Any]) -> None:
    assert Draft202012Validator(schema()).is_valid(document)
    assert not Draft202012Validator(strict()).is_valid(document)


def test_everything_in_it_is_required_and_nothing_is_closed() -> None:
    found = list(objects(schema()))
    assert len(found) > 10
    for each in found:
        assert "additionalProperties" not in each
        assert each["required"] == list(each["properties"])


def test_everything_in_it_is_used() -> None:
    text = json.dumps(schema())
    for name in schema()["$defs"]:
        assert f'"#/$defs/{name}"' in text, name


Checked = Callable[..., dict[str, Any]]


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Checked:
    """What ``envconn check --json`` prints in an environment with these variables."""

    def run(**variables: str) -> dict[str, Any]:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        main(["check", "--json"])
        return understood(capsys.readouterr().out)

    return run


PG = ENVIRONMENTS["plain"]["DATABASE_URL"]
CLEAR_REDIS = f"redis://:{MARKER}@cache.example/0"


def test_refused_services_have_no_level(checked: Checked) -> None:
    document = checked(
        DATABASE_URL=PG.replace("@", "@@"),
        REPORTS_DATABASE_URL=f"{PG}?sslmode=disable",
        REDIS_URL=CLEAR_REDIS,
        JOBS_DATABASE_URL=PG,
    )
    levels = {service["name"]: (service["level"], service["origin"]["variable"]) for service in document["services"]}
    assert levels == {
        "jobs": ("encrypted", "JOBS_DATABASE_URL"),
        "database": (None, "DATABASE_URL"),
        "reports": (None, "REPORTS_DATABASE_URL"),
        "broker": (None, "REDIS_URL"),
        "cache": (None, "REDIS_URL"),
    }
    about = {(problem["variable"], problem["service"], problem["exit_code"]) for problem in document["problems"]}
    assert about == {
        ("DATABASE_URL", "database", 78),
        ("REPORTS_DATABASE_URL", "reports", 78),
        ("REDIS_URL", None, 78),
    }


def test_siblings_are_there(checked: Checked) -> None:
    document = checked(
        DATABASE_URL=f"postgresql://app:{MARKER}@db.example:6432/app",
        DIRECT_URL=f"postgresql://app:{MARKER}@db.example:5432/app",
        DATABASE_REPLICA_URL=f"postgresql://app:{MARKER}@replica.example/app",
    )
    (service,) = document["services"]
    assert {sibling["origin"]["variable"] for sibling in service["siblings"]} == {"DIRECT_URL", "DATABASE_REPLICA_URL"}
    assert [sibling["siblings"] for sibling in service["siblings"]] == [[], []]


DEMANDED: dict[str, Any] = {"tls": "require", "local": "allow", "waive": [], "ca": None}


@pytest.mark.parametrize(
    ("variables", "stated"),
    [
        ({}, {}),
        ({"ENVCONN_TLS": "best"}, {"tls": "best"}),
        ({"ENVCONN_TLS": "verify-full", "ENVCONN_TLS_CA": "system"}, {"tls": "verify-full", "ca": "ENVCONN_TLS_CA"}),
        ({"ENVCONN_TLS_LOCAL": "enforce"}, {"local": "enforce"}),
        ({"ENVCONN_TLS_WAIVE": "*.internal"}, {"waive": ["*.internal"]}),
    ],
)
def test_policy(variables: dict[str, str], stated: dict[str, Any], checked: Checked) -> None:
    assert checked(DATABASE_URL=PG, **variables)["policy"] == DEMANDED | stated


def test_policy_of_one_service(checked: Checked) -> None:
    variables = {"JOBS_DATABASE_URL": PG, "ENVCONN_JOBS_TLS_WAIVE": "db.example.com"}
    document = checked(DATABASE_URL=PG, ENVCONN_TLS_WAIVE="*.internal", **variables)
    assert document["policy"] == DEMANDED | {"waive": ["*.internal"]}
    assert [(each["name"], each["policy"]["waive"]) for each in document["services"]] == [
        ("database", ["*.internal"]),
        ("jobs", ["db.example.com"]),
    ]


def test_a_ca_as_a_path_and_as_text_are_distinguished(checked: Checked, certificates: Certificates) -> None:
    variables = {"DATABASE_URL": f"{PG}?sslmode=verify-full"}
    by_path = checked(**variables, DATABASE_CA_CERT=str(certificates.ca))
    as_text = checked(**variables, DATABASE_CA_CERT=certificates.ca.read_text("ascii"))
    assert [document["services"][0]["tls"]["ca"] for document in (by_path, as_text)] == [
        {"kind": "file", "variable": "DATABASE_CA_CERT", "path": str(certificates.ca)},
        {"kind": "text", "variable": "DATABASE_CA_CERT", "path": None},
    ]


@pytest.fixture
def mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment of which one service is good."""
    monkeypatch.setenv("DATABASE_URL", f"{PG}?sslmode=disable")
    monkeypatch.setenv("JOBS_DATABASE_URL", PG)
    monkeypatch.setenv("REDIS_URL", CLEAR_REDIS)


@pytest.mark.usefixtures("mixed")
@pytest.mark.parametrize(("service", "code"), [("database", 78), ("jobs", 0), ("broker", 78), ("cache", 78)])
@pytest.mark.parametrize("command", ["check", "show"])
def test_one_service(
    command: str, service: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A problem of another service does not count; one of the whole environment does."""
    assert main([command, "--json", "--service", service]) == code
    document = understood(capsys.readouterr().out)
    assert [each["name"] for each in document["services"]] == [service]
    assert len(document["problems"]) == (1 if code else 0)
    monkeypatch.setenv("ENVCONN_TLS", "sometimes")
    assert main([command, "--service", service]) == 78


@pytest.mark.usefixtures("mixed")
@pytest.mark.parametrize("command", ["check", "show"])
def test_no_such_service(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--service", MARKER]) == 64
    output = capsys.readouterr()
    known = "jobs, database, broker, cache"
    assert (output.out, output.err) == ("", f"envconn {command}: --service: not found. Use one of {known}\n")
