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

from envconn.export.consumer import CA, Consumer, decline, libpq_levels, url, words
from envconn.tls import TlsLevel

if TYPE_CHECKING:
    from envconn.export.consumer import Request
    from envconn.tls import SecuredConnection


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


def node_postgres(request: Request) -> str:
    """Return the URL. node-postgres prepares what it is given a name for, and nothing by itself."""
    connection = request.connection
    if connection.tls.level == TlsLevel.VERIFY_FULL and _ADDRESS.fullmatch(connection.host):
        decline(connection, "node-postgres takes localhost for the name of an address; write the host's name")
    return f"{url(connection, words(connection, NODE_POSTGRES))}\n"


PGX = Consumer(
    "pgx",
    libpq_levels(),
    fixed={
        "sslcert": "",
        "sslkey": "",
        "sslpassword": "",
        "sslsni": "1",
        "target_session_attrs": "any",
    },
    parameters={
        name: name
        for name in (
            *("application_name", "connect_timeout", "options", "passfile"),
            *("sslcert", "sslkey", "sslpassword", "sslsni", "target_session_attrs"),
        )
    },
    own=("pool_max_conns", "pool_min_conns", "default_query_exec_mode"),
    several_hosts=True,
    # It takes away slashes in front.
    dbname=re.compile(r"[^/].*", re.DOTALL),
)


def pgx(request: Request) -> str:
    """Return the URL; where statements must not be prepared, pgx is to describe and execute in one go (``exec``)."""
    connection = request.connection
    found = {"sslrootcert": "", **words(connection, PGX)}
    if not connection.prepared_statements and found.get("default_query_exec_mode") != "simple_protocol":
        found["default_query_exec_mode"] = "exec"
    return f"{url(connection, found)}\n"


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


def prisma(request: Request) -> str:
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
