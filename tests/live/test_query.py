"""One query over HTTPS against a peer that runs it on a real PostgreSQL; and the protocol itself in a WebSocket."""

from __future__ import annotations

import json
import logging
import socket
import ssl
import threading
from contextlib import ExitStack, contextmanager
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.server import serve

import envconn
from apis import half, hang, running, say, status
from envconn.remote import Field, QueryError, RemoteError, Result, http, query, serverless
from envconn.remote.sql_over_https import LIMIT
from leaks import MARKER, failure_surfaces, find

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from websockets.sync.client import ClientConnection
    from websockets.sync.server import ServerConnection

    from apis import Peer
    from lab import Lab
    from throwaway.certificates import Certificates
    from throwaway.server import Server

NEON = "ep-cool-darkness-a1b2c3d4.us-east-2.aws.neon.tech"


@pytest.fixture
def server(lab: Lab, peer: Peer) -> Server:
    """The PostgreSQL behind the peer."""
    found = lab["good"]
    peer.sql = found.uri("localhost", sslmode="require")
    return found


@pytest.fixture
def neon(server: Server) -> envconn.SecuredConnection:
    """A connection whose database and password are those of the real one."""
    return secured(server, server.password)


def secured(server: Server, password: str, query: str = "sslmode=require") -> envconn.SecuredConnection:
    return envconn.secure(
        envconn.parse(f"postgresql://{server.user}:{password}@{NEON}/{server.dbname}?{query}", "DATABASE_URL")
    )


@pytest.fixture
def run(neon: envconn.SecuredConnection, peer: Peer) -> Callable[..., Result]:
    return lambda statement, parameters=(), **more: query(neon, statement, parameters, address=peer.url("sql"), **more)


def test_rows(run: Callable[..., Result], peer: Peer) -> None:
    found = run("select $1::int as n, true as yes, null::text as n, 'x' as t union all select 2, false, '', 'y'", [1])
    assert found == Result(
        "SELECT",
        2,
        (Field("n", 23), Field("yes", 16), Field("n", 25), Field("t", 25)),
        ((1, True, None, "x"), (2, False, "", "y")),
    )
    (request,) = peer.requests
    assert (request.method, request.path) == ("POST", "/sql")
    assert request.json == {
        "query": "select $1::int as n, true as yes, null::text as n, 'x' as t union all select 2, false, '', 'y'",
        "params": [1],
    }
    assert request.headers["neon-array-mode"] == "true"
    assert "authorization" not in request.headers


@pytest.mark.parametrize(
    ("value", "cast", "read"),
    [
        (None, "int", None),
        (True, "bool", True),
        (2**62, "bigint", 2**62),
        (10**40, "numeric", str(10**40)),
        (1.5, "float8", "1.5"),
        (float("nan"), "float8", "NaN"),
        ("ä'\\\n", "text", "ä'\\\n"),
        (b"\x00\xff", "bytea", "\\x00ff"),
        (bytearray(b"\x01"), "bytea", "\\x01"),
        (date(2026, 2, 28), "date", "2026-02-28"),
        (Decimal("1.10"), "numeric", "1.10"),
        ({"a": [1, None, {"b": "c"}]}, "jsonb", {"a": [1, None, {"b": "c"}]}),
        ([1, 2], "int[]", "{1,2}"),
        (("a", "b c"), "text[]", '{a,"b c"}'),
    ],
    ids=repr,
)
def test_values(run: Callable[..., Result], value: object, cast: str, read: object) -> None:
    assert run(f"select $1::{cast}", [value]).rows == ((read,),)


def test_commands(run: Callable[..., Result], server: Server) -> None:
    try:
        assert run("create table over_https (a int)") == Result("CREATE", None, (), ())
        assert run("insert into over_https values (1), (2)").row_count == 2
        assert run("update over_https set a = 3 where a > $1", [5]) == Result("UPDATE", 0, (), ())
        assert run("select a from over_https where false") == Result("SELECT", 0, (Field("a", 23),), ())
    finally:
        with psycopg.connect(server.uri("localhost", sslmode="require"), autocommit=True) as admin:
            admin.execute("drop table if exists over_https")


@pytest.mark.parametrize(
    ("statement", "parameters", "sqlstate"),
    [
        ("selec", [], "42601"),
        ("select $1::int", [MARKER], "22P02"),
        (f"select '{MARKER}'::int", [], "22P02"),
        ("select * from nowhere", [], "42P01"),
        ("select $1", [], "08P01"),
        ("select 1/0", [], "22012"),
    ],
)
def test_what_the_server_refuses(
    run: Callable[..., Result], caplog: pytest.LogCaptureFixture, statement: str, parameters: list[str], sqlstate: str
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(QueryError) as caught:
        run(statement, parameters)
    error = caught.value
    assert (error.sqlstate, error.problems[0].code, error.exit_code) == (sqlstate, "query-refused", 78)
    assert error.problems[0].variable == "DATABASE_URL"
    assert error.server_message
    assert error.server_message.reveal()
    shown = {place: text for place, text in failure_surfaces(error).items() if "test_query" not in place}
    assert find(MARKER, shown | {"log": caplog.text}) == {}


def test_a_wrong_password(server: Server, peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(QueryError) as caught:
        query(secured(server, MARKER), "select 1", address=peer.url("sql"))
    assert caught.value.sqlstate == "28P01"
    assert find(MARKER, failure_surfaces(caught.value) | {"log": caplog.text}) == {}


NO_ANSWER: dict[str, tuple[Any, str, int]] = {
    "400 without a code": (status(400, {"message": "no"}), "request-refused", 78),
    "400 with another code": (status(400, {"code": "bad_request", "message": "no"}), "request-refused", 78),
    "400 and no JSON": (status(400, b"<p>"), "answer-malformed", 78),
    "401": (status(401), "token-refused", 77),
    "500": (status(500), "server-failed", 69),
    "429": (status(429, Retry_After="0"), "rate-limited", 69),
    "302": (status(302, Location="https://elsewhere.example/sql"), "redirected", 78),
    "half": (half, "connection-closed", 69),
    "nothing": (say(b""), "connection-closed", 69),
    "silence": (hang, "timed-out", 69),
    "no rows": (status(200, {"command": "SELECT", "rowCount": 0, "fields": []}), "answer-malformed", 78),
    "no command": (status(200, {"rowCount": 0, "fields": [], "rows": []}), "answer-malformed", 78),
    "objects for rows": (
        status(200, {"command": "S", "rowCount": 1, "fields": [{"name": "a", "dataTypeID": 23}], "rows": [{"a": 1}]}),
        "answer-malformed",
        78,
    ),
    "a row too short": (
        status(200, {"command": "S", "rowCount": 1, "fields": [{"name": "a", "dataTypeID": 23}], "rows": [[]]}),
        "answer-malformed",
        78,
    ),
    "a type without a number": (
        status(200, {"command": "S", "rowCount": 0, "fields": [{"name": "a", "dataTypeID": "int"}], "rows": []}),
        "answer-malformed",
        78,
    ),
    "several results": (status(200, {"results": []}), "answer-malformed", 78),
    "too large": (status(200, b" " * (LIMIT + 1)), "answer-too-large", 78),
}


@pytest.mark.parametrize("what", NO_ANSWER)
def test_no_answer(
    run: Callable[..., Result], peer: Peer, monkeypatch: pytest.MonkeyPatch, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(http, "STEP", 0.3)
    script, code, exit_code = NO_ANSWER[what]
    peer.script.extend([script] * 2)
    with pytest.raises(RemoteError) as caught:
        run("select $1", [MARKER])
    assert not isinstance(caught.value, QueryError)
    assert (caught.value.problems[0].code, caught.value.exit_code) == (code, exit_code)
    assert len(peer.requests) == 1, "what may have been done is not done twice"
    shown = {place: text for place, text in failure_surfaces(caught.value).items() if "test_query" not in place}
    assert find(MARKER, shown | {"log": caplog.text}) == {}


def test_limits(run: Callable[..., Result], peer: Peer) -> None:
    room = LIMIT - len(json.dumps({"query": "select length($1::text)", "params": [""]}))
    assert run("select length($1::text)", ["x" * room]).rows == ((room,),)
    peer.requests.clear()
    with pytest.raises(RemoteError) as caught:
        run("select length($1::text)", ["x" * (room + 1)])
    assert (caught.value.problems[0].code, caught.value.exit_code) == ("query-too-large", 64)
    assert peer.requests == []
    assert len(str(run("select repeat('x', 9000000)").rows[0][0])) == 9_000_000
    with pytest.raises(RemoteError, match="larger than"):
        run("select repeat('x', 11000000)")


@pytest.mark.parametrize("state", ["expired", "wronghost", "unknownca", None])
def test_servers_that_are_not_the_endpoint(
    server: Server, certificates: Certificates, peer: Peer, state: str | None
) -> None:
    with running(getattr(certificates, state) if state else None) as other:
        with pytest.raises(RemoteError) as caught:
            query(secured(server, MARKER), "select 1", address=other.url("sql"))
        assert caught.value.exit_code == 76
        assert other.requests == []


@pytest.mark.parametrize(("name", "good"), [("ca", True), ("other_ca", False)])
def test_the_ca_of_the_connection_and_no_other(
    server: Server, certificates: Certificates, peer: Peer, name: str, *, good: bool
) -> None:
    ca = getattr(certificates, name)
    connection = secured(server, server.password, f"sslmode=verify-full&sslrootcert={ca}")
    if good:
        assert query(connection, "select 1", address=peer.url("sql")).rows == ((1,),)
    else:
        with pytest.raises(RemoteError, match="did not sign"):
            query(connection, "select 1", address=peer.url("sql"))


@pytest.mark.parametrize("address", ["http://localhost/sql", f"https://u:{MARKER}@localhost/sql", "localhost:1", ""])
def test_an_invalid_address(neon: envconn.SecuredConnection, address: str) -> None:
    with pytest.raises(RemoteError) as caught:
        query(neon, "select 1", address=address)
    assert (caught.value.problems[0].code, caught.value.problems[0].variable) == ("address-invalid", "address")


def test_by_default_it_is_the_providers_own(neon: envconn.SecuredConnection) -> None:
    with pytest.raises(RemoteError, match=r"api\.us-east-2\.aws\.neon\.tech") as caught:
        query(neon, "select 1")
    assert caught.value.exit_code == 69, "the network ends at this machine"


def test_a_provider_without_one() -> None:
    connection = envconn.secure(envconn.parse(f"postgresql://app:{MARKER}@db.example.com/d"))
    with pytest.raises(envconn.EndpointUnavailable) as caught:
        query(connection, "select $1", [MARKER])
    shown = {place: text for place, text in failure_surfaces(caught.value).items() if "test_query" not in place}
    assert find(MARKER, shown) == {}


def test_nothing_unjudged() -> None:
    unjudged: Any = envconn.parse(f"postgresql://app:{MARKER}@{NEON}/d")
    with pytest.raises(TypeError, match="SecuredConnection"):
        query(unjudged, "select 1")


def test_without_a_system_ca(
    neon: envconn.SecuredConnection, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.missing))
    with pytest.raises(envconn.ConfigurationError) as caught:
        query(neon, "select 1")
    assert [problem.code for problem in caught.value.problems] == ["ca-missing"]


# The WebSocket: not ours to speak, so that the address is tried with a client of another making.


@contextmanager
def tunnel(certificates: Certificates, server: Server, hosts: list[str | None]) -> Iterator[int]:
    """Neon's end of the WebSocket: bytes in, bytes out, to the PostgreSQL; yields its port."""

    def carry(socket_: ServerConnection) -> None:
        assert socket_.request is not None
        if urlsplit(socket_.request.path).path != "/v2":
            return
        with socket.create_connection(("127.0.0.1", server.port)) as postgres:
            threading.Thread(target=pump, args=(postgres, socket_.send), daemon=True).start()
            for message in socket_:
                postgres.sendall(message if isinstance(message, bytes) else message.encode())

    pair = certificates.issue(NEON)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.chain, pair.key)
    context.sni_callback = lambda _socket, name, _context: hosts.append(name)
    with serve(carry, "127.0.0.1", 0, ssl=context, compression=None) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield listening.socket.getsockname()[1]
        listening.shutdown()


def pump(source: socket.socket, write: Callable[[bytes], object]) -> None:
    try:
        while data := source.recv(65_536):
            write(data)
    except (OSError, ConnectionClosed):
        return


@contextmanager
def local_end(websocket: ClientConnection) -> Iterator[int]:
    """A port of this machine that leads into `websocket`, for a driver that speaks TCP."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with listener.accept()[0] as client:
                threading.Thread(target=pump, args=(client, websocket.send), daemon=True).start()
                try:
                    for message in websocket:
                        client.sendall(message if isinstance(message, bytes) else message.encode())
                except (OSError, ConnectionClosed):
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]


def test_the_protocol_in_a_websocket(server: Server, certificates: Certificates) -> None:
    parameters = f"sslmode=verify-full&sslrootcert={certificates.ca}"
    address = serverless(secured(server, server.password, parameters)).websocket
    assert address == f"wss://{NEON}/v2"
    hosts: list[str | None] = []
    context = http.context()
    context.load_verify_locations(certificates.ca)
    with ExitStack() as cleanup:
        port = cleanup.enter_context(tunnel(certificates, server, hosts))
        dialled = socket.create_connection(("127.0.0.1", port))
        websocket = cleanup.enter_context(connect(address, sock=dialled, ssl=context, compression=None, proxy=None))
        near = cleanup.enter_context(local_end(websocket))
        uri = f"postgresql://{server.user}:{server.password}@127.0.0.1:{near}/{server.dbname}?sslmode=require"
        connection = cleanup.enter_context(psycopg.connect(uri, connect_timeout=10))
        assert connection.execute("select 6 * 7").fetchone() == (42,)
    assert hosts == [NEON], "the name in the handshake is the host of the address"
