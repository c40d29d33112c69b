"""Sources that an application adds to its settings: what is found in them, and in which order they are believed."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import envconn
from leaks import failure_surfaces, find
from sourced import HOST, MARKER, RDS, URL, Refused, Vault, VaultSource, adding, holding, other, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_settings import PydanticBaseSettingsSource


@pytest.mark.parametrize("spelling", ["DATABASE_URL", "database_url", "database-url", "Database-Url", "/database/url"])
@pytest.mark.parametrize("first", [False, True])
def test_a_url(spelling: str, first: object, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYDANTIC_SETTINGS_DEBUG", "1")
    caplog.set_level(logging.DEBUG, "pydantic_settings")
    vault = Vault(**{spelling: URL, "unrelated": "secret", "debug": "1"})
    settings = adding(holding(vault, env_nested_delimiter="--"), first=bool(first))()
    assert (settings.database.host, settings.debug) == (HOST, True)
    assert str(settings.database.origin) == "DATABASE_URL (VaultSource)"
    assert {*vault.asked} == {spelling, "debug"}
    assert shown(settings, caplog) == {}


def test_many_names() -> None:
    vault = {
        "SCALINGO_POSTGRESQL_URL": "$MINE",
        "MINE": URL,
        "redis-url": f"rediss://:{MARKER}@cache.example.com/0",
        "analytics/database-url": other("analytics"),
        "EU--DATABASE--URL": other("eu"),
        "ENVCONN_TLS_WAIVE": "plain.example.com",
        "PLAIN_DATABASE_URL": f"{other('plain')}?sslmode=disable",
        "..data/OLD_DATABASE_URL": other("old"),
    }
    settings = adding(holding(vault))()
    assert {name: service.host for name, service in settings.databases.items()} == {
        "database": HOST,
        "analytics": "analytics.example.com",
        "eu": "eu.example.com",
        "plain": "plain.example.com",
    }
    assert settings.database.origin.via == ("MINE",)
    assert settings.broker.host == settings.cache.host == "cache.example.com"
    assert settings.databases["plain"].tls.waived == "plain.example.com"


def test_parts_and_files_among_the_names() -> None:
    Path("held").write_text(MARKER, encoding="utf-8")
    settings = adding(
        holding(
            {"database-host": HOST, "database-name": "app", "database-user": "app", "DATABASE_PASSWORD_FILE": "held"}
        )
    )()
    assert settings.database.password.reveal() == MARKER


def test_json_of_parts_under_a_name() -> None:
    settings = adding(
        holding({"DATABASE_URL": json.dumps(RDS), "two-database-url": {**RDS, "host": "two.example.com"}})
    )()
    assert settings.database.password.reveal() == settings.databases["two"].password.reveal() == MARKER
    assert settings.databases["two"].host == "two.example.com"


@pytest.mark.parametrize(
    ("prefix", "config", "host"),
    [
        ("", "", "plain.example.com"),
        ("app-", "", "app.example.com"),
        ("APP_", "", "app.example.com"),
        (None, "APP_", "plain.example.com"),
        ("app-", "APP_", "app.example.com"),
        ("none-", "", None),
    ],
)
def test_a_prefix(prefix: str | None, config: str, host: str | None) -> None:
    """One of the source's own tells whose secrets they are; one of the model means nothing, as in the environment."""
    vault = Vault(**{"app-database-url": other("app"), "database-url": other("plain")})
    model = adding(holding(vault, env_prefix=prefix), env_prefix=config)
    if host is None:
        with pytest.raises(envconn.ConfigurationError, match="DATABASE_URL: not set"):
            model()
        assert vault.asked == []
    else:
        assert model().database.host == host


def test_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    model = adding(holding({"DATABASE_URL": other("one")}), holding({"DATABASE_URL": other("two")}))
    assert model().database.host == "one.example.com"
    Path(".env").write_text(f"DATABASE_URL={other('dotenv')}\n", encoding="utf-8")
    assert model().database.host == "one.example.com"
    monkeypatch.setenv("DATABASE_URL", URL)
    settings = model()
    assert settings.database.host == HOST
    notes = [str(note) for note in settings.services.report().notes]
    wins = "DATABASE_URL: the process environment overrides the different value in"
    assert notes == [*[f"{wins} a source of settings VaultSource"] * (len(notes) - 1), f"{wins} .env"]
    assert len(notes) > 1
    assert model(database=other("argument")).database.host == "argument.example.com"


def test_blank_hides_what_is_below(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    with pytest.raises(envconn.ConfigurationError, match="DATABASE_URL: not set"):
        adding(holding({"DATABASE_URL": URL}))()


def test_services_as_argument_ask_for_nothing() -> None:
    vault = Vault(DATABASE_URL=URL)
    services = envconn.load({"DATABASE_URL": other("given")}, env_file=None)
    assert adding(holding(vault))(services=services).database.host == "given.example.com"
    assert (vault.asked, vault.listed) == ([], 0)


def test_two_names_contradict_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRESQL_URL", URL)
    with pytest.raises(envconn.ConfigurationError) as caught:
        adding(holding({"database-url": other("vault")}))()
    assert str(caught.value) == (
        f"DATABASE_URL: conflicts with POSTGRESQL_URL (on {HOST}): this one is on vault.example.com, from a source of "
        "settings VaultSource. Remove all but one, or set ENVCONN_DATABASE_VARIABLE=DATABASE_URL to use this one"
    )
    monkeypatch.setenv("ENVCONN_DATABASE_VARIABLE", "DATABASE_URL")
    assert adding(holding({"database-url": other("vault")}))().database.host == "vault.example.com"


@pytest.mark.parametrize("failure", [Refused(URL), KeyError(URL), None])
def test_a_secret_that_cannot_be_read(failure: Exception | None) -> None:
    vault = Vault(DATABASE_URL=failure, ANALYTICS_DATABASE_URL=f"{URL}?sslmode=disable")
    with pytest.raises(envconn.ConfigurationError) as caught:
        adding(holding(vault))()
    assert [problem.code for problem in caught.value.problems] == ["secret-unavailable", "tls-disabled"]
    reasons = {"Refused": "Refused 403", "KeyError": "KeyError", "NoneType": "the secret has no text"}
    reason = reasons[type(failure).__name__]
    assert str(caught.value).startswith(
        f"DATABASE_URL: cannot be read from a source of settings ({reason}). Grant access"
    )
    assert find(MARKER, failure_surfaces(caught.value)) == {}


def test_a_secret_that_is_not_needed_may_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    assert adding(holding(Vault(DATABASE_URL=Refused())))().database.host == HOST


def test_a_choice_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVCONN_DATABASE_VARIABLE", "MINE")
    with pytest.raises(envconn.ConfigurationError) as caught:
        adding(holding(Vault(MINE=Refused())))()
    assert [problem.code for problem in caught.value.problems] == ["secret-unavailable"]


class Shut(Vault):
    def __iter__(self) -> Iterator[str]:
        raise Refused(URL)


def test_names_that_cannot_be_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    model = adding(holding(Shut(DATABASE_URL=URL)))
    with pytest.raises(envconn.ConfigurationError) as caught:
        model()
    assert [problem.code for problem in caught.value.problems] == ["database-missing", "secrets-unlisted"]
    assert "VaultSource: the names of its secrets cannot be listed (Refused 403)" in str(caught.value)
    assert find(MARKER, failure_surfaces(caught.value)) == {}
    monkeypatch.setenv("DATABASE_URL", URL)
    settings = model()
    assert [note.code for note in settings.services.report().notes] == ["secrets-unlisted"]


@pytest.mark.parametrize("vault", [{}, {"DATABASE_URL": ""}, {"DATABASE_URL": " "}, {"DATABASE_URL": None}])
def test_nothing_in_it(vault: dict[str, Any]) -> None:
    with pytest.raises(envconn.ConfigurationError, match="DATABASE_URL: not set"):
        adding(holding(vault))()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (MARKER, "scheme-missing"),
        (5, "scheme-missing"),
        (f"{URL}\x00", "text-nul"),
        (URL + MARKER * 9999, "text-too-long"),
        (f"{{{URL}", "json-invalid"),
    ],
)
def test_no_connection_string(text: object, code: str) -> None:
    with pytest.raises(envconn.ConfigurationError) as caught:
        adding(holding({"DATABASE_URL": text}))()
    assert find(MARKER, failure_surfaces(caught.value)) == {}
    assert [(problem.code, problem.variable) for problem in caught.value.problems] == [(code, "DATABASE_URL")]


def test_an_argument_of_the_call_is_never_dropped() -> None:
    with pytest.raises(ValueError, match="DATABASE_URL"):
        adding(holding({"DATABASE_URL": URL}), extra="forbid")(DATABASE_URL=URL)


def test_a_mixin_that_adds_a_source() -> None:
    class Mixin:
        @classmethod
        def settings_customise_sources(cls, *args: Any, **kwargs: Any) -> tuple[PydanticBaseSettingsSource, ...]:
            usual = super().settings_customise_sources(*args, **kwargs)  # type: ignore[misc]
            return (*usual, VaultSource(cls, {"DATABASE_URL": URL}))

    class Mixed(Mixin, envconn.Settings):
        debug: bool = False

    assert Mixed().database.host == HOST

    class Below(Mixed):
        @classmethod
        def settings_customise_sources(cls, *args: Any, **kwargs: Any) -> tuple[PydanticBaseSettingsSource, ...]:
            usual = super().settings_customise_sources(*args, **kwargs)
            return (*usual, VaultSource(cls, {"ANALYTICS_DATABASE_URL": URL}))

    assert list(Below().databases) == ["database", "analytics"]


def test_an_error_in_an_application_source() -> None:
    class Mistaken(VaultSource):
        def __call__(self) -> dict[str, Any]:
            raise KeyError("of the application")

    with pytest.raises(KeyError, match="of the application"):
        adding(lambda cls: Mistaken(cls, {}))()
