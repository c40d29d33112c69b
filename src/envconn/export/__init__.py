"""A judged connection in the words of other programs, as text. Pure: nothing is read, written or connected here.

Each format says the level that was promised in its reader's own words, or refuses: what a reader cannot
hold is never written down as something weaker, and never as something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from envconn.drivers.hidden_text import Hidden
from envconn.export import connection_strings, postgres_uris, sqlalchemy
from envconn.export import libpq as libpq_formats
from envconn.export.consumer import Request, decline, libpq_levels
from envconn.export.masked import masked, with_ca_at
from envconn.tls import require_sealed
from envconn.tls.endpoints import direct

if TYPE_CHECKING:
    from collections.abc import Callable

    from envconn.export.consumer import Levels
    from envconn.export.libpq import Environment
    from envconn.tls import SecuredConnection


__all__ = ["FORMATS", "Format", "FormatName", "dotenv", "environment", "kubernetes", "systemd", "translate"]


def dotenv(request: Request) -> str:
    """Return one assignment, which python-dotenv, Docker Compose, Node, Ruby and a shell read alike."""
    return f"{_prefix(request.connection)}_URL='{request.connection.uri()}'\n"


def kubernetes(request: Request) -> str:
    """Return the manifest of a Secret: the URL, for PostgreSQL the parts as well, and the CA where it is text here.

    A pod gets all of it with ``envFrom``, or mounts it and names a file in ``DATABASE_URL_FILE``. The path of the CA
    is that in the pod: ``ca.crt`` below wherever the Secret is mounted.
    """
    connection = request.connection
    data = {f"{_prefix(connection)}_URL": connection.uri(), **_parts(connection)}
    if connection.tls.ca and connection.tls.ca.pem:
        data["ca.crt"] = connection.tls.ca.pem
    name = connection.name.replace("_", "-").strip("-") or "database"
    lines = [
        "apiVersion: v1",
        "kind: Secret",
        "metadata:",
        f"  name: {name}",
        "type: Opaque",
        "stringData:",
        *(f"  {key}: {_scalar(value)}" for key, value in data.items()),
    ]
    return "\n".join(lines) + "\n"


def systemd(request: Request) -> str:
    """Return what a credential holds: the URL, without a line break.

    It belongs into ``/etc/credstore/DATABASE_URL`` or, by ``systemd-creds encrypt``, into ``credstore.encrypted``;
    the unit has ``LoadCredential=DATABASE_URL`` and ``Environment=DATABASE_URL_FILE=%d/DATABASE_URL``. With
    ``SetCredential=``, everybody who can ask for the unit's properties would see it (systemd.exec(5), "Credentials").
    """
    return request.connection.uri()


def _prefix(connection: SecuredConnection) -> str:
    """The variable that envconn reads a service of this name and kind by, without ``_URL``."""
    name = connection.name.upper()
    if name == "DATABASE" or (name in {"BROKER", "CACHE"} and connection.family in {"amqp", "redis", "sentinel"}):
        return name
    return f"{name}_DATABASE"


def _parts(connection: SecuredConnection) -> dict[str, str]:
    """The parts that a PostgreSQL connection comes in. Those of other kinds say nothing about TLS."""
    if connection.family != "postgresql":
        return {}
    parts = {
        "HOST": ",".join(host.host for host in connection.hosts),
        "PORT": ",".join(str(host.port) for host in connection.hosts),
        "NAME": connection.dbname,
        "USER": connection.user,
        "PASSWORD": connection.password.reveal() if connection.password else "",
        "SSLMODE": connection.tls.level.sslmode,
        "SSLROOTCERT": connection.tls.ca.file() if connection.tls.ca else "",
    }
    return {f"{_prefix(connection)}_{name}": value for name, value in parts.items() if value}


def _scalar(value: str) -> str:
    """Quote for YAML, which wants more characters escaped than JSON does (YAML 1.2, 5.1)."""
    return '"' + "".join(_ESCAPES.get(character) or _escaped(character) for character in value) + '"'


def _escaped(character: str) -> str:
    return character if character.isprintable() else f"\\U{ord(character):08X}"


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n"}


FormatName = Literal[
    "conninfo",
    "dotenv",
    "jdbc",
    "kubernetes",
    "node-postgres",
    "npgsql",
    "pg",
    "pg_service",
    "pgpass",
    "pgx",
    "prisma",
    "sqlalchemy",
    "systemd",
    "uri",
]


class Format(NamedTuple):
    """One format: its `title`, the function that makes the `text`, and its reader's words for the TLS `levels`.

    `levels` is empty where it says nothing about TLS. `here` tells that the text is for this machine, where a
    CA that came as text can be given a file.
    """

    title: str
    text: Callable[[Request], str]
    levels: Levels
    here: bool = True


def translate(
    connection: SecuredConnection,
    name: FormatName,
    *,
    ca: str | None = None,
    libpq: int | None = None,
    mask: bool = False,
) -> str:
    """Return `connection` in the format called `name`, password included. Hand it to a program, never to a log.

    `ca` is the path by which the reader finds the CA, where that is another one than here. `libpq` is the
    version that the reader has (180006 for 18.6): then everything that it could take from elsewhere is written
    out; without, the text is for any from 13 on. With `mask`, nothing secret is in it, and nothing connects with it.

    Raises:
        ConfigurationError: the reader cannot hold what was promised or is stated, or the CA has no path.
        KeyError: there is no such format.
        TypeError: `connection` was not judged.
    """
    require_sealed(connection)
    chosen = FORMATS[name]

    def shown(endpoint: SecuredConnection) -> SecuredConnection:
        there = _placed(endpoint, ca) if chosen.levels else endpoint
        return masked(there) if mask else there

    other = direct(connection) if name == "prisma" else None
    return Hidden(chosen.text(Request(shown(connection), other and shown(other), libpq)))


def environment(connection: SecuredConnection, *, ca: str | None = None, libpq: int | None = None) -> Environment:
    """Return what the format ``pg`` says as values; arguments and errors are those of `translate`."""
    require_sealed(connection)
    return libpq_formats.environment(Request(_placed(connection, ca), libpq=libpq))


def _placed(connection: SecuredConnection, path: str | None) -> SecuredConnection:
    """Say where the reader finds the CA; text has no place by itself."""
    if path is None and connection.tls.ca and not connection.tls.ca.path:
        decline(connection, "the CA is text, and its reader wants a file; write it into one, and say where (--ca PATH)")
    return with_ca_at(connection, path) if path else connection


def _uri(request: Request) -> str:
    return libpq_formats.uri(request) if request.connection.family == "postgresql" else f"{request.connection.uri()}\n"


FORMATS: dict[FormatName, Format] = {
    "conninfo": Format("libpq's keyword/value string", libpq_formats.conninfo, libpq_levels()),
    "dotenv": Format("a line of a `.env` file", dotenv, libpq_levels()),
    "jdbc": Format("the URL of pgjdbc, for Java", connection_strings.jdbc, connection_strings.PGJDBC.levels),
    "kubernetes": Format("the manifest of a Secret", kubernetes, libpq_levels(), here=False),
    "node-postgres": Format(
        "the connection string of `pg`, for Node, and for the adapter of Prisma 7",
        postgres_uris.node_postgres,
        postgres_uris.NODE_POSTGRES.levels,
    ),
    "npgsql": Format(
        "the connection string of Npgsql 10, for .NET", connection_strings.npgsql, connection_strings.NPGSQL.levels
    ),
    "pg": Format(
        "libpq's environment variables, as commands of a shell",
        libpq_formats.shell,
        libpq_levels("PGSSLMODE", "PGSSLROOTCERT"),
    ),
    "pg_service": Format("a section of `pg_service.conf`", libpq_formats.service, libpq_levels()),
    "pgpass": Format("the line of `.pgpass` that goes with it", libpq_formats.passfile, {}, here=False),
    "pgx": Format("the connection string of pgx, for Go", postgres_uris.pgx, postgres_uris.PGX.levels),
    "prisma": Format(
        "the variables of Prisma's engines (to 6, and migrations of 7)",
        postgres_uris.prisma,
        postgres_uris.PRISMA.levels,
    ),
    "sqlalchemy": Format("the URL of SQLAlchemy, with psycopg or psycopg2", sqlalchemy.sqlalchemy, libpq_levels()),
    "systemd": Format("what a credential of systemd holds", systemd, libpq_levels()),
    "uri": Format("the URI of libpq, or the one that all clients of its kind read", _uri, libpq_levels()),
}
"""The formats by name."""
