"""libpq's formats: environment, keyword/value string, URI, service file and password file; and SQLAlchemy's URL.

Everything that affects security is written out, as in `envconn.drivers.libpq`. The version of libpq that reads it
is not known. An older one ignores an unknown variable, so the environment is written for the newest; in the other
formats it rejects the whole text for one unknown keyword, so only the keywords of libpq 13 and those that the
connection states are written. What a newer libpq then still reads from the environment can make a connection
fail, but cannot weaken or redirect it; `ExportRequest.libpq` leaves no gap.

Sources: "Environment Variables", "The Password File" and "The Connection Service File" of the PostgreSQL 18
manual; conninfo_add_defaults, parseServiceFile and passwordFromFile in fe-connect.c; for SQLAlchemy engine/url.py
(_parse_url) and dialects/postgresql/_psycopg_common.py of 2.0 and 2.1.
"""

from __future__ import annotations

import re
from typing import cast

from envconn.connection import Parameters
from envconn.drivers import libpq
from envconn.drivers.unsupported import stated_by, unheard
from envconn.errors import ConfigurationError, problem
from envconn.export.target import CODE, decline, require_postgresql
from envconn.grammar.conninfo import quoted
from envconn.grammar.libpq_keywords import FROM_VERDICT, OVERRULED, VARIABLES
from envconn.records import Record
from envconn.tls.uri_writer import authority, compose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.export.target import ExportRequest
    from envconn.tls import SecuredConnection


_NEWEST = 18_00_00

_NAMES = {name: variable for variable, name in VARIABLES.items()}
_DECISIVE = {*OVERRULED, *FROM_VERDICT}


class Environment(Record):
    """libpq's environment: `values` by variable, and the variables that must be `absent`."""

    values: Parameters
    absent: tuple[str, ...]


def environment(request: ExportRequest) -> Environment:
    """Return the variables for a program that is linked with libpq of any version from 13 on.

    ``PGREQUIREAUTH`` is left out, not set to all methods as for a driver: the list would need a word that
    libpq 16 and 17 reject.

    Raises:
        ConfigurationError: a stated parameter has no variable, or one that an older libpq would ignore.
    """
    connection, known = request.connection, reader(request, ignores=True)
    found = keywords(request, max(known, _NEWEST))
    if "require_auth" not in connection.parameters:
        del found["require_auth"]
    if nameless := unheard(connection, _NAMES):
        decline(connection, f"{nameless[0]} has no environment variable. Remove it, or export conninfo instead")
    values = {_NAMES[name]: value for name, value in found.items() if value and name in _NAMES}
    return Environment(Parameters(values), tuple(sorted(_DECISIVE - values.keys())))


def shell(request: ExportRequest) -> str:
    """Return `environment` as commands of a POSIX shell, for ``eval`` or ``.``."""
    found = environment(request)
    lines = [f"export {name}={_for_shell(value)}\n" for name, value in found.values.items()]
    return "".join(lines) + f"unset {' '.join(found.absent)}\n"


def conninfo(request: ExportRequest) -> str:
    """Return ``host=... port=... sslmode=...``."""
    pairs = keywords(request).items()
    return " ".join(f"{name}={value if _PLAIN.fullmatch(value) else quoted(value)}" for name, value in pairs) + "\n"


def uri(request: ExportRequest) -> str:
    """Return ``postgresql://user:password@host:port/dbname?...``."""
    found = {name: value for name, value in keywords(request).items() if name not in _OUTSIDE_THE_QUERY}
    return f"{compose('postgresql', request.connection, found)}\n"


def service(request: ExportRequest) -> str:
    """Return a section of ``pg_service.conf``, named after the service. The password is in `passfile`."""
    connection, found = request.connection, keywords(request)
    lines = [f"{name}={value}" for name, value in found.items() if name != "password"]
    for line in lines:
        # libpq strips blanks at the end of a line, reads at least 253 bytes of it, and does not support quotes.
        if line != line.rstrip() or _breaks(line) or len(line.encode()) > _LINE:
            decline(
                connection, (f"{line.partition('=')[0]} does not fit a line of a service file. Export conninfo instead")
            )
    hint = [_PASSFILE_HINT] if connection.password else []
    return "\n".join([*hint, f"[{connection.name}]", *lines]) + "\n"


def passfile(request: ExportRequest) -> str:
    """Return a line of ``.pgpass`` for each host.

    Raises:
        ConfigurationError: there is no password, or it does not fit in a line.
    """
    connection = request.connection
    require_postgresql(connection, "libpq")
    if not connection.password:
        decline(connection, "has no password, which .pgpass requires. Add it, or export pg_service only")
    password = connection.password.reveal()
    if _breaks(password):
        decline(connection, "the password has a line break, which .pgpass does not support. Change the password")
    identity = [connection.dbname, connection.user]
    return "".join(
        ":".join([_field(host), str(port), *map(_field, identity), _escaped(password)]) + "\n"
        for host, port in _matched(connection)
    )


def sqlalchemy(request: ExportRequest) -> str:
    """Return ``postgresql+psycopg://...``; ``+psycopg2`` if the scheme says so, or statements must not be prepared.

    It is for a program that accepts a URL and cannot import envconn. Its query becomes arguments of the DBAPI, all of
    them text: those of psycopg and psycopg2, which are libpq's keywords. An empty value gets lost on the way (urllib's
    parse_qsl), so empty values are written in a keyword/value string, which both DBAPIs accept. asyncpg and pg8000
    require objects for TLS, which a URL cannot hold. Before SQLAlchemy 2.1 the name of the database is not decoded.

    Raises:
        ConfigurationError: the scheme names a DBAPI that a URL cannot configure, or libpq is too old.
    """
    connection = request.connection
    found = keywords(request)
    driver = _driver(connection)
    for name in ("user", "password", *(("host", "port") if _fits_url(connection) else ())):
        found.pop(name, None)
    where = authority(connection.hosts[0]) if _fits_url(connection) else ""
    path = found.pop("dbname") if _PLAIN_IN_URL.fullmatch(connection.dbname) else ""
    empty = " ".join(f"{name}={quoted('')}" for name, value in found.items() if not value)
    query = {name: value for name, value in found.items() if value} | {_STRING[driver]: empty}
    return f"{compose(f'postgresql+{driver}', connection, query, hosts=where, path=path)}\n"


def reader(request: ExportRequest, *, ignores: bool = False) -> int:
    """Return the libpq version to write for; `ignores`: an older one ignores an unknown word.

    Raises:
        ConfigurationError: that version is, or may be, too old for a parameter of the connection.
    """
    connection = request.connection
    require_postgresql(connection, "libpq")
    needed, known = libpq.needed(connection), request.libpq
    if known is None and not ignores:
        return needed
    if missing := libpq.too_new(connection, known or libpq.OLDEST):
        remedy = f"Pass --libpq {needed // 10_000}, or remove it"
        raise ConfigurationError(
            problem(CODE, stated_by(connection, name), f"{name} requires libpq {since // 10_000} or newer. {remedy}")
            for name, since in missing.items()
        )
    return known or libpq.OLDEST


def keywords(request: ExportRequest, version: int | None = None) -> dict[str, str]:
    """Return libpq's keywords, host and user first; for libpq of `version`, or of the version of `reader`."""
    found = cast("dict[str, str]", libpq.arguments(request.connection, version or reader(request)))
    return {name: found[name] for name in (*_FIRST, *found) if name in found}


def _fits_url(connection: SecuredConnection) -> bool:
    first, *others = connection.hosts
    return not (others or first.is_socket or "%" in first.host)


def _driver(connection: SecuredConnection) -> str:
    named = connection.scheme.partition("+")[2].removesuffix("_async")
    if named not in {"", *_STRING}:
        decline(connection, f"a URL cannot hold the TLS settings of {named}. Use psycopg, or envconn_sqlalchemy")
    if named == "psycopg" and not connection.features.prepared_statements:
        decline(connection, "a URL cannot turn off psycopg's prepared statements. Use psycopg2, or the direct endpoint")
    return named or ("psycopg" if connection.features.prepared_statements else "psycopg2")


def _matched(connection: SecuredConnection) -> list[tuple[str, int]]:
    """Return the hosts as passwordFromFile looks for them: also ``localhost`` for a default socket directory."""
    found = [(host.host, host.port) for host in connection.hosts]
    return found + [("localhost", port) for host, port in found if host in {"/tmp", "/var/run/postgresql"}]  # noqa: S108


def _breaks(text: str) -> bool:
    return "\n" in text or "\r" in text


def _field(value: str) -> str:
    return r"\*" if value == "*" else _escaped(value)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(":", "\\:")


def _for_shell(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else "'" + value.replace("'", "'\\''") + "'"


_FIRST = ("host", "hostaddr", "port", "user", "password", "dbname", "sslmode", "sslrootcert")
_OUTSIDE_THE_QUERY = frozenset({"dbname", "host", "password", "port", "user"})
_LINE = 253
_PASSFILE_HINT = "# The password goes into ~/.pgpass (mode 0600): envconn export pgpass"
_PLAIN = re.compile(r"[A-Za-z0-9_.,:/@+-]+")
_PLAIN_IN_URL = re.compile(r"[A-Za-z0-9_.~-]+")
_STRING = {"psycopg": "conninfo", "psycopg2": "dsn"}
"""The name of the argument that accepts a keyword/value string."""
