"""Connections as text in the formats of other programs. Nothing is read, written or connected here.

Each format states the judged TLS level in the words of its reader. If the reader cannot express something, the
export fails; it never writes something weaker or different.
"""

from __future__ import annotations

from typing import Literal

from envconn.connection import Parameters, Secret
from envconn.drivers import Hidden
from envconn.export import deployment, libpq_formats, other_languages
from envconn.export.target import ExportRequest, decline, libpq_levels
from envconn.families import POSTGRESQL
from envconn.grammar.libpq_keywords import SECRETS
from envconn.records import Record, replace
from envconn.tls import require_sealed
from envconn.tls.secured import direct, identity_of, judgement_of, seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from envconn.export.libpq_formats import Environment
    from envconn.export.target import Levels
    from envconn.tls import SecuredConnection


FormatName = Literal[
    "asyncpg",
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
    "uri",
]


class Format(Record):
    """One format: its `title`, the function that writes the `text`, and its reader's words for the TLS `levels`.

    `levels` is empty if the format says nothing about TLS. `here` is true if the text is for this machine, where a
    CA that was given as text can be written to a file.
    """

    title: str
    text: Callable[[ExportRequest], str]
    levels: Levels
    here: bool = True


def render(
    connection: SecuredConnection,
    name: FormatName,
    *,
    ca: str | None = None,
    libpq: int | None = None,
    mask: bool = False,
) -> str:
    """Return `connection` in the format called `name`, password included. Hand it to a program, never to a log.

    `ca` is the path of the CA for the reader, if it differs from the path here. `libpq` is the version of the
    reader's libpq (180006 for 18.6): then everything that it could read from elsewhere is written out; without it,
    the text is for any version from 13 on. With `mask`, every secret is masked and the text cannot connect.

    Raises:
        ConfigurationError: the format cannot express a part of the connection, or the CA has no path.
        TypeError: `connection` was not judged, or another argument has a wrong type.
        ValueError: the format does not exist.
    """
    require_sealed(connection)
    _require_types(ca, libpq, mask)
    if name not in tuple(FORMATS):
        raise ValueError(f"name must be one of {', '.join(FORMATS)}")
    chosen = FORMATS[name]
    if (identity := identity_of(connection)) and not mask:
        decline(connection, f"{identity.word} has a token for minutes, not a password. Use envconn exec --export pg")

    def shown(endpoint: SecuredConnection) -> SecuredConnection:
        there = _placed(endpoint, ca) if chosen.levels else endpoint
        return masked(there) if mask else there

    other = direct(connection) if name == "prisma" else None
    return Hidden(chosen.text(ExportRequest(shown(connection), other and shown(other), libpq)))


def environment(connection: SecuredConnection, *, ca: str | None = None, libpq: int | None = None) -> Environment:
    """Return the format ``pg`` as values instead of text; arguments and errors are those of `render`."""
    require_sealed(connection)
    _require_types(ca, libpq, mask=False)
    return libpq_formats.environment(ExportRequest(_placed(connection, ca), libpq=libpq))


def _require_types(ca: object, libpq: object, mask: object) -> None:
    if not (ca is None or (isinstance(ca, str) and ca)):
        raise TypeError("ca must be the path of a file, or None")
    if not isinstance(libpq, int | None) or isinstance(libpq, bool):
        raise TypeError("libpq must be a version such as 180006, or None")
    if not isinstance(mask, bool):
        raise TypeError("mask must be True or False")


def with_ca_at(connection: SecuredConnection, path: str) -> SecuredConnection:
    """Return `connection` with its CA in the file `path`, where the reader of the text finds it.

    The file is not read here; a reader that does not find it does not connect. Without a CA, nothing changes.
    """
    judgement = judgement_of(connection)
    if judgement.verdict.ca is None:
        return connection
    there = replace(judgement.verdict.ca, kind="file", path=path)
    return seal(judgement._replace(verdict=replace(judgement.verdict, ca=there), files={}))


def masked(connection: SecuredConnection) -> SecuredConnection:
    """Return `connection` with `MASK` in place of each secret, so that no text made from it can contain one.

    Siblings are removed: they have secrets of their own.
    """
    judgement = judgement_of(connection)
    inner = judgement.connection
    shown = {name: MASK if name in SECRETS else value for name, value in inner.parameters.items()}
    harmless = replace(inner, password=connection.password and Secret(MASK), parameters=Parameters(shown))
    return seal(judgement._replace(connection=harmless, context=judgement.context._replace(siblings=(), supplier=None)))


MASK = "MASKED"
"""The text that replaces a secret. Plain letters, which every format writes unchanged."""


def _placed(connection: SecuredConnection, path: str | None) -> SecuredConnection:
    """Return the path of the CA for the reader; a CA that was given as text has none."""
    if path is None and connection.tls.ca and not connection.tls.ca.path:
        decline(connection, "the CA is text, but a file is required. Write it into a file, and pass --ca PATH")
    return with_ca_at(connection, path) if path else connection


def _uri(request: ExportRequest) -> str:
    return (
        libpq_formats.uri(request)
        if request.connection.family == POSTGRESQL
        else f"{request.connection.uri().reveal()}\n"
    )


FORMATS: dict[FormatName, Format] = {
    "asyncpg": Format("the DSN of asyncpg", other_languages.asyncpg, other_languages.ASYNCPG.levels),
    "conninfo": Format("libpq's keyword/value string", libpq_formats.conninfo, libpq_levels()),
    "dotenv": Format("a line of a `.env` file", deployment.dotenv, libpq_levels()),
    "jdbc": Format("the URL of pgjdbc, for Java", other_languages.jdbc, other_languages.PGJDBC.levels),
    "kubernetes": Format("the manifest of a Secret", deployment.kubernetes, libpq_levels(), here=False),
    "node-postgres": Format(
        "the connection string of `pg` (node-postgres), also for the adapter of Prisma 7",
        other_languages.node_postgres,
        other_languages.NODE_POSTGRES.levels,
    ),
    "npgsql": Format(
        "the connection string of Npgsql 10, for .NET", other_languages.npgsql, other_languages.NPGSQL.levels
    ),
    "pg": Format(
        "libpq's environment variables, as commands of a shell",
        libpq_formats.shell,
        libpq_levels("PGSSLMODE", "PGSSLROOTCERT"),
    ),
    "pg_service": Format("a section of `pg_service.conf`", libpq_formats.service, libpq_levels()),
    "pgpass": Format("the line of `.pgpass` that goes with it", libpq_formats.passfile, {}, here=False),
    "pgx": Format("the connection string of pgx, for Go", other_languages.pgx, other_languages.PGX.levels),
    "prisma": Format(
        "the variables of Prisma up to 6, and of migrations in Prisma 7",
        other_languages.prisma,
        other_languages.PRISMA.levels,
    ),
    "sqlalchemy": Format("the URL of SQLAlchemy, with psycopg or psycopg2", libpq_formats.sqlalchemy, libpq_levels()),
    "uri": Format(
        "the URI for libpq (`psql`, psycopg, psycopg2), or for another service's own clients",
        _uri,
        libpq_levels(),
    ),
}
"""The formats by name."""
