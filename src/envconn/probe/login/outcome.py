"""The outcome of a login, the session or failure that leads to it, and the messages about failures."""

from __future__ import annotations

import socket
import ssl
import time
from typing import Protocol

from envconn.errors import Finding, problem
from envconn.exit_codes import FAULTS
from envconn.families import AMQP, REDIS, SENTINEL
from envconn.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envconn.errors import Finding
    from envconn.probe.proof import Login
    from envconn.tls import SecuredConnection


class Outcome(Record):
    """What the server said, what stands against using it, and what is worth knowing.

    `login` is `None` where it failed.
    """

    login: Login | None = None
    problems: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()


class Failure(Record):
    """Why something did not succeed: a code of `envconn.exit_codes`, and the SQLSTATE where the server sent one.

    Never a driver's text: libpq's have host and user in them, and whatever else the server likes to say.
    """

    code: str
    state: str = ""


class Session(Protocol):
    """A PostgreSQL connection after its login."""

    @property
    def backend_pid(self) -> int | None:
        """The process that was named at start-up, `None` where the driver does not tell."""

    @property
    def tls(self) -> bool | None:
        """Whether the driver itself speaks TLS, `None` where it does not tell."""

    def ask(self, query: str, until: float) -> Sequence[str | None] | Failure:
        """Return the one row that `query` makes, whose columns are all of type ``text``."""

    def close(self) -> None:
        """Say goodbye."""


def left(until: float) -> float:
    """Return the seconds until then on the monotonic clock; never 0, which drivers take for "for ever"."""
    return max(0.01, until - time.monotonic())


def readable(text: object) -> str | None:
    """Return what a server said of itself as one line, no longer than a terminal's, or `None` where it said nothing.

    It may be anybody, and say anything.
    """
    return "".join(each for each in str(text or "") if each.isprintable())[:80] or None


def classify(error: BaseException) -> Failure:
    """Return what `error`, or what it was made from, means for a connection, by the network's own errors."""
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
    """Return `failure` of a login to `connection` through `driver` as it is reported."""
    if failure.code == "password-refused" and connection.password is None:
        sentence = _NO_PASSWORD
    else:
        sentence = _OF_KIND.get((connection.family, failure.code)) or _OF_ALL[failure.code]
    state = f" (SQLSTATE {failure.state})" if failure.state else ""
    message = sentence.format(driver=driver, state=state)
    return problem(failure.code, connection.variable, message, FAULTS[failure.code].exit_code)


_NO_PASSWORD = "has no password, and the server asks for one; write it into the URL, percent-encoded"  # noqa: S105

_OF_ALL = {
    "host-unresolved": "{driver} finds no address for the host; correct the host name, or wait until DNS knows it",
    "connection-refused": "nothing listens at host and port any more; correct the port, or start the server",
    "host-unreachable": "{driver} cannot reach host and port; correct them, or open the way there",
    "timed-out": "the login through {driver} did not end in time{state}; look after the server's load, or allow more",
    "connection-closed": "the connection ended in the middle of the login{state}; the server's log says why",
    "server-starting": "the server starts up, shuts down or recovers{state}; try again when it is ready",
    "server-full": "no connection is free{state}; let clients keep fewer, or raise the server's or the role's limit",
    "master-unknown": "no sentinel knows a master of that name that is up; correct the name, or wait for one",
    "protocol-unexpected": "the answer to {driver} is none that it understands; correct scheme and port",
    "tls-failed": "{driver} could not agree on TLS with the server; check sslrootcert, sslcert and sslkey",
    "tls-not-in-use": "{driver} logged in without the TLS that was asked for; do not use it, and report this",
    "password-refused": "user name or password are refused{state}; copy both again from where they were issued",
    "login-refused": "the server does not let this user in{state}; its log says why, often pg_hba.conf or NOLOGIN",
    "database-absent": "there is no database of that name{state}; correct the name, or create the database",
    "permission-denied": "the user may not connect to the database{state}; run GRANT CONNECT ON DATABASE for the role",
}

_OF_KIND = {
    (REDIS, "login-refused"): "the server turns this client down; its log says why, often protected-mode",
    (REDIS, "database-absent"): "there is no database of that number; lower the number, or raise databases",
    (REDIS, "permission-denied"): "the user may not do what every client does; give it +ping and +select by ACL",
    (
        SENTINEL,
        "tls-failed",
    ): "a sentinel, or the Redis that they name, does not stand up to the level; let the latter "
    "show a certificate for the address that is announced, or announce host names (sentinel announce-hostnames yes)",
    (
        SENTINEL,
        "password-refused",
    ): "the sentinels refuse sentinel_password, or the Redis the password before the hosts; copy both again",
    (AMQP, "login-refused"): "the broker does not let this user in; its log says why",
    (AMQP, "database-absent"): "there is no such vhost; correct the path of the URL, or create the vhost",
    (AMQP, "permission-denied"): "the user may not use the vhost; give it permissions there",
}
