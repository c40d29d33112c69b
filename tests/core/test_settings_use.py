"""`envconn.Settings`: arguments, dumps, the command line, sources of one's own."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import pytest
from pydantic_settings import CliApp, PydanticBaseSettingsSource, SettingsConfigDict

import envconn
from envconn.settings import HiddenInputModel

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "postgresql://app:secret@db.example.com/app"
OTHER = "postgresql://app:secret@other.example.com/app"
LOCAL = "postgresql://app:secret@127.0.0.1/app"


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


def test_validation_errors_are_discreet() -> None:
    assert issubclass(App, HiddenInputModel)


SECURED = envconn.secure(envconn.parse(LOCAL))


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("given", [SECURED, LOCAL])
def test_a_database_as_argument(given: Any) -> None:
    settings = App(database=given)
    assert (
        settings.database.host == settings.services.database.host == settings.databases["database"].host == "127.0.0.1"
    )
    assert settings.services.report().services["database"] is settings.database
    assert settings.databases["analytics"].host == "other.example.com"


@pytest.mark.parametrize("given", [SECURED, LOCAL])
def test_a_database_as_argument_needs_no_environment(given: Any) -> None:
    assert App(database=given).database.host == "127.0.0.1"
    assert App(databases={"one": given}).databases["one"].host == "127.0.0.1"


def test_an_environment_that_is_wrong_stays_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYTICS_DATABASE_URL", f"{URL}?sslmode=disable")
    with pytest.raises(envconn.ConfigurationError, match="ANALYTICS_DATABASE_URL: sslmode=disable"):
        App(database=SECURED)


@pytest.mark.usefixtures("environment")
def test_other_arguments() -> None:
    databases: dict[str, Any] = {"one": LOCAL, "two": SECURED}
    broker = envconn.secure(envconn.parse("rediss://:secret@cache.example.com/0"))
    settings = App(databases=databases, broker=broker, cache=cast("Any", None), debug=False)
    assert list(settings.databases) == ["one", "two"]
    assert settings.services["one"] is settings.databases["one"]
    assert settings.broker is settings.services.broker is broker
    assert ("cache" in settings.services, settings.debug) == (False, False)
    services = envconn.load({"DATABASE_URL": OTHER}, env_file=None)
    settings = App(services=services)
    assert settings.services is services
    assert settings.database is services.database
    settings = App(databases=services.databases)
    assert settings.databases == {"database": services.database}


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_argument_is_refused(blank: str) -> None:
    app: Any = App
    with pytest.raises(envconn.ConfigurationError, match="database: the value is empty"):
        app(database=blank)


def test_arguments_are_judged_as_the_environment_demands(monkeypatch: pytest.MonkeyPatch) -> None:
    app: Any = App
    Path("prod.env").write_text("ENVCONN_TLS=verify-full\n", encoding="utf-8")
    assert app(database=URL).database.tls.level == envconn.TlsLevel.ENCRYPTED
    with pytest.raises(envconn.ConfigurationError, match="requires a CA"):
        app(_env_file="prod.env", database=URL)
    monkeypatch.setenv("ENVCONN_TLS_WAIVE", "db.example.com")
    assert app(database=f"{URL}?sslmode=disable").database.tls.waived == "db.example.com"


@pytest.mark.usefixtures("environment")
def test_dumps_and_copies() -> None:
    settings = App()
    assert settings.model_dump() == {
        "database": settings.database,
        "databases": dict(settings.databases),
        "broker": None,
        "results": None,
        "cache": None,
        "debug": True,
        "name": "app",
    }
    dumped = json.loads(settings.model_dump_json())
    assert dumped["database"] == str(settings.database)
    assert dumped["cache"] is None
    assert App.model_json_schema(by_alias=False)["properties"]["database"]["writeOnly"]
    assert App.model_json_schema(mode="serialization")["properties"]["cache"]["anyOf"][1] == {"type": "null"}
    for twin in (copy.copy(settings), copy.deepcopy(settings), settings.model_copy(deep=True)):
        assert twin.database is settings.database
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(settings)


def test_build_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVCONN_PHASE", "build")
    settings = App()
    assert settings.databases == {}
    with pytest.raises(envconn.ServiceMissing, match="DATABASE_URL: not set"):
        _ = settings.database
    assert json.loads(settings.model_dump_json())["database"] is None


SINGLE = {
    "database": "DATABASE_URL",
    "broker": "BROKER_URL",
    "results": "CELERY_RESULT_BACKEND",
    "cache": "CACHE_URL",
}


@pytest.mark.parametrize("name", SINGLE)
def test_a_service_that_is_missing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYTICS_DATABASE_URL", OTHER)
    settings = App()
    with pytest.raises(envconn.ServiceMissing) as caught:
        getattr(settings, name)
    with pytest.raises(envconn.ServiceMissing) as loaded:
        getattr(envconn.load(), name)
    assert caught.value.problems == loaded.value.problems
    assert caught.value.problems[0].variable == SINGLE[name]
    assert not hasattr(settings, name)
    assert dict(inspect.getmembers(envconn.load())).keys().isdisjoint(SINGLE)
    assert (caught.value.name, caught.value.obj) == (None, None)  # with which Python suggests another attribute
    assert settings.model_dump()[name] is json.loads(settings.model_dump_json())[name] is None
    assert f"{name}=None" in repr(settings)
    for twin in (copy.copy(settings), copy.deepcopy(settings), settings.model_copy()):
        assert twin == settings
        with pytest.raises(envconn.ServiceMissing):
            getattr(twin, name)


def test_an_application_field_may_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    class Redefined(App):
        cache: Any = None
        results: ClassVar[Any] = None  # type: ignore[misc]
        remark: str | None = None

    monkeypatch.setenv("DATABASE_URL", URL)
    settings = Redefined()
    assert settings.cache is settings.results is settings.remark is None
    with pytest.raises(envconn.ServiceMissing):
        _ = settings.broker
    with pytest.raises(AttributeError):
        _ = cast("Any", settings).brokers


@pytest.mark.parametrize("name", SINGLE)
def test_a_service_that_is_removed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app: Any = App
    with pytest.raises(envconn.ConfigurationError, match="DATABASE_URL: not set"):
        app(**{name: None})
    monkeypatch.setenv("DATABASE_URL", URL)
    monkeypatch.setenv("ANALYTICS_DATABASE_URL", OTHER)
    monkeypatch.setenv("REDIS_URL", "rediss://:secret@cache.example.com/0")
    monkeypatch.setenv("CELERY_RESULT_BACKEND", "rediss://:secret@cache.example.com/1")
    assert set(app().services) == {*SINGLE, "analytics"}
    settings = app(**{name: None})
    assert set(settings.services) == set(settings.services.report().services) == {*SINGLE, "analytics"} - {name}
    assert name not in settings.databases
    with pytest.raises(envconn.ServiceMissing):
        getattr(settings, name)
    copied = app().model_copy(update={name: None})
    with pytest.raises(envconn.ServiceMissing):
        getattr(copied, name)


@pytest.mark.usefixtures("environment")
def test_constructed_without_reading() -> None:
    settings = App.model_construct(debug=True)
    assert (settings.debug, settings.name, settings.databases, dict(settings.services)) == (True, "app", {}, {})
    assert not settings.services.report().notes
    for name in SINGLE:
        with pytest.raises(envconn.ServiceMissing):
            getattr(settings, name)
    with pytest.raises(TypeError, match="cannot be reloaded"):
        settings.services.reload()
    given = App.model_construct(database=SECURED)
    assert given.database is SECURED
    assert given.model_dump(exclude_unset=True) == {"database": SECURED}


@pytest.mark.usefixtures("environment")
def test_cached() -> None:
    cached: Callable[[], App] | None = getattr(App, "settings_cached", None)  # not in our oldest
    assert cached is None or cached() is cached()


@pytest.mark.usefixtures("environment")
def test_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert CliApp.run(App, cli_args=["--debug", "false"]).debug is False
    assert made(cli_parse_args=["--name=other"])().name == "other"
    with pytest.raises(SystemExit) as caught:
        CliApp.run(App, cli_args=["--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert "--debug" in shown
    assert "database" not in shown


class _More(PydanticBaseSettingsSource):
    def get_field_value(self, field: object, field_name: str) -> tuple[Any, str, bool]:
        raise NotImplementedError

    def __call__(self) -> dict[str, Any]:
        assert self.current_state["envconn:services"]
        return {"name": "more", "database": {"host": "not ours"}}


class Wider(App):
    @classmethod
    def settings_customise_sources(cls, *args: Any, **kwargs: Any) -> tuple[PydanticBaseSettingsSource, ...]:
        return (*super().settings_customise_sources(*args, **kwargs), _More(cls))


class Watched(App):
    seen: ClassVar[list[PydanticBaseSettingsSource]] = []

    @classmethod
    def settings_customise_sources(cls, *args: Any, **kwargs: Any) -> tuple[PydanticBaseSettingsSource, ...]:
        cls.seen[:] = super().settings_customise_sources(*args, **kwargs)
        return tuple(cls.seen)


class Narrower(App):
    keep: ClassVar[str] = "env_settings"

    @classmethod
    def settings_customise_sources(cls, *_: Any, **kwargs: Any) -> tuple[PydanticBaseSettingsSource, ...]:
        return (kwargs[cls.keep],)


@pytest.mark.usefixtures("environment")
def test_sources_of_the_application() -> None:
    settings = Wider()
    assert (settings.name, settings.database.host) == ("more", "db.example.com")
    with pytest.raises(TypeError, match="that super"):
        Narrower()


@pytest.mark.usefixtures("environment")
def test_the_source() -> None:
    """It fills all fields together; asked for one, as the interface has it, it says nothing."""
    Watched()
    assert [type(source).__name__ for source in Watched.seen][::3] == ["InitSettingsSource", "SecretsSettingsSource"]
    assert Watched.seen[-1].get_field_value(Watched.model_fields["database"], "database") == (None, "database", False)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("update", [False, True])
def test_partial_updates_of_defaults(update: object) -> None:
    assert made(nested_model_default_partial_update=update)().database.host == "db.example.com"
