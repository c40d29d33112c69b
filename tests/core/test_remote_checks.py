"""Invalid arguments, addresses and tokens: all refused before a request is sent."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import envconn
from envconn.cli import options
from envconn.remote import QueryError, RemoteError, get_connection, request
from envconn.remote.provider_api import PROVIDERS
from leaks import MARKER, failure_surfaces, find

if TYPE_CHECKING:
    from pathlib import Path

PASTED = "Zb4nHt8yLs2c"
"""What was meant for another place; a frame shows arguments, a message does not."""
CASEDEV: dict[str, Any] = {"project": "proj_abc123"}
WRONG_TIMES = (0, -1, float("nan"), 1e9)
NEON: dict[str, Any] = {"project": "p", "database": "d", "role": "r"}
PLANETSCALE: dict[str, Any] = {"organization": "o", "database": "d", "role": "r"}


def refused(provider: str, environ: dict[str, str] | None = None, **arguments: Any) -> RemoteError:
    """The error of a call that reaches no server: the only address is a closed port on loopback."""
    everywhere = {f"ENVCONN_API_{name.upper()}": "https://127.0.0.1:1" for name in PROVIDERS}
    with pytest.raises(RemoteError) as caught:
        get_connection(provider, environ={**everywhere, **(environ or {})}, env_file=None, **arguments)
    assert find(MARKER, failure_surfaces(caught.value)) == {}
    return caught.value


@pytest.mark.parametrize(
    ("provider", "arguments", "about", "code"),
    [
        ("case.dev", CASEDEV, "provider", "argument-invalid"),
        (PASTED, CASEDEV, "provider", "argument-invalid"),
        ("", CASEDEV, "provider", "argument-invalid"),
        ("casedev", {}, "project", "argument-missing"),
        ("neon", {"project": "p", "database": "d"}, "role", "argument-missing"),
        ("neon", {"project": "p", "role": "r"}, "database", "argument-missing"),
        ("planetscale", {"organization": "o", "role": "r"}, "database", "argument-missing"),
        ("scalingo", {"database": "d"}, "app", "argument-missing"),
        ("casedev", {**CASEDEV, "endpoint": "e"}, "endpoint", "argument-invalid"),
        ("casedev", {**CASEDEV, "create": True}, "create", "argument-invalid"),
        ("neon", {**NEON, "reset": True}, "reset", "argument-invalid"),
        ("scalingo", {"app": "a", "pooled": True}, "pooled", "argument-invalid"),
        ("scalingo", {"app": "a", "branch": "b"}, "branch", "argument-invalid"),
        ("planetscale", {**PLANETSCALE, "create": True, "reset": True}, "reset", "argument-invalid"),
        ("planetscale", {**PLANETSCALE, "ttl": 60}, "ttl", "argument-invalid"),
        ("planetscale", {**PLANETSCALE, "reset": True, "inherit": ["a"]}, "inherit", "argument-invalid"),
        ("planetscale", {**PLANETSCALE, "create": True, "ttl": 0}, "ttl", "argument-invalid"),
        ("planetscale", {**PLANETSCALE, "create": True, "ttl": -1}, "ttl", "argument-invalid"),
        ("planetscale", {**PLANETSCALE, "create": True, "inherit": ["a", ""]}, "inherit", "argument-invalid"),
        *(("casedev", {"project": text}, "project", "argument-invalid") for text in ("", ".", "..", "a\nb", "\x7f")),
        ("casedev", {"project": "x" * 256}, "project", "argument-invalid"),
        ("casedev", {"project": f"{PASTED}\x00"}, "project", "argument-invalid"),
        *(
            ("scalingo", {"app": "a", "region": text}, "region", "argument-invalid")
            for text in ("", "evil.example/", "osc-fr1.evil.example", "OSC", "a@b", "-a", "{x}")
        ),
        *(("casedev", {**CASEDEV, "timeout": text}, "timeout", "argument-invalid") for text in WRONG_TIMES),
    ],
)
def test_arguments(provider: str, arguments: dict[str, Any], about: str, code: str) -> None:
    tokens = {variable: "t" for service in PROVIDERS.values() for variable in service.tokens}
    error = refused(provider, {**tokens, "ENVCONN_API_SCALINGO": ""}, **arguments)
    assert (error.problems[0].variable, error.problems[0].code, error.exit_code) == (about, code, 64)
    assert PASTED not in str(error)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:1",
        "127.0.0.1:1",
        "https:",
        "https://",
        "https:///api",
        "ftp://127.0.0.1",
        f"https://user:{MARKER}@127.0.0.1:1",
        f"https://{MARKER}@127.0.0.1:1",
        f"https://127.0.0.1:1/?key={MARKER}",
        f"https://127.0.0.1:1/#{MARKER}",
        "https://127.0.0.1:x/",
        "https://127.0.0.1:0/",
        "https://127.0.0.1:99999/",
        "https://[::1/",
        "https://127.0.0.1:1/a b",
    ],
)
def test_addresses(address: str) -> None:
    error = refused("casedev", {"CASEDEV_API_KEY": "t", "ENVCONN_API_CASEDEV": address}, **CASEDEV)
    assert (error.problems[0].variable, error.problems[0].code) == ("ENVCONN_API_CASEDEV", "address-invalid")
    tokens = {"SCALINGO_API_TOKEN": "t", "ENVCONN_API_SCALINGO_AUTH": address}
    error = refused("scalingo", tokens, app="a")
    assert (error.problems[0].variable, error.exit_code) == ("ENVCONN_API_SCALINGO_AUTH", 78)


@pytest.mark.parametrize(
    ("environ", "code"),
    [
        ({}, "token-missing"),
        ({"CASEDEV_API_KEY": ""}, "token-missing"),
        ({"CASEDEV_API_KEY": "  "}, "token-missing"),
        ({"CASEDEV_API_KEY_FILE": f"/nowhere/{MARKER}"}, "token-missing"),
        ({"CASEDEV_API_KEY": "$OTHER"}, "token-missing"),
        ({"CASEDEV_API_KEY": f"{MARKER}\nX-Header: y"}, "token-malformed"),
        ({"CASEDEV_API_KEY": f"{MARKER} {MARKER}"}, "token-malformed"),
        ({"CASEDEV_API_KEY": f"{MARKER}ä"}, "token-malformed"),
        ({"CASEDEV_API_KEY": MARKER * 1000}, "token-malformed"),
    ],
)
def test_tokens(environ: dict[str, str], code: str) -> None:
    error = refused("casedev", environ, **CASEDEV)
    assert (error.problems[0].code, error.exit_code) == (code, 78)
    assert error.problems[0].variable.startswith("CASEDEV_API_KEY")


def test_every_token_is_wanted() -> None:
    for name, service in PROVIDERS.items():
        arguments = dict.fromkeys(service.required, "x")
        for variable in service.tokens:
            others = dict.fromkeys({*service.tokens} - {variable}, "t")
            assert refused(name, others, **arguments).problems[0].variable == variable


def test_no_token_is_an_argument() -> None:
    assert not [
        name for name in request.ConnectionRequest._fields if "token" in name or "key" in name or "password" in name
    ]


def test_the_command_takes_what_the_providers_take() -> None:
    known = {name: (service.required, service.optional) for name, service in PROVIDERS.items()}
    assert known == options.PROVIDERS
    for name, service in PROVIDERS.items():
        assert all(variable in options.TITLES[name] for variable in service.tokens)


def test_errors_survive_pickling_without_what_the_server_said() -> None:
    error = refused("casedev", **CASEDEV)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (again.problems, again.exit_code, str(again)) == (error.problems, error.exit_code, str(error))
    refusal = QueryError(error.problems, "42P01", envconn.Secret(MARKER))
    again = copy.copy(refusal)
    assert (again.sqlstate, again.server_message) == ("42P01", None)
    assert find(MARKER, failure_surfaces(refusal)) == {}


@pytest.mark.measured
@pytest.mark.parametrize("provider", [["casedev", "--project", "x"], ["scalingo", "--app", "x"]])
def test_without_httpx(provider: list[str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "httpx.py").write_text("raise ImportError\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("CASEDEV_API_KEY", "t")
    monkeypatch.setenv("SCALINGO_API_TOKEN", "t")
    done = subprocess.run(
        [sys.executable, "-m", "envconn", "fetch", *provider], check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr.endswith("httpx is not installed. Run pip install 'envconn[remote]' [extra-missing]\n")


def test_httpx_is_loaded_for_the_first_request() -> None:
    code = "import sys, envconn.remote, envconn.cli.fetch; print({'httpx', 'httpcore'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout == "set()\n"


def test_no_file_says_where_a_token_is_sent(tmp_path: Path) -> None:
    written = tmp_path / ".env"
    written.write_text("ENVCONN_API_CASEDEV=https://127.0.0.1:1\n", encoding="utf-8")
    with pytest.raises(RemoteError, match="ENVCONN_API_CASEDEV: is set in a file") as caught:
        get_connection("casedev", environ={"CASEDEV_API_KEY": "t"}, env_file=written, **CASEDEV)
    assert (caught.value.problems[0].code, caught.value.exit_code) == ("address-invalid", 78)
