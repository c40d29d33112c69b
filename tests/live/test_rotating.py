"""A password that changes while a program runs: in every factory, on a real server and through a mounted file."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

import envconn
from factories import FACTORIES, FOLLOWING, POOLED, opened
from mounted import Vault, count_readings

if TYPE_CHECKING:
    from lab import Lab


@pytest.mark.parametrize("name", FOLLOWING)
def test_the_next_connection_takes_the_new_password(vault: Vault, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    readings = count_readings(monkeypatch)
    services = vault.load()
    with opened(name, services) as ask:
        assert ask() == vault.role
        for round_ in (1, 2):
            vault.rotate()
            assert vault.cut() == (name in POOLED)
            assert ask() == vault.role
            assert (len(readings), vault.refused()) == (1 + round_, round_)
        assert services.database.password == envconn.Secret(vault.password)


@pytest.mark.parametrize("name", ["psycopg.pool", "asyncpg.connect"])
def test_a_process_without_a_login_during_two_rotations(vault: Vault, name: str) -> None:
    with opened(name, vault.load()) as ask:
        vault.rotate()
        vault.rotate()
        vault.cut()
        assert ask() == vault.role


@pytest.mark.parametrize("name", FACTORIES)
def test_connections_that_are_open_go_on(vault: Vault, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    readings = count_readings(monkeypatch)
    with opened(name, vault.load()) as ask:
        assert ask() == vault.role
        vault.rotate()
        if name in POOLED:
            assert ask() == vault.role
            assert (len(readings), vault.refused()) == (1, 0)


@pytest.mark.parametrize("name", FOLLOWING)
def test_a_wrong_password_is_reported_once(vault: Vault, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    services = vault.load()
    with opened(name, services) as ask:
        assert ask() == vault.role
        vault.rotate(file=False)
        vault.cut()
        readings = count_readings(monkeypatch)
        with pytest.raises(Exception, match=_REFUSED) as caught:
            ask()
        assert vault.refused() == len(readings)
        if not name.startswith("psycopg.") or "pool" not in name:  # psycopg_pool itself keeps trying
            assert len(readings) == 1
            assert notes(caught.value) == [f"envconn: DATABASE_URL: {LEASE}"]
        vault.write(vault.uri())  # it is the old one there, and here
        assert not services.reload()


@pytest.mark.parametrize("name", FACTORIES)
def test_a_reload_needs_no_second_login(vault: Vault, name: str) -> None:
    services = vault.load()
    with opened(name, services) as ask:
        assert ask() == vault.role
        vault.rotate()
        assert services.reload().changed == {"database": ("password",)}
        vault.cut()
        assert ask() == vault.role
        assert vault.refused() == 0


LEASE = (
    "the server refuses user and password, and they were the same when they were read again. If they are leased, the "
    "lease has ended. Renew it, or restart what writes the file"
)


@pytest.mark.parametrize("by", ["agent", "operator", "driver"])
@pytest.mark.parametrize("name", ["psycopg.connect", "asyncpg.connect", "sqlalchemy pg8000", "sqlalchemy psycopg2"])
def test_a_lease_that_ended(vault: Vault, name: str, by: str) -> None:
    services = envconn.load(vault.delivered(by), env_file=None)
    with opened(name, services) as ask:
        assert ask() == vault.role
        vault.end_lease(vault.role)
        with pytest.raises(Exception, match=_REFUSED) as caught:
            ask()
        [note] = notes(caught.value)
        assert note == f"envconn: {'DB_HOST' if by == 'operator' else 'DATABASE_URL'}: {LEASE}"
        vault.lease()
        assert ask() == vault.role


def test_nothing_is_said_of_a_lease_that_is_in_no_file(vault: Vault) -> None:
    services = envconn.load({"DATABASE_URL": vault.uri()}, env_file=None)
    vault.end_lease(vault.role)
    with opened("psycopg.connect", services) as ask, pytest.raises(Exception, match=_REFUSED) as caught:
        ask()
    assert not notes(caught.value)


def test_the_login_check_of_a_lease_that_ended(vault: Vault) -> None:
    services = vault.load()
    vault.end_lease(vault.role)
    with pytest.raises(envconn.ProofFailed) as caught:
        envconn.prove(services, login=True)
    [problem] = caught.value.problems
    assert (problem.code, problem.variable) == ("password-refused", "DATABASE_URL")
    assert "if they are leased, the lease has ended, so renew it or restart what writes the file" in problem.message


_REFUSED = "password authentication failed|couldn't get a connection"
_BROKEN = {
    "empty": "",
    "half": "postgresql://rot",
    "rubbish": "\x00\x01",
    "another": "rediss://db.example.com/0",
    "weaker": "",
}


@pytest.mark.parametrize("broken", _BROKEN)
@pytest.mark.parametrize("name", ["psycopg.connect", "asyncpg.connect", "sqlalchemy pg8000"])
def test_a_file_that_cannot_be_taken_changes_nothing(vault: Vault, name: str, broken: str) -> None:
    services = vault.load()
    with opened(name, services) as ask:
        assert ask() == vault.role
        before = services.database
        vault.rotate(file=False)
        vault.cut()
        old, vault.password = vault.password, vault.new
        vault.write(vault.uri(sslmode="require", sslrootcert="") if broken == "weaker" else _BROKEN[broken])
        with pytest.raises(Exception, match=_REFUSED) as caught:
            ask()
        assert vault.refused() == 1
        [note] = notes(caught.value)
        assert note.startswith("envconn: the configuration was loaded again after this failure, but not used: ")
        assert old not in note
        assert vault.password not in note
        assert services.database is before
        if broken != "weaker":
            with pytest.raises(envconn.ConfigurationError):
                services.reload()
            assert services.database is before
        vault.write(vault.uri())
        assert ask() == vault.role


@pytest.mark.parametrize("name", ["psycopg.connect", "asyncpg.connect", "sqlalchemy pg8000", "sqlalchemy psycopg2"])
@pytest.mark.parametrize("state", ["unknownca", "notls"])
def test_another_server_has_to_prove_itself(vault: Vault, lab: Lab, name: str, state: str) -> None:
    services = vault.load()
    with opened(name, services) as ask:
        assert ask() == vault.role
        before = services.database
        vault.rotate(file=False)
        vault.cut()
        vault.password = vault.new
        vault.write(vault.uri(port=lab[state].port))
        with pytest.raises(Exception, match=r"(?i)ssl|certificate"):
            ask()
        assert vault.role not in lab[state].log()
        assert services.database is before


def test_a_failed_verification_does_not_switch_the_configuration(vault: Vault, lab: Lab) -> None:
    """Neither to a weaker connection, nor with the file's password to an unknown server."""
    services = vault.load()
    vault.write(vault.uri(port=lab["unknownca"].port))
    services.reload()
    with opened("psycopg.connect", services) as ask:
        for query in ({"sslmode": "require", "sslrootcert": ""}, {"sslmode": "prefer", "sslrootcert": ""}):
            vault.write(vault.uri(port=lab["unknownca"].port, **query))
            with pytest.raises(Exception, match="certificate") as caught:
                ask()
            assert "the TLS settings of database are weaker than before" in notes(caught.value)[0]
        assert vault.role not in lab["unknownca"].log()


def notes(error: BaseException | None) -> list[str]:
    """Return the notes of an error and of those that it was made from."""
    return [] if error is None else [*getattr(error, "__notes__", ()), *notes(error.__cause__ or error.__context__)]


@pytest.mark.parametrize("as_services", [True, False])
@pytest.mark.parametrize("name", FACTORIES)
def test_the_callable_is_called_at_each_login(vault: Vault, name: str, *, as_services: bool) -> None:
    users = []

    def token(connection: envconn.SecuredConnection) -> str:
        users.append(connection.user)
        return vault.new

    source = vault.load(passwords={"database": token})
    with opened(name, source if as_services else source.database) as ask:
        for round_ in (1, 2, 3):
            assert ask() == vault.role
            assert users == [vault.role] * round_
            vault.rotate()
            assert vault.cut() == (name in POOLED)
        assert vault.refused() == 0


@pytest.mark.parametrize("name", [name for name in FACTORIES if "async" in name or ".a" in name])
def test_one_that_is_asynchronous(vault: Vault, name: str) -> None:
    async def token(_: envconn.SecuredConnection) -> str:
        await asyncio.sleep(0)
        return vault.new

    with opened(name, vault.load(passwords={"database": token})) as ask:
        assert ask() == vault.role
