"""What a laptop with Windows or macOS needs depends on nothing that only Linux has: tried here, without those."""

from __future__ import annotations

import asyncio
import os
import select
import socket
import stat
import sys
import tempfile
from typing import TYPE_CHECKING

import pytest

import envconn
from envconn.cli import main
from envconn.connection import Host
from envconn.probe.login.libpq import READ, WRITE, ready
from envconn.probe.network import Wire, places
from envconn.tls import ca_file
from envconn_django import databases
from envconn_psycopg import kwargs

if TYPE_CHECKING:
    from pathlib import Path

    from lab import Lab
    from throwaway.certificates import Certificates

ABSENT = {
    "darwin": (os, ("memfd_create",)),
    "win32": (os, ("memfd_create", "getuid", "geteuid", "O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC")),
}
MODULES = {"darwin": (), "win32": ("fcntl", "pwd")}


@pytest.fixture(params=["darwin", "win32"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Become another system, as far as Python shows it: its name, and what its modules lack, in a new process."""
    name = str(request.param)
    monkeypatch.setattr(ca_file, "_memory", {})
    become(name, monkeypatch)
    return name


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    become("win32", monkeypatch)


def become(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, lacking = ABSENT[name]
    for each in lacking:
        monkeypatch.delattr(module, each)
    for each in MODULES[name]:
        monkeypatch.setitem(sys.modules, each, None)
    if name == "win32":
        monkeypatch.delattr(select, "poll")
    monkeypatch.setattr(sys, "platform", name)


@pytest.mark.parametrize(
    ("url", "level"),
    [("sqlite:///app.db", "none"), ("postgresql://app:s3cret@localhost/app", "opportunistic"), ("$URL", "verify-full")],
)
def test_a_configuration_is_loaded_and_handed_over(
    url: str, level: str, system: str, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_CA_CERT", certificates.ca.read_text(encoding="utf-8"))
    monkeypatch.setenv(
        "DATABASE_URL", url.replace("$URL", "postgresql://app:s3cret@db.example/app?sslmode=verify-full")
    )
    services = envconn.load()
    assert str(services.database.tls.level) == level
    assert databases(services)["default"]["NAME"]
    if level == "verify-full":
        path = str(kwargs(services)["sslrootcert"])
        assert os.path.isfile(path)
        assert not path.startswith("/proc")


def test_check_contacts_a_server(
    system: str,
    lab: Lab,
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", lab["good"].uri(sslmode="verify-full", sslrootcert=str(certificates.ca)))
    assert main(["check", "--live"]) == 0
    assert capsys.readouterr().out.startswith("ok database [verify-full] DATABASE_URL")


def test_a_user_that_windows_would_supply_is_to_be_stated(windows: None) -> None:
    with pytest.raises(envconn.ConfigurationError) as caught:
        envconn.load({"DATABASE_URL": "postgresql://localhost/app"}, env_file=None)
    assert [problem.code for problem in caught.value.problems] == ["user-missing"]


def test_exec_is_refused_on_windows(windows: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["exec", "--", "true"]) == 64
    assert capsys.readouterr().err.startswith("envconn exec: Windows cannot replace a process. ")


def test_a_file_for_other_programs(
    system: str, certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ca_file, "_own", ca_file._Own())  # a process that has no directory yet
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    pem = certificates.ca.read_text(encoding="utf-8")
    for path in (ca_file.for_other_programs(pem, "CA"), ca_file.lasting(pem, "CA")):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_a_socket_is_waited_for(windows: None) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert not ready(ours.fileno(), READ, 0)
        assert ready(ours.fileno(), WRITE, 0)


def test_unix_sockets_are_not_tried_on_windows(windows: None) -> None:
    assert asyncio.run(places(Host("/var/run/postgresql", 5432), "/var/run/postgresql/.s.PGSQL.5432")) == []


def test_the_account_of_a_server_is_known_on_linux_only(system: str) -> None:
    async def account() -> str | None:
        ours, theirs = socket.socketpair()
        with theirs:
            async with Wire(ours) as wire:
                return wire.account()

    assert asyncio.run(account()) is None
