"""What ``ENVCONN_AUTH`` accepts and refuses; how long a token is kept, and which step failed if there is none."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import botocore.auth
import botocore.model
import botocore.session
import botocore.signers
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import envconn
import envconn_django
from envconn import ConfigurationError, PasswordUnavailable
from envconn.cli import exec as exec_command
from envconn.errors import problem
from envconn.export import render
from envconn.identity import METHODS, aws_iam, tokens
from envconn.probe.login import _with_token
from envconn.probe.login.outcome import Outcome
from envconn.probe.proof import Login, _login_line
from envconn.rotation import alogin
from leaks import failure_surfaces, find

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HOST = "shop.abcdefghijkl.eu-west-1.rds.amazonaws.com"
GOVERNMENT = "shop.abcdefghijkl.us-gov-west-1.rds.amazonaws.com"
URL = f"postgresql://app@{HOST}/app"
LOCAL = "postgresql://app@localhost:5433/app"
WAIVED = "postgresql://app@db.example/app?sslmode=disable"
UNVERIFIED = ("identity-unverified", "DATABASE_URL", "is sent to a verified server only")
AZURE = "postgresql://app@shop.postgres.database.azure.com/app"
GOOGLE = "postgresql://app%40project.iam@localhost/app"
AWS = "aws-iam"
MARKER = "Xq7vKw9zJp4mTb"
EXAMPLE = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": MARKER}


@pytest.fixture(autouse=True)
def process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_tokens", tokens._Tokens())
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def load(url: str = URL, **environ: str) -> envconn.Services:
    return envconn.load({"DATABASE_URL": url, "ENVCONN_AUTH": AWS, **environ}, env_file=None)


def reveal(services: envconn.Services) -> str:
    assert services.database.password
    return services.database.password.reveal()


@pytest.mark.parametrize(
    ("url", "environ"),
    [
        (URL, {}),
        (URL, {"ENVCONN_TLS": "require"}),
        (URL, {"ENVCONN_AUTH": "password", "ENVCONN_DATABASE_AUTH": AWS}),
        (URL, {"ENVCONN_DATABASE_AUTH_REGION": "eu-west-1"}),
        (URL, {"ENVCONN_AUTH_HOST": HOST}),
        (f"{URL}?require_auth=password", {}),
        (f"{URL}?require_auth=!scram-sha-256", {}),
        (f"{URL}?channel_binding=prefer", {}),
        (URL.replace("shop.abc", "shop.proxy-abc"), {}),
        (URL.replace("shop.abc", "shop.cluster-ro-abc"), {}),
    ],
)
def test_one_word_is_enough(url: str, environ: dict[str, str]) -> None:
    database = load(url, **environ).database
    assert database.tls.level == "verify-full"
    assert database.password


@pytest.mark.parametrize(
    ("url", "environ", "endpoint"),
    [
        (LOCAL, {"ENVCONN_AUTH_HOST": HOST}, (HOST, 5432, "eu-west-1")),
        (LOCAL, {"ENVCONN_AUTH_HOST": f"{HOST.upper()}:5434"}, (HOST, 5434, "eu-west-1")),
        ("postgresql://app@/app?host=/run", {"ENVCONN_DATABASE_AUTH_HOST": HOST}, (HOST, 5432, "eu-west-1")),
        (LOCAL, {"ENVCONN_AUTH_HOST": "db.example", "ENVCONN_AUTH_REGION": "x"}, ("db.example", 5432, "x")),
    ],
)
def test_a_proxy_on_this_machine_gets_a_token_for_the_endpoint(
    url: str, environ: dict[str, str], endpoint: tuple[str, int, str]
) -> None:
    from envconn.tls.secured import identity_of

    database = load(url, **environ).database
    identity = identity_of(database)
    assert identity
    target = identity.target(database)
    assert (target.host, target.port, target.region, target.user) == (*endpoint, "app")


@pytest.mark.parametrize(
    ("url", "environ", "code", "variable", "sentence"),
    [
        (URL, {"ENVCONN_AUTH": MARKER}, "identity-unknown", "ENVCONN_AUTH", "gcp-iam or password"),
        (URL, {"ENVCONN_DATABASE_AUTH": MARKER}, "identity-unknown", "ENVCONN_DATABASE_AUTH", "expected aws-iam"),
        (LOCAL, {"ENVCONN_AUTH_HOST": f"{MARKER}@h"}, "identity-unknown", "ENVCONN_AUTH_HOST", "is not a hostname"),
        (LOCAL, {"ENVCONN_AUTH_HOST": "h:70000"}, "identity-unknown", "ENVCONN_AUTH_HOST", "is not a hostname"),
        (LOCAL, {"ENVCONN_AUTH_HOST": "h:"}, "identity-unknown", "ENVCONN_AUTH_HOST", "is not a hostname"),
        (LOCAL, {"ENVCONN_AUTH_HOST": ":5432"}, "identity-unknown", "ENVCONN_AUTH_HOST", "is not a hostname"),
        (URL.replace("app@", f"app:{MARKER}@"), {}, "identity-conflict", "DATABASE_URL", "Remove the password, or set"),
        (URL, {"PGPASSWORD": MARKER}, "identity-conflict", "DATABASE_URL", "ENVCONN_DATABASE_AUTH=password"),
        (f"{URL}?channel_binding=require", {}, "identity-conflict", "DATABASE_URL", "Remove channel_binding"),
        (URL, {"PGCHANNELBINDING": "require"}, "identity-conflict", "DATABASE_URL", "channel_binding=require"),
        (f"{URL}?require_auth=scram-sha-256", {}, "identity-conflict", "DATABASE_URL", "Use require_auth=password"),
        (f"{URL}?require_auth=md5,none", {}, "identity-conflict", "DATABASE_URL", "require_auth excludes"),
        (f"{URL}?require_auth=!password,!none", {}, "identity-conflict", "DATABASE_URL", "require_auth excludes"),
        (URL, {"ENVCONN_AUTH_REGION": "us-east-1"}, "identity-conflict", "DATABASE_URL", "Remove ENVCONN_AUTH_REGION"),
        (URL, {"ENVCONN_AUTH_HOST": GOVERNMENT}, "identity-conflict", "DATABASE_URL", "Remove ENVCONN_AUTH_HOST"),
        (f"postgresql://app@{HOST},{GOVERNMENT}/app", {}, "identity-conflict", "DATABASE_URL", "Name one host"),
        (URL.replace(HOST, GOVERNMENT), {}, "identity-unverified", "DATABASE_URL", "Use sslmode=verify-full"),
        (URL, {"ENVCONN_TLS_CA": "/nowhere"}, "ca-missing", "ENVCONN_TLS_CA", "does not exist"),
        ("postgresql://app@db.example/app", {}, "identity-endpoint", "DATABASE_URL", "_AUTH_HOST to the endpoint's"),
        (WAIVED, {"ENVCONN_TLS_WAIVE": "*.example", "ENVCONN_AUTH_HOST": HOST}, *UNVERIFIED),
        (LOCAL, {}, "identity-endpoint", "DATABASE_URL", "is not an endpoint of Amazon RDS"),
        (LOCAL, {"ENVCONN_AUTH_HOST": "db.example"}, "identity-endpoint", "DATABASE_URL", "_AUTH_REGION"),
        (URL.replace(HOST, HOST.upper()), {}, "identity-endpoint", "DATABASE_URL", "Write it in lower case"),
        (URL.replace(HOST, f"{HOST}."), {}, "identity-endpoint", "DATABASE_URL", "without a dot at its end"),
        ("mysql://app@db.example/app", {}, "identity-unsupported", "DATABASE_URL", "also without TLS"),
        (URL, {"AMQP_URL": "amqps://mq.example"}, "identity-unsupported", "AMQP_URL", "ENVCONN_BROKER_AUTH=password"),
    ],
)  # fmt: skip
def test_what_is_refused(url: str, environ: dict[str, str], code: str, variable: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        load(url, **environ)
    assert [(each.code, each.variable) for each in caught.value.problems] == [(code, variable)]
    assert find(MARKER, failure_surfaces(caught.value)) == {}


CACHE_HOST = "master.shop.abc123.euw1.cache.amazonaws.com"
CACHE = f"rediss://app@{CACHE_HOST}:6379"
TUNNEL, REGION = "redis://app@localhost:6380", {"ENVCONN_AUTH_REGION": "eu-west-1"}
NODE = CACHE_HOST.replace("master", "shop-001")
OTHER_CACHE = "rediss://app@cache.example?ssl_cert_reqs=none"
SERVERLESS = "rediss://app@shop-x1y2z3.serverless.use1.cache.amazonaws.com:6379"


@pytest.mark.parametrize(
    ("url", "environ", "level"),
    [
        (CACHE, {}, "verify-full"),
        (SERVERLESS, {}, "verify-full"),
        (f"{CACHE}?ssl_cert_reqs=none", {}, "verify-full"),
        (SERVERLESS.replace("serverless", "public.serverless"), {}, "verify-full"),
        (TUNNEL, {"ENVCONN_CACHE_AUTH_HOST": CACHE_HOST}, "none"),
        (TUNNEL, {"ENVCONN_CACHE_AUTH_HOST": CACHE_HOST.upper()}, "none"),
        (CACHE.replace("master", "replica"), {}, "verify-full"),
    ],
)
def test_a_cache_accepts(url: str, environ: dict[str, str], level: str) -> None:
    cache = envconn.load({"CACHE_URL": url, "ENVCONN_AUTH": AWS, **environ}, env_file=None).cache
    assert cache.password
    assert (cache.tls.level, cache.tls.local) == (level, "localhost" in url)


@pytest.mark.parametrize(
    ("url", "environ", "code", "sentence"),
    [
        (CACHE.replace("app@", "app:x@"), {}, "identity-conflict", "Remove the password, or set ENVCONN_CACHE_AUTH="),
        (CACHE.replace("app@", ""), {}, "identity-conflict", "Use the name of a user, before the host"),
        (CACHE.replace("euw1", "xxw1"), {}, "identity-endpoint", "Set ENVCONN_CACHE_AUTH_HOST"),
        ("rediss://app@cache.example", {}, "identity-endpoint", "Set ENVCONN_CACHE_AUTH_HOST"),
        (CACHE.replace("rediss", "redis"), {}, "tls-disabled", "Use rediss://"),
        (OTHER_CACHE, {"ENVCONN_AUTH_HOST": CACHE_HOST}, "identity-unverified", "Use rediss:// without ssl_cert_reqs"),
        (TUNNEL, {"ENVCONN_AUTH_HOST": NODE, **REGION}, "identity-endpoint", "Use the one for the whole cache"),
        (TUNNEL, {"ENVCONN_AUTH_HOST": "cache.example", **REGION}, "identity-endpoint", "is not an endpoint of Amazon"),
        (CACHE.replace(CACHE_HOST, NODE), {}, "identity-endpoint", "Set ENVCONN_CACHE_AUTH_HOST"),
        (CACHE, {"ENVCONN_AUTH": "password"}, "password-missing", "there is a user without a password"),
        (CACHE, {"ENVCONN_AUTH": "azure-entra"}, "identity-unsupported", "does not support this kind of server"),
    ],
)  # fmt: skip
def test_a_cache_refuses(url: str, environ: dict[str, str], code: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        envconn.load({"CACHE_URL": url, "ENVCONN_AUTH": AWS, **environ}, env_file=None)
    assert [each.code for each in caught.value.problems] == [code]


@pytest.mark.parametrize(
    ("url", "name", "more"),
    [
        (CACHE, "shop", ""),
        (CACHE.replace("master", "replica"), "shop", ""),
        (SERVERLESS, "shop", "&ResourceType=ServerlessCache"),
    ],
    ids=["cluster", "replica", "serverless"],
)
def test_a_cache_gets_what_botocore_presigns(url: str, name: str, more: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in Amazon's own examples, with botocore's `RequestSigner`."""
    moment = datetime(2026, 11, 29, 12, tzinfo=UTC).replace(tzinfo=None)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_: moment, raising=False)
    for variable, text in EXAMPLE.items():
        monkeypatch.setenv(variable, text)
    session, region = botocore.session.Session(), "us-east-1" if more else "eu-west-1"
    service = botocore.model.ServiceId("elasticache")
    signer = botocore.signers.RequestSigner(
        service, region, "elasticache", "v4", session.get_credentials(), session.get_component("event_emitter")
    )
    request = {
        "method": "GET",
        "url": f"http://{name}/?Action=connect&User=app{more}",
        "body": {},
        "headers": {},
        "context": {},
    }
    signed = signer.generate_presigned_url(request, "connect", 900, region, "elasticache")
    cache = envconn.load({"CACHE_URL": url, "ENVCONN_AUTH": AWS}, env_file=None).cache
    assert cache.password
    assert cache.password.reveal() == signed.removeprefix("http://")


VERIFIED, NEON = "?sslmode=verify-full&sslrootcert=system", "EP-x-1.eu-central-1.aws.neon.tech"
ENTRA, IAM = {"ENVCONN_AUTH": "azure-entra"}, {"ENVCONN_AUTH": "gcp-iam"}


@pytest.mark.parametrize(
    ("url", "environ", "level"),
    [
        (AZURE, ENTRA, "verify-full"),
        (AZURE.replace("shop.", "shop.private."), ENTRA, "verify-full"),
        ("postgresql://app@db.example/app?sslmode=verify-full&sslrootcert=system", ENTRA, "verify-full"),
        ("postgresql://app@localhost/app", ENTRA, "opportunistic"),
        (GOOGLE, IAM, "opportunistic"),
        (GOOGLE.replace("localhost/app", "/app?host=/cloudsql/project:europe-west1:shop"), IAM, "none"),
        (GOOGLE.replace("localhost/app", "sql.example/app?sslmode=verify-full&sslrootcert=system"), IAM, "verify-full"),
    ],
)
def test_other_clouds_accept(url: str, environ: dict[str, str], level: str) -> None:
    database = load(url, **environ).database
    assert database.tls.level == level
    assert database.password


@pytest.mark.parametrize(
    ("url", "environ", "code", "sentence"),
    [
        (URL, ENTRA, "identity-endpoint", "is not a server of Azure Database for PostgreSQL"),
        (f"{URL.replace(HOST, HOST.upper())}{VERIFIED}", ENTRA, "identity-endpoint", "Write it in lower case"),
        (f"{URL.replace(HOST, HOST + '.')}{VERIFIED}", ENTRA, "identity-endpoint", "without a dot at its end"),
        (f"postgresql://app%40project.iam@{NEON}/app{VERIFIED}", IAM, "identity-endpoint", "Write it in lower case"),
        (AZURE.replace("app@", "app%40project.iam@"), IAM, "identity-endpoint", "is not an instance of Google"),
        (AZURE.replace("app@", "app:x@"), ENTRA, "identity-conflict", "Remove the password"),
        (AZURE, {**ENTRA, "ENVCONN_AUTH_HOST": HOST}, "identity-conflict", "Remove ENVCONN_AUTH_HOST"),
        (AZURE, {**ENTRA, "ENVCONN_DATABASE_AUTH_REGION": "x"}, "identity-conflict", "Remove ENVCONN_DATABASE_AUTH"),
        ("postgresql://app@db.example/app", ENTRA, "identity-unverified", "Use sslmode=verify-full"),
        ("postgresql://app@10.0.0.1/app?sslmode=require", ENTRA, "identity-unverified", "Use sslmode=verify-full"),
        (GOOGLE.replace("localhost", "10.0.0.1"), IAM, "identity-unverified", "Use sslmode=verify-full"),
        ("postgresql://app@localhost/app", IAM, "identity-conflict", "Use the e-mail address in lower case"),
        (GOOGLE.replace("app%40", "App%40"), IAM, "identity-conflict", "Use the e-mail address in lower case"),
        (GOOGLE.replace(".iam", ".iam.gserviceaccount.com"), IAM, "identity-conflict", "without .gserviceaccount.com"),
        ("mysql://app@db.example/app", IAM, "identity-unsupported", "also without TLS"),
    ],
)  # fmt: skip
def test_other_clouds_refuse(url: str, environ: dict[str, str], code: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        load(url, **environ)
    assert [each.code for each in caught.value.problems] == [code]


def test_one_service_may_have_a_password() -> None:
    services = load(CACHE_URL="rediss://:x@cache.example", ENVCONN_CACHE_AUTH="password")
    assert services.cache.password == envconn.Secret("x")
    assert load("sqlite:///a.db").database.password is None


def test_an_env_file_does_not_decide_how_the_environment_logs_in(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("ENVCONN_AUTH=aws-iam\n")
    services = envconn.load({"DATABASE_URL": URL.replace("app@", "app:x@")}, env_file=file)
    assert services.database.password == envconn.Secret("x")
    assert [note.code for note in services.report().notes if note.variable == "ENVCONN_AUTH"] == ["dotenv-ignored"]


@pytest.mark.parametrize(
    ("file", "environ", "codes"),
    [
        ("DATABASE_URL ENVCONN_AUTH", {}, []),
        ("DATABASE_URL", {"ENVCONN_AUTH": "azure-entra"}, ["password-redirected"]),
        ("DATABASE_URL ENVCONN_AUTH", {"ENVCONN_AUTH": "azure-entra"}, ["password-redirected"]),
        ("DATABASE_URL", {"ENVCONN_DATABASE_AUTH": "azure-entra"}, ["password-redirected"]),
        ("DATABASE_URL", {"ENVCONN_AUTH": AWS, "ENVCONN_AUTH_HOST": HOST}, ["password-redirected"]),
        ("DATABASE_URL ENVCONN_AUTH_HOST", {"ENVCONN_AUTH": AWS}, ["password-redirected"]),
        ("DATABASE_URL", {"ENVCONN_AUTH": "password"}, []),
    ],
)
def test_no_identity_goes_where_an_env_file_alone_says(
    file: str, environ: dict[str, str], codes: list[str], tmp_path: Path
) -> None:
    texts = {
        "DATABASE_URL": f"postgresql://app@db.example/app{VERIFIED}",
        "ENVCONN_AUTH": "azure-entra",
        "ENVCONN_AUTH_HOST": HOST,
    }
    (tmp_path / ".env").write_text("".join(f"{name}={texts[name]!r}\n" for name in file.split()))
    problems = []
    try:
        envconn.load(environ, env_file=tmp_path / ".env")
    except ConfigurationError as error:
        problems = [each.code for each in error.problems]
    assert problems == codes


@pytest.mark.parametrize(
    ("environ", "noted"),
    [
        ({"ENVCONN_AUTH_HOST": HOST}, ["ENVCONN_AUTH_HOST: has no effect without ENVCONN_AUTH. Set ENVCONN_AUTH, or"]),
        ({"ENVCONN_DATABASE_AUTH_REGION": "x"}, ["ENVCONN_DATABASE_AUTH_REGION: has no effect without ENVCONN_DATAB"]),
        (
            {"ENVCONN_DATABASE_AUTH_HOST": HOST, "ENVCONN_CACHE_AUTH": AWS},
            ["ENVCONN_DATABASE_AUTH_HOST: has no effect without ENVCONN_DATABASE_AUTH. Set"],
        ),
        ({"ENVCONN_AUTH_HOST": HOST, "ENVCONN_CACHE_AUTH": AWS}, []),
        ({"ENVCONN_DATABASE_AUTH_HOST": HOST, "ENVCONN_AUTH": "password"}, []),
        ({"ENVCONN_DATABASE_AUTH_HOST": HOST, "ENVCONN_DATABASE_AUTH": "password"}, []),
    ],
)
def test_an_endpoint_without_a_word_is_noted(environ: dict[str, str], noted: list[str]) -> None:
    report = envconn.load({"DATABASE_URL": URL.replace("app@", "app:x@"), **environ}, env_file=None).report()
    found = [str(note) for note in report.notes if note.code == "envconn-variable-ignored"]
    assert [each[: len(begin)] for each, begin in zip(found, noted, strict=True)] == noted


def test_a_connection_of_the_program_logs_in_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVCONN_AUTH", AWS)
    assert envconn.secure(URL.replace("app@", "app:x@")).password == envconn.Secret("x")


def test_it_is_reported() -> None:
    report = load().report()
    assert "  logs in by aws-iam (ENVCONN_AUTH), without a password" in report.lines()
    document: Any = json.loads(json.dumps(report.as_dict()))
    assert [(service["identity"], service["policy"]["tls"]) for service in document["services"]] == [
        ("aws-iam", "best")
    ]
    assert "the minimum set by ENVCONN_AUTH" in str(report)
    assert "the minimum set by ENVCONN_TLS" in str(load(ENVCONN_TLS="verify-full").report())


def test_what_is_not_about_the_token_stays_as_it_is() -> None:
    timed_out = problem("timed-out", "DATABASE_URL", "the login timed out")
    refused = problem("password-refused", "DATABASE_URL", "the server refuses the password")
    outcome = _with_token(Outcome(None, (timed_out, refused)), load().database, 0.1)
    assert [each.code for each in outcome.problems] == ["timed-out", "token-refused"]


def test_a_login_with_a_password_names_no_token() -> None:
    assert _login_line(Login("psycopg", "app", read_only=True)) == "logged in as app by psycopg, read-only"


def test_a_callable_of_the_program_contradicts() -> None:
    environ = {"DATABASE_URL": URL, "ENVCONN_AUTH": AWS}
    with pytest.raises(ConfigurationError, match="Remove one of the two") as caught:
        envconn.load(environ, env_file=None, passwords={"database": lambda _: "x"})
    assert [(each.code, each.variable) for each in caught.value.problems] == [("identity-conflict", "ENVCONN_AUTH")]


def test_a_text_that_lasts_holds_no_token() -> None:
    database = load().database
    with pytest.raises(ConfigurationError, match="Use envconn exec --export pg"):
        render(database, "uri")
    assert "MASKED" in render(database, "uri", mask=True)


def test_an_engine_of_the_projects_own_would_have_no_password() -> None:
    with pytest.raises(ConfigurationError, match="aws-iam needs the ENGINE of envconn"):
        envconn_django.databases(load(), engine="django_prometheus.db.backends.postgresql")
    assert envconn_django.databases(load())["default"]["ENGINE"] == "envconn_django.rotating"


# The token


def test_it_is_the_one_that_botocore_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2026, 11, 29, 12, tzinfo=UTC).replace(tzinfo=None)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_: moment, raising=False)
    for name, text in EXAMPLE.items():
        monkeypatch.setenv(name, text)
    client = botocore.session.Session().create_client("rds", region_name="eu-west-1")
    user = "a&b é"
    expected = client.generate_db_auth_token(DBHostname=HOST, Port=5432, DBUsername=user)
    assert reveal(load(URL.replace("app@", "a%26b%20%C3%A9@"))) == expected


def test_it_is_used_again_for_the_same_login_and_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    made = counted(monkeypatch)
    services = load(OTHER_DATABASE_URL=URL.replace("app@", "other@"))
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: reveal(services), range(50)))
    assert (len(found), len(made)) == (1, 1)
    assert services["other"].password
    services["other"].password.reveal()
    monkeypatch.setenv("AWS_PROFILE", "another")
    reveal(services)
    assert len(made) == 3


@pytest.mark.parametrize(
    ("word", "variable", "usual"),
    [
        (AWS, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"),
        (AWS, "AWS_CONFIG_FILE", ".aws/config"),
        ("gcp-iam", "GOOGLE_APPLICATION_CREDENTIALS", ".config/gcloud/application_default_credentials.json"),
        ("azure-entra", "AZURE_CLIENT_CERTIFICATE_PATH", ""),
    ],
)
def test_a_file_that_is_written_or_replaced_is_another_identity(
    word: str, variable: str, usual: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for path, stated in (
        ((tmp_path / usual, False), (tmp_path / "stated", True)) if usual else ((tmp_path / "x", True),)
    ):
        if stated:
            monkeypatch.setenv(variable, str(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        found = [tokens.identity_of_process(METHODS[word])]
        for text in ("one", "other one"):
            path.write_text(text)
            found.append(tokens.identity_of_process(METHODS[word]))
        (tmp_path / "new").write_text("other one")
        (tmp_path / "new").replace(path)
        found.append(tokens.identity_of_process(METHODS[word]))
        assert len(set(found)) == 4
        assert tokens.identity_of_process(METHODS[word]) == found[-1]


def test_new_keys_in_a_file_sign_the_next_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    services = load()
    for key in ("AKIAFIRST", "AKIASECOND"):
        (tmp_path / "credentials").write_text(f"[default]\naws_access_key_id={key}\naws_secret_access_key=x\n")
        assert f"Credential={key}%2F" in reveal(services)


@pytest.mark.parametrize(("seconds", "made"), [(900.0, 1), (121.0, 1), (119.0, 2), (-5.0, 2)])
def test_it_is_not_kept_beyond_its_end(seconds: float, made: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found = counted(monkeypatch, seconds)
    services = load()
    reveal(services)
    reveal(services)
    assert len(found) == made


def test_it_is_kept_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    made, services = counted(monkeypatch), load()
    reveal(services)
    now = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: now() + tokens.REUSE)
    reveal(services)
    assert len(made) == 2


def test_it_ends_with_what_signed_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Credentials:
        _expiry_time = datetime.now(UTC) + timedelta(minutes=5)

    assert 200 < aws_iam._left(Credentials()) < 301


def counted(monkeypatch: pytest.MonkeyPatch, seconds: float = 900.0) -> list[str]:
    """Make tokens without botocore, and return those that are made."""
    made: list[str] = []

    def make(*_: object) -> tokens.Token:
        time.sleep(0.02)
        made.append(f"token {len(made)}")
        return tokens.Token(envconn.Secret(made[-1]), seconds)

    monkeypatch.setattr(aws_iam, "make", make)
    return made


FORKED = """
import os, signal
import envconn
from envconn.identity import tokens

tokens._made = lambda *_: tokens.Token(envconn.Secret(str(os.getpid())), 900.0)
url = "postgresql://app@shop.abcdefghijkl.eu-west-1.rds.amazonaws.com/app"
password = envconn.load({"DATABASE_URL": url, "ENVCONN_AUTH": "aws-iam"}, env_file=None).database.password
assert password.reveal() == str(os.getpid())
with tokens._tokens.lock:  # as if another thread were about to make one
    if not (child := os.fork()):
        signal.alarm(3)
        os._exit(7 if password.reveal() == str(os.getpid()) else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_fork_makes_its_own() -> None:
    assert subprocess.run([sys.executable, "-c", FORKED], check=False, timeout=30).returncode == 7


def test_what_a_fork_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    made, services = counted(monkeypatch), load()
    reveal(services)
    tokens._forget_never()  # Windows
    assert tokens._tokens.made
    tokens._forget()  # what os.fork calls in the child
    assert not tokens._tokens.made
    reveal(services)
    assert len(made) == 2


def test_a_loop_is_not_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[str] = []

    def make(*_: object) -> tokens.Token:
        threads.append(threading.current_thread().name)
        return tokens.Token(envconn.Secret("x"), 1)

    monkeypatch.setattr(tokens, "_made_in_time", make)

    async def connect(connection: envconn.SecuredConnection) -> str:
        assert connection.password
        return connection.password.reveal()

    assert asyncio.run(alogin(load(), connect)) == "x"
    assert threads != [threading.main_thread().name]


class Endpoint(BaseHTTPRequestHandler):
    """An endpoint that answers every request with one document, and notes what it was asked and by whom."""

    asked: list[str]
    answer: tuple[int, dict[str, str]]

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        who = self.headers.get("Authorization") or self.headers.get("X-IDENTITY-HEADER") or ""
        type(self).asked += [who, unquote(self.path), unquote(self.rfile.read(length).decode())]
        code, document = self.answer
        self.send_response(code)
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())

    do_POST = do_GET  # noqa: N815 - the name is the standard library's

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def endpoint(code: int, **document: str) -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    handler = type("Handler", (Endpoint,), {"asked": asked, "answer": (code, document)})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/credentials", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Return a function for everything that was logged, on DEBUG, with what a formatter may take from a record."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "google")
    # google-auth sets it to false for a program that says nothing about its logger.
    monkeypatch.setattr(logging.getLogger("google"), "propagate", True)
    return lambda: "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)


def test_the_credentials_of_a_container(monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]) -> None:
    end = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    document = {"AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "x", "Token": "t/+=", "Expiration": end}
    with endpoint(200, **document) as (address, asked):
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", address)
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", MARKER)
        token = reveal(load())
        reveal(load(URL.replace("app@", "other@")))  # with the same credentials
        assert len(asked) == 3
    assert "X-Amz-Credential=ASIAEXAMPLE%2F" in token
    assert "X-Amz-Security-Token=t%2F%2B%3D" in token
    assert asked[0] == MARKER
    for secret in (MARKER, "t/+=", "t%2F%2B%3D", token.rpartition("=")[2]):
        assert secret not in logged()


def test_other_threads_log_as_before(monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]) -> None:
    def make(*_: object) -> tokens.Token:
        logging.getLogger("botocore.auth").debug("the request")
        logging.getLogger("botocore.credentials").warning("a refresh failed")
        return tokens.Token(envconn.Secret("x"), 900)

    monkeypatch.setattr(aws_iam, "make", make)
    reveal(load())
    assert "the request" not in logged()
    assert "a refresh failed" in logged()
    make()
    assert "the request" in logged()


@pytest.mark.parametrize("client", ["", "0000-1111"])
def test_the_managed_identity_of_an_application(
    client: str, monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]
) -> None:
    end = str(int(time.time()) + 3600)
    with endpoint(200, access_token="the token", expires_on=end, resource="x", token_type="Bearer") as (address, asked):
        for name, text in {
            "IDENTITY_ENDPOINT": address,
            "IDENTITY_HEADER": MARKER,
            "AZURE_POSTGRESQL_CLIENTID": client,
        }.items():
            monkeypatch.setenv(name, text)
        assert reveal(load(AZURE, ENVCONN_AUTH="azure-entra")) == "the token"
    assert asked[0] == MARKER
    assert "resource=https://ossrdbms-aad.database.windows.net" in asked[1]
    assert (f"client_id={client}" in asked[1]) is bool(client)
    assert not {secret for secret in ("the token", MARKER) if secret in logged()}


def test_the_key_of_a_service_account(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, logged: Callable[[], str]
) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with endpoint(200, access_token="the token", expires_in="3600", token_type="Bearer") as (address, asked):
        account = {
            "client_email": "app@project.iam.gserviceaccount.com",
            "token_uri": address,
            "type": "service_account",
        }
        (tmp_path / "key.json").write_text(json.dumps({**account, "private_key": key.decode()}))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
        services = load(GOOGLE, ENVCONN_AUTH="gcp-iam")
        assert reveal(services) == "the token"
        monkeypatch.setattr(tokens, "_tokens", tokens._Tokens())
        assert reveal(services) == "the token"
    assert len(asked) == 3, "google-auth keeps its own while it is valid"
    assertion = asked[2].partition("assertion=")[2][:40]
    assert assertion.startswith("ey")
    assert not {secret for secret in ("the token", assertion) if secret in logged()}


STEPS = {
    "nothing": ({}, "no credentials were found. Give the process a role"),
    "half": ({"AWS_ACCESS_KEY_ID": "A"}, "misconfigured (PartialCredentialsError). Correct"),
    "no profile": ({"AWS_PROFILE": MARKER}, "misconfigured (ProfileNotFound)"),
    "no token file": (
        {"AWS_WEB_IDENTITY_TOKEN_FILE": f"/{MARKER}", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/app"},
        "misconfigured (FileNotFoundError)",
    ),
    "address": ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{MARKER}.example/"}, "misconfigured (ValueError)"),
    "closed": (
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/"},
        "supplies no credentials (CredentialRetrievalError)",
    ),
}


OTHER_STEPS = {
    "azure, no tenant": (
        AZURE,
        ENTRA,
        {"AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential"},
        "there is no identity",
    ),
    "azure, a word that is none": (AZURE, ENTRA, {"AZURE_TOKEN_CREDENTIALS": MARKER}, "misconfigured (ValueError)"),
    "google, no file": (GOOGLE, IAM, {"GOOGLE_APPLICATION_CREDENTIALS": f"/{MARKER}"}, "no credentials were found"),
    "google, nothing": (GOOGLE, IAM, {"NO_GCE_CHECK": "true"}, "no credentials were found"),
}


@pytest.mark.parametrize(("url", "environ", "variables", "sentence"), OTHER_STEPS.values(), ids=OTHER_STEPS)
def test_the_step_that_failed_in_other_clouds(
    url: str,
    environ: dict[str, str],
    variables: dict[str, str],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    with pytest.raises(PasswordUnavailable, match="supplies no token") as caught:
        reveal(load(url, **environ))
    assert sentence in str(caught.value)
    assert find(MARKER, failure_surfaces(caught.value)) == {}


@pytest.mark.parametrize(("variables", "sentence"), STEPS.values(), ids=STEPS)
def test_the_step_that_failed_is_said(
    variables: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0)
    with pytest.raises(PasswordUnavailable) as caught:
        reveal(load())
    [problem] = caught.value.problems
    assert (problem.code, problem.variable, problem.exit_code) == ("password-unavailable", "ENVCONN_AUTH", 77)
    assert problem.message.startswith("aws-iam supplies no token: ")
    assert sentence in problem.message
    assert find(MARKER, failure_surfaces(caught.value)) == {}


def test_an_endpoint_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with endpoint(403, message=MARKER) as (address, _):
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", address)
        monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0)
        with pytest.raises(PasswordUnavailable, match="CredentialRetrievalError") as caught:
            reveal(load())
    assert find(MARKER, failure_surfaces(caught.value)) == {}


def test_an_endpoint_that_never_answers_has_a_limit_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(tokens, "LIMIT", 0.05)
    monkeypatch.setattr(aws_iam, "make", lambda *_: release.wait(10))
    try:
        with pytest.raises(PasswordUnavailable, match="did not answer in"):
            reveal(load())
        assert not tokens._tokens.making
    finally:
        release.set()


def test_a_process_that_cannot_start_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    made, services = counted(monkeypatch), load()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        with pytest.raises(PasswordUnavailable, match=r"cannot start a thread\. Raise its"):
            reveal(services)
    assert reveal(services) == made[0]


def test_it_says_for_how_long_a_command_has_a_token(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    counted(monkeypatch, 7 * 60 + 30)
    connection = exec_command._with_token(load().database)
    assert connection.password == envconn.Secret("token 0")
    assert "PGPASSWORD is a token of aws-iam, valid for 7 minutes\n" in capsys.readouterr().err
    plain = envconn.secure("sqlite:///a.db")
    assert exec_command._with_token(plain) is plain


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ModuleNotFoundError("botocore"), r"botocore is not installed. Run pip install 'envconn\[aws\]'"),
        (ImportError(MARKER), r"botocore cannot be imported. Run pip install 'envconn\[aws\]'"),
        (PermissionError(MARKER), "misconfigured"),
        (ValueError(MARKER), r"misconfigured \(ValueError\)"),
        (UnicodeError(MARKER), r"botocore failed \(UnicodeError\)"),
        (RuntimeError(MARKER), r"botocore failed \(RuntimeError\)"),
    ],
)
def test_what_a_library_raises_is_not_quoted(error: Exception, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def make(*_: object) -> None:
        raise error

    monkeypatch.setattr(aws_iam, "make", make)
    with pytest.raises(PasswordUnavailable, match=sentence) as caught:
        reveal(load())
    assert find(MARKER, failure_surfaces(caught.value)) == {}


def test_a_library_is_imported_when_a_login_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "envconn.identity.aws_iam", None)
    with pytest.raises(PasswordUnavailable, match="is not installed"):
        reveal(load())
