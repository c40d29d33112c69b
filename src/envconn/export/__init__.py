"""A judged connection in the words of other programs, as text. Pure: nothing is read, written or connected here.

Each format says the level that was promised in its reader's own words, or refuses: what a reader cannot
hold is never written down as something weaker, and never as something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from envconn.drivers.endpoints import direct
from envconn.drivers.hidden import Hidden
from envconn.export import django, jdbc, node_postgres, npgsql, pgx, prisma, sqlalchemy, variables
from envconn.export import libpq as libpq_formats
from envconn.export.consumer import Request, decline, libpq_levels
from envconn.tls import require_sealed
from envconn.tls.elsewhere import masked, with_ca_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from envconn.export.consumer import Levels
    from envconn.export.libpq import Environment
    from envconn.tls import SecuredConnection

__all__ = ["FORMATS", "Format", "FormatName", "environment", "translate"]

FormatName = Literal[
    "conninfo",
    "django",
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
    return libpq_formats.uri(request) if request.connection.kind == "postgresql" else f"{request.connection.uri()}\n"


FORMATS: dict[FormatName, Format] = {
    "conninfo": Format("libpq's keyword/value string", libpq_formats.conninfo, libpq_levels()),
    "django": Format("`DATABASES` of Django, as JSON", django.text, libpq_levels()),
    "dotenv": Format("a line of a `.env` file", variables.dotenv, libpq_levels()),
    "jdbc": Format("the URL of pgjdbc, for Java", jdbc.text, jdbc.PGJDBC.levels),
    "kubernetes": Format("the manifest of a Secret", variables.kubernetes, libpq_levels(), here=False),
    "node-postgres": Format(
        "the connection string of `pg`, for Node, and for the adapter of Prisma 7",
        node_postgres.text,
        node_postgres.NODE_POSTGRES.levels,
    ),
    "npgsql": Format("the connection string of Npgsql 10, for .NET", npgsql.text, npgsql.NPGSQL.levels),
    "pg": Format(
        "libpq's environment variables, as commands of a shell",
        libpq_formats.shell,
        libpq_levels("PGSSLMODE", "PGSSLROOTCERT"),
    ),
    "pg_service": Format("a section of `pg_service.conf`", libpq_formats.service, libpq_levels()),
    "pgpass": Format("the line of `.pgpass` that goes with it", libpq_formats.passfile, {}, here=False),
    "pgx": Format("the connection string of pgx, for Go", pgx.text, pgx.PGX.levels),
    "prisma": Format(
        "the variables of Prisma's engines (to 6, and migrations of 7)", prisma.text, prisma.PRISMA.levels
    ),
    "sqlalchemy": Format("the URL of SQLAlchemy, with psycopg or psycopg2", sqlalchemy.text, libpq_levels()),
    "systemd": Format("what a credential of systemd holds", variables.systemd, libpq_levels()),
    "uri": Format("the URI of libpq, or the one that all clients of its kind read", _uri, libpq_levels()),
}
"""The formats by name."""
