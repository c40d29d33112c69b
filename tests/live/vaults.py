"""Secret managers on loopback, over TLS, each spoken to by its vendor's own client."""

from __future__ import annotations

import json
import ssl
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from throwaway.certificates import Certificates, Pair

__all__ = ["Google", "KeyVault", "aws", "google", "key_vault", "permissions_demanded"]


@contextmanager
def aws(pair: Pair) -> Iterator[str]:
    """Run moto; yields its address."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    application = DomainDispatcherApplication(create_backend_app)
    with _serving(make_server("127.0.0.1", 0, application, threaded=True, ssl_context=_context(pair))) as port:
        yield f"https://127.0.0.1:{port}"


@contextmanager
def permissions_demanded(url: str, ca: Path) -> Iterator[None]:
    """Make the moto at `url` refuse every request without permission."""
    trusted = ssl.create_default_context(cafile=str(ca))

    def after(actions: str) -> None:
        plain = {"Content-Type": "text/plain"}
        request = urllib.request.Request(f"{url}/moto-api/reset-auth", actions.encode(), plain)  # noqa: S310
        urllib.request.urlopen(request, context=trusted).close()  # noqa: S310 - the address is our own

    after("0")
    try:
        yield
    finally:
        after("inf")


@dataclass
class KeyVault:
    """An Azure Key Vault: its secrets by name, the names that no client may read, and those that were read."""

    url: str = ""
    secrets: dict[str, str] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    listable: bool = True
    broken: bool = False
    read: list[str] = field(default_factory=list)

    def reset(self) -> None:
        """Make it empty, and nothing forbidden."""
        self.secrets, self.denied, self.listable, self.broken, self.read = {}, set(), True, False, []

    def answer(self, path: str, token: str | None) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body for a GET of `path`, in the shapes of API version 7."""
        _, _, host = self.url.partition("//")
        if token != "Bearer token":
            # The resource has to be a domain above the vault's.
            resource = f"https://{host.partition('.')[2]}"
            challenge = f'Bearer authorization="https://login.microsoftonline.com/tenant", resource="{resource}"'
            return 401, {"WWW-Authenticate": challenge}, b""
        name = path.partition("?")[0].removeprefix("/secrets").strip("/")
        if name in self.denied or not (name or self.listable):
            return (
                403,
                {},
                _failure("Forbidden", "The user does not have secrets get permission."),
            )
        if not name:
            attributes = {"enabled": True}
            found = [{"id": f"{self.url}/secrets/{each}", "attributes": attributes} for each in self.secrets]
            return 200, {}, json.dumps({"value": found, "nextLink": None}).encode()
        if name not in self.secrets:
            return 404, {}, _failure("SecretNotFound", "A secret with that name was not found in this key vault.")
        self.read.append(name)
        body = json.dumps({"value": self.secrets[name], "id": f"{self.url}/secrets/{name}/1", "attributes": {}})
        return 200, {}, body[: -9 if self.broken else None].encode()


def _failure(code: str, message: str) -> bytes:
    return json.dumps({"error": {"code": code, "message": message}}).encode()


@contextmanager
def key_vault(pair: Pair) -> Iterator[KeyVault]:
    """Run a vault that is empty at first."""
    vault = KeyVault()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = vault.answer(self.path, self.headers.get("Authorization"))
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
                **headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = _context(pair).wrap_socket(server.socket, server_side=True)
    with _serving(server) as port:
        vault.url = f"https://127.0.0.1:{port}"
        yield vault


@dataclass
class Google:
    """A project in Google Secret Manager: its secrets by name, the forbidden names, and those that were read."""

    secrets: dict[str, bytes] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    listable: bool = True
    read: list[str] = field(default_factory=list)
    client: Any = None

    def reset(self) -> None:
        """Make it empty, and nothing forbidden."""
        self.secrets, self.denied, self.listable, self.read = {}, set(), True, []


@contextmanager
def google(certificates: Certificates) -> Iterator[Google]:
    """Run the service for the project ``p``, with a client for it."""
    import grpc
    from google.cloud import secretmanager_v1 as sm
    from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
        SecretManagerServiceGrpcTransport,
    )

    project = Google()

    def listed(request: Any, context: Any) -> Any:
        if not project.listable:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "Permission 'secretmanager.secrets.list' denied")
        return sm.ListSecretsResponse(
            secrets=[sm.Secret(name=f"{request.parent}/secrets/{n}") for n in project.secrets]
        )

    def accessed(request: Any, context: Any) -> Any:
        name = request.name.split("/")[3]
        if name in project.denied:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "Permission 'secretmanager.versions.access' denied")
        if name not in project.secrets:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Secret [{request.name}] not found")
        project.read.append(name)
        return sm.AccessSecretVersionResponse(payload=sm.SecretPayload(data=project.secrets[name]))

    def handled(method: Callable[..., Any], asked: Any, answer: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(method, asked.deserialize, answer.serialize)

    methods = {
        "ListSecrets": handled(listed, sm.ListSecretsRequest, sm.ListSecretsResponse),
        "AccessSecretVersion": handled(accessed, sm.AccessSecretVersionRequest, sm.AccessSecretVersionResponse),
    }
    pair = certificates.good
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("google.cloud.secretmanager.v1.SecretManagerService", methods)]
    )
    shown = grpc.ssl_server_credentials([(pair.key.read_bytes(), pair.chain.read_bytes())])
    port = server.add_secure_port("127.0.0.1:0", shown)
    server.start()
    trusted = grpc.ssl_channel_credentials(certificates.ca.read_bytes())
    with grpc.secure_channel(f"127.0.0.1:{port}", trusted) as channel:
        project.client = sm.SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))
        try:
            yield project
        finally:
            server.stop(None).wait()


def _context(pair: Pair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.chain, pair.key)
    return context


@contextmanager
def _serving(server: Any) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
