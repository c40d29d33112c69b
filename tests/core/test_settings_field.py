"""`SecuredConnection` as the type of a field in any model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError, create_model
from pydantic_settings import BaseSettings, SettingsConfigDict

import envconn
from envconn import SecuredConnection

URL = "postgresql://app:secret@db.example.com/app"
OTHER = "postgresql://app:secret@other.example.com/app"


class Model(BaseModel):
    database: SecuredConnection
    optional: SecuredConnection | None = None
    several: list[SecuredConnection] = Field(default_factory=list)
    named: dict[str, SecuredConnection] = Field(default_factory=dict)


class Analytics(BaseModel):
    analytics: SecuredConnection


model: Any = Model
analytics: Any = Analytics


def test_a_text_is_judged() -> None:
    made = model(database=URL, optional=URL, several=[URL, OTHER], named={"one": OTHER})
    assert (made.database.name, made.database.origin.variable) == ("database", "database")
    assert made.database.tls.level == envconn.TlsLevel.ENCRYPTED
    assert made.optional.name == "optional"
    assert [each.host for each in made.several] == ["db.example.com", "other.example.com"]
    assert made.named["one"].host == "other.example.com"
    assert Model.model_validate_json(json.dumps({"database": URL})).database.host == "db.example.com"


def test_a_connection_stays_itself() -> None:
    secured = envconn.secure(envconn.parse(URL))
    assert Model(database=secured).database is secured


@pytest.mark.parametrize("wrong", [f"{URL}?sslmode=disable", "secret", "redis", f"{URL}?sslmode=verify-full"])
def test_a_wrong_text_is_a_configuration_error(wrong: str) -> None:
    for values in ({"database": wrong}, {"database": URL, "several": [URL, wrong]}):
        with pytest.raises(envconn.ConfigurationError) as caught:
            model(**values)
        assert caught.value.problems[0].variable in {"database", "several"}
        assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize("wrong", [1, None, [URL], envconn.parse(URL)])
def test_a_value_that_is_not_text_is_a_validation_error(wrong: object) -> None:
    with pytest.raises(ValidationError) as caught:
        model(database=wrong)
    assert [found["type"] for found in caught.value.errors()] == ["secured_connection"]


def test_missing_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(envconn.ConfigurationError, match="DATABASE_URL: not set"):
        model()
    monkeypatch.setenv("DATABASE_URL", URL)
    made = model()
    assert made.database.origin.variable == "DATABASE_URL"
    assert made.optional is None
    assert analytics().analytics.origin.variable == "DATABASE_URL"
    monkeypatch.setenv("ANALYTICS_DATABASE_URL", OTHER)
    assert analytics().analytics.origin.variable == "ANALYTICS_DATABASE_URL"
    assert analytics(analytics=" ").analytics.origin.variable == "ANALYTICS_DATABASE_URL"


def test_the_policy_is_the_one_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVCONN_TLS_WAIVE", "db.example.com")
    assert model(database=f"{URL}?sslmode=disable").database.tls.waived == "db.example.com"
    monkeypatch.setenv("ENVCONN_TLS", "everything")
    with pytest.raises(envconn.ConfigurationError, match="ENVCONN_TLS: is invalid"):
        model(database=URL)


def test_in_the_settings_of_an_application(monkeypatch: pytest.MonkeyPatch) -> None:
    class Own(BaseSettings):
        model_config = SettingsConfigDict(env_prefix="OWN_")

        main: SecuredConnection = Field(validation_alias="DATABASE_URL")
        second: SecuredConnection
        optional: SecuredConnection | None = None
        several: list[SecuredConnection] = Field(default_factory=list)

    own: Any = Own
    monkeypatch.setenv("DATABASE_URL", "$SCALINGO_POSTGRESQL_URL")
    monkeypatch.setenv("SCALINGO_POSTGRESQL_URL", URL)
    monkeypatch.setenv("OWN_SEVERAL", json.dumps([URL, OTHER]))
    settings = own()
    assert str(settings.main.origin) == "main -> SCALINGO_POSTGRESQL_URL"
    assert settings.second.host == "db.example.com"
    assert settings.optional is None
    assert len(settings.several) == 2
    monkeypatch.setenv("OWN_SECOND", OTHER)
    monkeypatch.setenv("OWN_OPTIONAL", OTHER)
    assert own().second.host == own().optional.host == "other.example.com"
    monkeypatch.setenv("DATABASE_URL", "$NOWHERE")
    with pytest.raises(envconn.ConfigurationError, match="main: is a dollar sign and a name, which makes it an alias"):
        own()


def test_in_other_places() -> None:
    @dataclass
    class Plain:
        database: SecuredConnection

    assert TypeAdapter(SecuredConnection).validate_python(URL).name == "database"
    assert TypeAdapter(Plain).validate_python({"database": URL}).database.host == "db.example.com"
    assert TypeAdapter(dict[str, SecuredConnection]).validate_json(json.dumps({"one": URL}))["one"].host


def test_dumps_and_schema() -> None:
    made = model(database=URL, named={"one": OTHER})
    assert made.model_dump()["database"] is made.database
    assert json.loads(made.model_dump_json()) == {
        "database": str(made.database),
        "optional": None,
        "several": [],
        "named": {"one": str(made.named["one"])},
    }
    properties = Model.model_json_schema()["properties"]
    assert properties["database"] == {"title": "Database", "type": "string", "writeOnly": True}
    assert "default" not in properties["database"]


@pytest.mark.parametrize("name", ["broker", "cache"])
def test_a_database_as_the_broker_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    fields: dict[str, Any] = {name: (SecuredConnection, ...)}
    made: Any = create_model("Made", **fields)
    with pytest.raises(envconn.ConfigurationError) as caught:
        made()
    assert [problem.code for problem in caught.value.problems] == ["service-missing"]
    monkeypatch.setenv("REDIS_URL", "rediss://:secret@cache.example.com/0")
    assert getattr(made(), name).family == "redis"
