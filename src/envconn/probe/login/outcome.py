"""The outcome of a login, the session or failure that leads to it, and the messages about failures."""

from __future__ import annotations

import socket
import ssl
import time
from typing import Protocol

from envconn.errors import Finding, problem
from envconn.families import AMQP, MYSQL, REDIS, SENTINEL
from envconn.probe.failures import FAULTS
from envconn.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envconn.errors import Finding
    from envconn.probe.proof import Login
    from envconn.tls import SecuredConnection

ACCEPTS_WRITES = "is configured as a replica, but the server accepts writes. Use the replica's own endpoint"
"""The message of a note on a replica, in every family."""


class Outcome(Record):
    """What the server reported, and the problems and notes.

    `login` is `None` if it failed.
    """

    login: Login | None = None
    problems: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()


class Failure(Record):
    """Why something failed: a code of `envconn.probe.FAULTS`, and the SQLSTATE if the server sent one.

    Never a driver's text: libpq's contain host and user, and whatever else the server sends.
    """

    code: str
    state: str = ""


class Session(Protocol):
    """A PostgreSQL connection after its login."""

    @property
    def backend_pid(self) -> int | None:
        """The process ID sent at start-up, `None` if the driver does not report it."""

    @property
    def tls(self) -> bool | None:
        """Whether the driver itself uses TLS, `None` if it does not report it."""

    def ask(self, query: str, until: float) -> Sequence[str | None] | Failure:
        """Return the one row of `query`, whose columns are all of type ``text``."""

    def close(self) -> None:
        """Close the session."""


def left(until: float) -> float:
    """Return the seconds until then on the monotonic clock; never 0, which drivers treat as "no limit"."""
    return max(0.01, until - time.monotonic())


def readable(text: object) -> str | None:
    """Return a server's text about itself as one short line, or `None` if there is none.

    It may be any server, and any text.
    """
    return "".join(each for each in str(text or "") if each.isprintable())[:80] or None


def classify(error: BaseException) -> Failure:
    """Return what `error`, or its cause, means for a connection, by the errors of the network."""
    for each in _chain(error):
        for kind, code in _BY_TYPE:
            if isinstance(each, kind):
                return Failure(code)
    return Failure("protocol-unexpected")


_BY_TYPE: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    ((ssl.SSLEOFError, ssl.SSLZeroReturnError), "connection-closed"),
    (ssl.SSLError, "tls-failed"),
    (TimeoutError, "timed-out"),
    (socket.gaierror, "host-unresolved"),
    (ConnectionRefusedError, "connection-refused"),
    (ConnectionError, "connection-closed"),
    (EOFError, "connection-closed"),
    (OSError, "host-unreachable"),
)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def failed_login(connection: SecuredConnection, driver: str, failure: Failure) -> Finding:
    """Return the `Finding` for `failure` of a login to `connection` through `driver`."""
    if failure.code == "password-refused" and connection.password is None:
        sentence = _NO_PASSWORD
    elif failure.code == "password-refused" and connection.origin.mounted:
        sentence = _LEASED
    else:
        sentence = _OF_KIND.get((connection.family, failure.code)) or _OF_ALL[failure.code]
    state = f" (SQLSTATE {failure.state})" if failure.state else ""
    message = sentence.format(driver=driver, state=state)
    return problem(failure.code, connection.origin.variable, message, FAULTS[failure.code].exit_code)


_NO_PASSWORD = "has no password, but the server requires one. Add it to the URL, percent-encoded"  # noqa: S105

_LEASED = (
    "user or password is wrong{state}. Have the file written again; if they are leased, the lease has ended, so renew "
    "it or restart what writes the file"
)

_OF_ALL = {
    "host-unresolved": "{driver} finds no address for the host. Correct the hostname, or wait for DNS",
    "connection-refused": "the server refuses the connection. Start it, or correct the port",
    "host-unreachable": "{driver} cannot reach the server. Correct host and port, or check routes and firewalls",
    "timed-out": "the login with {driver} timed out{state}. Check the server's load, or raise --timeout",
    "connection-closed": "the server closed the connection during the login{state}. Read the server's log",
    "server-starting": "the server is starting, shutting down or recovering{state}. Wait until it is ready",
    "server-full": (
        "the server has no free connection{state}. Use fewer connections, or raise the limit of the server or the role"
    ),
    "master-unknown": (
        "no sentinel knows a running master of that name. Correct the name, or wait until a master is running"
    ),
    "protocol-unexpected": "{driver} does not understand the server's answer. Correct scheme and port",
    "tls-failed": "{driver} and the server could not agree on TLS. Check sslrootcert, sslcert and sslkey",
    "tls-not-in-use": "{driver} logged in without the required TLS. Do not use this driver, and report a bug",
    "password-refused": "user or password is wrong{state}. Copy both again from your provider",
    "client-certificate-required": (
        "the server requires a client certificate{state}. Name one with sslcert and sslkey"
    ),
    "client-certificate-refused": (
        "the client certificate is not for this user{state}. Name one for it with sslcert and sslkey"
    ),
    "login-method-unsupported": (
        "the server asks for a login method that {driver} does not support, such as GSSAPI or OAuth. Allow "
        "scram-sha-256 in pg_hba.conf"
    ),
    "login-method-refused": (
        "the server's login method does not meet require_auth or channel_binding. Correct pg_hba.conf, or remove the "
        "parameter"
    ),
    "server-account-wrong": (
        "the server runs under another account than requirepeer names. Correct requirepeer, or the path of the socket"
    ),
    "login-refused": (
        "the server does not allow this user to log in{state}. Check pg_hba.conf and NOLOGIN, and read the server's log"
    ),
    "database-absent": "the database does not exist{state}. Correct its name, or create it",
    "permission-denied": "the user may not connect to the database{state}. Run GRANT CONNECT ON DATABASE for the role",
}

_OF_KIND = {
    (MYSQL, "tls-failed"): "{driver} and the server could not agree on TLS. Check ssl-ca, ssl-cert and ssl-key",
    (MYSQL, "login-method-unsupported"): (
        "the server asks for a login method that {driver} does not support. Use mysql_native_password or "
        "caching_sha2_password for the user"
    ),
    (MYSQL, "login-refused"): (
        "the server does not allow this user to log in from here. Check the host of the user and whether the account "
        "is locked, and read the server's log"
    ),
    (MYSQL, "permission-denied"): "the user may not use the database. Run GRANT ... ON its tables for the user",
    (REDIS, "login-refused"): "the server refuses this client. Check protected-mode, and read the server's log",
    (REDIS, "database-absent"): (
        "the database number does not exist. Use a lower number, or raise databases in the server's configuration"
    ),
    (REDIS, "permission-denied"): "the user may not run PING and SELECT. Add +ping and +select to its ACL",
    (
        SENTINEL,
        "tls-failed",
    ): "the certificate of a sentinel, or of the Redis that it names, cannot be verified. Use a certificate for the "
    "announced address, or announce hostnames (sentinel announce-hostnames yes)",
    (
        SENTINEL,
        "password-refused",
    ): "the sentinels refuse sentinel_password, or Redis refuses the password before the hosts. Copy both again",
    (AMQP, "login-refused"): "the broker does not allow this user to log in. Read its log",
    (AMQP, "database-absent"): (
        "the virtual host does not exist. Correct the path of the URL, or create the virtual host"
    ),
    (AMQP, "permission-denied"): "the user may not use the virtual host. Run rabbitmqctl set_permissions for it",
}
