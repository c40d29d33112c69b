"""Where nobody is verified: whether the server can be held to a login that gives no password away.

With ``sslmode=require`` and no CA, a man in the middle only has to ask for the password in clear text, and every
driver sends it. libpq can demand that the login is bound to the TLS session (``channel_binding=require``, which
no pooler can do), or at least that it is one by SCRAM (``require_auth``, since 16), where no password is sent.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from envconn.drivers import libpq
from envconn.errors import Note
from envconn.probe.login.outcome import Failure
from envconn.tls import TlsLevel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from envconn.probe.login.outcome import Session
    from envconn.tls import SecuredConnection

__all__ = ["notes"]


class _Door(Protocol):
    """The module of that driver, beside this one."""

    def open_session(
        self, connection: SecuredConnection, until: float, stricter: Mapping[str, str]
    ) -> Session | Failure: ...


def notes(connection: SecuredConnection, driver: str, until: float) -> Iterator[Note]:
    """Yield the note that says what to demand, by trying it; none where it is demanded, or somebody is verified."""
    stated = {"channel_binding", "require_auth"} & connection.parameters.keys()
    if connection.tls.level != TlsLevel.ENCRYPTED or connection.password is None or stated:
        return
    for code, demand, message in _DEMANDS if driver in _LIBPQ else ():
        if "require_auth" in demand and libpq.version(driver) < _REQUIRE_AUTH:
            break
        door = cast("_Door", import_module(f"envconn.probe.login.{driver}"))
        outcome = door.open_session(connection, until, demand)
        if not isinstance(outcome, Failure):
            outcome.close()
            yield Note(code, connection.variable, message)
            return
        if outcome.state or outcome.code == "timed-out":
            return  # something else, which says nothing about this
    yield Note("password-unprotected", connection.variable, _UNPROTECTED.format(driver=driver))


_LIBPQ = ("psycopg", "psycopg2")
_REQUIRE_AUTH = 16_00_00

_DEMANDS = (
    (
        "channel-binding-possible",
        {"channel_binding": "require"},
        "sslmode=require trusts whoever poses as the server; add channel_binding=require, which this one can do",
    ),
    (
        "require-auth-possible",
        {"require_auth": "scram-sha-256"},
        "sslmode=require trusts whoever poses as the server; add require_auth=scram-sha-256, which sends no password",
    ),
)
_UNPROTECTED = (
    "sslmode=require sends the password to whoever poses as the server, and {driver} cannot demand better of this one; "
    "write sslmode=verify-full and name its CA with sslrootcert"
)
