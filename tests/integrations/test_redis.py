"""redis-py through envconn_redis: what it is handed, what it is not, and passwords that change under a client."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import redis
from celery import Celery
from django.utils.module_loading import import_string
from redis import asyncio as aioredis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

import envconn
from certified import threads_that_read
from envconn import ConfigurationError
from envconn.drivers import redis as driver
from envconn.drivers.redis import context
from envconn.probe.login.redis import log_in
from envconn_celery import config
from envconn_django import caches, channel_layers
from envconn_redis import aclient, asynchronous, client, connections, kwargs
from envconn_redis.connections import CredentialProvider
from liar import moving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from envconn import SecuredConnection, Services
    from redisserver import Redis
    from sentinels import Sentinels
    from servers import States
    from throwaway.certificates import Certificates

ONCE: dict[str, Any] = {"retry": Retry(NoBackoff(), 0)}
ONCE_ASYNC: dict[str, Any] = {"retry": AsyncRetry(NoBackoff(), 0)}
REMOTE = "rediss://app:marker-password@redis.example.com:6380/2"


def load(uri: str, **environ: str) -> Services:
    return envconn.load({"CACHE_URL": uri, **environ}, env_file=None)


def ping(source: Any) -> bool:
    with client(source, **ONCE) as connection:
        return bool(connection.ping())


def aping(source: Any) -> bool:
    async def asked() -> bool:
        async with aclient(source, **ONCE_ASYNC) as connection:
            return bool(await connection.ping())

    return asyncio.run(asked())


BOTH = pytest.mark.parametrize("pinged", [ping, aping], ids=["client", "aclient"])


# What is handed over


def test_kwargs_are_redis_pys_and_show_no_secret(certificates: Certificates) -> None:
    found = kwargs(load(REMOTE, ENVCONN_TLS_CA=str(certificates.ca)))
    assert (found["host"], found["port"], found["db"], found["username"]) == ("redis.example.com", 6380, 2, "app")
    assert (found["password"], found["ssl"], found["ssl_check_hostname"]) == ("marker-password", True, True)
    assert "marker-password" not in repr(found)
    assert redis.Redis(**found).get_connection_kwargs()["db"] == 2


@pytest.mark.parametrize("function", [kwargs, client, aclient])
@pytest.mark.parametrize("wrong", [None, "rediss://h", envconn.parse("rediss://h"), object()])
def test_only_what_was_judged_is_taken(function: Callable[[Any], object], wrong: object) -> None:
    with pytest.raises(TypeError, match="expected Services or a SecuredConnection"):
        function(wrong)


@pytest.mark.parametrize("function", [kwargs, client, aclient])
def test_another_service_is_refused(function: Callable[[Any], object]) -> None:
    database = envconn.secure(envconn.parse("postgresql://app@db.example.com/app?sslmode=require"))
    with pytest.raises(ConfigurationError, match="postgresql"):
        function(database)


@pytest.mark.parametrize("make", [client, aclient])
@pytest.mark.parametrize(
    "name",
    [
        *("host", "port", "db", "path", "unix_socket_path", "username", "password", "credential_provider"),
        *("connection_class", "connection_pool", "ssl", "ssl_cert_reqs", "ssl_ca_certs", "ssl_check_hostname"),
        *("redis_connect_func", "sentinels", "master_name", "unencrypted_to", "nothing_of_this_name"),
    ],
)
def test_what_decides_is_refused(make: Callable[..., object], name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"CACHE_URL: {name} ") as refusal:
        make(load(REMOTE), **{name: "marker-value"})
    assert [problem.code for problem in refusal.value.problems] == ["argument-refused"]
    assert "marker" not in str(refusal.value)


def test_the_rest_passes() -> None:
    options = {"decode_responses": True, "max_connections": 3, "socket_timeout": 1.5, "client_name": "shop"}
    for made in (client(load(REMOTE), **options), aclient(load(REMOTE), **options)):
        given = made.connection_pool.connection_kwargs
        assert (given["decode_responses"], given["socket_timeout"], given["client_name"]) == (True, 1.5, "shop")
        assert made.connection_pool.max_connections == 3


@pytest.mark.parametrize("made", [connections.pool, asynchronous.pool])
def test_a_connection_trusts_the_stated_ca_alone(certificates: Certificates, made: Callable[..., Any]) -> None:
    services = load(REMOTE, ENVCONN_TLS_CA=str(certificates.ca))
    connection = made(services.cache, {}).make_connection()
    trusted = context(connection._tls)
    assert trusted.verify_mode == ssl.CERT_REQUIRED
    assert trusted.cert_store_stats()["x509"] == 1


@BOTH
def test_without_an_argument_the_environment_is_loaded(
    redis_server: States[Redis], monkeypatch: pytest.MonkeyPatch, pinged: Callable[..., bool]
) -> None:
    server = redis_server["good"]
    monkeypatch.setenv("CACHE_URL", f"unix://:{server.password}@{server.socket}?db=3")
    assert redis.Redis(**kwargs()).ping()
    with client() as connection:
        assert connection.ping()


@BOTH
def test_sockets(redis_server: States[Redis], pinged: Callable[..., bool]) -> None:
    server = redis_server["good"]
    assert pinged(load(f"unix://:{server.password}@{server.socket}?db=3"))


# Passwords that change


@pytest.fixture
def admin(redis_server: States[Redis]) -> Iterator[redis.Redis]:
    server = redis_server["good"]
    with redis.Redis(unix_socket_path=str(server.socket), password=server.password) as connection:
        yield connection
        connection.execute_command("ACL", "DELUSER", "rotated")


def rotate(admin: redis.Redis, password: str) -> None:
    """Accept only `password` for ``rotated``, and close its open connections."""
    rule = ("resetpass", "on", f">{password}", "~*", "&*", "+@all")
    admin.execute_command("ACL", "SETUSER", "rotated", *rule)  # type: ignore[no-untyped-call]
    admin.execute_command("CLIENT", "KILL", "USER", "rotated")  # type: ignore[no-untyped-call]


@pytest.fixture
def url(redis_server: States[Redis]) -> Callable[[str], str]:
    return lambda password: f"rediss://rotated:{quote(password)}@localhost:{redis_server['good'].port}/0"


def test_a_client_follows_a_file(
    admin: redis.Redis, certificates: Certificates, tmp_path: Path, url: Callable[[str], str]
) -> None:
    file = tmp_path / "url"
    file.write_text(url("first"), encoding="utf-8")
    rotate(admin, "first")
    environ = {"CACHE_URL_FILE": str(file), "ENVCONN_TLS_CA": str(certificates.ca)}
    services = envconn.load(environ, env_file=None)
    with client(services, **ONCE) as connection:
        assert connection.ping()
        file.write_text(url("second"), encoding="utf-8")
        rotate(admin, "second")
        with suppress(redis.ConnectionError):  # it was cut; redis-py before 6 loses one command
            connection.ping()
        assert connection.ping()
        assert services["cache"].password == envconn.Secret("second")
        rotate(admin, "third")
        for _ in range(2):
            with pytest.raises((redis.ConnectionError, redis.AuthenticationError)):
                connection.ping()


def test_celery_follows_a_file(
    redis_server: States[Redis],
    admin: redis.Redis,
    certificates: Certificates,
    tmp_path: Path,
    url: Callable[[str], str],
) -> None:
    file = tmp_path / "url"
    file.write_text(url("first"), encoding="utf-8")
    rotate(admin, "first")
    environ = {"BROKER_URL_FILE": str(file), "CACHE_URL_FILE": str(file), "ENVCONN_TLS_CA": str(certificates.ca)}
    app = Celery("rotated", set_as_current=False)
    app.conf.update(config(envconn.load(environ, env_file=None)))

    def users() -> list[str]:
        with app.connection() as broker:
            names = [
                each.execute_command("ACL", "WHOAMI") for each in (broker.default_channel.client, app.backend.client)
            ]
        return [name.decode() if isinstance(name, bytes) else name for name in names]

    assert users() == ["rotated"] * 2
    file.write_text(url("second"), encoding="utf-8")
    rotate(admin, "second")
    with suppress(redis.ConnectionError):
        app.backend.client.ping()
    assert users() == ["rotated"] * 2
    app.conf.broker_url = url("first").replace("/0", "/3")
    with app.connection() as broker:
        assert "db=3" in str(broker.default_channel.client.execute_command("CLIENT", "INFO"))
    own = redis_server["good"]
    app.conf.broker_url = f"rediss://:{quote(own.password)}@localhost:{own.port}/0"
    assert users() == ["default", "rotated"]


def test_an_asynchronous_client_follows_a_file(
    admin: redis.Redis, certificates: Certificates, tmp_path: Path, url: Callable[[str], str]
) -> None:
    file = tmp_path / "url"
    file.write_text(url("first"), encoding="utf-8")
    rotate(admin, "first")
    environ = {"CACHE_URL_FILE": str(file), "ENVCONN_TLS_CA": str(certificates.ca)}
    services = envconn.load(environ, env_file=None)

    async def both() -> None:
        async with aclient(services, **ONCE_ASYNC) as connection:
            assert await connection.ping()
            file.write_text(url("second"), encoding="utf-8")
            rotate(admin, "second")
            with suppress(redis.ConnectionError):
                await connection.ping()
            assert await connection.ping()

    asyncio.run(both())
    assert services["cache"].password == envconn.Secret("second")


def test_clients_follow_the_content_of_a_ca(
    redis_server: States[Redis], certificates: Certificates, tmp_path: Path
) -> None:
    """Also Django's cache, which is handed arguments: its connections read the files themselves."""
    file = tmp_path / "ca.pem"
    file.write_bytes(certificates.ca.read_bytes())
    services = load(redis_server["good"].uri(), ENVCONN_TLS_CA=str(file))
    location = caches(services)["default"]
    options = {**location["OPTIONS"], **ONCE}
    assert options.pop("pool_class") == "envconn_redis.connections.VerifyingPool"
    django = redis.Redis(connection_pool=connections.VerifyingPool.from_url(location["LOCATION"], **options))

    async def asynchronous_too() -> None:
        async with aclient(services, **ONCE_ASYNC) as coroutine:
            with client(services, **ONCE) as synchronous:
                for ca, trusted in ((certificates.ca, True), (certificates.other_ca, False), (certificates.ca, True)):
                    file.write_bytes(ca.read_bytes())
                    for each in (synchronous, django):
                        each.connection_pool.disconnect()
                        assert _pings(each) is trusted
                    await coroutine.connection_pool.disconnect()
                    [found] = await asyncio.gather(coroutine.ping(), return_exceptions=True)
                    assert (found is True) is trusted

    asyncio.run(asynchronous_too())
    with client(services, **ONCE) as synchronous:
        file.unlink()
        for ask in (synchronous.ping, lambda: client(services)):
            with pytest.raises(ConfigurationError, match="CA: the file does not exist"):
                ask()


@pytest.mark.parametrize("follows", [True, False])
def test_no_file_is_read_on_the_event_loop(
    redis_server: States[Redis], certificates: Certificates, monkeypatch: pytest.MonkeyPatch, *, follows: bool
) -> None:
    services = load(redis_server["good"].uri(), ENVCONN_TLS_CA=str(certificates.ca))

    async def pinged() -> set[int]:
        made = aclient(services, **ONCE_ASYNC)
        if not follows:
            given: dict[str, Any] = driver.connection_arguments(services.cache)
            pool = aioredis.ConnectionPool(**given, connection_class=asynchronous.VerifyingConnection)
            made = aioredis.Redis(connection_pool=pool)
        threads = threads_that_read(monkeypatch)
        async with made as connection:
            assert await connection.ping()
        await made.connection_pool.disconnect()
        return threads

    threads = asyncio.run(pinged())
    assert threads
    assert threading.get_ident() not in threads


def _pings(client_: redis.Redis) -> bool:
    with suppress(redis.ConnectionError):
        return bool(client_.ping())
    return False


class Tokens:
    """A callable that supplies a password, and counts."""

    def __init__(self, password: str) -> None:
        self.password, self.calls = password, 0

    def __call__(self, _: SecuredConnection) -> str:
        self.calls += 1
        return self.password

    async def later(self, connection: SecuredConnection) -> str:
        return self(connection)


@pytest.mark.parametrize("user", ["rotated", ""])
def test_a_password_that_the_program_supplies(
    redis_server: States[Redis], admin: redis.Redis, certificates: Certificates, user: str
) -> None:
    tokens = Tokens("supplied" if user else redis_server["good"].password)
    rotate(admin, "supplied")
    environ = {
        "CACHE_URL": f"rediss://{user and user + ':unused@'}localhost:{redis_server['good'].port}",
        "ENVCONN_TLS_CA": str(certificates.ca),
    }
    services = envconn.load(environ, env_file=None, passwords={"cache": tokens})
    assert tokens.calls == 0
    assert ping(services)
    assert aping(services)
    given = kwargs(services)
    assert not {"username", "password"} & given.keys()
    with redis.Redis(**given, **ONCE) as connection:
        assert connection.ping()
    calls = tokens.calls
    assert calls == 3
    later = envconn.load(environ, env_file=None, passwords={"cache": tokens.later})
    assert aping(later)

    async def own() -> bool:
        async with aioredis.Redis(**kwargs(later), **ONCE_ASYNC) as connection:
            return bool(await connection.ping())

    if hasattr(redis.CredentialProvider, "get_credentials_async"):  # redis-py before 5.2 asks no coroutine
        assert asyncio.run(own())
    with pytest.raises(envconn.PasswordUnavailable):
        ping(later)


def test_djangos_cache_asks_for_it_at_each_login(redis_server: States[Redis], certificates: Certificates) -> None:
    from django.core.cache.backends.redis import RedisCache

    tokens = Tokens(redis_server["good"].password)
    environ = {"CACHE_URL": f"rediss://localhost:{redis_server['good'].port}", "ENVCONN_TLS_CA": str(certificates.ca)}
    entry = caches(envconn.load(environ, env_file=None, passwords={"cache": tokens}))["default"]
    assert tokens.calls == 0
    cache = RedisCache(entry["LOCATION"], {"OPTIONS": entry["OPTIONS"]})
    cache.set("envconn", 1)
    assert (cache.get("envconn"), tokens.calls) == (1, 1)


def test_a_provider_says_what_is_in_use() -> None:
    environ = {"CACHE_URL": "rediss://:first@redis.example.com"}
    services = envconn.load(environ, env_file=None)
    provider = CredentialProvider(services)
    assert provider.get_credentials() == ("first",)
    environ["CACHE_URL"] = "rediss://app:second@redis.example.com"
    services.reload()
    assert provider.get_credentials() == asyncio.run(provider.get_credentials_async()) == ("app", "second")
    assert CredentialProvider(envconn.secure(envconn.parse("rediss://h"))).get_credentials() == ("",)
    with pytest.raises(TypeError):
        CredentialProvider(None)  # type: ignore[arg-type]


CHANGES = ["unix://:first@/run/redis.sock", "rediss+sentinel://localhost/mymaster", "rediss://localhost"]


@pytest.mark.parametrize("changed", CHANGES)
def test_a_client_does_not_change_how_it_connects(changed: str) -> None:
    environ = {"CACHE_URL": "redis://localhost:1"}
    services = envconn.load(environ, env_file=None)
    with client(services, **ONCE) as connection:
        environ["CACHE_URL"] = changed
        services.reload()
        with pytest.raises(ConfigurationError, match="Restart the process"):
            connection.ping()


@pytest.mark.parametrize("changed", CHANGES)
def test_an_asynchronous_client_does_not_either(changed: str) -> None:
    environ = {"CACHE_URL": "redis://localhost:1"}
    services = envconn.load(environ, env_file=None)

    async def asked() -> None:
        async with aclient(services, **ONCE_ASYNC) as connection:
            environ["CACHE_URL"] = changed
            services.reload()
            await connection.ping()

    with pytest.raises(ConfigurationError, match="Restart the process"):
        asyncio.run(asked())


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ("localhost:2/mymaster", ConfigurationError),
        ("localhost:2,localhost:3/mymaster", ConfigurationError),
        ("localhost:1/another", ConfigurationError),
        ("localhost:2,localhost:1/mymaster", redis.sentinel.MasterNotFoundError),
    ],
)
def test_sentinels_are_not_sent_the_passwords_of_others(changed: str, error: type[Exception]) -> None:
    """The addresses of the sentinels are those of the pool, the passwords those of now."""
    environ = {"CACHE_URL": "redis+sentinel://:one@localhost:1/mymaster"}
    services = envconn.load(environ, env_file=None)
    with client(services, **ONCE) as connection:
        environ["CACHE_URL"] = f"redis+sentinel://:two@{changed}"
        services.reload()
        with pytest.raises(error):
            connection.ping()


# A server that names another host


def _sync(made: redis.Redis) -> None:
    with made as connection:
        for _ in range(3):
            connection.get("k")
        connection.connection_pool.disconnect()


def _async(made: aioredis.Redis) -> None:
    async def asked() -> None:
        async with made as connection:
            for _ in range(3):
                await connection.get("k")
            await connection.connection_pool.disconnect()

    asyncio.run(asked())


def _celery(services: Services) -> Celery:
    app = Celery("moving", set_as_current=False)
    app.conf.update(config(services, results="cache"))
    return app


def _broker(services: Services) -> None:
    with _celery(services).connection() as connection:
        _sync(connection.default_channel.client)


def _django(services: Services) -> None:
    entry = caches(services)["default"]
    pool = import_string(str(entry["OPTIONS"].pop("pool_class")))
    _sync(redis.Redis(connection_pool=pool.from_url(entry["LOCATION"], **entry["OPTIONS"])))


def _django_redis(services: Services) -> None:
    entry = caches(services, backend="django_redis.cache.RedisCache")["default"]
    options: dict[str, Any] = entry["OPTIONS"]
    pool, given = import_string(options["CONNECTION_POOL_CLASS"]), options.get("CONNECTION_POOL_KWARGS", {})
    _sync(redis.Redis(connection_pool=pool.from_url(entry["LOCATION"], **given)))


def _channels(services: Services) -> None:
    layer: Any = channel_layers(services)["default"]
    [host] = layer["CONFIG"]["hosts"]
    _async(aioredis.Redis(connection_pool=aioredis.ConnectionPool(**host)))


def _probe(services: Services) -> None:
    log_in(services.cache, time.monotonic() + 5, None)


WAYS: dict[str, Callable[[Services], None]] = {
    "kwargs": lambda services: _sync(redis.Redis(**kwargs(services))),
    "kwargs for asyncio": lambda services: _async(aioredis.Redis(**kwargs(services))),
    "client": lambda services: _sync(client(services)),
    "aclient": lambda services: _async(aclient(services)),
    "results": lambda services: _sync(_celery(services).backend.client),
    "broker": _broker,
    "Django": _django,
    "django-redis": _django_redis,
    "Channels": _channels,
    "probe": _probe,
}


@pytest.mark.parametrize("way", WAYS)
def test_no_connection_follows_a_server_to_another_host(way: str) -> None:
    """The verdict is about the configured host: this one may be without TLS because it is this machine."""
    with moving() as (port, arrived):
        uri = f"redis://app:marker-password@127.0.0.1:{port}/0"
        WAYS[way](envconn.load({"CACHE_URL": uri, "CELERY_BROKER_URL": uri}, env_file=None))
    assert not arrived


def test_redis_pys_own_connections_do_from_version_7_on() -> None:
    """Otherwise the test above would be of nothing."""
    with moving() as (port, arrived), suppress(redis.RedisError):
        _sync(redis.Redis(host="127.0.0.1", port=port, protocol=3, socket_timeout=0.5, retry=Retry(NoBackoff(), 0)))
    assert bool(arrived) is bool(driver.staying(redis))


def test_the_program_does_not_let_them_either() -> None:
    with pytest.raises(ConfigurationError, match="maint_notifications_config cannot be set in the program"):
        client(load("redis://localhost"), maint_notifications_config=None)


def test_sentinels_are_closed_with_the_client(
    sentinel_sets: States[Sentinels], certificates: Certificates, recwarn: pytest.WarningsRecorder
) -> None:
    services = load(sentinel_sets["good"].uri(), ENVCONN_TLS_CA=str(certificates.ca))
    for _ in range(2):
        assert ping(services)
        assert aping(services)
    assert not recwarn.list


@BOTH
def test_a_master_that_no_sentinel_knows(
    sentinel_sets: States[Sentinels], certificates: Certificates, pinged: Callable[..., bool]
) -> None:
    uri = sentinel_sets["good"].uri().replace("/mymaster", "/another")
    with pytest.raises(redis.ConnectionError, match="no sentinel knows a running master"):
        pinged(load(uri, ENVCONN_TLS_CA=str(certificates.ca)))
