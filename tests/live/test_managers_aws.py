"""AWS Secrets Manager and Parameter Store as sources of settings: the real boto3, moto behind TLS."""

from __future__ import annotations

import json
import logging
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import botocore.exceptions
import pytest
from pydantic_settings import (
    AWSSecretsManagerSettingsSource,
    AWSSystemsManagerSettingsSource,
    PydanticBaseSettingsSource,
)

import envconn
import vaults
from envconn.settings import parts
from leaks import failure_surfaces, find
from sourced import HOST, MARKER, RDS, URL, adding, other, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from throwaway.certificates import Certificates

SECRET = "app/production"


@pytest.fixture(scope="module")
def server(certificates: Certificates) -> Iterator[str]:
    with vaults.aws(certificates.good) as url:
        yield url


@pytest.fixture(scope="module")
def clients(server: str, certificates: Certificates) -> Callable[[str], Any]:
    """A client for each service, of which making one takes longer than using it."""
    session = boto3.Session("test", "test", region_name="eu-west-1")
    return cache(lambda service: session.client(service, endpoint_url=server, verify=str(certificates.ca)))


@pytest.fixture(autouse=True)
def account(server: str, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": server,
        "AWS_CA_BUNDLE": str(certificates.ca),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def secrets(clients: Callable[[str], Any]) -> Iterator[Callable[..., None]]:
    client = clients("secretsmanager")
    made: list[str] = []

    def put(content: Any, name: str = SECRET) -> None:
        text = {"SecretBinary": content} if isinstance(content, bytes) else {"SecretString": content}
        if not isinstance(content, bytes | str):
            text = {"SecretString": json.dumps(content)}
        (client.put_secret_value if name in made else client.create_secret)(
            **{"SecretId" if name in made else "Name": name}, **text
        )
        made.append(name)

    yield put
    for name in {*made}:
        client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def secret(name: str = SECRET, **options: Any) -> Callable[[Any], PydanticBaseSettingsSource]:
    return lambda cls: AWSSecretsManagerSettingsSource(cls, name, **options)


@pytest.mark.parametrize("key", ["DATABASE_URL", "database_url"])
@pytest.mark.parametrize("options", [{}, {"case_sensitive": False}])
def test_a_url(
    key: str,
    options: dict[str, Any],
    secrets: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYDANTIC_SETTINGS_DEBUG", "1")
    caplog.set_level(logging.DEBUG, "pydantic_settings")
    secrets({key: URL, "debug": "true", "REDIS_URL": f"rediss://:{MARKER}@cache.example.com/0", "unrelated": MARKER})
    settings = adding(secret(**options), extra="allow")()
    assert (settings.database.host, settings.cache.host, settings.debug) == (HOST, "cache.example.com", True)
    assert str(settings.database.origin) == "DATABASE_URL (app/production)"
    assert settings.services.report().as_dict()["services"][0]["origin"]["source"] == "aws-secrets-manager"
    assert shown(settings, caplog) == {}
    assert caplog.records


def test_a_secret_of_rds(secrets: Callable[..., None]) -> None:
    secrets({**RDS, "dbInstanceIdentifier": "orders", "password": f"{MARKER}@/:%"})
    settings = adding(secret())()
    assert (settings.database.host, settings.database.password.reveal()) == (HOST, f"{MARKER}@/:%")
    assert str(settings.database.origin) == "DATABASE_URL (app/production)"
    secrets({**RDS, "host": "two.example.com"}, "rds/two")
    settings = adding(secret(), lambda cls: parts(secret("rds/two")(cls), "two"))()
    assert {name: service.host for name, service in settings.databases.items()} == {
        "database": HOST,
        "two": "two.example.com",
    }


@pytest.mark.parametrize("left_out", ["engine", "host", "username", "password"])
def test_no_secret_of_rds(left_out: str, secrets: Callable[..., None]) -> None:
    """A host with a user name may belong to any service, such as a mail server."""
    secrets({key: value for key, value in RDS.items() if key != left_out})
    with pytest.raises(envconn.ConfigurationError, match="DATABASE_URL: not set"):
        adding(secret())()


def test_a_url_beside_the_parts_is_what_counts(secrets: Callable[..., None]) -> None:
    secrets({**RDS, "DATABASE_URL": other("url")})
    assert adding(secret())().database.host == "url.example.com"


def test_the_environment_wins(secrets: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    secrets({"DATABASE_URL": other("stored")})
    monkeypatch.setenv("DATABASE_URL", URL)
    settings = adding(secret())()
    assert settings.database.host == HOST
    [note] = settings.services.report().notes
    assert str(note) == (
        "DATABASE_URL: the process environment overrides the different value in AWS Secrets Manager app/production"
    )
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("PG_URL", URL)
    with pytest.raises(
        envconn.ConfigurationError, match=r"conflicts with PG_URL .* from AWS Secrets Manager app/production"
    ):
        adding(secret())()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (URL, "source-malformed"),
        (f'{{"DATABASE_URL": "{URL}"', "source-malformed"),
        (json.dumps([URL]), "source-malformed"),
        (json.dumps(URL), "source-malformed"),
        (URL.encode(), "source-malformed"),
        ({}, "database-missing"),
        ({"DATABASE_URL": ""}, "database-missing"),
        ({"DATABASE_URL": None}, "database-missing"),
        ({"DATABASE_URL": MARKER}, "scheme-missing"),
        ({"DATABASE_URL": [URL]}, "scheme-missing"),
        ({"DATABASE_URL": URL + "x" * 40_000}, "text-too-long"),
        ({"DATABASE_URL": f"{URL}?sslmode=disable"}, "tls-disabled"),
        ({"DATABASE_URL": {**RDS, "engine": "oracle"}}, "scheme-unsupported"),
        ({**RDS, "port": "many"}, "port-range"),
    ],
)
def test_what_is_wrong(content: Any, code: str, secrets: Callable[..., None]) -> None:
    secrets(content)
    with pytest.raises(envconn.ConfigurationError) as caught:
        adding(secret())()
    assert [problem.code for problem in caught.value.problems] == [code]
    assert find(MARKER, failure_surfaces(caught.value)) == {}


def test_a_word_that_means_none(secrets: Callable[..., None]) -> None:
    secrets({"DATABASE_URL": "null", "PG_URL": URL})
    assert adding(secret(env_parse_none_str="null"))().database.origin.variable == "PG_URL"


def test_no_such_secret() -> None:
    with pytest.raises(botocore.exceptions.ClientError, match="ResourceNotFoundException"):
        adding(secret("missing"))()


def test_only_the_ca_is_trusted(
    secrets: Callable[..., None], certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets({"DATABASE_URL": URL})
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificates.other_ca))
    with pytest.raises(botocore.exceptions.SSLError) as caught:
        adding(secret())()
    assert find(MARKER, failure_surfaces(caught.value)) == {}


def test_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://127.0.0.1:1")
    with pytest.raises(botocore.exceptions.EndpointConnectionError):
        adding(secret())()


def test_denied(
    secrets: Callable[..., None],
    clients: Callable[[str], Any],
    server: str,
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secrets({"DATABASE_URL": URL})
    clients("iam").create_user(UserName="nobody")
    key = clients("iam").create_access_key(UserName="nobody")["AccessKey"]
    with monkeypatch.context() as patch, vaults.permissions_demanded(server, certificates.ca):
        patch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        patch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        patch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the first credentials that it has found
        with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied") as caught:
            adding(secret())()
    assert find(MARKER, failure_surfaces(caught.value)) == {}


# What the documentation shows


def block(path: Path, number: int) -> str:
    found = re.findall(r"^```python\n(.*?)^```$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return str([text for text in found if "AWSSecretsManagerSettingsSource" in text][number])


@pytest.mark.checkout
@pytest.mark.parametrize("name", ["docs/getting-started.md", "docs/settings.md"])
def test_the_example(name: str, checkout: Path, secrets: Callable[..., None]) -> None:
    secrets({"DATABASE_URL": URL, "debug": "true"})
    shown: dict[str, Any] = {}
    exec(block(checkout / name, 0), shown)  # noqa: S102 - our own
    settings = shown["Settings"]()
    assert settings.database.host == HOST
    assert getattr(settings, "debug", True)
    assert "DATABASE_URL (app/production), AWS Secrets Manager" in str(settings.services.report())


@pytest.mark.checkout
def test_the_example_of_parts(checkout: Path, secrets: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    secrets({"username": "app", "password": MARKER}, "rds/managed")
    secrets({**RDS, "host": "orders.example.com"}, "rds/orders")
    monkeypatch.setenv("DATABASE_HOST", HOST)
    monkeypatch.setenv("DATABASE_NAME", "app")
    shown: dict[str, Any] = {}
    exec(block(checkout / "docs" / "settings.md", 1), shown)  # noqa: S102 - our own
    settings = shown["Settings"]()
    assert {name: service.host for name, service in settings.databases.items()} == {
        "database": HOST,
        "orders": "orders.example.com",
    }
    assert settings.database.password.reveal() == MARKER


# Parameter Store


@pytest.fixture
def parameters(clients: Callable[[str], Any]) -> Iterator[Callable[[dict[str, str]], None]]:
    client = clients("ssm")
    made: list[str] = []

    def put(values: dict[str, str]) -> None:
        for name, value in values.items():
            client.put_parameter(Name=name, Value=value, Type="SecureString")
            made.append(name)

    yield put
    client.delete_parameters(Names=made)


def store(cls: Any) -> PydanticBaseSettingsSource:
    return AWSSystemsManagerSettingsSource(cls, "/app/production")


def test_parameters(parameters: Callable[[dict[str, str]], None], caplog: pytest.LogCaptureFixture) -> None:
    analytics, elsewhere = "/app/production/analytics/database_url", "/app/staging/DATABASE_URL"
    parameters({"/app/production/DATABASE_URL": URL, analytics: other("analytics"), elsewhere: other("elsewhere")})
    settings = adding(store)()
    assert {name: service.host for name, service in settings.databases.items()} == {
        "database": HOST,
        "analytics": "analytics.example.com",
    }
    assert str(settings.database.origin) == "DATABASE_URL (/app/production)"
    assert shown(settings, caplog) == {}


def test_parts_as_parameters(parameters: Callable[[dict[str, str]], None]) -> None:
    parameters({f"/app/production/{key}": str(value) for key, value in RDS.items()})
    assert adding(lambda cls: parts(store(cls), "orders"))().databases["orders"].host == HOST


def test_no_parameters() -> None:
    with pytest.raises(envconn.ConfigurationError, match="DATABASE_URL: not set"):
        adding(store)()
