"""pgjdbc's URL, for Java.

Sources: "Connection Parameters" of pgjdbc's documentation, 42.7; LibPQFactory.java and Driver.java (parseURL) of
42.7.13. `require` verifies nothing there even beside ``sslrootcert``, and what ``sslrootcert`` names is
trusted alone. User and password have no other place than the query.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from envconn.export.consumer import Consumer, libpq_levels, words

if TYPE_CHECKING:
    from envconn.export.consumer import Request

__all__ = ["PGJDBC", "text"]

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


def text(request: Request) -> str:
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
