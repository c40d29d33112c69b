"""The marker password through every public object that works, and through what programs call by hand."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import socket
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg
import pydantic
import pytest

import envconn
import envconn_psycopg
from envconn.cli import main
from envconn.drivers import libpq
from envconn.selection import select_services
from envconn.settings import HiddenInputModel
from leaks import MARKERS, failure_surfaces, find, value_surfaces

if TYPE_CHECKING:
    from collections.abc import Callable

    from throwaway.certificates import Certificates


@pytest.fixture(params=MARKERS.values(), ids=list(MARKERS))
def marker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> str:
    assert isinstance(request.param, str)
    monkeypatch.setenv("PYDANTIC_SETTINGS_DEBUG", "1")
    caplog.set_level(logging.DEBUG)
    return request.param


@pytest.fixture
def uri(marker: str, certificates: Certificates) -> str:
    """A right one, with the marker as password and as passphrase of a key."""
    word, pair = quote(marker, safe=""), certificates.good
    return (
        f"postgresql://app:{word}@db.example.com/app?sslmode=verify-full&sslrootcert={certificates.ca}"
        f"&sslcert={pair.chain}&sslkey={pair.key}&sslpassword={word}&pool_timeout={word}"
    )


@pytest.fixture
def environment(uri: str, marker: str, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "$SOMEWHERE")
    monkeypatch.setenv("SOMEWHERE", f" {uri}\n")
    monkeypatch.setenv("ANALYTICS_DATABASE_URL", f"postgresql://app@10.1.2.3/app?password={quote(marker, safe='')}")
    monkeypatch.setenv("LOCAL_DATABASE_URL", f"host=/run user=app dbname=app password='{marker}'")
    monkeypatch.setenv("DIRECT_URL", uri)
    monkeypatch.setenv("DATABASE_CA_CERT", certificates.ca.read_text(encoding="ascii"))


def shown(marker: str, *values: object) -> dict[str, str]:
    """Everything about `values` that shows a piece of the marker."""
    looks = {f"{type(value).__name__} {way}": text for value in values for way, text in value_surfaces(value).items()}
    return find(marker, looks)


def public(value: object) -> list[object]:
    """`value` and its public attributes, two levels deep; only what hands secrets out on purpose is not called."""
    found = [value]
    for _ in range(2):
        for owner in list(found):
            names = [name for name in dir(owner) if not name.startswith(("_", "model_"))]
            found += [getattr(owner, name) for name in names if type(owner).__module__.startswith(("envconn", "test"))]
    return [each for each in found if not callable(each) and each is not None]


@pytest.mark.usefixtures("environment")
def test_everything_that_load_returns(marker: str, caplog: pytest.LogCaptureFixture) -> None:
    services = envconn.load()
    assert set(services) == {"database", "analytics", "local"}
    report = services.report()
    objects = [each for service in services.values() for each in public(service)]
    assert len(objects) > 60
    assert shown(marker, services, services.databases, report, report.as_dict(), report.lines(), *objects) == {}
    assert shown(marker, select_services(), envconn.Policy(), json.dumps(report.as_dict())) == {}
    assert find(marker, {"log": caplog.text}) == {}


def test_everything_that_parse_and_secure_return(marker: str, uri: str) -> None:
    connection = envconn.parse(uri, "SOME_URL")
    assert connection.parameters["sslpassword"] == connection.foreign["pool_timeout"] == marker
    assert shown(marker, connection, *public(connection), *public(envconn.secure(connection))) == {}
    without = envconn.parse(
        uri.replace("app:", "app?", 1).partition("?")[0] + "@10.1.2.3/app?sslpassword=" + marker[:9]
    )
    assert shown(marker[:9], without, *public(without)) == {}


@pytest.mark.usefixtures("environment")
def test_everything_that_settings_are(marker: str, caplog: pytest.LogCaptureFixture) -> None:
    class Settings(envconn.Settings):
        debug: bool = False

    settings = Settings()
    fields = [value for _, value in settings]
    dumped = [settings.model_dump(), settings.model_dump_json(), settings.model_dump(mode="json")]
    schemas = [Settings.model_json_schema(), Settings.model_json_schema(mode="serialization")]
    copies = [settings.model_copy(), settings.model_copy(deep=True)]
    assert shown(marker, settings, *fields, *dumped, *schemas, *copies) == {}
    assert find(marker, {"log": caplog.text}) == {}


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("argv", [["check"], ["check", "--json"], ["show"], ["show", "--json"]])
def test_commands_that_succeed(marker: str, argv: list[str]) -> None:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        assert main(argv) == 0
    assert out.getvalue()
    assert find(marker, {"out": out.getvalue(), "err": err.getvalue()}) == {}


@pytest.mark.usefixtures("environment")
def test_exec_that_succeeds(marker: str) -> None:
    command = [sys.executable, "-m", "envconn", "exec", "--", sys.executable, "-c", "print('here')"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "here\n"
    assert find(marker, {"out": done.stdout, "err": done.stderr}) == {}


# What a user might paste into a variable. Whatever happens, it is not shown.
RAW = [
    "{raw}",
    "postgresql://{raw}",
    "postgresql://app:{raw}@db.example.com/app",
    "postgresql://{raw}:{raw}@db.example.com/app?x={raw}",
    "postgresql://app:{p}@db.example.com/app?sslmode=disable&password={raw}",
    "postgresql://app@db.example.com/app?sslmode=x&sslpassword={raw}&{raw}",
    "postgresql://app:a&{raw}=@db.example.com/app?x",
    "host=db.example.com dbname=app user=app password={raw} b=c",
    "host=db.example.com dbname=app user=app password='a' {raw}' b=c",
    "host=db.example.com dbname=app user=app sslmode=x sslpassword={raw}",
    "mysql+{raw}://app:{raw}@db.example.com/app",
    "{raw}://app@db.example.com/app",
    "jdbc:postgresql://db.example.com/app?user=app&password={raw}",
]


@pytest.mark.parametrize("template", RAW)
def test_raw_texts(
    template: str, marker: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    text = template.replace("{raw}", marker).replace("{p}", quote(marker, safe=""))
    monkeypatch.setenv("DATABASE_URL", text)
    monkeypatch.setenv("ENVCONN_TLS", "verify-full")
    for call in calls_with(text):
        with pytest.raises(envconn.ConfigurationError) as caught:
            call()
        assert find(marker, failure_surfaces(caught.value) | {"log": caplog.text}) == {}


@pytest.mark.parametrize("ending", ["returns", "raises"])
def test_a_supplied_password_that_cannot_be_one(ending: str, marker: str, caplog: pytest.LogCaptureFixture) -> None:
    def supplier(_: object) -> str:
        if ending == "raises":
            raise ValueError(marker)
        return f"{marker}\0"

    environ = {"DATABASE_URL": "postgresql://app@db.example.com/app?sslmode=require"}
    services = envconn.load(environ, env_file=None, passwords={"database": supplier})
    with pytest.raises(envconn.PasswordUnavailable) as caught:
        envconn_psycopg.kwargs(services)
    assert [problem.code for problem in caught.value.problems] == ["password-unavailable"]
    # The frames of the supplier are the program's own, and hold what it works with.
    assert find(marker, failure_surfaces(caught.value, called=False) | {"log": caplog.text}) == {}


@pytest.mark.parametrize("name", ["DB_PASSWORD", "PGPASSWORD"])
def test_a_password_that_looks_like_an_alias(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    word = MARKERS["plain"]
    family = {"DB_HOST": "h", "DB_USER": "u", "DB_NAME": "n", "PGHOST": "h", "PGUSER": "u", "PGDATABASE": "n"}
    for variable, value in {**family, name: f"${word}"}.items():
        if variable.startswith(name[:2]):
            monkeypatch.setenv(variable, value)
    with pytest.raises(envconn.ConfigurationError) as caught:
        envconn.load()
    assert [problem.code for problem in caught.value.problems] == ["alias-missing"]
    assert find(word, failure_surfaces(caught.value)) == {}


def calls_with(text: str) -> list[Callable[[], object]]:
    class Model(pydantic.BaseModel):
        database: envconn.SecuredConnection

    class Careful(HiddenInputModel):
        database: envconn.SecuredConnection

    return [
        envconn.load,
        lambda: envconn.load({"DATABASE_URL": text, "ENVCONN_TLS": "verify-full"}, env_file=None),
        lambda: Careful.model_validate({"database": text}),
        envconn.Settings,
        lambda: envconn.Settings(database=text),
        lambda: envconn.Settings(databases={"analytics": text}),
        lambda: envconn.Settings(_env_file=None, broker=text),
        lambda: Model.model_validate({"database": text}),
        lambda: Model.model_validate_json(json.dumps({"database": text})),
        lambda: envconn.secure(envconn.parse(text), envconn.Policy(tls="verify-full")),
    ]


def test_old_drivers(marker: str, uri: str) -> None:
    secured = envconn.secure(envconn.parse(f"{uri}&require_auth=scram-sha-256"))
    for version, code in ((12_00_00, "driver-too-old"), (15_00_00, "driver-unsupported")):
        with pytest.raises(envconn.ConfigurationError) as caught:
            libpq.arguments(secured, version)
        assert code in {problem.code for problem in caught.value.problems}
        assert find(marker, failure_surfaces(caught.value)) == {}
    with pytest.raises(envconn.ConfigurationError) as caught:
        libpq.arguments(envconn.secure(envconn.parse(uri)), 12_00_00)
    assert [problem.code for problem in caught.value.problems] == ["driver-too-old"]
    assert find(marker, failure_surfaces(caught.value)) == {}


def test_invalid_policies_and_unavailable_endpoints(marker: str, uri: str) -> None:
    secured = envconn.secure(envconn.parse(uri))
    unchecked: Any = envconn_psycopg
    unchecked_policy: Any = envconn.Policy
    calls: list[Callable[[], Any]] = [
        lambda: unchecked_policy(tls="none", ca=marker),
        lambda: envconn.Policy(waive=("*",), ca=marker),
        lambda: secured.endpoint(pooled=True),
        lambda: unchecked.kwargs(envconn.parse(uri)),
    ]
    for call in calls:
        with pytest.raises((envconn.EnvconnError, TypeError)) as caught:
            call()
        assert find(marker, failure_surfaces(caught.value)) == {}


def connect_asynchronously(secured: envconn.SecuredConnection) -> object:
    return asyncio.run(envconn_psycopg.aconnect(secured))


@pytest.mark.parametrize("call", [envconn_psycopg.connect, connect_asynchronously])
def test_a_server_that_is_not_there(
    call: Callable[[envconn.SecuredConnection], object], marker: str, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
    text = f"postgresql://app:{quote(marker, safe='')}@127.0.0.1:{port}/app?sslpassword={quote(marker, safe='')}"
    secured = envconn.secure(envconn.parse(text))
    with pytest.raises(psycopg.OperationalError) as caught:
        call(secured)
    # What psycopg's own exception keeps in private attributes is psycopg's.
    surfaces = {way: text for way, text in failure_surfaces(caught.value).items() if not way.endswith("error dict")}
    assert "args" in " ".join(surfaces)
    assert find(marker, surfaces | {"log": caplog.text}) == {}
