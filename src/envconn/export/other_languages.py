"""Connections for drivers of other languages: pgjdbc, Npgsql, node-postgres, pgx and Prisma.

Each has a record of the words that it reads, and a function that writes the text. Sources of the records:

- pgjdbc: "Connection Parameters" of its documentation, 42.7; LibPQFactory.java and Driver.java (parseURL) of 42.7.13.
  `require` verifies nothing there even beside ``sslrootcert``, and what ``sslrootcert`` names is trusted alone. User
  and password have no other place than the query.
- node-postgres: README.md and index.js of pg-connection-string 2.14.1; lib/connection.js of pg 8.23.1. To it,
  ``prefer``, ``require`` and ``verify-ca`` all mean ``verify-full``; the next major version is to read them like
  libpq. ``uselibpqcompat=true`` makes that so already, and older versions, which do not know it, verify more.
  ``sslrootcert`` replaces the CAs that Node brings along. Of what stands in the environment,
  ``NODE_TLS_REJECT_UNAUTHORIZED=0`` turns verification off in all of Node, and no URL turns it on again.
- Npgsql: "Connection String Parameters" and "Security and Encryption" of its documentation, 10.0; NpgsqlConnector.cs
  (NegotiateEncryption, SslRootValidation). ``Require`` verifies nothing since 8.0. ``Root Certificate`` is looked at
  only where the system's CAs have not vouched for the certificate already: at ``VERIFY_FULL`` that lets in who has a
  certificate of a public CA for the very host name, and at ``VERIFY_CA`` it would let in everybody who has one. Since
  10.0 it takes GSS encryption in place of TLS where there is a ticket, unless told not to; older ones refuse the words
  that tell so.
- pgx: pgconn/config.go and parse_url.go of pgx 5 (ParseConfig, configTLS). It has libpq's words and libpq's look at
  ``PG*`` variables and ``~/.postgresql``; what is written empty keeps them out. ``sslrootcert`` is trusted alone. A
  parameter that it does not know is sent to the server as a setting.
- Prisma's engines: "PostgreSQL, connection details" of its documentation; prisma-engines,
  quaint/src/connector/postgres, url.rs and native/mod.rs. An ``sslmode`` that it does not know is ``prefer`` there,
  and it knows neither ``verify-ca`` nor ``verify-full``: ``sslaccept=strict`` verifies certificate and name. Its
  ``sslcert`` is the CA, of which it reads the first certificate, and which it trusts beside the system's. The client
  of Prisma 7 reads its URL with node-postgres, and is given that export instead.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlencode

from envconn.export.target import CA, Target, decline, libpq_levels, parameters_for, postgres_url
from envconn.tls import TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.export.target import ExportRequest
    from envconn.tls import SecuredConnection


PGJDBC = Target(
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


def jdbc(request: ExportRequest) -> str:
    """Return ``jdbc:postgresql://...``.

    Where statements must not be prepared, ``prepareThreshold=0``. A client certificate is refused: pgjdbc
    wants its key as PKCS #8 in DER or as PKCS #12, libpq as PEM.
    """
    connection = request.connection
    found = parameters_for(connection, PGJDBC)
    if not connection.prepared_statements:
        found["prepareThreshold"] = "0"
    login = {"user": connection.user}
    if connection.password:
        login["password"] = connection.password.reveal()
    place = f"{','.join(map(str, connection.hosts))}/{quote(connection.dbname, safe='')}"
    return f"jdbc:postgresql://{place}?{urlencode({**login, **found}, quote_via=quote, safe='/')}\n"


NPGSQL = Target(
    "Npgsql",
    {
        TlsLevel.NONE: {"SSL Mode": "Disable"},
        TlsLevel.OPPORTUNISTIC: {"SSL Mode": "Prefer"},
        TlsLevel.ENCRYPTED: {"SSL Mode": "Require"},
        TlsLevel.VERIFY_CA: "also trusts public CAs, so verify-ca cannot be enforced. Use sslmode=verify-full",
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


def npgsql(request: ExportRequest) -> str:
    """Return ``Host=...;Port=...;...``; behind a pooler in transaction mode it does not reset what it gives back."""
    connection = request.connection
    found = parameters_for(connection, NPGSQL)
    if connection.pool_mode == "transaction":
        found["No Reset On Close"] = "true"
    pairs = {**_place(request), "Database": connection.dbname, "Username": connection.user}
    if connection.password:
        pairs["Password"] = connection.password.reveal()
    return ";".join(f"{name}={_quoted(value)}" for name, value in {**pairs, **found}.items()) + "\n"


def _place(request: ExportRequest) -> dict[str, str]:
    hosts = request.connection.hosts
    if len(hosts) > 1:
        return {"Host": ",".join(map(str, hosts))}
    return {"Host": hosts[0].host, "Port": str(hosts[0].port)}


def _quoted(value: str) -> str:
    """Quote as DbConnectionStringBuilder does: in double quotes, a double quote inside written twice."""
    plain = value.isascii() and value and not set(value) - _PLAIN
    return value if plain else '"' + value.replace('"', '""') + '"'


_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:,/@-")


_AS_LIBPQ = {"uselibpqcompat": "true"}

NODE_POSTGRES = Target(
    "node-postgres",
    {
        TlsLevel.NONE: {"sslmode": "disable"},
        TlsLevel.OPPORTUNISTIC: "does not support optional TLS. Use sslmode=require, or sslmode=disable",
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


def node_postgres(request: ExportRequest) -> str:
    """Return the URL. node-postgres prepares what it is given a name for, and nothing by itself."""
    connection = request.connection
    if connection.tls.level == TlsLevel.VERIFY_FULL and _ADDRESS.fullmatch(connection.host):
        decline(connection, "node-postgres verifies localhost instead of an IP address. Use a hostname")
    return f"{postgres_url(connection, parameters_for(connection, NODE_POSTGRES))}\n"


PGX = Target(
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


def pgx(request: ExportRequest) -> str:
    """Return the URL; where statements must not be prepared, pgx is to describe and execute in one go (``exec``)."""
    connection = request.connection
    found = {"sslrootcert": "", **parameters_for(connection, PGX)}
    if not connection.prepared_statements and found.get("default_query_exec_mode") != "simple_protocol":
        found["default_query_exec_mode"] = "exec"
    return f"{postgres_url(connection, found)}\n"


PRISMA = Target(
    "Prisma",
    {
        TlsLevel.NONE: {"sslmode": "disable"},
        TlsLevel.OPPORTUNISTIC: {"sslmode": "prefer", "sslaccept": "accept_invalid_certs"},
        TlsLevel.ENCRYPTED: {"sslmode": "require", "sslaccept": "accept_invalid_certs"},
        TlsLevel.VERIFY_CA: "does not support verify-ca. Use sslmode=verify-full",
        TlsLevel.VERIFY_FULL: {"sslmode": "require", "sslaccept": "strict", "sslcert": CA},
    },
    parameters={name: name for name in ("application_name", "channel_binding", "connect_timeout", "options")},
    own=("connection_limit", "pool_timeout", "schema", "socket_timeout"),
    # It decodes nothing in the path.
    dbname=re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9_.~-]*"),
)


def prisma(request: ExportRequest) -> str:
    """Return the assignments, in the syntax of a ``.env`` file; ``DIRECT_URL`` where there is a direct endpoint."""
    lines = f"DATABASE_URL='{_url(request.connection)}'\n"
    return lines + (f"DIRECT_URL='{_url(request.direct)}'\n" if request.direct else "")


def _url(connection: SecuredConnection) -> str:
    found, ca = parameters_for(connection, PRISMA), connection.tls.ca
    if ca and ca.kind == "system":
        # Of a bundle it would read one certificate, and it trusts the system's CAs anyway.
        del found["sslcert"]
    elif ca and ca.certificates != 1:
        decline(
            connection,
            (
                "Prisma reads only the first certificate of a CA file, and this one has several. Name a file with "
                "one certificate"
            ),
        )
    if not connection.prepared_statements:
        found["pgbouncer"] = "true"
    return postgres_url(connection, found)
