"""A connection string for node-postgres (``pg`` on npm), and for the adapter of Prisma 7, which is made of it.

Sources: README.md and index.js of pg-connection-string 2.14.1; lib/connection.js of pg 8.23.1. To it,
``prefer``, ``require`` and ``verify-ca`` all mean ``verify-full``; the next major version is to read them
like libpq. ``uselibpqcompat=true`` makes that so already, and older versions, which do not know it, verify
more. ``sslrootcert`` replaces the CAs that Node brings along. Of what stands in the environment,
``NODE_TLS_REJECT_UNAUTHORIZED=0`` turns verification off in all of Node, and no URL turns it on again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envconn.export.consumer import CA, Consumer, decline, url, words
from envconn.tls import TlsLevel

if TYPE_CHECKING:
    from envconn.export.consumer import Request

__all__ = ["NODE_POSTGRES", "text"]

_AS_LIBPQ = {"uselibpqcompat": "true"}

NODE_POSTGRES = Consumer(
    "node-postgres",
    {
        TlsLevel.NONE: {"sslmode": "disable"},
        TlsLevel.OPPORTUNISTIC: "has TLS or none, and never tries; write sslmode=require, or sslmode=disable",
        TlsLevel.ENCRYPTED: {"sslmode": "require", **_AS_LIBPQ},
        TlsLevel.VERIFY_CA: {"sslmode": "verify-ca", "sslrootcert": CA, **_AS_LIBPQ},
        TlsLevel.VERIFY_FULL: {"sslmode": "verify-full", "sslrootcert": CA},
    },
    # Otherwise PGSSLNEGOTIATION has its say. Older ones take no notice.
    fixed={"sslnegotiation": "postgres"},
    parameters={
        name: name for name in ("application_name", "fallback_application_name", "options", "sslcert", "sslkey")
    },
    # decodeURI leaves these as they are.
    dbname=re.compile(r"(?!\.{1,2}$)[^;/?:@&=+$,#]+"),
)

_ADDRESS = re.compile(r"[0-9.]+|.*:.*")


def text(request: Request) -> str:
    """Return the URL. node-postgres prepares what it is given a name for, and nothing by itself."""
    connection = request.connection
    if connection.tls.level == TlsLevel.VERIFY_FULL and _ADDRESS.fullmatch(connection.host):
        decline(connection, "node-postgres takes localhost for the name of an address; write the host's name")
    return f"{url(connection, words(connection, NODE_POSTGRES))}\n"
