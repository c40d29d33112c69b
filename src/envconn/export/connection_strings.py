"""pgjdbc's URL, for Java.

Sources: "Connection Parameters" of pgjdbc's documentation, 42.7; LibPQFactory.java and Driver.java (parseURL) of
42.7.13. `require` verifies nothing there even beside ``sslrootcert``, and what ``sslrootcert`` names is
trusted alone. User and password have no other place than the query.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from envconn.export.consumer import CA, Consumer, libpq_levels, words
from envconn.tls import TlsLevel

if TYPE_CHECKING:
    from envconn.export.consumer import Request


PGJDBC = Consumer(
    "pgjdbc",
    libpq_levels(),
    # Otherwise it takes GSS encryption first, where there is a ticket.
    fixed={"gssEncMode": "disable"},
    parameters={
        "application_name": "ApplicationName",
        "connect_timeout": "connectTimeout",
        "options": "options",
    },
    own=("currentSchema", "prepareThreshold"),
    several_hosts=True,
    sockets=False,
)


def jdbc(request: Request) -> str:
    """Return ``jdbc:postgresql://...``.

    Where statements must not be prepared, ``prepareThreshold=0``. A client certificate is refused: pgjdbc
    wants its key as PKCS #8 in DER or as PKCS #12, libpq as PEM.
    """
    connection = request.connection
    found = words(connection, PGJDBC)
    if not connection.prepared_statements:
        found["prepareThreshold"] = "0"
    login = {"user": connection.user}
    if connection.password:
        login["password"] = connection.password.reveal()
    place = f"{','.join(map(str, connection.hosts))}/{quote(connection.dbname, safe='')}"
    return f"jdbc:postgresql://{place}?{urlencode({**login, **found}, quote_via=quote, safe='/')}\n"


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


def npgsql(request: Request) -> str:
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
