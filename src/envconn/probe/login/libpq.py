"""A login through libpq, step by step, for psycopg 3 and psycopg2; and what each SQLSTATE means.

libpq reports why a login failed in a sentence, in any language, and keeps the SQLSTATE to itself
(`PQresultErrorField` needs a result, which does not exist yet). But with ``PQERRORS_VERBOSE`` it writes the
code into the sentence (fe-protocol3.c, pqBuildErrorMessage3), and the steps of `PQconnectPoll` show how
far it got. Neither driver offers the setting; both give access to libpq's connection.
"""

from __future__ import annotations

import ctypes
import re
import select
import sys
from typing import Protocol, TypeVar

from envconn.probe.login.outcome import Failure, left
from envconn.tls import TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.tls import SecuredConnection


def refused(state: str, said: str) -> Failure:
    """Return what the SQLSTATE `state` means; the text in `said` decides if one code is used for several things."""
    if not re.fullmatch("[0-9A-Z]{5}", state):
        state = _OTHER  # a server that received the password could return it here
    by_text = next((code for words, code in _SAID.get(state, ()) if words in said), "login-refused")
    return Failure(_BY_STATE.get(state, by_text), state)


_BY_STATE = {
    "08000": "connection-closed",
    "08003": "connection-closed",
    "08006": "connection-closed",
    "28P01": "password-refused",
    "3D000": "database-absent",
    "42501": "permission-denied",
    "53300": "server-full",
    "55000": "permission-denied",  # the database accepts no connections (ALLOW_CONNECTIONS)
    "57014": "timed-out",  # authentication_timeout
    "57P01": "server-starting",
    "57P02": "server-starting",
    "57P03": "server-starting",
    "57P04": "database-absent",
}

_OTHER = "XX000"
_SAID = {
    # PgBouncer's texts, which exist in English only (src/client.c, src/objects.c, src/janitor.c).
    "08P01": (
        ("authentication failed", "password-refused"),
        ("no such user", "password-refused"),
        ("does not exist", "database-absent"),
        ("no such database", "database-absent"),
        ("no more connections allowed", "server-full"),
        ("query_wait_timeout", "server-full"),
        ("client_login_timeout", "timed-out"),
        ("cannot connect to server", "server-starting"),
        ("server login has been failing", "server-starting"),
        ("shutting down", "server-starting"),
    ),
    # PostgreSQL's (auth.c, ClientAuthentication and auth_failed). In another language, it is a login that is refused.
    "28000": (
        ("valid client certificate", "client-certificate-required"),
        ("certificate authentication failed", "client-certificate-refused"),
    ),
}


FAILED, READ, WRITE, DONE = range(4)
"""The outcomes of a step, as `PQconnectPoll` numbers them (libpq-fe.h, PostgresPollingStatusType)."""

_VERBOSE = 2

_SQLSTATE = re.compile(r"(?:^|: )\w[^:]*:  ([0-9A-Z]{5}): (.*)", re.MULTILINE)
"""Severity, in the server's language, two spaces, the code, and the server's text."""

_REACHED = {3: "connection-closed", 4: "connection-closed", 5: "connection-closed", 7: "tls-failed"}
"""Where a step failed (libpq-fe.h, ConnStatusType): made, awaiting response, authenticated, in the handshake."""


class Attempt(Protocol):
    """A connection that is being established."""

    @property
    def status(self) -> int:
        """Its state, as `PQstatus` numbers it."""

    @property
    def tells_sqlstate(self) -> bool:
        """Whether messages contain the SQLSTATE."""

    @property
    def said(self) -> str:
        """Why it failed. Used in this module only, never shown."""

    @property
    def tls(self) -> bool | None:
        """Whether it uses TLS by now."""

    @property
    def needs_password(self) -> bool:
        """Whether it failed because the server asked for a password and none is set."""

    def step(self) -> int:
        """Continue, and return what to wait for."""

    def fileno(self) -> int:
        """Return the socket's descriptor, which may be another one after each step."""

    def close(self) -> None:
        """Close it, in whatever state it is."""


Attempted = TypeVar("Attempted", bound=Attempt)


def tell_sqlstate(library: str | None, pointer: int | None) -> bool:
    """Make messages of the ``PGconn`` at `pointer` contain the SQLSTATE, and return whether that was possible.

    `library` is its libpq, or linked with it.
    """
    try:
        function = ctypes.CDLL(library).PQsetErrorVerbosity
    except (AttributeError, OSError):
        return False
    function.argtypes = (ctypes.c_void_p, ctypes.c_int)
    function(pointer, _VERBOSE)
    return True


def establish(attempt: Attempted, connection: SecuredConnection, until: float) -> Attempted | Failure:
    """Take one step of `attempt` after the other until it is connected, and return it; or close it, and return why not.

    `until` is the deadline on the monotonic clock.
    """
    failure = _connect(attempt, connection, until)
    if failure is None:
        return attempt
    attempt.close()
    return failure


def _connect(attempt: Attempt, connection: SecuredConnection, until: float) -> Failure | None:
    while True:
        # Read before the step: after a failed one both may be gone.
        reached, secured = attempt.status, attempt.tls or connection.tls.level < TlsLevel.ENCRYPTED
        following = attempt.step()
        if following == DONE:
            return None
        if following == FAILED:
            return _why(attempt, connection, reached, secured=secured)
        if not ready(attempt.fileno(), following, until):
            return Failure("timed-out")


def ready(descriptor: int, direction: int, until: float) -> bool:
    """Wait until `descriptor` can be read or written, or return false when the time is up."""
    if sys.platform == "win32":
        none: list[int] = []
        lists = ([descriptor], none) if direction == READ else (none, [descriptor])
        return any(select.select(*lists, none, left(until)))
    waiting = select.poll()  # not limited to 1,024 descriptors, as select(2) is
    waiting.register(descriptor, select.POLLIN if direction == READ else select.POLLOUT)
    return bool(waiting.poll(left(until) * 1000))


def _why(attempt: Attempt, connection: SecuredConnection, reached: int, *, secured: bool) -> Failure:
    code = _REACHED.get(reached, "host-unreachable")
    # An unencrypted error may come from an attacker, and older versions believe it (CVE-2024-10977).
    if reached in _REACHED and not secured:
        return Failure("tls-failed")
    if found := _SQLSTATE.search(attempt.said):
        return refused(found[1], found[2])
    if attempt.needs_password:
        return Failure("password-refused")
    if code == "connection-closed" and not any(words in attempt.said for words in _CLOSED):
        return Failure(_of_refusal(attempt, connection))
    return unopened(attempt.said) if code == "host-unreachable" else Failure(code)


def unopened(said: str) -> Failure:
    """Return why libpq has no connection to begin a login on; it compares the server's account first."""
    # The name of the parameter is the same in every language (fe-connect.c, PQconnectPoll).
    return Failure("server-account-wrong" if "requirepeer" in said else "host-unreachable")


def _of_refusal(attempt: Attempt, connection: SecuredConnection) -> str:
    """Return why libpq ended the login, after an answer of the server that has no SQLSTATE."""
    if not attempt.tells_sqlstate:
        return "login-refused"
    if _DEMANDS & connection.parameters.keys():
        return "login-method-refused"
    return "login-method-unsupported" if any(words in attempt.said for words in _METHOD) else "connection-closed"


_DEMANDS = frozenset({"channel_binding", "require_auth"})
_METHOD = (
    "authentication not supported",
    "authentication method",
    "SASL authentication mechanisms",
    "GSSAPI",
    "SSPI",
    "OAuth",
)
_CLOSED = ("closed the connection", "closed unexpectedly", "SSL SYSCALL", "unexpected eof", "receive data from server")
"""Parts of libpq's texts (fe-auth.c, fe-auth-oauth.c; fe-misc.c, fe-secure*.c). In another language, it was closed."""
