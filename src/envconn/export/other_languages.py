"""Connections for drivers without libpq: asyncpg, and pgjdbc, Npgsql, node-postgres, pgx and Prisma.

Each has a record of the parameters that it reads, and a function that writes the text. Sources of the records:

- asyncpg: connect_utils.py of 0.31 (_parse_connect_dsn_and_args). It has libpq's words for TLS, and sends every other
  parameter that it does not know to the server as a setting, ``gssencmode`` and ``connect_timeout`` included. It
  ignores hosts in the query if there is one before it, and reads ``PG*`` variables for what the DSN does not state:
  those can make it fail, or verify, and not less.
- pgjdbc: "Connection Parameters" of its documentation, 42.7; LibPQFactory.java and Driver.java (parseURL) of 42.7.13.
  `require` verifies nothing there, even with ``sslrootcert``; the CA in ``sslrootcert`` alone is trusted. User
  and password can only be in the query.
- node-postgres: README.md and index.js of pg-connection-string 2.14.1; lib/connection.js of pg 8.23.1. It treats
  ``prefer``, ``require`` and ``verify-ca`` as ``verify-full``; the next major version is to read them like
  libpq. ``uselibpqcompat=true`` does that already, and older versions, which ignore it, verify more.
  ``sslrootcert`` replaces Node's own CAs. ``NODE_TLS_REJECT_UNAUTHORIZED=0`` in the environment turns
  verification off in all of Node, and no URL turns it on again.
- Npgsql: "Connection String Parameters" and "Security and Encryption" of its documentation, 10.0; NpgsqlConnector.cs
  (NegotiateEncryption, SslRootValidation). ``Require`` verifies nothing since 8.0. ``Root Certificate`` is used
  only if the system's CAs do not trust the certificate: ``VERIFY_FULL`` therefore also accepts a certificate of a
  public CA for the same host name, and ``VERIFY_CA`` would accept any certificate of a public CA. Since 10.0 it
  uses GSS encryption instead of TLS if there is a ticket, unless told not to; older versions reject the option
  for that.
- pgx: pgconn/config.go and parse_url.go of pgx 5 (ParseConfig, configTLS). It has libpq's parameters, and reads
  ``PG*`` variables and ``~/.postgresql`` like libpq; a parameter written empty overrides them. ``sslrootcert``
  alone is trusted. An unknown parameter is sent to the server as a setting.
- Prisma's engines: "PostgreSQL, connection details" of its documentation; prisma-engines,
  quaint/src/connector/postgres, url.rs and native/mod.rs. It treats an unknown ``sslmode`` as ``prefer``, and
  knows neither ``verify-ca`` nor ``verify-full``: ``sslaccept=strict`` verifies certificate and hostname. Its
  ``sslcert`` is the CA: only its first certificate is read, and the system's CAs stay trusted. The client
  of Prisma 7 reads its URL with node-postgres; use that export for it.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlencode

from envconn.export.target import CA, Target, decline, libpq_levels, parameters_for, postgres_url
from envconn.tls import TlsLevel
from envconn.tls.uri_writer import compose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.export.target import ExportRequest
    from envconn.tls import SecuredConnection


ASYNCPG = Target(
    "asyncpg",
    libpq_levels(),
    fixed={"ssl_min_protocol_version": "TLSv1.2", "target_session_attrs": "any"},
    parameters={
        name: name
        for name in (
            *("application_name", "client_encoding", "options", "passfile", "krbsrvname", "gsslib"),
            *("sslcert", "sslkey", "sslpassword", "sslcrl"),
            *("ssl_min_protocol_version", "ssl_max_protocol_version", "target_session_attrs"),
        )
    },
    several_hosts=True,
)


def asyncpg(request: ExportRequest) -> str:
    """Return the DSN. It cannot turn prepared statements off, which an argument of ``connect`` does."""
    connection = request.connection
    found = parameters_for(connection, ASYNCPG)
    if not connection.features.prepared_statements:
        decline(connection, "a DSN cannot turn off asyncpg's prepared statements. Use envconn_asyncpg")
    first, *others = connection.hosts
    if not (others or first.is_socket):
        return f"{postgres_url(connection, found)}\n"
    place = {name: ",".join(str(getattr(host, name)) for host in connection.hosts) for name in ("host", "port")}
    return f"{compose('postgresql', connection, {**place, **found}, hosts='')}\n"


PGJDBC = Target(
    "pgjdbc",
    libpq_levels(),
    # Otherwise Npgsql uses GSS encryption first if there is a ticket.
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

    Adds ``prepareThreshold=0`` if statements must not be prepared. A client certificate is an error: pgjdbc
    requires its key as PKCS #8 in DER or as PKCS #12, libpq as PEM.
    """
    connection = request.connection
    found = parameters_for(connection, PGJDBC)
    if not connection.features.prepared_statements:
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
    """Return ``Host=...;Port=...;...``; behind a pooler in transaction mode, connections are not reset on return."""
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
    """Quote like DbConnectionStringBuilder: in double quotes, with double quotes doubled."""
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
    # Otherwise PGSSLNEGOTIATION applies. Older versions ignore this.
    fixed={"sslnegotiation": "postgres"},
    parameters={
        name: name for name in ("application_name", "fallback_application_name", "options", "sslcert", "sslkey")
    },
    # decodeURI does not decode these.
    dbname=re.compile(r"(?!\.{1,2}$)[^;/?:@&=+$,#]+"),
)

_ADDRESS = re.compile(r"[0-9.]+|.*:.*")


def node_postgres(request: ExportRequest) -> str:
    """Return the URL. node-postgres prepares only statements that have a name."""
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
    # pgx removes leading slashes.
    dbname=re.compile(r"[^/].*", re.DOTALL),
)


def pgx(request: ExportRequest) -> str:
    """Return the URL; if statements must not be prepared, pgx describes and executes in one step (``exec``)."""
    connection = request.connection
    found = {"sslrootcert": "", **parameters_for(connection, PGX)}
    if not connection.features.prepared_statements and found.get("default_query_exec_mode") != "simple_protocol":
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
    # Prisma does not decode the path.
    dbname=re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9_.~-]*"),
)


def prisma(request: ExportRequest) -> str:
    """Return the assignments in the syntax of a ``.env`` file; ``DIRECT_URL`` if there is a direct endpoint."""
    lines = f"DATABASE_URL='{_url(request.connection)}'\n"
    return lines + (f"DIRECT_URL='{_url(request.direct)}'\n" if request.direct else "")


def _url(connection: SecuredConnection) -> str:
    found, ca = parameters_for(connection, PRISMA), connection.tls.ca
    if ca and ca.kind == "system":
        # Prisma reads only the first certificate of a bundle, and trusts the system's CAs anyway.
        del found["sslcert"]
    elif ca and "sslcert" in found and ca.certificates != 1:
        decline(
            connection,
            (
                "Prisma reads only the first certificate of a CA file, and this one has several. Name a file with "
                "one certificate"
            ),
        )
    if not connection.features.prepared_statements:
        found["pgbouncer"] = "true"
    return postgres_url(connection, found)
