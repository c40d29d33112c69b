"""A stand-in for a PostgreSQL server with TLS, for tests of the handshake, and its certificates.

PostgreSQL is not needed. One certificate is right, and one is wrong in each possible way; no key outlives the process.
"""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from threading import Lock
from urllib.parse import quote, urlencode

import pytest

from envconn_pytest.server_protocol import ALPN, Account, Client, welcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import trustme


STATES = ("good", "wronghost", "expired", "unknownca", "notls")
"""The certificate of ``wronghost`` is for another name, of ``expired`` ended last week, of ``unknownca`` is signed by
another CA; ``notls`` answers that it has no TLS, and accepts unencrypted connections."""

_HOSTS = ("localhost", "127.0.0.1", "::1")


class Authority:
    """A CA that no client trusts yet, and another one."""

    @property
    def pem(self) -> str:
        """The certificate of the CA, for a client to trust."""
        return self._ca.cert_pem.bytes().decode("ascii")

    def issue(self, state: str) -> trustme.LeafCert:
        """Return certificate and key of a server in `state`, which is not ``notls``."""
        if state == "wronghost":
            return self._ca.issue_cert("elsewhere.envconn.test")
        if state == "expired":
            now = datetime.now(UTC)
            begin, end = now - timedelta(days=30), now - timedelta(days=7)
            return self._ca.issue_cert(*_HOSTS, not_before=begin, not_after=end)
        return (self._other if state == "unknownca" else self._ca).issue_cert(*_HOSTS)

    @cached_property
    def _ca(self) -> trustme.CA:
        return _made("envconn throw-away CA")

    @cached_property
    def _other(self) -> trustme.CA:
        return _made("envconn other throw-away CA")


def context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """Return the context of a server that presents `certificate`."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.set_alpn_protocols([ALPN])
    certificate.configure_cert(made)
    return made


def _made(name: str) -> trustme.CA:
    # Samples and the guard need no cryptography.
    import trustme

    return trustme.CA(organization_name=name)


class PostgresTLS:
    """Starts servers: ``postgres_tls("expired")``. Each runs until the test ends."""

    def __init__(self, authority: Authority, cleanup: ExitStack) -> None:
        self._authority = authority
        self._cleanup = cleanup

    def __call__(self, state: str = "good") -> StandIn:
        """Start one in `state`, one of `STATES`; all have the same CA for their clients to trust.

        Raises:
            ValueError: the state does not exist.
        """
        return self._cleanup.enter_context(stand_in(state, authority=self._authority))


@pytest.fixture(scope="session")
def envconn_authority() -> Authority:
    """The CA of `postgres_tls`, made once for a session."""
    return Authority()


@pytest.fixture
def postgres_tls(envconn_authority: Authority) -> Iterator[PostgresTLS]:
    """Starts stand-ins for a PostgreSQL server with TLS, each until the test ends.

    After ``server = postgres_tls("good")``, ``server.environment()`` are variables for `envconn.load`, and
    ``server.clients`` is what was observed of each connection.
    """
    with ExitStack() as cleanup:
        yield PostgresTLS(envconn_authority, cleanup)


_PATIENCE = 5.0  # seconds


@contextmanager
def serving(listener: socket.socket, serve: Callable[[socket.socket], None]) -> Iterator[None]:
    """Run `serve` for each client of `listener`, in threads, until the block ends."""
    thread = threading.Thread(target=_accept, args=(listener, serve), daemon=True)
    thread.start()
    try:
        yield
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join(_PATIENCE)


def _accept(listener: socket.socket, serve: Callable[[socket.socket], None]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


_ADDRESS = "127.0.0.1"
_NOBODY = "envconn_probe"  # the user name of envconn.probe.postgres_protocol
_ACCEPT_PATIENCE = 10.0  # seconds for the client's next message
_ACCOUNT = Account("app", "FAKE_password", "app")


@dataclass
class StandIn:
    """A stand-in for a PostgreSQL server with TLS, on `port` of the loopback interface, until its block ends.

    `state` is one of `STATES`. It accepts `user` with `password` for `dbname`, asks for the password in plain text
    inside TLS, and answers ``select 1``. `ca` is the PEM text of the CA that a client should trust, even if another
    one signed the certificate. `clients` is what was observed of each connection, in order.
    """

    state: str
    port: int
    ca: str = field(repr=False)
    user: str = _ACCOUNT.user
    password: str = field(default=_ACCOUNT.password, repr=False)
    dbname: str = _ACCOUNT.dbname
    clients: list[Client] = field(default_factory=list)
    _entrance: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    @property
    def saw_unencrypted(self) -> bool:
        """Whether names or a password arrived unencrypted, except from `envconn.prove`, whose names are not real."""
        return any(client.startup_unencrypted and client.user != _NOBODY for client in self.clients)

    def uri(self, host: str = "localhost", **parameters: str) -> str:
        """Return the URL of this server, called `host`, with the password; `parameters` become the query."""
        query = "?" + urlencode(parameters, quote_via=quote) if parameters else ""
        return f"postgresql://{self.user}:{self.password}@{host}:{self.port}/{self.dbname}{query}"

    def environment(self, sslmode: str = "verify-full", **parameters: str) -> dict[str, str]:
        """Return variables that lead here, with loopback treated like any other host.

        `parameters` become the query of the URL, beside `sslmode`.
        The CA is set only if `sslmode` verifies, so that ``require`` means what it says.
        """
        ca = {"DATABASE_CA_CERT": self.ca} if sslmode.startswith("verify") else {}
        uri = self.uri(sslmode=sslmode, **parameters)
        return {"DATABASE_URL": uri, "ENVCONN_TLS_LOCAL": "enforce", **ca}

    def _admit(self) -> Client:
        with self._entrance:
            client = Client(len(self.clients) + 1)
            self.clients.append(client)
        return client


@contextmanager
def stand_in(state: str = "good", *, authority: Authority | None = None) -> Iterator[StandIn]:
    """Start a server in `state`, one of `STATES`, that runs until the block ends; for use without fixtures.

    `authority` makes its certificate; without it, a new one does.

    Raises:
        ValueError: the state does not exist.
    """
    if state not in STATES:
        raise ValueError(f"unknown state. Use one of {', '.join(STATES)}")
    authority = authority or Authority()
    contexts = None if state == "notls" else partial(context, authority.issue(state))
    with socket.create_server((_ADDRESS, 0)) as listener:
        server = StandIn(state, listener.getsockname()[1], authority.pem)
        with serving(listener, partial(_serve, server, contexts)):
            yield server


def _serve(server: StandIn, contexts: Callable[[], ssl.SSLContext] | None, connection: socket.socket) -> None:
    connection.settimeout(_ACCEPT_PATIENCE)
    # Two answers in a row would wait for each other: Nagle's algorithm here, delayed acknowledgement there.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    account = Account(server.user, server.password, server.dbname)
    with suppress(OSError), connection:
        welcome(connection, server._admit(), account, contexts)  # noqa: SLF001 - the entrance is for this module
