"""What callers write. Type checkers read this file, and nothing runs it; see test_types.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, assert_type

import psycopg
from pydantic import BaseModel, Field
from pydantic_settings import BaseSettings, JsonConfigSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

import envconn
import envconn_celery
import envconn_psycopg
from envconn import Connection, EndpointUnavailable, Proof, Report, Secret, SecuredConnection, Services, TlsLevel
from envconn.connection import Host
from envconn.export import render
from envconn.remote import QueryError, RemoteConnection, Result, Serverless, get_connection, query
from envconn.remote import serverless as remote_serverless
from envconn.rotation import alogin, login
from envconn.rotation.reload import Changes
from envconn.services import database as database_of
from envconn.settings import HiddenInputModel
from envconn_pytest.platforms import providers, sample
from envconn_pytest.tls_server import PostgresTLS, stand_in

if TYPE_CHECKING:
    from envconn_pytest import IsolatedEnvironment

# The environment as it is, and every argument that can be given.
services = envconn.load()
assert_type(services, Services)
envconn.load({"DATABASE_URL": "postgresql://app@localhost/app"}, env_file=None)
envconn.load(env_file=[".env", "prod.env"], policy=envconn.Policy(tls="verify-full", ca="system"))

# A mapping by name, and the names that it always knows.
assert_type(services["analytics"], SecuredConnection)
assert_type(services.get("analytics"), SecuredConnection | None)
assert_type(dict(services), dict[str, SecuredConnection])
databases: Mapping[str, SecuredConnection] = services.databases
database = services.database
assert_type(database, SecuredConnection)
assert_type(services.broker, SecuredConnection)
assert_type(services.results, SecuredConnection)
assert_type(services.cache, SecuredConnection)
assert_type(services.get("broker"), SecuredConnection | None)
assert_type(database_of(), SecuredConnection)
assert_type(database_of(services), SecuredConnection)

# Other endpoints of the same database.
try:
    assert_type(services.connection(pooled=True), SecuredConnection)
    assert_type(database.endpoint(replica=False), SecuredConnection)
except EndpointUnavailable as unavailable:
    assert_type(str(unavailable), str)

# The environment again, views that follow it, and passwords by a callable.
changes = services.reload()
assert_type(changes, Changes)
assert_type(changes.changed, Mapping[str, tuple[str, ...]])
assert_type(bool(changes), bool)
assert_type(services.connection("analytics", replica=True), SecuredConnection)


def token(judged: SecuredConnection) -> str:
    """Supply a password."""
    return f"{judged.host}:{judged.port}:{judged.user}"


async def later(judged: SecuredConnection) -> str:
    """Supply it in a coroutine."""
    return token(judged)


envconn.load(passwords={"database": token, "analytics": later})
assert_type(login(services, lambda judged: judged.port), int)

# What a connection says of itself.
assert_type(database.name, str)
assert_type(database.hosts, tuple[Host, ...])
assert_type(database.port, int)
assert_type(database.password, Secret | None)
assert_type(database.provider, str | None)
assert_type(database.pooled, bool | None)
assert_type(database.uri(), Secret)
assert_type(database.tls.raised, bool)
assert_type(database.features.idle_seconds, int | None)
assert_type(database.features.prepared_statements, bool)
assert_type(database.origin.variable, str)
assert_type(Host("db", port=5432).host, str)
strong: bool = database.tls.level >= TlsLevel.VERIFY_CA
if database.password:
    assert_type(database.password.reveal(), str)

# In the words of another program.
assert_type(render(database, "jdbc"), str)
render(services["analytics"], "conninfo", ca="/etc/ca.pem", libpq=17_00_00, mask=True)

# By hand: read, then judge.
connection = envconn.parse("postgresql://app@localhost/app", "SOME_URL")
assert_type(connection, Connection)
assert_type(envconn.secure(connection, envconn.Policy(waive=("10.0.0.0/8",))), SecuredConnection)

# What went wrong, and what was found.
try:
    envconn.load()
except envconn.ConfigurationError as error:
    for problem in error.problems:
        assert_type((problem.code, problem.variable, problem.message), tuple[str, str, str])
assert_type(services.report(), Report)
assert_type(services.report().ok, bool)

# What stands at the other end.
proof = envconn.prove(services, timeout=5, enforcement="require")
assert_type(proof, Proof)
assert_type(envconn.prove(database).ok, bool)
for seen in proof.seen:
    assert_type(seen.enforced, bool | None)
    if seen.handshake and seen.handshake.certificate:
        assert_type(seen.handshake.certificate.days_left, int)

# psycopg 3 and psycopg2.
with envconn_psycopg.connect(services, autocommit=True) as opened:
    assert_type(opened.execute("select 1").fetchone(), tuple[Any, ...] | None)
with envconn_psycopg.pool(services, min_size=1, open=True) as pool, pool.connection() as lent:
    assert_type(lent, psycopg.Connection)
psycopg.connect(**envconn_psycopg.kwargs())
psycopg.connect(autocommit=True, **envconn_psycopg.kwargs(database))
envconn_psycopg.kwargs(database, driver="psycopg2")
envconn_celery.config(services, results="database")
envconn_celery.config(database, results=None)


async def asynchronously() -> None:
    """Open a connection in a coroutine."""
    async with await envconn_psycopg.aconnect() as opened:
        await opened.execute("select 1")
    async with envconn_psycopg.apool(services) as pool, pool.connection() as lent:
        await lent.execute("select 1")

    async def port(judged: SecuredConnection) -> int:
        return judged.port

    assert_type(await alogin(services, port), int)


class Settings(envconn.Settings):
    """An application's settings: no argument has to be given for the connections."""

    model_config = SettingsConfigDict(env_prefix="APP_", extra="forbid")

    debug: bool = False


settings = Settings()
Settings(database=database, debug=True)
Settings(services=services)
assert_type(settings.database, SecuredConnection)
assert_type(settings.broker, SecuredConnection)
assert_type(settings.results, SecuredConnection)
assert_type(settings.cache, SecuredConnection)
assert_type(settings.databases, Mapping[str, SecuredConnection])
assert_type(settings.services.get("cache"), SecuredConnection | None)
assert_type(Settings.model_construct(debug=True).cache, SecuredConnection)
assert_type(settings.services, Services)
assert_type(settings.debug, bool)
envconn_psycopg.connect(settings.database)


class Sourced(envconn.Settings):
    """The same with a source of its own, as docs/settings.md adds one."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], *args: Any, **usual: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        secret = JsonConfigSettingsSource(settings_cls, "settings.json")
        return (*super().settings_customise_sources(settings_cls, *args, **usual), secret)


class Own(BaseModel):
    """A model that is handed its connections."""

    database: SecuredConnection
    others: list[SecuredConnection] = Field(default_factory=list[SecuredConnection])


class Careful(HiddenInputModel):
    """The same, with errors that hold no input."""

    database: SecuredConnection | None = None


assert_type(Own(database=database).database, SecuredConnection)
assert_type(Careful().database, SecuredConnection | None)

# What a provider's API hands out, and one query over HTTPS.
fetched = get_connection("casedev", project="proj_abc123", branch="staging", pooled=True, timeout=10)
assert_type(fetched, RemoteConnection)
assert_type(fetched.connection, SecuredConnection)
assert_type(fetched.connection_uri, Secret)
get_connection(
    "planetscale", organization="acme", database="app", role="web", create=True, ttl=60, inherit=["postgres"]
)
serverless = remote_serverless(database, jwt=Secret("header.payload.signature"))
assert_type(serverless, Serverless)
assert_type(serverless.headers["Neon-Connection-String"], Secret)
result = query(database, "select $1::int", [1])
assert_type(result, Result)
assert_type(result.row_count, int | None)
try:
    query(fetched.connection, "select 1")
except QueryError as refusal:
    assert_type(refusal.sqlstate, str)
    assert_type(refusal.exit_code, int)


def test_on_a_platform(envconn_environment: IsolatedEnvironment, postgres_tls: PostgresTLS) -> None:
    """A test that an application's author writes."""
    envconn_environment["DATABASE_URL"] = "postgresql://app@localhost/app"
    envconn_environment.update(sample(providers()[0], pooled=True, replica=None))
    assert_type(envconn_environment.load(policy=envconn.Policy()), Services)
    server = postgres_tls("expired")
    envconn_environment.update(server.environment(sslmode="verify-ca"))
    assert_type([(client.tls, client.user) for client in server.clients], list[tuple[str | None, str]])
    with stand_in() as other:
        assert_type((other.port, other.uri(sslmode="require"), other.saw_unencrypted), tuple[int, str, bool])
