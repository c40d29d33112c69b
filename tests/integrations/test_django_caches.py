"""Django's Redis cache over TLS: which CA it trusts, and what it sends to which server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import eavesdropper
import envconn
from envconn_django import caches, channel_layers

if TYPE_CHECKING:
    from project import Project
    from redisserver import Redis
    from sentinels import Sentinels
    from servers import States
    from throwaway.certificates import Certificates

ROUND = "from django.core.cache import cache; cache.set('a', [1]); print(cache.get('a'))"
THEIRS = "CACHES['default']['OPTIONS'].pop('pool_class')"
DATABASE = {"DATABASE_URL": "sqlite://", "ENVCONN_TLS_LOCAL": "allow"}
TRUSTED = ("good", "wronghost", "expired", "unknownca")


def visited(project: Project, uri: str, **variables: str) -> str:
    """Use the cache in a process, and return the last line of what it says."""
    return project.python(ROUND, **DATABASE, CACHE_URL=uri, **variables).stdout.splitlines()[-1]


@pytest.mark.parametrize("state", TRUSTED)
@pytest.mark.parametrize(
    ("query", "accepted"),
    [
        ("ssl_cert_reqs=required&ssl_ca_certs={ca}", {"good"}),
        ("ssl_cert_reqs=CERT_REQUIRED&ssl_ca_certs={ca}", {"good"}),
        ("ssl_ca_certs={ca}&ssl_check_hostname=false", {"good", "wronghost"}),
        ("ssl_cert_reqs=none", set(TRUSTED)),
        ("ssl_ca_certs={other_ca}", {"unknownca"}),
    ],
)
def test_which_ca_it_trusts(
    project: Project,
    redis_server: States[Redis],
    certificates: Certificates,
    state: str,
    query: str,
    accepted: set[str],
) -> None:
    files = {"ca": certificates.ca, "other_ca": certificates.other_ca}
    output = visited(project, f"{redis_server[state].uri(database=3)}?{query.format_map(files)}")
    assert output == "[1]" if state in accepted else "certificate verify failed" in output


@pytest.mark.parametrize(("line", "trusted"), [("", False), (THEIRS, True)])
def test_the_stated_ca_is_the_only_one(
    project: Project, redis_server: States[Redis], certificates: Certificates, line: str, *, trusted: bool
) -> None:
    project.settings(line)
    uri = redis_server["unknownca"].uri(ssl_ca_certs=str(certificates.ca), ssl_check_hostname="false")
    output = visited(project, uri, SSL_CERT_FILE=str(certificates.other_ca))
    assert (output == "[1]") is trusted


def test_system_cas(project: Project, redis_server: States[Redis], certificates: Certificates) -> None:
    uri = redis_server["good"].uri()
    assert visited(project, uri, SSL_CERT_FILE=str(certificates.ca)) == "[1]"
    assert "certificate verify failed" in visited(project, uri, SSL_CERT_FILE=str(certificates.other_ca))


@pytest.mark.parametrize(
    ("state", "output"),
    [
        ("good", "[1]"),
        ("names", "[1]"),
        ("sentinel wronghost", "certificate verify failed: Hostname mismatch"),
        ("redis wronghost", "certificate verify failed: IP address mismatch"),
        ("redis unknownca", "certificate verify failed"),
    ],
)
def test_sentinels(
    project: Project, sentinel_sets: States[Sentinels], certificates: Certificates, state: str, output: str
) -> None:
    assert output in visited(project, sentinel_sets[state].uri(database=3, ssl_ca_certs=str(certificates.ca)))


def test_unencrypted_stays_at_home(project: Project, redis_server: States[Redis]) -> None:
    uri = redis_server["plain"].uri()
    assert visited(project, uri) == "[1]"
    enforced = {**DATABASE, "ENVCONN_TLS_LOCAL": "enforce", "DATABASE_URL": "", "ENVCONN_PHASE": "build"}
    assert "CACHE_URL: " in project.python(ROUND, **enforced, CACHE_URL=uri).stdout


def test_nothing_is_sent_to_a_server_without_tls(project: Project) -> None:
    with eavesdropper.listening(None) as recorder:
        uri = f"rediss://:marker-password@localhost:{recorder.port}/0?ssl_cert_reqs=none"
        assert "[1]" not in visited(project, uri)
    assert recorder.received
    assert all(sent.startswith(b"\x16\x03\x01") for sent in recorder.received)


def test_without_a_cache_it_is_djangos_own(project: Project) -> None:
    done = project.python(f"{ROUND}; print(cache._cache)", **DATABASE)
    assert done.stdout.startswith("[1]\n")


def test_a_database_called_cache_is_not_the_cache() -> None:
    services = envconn.load(
        {"DATABASE_URL": "sqlite:///a.db", "CACHE_DATABASE_URL": "sqlite:///cache.db"}, env_file=None
    )
    assert caches(services)["default"]["BACKEND"].endswith("LocMemCache")


@pytest.mark.parametrize(
    "uri", ["rediss://app:marker-password@cache.example.com/1", "redis://:marker-password@localhost"]
)
def test_no_password_is_shown(uri: str) -> None:
    services = envconn.load({"CACHE_URL": uri, "DATABASE_URL": "sqlite://"}, env_file=None)
    for made in (caches(services), caches(services, backend=DJANGO_REDIS), channel_layers(services)):
        assert "marker-password" not in repr(made)


DJANGO_REDIS = "django_redis.cache.RedisCache"


def test_the_words_of_django_redis() -> None:
    services = envconn.load({"CACHE_URL": "rediss://app:marker-password@cache.example.com/1"}, env_file=None)
    entry = caches(services, backend=DJANGO_REDIS)["default"]
    assert entry["LOCATION"] == "rediss://cache.example.com:6379/1"
    assert entry["OPTIONS"].keys() == {"USERNAME", "PASSWORD", "CONNECTION_POOL_CLASS", "CONNECTION_POOL_KWARGS"}
    assert {name[:4] for name in entry["OPTIONS"]["CONNECTION_POOL_KWARGS"]} == {"ssl_"}
    options = {"CONNECTION_POOL_CLASS": "envconn_redis.connections.StayingPool"}
    local = caches(envconn.load({"CACHE_URL": "redis://localhost"}, env_file=None), backend=DJANGO_REDIS)["default"]
    assert local == {"BACKEND": DJANGO_REDIS, "LOCATION": "redis://localhost:6379/0", "OPTIONS": options}


@pytest.mark.parametrize(("state", "output"), [("good", "[1]"), ("redis unknownca", "certificate verify failed")])
def test_sentinels_of_django_redis(
    project: Project, sentinel_sets: States[Sentinels], certificates: Certificates, state: str, output: str
) -> None:
    project.settings(f"CACHES = caches(backend={DJANGO_REDIS!r})")
    assert output in visited(project, sentinel_sets[state].uri(database=3, ssl_ca_certs=str(certificates.ca)))


def layers(uri: str) -> dict[str, dict[str, object]]:
    return channel_layers(envconn.load({"CACHE_URL": uri, "DATABASE_URL": "sqlite://"}, env_file=None))


@pytest.mark.parametrize("uri", ["rediss+sentinel://h.example.com/mymaster/0", "locmemcache://"])
def test_what_is_no_layer(uri: str) -> None:
    with pytest.raises(envconn.ConfigurationError, match="which a layer of Channels cannot use here"):
        layers(uri)


def test_without_a_redis_the_layer_is_in_memory() -> None:
    assert layers("") == {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


@pytest.mark.parametrize(("ca", "end"), [("ca", "{'type': 'a'}"), ("other_ca", "certificate verify failed")])
def test_the_other_layer(
    project: Project, redis_server: States[Redis], certificates: Certificates, ca: str, end: str
) -> None:
    project.settings("from envconn_django import channel_layers\nCHANNEL_LAYERS = channel_layers(backend=" + PUBSUB)
    uri = redis_server["good"].uri(ssl_ca_certs=str(getattr(certificates, ca)))
    assert end in project.python(SENT, **DATABASE, CACHE_URL=uri).stdout


PUBSUB = "'channels_redis.pubsub.RedisPubSubChannelLayer')"
SENT = """
import asyncio
from channels.layers import get_channel_layer

async def main():
    layer = get_channel_layer()
    name = await layer.new_channel()
    await layer.send(name, {"type": "a"})
    print(await asyncio.wait_for(layer.receive(name), 5))
    await layer.flush()

asyncio.run(main())
"""
