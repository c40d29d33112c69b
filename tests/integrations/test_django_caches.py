"""Django's Redis cache over TLS: whom it trusts, and what it says to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import fake_redis

if TYPE_CHECKING:
    from project import Project
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
def test_whom_it_trusts(
    project: Project, certificates: Certificates, state: str, query: str, accepted: set[str]
) -> None:
    with fake_redis.running(getattr(certificates, state)) as fake:
        files = {"ca": certificates.ca, "other_ca": certificates.other_ca}
        told = visited(project, f"rediss://:marker-password@localhost:{fake.port}/3?{query.format_map(files)}")
        names = [command[0] for command in fake.commands]
    if state in accepted:
        assert told == "[1]"
        assert [b"SELECT", b"3"] in fake.commands
        assert sum(b"marker-password" in command for command in fake.commands) == 1
    else:
        assert "certificate verify failed" in told
        assert names == []


@pytest.mark.parametrize(("line", "trusted"), [("", False), (THEIRS, True)])
def test_the_stated_ca_is_the_only_one(
    project: Project, certificates: Certificates, line: str, *, trusted: bool
) -> None:
    project.settings(line)
    with fake_redis.running(certificates.unknownca) as fake:
        uri = f"rediss://localhost:{fake.port}/0?ssl_ca_certs={certificates.ca}&ssl_check_hostname=false"
        told = visited(project, uri, SSL_CERT_FILE=str(certificates.other_ca))
    assert (told == "[1]") is trusted


def test_system_cas(project: Project, certificates: Certificates) -> None:
    with fake_redis.running(certificates.good) as fake:
        uri = f"rediss://localhost:{fake.port}/0"
        assert visited(project, uri, SSL_CERT_FILE=str(certificates.ca)) == "[1]"
        assert "certificate verify failed" in visited(project, uri, SSL_CERT_FILE=str(certificates.other_ca))


def test_clear_text_stays_at_home(project: Project) -> None:
    with fake_redis.running(None) as fake:
        assert visited(project, f"redis://localhost:{fake.port}/0") == "[1]"
        enforced = {**DATABASE, "ENVCONN_TLS_LOCAL": "enforce", "DATABASE_URL": "", "ENVCONN_PHASE": "build"}
        done = project.python(ROUND, **enforced, CACHE_URL=f"redis://localhost:{fake.port}/0")
        assert "CACHE_URL: " in done.stdout
        before = len(fake.commands)
        told = visited(project, f"rediss://localhost:{fake.port}/0?ssl_cert_reqs=none")
        assert "[1]" not in told
        assert all(command[0] != b"SET" for command in fake.commands[before:])


def test_without_a_cache_it_is_djangos_own(project: Project) -> None:
    done = project.python(f"{ROUND}; print(cache._cache)", **DATABASE)
    assert done.stdout.startswith("[1]\n")
