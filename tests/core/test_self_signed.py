"""A scheme that means a verified server keeps its meaning, whatever a host looks like; only a variable lowers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import envconn
from envconn import TlsLevel
from envconn.drivers import redis

if TYPE_CHECKING:
    from throwaway.certificates import Certificates

HEROKU = "ec2-1-2-3-4.compute-1.amazonaws.com:6380"
RAILWAY = "shuttle.proxy.rlwy.net:12345"
FULL, ENCRYPTED = TlsLevel.VERIFY_FULL, TlsLevel.ENCRYPTED
NOTE = ["certificate-self-signed"]


@pytest.mark.parametrize(
    ("url", "variables", "level", "notes"),
    [
        (f"rediss://h:p@{HEROKU}", {}, FULL, NOTE),
        (f"rediss://h:p@{HEROKU}", {"DYNO": "web.1"}, FULL, NOTE),
        (f"rediss://:p@{RAILWAY}", {}, FULL, NOTE),
        (f"rediss://:p@{RAILWAY}", {"ENVCONN_TLS": "verify-full"}, FULL, NOTE),
        (f"rediss://:p@{RAILWAY}", {"ENVCONN_PROVIDER": "heroku"}, FULL, NOTE),
        ("rediss://:p@cache.example.com", {"ENVCONN_PROVIDER": "railway"}, FULL, []),
        ("rediss://:p@cache.example.com", {"ENVCONN_PROVIDER": "heroku"}, FULL, []),
        ("rediss://:p@cache.example.com", {}, FULL, []),
        ("rediss://default:p@eu1-x-12345.upstash.io:6379", {"ENVCONN_PROVIDER": "upstash"}, FULL, []),
        ("rediss://:p@localhost", {"ENVCONN_PROVIDER": "railway"}, FULL, []),
        ("amqps://u:p@mq.example.com", {"ENVCONN_PROVIDER": "railway"}, FULL, []),
        (f"rediss://h:p@{HEROKU}", {"ENVCONN_PROVIDER": "heroku", "ENVCONN_TLS": "verify-full"}, FULL, NOTE),
        (f"rediss://h:p@{HEROKU}?ssl_cert_reqs=required", {"ENVCONN_PROVIDER": "heroku"}, FULL, NOTE),
        (f"rediss://h:p@{HEROKU}?ssl_cert_reqs=none", {}, ENCRYPTED, []),
        (f"rediss://h:p@{HEROKU}", {"ENVCONN_PROVIDER": "heroku"}, ENCRYPTED, NOTE),
        (f"rediss://:p@{RAILWAY}", {"ENVCONN_PROVIDER": "railway"}, ENCRYPTED, NOTE),
    ],
)
def test_level(url: str, variables: dict[str, str], level: TlsLevel, notes: list[str]) -> None:
    variable = "BROKER_URL" if url.startswith("amqp") else "CACHE_URL"
    services = envconn.load({variable: url, **variables}, env_file=None)
    [service] = services.values()
    assert service.tls.level == level
    assert [found.code for found in services.report().notes] == notes
    if service.family == "redis":
        assert redis.arguments(service)["ssl_cert_reqs"] == ("required" if level == FULL else "none")


def test_a_ca_in_the_text_raises_the_level(certificates: Certificates) -> None:
    variables = {"CACHE_URL": f"rediss://h:p@{HEROKU}?ssl_ca_certs={certificates.ca}", "ENVCONN_PROVIDER": "heroku"}
    assert envconn.load(variables, env_file=None)["cache"].tls.level == FULL


@pytest.mark.parametrize(("host", "name"), [(HEROKU, "heroku"), (RAILWAY, "railway")])
def test_each_remedy_works(host: str, name: str) -> None:
    url = f"rediss://h:p@{host}"
    [note] = envconn.load({"CACHE_URL": url}, env_file=None).report().notes
    assert f"ENVCONN_PROVIDER={name}" in note.message
    assert "ssl_cert_reqs=none" in note.message
    for variables in ({"CACHE_URL": url, "ENVCONN_PROVIDER": name}, {"CACHE_URL": f"{url}?ssl_cert_reqs=none"}):
        assert envconn.load(variables, env_file=None)["cache"].tls.level == ENCRYPTED


@pytest.mark.parametrize(("host", "name"), [(HEROKU, "heroku"), (RAILWAY, "railway")])
@pytest.mark.parametrize(
    ("floor", "besides"),
    [
        ({"ENVCONN_TLS": "verify-full"}, {"ENVCONN_CACHE_TLS": "require"}),
        ({"PGSSLMODE": "verify-full"}, {"PGSSLMODE": "require"}),
    ],
)
def test_each_remedy_works_under_a_verifying_policy(
    host: str, name: str, floor: dict[str, str], besides: dict[str, str]
) -> None:
    url = f"rediss://h:p@{host}"
    notes = envconn.load({"CACHE_URL": url, **floor}, env_file=None).report().notes
    [note] = [note for note in notes if note.code == "certificate-self-signed"]
    [(variable, word)] = besides.items()
    assert f"ENVCONN_PROVIDER={name}, or add ssl_cert_reqs=none, and set {variable}={word}" in note.message
    for variables in ({"CACHE_URL": url, "ENVCONN_PROVIDER": name}, {"CACHE_URL": f"{url}?ssl_cert_reqs=none"}):
        assert envconn.load({**variables, **floor}, env_file=None)["cache"].tls.level == FULL
        assert envconn.load({**variables, **floor, **besides}, env_file=None)["cache"].tls.level == ENCRYPTED
