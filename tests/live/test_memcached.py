"""A real Memcached as Django's cache: what `caches()` makes of it is used, and a look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core.cache import CacheHandler

import daemons
import envconn
import strangers
from envconn.probe import examine
from envconn_django import caches
from installed import ServerMissing
from probing import codes
from strangers import endless, say
from throwaway.process import ADDRESS, free_port, wait, workplace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from envconn import SecuredConnection
    from installed import Installations
    from strangers import Behaviour


@pytest.fixture(scope="module")
def command(installations: Installations) -> tuple[str, ...]:
    try:
        return (*installations.command("memcached"), "-m", "8")
    except ServerMissing as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def port(installations: Installations, command: tuple[str, ...]) -> Iterator[int]:
    number = free_port(ADDRESS)
    with workplace(installations.account) as home:
        words = (*command, "-l", ADDRESS, "-p", str(number))
        with daemons.listening(words, home, installations.account, ADDRESS, number):
            yield number


@pytest.fixture(scope="module")
def socket(installations: Installations, command: tuple[str, ...]) -> Iterator[Path]:
    with workplace(installations.account) as home:
        path = home / "socket"
        process = installations.account.popen((*command, "-s", str(path), "-a", "777"), home / "log")
        try:
            wait(path.is_socket, "the socket", seconds=20)
            yield path
        finally:
            process.kill()
            process.wait(5)


def judged(uri: str) -> SecuredConnection:
    return envconn.load({"CACHE_URL": uri, "DATABASE_URL": "sqlite://"}, env_file=None).cache


@pytest.mark.parametrize("uri", ["memcache://localhost:{}", "pymemcached://{host}:{},localhost:{}/"])
def test_django_uses_it(port: int, uri: str) -> None:
    use(uri.replace("{}", str(port)).format(host=ADDRESS))


def test_django_uses_its_socket(socket: Path) -> None:
    use(f"memcached://{socket}")
    assert codes(examine(judged(f"memcached://{socket}"))) == ()


def use(uri: str) -> None:
    connection = judged(uri)
    written = judged(connection.uri().reveal())
    assert (written.scheme, written.hosts) == (connection.scheme, connection.hosts)
    cache = CacheHandler(caches(connection))["default"]
    cache.set("a", [uri])
    assert cache.get("a") == [uri]
    assert cache.get("b") is None
    cache.close()


def test_a_look(port: int) -> None:
    proof = examine(judged(f"memcache://localhost:{port}"), login=True)
    assert (codes(proof), [seen.login for seen in proof.seen]) == ((), [None])
    redis = envconn.secure(envconn.parse(f"redis://localhost:{port}", "REDIS_URL"))
    assert codes(examine(redis)) == ("protocol-unexpected",)


@pytest.mark.parametrize(
    ("behave", "code"),
    [
        (say(b"VERSION 1.6.18\r\n"), ""),
        (say(b"-ERR unknown command\r\n"), "protocol-unexpected"),
        (say(b"ERROR\r\n"), "protocol-unexpected"),
        (endless(b"VERSION ", b"x"), "protocol-unexpected"),
        (say(b""), "connection-closed"),
    ],
)
def test_what_answers(behave: Behaviour, code: str) -> None:
    with strangers.running(behave) as stranger:
        proof = examine(judged(f"memcache://localhost:{stranger.port}"), timeout=2)
    assert codes(proof) == ((code,) if code else ())
    assert stranger.received[0].startswith(b"version\r\n")


def test_nothing_listens() -> None:
    proof = examine(judged(f"memcache://localhost:{free_port(ADDRESS)}"), timeout=2)
    assert codes(proof) == ("connection-refused",)
