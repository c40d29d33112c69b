"""`envconn.prove`: one function for the look, the login and the wait."""

from __future__ import annotations

import asyncio
import pickle
import time
from typing import TYPE_CHECKING

import pytest

import envconn
import fakes
from envconn import Proof
from envconn.probe import examine
from fakes import Answer
from leaks import MARKER
from throwaway.process import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakes import Fake
    from lab import Lab
    from throwaway.certificates import Certificates


def load(**environ: str) -> envconn.Services:
    return envconn.load({"ENVCONN_TLS_LOCAL": "enforce", **environ}, env_file=None)


def codes(proof: Proof) -> list[str]:
    return [problem.code for problem in proof.problems]


def away(port: int = 1) -> str:
    return f"postgresql://app:{MARKER}@localhost:{port}/app"


def test_services(lab: Lab, certificates: Certificates) -> None:
    proof = examine(
        load(DATABASE_URL=lab["good"].uri(sslmode="verify-full"), ENVCONN_TLS_CA=str(certificates.ca)), timeout=20
    )
    assert (proof.ok, proof.exit_code, [seen.login for seen in proof.seen]) == (True, 0, [None])


def test_one_connection(lab: Lab) -> None:
    services = load(DATABASE_URL=away(), A_DATABASE_URL=lab["good"].uri(sslmode="require"))
    proof = examine(services["a"], timeout=20)
    assert [seen.service for seen in proof.seen] == [services["a"]]
    assert proof.ok


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", away())
    assert codes(examine()) == ["connection-refused"]
    monkeypatch.delenv("DATABASE_URL")
    with pytest.raises(envconn.ConfigurationError):
        examine()


def test_prove_returns_a_good_proof(lab: Lab) -> None:
    assert envconn.prove(load(DATABASE_URL=lab["good"].uri(sslmode="require")), timeout=20).ok


def test_prove_raises_a_bad_one() -> None:
    with pytest.raises(envconn.ProofFailed, match="DATABASE_URL: ") as caught:
        envconn.prove(load(DATABASE_URL=away()))
    failed = caught.value
    assert (codes(failed.proof), failed.exit_code) == (["connection-refused"], 69)
    assert failed.problems == failed.proof.problems
    copied = pickle.loads(pickle.dumps(failed))  # noqa: S301 - our own
    assert (copied.problems, copied.exit_code, copied.proof) == (failed.problems, 69, Proof())


def test_enforcement_is_one_of_three_words() -> None:
    with pytest.raises(ValueError, match="enforcement must be require, report or skip"):
        envconn.prove(load(DATABASE_URL=away()), enforcement="required")  # type: ignore[arg-type]


def test_nothing_unjudged() -> None:
    with pytest.raises(TypeError):
        examine(envconn.parse(away()))  # type: ignore[arg-type]


def test_where_an_event_loop_runs() -> None:
    async def inside() -> Proof:
        return examine(load(DATABASE_URL=away()), wait=0.2)

    assert codes(asyncio.run(inside())) == ["connection-refused"]


def test_siblings_are_proven_too(lab: Lab) -> None:
    services = load(DATABASE_URL=lab["good"].uri(sslmode="require"), DATABASE_REPLICA_URL=away())
    proof = examine(services, timeout=20)
    assert [(seen.service.origin.variable, not seen.problems) for seen in proof.seen] == [
        ("DATABASE_URL", True),
        ("DATABASE_REPLICA_URL", False),
    ]


def test_login(lab: Lab) -> None:
    server = lab["good"]
    proof = examine(load(DATABASE_URL=server.uri(sslmode="require")), login=True, timeout=20)
    (seen,) = proof.seen
    assert proof.ok
    assert seen.login
    assert (seen.login.user, seen.login.dbname) == (server.user, server.dbname)


def test_login_at_the_host_that_is_there(lab: Lab) -> None:
    server = lab["good"]
    uri = f"postgresql://{server.user}:{server.password}@localhost:1,localhost:{server.port}/{server.dbname}"
    proof = examine(load(DATABASE_URL=uri), login=True, timeout=20)
    assert proof.ok
    assert [seen.login is not None for seen in proof.seen] == [False, True]
    assert "connection-refused" in [note.code for note in proof.seen[0].notes]


@pytest.mark.parametrize("pair", ["unknownca", "expired", "wronghost"])
def test_no_login_where_the_certificate_is_wrong(pair: str, certificates: Certificates) -> None:
    """The server would take the password, inside TLS and outside of it."""
    with fakes.running(Answer.N, getattr(certificates, pair)) as fake:
        uri = fake.uri(sslmode="verify-full", sslrootcert=str(certificates.ca), sslnegotiation="direct")
        proof = examine(load(DATABASE_URL=uri), login=True, timeout=20)
    assert proof.exit_code == 76
    assert fake.passwords == []
    assert [seen.login for seen in proof.seen] == [None]


def test_no_login_where_there_is_no_tls(fake: Callable[[Answer], Fake]) -> None:
    liar = fake(Answer.N)
    proof = examine(load(DATABASE_URL=liar.uri(sslmode="require")), login=True, timeout=20)
    assert codes(proof) == ["tls-refused"]
    assert liar.passwords == []


def test_no_login_while_one_host_is_wrong(lab: Lab, certificates: Certificates) -> None:
    """A driver might choose that one."""
    good, bad = lab["good"], lab["unknownca"]
    uri = f"postgresql://{good.user}:{good.password}@localhost:{good.port},localhost:{bad.port}/{good.dbname}"
    services = load(DATABASE_URL=f"{uri}?sslmode=verify-full&sslrootcert={certificates.ca}")
    proof = examine(services, login=True, timeout=20)
    assert codes(proof) == ["certificate-untrusted"]
    assert [seen.login for seen in proof.seen] == [None, None]


def test_the_others_are_logged_in_to(lab: Lab) -> None:
    services = load(DATABASE_URL=away(), A_DATABASE_URL=lab["good"].uri(sslmode="require"))
    proof = examine(services, login=True, timeout=20)
    assert [seen.login is not None for seen in proof.seen] == [False, True]


def test_wait_tells_what_it_waits_for() -> None:
    attempts: list[tuple[list[str], float]] = []
    begun = time.monotonic()
    proof = examine(
        load(DATABASE_URL=away(free_port())),
        wait=2.0,
        timeout=5,
        on_attempt=lambda proof, left: attempts.append((codes(proof), left)),
    )
    assert time.monotonic() - begun >= 2.0
    assert codes(proof) == ["connection-refused"]
    assert {tuple(found) for found, _ in attempts} == {("connection-refused",)}
    seconds = [left for _, left in attempts]
    assert seconds == sorted(seconds, reverse=True)
    assert all(0 < left <= 2.0 for left in seconds)
    # Pauses of 0.1, 0.2, 0.4 and 0.8 seconds, and what is left then.
    assert 1 <= len(attempts) <= 5


def test_wait_for_nothing_is_one_attempt() -> None:
    attempts: list[Proof] = []
    examine(load(DATABASE_URL=away(free_port())), on_attempt=lambda proof, _: attempts.append(proof))
    assert attempts == []


def test_a_login_that_fails_is_not_repeated(lab: Lab) -> None:
    uri = lab["good"].uri(sslmode="require").replace(lab["good"].password, MARKER)
    attempts: list[Proof] = []
    proof = examine(
        load(DATABASE_URL=uri), login=True, timeout=20, wait=30, on_attempt=lambda proof, _: attempts.append(proof)
    )
    assert (codes(proof), attempts) == (["password-refused"], [])
