"""What a URL says arrives unchanged at a server, in every stack: names, passwords, hosts, sockets and paths."""

from __future__ import annotations

import string
from contextlib import ExitStack
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

import envconn
import matrix
import stacks
from stacks import STACKS
from throwaway import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab import Lab
    from throwaway.certificates import Certificates
    from throwaway.server import Server

EACH = pytest.mark.parametrize("stack", STACKS)
PRINTABLE = string.ascii_letters + string.digits + string.punctuation + " "
DATABASE = "größe 100%/+?&=#@:"


@pytest.fixture(scope="module")
def private(certificates: Certificates) -> Iterator[Server]:
    """A server that these tests may change."""
    with postgres.running(certificates.good) as server:
        with psycopg.connect(server.uri(), autocommit=True) as admin:
            admin.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
        yield server


@pytest.fixture(scope="module")
def on_ipv6(certificates: Certificates) -> Iterator[Server]:
    """A server on ``::1``, with a certificate for that address."""
    with ExitStack() as cleanup:
        try:
            template = cleanup.enter_context(postgres.template())
            server = cleanup.enter_context(template.running(certificates.issue("::1"), address="::1"))
        except OSError as reason:
            pytest.skip(f"no ::1 on this machine: {reason}")
        yield server


def enforced(uri: str) -> dict[str, str]:
    return {"DATABASE_URL": uri, "ENVCONN_TLS_LOCAL": "enforce"}


def verified(certificates: Certificates, **parameters: str) -> dict[str, str]:
    return {"sslmode": "verify-full", "sslrootcert": str(certificates.ca), **parameters}


@EACH
@pytest.mark.parametrize(
    ("user", "password"),
    [
        pytest.param("printable", PRINTABLE, id="every printable character"),
        pytest.param("backwards", PRINTABLE[::-1], id="and backwards"),
        pytest.param("größe żółw", "пароль-日本-€", id="beyond ASCII"),
        pytest.param("o'brien \"x\\", "%20+%41&=?#@:/", id="what parsers stumble over"),
        pytest.param("pair", "1,2", id="commas"),
    ],
)
def test_user_and_password(private: Server, stack: str, user: str, password: str) -> None:
    with psycopg.connect(private.uri(), autocommit=True) as admin:
        admin.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(user)))
        admin.execute(sql.SQL("create role {} login password {}").format(sql.Identifier(user), sql.Literal(password)))
    uri = f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@localhost:{private.port}/postgres"
    assert stacks.outcome(stack, enforced(uri)) == {matrix.TLS}
    assert "password authentication failed" in stacks.outcome(stack, enforced(uri.replace("@", "x@"))).pop()


@EACH
def test_a_comma_in_the_name_of_a_user(private: Server, stack: str) -> None:
    with psycopg.connect(private.uri(), autocommit=True) as admin:
        admin.execute('drop role if exists "a,b"')
        admin.execute(sql.SQL("create role {} login password 'x'").format(sql.Identifier("a,b")))
    environ = enforced(f"postgresql://a,b:x@localhost:{private.port}/postgres")
    if STACKS[stack].driver == "asyncpg":
        with pytest.raises(envconn.ConfigurationError, match="comma"):
            stacks.outcome(stack, environ)
    else:
        assert stacks.outcome(stack, environ) == {matrix.TLS}


@EACH
def test_the_name_of_a_database(private: Server, stack: str) -> None:
    uri = private.uri().removesuffix(private.dbname)
    assert stacks.outcome(stack, enforced(uri + quote(DATABASE, safe=""))) == {matrix.TLS}
    assert "does not exist" in stacks.outcome(stack, enforced(uri + quote(DATABASE + " ", safe=""))).pop()


@EACH
def test_ipv6(on_ipv6: Server, certificates: Certificates, stack: str) -> None:
    assert stacks.outcome(stack, enforced(on_ipv6.uri("[::1]", **verified(certificates)))) == {matrix.TLS}
    named = on_ipv6.uri("db.envconn.test", **verified(certificates), hostaddr="::1")
    assert stacks.outcome(stack, enforced(named)) == {matrix.MISNAMED}


@EACH
@pytest.mark.parametrize("hostaddr", [{}, {"hostaddr": "127.0.0.1,127.0.0.1"}], ids=["name", "hostaddr"])
def test_the_next_host_is_tried(lab: Lab, certificates: Certificates, stack: str, hostaddr: dict[str, str]) -> None:
    environ = enforced(lab["good"].uri("localhost:1,localhost", **verified(certificates, **hostaddr)))
    if STACKS[stack].driver == "pg8000":
        with pytest.raises(envconn.ConfigurationError, match="pg8000 does not support several hosts"):
            stacks.outcome(stack, environ)
    else:
        assert stacks.outcome(stack, environ) == {matrix.TLS}


@EACH
def test_a_port_for_each_host(lab: Lab, certificates: Certificates, stack: str) -> None:
    if STACKS[stack].driver != "pg8000":
        where = f"localhost:1,127.0.0.1:{lab['good'].port},[::1]"
        uri = lab["good"].uri(where, **verified(certificates)).replace(f"[::1]:{lab['good'].port}", "[::1]:2")
        assert stacks.outcome(stack, enforced(uri)) == {matrix.TLS}


@EACH
@pytest.mark.parametrize("spelling", ["host", "authority"])
def test_unix_socket(lab: Lab, stack: str, spelling: str) -> None:
    server = lab["good"]
    place = quote(str(server.home), safe="")
    uri = f"{server.uri('')}?host={place}" if spelling == "host" else server.uri(place)
    assert stacks.outcome(stack, {"DATABASE_URL": uri}) == {matrix.CLEAR}


@EACH
@pytest.mark.parametrize("name", ["ca+plus.pem", "ca space.pem", "größe%20.pem"])
def test_the_path_of_a_ca(lab: Lab, certificates: Certificates, tmp_path: Path, stack: str, name: str) -> None:
    (tmp_path / name).write_bytes(certificates.ca.read_bytes())
    for site, want in (("good", matrix.TLS), ("unknownca", matrix.UNTRUSTED)):
        uri = lab[site].uri(sslmode="require", sslrootcert=str(tmp_path / name))
        assert stacks.outcome(stack, enforced(uri)) == {want}
