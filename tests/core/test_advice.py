"""What a report advises where nothing is wrong yet: containers without TLS, serverless platforms, odd endpoints."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import psycopg
import pytest
import redis
import sqlalchemy

import envconn
from envconn import ConfigurationError, Policy, load
from envconn.cli import main
from envconn.rotation.repeated_login import alogin, login
from leaks import MARKER

if TYPE_CHECKING:
    from collections.abc import Callable

    from throwaway.certificates import Certificates

CONTAINER = f"postgresql://app:{MARKER}@db/app"
REMOTE = f"postgresql://app:{MARKER}@db.example.com/app"


def notes(environ: dict[str, str], policy: Policy | None = None) -> dict[str, str]:
    """Return the notes of `environ`, by their code."""
    return {note.code: note.message for note in load(environ, env_file=None, policy=policy).report().notes}


@pytest.mark.parametrize(
    ("environ", "told", "corrected"),
    [
        ({"DATABASE_URL": f"{CONTAINER}?sslmode=disable"}, "or set ENVCONN_TLS_WAIVE=db", "db"),
        ({"DATABASE_URL": f"mysql://app:{MARKER}@my-db/app?ssl-mode=DISABLED"}, "ENVCONN_TLS_WAIVE=my-db", "my-db"),
        ({"REDIS_URL": f"redis://:{MARKER}@redis"}, "or set ENVCONN_TLS_WAIVE=redis", "redis"),
        ({"CELERY_BROKER_URL": f"amqp://a:{MARKER}@rabbit//"}, "or set ENVCONN_TLS_WAIVE=rabbit", "rabbit"),
        (
            {"DATABASE_URL": f"{CONTAINER}?sslmode=disable", "ENVCONN_TLS_WAIVE": "cache"},
            "or add db to ENVCONN_TLS_WAIVE",
            "cache db",
        ),
        (
            {"DATABASE_URL": f"postgresql://app:{MARKER}@one,two/app?sslmode=disable"},
            "or set ENVCONN_TLS_WAIVE=one,two",
            "one,two",
        ),
        (
            {"DATABASE_URL": f"{REMOTE}?sslmode=disable"},
            "or add the host's exact name to ENVCONN_TLS_WAIVE",
            "db.example.com",
        ),
        ({"DB_HOST": "db", "DB_USER": "a", "DB_NAME": "a", "DB_SSL": "false"}, "set ENVCONN_TLS_WAIVE=db", "db"),
    ],
)
def test_unencrypted_container_names_its_waiver(environ: dict[str, str], told: str, corrected: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(environ, env_file=None)
    assert {problem.code for problem in caught.value.problems} == {"tls-disabled"}
    assert told in caught.value.problems[0].message
    assert load(environ | {"ENVCONN_TLS_WAIVE": corrected}, env_file=None)


def test_a_waiver_of_the_program_is_not_replaced_by_a_variable() -> None:
    with pytest.raises(ConfigurationError, match="or add the host's exact name to ENVCONN_TLS_WAIVE"):
        load({"DATABASE_URL": f"{CONTAINER}?sslmode=disable"}, env_file=None, policy=Policy(waive=["cache"]))


def test_parts_say_that_tls_is_off() -> None:
    environ = {"DB_HOST": "db.example.com", "DB_USER": "a", "DB_NAME": "a", "DB_SSL": "false"}
    with pytest.raises(ConfigurationError, match="DB_SSL: TLS is turned off for a remote host"):
        load(environ, env_file=None)


def test_scalingo_says_how_tls_is_turned_on(certificates: Certificates) -> None:
    text = f"redis://:{MARKER}@app-1234.redis.a.osc-fr1.scalingo-dbs.com:30000"
    with pytest.raises(ConfigurationError, match="Turn on Force TLS for this database in Scalingo's dashboard"):
        load({"SCALINGO_REDIS_URL": text}, env_file=None)
    corrected = {"SCALINGO_REDIS_URL": text.replace("redis://", "rediss://"), "ENVCONN_TLS_CA": str(certificates.ca)}
    assert load(corrected, env_file=None).cache.tls.ca


@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        (CONTAINER, True),
        (f"{CONTAINER}?sslmode=prefer", True),
        (f"{CONTAINER}?sslmode=require", False),
        (f"postgresql://app:{MARKER}@localhost/app", False),
        (f"postgresql://app:{MARKER}@10.0.0.1/app", False),
        (f"postgresql://app:{MARKER}@[fe80::1]/app", False),
        (f"host=db hostaddr=10.0.0.1 user=app dbname=app password={MARKER}", False),
        (f"postgresql://app:{MARKER}@%2Frun/app", False),
        (REMOTE, False),
    ],
)
def test_a_container_that_is_raised_is_noted(text: str, is_told: bool) -> None:  # noqa: FBT001
    told = notes({"DATABASE_URL": text}).get("container-raised", "")
    assert told == (f"TLS is required. {SWITCH}" if is_told else "")
    assert "container-raised" not in notes({"DATABASE_URL": text, "ENVCONN_TLS_WAIVE": "db"})


SWITCH = "If the server is a container without TLS, set ENVCONN_TLS_WAIVE=db"
NO_TLS = "connection failed: server does not support SSL, but SSL was required"


@pytest.mark.parametrize(
    ("text", "message", "is_told"),
    [
        (CONTAINER, NO_TLS, True),
        (CONTAINER, "PostgreSQL server at 'db:5432' rejected SSL upgrade", True),
        (CONTAINER, 'password authentication failed for user "app"', False),
        (REMOTE, NO_TLS, False),
        (f"postgresql://app:{MARKER}@localhost/app", NO_TLS, False),
    ],
)
def test_the_error_of_a_driver_names_the_waiver(text: str, message: str, is_told: bool) -> None:  # noqa: FBT001
    def connect(_: object) -> None:
        raise OSError(message)

    async def aconnect(_: object) -> None:
        raise OSError(message)

    services = load({"DATABASE_URL": text}, env_file=None)
    with pytest.raises(OSError, match=message[:10]) as caught:
        login(services, connect)
    with pytest.raises(OSError, match=message[:10]) as acaught:
        asyncio.run(alogin(services, aconnect))
    for error in (caught.value, acaught.value):
        told = [f"envconn: DATABASE_URL: TLS is required. {SWITCH}"] if is_told else []
        assert getattr(error, "__notes__", []) == told


NEON = f"postgresql://app:{MARKER}@ep-cool-darkness-123456.eu-central-1.aws.neon.tech/app?sslmode=require"


@pytest.mark.parametrize("variable", ["AWS_LAMBDA_FUNCTION_NAME", "K_SERVICE", "VERCEL", "NETLIFY"])
def test_a_direct_endpoint_on_a_serverless_platform(variable: str) -> None:
    environ = {"DATABASE_URL": NEON, variable: "1"}
    assert f"{variable} is set" in notes(environ)["pooler-missed"]
    for word in ("pooled", "direct"):
        stated = environ | {"ENVCONN_ENDPOINT": word}
        assert "pooler-missed" not in notes(stated)
        assert load(stated, env_file=None).database.pooled is (word == "pooled")


@pytest.mark.parametrize(
    "environ",
    [
        {"DATABASE_URL": NEON},
        {"DATABASE_URL": NEON.replace("123456.", "123456-pooler."), "VERCEL": "1"},
        {"DATABASE_URL": REMOTE, "VERCEL": "1"},
        {
            "DATABASE_URL": f"postgresql://app:{MARKER}@a-1.postgresql.a.osc-fr1.scalingo-dbs.com:31234/app",
            "VERCEL": "1",
        },
        {"DATABASE_URL": f"postgresql://app:{MARKER}@x.db.postgresbridge.com/app", "K_SERVICE": "x"},
        {"REDIS_URL": f"rediss://:{MARKER}@redis.example.com", "VERCEL": "1"},
    ],
)
def test_no_pooler_is_missed(environ: dict[str, str]) -> None:
    assert "pooler-missed" not in notes(environ)


PLANETSCALE = "aws-eu-west-1-1.pg.psdb.cloud"


def planetscale(user: str, port: int = 5432, host: str = PLANETSCALE) -> dict[str, str]:
    return {"DATABASE_URL": f"postgresql://{user}:pscale_pw_{MARKER}@{host}:{port}/postgres?sslmode=require"}


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        (planetscale("app.abcdef123456", 7777), "PlanetScale Postgres does not use this port. Use 5432 or 6432"),
        (planetscale("app"), "the user has no branch"),
        (planetscale("app.abcdef123456%7Cbouncer"), "the user names a pooler, but the port is the direct one"),
        (planetscale("app", host="db.internal.example.com"), "the user has no branch"),
        (planetscale("app.abcdef123456"), ""),
        (planetscale("app.abcdef123456", 6432), ""),
        (planetscale("app.abcdef123456%7Creplica"), ""),
        (planetscale("app.abcdef123456%7Cbouncer", 6432), ""),
        ({"DATABASE_URL": REMOTE}, ""),
    ],
)
def test_doubtful_endpoints(environ: dict[str, str], told: str) -> None:
    found = notes(environ).get("endpoint-doubtful", "")
    assert found.startswith(told)
    assert bool(found) is bool(told)


def test_a_password_identifies_a_provider_behind_a_private_name() -> None:
    found = load(planetscale("app.abcdef123456", 6432, "db.internal.example.com"), env_file=None).database
    assert (found.provider, found.pooled, found.branch) == ("planetscale", True, "abcdef123456")
    mysql = {"DATABASE_URL": f"mysql://app:pscale_pw_{MARKER}@db.internal.example.com/app"}
    assert load(mysql, env_file=None).database.provider == "planetscale-vitess"
    redis_url = {"REDIS_URL": f"rediss://:pscale_pw_{MARKER}@db.internal.example.com"}
    assert load({"DATABASE_URL": REMOTE}, env_file=None).database.provider is None
    assert load(redis_url, env_file=None).cache.provider is None


OF_DJANGO = {"DJANGO_DATABASE_URL": REMOTE}


@pytest.mark.parametrize(
    ("environ", "variables"),
    [
        (OF_DJANGO, ["DJANGO_DATABASE_URL"]),
        ({**OF_DJANGO, "REDIS_URL": "rediss://cache.example.com"}, ["DJANGO_DATABASE_URL"]),
        ({**OF_DJANGO, "SHOP_DATABASE_URL": REMOTE}, ["DJANGO_DATABASE_URL"]),
        ({**OF_DJANGO, "DATABASE_URL": REMOTE}, []),
        ({**OF_DJANGO, "ENVCONN_DATABASE_VARIABLE": "DJANGO_DATABASE_URL"}, []),
        ({"REDIS_URL": "rediss://cache.example.com"}, []),
        ({"CELERY_RESULT_BACKEND": f"db+{REMOTE}"}, []),
    ],
)
def test_no_default_database(environ: dict[str, str], variables: list[str]) -> None:
    notes = load(environ, env_file=None).report().notes
    assert [note.variable for note in notes if note.code == "default-missing"] == variables


def test_default_role_and_likely_pooler_are_in_check(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for environ, code in (
        (planetscale("postgres.abcdef123456"), "default-role"),
        ({"DATABASE_URL": f"{REMOTE.replace('com/', 'com:6432/')}"}, "pooler-likely"),
    ):
        monkeypatch.setenv("DATABASE_URL", environ["DATABASE_URL"])
        assert main(["check", "--no-env-file"]) == 0
        assert f"[{code}]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("create_engine", sqlalchemy.create_engine),
        ("psycopg", psycopg.connect),
        ("redis", redis.Redis.from_url),
        ("asyncpg", lambda given: asyncio.run(asyncpg.connect(given))),
    ],
)
def test_a_driver_that_is_given_the_object_says_what_to_pass(name: str, use: Callable[[object], object]) -> None:
    connection = load({"DATABASE_URL": REMOTE}, env_file=None).database
    for given, told in (
        (connection, "is not a connection string. Pass it to an integration"),
        (connection.uri(), "reveal()"),
    ):
        with pytest.raises((TypeError, AttributeError)) as caught:
            use(given)
        assert told in str(caught.value), name
        assert MARKER not in str(caught.value)


def test_a_worker_of_another_broker_needs_no_database(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "sqs://")
    assert main(["check", "--no-env-file"]) == 0
    assert "No connection to judge: envconn does not support the scheme of the broker." in capsys.readouterr().out
    with pytest.raises(envconn.ServiceMissing):
        envconn.load(env_file=None).database  # noqa: B018


@pytest.mark.parametrize("name", ["FIREBASE_DATABASE_URL", "KV_URL", "UPSTASH_REDIS_URL"])
def test_other_products_are_no_reason_to_need_no_database(name: str) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL: not set"):
        load({name: "https://x"}, env_file=None)


def test_sources_lists_no_variable_that_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in {"DATABASE_URL": REMOTE, "KV_URL": "https://x", "ENVCONN_IGNORE": "KV_URL"}.items():
        monkeypatch.setenv(name, text)
    assert main(["show", "--sources", "--no-env-file"]) == 0
    listed = next(line for line in capsys.readouterr().out.splitlines() if "the process environment:" in line)
    assert "DATABASE_URL" in listed
    assert "KV_URL" not in listed
