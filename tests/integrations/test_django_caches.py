"""Django's Redis cache over TLS: which CA it trusts, and what it sends to which server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import eavesdropper
import envconn
from envconn_django import caches

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
