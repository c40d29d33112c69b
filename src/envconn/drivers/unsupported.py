"""What a driver cannot honour is refused, and never dropped in silence."""

from __future__ import annotations

from envconn.errors import ConfigurationError, problem
from envconn.tls import TlsLevel, require_sealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from typing import NoReturn

    from envconn.tls import SecuredConnection


TLS = frozenset(
    {
        "sslmode",
        "sslrootcert",
        "sslcert",
        "sslkey",
        "sslpassword",
        "sslcrl",
        "sslcrldir",
        "sslnegotiation",
        "ssl_min_protocol_version",
        "ssl_max_protocol_version",
    }
)
"""Parameters that the context honours, or that do not change what is promised (``sslnegotiation``)."""

_SAYS_NOTHING = frozenset(
    {
        ("channel_binding", "prefer"),
        ("channel_binding", "disable"),
        *(("client_encoding", spelling) for spelling in ("UTF8", "utf8", "UTF-8", "utf-8")),
        ("connect_timeout", "0"),
        ("gssencmode", "prefer"),
        ("gssencmode", "disable"),
        ("gssdelegation", "0"),
        ("keepalives", "1"),
        ("load_balance_hosts", "disable"),
        ("sslcertmode", "allow"),
        ("sslcompression", "0"),
        ("sslsni", "1"),
        ("target_session_attrs", "any"),
    }
)
"""Values that ask for what every driver does anyway."""


def insist(connection: SecuredConnection, driver: str, family: str, honoured: Collection[str]) -> None:
    """Refuse `connection` if it is not of `family`, or states what `driver` cannot do; `honoured` is what it can.

    ``channel_binding=require`` is not needed where the server's name and certificate are verified.

    Raises:
        ConfigurationError: one problem for each parameter that cannot be honoured.
        TypeError: `connection` was not judged.
    """
    require_sealed(connection)
    if connection.family != family:
        refuse(connection, f"holds a {connection.family} connection, and {driver} speaks {family}")
    problems = [
        problem("driver-unsupported", connection.variable, f"{driver} knows no {name}; {_REMEDIES.get(name, _DROP)}")
        for name in unheard(connection, TLS.union(honoured))
    ]
    if problems:
        raise ConfigurationError(problems)


def unheard(connection: SecuredConnection, honoured: Collection[str]) -> list[str]:
    """Return the names of the parameters that ask for something and are not `honoured`."""
    verified = connection.tls.level == TlsLevel.VERIFY_FULL
    return [
        name
        for name, value in connection.parameters.items()
        if name not in honoured and (name, value) not in _SAYS_NOTHING
        if not (name == "channel_binding" and verified)
    ]


def permit(connection: SecuredConnection, stated: Iterable[str], allowed: Collection[str], place: str = "") -> None:
    """Refuse what a program has `stated` for its driver, in `place`, unless it is `allowed`.

    Raises:
        ConfigurationError: one of them would decide whom to talk to, or how securely, or nobody knows what it does.
    """
    for name in stated:
        if name not in allowed:
            refuse(connection, f"{place}{name} {_DECIDES}", "argument-refused")


_DECIDES = "is not for the program to state: the variable decides whom to talk to and how securely; change it there"


def refuse(connection: SecuredConnection, message: str, code: str = "driver-unsupported") -> NoReturn:
    """Raise the one problem that `message` describes.

    Raises:
        ConfigurationError: always.
    """
    raise ConfigurationError([problem(code, connection.variable, message)])


_DROP = "drop it, or use psycopg"
_REMEDIES = {
    "channel_binding": "verify the server instead: sslmode=verify-full with a CA makes it unnecessary",
    "require_auth": "verify the server instead: sslmode=verify-full with a CA, and drop it",
}
