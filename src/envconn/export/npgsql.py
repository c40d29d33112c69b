"""Npgsql's connection string, for .NET.

Sources: "Connection String Parameters" and "Security and Encryption" of Npgsql's documentation, 10.0;
NpgsqlConnector.cs (NegotiateEncryption, SslRootValidation). ``Require`` verifies nothing since 8.0. ``Root
Certificate`` is looked at only where the system's CAs have not vouched for the certificate already: at
``VERIFY_FULL`` that lets in who has a certificate of a public CA for the very host name, and at ``VERIFY_CA``
it would let in everybody who has one.

Since 10.0 it takes GSS encryption in place of TLS where there is a ticket, unless told not to; older ones
refuse the words that tell so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from envconn.export.consumer import CA, Consumer, words
from envconn.tls import TlsLevel

if TYPE_CHECKING:
    from envconn.export.consumer import Request

__all__ = ["NPGSQL", "text"]

NPGSQL = Consumer(
    "Npgsql",
    {
        TlsLevel.NONE: {"SSL Mode": "Disable"},
        TlsLevel.OPPORTUNISTIC: {"SSL Mode": "Prefer"},
        TlsLevel.ENCRYPTED: {"SSL Mode": "Require"},
        TlsLevel.VERIFY_CA: "trusts public CAs, too, so that verify-ca is none; write sslmode=verify-full",
        TlsLevel.VERIFY_FULL: {"SSL Mode": "VerifyFull", "Root Certificate": CA},
    },
    fixed={"GSS Encryption Mode": "Disable"},
    parameters={
        "application_name": "Application Name",
        "channel_binding": "Channel Binding",
        "connect_timeout": "Timeout",
        "options": "Options",
        "passfile": "Passfile",
        "sslcert": "SSL Certificate",
        "sslkey": "SSL Key",
        "sslpassword": "SSL Password",
    },
    several_hosts=True,
)


def text(request: Request) -> str:
    """Return ``Host=...;Port=...;...``; behind a pooler in transaction mode it does not reset what it gives back."""
    connection = request.connection
    found = words(connection, NPGSQL)
    if connection.pool_mode == "transaction":
        found["No Reset On Close"] = "true"
    pairs = {**_place(request), "Database": connection.dbname, "Username": connection.user}
    if connection.password:
        pairs["Password"] = connection.password.reveal()
    return ";".join(f"{name}={_quoted(value)}" for name, value in {**pairs, **found}.items()) + "\n"


def _place(request: Request) -> dict[str, str]:
    hosts = request.connection.hosts
    if len(hosts) > 1:
        return {"Host": ",".join(map(str, hosts))}
    return {"Host": hosts[0].host, "Port": str(hosts[0].port)}


def _quoted(value: str) -> str:
    """Quote as DbConnectionStringBuilder does: in double quotes, a double quote inside written twice."""
    plain = value.isascii() and value and not set(value) - _PLAIN
    return value if plain else '"' + value.replace('"', '""') + '"'


_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:,/@-")
