"""Certificates, keys, CAs and revocation lists that are replaced under the same path while a program runs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

import envconn
from certified import threads_that_read
from factories import FACTORIES, FOLLOWING, POOLED, opened
from throwaway.server import shown
from traffic import POOLS, all_are_open, running

if TYPE_CHECKING:
    from pathlib import Path

    from certified import Mount


SAMPLE = ["psycopg.connect", "asyncpg.connect", "sqlalchemy pg8000", "sqlalchemy async asyncpg"]
"""One of each kind: what reads the files itself, and what has a context, kept or not."""


@pytest.mark.parametrize(
    ("name", "text"), [*((name, False) for name in FACTORIES), *((name, True) for name in (*SAMPLE, "flask"))]
)
def test_the_next_connection_takes_the_new_files(mount: Mount, name: str, *, text: bool) -> None:
    services = mount.load(text=text)
    with opened(name, services) as ask:
        assert ask() == mount.role
        mount.rotate()
        assert mount.cut() == (name in POOLED)
        assert ask() == mount.role


@pytest.mark.parametrize("name", [*SAMPLE, "asyncpg.create_pool", "flask"])
def test_a_connection_that_was_judged_alone(mount: Mount, name: str) -> None:
    connection = envconn.secure(mount.environ()["DATABASE_URL"])
    with opened(name, connection) as ask:
        assert ask() == mount.role
        mount.rotate()
        mount.cut()
        assert ask() == mount.role


@pytest.mark.parametrize("name", SAMPLE)
def test_a_process_without_a_login_during_two_rotations(mount: Mount, name: str) -> None:
    with opened(name, mount.load(text=True)) as ask:
        assert ask() == mount.role
        mount.cut()
        mount.rotate()
        mount.rotate()
        assert ask() == mount.role


@pytest.mark.parametrize("name", [name for name in FACTORIES if "async" in name or ".a" in name])
def test_no_file_is_read_on_the_event_loop(mount: Mount, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    if name not in FOLLOWING:
        return  # what asyncpg 0.29 is handed is read before there is a loop
    services = mount.load(text=True)
    with opened(name, services) as ask:
        assert ask() == mount.role
        mount.rotate()
        mount.cut()
        threads = threads_that_read(monkeypatch)
        assert ask() == mount.role
        assert threads
        assert threading.get_ident() not in threads


def test_what_changed_is_named(mount: Mount) -> None:
    services = mount.load()
    assert not services.reload()
    mount.write()
    assert str(services.reload()) == "database: changed tls.certificate, tls.key, tls.crl"
    assert not services.reload()
    mount.rotate()
    assert services.reload().changed == {"database": ("tls.ca", "tls.certificate", "tls.key", "tls.crl")}


SPOILT = {
    "revoked": "(?i)certificate",
    "garbage": "has no revocation list",
    "gone": "the path in sslcrl cannot be read",
    "no CA": "has no certificate in PEM",
}
REFUSING = [name for name in FACTORIES if name not in {"asyncpg.create_pool", "psycopg.pool", "psycopg.apool"}]
"""Without the pools that hide the reason."""


@pytest.mark.parametrize(
    ("name", "spoilt"),
    [
        *((name, "garbage") for name in REFUSING),
        *((name, spoilt) for name in SAMPLE for spoilt in ("revoked", "gone", "no CA")),
    ],
)
def test_what_was_refused_at_load_is_refused_now(mount: Mount, name: str, spoilt: str) -> None:
    """And never connected, as libpq would by itself where it cannot read a revocation list."""
    services = mount.load()
    with opened(name, services) as ask:
        assert ask() == mount.role
        listed = shown(mount.server.port)
        assert listed
        mount.write(revoked=listed)
        if spoilt != "revoked":
            _spoil(mount.path / ("ca.pem" if spoilt == "no CA" else "crl.pem"), None if spoilt == "gone" else "garbage")
        mount.cut()
        with pytest.raises(Exception, match=SPOILT[spoilt]) as caught:
            ask()
        if spoilt == "revoked":
            assert services.reload()
            return
        assert isinstance(caught.value, envconn.ConfigurationError)
        assert [problem.variable for problem in caught.value.problems] == ["DATABASE_URL"]
        with pytest.raises(envconn.ConfigurationError, match=SPOILT[spoilt]):
            services.reload()


def _spoil(path: Path, content: str | None) -> None:
    path.unlink()
    if content is not None:
        path.write_text(content, encoding="ascii")


@pytest.mark.parametrize("pool", POOLS)
def test_nothing_is_lost(mount: Mount, pool: str) -> None:
    with running(POOLS[pool], mount.load()) as counts:
        for _ in range(2):
            all_are_open(mount.admin, mount.role)
            mount.rotate()
            assert mount.cut() >= 1
        all_are_open(mount.admin, mount.role)
    assert counts["lost"] == 0, counts
