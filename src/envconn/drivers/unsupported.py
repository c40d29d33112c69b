"""What a driver cannot honour is refused, and never dropped in silence."""

from __future__ import annotations

from envconn.errors import ConfigurationError, problem
from envconn.grammar.libpq_keywords import CONTEXT, KEYWORDS
from envconn.tls import TlsLevel, require_sealed
from envconn.tls.secured import demanded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import NoReturn

    from envconn.tls import SecuredConnection


_SAYS_NOTHING = frozenset((name, value) for name, keyword in KEYWORDS.items() for value in keyword.usual)
"""Values that ask for what every driver does anyway."""

_CERTAIN = tuple(sorted(CONTEXT - {"sslmode", "sslrootcert", "sslnegotiation"}))
"""Parameters that a context alone can honour, which a driver of optional TLS does not take from us."""


def insist(connection: SecuredConnection, driver: str, family: str, honoured: Collection[str]) -> None:
    """Refuse `connection` if it is not of `family`, or states what `driver` cannot do; `honoured` is what it can.

    ``channel_binding=require`` is not needed where the server's name and certificate are verified.

    Raises:
        ConfigurationError: one problem for each parameter that cannot be honoured.
        TypeError: `connection` was not judged.
    """
    require_sealed(connection)
    if connection.family != family:
        refuse(connection, f"holds a {connection.family} connection, but {driver} requires a {family} one")
    problems = [
        problem(
            "driver-unsupported",
            _source(connection, name),
            f"{driver} does not support {name}. {_REMEDIES.get(name, _DROP)}",
        )
        for name in unheard(connection, CONTEXT.union(honoured))
    ]
    if problems:
        raise ConfigurationError(problems)


def _source(connection: SecuredConnection, name: str) -> str:
    return KEYWORDS[name].variable if name in demanded(connection) else connection.origin.variable


def unheard(connection: SecuredConnection, honoured: Collection[str]) -> list[str]:
    """Return the names of the parameters that ask for something and are not `honoured`."""
    verified = connection.tls.level == TlsLevel.VERIFY_FULL
    return [
        name
        for name, value in connection.parameters.items()
        if name not in honoured and (name, value) not in _SAYS_NOTHING
        if not (name == "channel_binding" and verified)
    ]


def refuse_optional(connection: SecuredConnection, driver: str) -> None:
    """Refuse what `driver` cannot do where TLS is optional.

    Raises:
        ConfigurationError: a client certificate, a revocation list or a bound is stated.
    """
    if stated := [name for name in _CERTAIN if name in connection.parameters]:
        refuse(connection, f"{driver} does not support {stated[0]} when TLS is optional. Use sslmode=require")


def refuse(connection: SecuredConnection, message: str, code: str = "driver-unsupported") -> NoReturn:
    """Raise the one problem that `message` describes.

    Raises:
        ConfigurationError: always.
    """
    raise ConfigurationError([problem(code, connection.origin.variable, message)])


_DROP = "Remove it, or use psycopg"
_REMEDIES = {
    "channel_binding": "Use sslmode=verify-full with a CA instead",
    "require_auth": "Use sslmode=verify-full with a CA instead",
}
