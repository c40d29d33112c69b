"""Refuse what a driver does not support, instead of silently ignoring it."""

from __future__ import annotations

from envconn.errors import ConfigurationError, problem
from envconn.grammar.libpq_keywords import CONTEXT, KEYWORDS
from envconn.tls import require_sealed
from envconn.tls.deciding_files import verified
from envconn.tls.secured import demanded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import NoReturn

    from envconn.tls import SecuredConnection


_SAYS_NOTHING = frozenset((name, value) for name, keyword in KEYWORDS.items() for value in keyword.usual)
"""Values for what every driver does anyway."""

_CERTAIN = tuple(sorted(CONTEXT - {"sslmode", "sslrootcert", "sslnegotiation"}))
"""Parameters that only a context supports, so a driver whose TLS is optional does not get them."""


def insist(connection: SecuredConnection, driver: str, family: str, honoured: Collection[str]) -> None:
    """Refuse `connection` if it is not of `family`, or states a parameter that is not in `honoured` by `driver`.

    So is ``channel_binding=require``, also if the server is verified: it proves that the server knows the password,
    and a verified one may still ask for the password itself. asyncpg has no channel binding (0.32), and pg8000
    accepts any other method (1.31).

    Raises:
        ConfigurationError: one problem for each parameter that is not supported, or for each file that has changed
            and cannot be used any more.
        TypeError: `connection` was not judged.
    """
    require_sealed(connection)
    if connection.family != family:
        refuse(connection, f"holds a {connection.family} connection, but {driver} requires a {family} one")
    verified(connection)
    problems = [
        problem(
            "driver-unsupported",
            stated_by(connection, name),
            f"{driver} does not support {name}. {_REMEDIES.get(name, _DROP)}",
        )
        for name in unheard(connection, CONTEXT.union(honoured))
    ]
    if problems:
        raise ConfigurationError(problems)


def stated_by(connection: SecuredConnection, name: str) -> str:
    """Return the variable that states the keyword `name` of `connection`: its own, or that of the whole text."""
    origin = connection.origin
    in_parts = origin.parts and origin.variable == KEYWORDS["host"].variable
    own = KEYWORDS[name].variable if in_parts or name in demanded(connection) else ""
    return own or origin.variable


def unheard(connection: SecuredConnection, honoured: Collection[str]) -> list[str]:
    """Return the names of the parameters that have an effect and are not `honoured`."""
    return [
        name
        for name, value in connection.parameters.items()
        if name not in honoured and (name, value) not in _SAYS_NOTHING
    ]


def refuse_optional(connection: SecuredConnection, driver: str) -> None:
    """Refuse what `driver` does not support if TLS is optional.

    Raises:
        ConfigurationError: a client certificate, a revocation list or a bound is stated, or libpq has a CA of its own.
    """
    if ca := connection.tls.ca:
        refuse(connection, f"{driver} cannot check the CA of {ca.variable} {_ONLY_CERTAIN}")
    if stated := [name for name in _CERTAIN if name in connection.parameters]:
        message = f"{driver} does not support {stated[0]} when TLS is optional. Use sslmode=require"
        raise ConfigurationError([problem("driver-unsupported", stated_by(connection, stated[0]), message)])


def refuse(connection: SecuredConnection, message: str, code: str = "driver-unsupported") -> NoReturn:
    """Raise the problem `code` about the variable of `connection`; `message` is its text.

    Raises:
        ConfigurationError: always.
    """
    raise ConfigurationError([problem(code, connection.origin.variable, message)])


_ONLY_CERTAIN = "when TLS is optional. Use sslmode=require, or sslmode=disable for a server without TLS"
_DROP = "Remove it, or use psycopg"
_VERIFY = "Use psycopg, or remove it and use sslmode=verify-full with a CA"
_REMEDIES = {
    "channel_binding": _VERIFY,
    "require_auth": _VERIFY,
}
