"""Each library on redis-py, as docs/redis.md says, against a Redis with TLS: the right CA connects, no other does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from envconn_redis import kwargs
from matrix import MISNAMED, NO_TLS, TLS, UNTRUSTED
from redis_clients import meaning
from redis_libraries import HERE, LIBRARIES

if TYPE_CHECKING:
    from pathlib import Path

    from redis_libraries import Library
    from redisserver import Redis
    from servers import States
    from throwaway.certificates import Certificates

EACH = pytest.mark.parametrize("library", [pytest.param(each, id=each.package) for each in HERE])


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redis.retry.sleep", lambda _: None)


def environ(monkeypatch: pytest.MonkeyPatch, uri: str, ca: Path) -> None:
    monkeypatch.setenv("REDIS_URL", uri)
    monkeypatch.setenv("ENVCONN_TLS_CA", str(ca))


def outcome(library: Library, code: str, name: str) -> str:
    """Run `code` and use what it calls `name`; say what came of it."""
    found: dict[str, Any] = {"kwargs": kwargs}
    try:
        exec(code, found)  # noqa: S102 - our own, as the page has it
        return TLS if library.use(found[name]) else "nothing came back"
    except Exception as error:  # noqa: BLE001 - every library has its own
        return meaning(error)


WRONG = pytest.mark.parametrize(
    ("state", "ca", "end"),
    [
        ("good", "other_ca", UNTRUSTED),
        ("unknownca", "ca", UNTRUSTED),
        ("expired", "ca", UNTRUSTED),
        ("wronghost", "ca", MISNAMED),
        ("plain", "ca", NO_TLS),
    ],
)


def test_one_library_at_most_is_left_out() -> None:
    assert {library.package for library in LIBRARIES} - {library.package for library in HERE} <= {"arq"}


@pytest.mark.checkout
def test_the_first_lines_of_the_page(
    checkout: Path, redis_server: States[Redis], certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ(monkeypatch, redis_server["good"].uri(), certificates.ca)
    found: dict[str, Any] = {}
    code = (checkout / "docs" / "redis.md").read_text(encoding="utf-8").split("```")[1].removeprefix("python\n")
    exec(code, found)  # noqa: S102 - our own
    with found["redis"] as made:
        assert made.ping()
    assert found["arguments"]["ssl_check_hostname"]
    asyncio.run(found["asynchronous"].aclose())


@EACH
def test_the_right_ca(
    redis_server: States[Redis], certificates: Certificates, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ(monkeypatch, redis_server["good"].uri(), certificates.ca)
    assert outcome(library, library.code, library.name) == TLS


@EACH
@WRONG
def test_every_other_server(
    redis_server: States[Redis],
    certificates: Certificates,
    library: Library,
    state: str,
    ca: str,
    end: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uri = redis_server[state].uri(scheme="rediss", socket_connect_timeout="0.3")
    environ(monkeypatch, uri, getattr(certificates, ca))
    assert outcome(library, library.code, library.name) == end


@pytest.mark.parametrize("library", [pytest.param(each, id=each.package) for each in HERE if each.arguments])
@pytest.mark.parametrize(("ca", "end"), [("ca", TLS), ("other_ca", UNTRUSTED)])
def test_plain_arguments(
    redis_server: States[Redis],
    certificates: Certificates,
    library: Library,
    ca: str,
    end: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environ(monkeypatch, redis_server["good"].uri(), getattr(certificates, ca))
    assert outcome(library, f"{library.code}\nimport redis\n{library.name} = {library.arguments}", library.name) == end
