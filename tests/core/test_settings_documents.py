"""Documents as settings: a URL or parts in JSON, TOML and ``.env`` files, and nothing of them elsewhere."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import Field
from pydantic_settings import DotEnvSettingsSource, JsonConfigSettingsSource, TomlConfigSettingsSource

import envconn
from leaks import failure_surfaces, find
from sourced import HOST, MARKER, RDS, URL, adding, other, shown, unrelated

if TYPE_CHECKING:
    from collections.abc import Callable


def documented(**content: Any) -> Callable[[Any], JsonConfigSettingsSource]:
    Path("settings.json").write_text(json.dumps(content), encoding="utf-8")
    return lambda cls: JsonConfigSettingsSource(cls, "settings.json")


@pytest.mark.parametrize("extra", ["allow", "ignore", "forbid"])
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("key", ["DATABASE_URL", "database_url", "database"])
def test_a_document(
    key: str, first: object, extra: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYDANTIC_SETTINGS_DEBUG", "1")
    caplog.set_level(logging.DEBUG, "pydantic_settings")
    content = {
        key: URL,
        "debug": True,
        "ENVCONN_BROKER_VARIABLE": "OURS",
        "OURS": f"rediss://:{MARKER}@cache.example.com/0",
    }
    settings = adding(documented(**content), first=bool(first), extra=extra)()
    assert (settings.database.host, settings.broker.host, settings.debug) == (HOST, "cache.example.com", True)
    assert str(settings.database.origin) == "DATABASE_URL (settings.json)"
    assert (unrelated(settings), shown(settings, caplog)) == ({}, {})


def test_fields_in_a_document() -> None:
    content = {
        "database": RDS,
        "databases": {"analytics": other("analytics"), "eu-west": other("eu")},
        "broker": f"amqps://app:{MARKER}@mq.example.com/app",
        "cache": None,
        "kept": 1,
    }
    settings = adding(documented(**content), extra="allow", populate_by_name=True)()
    assert {name: service.host for name, service in settings.databases.items()} == {
        "database": HOST,
        "analytics": "analytics.example.com",
        "eu_west": "eu.example.com",
    }
    assert (settings.broker.family, "cache" in settings.services, unrelated(settings)) == ("amqp", False, {"kept": 1})


def test_the_environment_beats_a_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    for by_name in (False, True):
        model = adding(documented(database=other("file")), first=True, populate_by_name=by_name)
        assert model().database.host == HOST


def test_toml() -> None:
    Path("settings.toml").write_text(f'debug = true\n[databases]\nanalytics = "{URL}"\n', encoding="utf-8")
    settings = adding(lambda cls: TomlConfigSettingsSource(cls, Path("settings.toml")))()
    assert (settings.databases["analytics"].host, settings.debug) == (HOST, True)


def test_another_dotenv_is_not_interpolated(caplog: pytest.LogCaptureFixture) -> None:
    Path("other.env").write_text(f"debug=1\nDATABASE_URL='{URL}${{b}}'\nUNRELATED=1\n", encoding="utf-8")
    settings = adding(lambda cls: DotEnvSettingsSource(cls, env_file=["missing.env", "other.env"]), extra="allow")()
    assert (settings.database.dbname, settings.debug) == ("app${b}", True)
    assert str(settings.database.origin) == "DATABASE_URL (other.env:2)"
    assert unrelated(settings) == {"unrelated": "1"}
    assert shown(settings, caplog) == {}


@pytest.mark.parametrize("content", [f'{{"DATABASE_URL": "{URL}"', f'["{URL}"]', f'"{URL}"'])
def test_an_invalid_document(content: str) -> None:
    Path("settings.json").write_text(content, encoding="utf-8")
    with pytest.raises(envconn.ConfigurationError) as caught:
        adding(lambda cls: JsonConfigSettingsSource(cls, "settings.json"))()
    assert [problem.code for problem in caught.value.problems] == ["source-malformed"]
    assert "JsonConfigSettingsSource: is malformed" in str(caught.value)
    assert find(MARKER, failure_surfaces(caught.value)) == {}


def test_a_field_that_claims_the_name() -> None:
    class Claiming(adding(documented(DATABASE_URL=URL, port="1"))):  # type: ignore[misc]
        url: str = Field(validation_alias="DATABASE_URL")
        port: int = 0

    settings = Claiming()
    assert (settings.url, settings.database.host, settings.port) == (URL, HOST, 1)


@pytest.mark.parametrize("sensitive", [False, True])
def test_a_prefix_that_is_taken_off_the_name_of_a_connection(sensitive: object) -> None:
    key = "URL" if sensitive else "url"
    model = adding(documented(**{key: "another"}), extra="allow", env_prefix="DATABASE_", case_sensitive=sensitive)
    Path(".env").write_text(f"DATABASE_URL={URL}\nDATABASE_other=1\n", encoding="utf-8")
    assert [*unrelated(model()).values()] == ["1"]
    Path(".env").write_text(f"PG_URL={URL}\n", encoding="utf-8")
    assert [*unrelated(model()).values()] == ["another"]
