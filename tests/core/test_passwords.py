"""A password that the program supplies by a callable: when it is called, and what becomes of what it does wrong."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
import redis
from celery import Celery

import envconn
import envconn_celery
import envconn_django
import envconn_psycopg
from envconn import ConfigurationError, PasswordUnavailable, Secret, SecuredConnection
from envconn.drivers import asyncpg, psycopg
from envconn.rotation import alogin, login
from leaks import failure_surfaces, find, value_surfaces

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = "Xq7vKw9zJp4mTb"
URL = "postgresql://app@db.example.com/app?sslmode=require"


class Tokens:
    """A supplier that records for which connections it was called."""

    def __init__(self) -> None:
        self.calls: list[SecuredConnection] = []

    def __call__(self, connection: SecuredConnection) -> str:
        self.calls.append(connection)
        return f"{TOKEN}{len(self.calls)}"

    async def later(self, connection: SecuredConnection) -> str:
        await asyncio.sleep(0)
        return self(connection)


def load(password: Any, **environ: str) -> envconn.Services:
    return envconn.load({"DATABASE_URL": URL, **environ}, env_file=None, passwords={"database": password})


def test_it_is_called_when_it_is_revealed() -> None:
    tokens = Tokens()
    services = load(tokens)
    password = services.database.password
    assert password
    assert not tokens.calls
    assert (password.reveal(), password.reveal()) == (f"{TOKEN}1", f"{TOKEN}2")
    assert [(each.host, each.port, each.user) for each in tokens.calls] == [("db.example.com", 5432, "app")] * 2
    assert envconn_psycopg.kwargs(services)["password"] == f"{TOKEN}3"
    assert asyncpg.arguments(services.database)["password"] == f"{TOKEN}4"
    assert f"{TOKEN}5@" in services.database.uri().reveal()


def test_it_is_equal_to_itself_and_to_no_text() -> None:
    tokens = Tokens()
    services = load(tokens)
    first, second = services.database.password, load(tokens).database.password
    assert (first == second, hash(first) == hash(second)) == (True, True)
    assert first != load(Tokens()).database.password
    assert (first == Secret(""), Secret("") == first) == (False, False)
    assert not services.reload()
    assert not tokens.calls


def test_it_shows_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    services = load(lambda _: TOKEN)
    for value in (services, services.database, services.database.password, services.report()):
        assert find(TOKEN, value_surfaces(value)) == {}
    assert repr(services.database.password) == "<Secret>"


def test_every_endpoint_gets_its_own_password() -> None:
    tokens = Tokens()
    services = load(
        tokens,
        DATABASE_URL="postgresql://app@ep-a-1-pooler.eu-central-1.aws.neon.tech/app?sslmode=require",
        DATABASE_REPLICA_URL="postgresql://app@ro.example.com/app?sslmode=require",
    )
    for found in (services.database, services.connection(replica=True), services.connection(pooled=False)):
        assert found.password
        found.password.reveal()
    assert [each.host.partition(".")[0] for each in tokens.calls] == ["ep-a-1-pooler", "ro", "ep-a-1"]


def test_other_services_keep_theirs() -> None:
    services = load(Tokens(), OTHER_DATABASE_URL="postgresql://app:x@other.example.com/app")
    assert services["other"].password == Secret("x")


def test_the_one_in_the_text_is_not_used_and_noted() -> None:
    services = load(lambda _: TOKEN, DATABASE_URL="postgresql://app:x@db.example.com/app?sslmode=require")
    assert services.database.password
    assert services.database.password.reveal() == TOKEN
    [note] = [note for note in services.report().notes if note.code == "password-supplied"]
    assert note.variable == "DATABASE_URL"


@pytest.mark.parametrize(
    ("environ", "names", "codes"),
    [
        ({"DATABASE_URL": URL}, ("database", "nothing"), ["password-unclaimed"]),
        ({"DATABASE_URL": "rubbish"}, ("nothing",), ["scheme-missing"]),
        (
            {"DATABASE_URL": URL.replace("require", "prefer"), "ENVCONN_TLS_WAIVE": "*.com"},
            ("database",),
            ["password-in-clear"],
        ),
        (
            {
                "DATABASE_URL": URL,
                "DATABASE_REPLICA_URL": "postgresql://app@10.0.0.1/app?sslmode=disable",
                "ENVCONN_TLS_WAIVE": "10.0.0.0/8",
            },
            ("database",),
            ["password-in-clear"],
        ),
    ],
)
def test_what_load_refuses(environ: dict[str, str], names: tuple[str, ...], codes: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        envconn.load(environ, env_file=None, passwords=dict.fromkeys(names, lambda _: TOKEN))
    assert [problem.code for problem in caught.value.problems] == codes
    assert find(TOKEN, failure_surfaces(caught.value)) == {}


def test_what_load_accepts() -> None:
    assert load(lambda _: TOKEN, DATABASE_URL="postgresql://app@localhost/app").database.tls.local
    assert not envconn.load({"ENVCONN_PHASE": "build"}, env_file=None, passwords={"database": lambda _: TOKEN})


class Leaky(Exception):
    """What an SDK might raise, with the token in it."""


def raising(_: object) -> NoReturn:
    raise Leaky(TOKEN)


async def araising(_: object) -> NoReturn:
    raise Leaky(TOKEN)


async def of_bytes(_: object) -> bytes:
    return TOKEN.encode()


WRONG: dict[str, tuple[object, str]] = {
    "raises": (raising, "raised Leaky"),
    "bytes": (lambda _: TOKEN.encode(), "returned bytes. It must return a str"),
    "nothing": (lambda _: None, "returned NoneType"),
    "a secret": (lambda _: Secret(TOKEN), "returned Secret"),
    "empty": (lambda _: "", "returned a text that is empty"),
    "a zero byte": (lambda _: f"{TOKEN}\0", "has a NUL"),
    "no arguments": (lambda: TOKEN, "raised TypeError"),
}
LATER: dict[str, tuple[object, str]] = {
    "raises later": (araising, "raised Leaky"),
    "bytes later": (of_bytes, "returned bytes"),
}


def connect(services: envconn.Services) -> object:
    return login(services, psycopg.arguments)


def aconnect(services: envconn.Services) -> object:
    async def arguments(connection: SecuredConnection) -> object:
        return psycopg.arguments(connection)

    return asyncio.run(alogin(services, arguments))


@pytest.mark.parametrize(
    ("call", "supplier", "sentence"),
    [
        *((connect, *wrong) for wrong in WRONG.values()),
        *((aconnect, *wrong) for wrong in (WRONG | LATER).values()),
        (connect, Tokens().later, "is asynchronous, but this connection is not"),
        (lambda services: services.database.uri().reveal(), Tokens().later, "is asynchronous"),
        (envconn_psycopg.kwargs, raising, "raised Leaky"),
    ],
)
def test_errors_do_not_show_the_password(
    call: Callable[[envconn.Services], object], supplier: object, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    services = load(supplier)
    with pytest.raises(PasswordUnavailable, match=sentence) as caught:
        call(services)
    assert str(caught.value).startswith("DATABASE_URL: the callable that supplies the password of database ")
    assert find(TOKEN, {**failure_surfaces(caught.value), "log": caplog.text}) == {}


@pytest.mark.parametrize("supplier", ["__call__", "later"])
def test_each_login_in_a_coroutine_gets_a_new_password(supplier: str) -> None:
    tokens = Tokens()
    services = load(getattr(tokens, supplier))

    async def arguments(connection: SecuredConnection) -> object:
        return psycopg.arguments(connection)["password"]

    async def twice() -> list[object]:
        return [await alogin(services, arguments) for _ in range(2)]

    assert asyncio.run(twice()) == [f"{TOKEN}1", f"{TOKEN}2"]


def test_the_pool_of_an_old_asyncpg_calls_the_supplier_itself() -> None:
    tokens = Tokens()

    async def password() -> str | None:
        return await alogin(services, asyncpg.password)

    services = load(tokens.later)
    given = asyncpg.asking(services.database, password)
    assert (given["host"], given["password"]) == ("db.example.com", password)
    assert asyncio.run(password()) == f"{TOKEN}1"
    services = envconn.load({"DATABASE_URL": URL}, env_file=None)
    assert asyncio.run(password()) is None


@pytest.mark.parametrize("taken", ["conninfo", "connection_class", "kwargs"])
def test_options_that_a_pool_refuses(taken: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{taken} would open connections without a TLS check"):
        envconn_psycopg.pool(load(Tokens()), **{taken: ""})  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="requires a PostgreSQL one"):
        envconn_psycopg.apool(
            envconn.load({"DATABASE_URL": "mysql://a:b@db.example.com/app?ssl-mode=REQUIRED"}, env_file=None)
        )


def test_a_pool_renews_before_the_provider_closes() -> None:
    neon = load(
        Tokens(), DATABASE_URL="postgresql://app@ep-a-1.eu-central-1.aws.neon.tech/app?sslmode=require"
    ).database
    assert neon.features.idle_seconds
    assert psycopg.pool_options(neon, {"max_size": 3}) == {"max_idle": neon.features.idle_seconds * 0.9, "max_size": 3}
    assert psycopg.pool_options(neon, {"max_idle": 1.0})["max_idle"] == 1.0


def test_django_rotates_what_is_postgresql() -> None:
    environ = {
        "DATABASE_URL": URL,
        "CAR_DATABASE_URL": "postgis://app@gis.example.com/app",
        "LITE_DATABASE_URL": "sqlite:///x.db",
    }
    services = envconn.load(environ, env_file=None)
    entries = envconn_django.databases(services, rotate=True)
    assert {alias: entry["ENGINE"].rpartition(".")[2] for alias, entry in entries.items()} == {
        "default": "rotating",
        "car": "rotating_gis",
        "lite": "sqlite3",
    }
    assert ["ENVCONN" in entry for entry in entries.values()] == [True, True, False]
    assert entries["car"]["ENVCONN"].connection is services["car"]


def test_settings_that_would_store_the_password_are_refused() -> None:
    broker = "rediss://redis.example.com/0"
    tokens = Tokens()
    calls: list[Callable[[], object]] = [
        lambda: envconn_django.databases(load(tokens)),
        lambda: envconn_celery.config(load(tokens, BROKER_URL=broker), results="database"),
    ]
    for call in calls:
        with pytest.raises(ConfigurationError) as caught:
            call()
        assert [problem.code for problem in caught.value.problems] == ["password-fixed"]
    entry = envconn_django.databases(load(tokens), rotate=True)["default"]
    assert (entry["PASSWORD"], entry["ENGINE"]) == ("", "envconn_django.rotating")
    assert not tokens.calls


@pytest.mark.parametrize("uri", ["rediss://localhost:1", "rediss+sentinel://localhost:1/m"])
def test_celery_asks_for_the_password_at_each_login(uri: str) -> None:
    tokens = Tokens()
    environ = {"CELERY_RESULT_BACKEND": uri, "BROKER_URL": uri}
    services = envconn.load(environ, env_file=None, passwords={"broker": tokens, "results": tokens})
    app = Celery("tokens", set_as_current=False)
    app.conf.update(envconn_celery.config(services))
    pool = app.backend.client.connection_pool
    assert not tokens.calls
    connection = pool.make_connection()
    for number in (1, 2):
        with pytest.raises(redis.ConnectionError):
            connection.connect()
        assert connection.password == f"{TOKEN}{number}"
    assert not pool.connection_kwargs.get("password")
