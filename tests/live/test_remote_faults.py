"""An API that fails in every way there is: what is said of it, how often it was asked; and no secret anywhere."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import ssl
import threading
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import envconn
from apis import BEARER, PASSWORD, TOKEN, Script, bytewise, half, hang, running, say, status
from envconn.remote import RemoteError, get_connection, http, session
from envconn.remote.api_errors import Failure, http_failure
from envconn.remote.session import TRIES
from leaks import failure_surfaces, find
from strangers import running as stranger
from strangers import say as stranger_says

if TYPE_CHECKING:
    from collections.abc import Callable

    from apis import Peer
    from throwaway.certificates import Certificates

SECRETS = (TOKEN, PASSWORD, BEARER)
GOOD = {
    "connectionUri": f"postgresql://u:{PASSWORD}@ep-a-b-1.us-east-1.aws.neon.tech/d?sslmode=require",
    "branch": "main",
    "pooled": False,
}
NEON: dict[str, Any] = {"project": "quiet-sun-123", "database": "neondb", "role": "neondb_owner"}


def refused(caplog: pytest.LogCaptureFixture, **arguments: Any) -> RemoteError:
    """The error of asking for the connection of a project; nothing about it shows a secret."""
    caplog.set_level(logging.DEBUG)
    wanted = {"provider": "casedev", "project": "proj_abc123"} if "provider" not in arguments else {}
    with pytest.raises(envconn.EnvconnError) as caught:
        get_connection(**{**wanted, **arguments})
    hidden(caught.value, caplog)
    assert isinstance(caught.value, RemoteError)
    assert str(caught.value) == str(caught.value.problems[0])
    assert ". " in str(caught.value), "what to do about it"
    return caught.value


def hidden(failure: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    surfaces = {**failure_surfaces(failure), "log": caplog.text}
    assert "httpx" not in " ".join(surfaces), "no frame and no cause of what is beneath"
    assert {secret: found for secret in SECRETS if (found := find(secret, surfaces))} == {}


def answer(**changes: object) -> Script:
    """The right answer, with these fields changed; `...` takes one away."""
    return status(200, {name: value for name, value in {**GOOD, **changes}.items() if value is not ...})


# What comes: the code, the exit code, and how many requests were made.
FAULTS: dict[str, tuple[Script, str, int, int]] = {
    "401": (status(401), "token-refused", 77, 1),
    "403": (status(403), "access-denied", 77, 1),
    "404": (status(404), "resource-missing", 78, 1),
    "400": (status(400), "request-refused", 78, 1),
    "409": (status(409), "request-refused", 78, 1),
    "422": (status(422, {"error": f"{TOKEN} {PASSWORD}"}), "request-refused", 78, 1),
    "418": (status(418), "request-refused", 78, 1),
    "429": (status(429), "rate-limited", 69, TRIES),
    "429, at once": (status(429, Retry_After="0"), "rate-limited", 69, TRIES),
    "429, much later": (status(429, Retry_After="86400"), "rate-limited", 69, 1),
    "429, absurdly later": (status(429, Retry_After="9" * 400), "rate-limited", 69, 1),
    "429, on a day": (status(429, Retry_After=formatdate(time.time() + 86_400, usegmt=True)), "rate-limited", 69, 1),
    "429, on a day gone by": (status(429, Retry_After=formatdate(0, usegmt=True)), "rate-limited", 69, TRIES),
    "429, whenever": (status(429, Retry_After="soon"), "rate-limited", 69, TRIES),
    "500": (status(500), "server-failed", 69, TRIES),
    "502": (status(502, b"<html>bad gateway</html>"), "server-failed", 69, TRIES),
    "503, much later": (status(503, Retry_After="3600"), "server-failed", 69, 1),
    "301": (status(301, Location="https://elsewhere.example/"), "redirected", 78, 1),
    "307": (status(307, Location="/casedev/database/v1/projects/other"), "redirected", 78, 1),
    "304": (status(304, b""), "redirected", 78, 1),
    "101": (say(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), "protocol-unexpected", 76, 1),
    "half": (half, "connection-closed", 69, TRIES),
    "half a chunk": (
        say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"),
        "connection-closed",
        69,
        TRIES,
    ),
    "half a head": (say(b"HTTP/1.1 200 OK\r\nContent-Le"), "connection-closed", 69, TRIES),
    "nothing": (say(b""), "connection-closed", 69, TRIES),
    "no HTTP": (say(b"* OK IMAP4rev1 ready\r\n\r\n"), "protocol-unexpected", 76, 1),
    "a length that is none": (say(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}"), "protocol-unexpected", 76, 1),
    "too large": (status(200, b" " * 1_048_577), "answer-too-large", 78, 1),
    "empty": (status(200, b""), "answer-malformed", 78, 1),
    "a page": (status(200, b"<!doctype html><p>Sign in</p>"), "answer-malformed", 78, 1),
    "not UTF-8": (status(200, b'{"connectionUri": "\xff"}'), "answer-malformed", 78, 1),
    "nested": (status(200, b"[" * 100_000), "answer-malformed", 78, 1),
    "packed": (
        status(200, gzip.compress(json.dumps(GOOD).encode()), Content_Encoding="gzip"),
        "answer-malformed",
        78,
        1,
    ),
    "a list": (status(200, [GOOD]), "answer-malformed", 78, 1),
    "null": (status(200, b"null"), "answer-malformed", 78, 1),
    "no URI": (answer(connectionUri=...), "answer-malformed", 78, 1),
    "URI null": (answer(connectionUri=None), "answer-malformed", 78, 1),
    "URI empty": (answer(connectionUri=""), "answer-malformed", 78, 1),
    "URI a number": (answer(connectionUri=7), "answer-malformed", 78, 1),
    "URI in a list": (answer(connectionUri=[GOOD["connectionUri"]]), "answer-malformed", 78, 1),
    "URI in lines": (answer(connectionUri=f"postgresql://u:{PASSWORD}@h/d\n"), "answer-malformed", 78, 1),
    "no branch": (answer(branch=...), "answer-malformed", 78, 1),
    "branch with a colour": (answer(branch="\x1b[31mmain"), "answer-malformed", 78, 1),
    "pooled a text": (answer(pooled="false"), "answer-malformed", 78, 1),
    "pooled a number": (answer(pooled=0), "answer-malformed", 78, 1),
    "pooled": (answer(pooled=True), "answer-contradicts", 78, 1),
    "pooled, as the host says": (
        answer(connectionUri=f"postgresql://u:{PASSWORD}@ep-a-b-1-pooler.us-east-1.aws.neon.tech/d?sslmode=require"),
        "answer-contradicts",
        78,
        1,
    ),
    "another kind": (answer(connectionUri=f"rediss://u:{PASSWORD}@h/0"), "answer-malformed", 78, 1),
    "words of libpq": (
        answer(connectionUri=f"host=h user=u dbname=d password={PASSWORD}"),
        "answer-malformed",
        78,
        1,
    ),
}


@pytest.mark.parametrize("what", FAULTS)
def test_fault(peer: Peer, caplog: pytest.LogCaptureFixture, what: str) -> None:
    script, code, exit_code, requests = FAULTS[what]
    peer.script.extend([script] * 9)
    error = refused(caplog)
    assert (error.problems[0].code, error.exit_code, len(peer.requests)) == (code, exit_code, requests), error
    about = "CASEDEV_API_KEY" if code in {"token-refused", "access-denied"} else "case.dev API"
    assert error.problems[0].variable == about


# The connection itself is judged like any other.
WEAK: dict[str, tuple[str, str]] = {
    "clear text": ("postgresql://u:{p}@db.example.com/d?sslmode=disable", "tls-disabled"),
    "an unknown word": ("postgresql://u:{p}@db.example.com/d?unheard=1", "parameter-unknown"),
    "two at signs": ("postgresql://u:{p}@{p}@db.example.com/d", "at-unencoded"),
    "a web page": ("https://u:{p}@db.example.com/d", "scheme-unknown"),
    "an alias": ("$OURS", "scheme-missing"),
    "a key log": ("postgresql://u:{p}@db.example.com/d?sslkeylogfile=/tmp/k", "parameter-refused"),
}


@pytest.mark.parametrize("what", WEAK)
def test_weak(peer: Peer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    monkeypatch.setenv("OURS", "postgresql://app@localhost/app")
    text, code = WEAK[what]
    peer.script.append(answer(connectionUri=text.replace("{p}", PASSWORD)))
    with pytest.raises(envconn.ConfigurationError) as caught:
        get_connection("casedev", project="proj_abc123")
    assert [(each.code, each.variable) for each in caught.value.problems] == [(code, "case.dev API")]
    hidden(caught.value, caplog)


@pytest.mark.parametrize(
    "change",
    [
        {"user": "postgres"},
        {"dbname": "other"},
        {"pooled": True},
    ],
)
def test_another_connection_of_neon(peer: Peer, caplog: pytest.LogCaptureFixture, change: dict[str, Any]) -> None:
    peer.script.append(status(200, {"uri": peer.neon(**change)}))
    error = refused(caplog, provider="neon", **NEON)
    assert error.problems[0].code == "answer-contradicts"


def test_another_endpoint_of_neon(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    error = refused(caplog, provider="neon", **NEON, endpoint="ep-other-a1b2c3d4")
    assert error.problems[0].code == "answer-contradicts"


def test_another_branch_of_casedev(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    peer.script.append(answer(branch="main"))
    assert refused(caplog, provider="casedev", project="x", branch="dev").problems[0].code == "answer-contradicts"


@pytest.mark.parametrize(
    "host", ["", "h@evil.example", "h/x", "h:5432", "h?sslmode=disable", "h,evil.example", "-", "a" * 300, "h h"]
)
def test_a_host_with_more_than_a_hostname(peer: Peer, caplog: pytest.LogCaptureFixture, host: str) -> None:
    role = {"access_host_url": host, "username": "a.b", "password": PASSWORD, "database_name": "d"}
    peer.script.append(status(201, role))
    error = refused(caplog, provider="planetscale", organization="acme", database="app", role="a", create=True)
    assert error.problems[0].code == "answer-malformed"


@pytest.mark.parametrize("text", ["a/b", "a@b", "a?b=c", "a#b", "a%", "ä", "a b"])
def test_parts_are_encoded(peer: Peer, text: str) -> None:
    role = {
        "access_host_url": "us-east-3.pg.psdb.cloud",
        "username": f"{text}.b",
        "password": text,
        "database_name": text,
    }
    peer.script.append(status(201, role))
    found = get_connection("planetscale", organization="acme", database="app", role="a", create=True).connection
    assert (found.user, found.dbname) == (f"{text}.b", text)
    assert found.password == envconn.Secret(text)
    assert found.host == "us-east-3.pg.psdb.cloud"


@pytest.mark.parametrize("token", ["", "a b", "a\nb", "ä", 7])
def test_what_is_exchanged_has_to_be_a_token(peer: Peer, caplog: pytest.LogCaptureFixture, token: object) -> None:
    peer.script.append(status(200, {"token": token}))
    error = refused(caplog, provider="scalingo", app="my-app")
    assert (len(peer.requests), error.exit_code) == (1, 78)


@pytest.mark.parametrize("port", [0.5, "30123", True, None, 99999])
def test_an_invalid_port(peer: Peer, caplog: pytest.LogCaptureFixture, port: object) -> None:
    endpoint = {"type": "public-rw", "hostname": "h.example.com", "port": port}
    uri = f"postgresql://u:{PASSWORD}@h/d?sslmode=require"
    variables = [{"name": "DATABASE_URL", "value": uri}]
    peer.script.extend([status(200, {"token": BEARER}), status(200, {"variables": variables})])
    peer.script.append(status(200, {"endpoints": [endpoint]}))
    with pytest.raises(RemoteError if port != 99999 else envconn.ConfigurationError) as caught:
        get_connection("scalingo", app="my-app", endpoint="public-rw")
    assert isinstance(caught.value, RemoteError | envconn.ConfigurationError)
    code = "answer-malformed" if port != 99999 else "port-range"
    assert [problem.code for problem in caught.value.problems] == [code]
    hidden(caught.value, caplog)


def test_a_temporary_failure_is_waited_for(peer: Peer) -> None:
    peer.script.extend([status(503), half, status(429, Retry_After="0")])
    assert get_connection("casedev", project="proj_abc123").branch == "main"
    assert len(peer.requests) == 4


def test_as_long_as_the_provider_wants(peer: Peer) -> None:
    peer.script.append(status(429, Retry_After="1"))
    begun = time.monotonic()
    get_connection("casedev", project="proj_abc123")
    assert 1 <= time.monotonic() - begun < 10


def test_pauses_grow_and_differ() -> None:
    pauses = [[session._pause(attempt) for attempt in (1, 2, 3, 30)] for _ in range(50)]
    for first, second, third, late in pauses:
        assert 0.125 <= first <= 0.25 <= second * 2 <= 1
        assert 0.5 <= third <= 1
        assert 4 <= late <= 8
    assert len({each[0] for each in pauses}) > 1


@pytest.mark.parametrize("script", [status(500), half, status(429, Retry_After="0"), say(b"")])
@pytest.mark.parametrize("role", ["api", "worker", "postgres"])
def test_a_request_that_may_have_had_an_effect_is_not_repeated(
    peer: Peer, caplog: pytest.LogCaptureFixture, script: Script, role: str
) -> None:
    wish: dict[str, Any] = {"create": True} if role == "api" else {"reset": True}
    lists = [status(200, {"data": [{"id": "id-worker", "name": "worker"}]})] if role == "worker" else []
    peer.script.extend([*lists, script, script])
    error = refused(caplog, provider="planetscale", organization="acme", database="app", role=role, **wish)
    assert error.exit_code == 69
    assert [each.method for each in peer.requests].count("POST") == 1


@pytest.mark.parametrize(
    ("script", "is_unsure"),
    [(status(500), True), (half, True), (status(201, b"<p>"), True), (status(422), False), (status(429), False)],
)
def test_a_request_that_may_have_had_an_effect_is_reported(
    peer: Peer, caplog: pytest.LogCaptureFixture, script: Script, *, is_unsure: bool
) -> None:
    peer.script.append(script)
    error = refused(caplog, provider="planetscale", organization="acme", database="app", role="a", create=True)
    assert ("may have been done" in str(error)) is is_unsure


def test_nothing_is_requested_after_the_timeout(peer: Peer) -> None:
    with http.client(http.context(), "it") as asking:
        late = session.Session(asking, "it", peer.url(""), variable="T", authorization="x", deadline=time.monotonic())
        for ask in (late.get, late.post):
            with pytest.raises(Failure, match="the timeout is over"):
                ask("/", "something")
    assert peer.requests == [], "the password of a new role would be lost"


def test_an_exchange_may_be_done_twice(peer: Peer) -> None:
    peer.script.append(status(500))
    assert get_connection("scalingo", app="my-app").provider == "scalingo"


def test_silence_is_left_and_tried_again(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "STEP", 0.3)
    peer.script.append(hang)
    assert get_connection("casedev", project="proj_abc123").branch == "main"
    assert len(peer.requests) == 2


def test_no_answer_at_all(peer: Peer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "STEP", 0.1)
    peer.script.extend([hang] * 9)
    error = refused(caplog)
    assert (error.problems[0].code, error.exit_code, len(peer.requests)) == ("timed-out", 69, TRIES)


@pytest.mark.parametrize("script", [hang, bytewise, status(429, Retry_After="0")])
def test_all_of_it_has_one_end(peer: Peer, caplog: pytest.LogCaptureFixture, script: Script) -> None:
    peer.script.extend([script] * 9)
    begun = time.monotonic()
    error = refused(caplog, provider="casedev", project="proj_abc123", timeout=0.5)
    assert time.monotonic() - begun < 5
    assert error.exit_code == 69


def test_an_answer_that_never_ends_is_left_by_the_thread_as_well(peer: Peer) -> None:
    peer.script.append(bytewise)
    verify = http.context()
    verify.load_verify_locations(_ca())
    call = http.Call("GET", peer.url("casedev"), {})
    with http.client(verify, "it") as asking, pytest.raises(Exception, match="was not complete in time"):
        http.exchange(asking, call, "it", time.monotonic() + 0.3)


def _ca() -> str:
    path = ssl.get_default_verify_paths().cafile
    assert path
    return path


def test_no_other_server_is_contacted(peer: Peer, certificates: Certificates, caplog: pytest.LogCaptureFixture) -> None:
    with running(certificates.good) as other:
        peer.script.append(status(302, Location=other.url("casedev/database/v1/projects/proj_abc123/connection")))
        assert refused(caplog).problems[0].code == "redirected"
        assert other.requests == []


TLS = {
    "expired": "certificate-expired",
    "wronghost": "certificate-misnamed",
    "unknownca": "certificate-untrusted",
    None: "protocol-unexpected",
}


@pytest.mark.parametrize("state", TLS)
def test_servers_that_are_not_the_api(
    peer: Peer,
    certificates: Certificates,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    state: str | None,
) -> None:
    with running(getattr(certificates, state) if state else None) as other:
        monkeypatch.setenv("ENVCONN_API_CASEDEV", other.url("casedev/database/v1"))
        error = refused(caplog)
        assert (error.problems[0].code, error.exit_code) == (TLS[state], 76)
        assert other.requests == [], "no token goes there"


def test_a_chain_with_an_intermediate(peer: Peer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(certificates.intermediate) as other:
        monkeypatch.setenv("ENVCONN_API_CASEDEV", other.url("casedev/database/v1"))
        assert get_connection("casedev", project="proj_abc123").branch == "main"


@pytest.mark.parametrize(
    ("variables", "good"),
    [
        ({"SSL_CERT_FILE": "{ca}"}, True),
        ({"SSL_CERT_FILE": "{other}"}, False),
        ({"SSL_CERT_FILE": "{other}", "ENVCONN_TLS_CA": "{ca}"}, True),
        ({"SSL_CERT_FILE": "{ca}", "ENVCONN_TLS_CA": "{other}"}, True),
        ({"SSL_CERT_FILE": "{other}", "ENVCONN_TLS_CA": "{other}"}, False),
        ({"SSL_CERT_FILE": "{missing}", "ENVCONN_TLS_CA": "{ca}"}, True),
        ({"SSL_CERT_FILE": "{other}", "DATABASE_CA_CERT": "{ca}"}, False),
        ({"SSL_CERT_FILE": "{other}", "ENVCONN_TLS_WAIVE": "localhost", "ENVCONN_TLS_LOCAL": "allow"}, False),
    ],
    ids=lambda value: " ".join(value.values()) if isinstance(value, dict) else "",
)
def test_which_ca_is_trusted(
    peer: Peer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], *, good: bool
) -> None:
    files = {"ca": certificates.ca, "other": certificates.other_ca, "missing": certificates.missing}
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format_map(files))
    if good:
        assert get_connection("casedev", project="proj_abc123").branch == "main"
    else:
        with pytest.raises(RemoteError) as caught:
            get_connection("casedev", project="proj_abc123")
        assert caught.value.problems[0].code == "certificate-untrusted"


@pytest.mark.parametrize(
    ("variable", "state", "code"),
    [("SSL_CERT_FILE", "missing", "ca-missing"), ("ENVCONN_TLS_CA", "not_pem", "ca-broken")],
)
def test_an_invalid_ca(
    peer: Peer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, variable: str, state: str, code: str
) -> None:
    monkeypatch.setenv(variable, str(getattr(certificates, state)))
    with pytest.raises(envconn.ConfigurationError) as caught:
        get_connection("casedev", project="proj_abc123")
    assert [problem.code for problem in caught.value.problems] == [code]
    assert peer.requests == []


def test_no_server(peer: Peer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    monkeypatch.setenv("ENVCONN_API_CASEDEV", f"https://localhost:{port}")
    error = refused(caplog)
    assert (error.problems[0].code, error.exit_code) == ("connection-refused", 69)


def test_a_server_that_closes_before_the_handshake(
    peer: Peer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stranger(stranger_says(b"")) as other:
        monkeypatch.setenv("ENVCONN_API_CASEDEV", f"https://localhost:{other.port}")
        error = refused(caplog)
    assert (error.problems[0].code, error.exit_code) == ("tls-failed", 76)


def test_a_name_without_an_address() -> None:
    error = httpx.ConnectError("")
    error.__cause__ = socket.gaierror(socket.EAI_NONAME, "")
    assert http_failure(error, "api.example", "it").problem.code == "host-unresolved"


def test_a_connection_that_failed_for_no_known_reason() -> None:
    assert http_failure(httpx.ConnectError(""), "api.example", "it").problem.code == "host-unreachable"


PROXIES: dict[str, Callable[[int], str]] = {
    "refuses": lambda port: f"http://127.0.0.1:{port}",
    "a scheme that needs more": lambda _port: "socks5://127.0.0.1:1",
    "no scheme of a proxy": lambda _port: "ftp://127.0.0.1:1",
    "a port that is none": lambda _port: "http://127.0.0.1:x",
}


@pytest.mark.parametrize("what", PROXIES)
def test_an_invalid_proxy(
    peer: Peer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    with stranger(stranger_says(b"HTTP/1.1 403 Forbidden\r\n\r\n")) as other:
        monkeypatch.setenv("HTTPS_PROXY", PROXIES[what](other.port))
        error = refused(caplog)
    assert (error.problems[0].code, error.exit_code) == ("proxy-unusable", 78)
    assert TOKEN.encode() not in b"".join(other.received)


def test_through_a_proxy_it_is_tls_all_the_way(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    with stranger(_tunnel) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        assert get_connection("casedev", project="proj_abc123").branch == "main"
    sent = b"".join(proxy.received)
    assert sent.startswith(f"CONNECT localhost:{peer.port} HTTP/1.1\r\n".encode())
    assert TOKEN.encode() not in sent


def _tunnel(client: socket.socket, proxy: Any) -> None:
    port = int(proxy.hear(client).split(b" ")[1].rpartition(b":")[2])
    with socket.create_connection(("127.0.0.1", port)) as server:
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=_copy, args=(server, client.sendall), daemon=True).start()
        while data := proxy.hear(client):
            server.sendall(data)


def _copy(source: socket.socket, write: Callable[[bytes], None]) -> None:
    try:
        while data := source.recv(4096):
            write(data)
    except OSError:
        return
