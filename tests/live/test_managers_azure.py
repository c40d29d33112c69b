"""Azure Key Vault as a source of settings: the real client, a vault behind TLS."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ServiceRequestError
from pydantic_settings import AzureKeyVaultSettingsSource

import envconn
import vaults
from envconn.settings import parts
from leaks import failure_surfaces, find
from sourced import HOST, MARKER, RDS, URL, adding, other, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from throwaway.certificates import Certificates


@pytest.fixture(scope="module")
def server(certificates: Certificates) -> Iterator[vaults.KeyVault]:
    with vaults.key_vault(certificates.good) as vault:
        yield vault


@pytest.fixture
def vault(server: vaults.KeyVault, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> vaults.KeyVault:
    """Make the vault empty, and nothing in it forbidden."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.ca))
    server.reset()
    return server


class Credential:
    def __init__(self, token: str = "token") -> None:
        self.token = token

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken(self.token, int(time.time()) + 3600)


def source(
    vault: vaults.KeyVault, token: str = "token", **options: Any
) -> Callable[[Any], AzureKeyVaultSettingsSource]:
    return lambda cls: AzureKeyVaultSettingsSource(cls, vault.url, Credential(token), **options)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("database-url", {}),
        ("DATABASE-URL", {}),
        ("database-url", {"dash_to_underscore": True}),
        ("Database-Url", {"case_sensitive": True}),
        ("DatabaseUrl", {"snake_case_conversion": True}),
        ("shop-database-url", {"env_prefix": "shop-"}),
    ],
)
def test_a_url(
    name: str,
    options: dict[str, Any],
    vault: vaults.KeyVault,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYDANTIC_SETTINGS_DEBUG", "1")
    caplog.set_level(logging.DEBUG)
    vault.secrets = {name: URL, "unrelated": MARKER, "other-vendors-key": MARKER}
    settings = adding(source(vault, **options), extra="allow")()
    assert settings.database.host == HOST
    assert str(settings.database.origin) == f"DATABASE_URL ({vault.url})"
    assert vault.read == [name]
    assert shown(settings, caplog) == {}
    assert caplog.records


def test_several_services(vault: vaults.KeyVault) -> None:
    vault.secrets = {"database-url": URL, "analytics--database-url": other("analytics"), "debug": "1"}
    settings = adding(source(vault))()
    assert [service.host for service in settings.databases.values()] == [HOST, "analytics.example.com"]
    assert settings.debug


def test_parts(vault: vaults.KeyVault) -> None:
    vault.secrets = {f"orders-{key}": str(value) for key, value in RDS.items()} | {"orders-unrelated": "x"}
    settings = adding(lambda cls: parts(source(vault, env_prefix="orders-")(cls), "orders"))()
    assert settings.databases["orders"].password.reveal() == MARKER
    assert {*vault.read} == {f"orders-{key}" for key in RDS}


def test_denied(vault: vaults.KeyVault, monkeypatch: pytest.MonkeyPatch) -> None:
    vault.secrets, vault.denied = {"database-url": URL}, {"database-url"}
    model = adding(source(vault))
    with pytest.raises(envconn.ConfigurationError) as caught:
        model()
    assert str(caught.value) == (
        "DATABASE_URL: cannot be read from Azure Key Vault (HttpResponseError 403). Grant access to the secret, and "
        "store it as UTF-8 text"
    )
    monkeypatch.setenv("DATABASE_URL", URL)
    assert model().database.host == HOST


def test_listing_is_denied(vault: vaults.KeyVault) -> None:
    vault.listable = False
    with pytest.raises(HttpResponseError, match="Forbidden"):
        adding(source(vault))()


def test_an_answer_that_is_cut_off(vault: vaults.KeyVault) -> None:
    """The client's error holds the answer, with the secret in it."""
    vault.secrets, vault.broken = {"database-url": URL}, True
    with pytest.raises(
        envconn.ConfigurationError, match=r"DATABASE_URL: cannot be read .* \(DecodeError 200\)"
    ) as caught:
        adding(source(vault))()
    assert find(MARKER, failure_surfaces(caught.value)) == {}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "database-missing"),
        (MARKER, "scheme-missing"),
        (f"{URL}\x00", "text-nul"),
        (URL + "x" * 40_000, "text-too-long"),
    ],
)
def test_what_is_wrong(text: str, code: str, vault: vaults.KeyVault) -> None:
    vault.secrets = {"database-url": text}
    with pytest.raises(envconn.ConfigurationError) as caught:
        adding(source(vault))()
    assert [problem.code for problem in caught.value.problems] == [code]
    assert find(MARKER, failure_surfaces(caught.value)) == {}


def test_nothing_in_it(vault: vaults.KeyVault) -> None:
    with pytest.raises(envconn.ConfigurationError, match="DATABASE_URL: not set"):
        adding(source(vault))()


def test_no_entry(vault: vaults.KeyVault, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ClientAuthenticationError):
        adding(source(vault, token="wrong"))()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.other_ca))
    monkeypatch.setattr("azure.core.pipeline.policies.RetryPolicy.sleep", lambda *_, **__: None)
    with pytest.raises(ServiceRequestError, match="CERTIFICATE_VERIFY_FAILED"):
        adding(source(vault))()
