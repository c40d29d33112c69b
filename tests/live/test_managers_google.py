"""Google Secret Manager as a source of settings: the real client, the service over gRPC and TLS."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from pydantic_settings import GoogleSecretManagerSettingsSource

import envconn
import vaults
from envconn.settings import parts
from leaks import failure_surfaces, find
from sourced import HOST, MARKER, RDS, URL, adding, other, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from throwaway.certificates import Certificates


@pytest.fixture(scope="module")
def server(certificates: Certificates) -> Iterator[vaults.Google]:
    with vaults.google(certificates) as project:
        yield project


@pytest.fixture
def project(server: vaults.Google) -> vaults.Google:
    """Make the project empty, and nothing in it forbidden."""
    server.reset()
    return server


def source(project: vaults.Google, **options: Any) -> Callable[[Any], GoogleSecretManagerSettingsSource]:
    options = {"project_id": "p", **options}
    return lambda cls: GoogleSecretManagerSettingsSource(cls, secret_client=project.client, **options)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("DATABASE_URL", {}),
        ("database-url", {}),
        ("Database_Url", {"case_sensitive": False}),
        ("shop_DATABASE_URL", {"env_prefix": "shop_"}),
    ],
)
def test_a_url(
    name: str,
    options: dict[str, Any],
    project: vaults.Google,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYDANTIC_SETTINGS_DEBUG", "1")
    caplog.set_level(logging.DEBUG)
    project.secrets = {name: URL.encode(), "unrelated": MARKER.encode(), "binary": b"\xff"}
    settings = adding(source(project, **options), extra="allow")()
    assert settings.database.host == HOST
    assert str(settings.database.origin) == "DATABASE_URL (p)"
    assert project.read == [name]
    assert shown(settings, caplog) == {}
    assert caplog.records


def test_several_services(project: vaults.Google) -> None:
    project.secrets = {"DATABASE_URL": URL.encode(), "analytics-database-url": other("a").encode(), "debug": b"1"}
    settings = adding(source(project))()
    assert [service.host for service in settings.databases.values()] == [HOST, "a.example.com"]
    assert settings.debug


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_project_that_another_source_names(
    wrapped: object, project: vaults.Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is known only once the sources before have been called, which is when the client is made."""
    monkeypatch.setenv("PROJECT_ID", "q")
    project.secrets = {key: str(value).encode() for key, value in RDS.items()} | {"DATABASE_URL": URL.encode()}

    def make(cls: Any) -> Any:
        made = source(project, project_id=None)(cls)
        return parts(made, "orders") if wrapped else made

    class App(adding(make)):  # type: ignore[misc]
        project_id: str

    assert str(App().services["orders" if wrapped else "database"].origin).endswith("(q)")


def test_json_under_a_name(project: vaults.Google) -> None:
    project.secrets = {
        "ORDERS_DATABASE_URL": b'{"engine": "mysql", "host": "db.example.com", "username": "app", "dbname": "orders"}'
    }
    assert adding(source(project))().databases["orders"].family == "mysql"


@pytest.mark.parametrize("case", ["denied", "binary"])
def test_a_secret_that_cannot_be_read(case: str, project: vaults.Google, monkeypatch: pytest.MonkeyPatch) -> None:
    """The source says the same of both: nothing."""
    project.secrets = {"DATABASE_URL": URL.encode() + b"\xff"}
    project.denied = {"DATABASE_URL"} if case == "denied" else set()
    model = adding(source(project))
    with pytest.raises(envconn.ConfigurationError) as caught:
        model()
    assert str(caught.value) == (
        "DATABASE_URL: cannot be read from Google Secret Manager (the secret has no text). Grant access to the "
        "secret, and store it as UTF-8 text"
    )
    assert find(MARKER, failure_surfaces(caught.value)) == {}
    monkeypatch.setenv("DATABASE_URL", URL)
    assert model().database.host == HOST


def test_listing_is_denied(project: vaults.Google, monkeypatch: pytest.MonkeyPatch) -> None:
    project.secrets, project.listable = {"DATABASE_URL": URL.encode()}, False
    model = adding(source(project))
    with pytest.raises(envconn.ConfigurationError) as caught:
        model()
    assert [problem.code for problem in caught.value.problems] == ["database-missing", "secrets-unlisted"]
    assert "GoogleSecretManagerSettingsSource: the names of its secrets cannot be listed (PermissionDenied 403)" in str(
        caught.value
    )
    monkeypatch.setenv("DATABASE_URL", URL)
    assert [note.code for note in model().services.report().notes] == ["secrets-unlisted"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "database-missing"),
        (MARKER, "scheme-missing"),
        (f"{URL}\x00", "text-nul"),
        (URL + "x" * 40_000, "text-too-long"),
    ],
)
def test_what_is_wrong(text: str, code: str, project: vaults.Google) -> None:
    project.secrets = {"DATABASE_URL": text.encode()}
    with pytest.raises(envconn.ConfigurationError) as caught:
        adding(source(project))()
    assert [problem.code for problem in caught.value.problems] == [code]
    assert find(MARKER, failure_surfaces(caught.value)) == {}


def test_nothing_in_it(project: vaults.Google) -> None:
    with pytest.raises(envconn.ConfigurationError, match="DATABASE_URL: not set"):
        adding(source(project))()
