"""The settings and rights that a PostgreSQL server reports after a login, in one query if it supports them all."""

from __future__ import annotations

import re

from envconn.probe.login.outcome import Failure, readable
from envconn.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from envconn.probe.login.outcome import Session


class ServerSettings(Record):
    """The answers; `None` if the server gave none.

    `administers` is whether the user is a member of the role that replaces a superuser at a provider.
    `limit` is ``max_connections``, `reserved` how many of them ordinary users cannot have, and
    `role_limit` the role's own limit, negative without one.
    """

    process: int | None
    user: str | None
    dbname: str | None
    version: str | None
    recovers: bool | None
    read_only: bool | None
    superuser: bool | None
    administers: bool | None
    tls: bool | None
    used: int | None
    limit: int | None
    reserved: int | None
    role_used: int | None
    role_limit: int | None


def ask(session: Session, until: float) -> ServerSettings | Failure:
    """Return the server's settings, read before `until` on the monotonic clock, or why it stopped answering."""
    row = session.ask(_query(*_EXPRESSIONS.values()), until)
    if not isinstance(row, Failure):
        return _read(dict(zip(_EXPRESSIONS, row, strict=False)))
    found: dict[str, str | None] = {}
    for name, expression in _EXPRESSIONS.items():
        if isinstance(row, Failure) and (not row.state or row.code in _ENDS):
            return row
        row = session.ask(_query(expression), until)
        found[name] = None if isinstance(row, Failure) else next(iter(row), None)
    return _read(found)


_ENDS = frozenset({"connection-closed", "server-starting"})
"""Failures that do not mean that the query was refused: the server is gone, and another query is useless."""


def _query(*expressions: str) -> str:
    return "select " + ", ".join(f"({expression})::text" for expression in expressions)


def _read(found: Mapping[str, str | None]) -> ServerSettings:
    # Any other text is not a valid answer.
    def flag(name: str) -> bool | None:
        return {"true": True, "false": False}.get(found.get(name) or "")

    def number(name: str) -> int | None:
        text = found.get(name) or ""
        return int(text) if re.fullmatch("-?[0-9]{1,12}", text) else None

    return ServerSettings(
        process=number("process"),
        user=readable(found.get("user")),
        dbname=readable(found.get("dbname")),
        version=readable(found.get("version")),
        recovers=flag("recovers"),
        read_only=flag("read_only"),
        superuser=flag("superuser"),
        administers=flag("administers"),
        tls=flag("tls"),
        used=number("used"),
        limit=number("limit"),
        reserved=number("reserved"),
        role_used=number("role_used"),
        role_limit=number("role_limit"),
    )


_ADMINISTRATORS = (
    "rolname in ('alloydbsuperuser', 'azure_pg_admin', 'cloudsqlsuperuser', 'neon_superuser', 'rds_superuser')"
)
"""Made by AlloyDB, Azure, Cloud SQL, Neon and RDS; each manual describes the rights that replace a superuser's."""

# Columns that only a session's owner can read (PostgreSQL's manual, 27.2.3) are not needed: user and database are
# visible to all.
_CLIENTS = "pg_catalog.pg_stat_activity where datid is not null and usesysid is not null"
_OURSELVES = "(select oid from pg_catalog.pg_roles where rolname = session_user)"

_EXPRESSIONS = {
    "process": "pg_backend_pid()",
    "user": "current_user",
    "dbname": "current_database()",
    "version": "current_setting('server_version')",
    "recovers": "pg_is_in_recovery()",
    "read_only": "current_setting('transaction_read_only')::boolean",
    "superuser": "select rolsuper from pg_catalog.pg_roles where rolname = current_user",
    "administers": f"select bool_or(pg_has_role(oid, 'member')) from pg_catalog.pg_roles where {_ADMINISTRATORS}",  # noqa: S608 - as below
    "tls": "select ssl from pg_catalog.pg_stat_ssl where pid = pg_backend_pid()",
    "used": f"select count(*) from {_CLIENTS}",  # noqa: S608 - all of it stands here
    "limit": "current_setting('max_connections')",
    # reserved_connections exists since 16.
    "reserved": "current_setting('superuser_reserved_connections')::integer"
    " + coalesce(current_setting('reserved_connections', true), '0')::integer",
    "role_used": f"select count(*) from {_CLIENTS} and usesysid = {_OURSELVES}",  # noqa: S608 - as above
    "role_limit": "select rolconnlimit from pg_catalog.pg_roles where rolname = session_user",
}
"""The query for each field of `ServerSettings`. Behind a pooler, answers are about its connection to the server."""
