"""Prisma's two variables, ``DATABASE_URL`` and ``DIRECT_URL``, for its own engines: Prisma to 6, and the commands of 7.

The client of Prisma 7 reads its URL with node-postgres, and is given that export instead.

Sources: "PostgreSQL, connection details" of Prisma's documentation; prisma-engines, quaint/src/connector/postgres,
url.rs and native/mod.rs. An ``sslmode`` that it does not know is ``prefer`` there, and it knows neither
``verify-ca`` nor ``verify-full``: ``sslaccept=strict`` verifies certificate and name. Its ``sslcert`` is the
CA, of which it reads the first certificate, and which it trusts beside the system's: at ``VERIFY_FULL`` that
lets in who has a certificate of a public CA for the very host name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envconn.export.consumer import CA, Consumer, decline, url, words
from envconn.tls import TlsLevel

if TYPE_CHECKING:
    from envconn.export.consumer import Request
    from envconn.tls import SecuredConnection

__all__ = ["PRISMA", "text"]

PRISMA = Consumer(
    "Prisma",
    {
        TlsLevel.NONE: {"sslmode": "disable"},
        TlsLevel.OPPORTUNISTIC: {"sslmode": "prefer", "sslaccept": "accept_invalid_certs"},
        TlsLevel.ENCRYPTED: {"sslmode": "require", "sslaccept": "accept_invalid_certs"},
        TlsLevel.VERIFY_CA: "checks the host name where it checks the certificate; write sslmode=verify-full",
        TlsLevel.VERIFY_FULL: {"sslmode": "require", "sslaccept": "strict", "sslcert": CA},
    },
    parameters={name: name for name in ("application_name", "channel_binding", "connect_timeout", "options")},
    own=("connection_limit", "pool_timeout", "schema", "socket_timeout"),
    # It decodes nothing in the path.
    dbname=re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9_.~-]*"),
)


def text(request: Request) -> str:
    """Return the assignments, in the syntax of a ``.env`` file; ``DIRECT_URL`` where there is a direct endpoint."""
    lines = f"DATABASE_URL='{_url(request.connection)}'\n"
    return lines + (f"DIRECT_URL='{_url(request.direct)}'\n" if request.direct else "")


def _url(connection: SecuredConnection) -> str:
    found, ca = words(connection, PRISMA), connection.tls.ca
    if ca and ca.kind == "system":
        # Of a bundle it would read one certificate, and it trusts the system's CAs anyway.
        del found["sslcert"]
    elif ca and ca.certificates != 1:
        decline(connection, "Prisma reads one certificate of a CA file, and this has several; name a file with one")
    if not connection.prepared_statements:
        found["pgbouncer"] = "true"
    return url(connection, found)
