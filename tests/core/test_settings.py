"""`envconn.Settings`: connections beside an application's own fields, whatever pydantic-settings is told to do."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import AliasChoices, AliasPath, ConfigDict, Field
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

import envconn

URL = "postgresql://app:secret@db.example.com/app"
OTHER = "postgresql://app:secret@other.example.com/app"


MISSING = ["broker", "results", "cache"]


class App(envconn.Settings):
    debug: bool = False
    name: str = "app"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    monkeypatch.setenv("ANALYTICS_DATABASE_URL", OTHER)
    monkeypatch.setenv("DEBUG", "1")


def made(**config: Any) -> type[App]:
    """A subclass of `App` with another configuration."""

    class Configured(App):
        model_config = cast("SettingsConfigDict", config)

    return Configured


@pytest.mark.usefixtures("environment")
def test_fields() -> None:
    settings = App()
    assert (settings.debug, settings.name) == (True, "app")
    assert list(App.model_fields) == [
        "database",
        "databases",
        "broker",
        "results",
        "cache",
        "services",
        "debug",
        "name",
    ]
    assert settings.database is settings.services.database is settings.databases["database"]
    assert list(settings.databases) == ["database", "analytics"]
    assert settings.database.host == "db.example.com"
    assert [settings.services.get(name) for name in MISSING] == [None, None, None]
    assert repr(settings).startswith("App(database=<SecuredConnection database: ")


# Older pydantic has only populate_by_name.
_BY_NAME = [("validate_by_name", True), ("validate_by_alias", False)]
BY_NAME_ALONE = {option: value for option, value in _BY_NAME if option in ConfigDict.__annotations__}
WORDS = {"DATABASE": "app", "DATABASES": "one two", "BROKER": "{", "CACHE": "1", "SERVICES": "[", "SERVICES__X": "y"}


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("prefix", ["", "APP_"])
@pytest.mark.parametrize("delimiter", [None, "__"])
@pytest.mark.parametrize("names", [{}, {"populate_by_name": True}, {"validate_by_name": True}, BY_NAME_ALONE])
@pytest.mark.parametrize("place", ["environment", "dotenv", "secrets"])
def test_variables_called_like_the_fields(
    place: str, names: dict[str, bool], delimiter: str | None, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {f"{prefix}{name}": value for name, value in WORDS.items()}
    if place == "environment":
        for name, value in words.items():
            monkeypatch.setenv(name, value)
    elif place == "dotenv":
        Path(".env").write_text("".join(f"{name}='{value}'\n" for name, value in words.items()), encoding="utf-8")
    else:
        for name, value in words.items():
            Path(name.lower()).write_text(value, encoding="utf-8")
    settings = made(
        env_prefix=prefix,
        env_nested_delimiter=delimiter,
        **names,
        secrets_dir="." if place == "secrets" else None,
    )()
    assert list(settings.services) == ["database", "analytics"]
    assert settings.model_dump()["cache"] is None


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("names", [{}, {"validate_by_name": True}, BY_NAME_ALONE])
def test_arguments_by_name(names: dict[str, bool], monkeypatch: pytest.MonkeyPatch) -> None:
    app: Any = made(**names)
    monkeypatch.setenv("DATABASE", "app")
    assert app(database=f"{URL}2").database.dbname == "app2"
    assert app(services=envconn.load({"DATABASE_URL": OTHER}, env_file=None)).database.host == "other.example.com"
    assert app.model_validate({"database": OTHER}).database.host == "other.example.com"


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("extra", ["allow", "forbid", "ignore"])
@pytest.mark.parametrize("sensitive", [False, True])
@pytest.mark.parametrize("prefix", ["", "SITE_"])
def test_variables_of_connections_are_no_extra_fields(extra: str, sensitive: object, prefix: str) -> None:
    Path("held").write_text(f"{OTHER}\n", encoding="utf-8")
    Path(".env").write_text(
        f"DATABASE_URL={URL}\nDIRECT_URL=$FAR\nFAR={URL}?sslmode=require\nSITE_DATABASE_URL={OTHER}\n"
        f"THIRD_DATABASE_URL_FILE=held\nfourth_DATABASE_URL=\nPGSSLMODE=require\nENVCONN_TLS=require\n{prefix}debug=0\n",
        encoding="utf-8",
    )
    settings = made(extra=extra, case_sensitive=sensitive, env_prefix=prefix)()
    assert {"database", "analytics", "site", "third"} <= set(settings.services)
    assert "secret" not in repr(settings)
    assert not settings.model_extra


def test_a_chosen_variable_is_not_an_extra_field() -> None:
    Path(".env").write_text(f"ENVCONN_DATABASE_VARIABLE=OURS\nOURS={URL}\nUNRELATED=1\n", encoding="utf-8")
    settings = made(extra="allow")()
    assert settings.database.origin.variable == "OURS"
    assert settings.model_extra == {"unrelated": "1"}


def test_application_fields_on_the_same_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    class Both(envconn.Settings):
        model_config = SettingsConfigDict(extra="forbid")

        database_url: str
        second: str = Field(validation_alias="DATABASE_URL")
        third: str = Field(validation_alias=AliasChoices("NOWHERE", AliasPath("PG_URL", 0)))

    both: Any = Both
    Path(".env").write_text(f"DATABASE_URL={URL}\n", encoding="utf-8")
    monkeypatch.setenv("PG_URL", json.dumps([URL]))
    with pytest.raises(envconn.ConfigurationError):
        both()
    monkeypatch.setenv("ENVCONN_DATABASE_VARIABLE", "DATABASE_URL")
    settings = both()
    assert settings.database_url == settings.second == settings.third == URL


@pytest.mark.parametrize(
    ("config", "arguments", "host"),
    [
        ({}, {}, "default"),
        ({"env_file": "one"}, {}, "one"),
        ({"env_file": Path("one")}, {}, "one"),
        ({"env_file": ("one", "two")}, {}, "two"),
        ({"env_file": ["two", "one", "missing"]}, {}, "one"),
        ({"env_file": ("missing", ".env")}, {}, "default"),
        ({"env_file": "one"}, {"_env_file": "two"}, "two"),
        ({}, {"_env_file": (Path("two"), "one")}, "one"),
        ({}, {"_env_file": "~/three"}, "three"),
    ],
)
def test_env_file(config: dict[str, Any], arguments: dict[str, Any], host: str) -> None:
    home = Path(os.environ["HOME"])
    for path, name in ((".env", "default"), ("one", "one"), ("two", "two"), (home / "three", "three")):
        Path(path).write_text(f"DATABASE_URL=postgresql://a:b@{name}/c\nNAME={name}\n", encoding="utf-8")
    settings = made(**config)(**arguments)
    assert (settings.database.host, settings.name) == (host, host)


@pytest.mark.parametrize("arguments", [{"_env_file": None}, {"_env_file": "missing"}, {"_env_file": ()}])
def test_no_env_file(arguments: dict[str, Any]) -> None:
    Path(".env").write_text(f"DATABASE_URL={URL}\n", encoding="utf-8")
    with pytest.raises(envconn.ConfigurationError, match="DATABASE_URL: not set"):
        App(**arguments)


def test_env_file_further_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """`env_file_depth` came to pydantic-settings later than our oldest; where it is not known, nothing is found."""
    Path(".env").write_text(f"DATABASE_URL={URL}\nNAME=above\n", encoding="utf-8")
    Path("a/b").mkdir(parents=True)
    monkeypatch.chdir("a/b")
    known = "env_file_depth" in BaseSettings.model_config
    try:
        found = made(env_file_depth=2)().name
    except envconn.ConfigurationError:
        found = ""
    assert found == ("above" if known else "")


@pytest.mark.parametrize("content", [b"NAME=\xe9\n", b"A B '\n" + b"NAME=\xff"])
def test_env_file_in_another_encoding(content: bytes) -> None:
    Path(".env").write_bytes(content)
    with pytest.raises(envconn.ConfigurationError) as caught:
        App()
    with pytest.raises(envconn.ConfigurationError) as loaded:
        envconn.load()
    assert caught.value.problems == loaded.value.problems


@pytest.mark.usefixtures("environment")
def test_other_files_that_cannot_be_read() -> None:
    Path(".env").write_text("NAME=é\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="not encoded as stated") as caught:
        made(env_file_encoding="ascii")()
    assert caught.value.__cause__ is caught.value.__context__ is None

    def fail() -> str:
        raise PermissionError("of the application")

    class Failing(App):
        token: str = Field(default_factory=fail)

    with pytest.raises(PermissionError, match="of the application"):
        Failing()


def test_a_policy_is_refused_where_it_would_be_ignored() -> None:
    class Own(envconn.Settings):
        policy: str

    with pytest.raises(TypeError, match="does not support policy"):
        envconn.Settings(database=URL, policy=envconn.Policy(tls="verify-full"))
    assert Own(database=cast("Any", URL), policy="mine").policy == "mine"
