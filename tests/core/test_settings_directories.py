"""Directories of secrets and the command line, as pydantic-settings reads them."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pydantic_settings
import pytest
from pydantic_settings import (
    CliApp,
    CliSettingsSource,
    PyprojectTomlConfigSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

import envconn
from envconn.settings import parts
from leaks import failure_surfaces, find
from sourced import HOST, MARKER, RDS, URL, adding, other, shown, unrelated

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic_settings import PydanticBaseSettingsSource


def write(path: str, content: str | bytes = URL) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(content if isinstance(content, bytes) else content.encode())


# Directories


@pytest.mark.parametrize("name", ["DATABASE_URL", "database_url", "database-url"])
def test_a_directory(name: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYDANTIC_SETTINGS_DEBUG", "1")
    caplog.set_level(logging.DEBUG, "pydantic_settings")
    write(f"secrets/{name}", f"{URL}\n")
    write("secrets/debug", "1")
    settings = adding(secrets_dir="secrets", extra="allow")()
    assert (settings.database.host, settings.debug) == (HOST, True)
    assert str(settings.database.origin) == "DATABASE_URL (secrets)"
    assert shown(settings, caplog) == {}


def test_a_directory_of_envconn_settings_itself() -> None:
    write("secrets/DATABASE_URL")
    settings: Any = cast("Callable[..., object]", envconn.Settings)(_secrets_dir="secrets")
    assert settings.database.host == HOST


def test_several_directories() -> None:
    write("one/DATABASE_URL", other("one"))
    write("one/REDIS_URL", f"rediss://:{MARKER}@cache.example.com/0")
    write("two/DATABASE_URL", other("two"))
    settings = adding(secrets_dir=("one", "two"))()
    assert (settings.database.host, settings.cache.host) == ("two.example.com", "cache.example.com")


def test_a_mount_of_kubernetes() -> None:
    """The files are links through ``..data``, which is replaced as a whole; older ones may stand beside it."""
    write("secrets/..2024/DATABASE_URL", f"{URL}\n")
    os.symlink("..2024", "secrets/..data")
    os.symlink("..data/DATABASE_URL", "secrets/DATABASE_URL")
    assert list(adding(secrets_dir="secrets")().services) == ["database"]


def test_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    write("secrets/DATABASE_URL", other("mounted"))
    monkeypatch.setenv("DATABASE_URL", URL)
    settings = adding(secrets_dir="secrets")()
    assert settings.database.host == HOST
    [note] = settings.services.report().notes
    assert (note.code, note.message) == (
        "source-ignored",
        "the process environment overrides the different value in a directory of secrets secrets",
    )


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "database-missing"),
        (b" \n", "database-missing"),
        (MARKER.encode(), "scheme-missing"),
        (URL.encode() + b"\xff", "file-binary"),
        (URL.encode() + b"x" * 70_000, "file-too-large"),
        (f"{URL}?sslmode=disable".encode(), "tls-disabled"),
    ],
)
def test_files_that_are_wrong(content: bytes, code: str) -> None:
    write("secrets/DATABASE_URL", content)
    with pytest.raises(envconn.ConfigurationError) as caught:
        adding(secrets_dir="secrets")()
    assert [(problem.code, problem.variable) for problem in caught.value.problems] == [(code, "DATABASE_URL")]
    assert find(MARKER, failure_surfaces(caught.value)) == {}


@pytest.mark.parametrize(
    ("make", "code"),
    [(os.mkdir, "file-directory"), (os.mkfifo, "file-special"), (lambda path: os.symlink("x", path), "file-missing")],
)
def test_no_files(make: Callable[[str], None], code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkdir("secrets")
    make("secrets/DATABASE_URL")
    model = adding(secrets_dir="secrets")
    with pytest.raises(envconn.ConfigurationError) as caught:
        model()
    assert [problem.code for problem in caught.value.problems] == [code]
    monkeypatch.setenv("DATABASE_URL", URL)
    assert model().database.host == HOST


def test_a_directory_that_is_missing() -> None:
    with (
        pytest.warns(UserWarning, match="does not exist"),
        pytest.raises(envconn.ConfigurationError, match="DATABASE_URL: not set"),
    ):
        adding(secrets_dir="missing")()


def test_parts_in_a_directory() -> None:
    for key, value in RDS.items():
        write(f"orders/{key}", f"{value}\n")
    model = adding(lambda cls: parts(pydantic_settings.SecretsSettingsSource(cls, "orders"), "orders"))
    assert model().databases["orders"].password.reveal() == MARKER
    write("orders/password", b"\xff")
    with pytest.raises(envconn.ConfigurationError, match="ORDERS_DATABASE_URL: password: the file is not UTF-8 text"):
        model()


class Nested(envconn.Settings):
    model_config = SettingsConfigDict(secrets_dir="secrets")

    @classmethod
    def settings_customise_sources(cls, *args: Any, **kwargs: Any) -> tuple[PydanticBaseSettingsSource, ...]:
        nested: Any = pydantic_settings.NestedSecretsSettingsSource  # not in our oldest
        kwargs["file_secret_settings"] = nested(kwargs["file_secret_settings"], secrets_nested_subdir=True)
        return super().settings_customise_sources(*args, **kwargs)


def test_nested_directories(caplog: pytest.LogCaptureFixture) -> None:
    write("secrets/database_url", f"{URL}\n")
    write("secrets/analytics/database_url", other("analytics"))
    write("secrets/unrelated/token", MARKER)
    settings = Nested()
    assert [service.host for service in settings.databases.values()] == [HOST, "analytics.example.com"]
    assert str(settings.database.origin) == "DATABASE_URL (secrets)"
    assert shown(settings, caplog) == {}


# Documents that take a library, or a version


def test_yaml(caplog: pytest.LogCaptureFixture) -> None:
    write("settings.yaml", f"debug: true\ndatabase:\n  host: {HOST}\n  username: app\n  dbname: app\ncache:\n")
    settings = adding(lambda cls: YamlConfigSettingsSource(cls, "settings.yaml"))()
    assert (settings.database.host, "cache" in settings.services, settings.debug) == (HOST, False, True)
    assert shown(settings, caplog) == {}
    write("settings.yaml", f"DATABASE_URL: '{URL}")
    with pytest.raises(envconn.ConfigurationError, match="YamlConfigSettingsSource: is malformed") as caught:
        adding(lambda cls: YamlConfigSettingsSource(cls, "settings.yaml"))()
    assert find(MARKER, failure_surfaces(caught.value)) == {}


def test_pyproject() -> None:
    write("pyproject.toml", f"[tool.pydantic-settings]\ndatabase = '{URL}'\n")
    settings = adding(PyprojectTomlConfigSettingsSource)()
    assert str(settings.database.origin) == f"DATABASE_URL ({os.path.abspath('pyproject.toml')})"


# The command line


@pytest.mark.parametrize("option", ["--envconn:database", "--database"])
@pytest.mark.parametrize("extra", ["allow", "forbid"])
def test_a_url_as_option(
    option: str, extra: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYDANTIC_SETTINGS_DEBUG", "1")
    monkeypatch.setenv("DATABASE_URL", other("environment"))
    caplog.set_level(logging.DEBUG, "pydantic_settings")
    settings = adding(extra=extra, cli_parse_args=[option, URL, "--debug", "1"])()
    assert settings.database is settings.services.database is settings.databases["database"]
    assert (settings.database.host, settings.debug) == (HOST, True)
    assert (unrelated(settings), shown(settings, caplog)) == ({}, {})


def test_a_url_as_option_is_judged() -> None:
    with pytest.raises(envconn.ConfigurationError) as caught:
        adding(cli_parse_args=["--cache", f"redis://:{MARKER}@cache.example.com"])(database=URL)
    assert [problem.code for problem in caught.value.problems] == ["tls-disabled"]
    assert find(MARKER, failure_surfaces(caught.value)) == {}


def test_an_option_beats_an_argument() -> None:
    """As for any field: pydantic-settings asks the command line first."""
    model = adding(cli_parse_args=["--database", URL, "--debug", "1"])
    assert model(database=other("argument")).database.host == HOST


def test_an_option_where_only_names_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE", "app")
    monkeypatch.setenv("DATABASE_URL", other("environment"))
    model = adding(cli_parse_args=["--database", URL], validate_by_name=True, validate_by_alias=False)
    assert model().services.database.host == HOST


def test_other_ways_to_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", other("environment"))
    model = adding(lambda cls: CliSettingsSource(cls, cli_parse_args=["--database", URL, "--debug", "1"]))
    assert model().debug
    assert CliApp.run(adding(), cli_args=["--database", URL]).database.host == HOST
    with_secrets = adding(secrets_dir="secrets", cli_parse_args=["--debug", "1"])
    write("secrets/REDIS_URL", f"rediss://:{MARKER}@cache.example.com/0")
    assert (with_secrets().cache.host, with_secrets().debug) == ("cache.example.com", True)
