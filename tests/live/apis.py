"""The APIs of four providers and a serverless SQL endpoint on one loopback port, over TLS, in the shapes they have.

Each provider is below a path of its own: ``peer.environ()`` leads `envconn.remote` there. What is in `Peer.script` is
done to the next requests instead of answering them; `Peer.requests` has every request that came.
"""

from __future__ import annotations

import json
import re
import ssl
import threading
import time
from base64 import b64encode
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

import sqlpeer
from envconn.remote import session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from throwaway.certificates import Certificates, Pair

__all__ = [
    "BEARER",
    "HOSTS",
    "PASSWORD",
    "TOKEN",
    "Peer",
    "Request",
    "bytewise",
    "half",
    "hang",
    "running",
    "say",
    "status",
]

TOKEN = "Hq4zUv8nXc2kRt"
PASSWORD = "npg_Ws6yLm3pQd9r"
HOSTS = {
    "neon": "ep-quiet-meadow-a1b2c3d4",
    "planetscale": "aws-us-east-1-3.pg.psdb.cloud",
    "scalingo": "my-app-1234.postgresql.a.osc-fr1.scalingo-dbs.com",
}
NEON_DOMAIN = "us-east-1.aws.neon.tech"
BEARER = "jwt-Bt5rGy7mFe1w"
_PATIENCE = 20.0

Json: TypeAlias = "dict[str, Any] | list[Any]"
Script: TypeAlias = "Callable[[_Handler], None]"


@dataclass(frozen=True)
class Request:
    """One request: header names in lower case, the query as it was decoded."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


@dataclass
class Peer:
    """Who listens on `port`. `branches`, `roles`, `variables` and `suffix` are what a test may have the providers say.

    `names` are the host names that were asked for in the handshake; `sql` is where the PostgreSQL behind ``/sql`` is.
    """

    port: int
    host: str = "localhost"
    script: deque[Script] = field(default_factory=deque)
    requests: list[Request] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    branches: list[str] = field(default_factory=lambda: ["main", "staging", "feature-auth"])
    roles: list[str] = field(default_factory=lambda: ["web", "worker"])
    variables: dict[str, str] = field(default_factory=dict)
    suffix: str = "?sslmode=require"
    sql: str = field(default="", repr=False)
    over: threading.Event = field(default_factory=threading.Event)

    def url(self, place: str) -> str:
        """Return the address of `place`."""
        return f"https://{self.host}:{self.port}/{place}"

    def environ(self) -> dict[str, str]:
        """Return the variables that lead there, with a token for every provider."""
        return {
            "ENVCONN_API_CASEDEV": self.url("casedev/database/v1"),
            "CASEDEV_API_KEY": TOKEN,
            "ENVCONN_API_NEON": self.url("neon/api/v2"),
            "NEON_API_KEY": TOKEN,
            "ENVCONN_API_PLANETSCALE": self.url("planetscale/v1"),
            "PLANETSCALE_SERVICE_TOKEN_ID": "abcdefghijkl",
            "PLANETSCALE_SERVICE_TOKEN": TOKEN,
            "ENVCONN_API_SCALINGO": self.url("scalingo/v1"),
            "ENVCONN_API_SCALINGO_AUTH": self.url("auth/v1"),
            "SCALINGO_API_TOKEN": TOKEN,
        }

    def neon(self, *, pooled: bool = False, user: str = "neondb_owner", dbname: str = "neondb") -> str:
        """Return a connection string as Neon makes them."""
        mode = "-pooler" if pooled else ""
        return f"postgresql://{user}:{PASSWORD}@{HOSTS['neon']}{mode}.{NEON_DOMAIN}/{dbname}{self.suffix}"


def status(code: int, body: object = None, **headers: str) -> Script:
    """Answer with `code`; underscores in the names of `headers` are hyphens."""

    def act(handler: _Handler) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        handler.answer(code, {"message": "as scripted"} if body is None else body, named)

    return act


def say(data: bytes) -> Script:
    """Write `data`, whatever it is, and close."""

    def act(handler: _Handler) -> None:
        handler.wfile.write(data)
        handler.close_connection = True

    return act


def half(handler: _Handler) -> None:
    """Promise more than comes."""
    say(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"connectionUri": "postgresql://')(handler)


def hang(handler: _Handler) -> None:
    """Say nothing, and keep the connection until the peer ends."""
    handler.peer.over.wait(_PATIENCE)
    handler.close_connection = True


def bytewise(handler: _Handler) -> None:
    """Begin an answer, and go on byte by byte, never silent for long."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and not handler.peer.over.wait(0.05):
        handler.wfile.write(b" ")
        handler.wfile.flush()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    @property
    def peer(self) -> Peer:
        return self.server.peer

    def answer(self, code: int, body: object, headers: dict[str, str] | None = None) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, parts.path, query, headers, body)
        self.peer.requests.append(request)
        if self.peer.script:
            self.peer.script.popleft()(self)
            return
        code, answer = _routed(self.peer, request)
        self.answer(code, answer)


def _routed(peer: Peer, request: Request) -> tuple[int, Any]:
    for method, pattern, allowed, route in _ROUTES:
        match = re.fullmatch(pattern, request.path)
        if match and method == request.method:
            if allowed is not None and request.headers.get("authorization") != allowed:
                return 401, {"message": "no such token"}
            return route(peer, request, *(unquote(group) for group in match.groups()))
    return 404, {"message": "nothing there"}


def _casedev(peer: Peer, request: Request, project: str) -> tuple[int, Any]:
    branch, pooled = request.query.get("branch", "main"), request.query.get("pooled") == "true"
    if project != "proj_abc123" or branch not in peer.branches:
        return 404, {"error": "not found"}
    return 200, {"connectionUri": peer.neon(pooled=pooled), "branch": branch, "pooled": pooled}


def _neon_branches(peer: Peer, request: Request, project: str) -> tuple[int, Any]:
    if project != "quiet-sun-123":
        return 404, {"message": "project not found"}
    start, limit = int(request.query.get("cursor", 0)), int(request.query["limit"])
    shown = peer.branches[start : start + limit]
    found = [{"id": f"br-{name}-a1b2", "name": name, "default": name == "main"} for name in shown]
    # There is a cursor behind the last page, too.
    return 200, {"branches": found, "pagination": {"next": str(start + limit), "sort_by": "updated_at"}}


def _neon_uri(peer: Peer, request: Request, project: str) -> tuple[int, Any]:
    query = request.query
    if not {"database_name", "role_name"} <= query.keys():
        return 400, {"message": "database_name and role_name are required"}
    if project != "quiet-sun-123" or query["database_name"] != "neondb":
        return 404, {"message": "database not found"}
    return 200, {"uri": peer.neon(pooled=query.get("pooled") == "true", user=query["role_name"])}


def _role(name: str, **more: object) -> dict[str, Any]:
    """One role as it is listed: without its password."""
    return {
        "id": f"id-{name}",
        "name": name,
        "access_host_url": HOSTS["planetscale"],
        "private_access_host_url": "xyz.private-pg.psdb.cloud",
        "username": f"{name}.ab12cd34ef56",
        "base_username": name,
        "database_name": "postgres",
        "ready": True,
        "default": name == "postgres",
        **more,
    }


def _planetscale_list(peer: Peer, request: Request, _database: str, branch: str) -> tuple[int, Any]:
    if branch not in peer.branches:
        return 404, {"code": "not_found", "message": "Not Found"}
    page = int(request.query.get("page", 1))
    more = page < len(peer.roles)
    return 200, {
        "type": "list",
        "current_page": page,
        "next_page": page + 1 if more else None,
        "data": [_role(name) for name in peer.roles[page - 1 : page]],
    }


def _planetscale_new(peer: Peer, request: Request, _database: str, _branch: str) -> tuple[int, Any]:
    name = request.json["name"]
    if name in peer.roles:
        return 422, {"code": "unprocessable", "message": "Name has already been taken"}
    return 201, _role(name, password=f"pscale_pw_{PASSWORD}", ttl=request.json.get("ttl", 0))


def _planetscale_reset(_peer: Peer, request: Request, _database: str, _branch: str) -> tuple[int, Any]:
    name = "postgres" if request.path.endswith("reset-default") else request.path.split("/")[-2].removeprefix("id-")
    return 200, _role(name, password=f"pscale_pw_{PASSWORD}")


def _planetscale_default(_peer: Peer, _request: Request, _database: str, _branch: str) -> tuple[int, Any]:
    return 200, _role("postgres")


def _exchange(_peer: Peer, _request: Request) -> tuple[int, Any]:
    return 200, {"token": BEARER}


def _scalingo_variables(peer: Peer, request: Request, app: str) -> tuple[int, Any]:
    if app != "my-app":
        return 404, {"error": "not found"}
    uri = f"postgresql://my_app_1234:{PASSWORD}@{HOSTS['scalingo']}:30123/my_app_1234?sslmode=prefer"
    held = {"DATABASE_URL": "$SCALINGO_POSTGRESQL_URL", "SCALINGO_POSTGRESQL_URL": uri, "EMPTY": "", **peer.variables}
    if request.query.get("aliases") == "false":
        held = {name: held.get(value.removeprefix("$"), value) for name, value in held.items()}
    found = [{"id": f"id-{name}", "name": name, "value": value} for name, value in held.items()]
    return 200, {"variables": found}


def _scalingo_endpoints(_peer: Peer, _request: Request, database: str) -> tuple[int, Any]:
    hosts = {
        "public-rw": ("my-app-1234.postgresql.osc-fr1.scalingo-dbs.com", 30123),
        "private-peering-rw": ("my-app-1234.peering.postgresql.osc-fr1.scalingo-dbs.com", 30999),
    }
    found = [
        {"id": f"id-{kind}", "database_id": database, "hostname": host, "port": port, "type": kind}
        for kind, (host, port) in hosts.items()
    ]
    return 200, {"endpoints": found}


def _sql(peer: Peer, request: Request) -> tuple[int, Any]:
    return sqlpeer.run(request.headers, request.body, peer.sql)


_BEARER = f"Bearer {TOKEN}"
_SERVICE = f"abcdefghijkl:{TOKEN}"
_ROLES = "/planetscale/v1/organizations/acme/databases/([^/]+)/branches/([^/]+)/roles"
_ROUTES: list[tuple[str, str, str | None, Callable[..., tuple[int, Any]]]] = [
    ("GET", "/casedev/database/v1/projects/([^/]+)/connection", _BEARER, _casedev),
    ("GET", "/neon/api/v2/projects/([^/]+)/branches", _BEARER, _neon_branches),
    ("GET", "/neon/api/v2/projects/([^/]+)/connection_uri", _BEARER, _neon_uri),
    ("GET", _ROLES, _SERVICE, _planetscale_list),
    ("POST", _ROLES, _SERVICE, _planetscale_new),
    ("GET", f"{_ROLES}/default", _SERVICE, _planetscale_default),
    ("POST", f"{_ROLES}/(?:reset-default|[^/]+/reset)", _SERVICE, _planetscale_reset),
    ("POST", "/auth/v1/tokens/exchange", f"Basic {b64encode(f':{TOKEN}'.encode()).decode()}", _exchange),
    ("GET", "/scalingo/v1/apps/([^/]+)/variables", f"Bearer {BEARER}", _scalingo_variables),
    ("GET", "/scalingo/v1/databases/([^/]+)/endpoints", f"Bearer {BEARER}", _scalingo_endpoints),
    ("POST", "/sql", None, _sql),
]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.context = context
        self.peer = Peer(self.server_port)
        if context:
            context.sni_callback = lambda _socket, name, _context: self.peer.names.append(name)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with suppress(OSError):
            request.settimeout(_PATIENCE)
            shaken = self.context.wrap_socket(request, server_side=True) if self.context else request
            super().process_request_thread(shaken, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients leave in the middle."""


@contextmanager
def running(pair: Pair | None) -> Iterator[Peer]:
    """Run the peer until the block ends, with the certificate `pair`, or unencrypted without one."""
    context = None
    if pair:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.chain, pair.key)
    with _Server(context) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield server.peer
        finally:
            server.peer.over.set()
            server.shutdown()


@pytest.fixture(scope="session")
def _peer(certificates: Certificates) -> Iterator[Peer]:
    with running(certificates.good) as peer:
        yield peer


@pytest.fixture
def peer(_peer: Peer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Peer:
    """The providers' APIs over TLS, and ``/sql``, where the environment leads to; see `Peer`.

    ``peer.script.append(status(429, Retry_After="1"))`` (or `half`, `hang`, `say`) is done to the next request. The
    laboratory's CA is the system's, and waits between tries are short.
    """
    fresh = Peer(_peer.port)
    for name in ("script", "requests", "names", "branches", "roles", "variables", "suffix", "sql"):
        setattr(_peer, name, getattr(fresh, name))
    for name, value in {**_peer.environ(), "SSL_CERT_FILE": str(certificates.ca)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(session, "_FIRST", 0.01)
    return _peer
