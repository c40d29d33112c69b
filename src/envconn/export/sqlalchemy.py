"""SQLAlchemy's URL, for a program that accepts one and cannot import envconn.

Its query becomes arguments of the DBAPI, all of them text: those of psycopg and psycopg2, which are libpq's
keywords. An empty value gets lost on the way (urllib's parse_qsl), so empty values are written in a keyword/value
string, which both DBAPIs accept. asyncpg and pg8000 require objects for TLS, which a URL cannot hold.

Source: engine/url.py (_parse_url) and dialects/postgresql/_psycopg_common.py of SQLAlchemy 2.0 and 2.1; before
2.1 the name of the database is not decoded.
"""

from __future__ import annotations

import re

from envconn.export.libpq import keywords
from envconn.export.target import decline
from envconn.grammar.conninfo import quoted
from envconn.tls.uri_writer import authority, compose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.export.target import ExportRequest
    from envconn.tls import SecuredConnection


_STRING = {"psycopg": "conninfo", "psycopg2": "dsn"}
"""The name of the argument that accepts a keyword/value string."""


def sqlalchemy(request: ExportRequest) -> str:
    """Return ``postgresql+psycopg://...``; ``+psycopg2`` if the scheme says so, or statements must not be prepared.

    Raises:
        ConfigurationError: the scheme names a DBAPI that a URL cannot configure, or libpq is too old.
    """
    connection = request.connection
    found = keywords(request)
    driver = _driver(connection)
    for name in ("user", "password", *(("host", "port") if _fits_url(connection) else ())):
        found.pop(name, None)
    where = authority(connection.hosts[0]) if _fits_url(connection) else ""
    path = found.pop("dbname") if _PLAIN.fullmatch(connection.dbname) else ""
    empty = " ".join(f"{name}={quoted('')}" for name, value in found.items() if not value)
    query = {name: value for name, value in found.items() if value} | {_STRING[driver]: empty}
    return f"{compose(f'postgresql+{driver}', connection, query, hosts=where, path=path)}\n"


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


_PLAIN = re.compile(r"[A-Za-z0-9_.~-]+")
