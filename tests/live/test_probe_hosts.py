"""Several hosts, several endpoints of one database, sockets, and the ways to ask."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import TYPE_CHECKING

import pytest

import envconn
import strangers
from envconn.probe import examine
from envconn.probe import look as look_at
from probing import VARIABLE, codes, look, notes, only, secured, trust
from strangers import behind_tls, never, say
from throwaway.process import free_port

if TYPE_CHECKING:
    from lab import Lab
    from redisserver import Redis
    from servers import States
    from throwaway.certificates import Certificates

QUESTION = b"R\0\0\0\x08\0\0\0\x05"


def listed(lab: Lab, certificates: Certificates, level: str, *ports: int) -> str:
    """The address of several servers at once."""
    query = "&".join(f"{name}={value}" for name, value in trust(certificates, level).items())
    hosts = ",".join(f"localhost:{port}" for port in ports)
    return f"postgresql://app:pw-marker@{hosts}/postgres?{query}"


@pytest.mark.parametrize("first", [True, False])
def test_one_of_two_is_away(lab: Lab, certificates: Certificates, *, first: bool) -> None:
    ports = [lab["good"].port, free_port()]
    proof = look(listed(lab, certificates, "verify-full", *(ports if first else reversed(ports))))
    assert (codes(proof), notes(proof), proof.exit_code) == ((), {"connection-refused"}, 0)
    assert [each.handshake is not None for each in proof.seen] == [first, not first]


def test_both_are_away(lab: Lab, certificates: Certificates) -> None:
    proof = look(listed(lab, certificates, "verify-full", free_port(), free_port()))
    assert (codes(proof), proof.exit_code) == (("connection-refused", "connection-refused"), 69)


@pytest.mark.parametrize(("state", "code"), [("expired", "certificate-expired"), ("notls", "tls-refused")])
def test_one_of_two_is_wrong(lab: Lab, certificates: Certificates, state: str, code: str) -> None:
    proof = look(listed(lab, certificates, "verify-full", lab["good"].port, lab[state].port))
    assert (codes(proof), proof.exit_code) == ((code,), 76)
    assert [each.problems == () for each in proof.seen] == [True, False]


def test_all_at_once(certificates: Certificates) -> None:
    with strangers.running(never) as one, strangers.running(never) as other:
        uri = f"postgresql://app:pw-marker@localhost:{one.port},localhost:{other.port}/app?sslmode=require"
        proof = look(uri, timeout=1)
    assert codes(proof) == ("timed-out", "timed-out")


def test_siblings(lab: Lab, certificates: Certificates) -> None:
    good, expired = (lab[state].uri(**trust(certificates, "verify-full")) for state in ("good", "expired"))
    environ = {"DATABASE_URL": good, "DATABASE_URL_UNPOOLED": expired, "ENVCONN_TLS_LOCAL": "enforce"}
    services = envconn.load(environ, env_file=None)
    proof = examine(services)
    assert [each.service for each in proof.seen] == [services.database, services.connection(pooled=False)]
    assert [problem.variable for problem in proof.problems] == ["DATABASE_URL_UNPOOLED"]
    assert examine(services.database).problems == proof.problems
    twice = asyncio.run(look_at([services.database, *services.database.siblings, services.database]))
    assert len(twice.seen) == 2


@pytest.mark.parametrize("name", ["DATABASE_PUBLIC_URL", "SCALINGO_POSTGRESQL_PRIVATE_PEERING_RW_URL"])
def test_siblings_for_other_networks_are_left_alone(lab: Lab, name: str) -> None:
    away = f"postgresql://app:pw-marker@localhost:{free_port()}/app?sslmode=require"
    services = envconn.load({"DATABASE_URL": lab["good"].uri(sslmode="require"), name: away}, env_file=None)
    assert [each.origin.variable for each in services.database.siblings] == [name]
    assert [each.service for each in examine(services).seen] == [services.database]
    [asked_for] = services.database.siblings
    assert codes(examine(asked_for)) == ("connection-refused",)


def test_the_environment(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", lab["good"].uri(sslmode="require"))
    assert examine().ok
    monkeypatch.setenv("DATABASE_URL", "sqlite:///app.db")
    assert examine().seen == ()


def test_what_was_not_judged() -> None:
    connection = envconn.parse("postgresql://app@localhost/app")
    with pytest.raises(TypeError, match="expected Services or a SecuredConnection"):
        examine(connection)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected the SecuredConnection"):
        asyncio.run(look_at([connection]))  # type: ignore[list-item]


def test_where_a_loop_runs(lab: Lab) -> None:
    connection = secured(lab["good"].uri(sslmode="require"))

    async def within_a_loop() -> envconn.Proof:
        return examine(connection)

    assert asyncio.run(within_a_loop()).ok


def test_a_cancelled_proof_leaves_no_task() -> None:
    async def cancelled(connection: envconn.SecuredConnection) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(look_at([connection]), 0.3)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with strangers.running(never) as stranger:
        asyncio.run(cancelled(secured(stranger.uri(sslmode="require"))))


def local(uri: str) -> envconn.SecuredConnection:
    return envconn.secure(envconn.parse(uri, VARIABLE))


def test_unix_socket(lab: Lab) -> None:
    server = lab["good"]
    uri = server.uri("").replace(f"@:{server.port}", "@")
    connection = local(f"{uri}?host={server.home}&port={server.port}")
    seen = only(examine(connection))
    assert (seen.problems, seen.notes, seen.handshake, seen.enforced) == ((), (), None, None)
    assert seen.address == f"{server.home}/.s.PGSQL.{server.port}"
    away = local(f"{uri}?host={server.home}&port=1")
    assert codes(examine(away)) == ("connection-refused",)
    abstract = only(examine(local("postgresql://app:pw-marker@/app?host=%40envconn-nowhere")))
    assert [problem.code for problem in abstract.problems] == ["connection-refused"]


def test_abstract_socket() -> None:
    name = f"@envconn-{free_port()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{name[1:]}/.s.PGSQL.5432")
        listener.listen()
        seen = only(examine(local(f"postgresql://app:pw-marker@/app?host=%40{name[1:]}"), timeout=0.5))
    assert seen.address == f"{name}/.s.PGSQL.5432"
    assert [problem.code for problem in seen.problems] == ["timed-out"]


@pytest.mark.parametrize(("state", "expected"), [("notls", {"tls-refused"}), ("both", set())])
def test_optional_tls(lab: Lab, state: str, expected: set[str]) -> None:
    proof = examine(local(lab[state].uri()))
    assert (codes(proof), notes(proof)) == ((), expected)
    assert (only(proof).handshake is None) is (state == "notls")


def test_an_unencrypted_connection_to_another_protocol(lab: Lab) -> None:
    assert codes(examine(local(lab["notls"].uri(sslmode="disable")))) == ()
    with strangers.running(say(b"HTTP/1.1 400\r\n\r\n")) as stranger:
        proof = examine(local(stranger.uri(sslmode="disable")))
    assert codes(proof) == ("protocol-unexpected",)


def test_the_first_of_two_addresses(lab: Lab) -> None:
    # "localhost" may be ::1, too, where no server listens.
    assert only(look(lab["good"].uri("localhost", sslmode="require"))).address == "127.0.0.1"


def named(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let every name have these addresses."""

    def look_up(_: str, port: int, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


SILENT = {"before TLS": never, "inside TLS": None}


@pytest.mark.parametrize("when", SILENT)
def test_the_first_address_hangs(
    lab: Lab, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    server, behave = lab["good"], SILENT[when] or behind_tls(certificates.good, never)
    named(monkeypatch, "127.0.0.2", "127.0.0.1")
    with strangers.running(behave, ("127.0.0.2", server.port)):
        proof = look(server.uri(**trust(certificates, "verify-full")), timeout=2)
    assert (codes(proof), notes(proof)) == ((), {"timed-out"})
    assert "127.0.0.2 does not answer. Repair it" in proof.notes[0].message
    assert only(proof).address == "127.0.0.1"
    assert only(proof).handshake
    assert only(proof).enforced is True
    assert 1 <= only(proof).seconds < 2


def test_the_first_address_hangs_in_a_probe(
    lab: Lab, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(monkeypatch, "127.0.0.2", "127.0.0.1")
    with strangers.running(never, ("127.0.0.2", lab["good"].port)):
        proof = look(lab["good"].uri(**trust(certificates, "verify-full")), timeout=1, enforcement="skip")
    assert (codes(proof), notes(proof)) == ((), {"timed-out"})


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_a_login_goes_on_as_well(
    lab: Lab, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, driver: str
) -> None:
    server = lab["good"]
    named(monkeypatch, "127.0.0.2", "127.0.0.1")
    uri = server.uri("db.envconn.test", **trust(certificates, "verify-full"))  # which libpq itself finds nowhere
    with strangers.running(never, ("127.0.0.2", server.port)):
        proof = examine(secured(uri.replace("postgresql:", f"postgresql+{driver}:")), login=True, timeout=2)
    assert (codes(proof), only(proof).handshake is not None) == ((), True)
    assert only(proof).login


def test_every_address_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, "127.0.0.2", "127.0.0.3")
    with strangers.running(never, ("127.0.0.2", 0)) as one, strangers.running(never, ("127.0.0.3", one.port)):
        proof = look(one.uri(sslmode="require"), timeout=1)
    assert codes(proof) == ("timed-out",)
    assert only(proof).seconds < 1.5


def test_the_first_address_refuses_tls(lab: Lab, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    """libpq stays with what has answered, even if the answer is no."""
    server = lab["good"]
    named(monkeypatch, "127.0.0.2", "127.0.0.1")
    with strangers.running(say(b"N"), ("127.0.0.2", server.port)):
        assert codes(look(server.uri(**trust(certificates, "verify-full")))) == ("tls-refused",)


def test_as_values(lab: Lab, certificates: Certificates, redis_server: States[Redis]) -> None:
    proof = look(lab["intermediate"].uri(**trust(certificates, "verify-full")))
    values = json.loads(json.dumps(proof.as_dict()))
    (seen,) = values["live"]["seen"]
    assert seen["handshake"]["version"] == "TLSv1.3"
    assert seen["handshake"]["certificate"]["not_after"] == "3000-01-01T00:00:00Z"
    assert (seen["enforced"], seen["login"], seen["level"], seen["address"]) == (True, None, "verify-full", "127.0.0.1")
    away = look(f"postgresql://app:pw-marker@localhost:{free_port()}/app?sslmode=require")
    refused = json.loads(json.dumps(away.as_dict()))
    assert [problem["code"] for problem in refused["problems"]] == ["connection-refused"]
    assert (refused["ok"], refused["exit_code"]) == (False, 69)
