"""What the stand-in answers to SQL: literals, and what clients ask of every server. It has no tables."""

from __future__ import annotations

import re

from envconn.records import Record
from envconn_pytest.result import BOOL, INT4, TEXT, VOID, Column, Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


PARAMETERS: Mapping[str, str] = {
    "server_version": "17.0",
    "server_encoding": "UTF8",
    "client_encoding": "UTF8",
    "DateStyle": "ISO, MDY",
    "TimeZone": "UTC",
    "integer_datetimes": "on",
    "standard_conforming_strings": "on",
    "in_hot_standby": "off",
    "default_transaction_read_only": "off",
}
"""What the server reports at start-up."""

_SETTINGS = {
    **{name.lower(): value for name, value in PARAMETERS.items()},
    "transaction_read_only": "off",
    "transaction isolation level": "read committed",
}


class Refused(Exception):
    """The statement is not understood."""


class Who(Record):
    """Who asks: user, database, the version of TLS or nothing, and the number of the connection."""

    user: str
    dbname: str
    tls: str
    number: int


def statements(sql: str) -> list[str]:
    """Split `sql` at semicolons that stand in no string, and leave out what is blank or a comment."""
    bare = re.sub(r"--[^\n]*", "", sql)
    is_whole = bare.count("'") % 2 == 0
    parts = _STATEMENTS.findall(bare) if is_whole else [bare]
    return [part.strip() for part in parts if part.strip()]


def answer(statement: str, who: Who) -> Result:
    """Return what `statement` comes to, one of `statements`.

    Raises:
        Refused: it is not understood.
    """
    command, *others = statement.split(None, 1)
    word, rest = command.lower(), "".join(others)
    if word in _TAGS:
        return Result(_TAGS[word])
    if word == "show" and rest.lower() in _SETTINGS:
        return Result("SHOW", (Column(rest.lower(), TEXT, _SETTINGS[rest.lower()]),))
    if word == "select" and _TYPES.search(rest):
        return Result("SELECT 0", ())
    items = _ITEMS.findall(rest)
    if word == "select" and items and ",".join(items) == rest:
        return Result("SELECT 1", tuple(_column(item.strip(), who) for item in items))
    raise Refused


_STATEMENTS = re.compile(r"(?:'[^']*'|\$\$.*?\$\$|[^;'])+", re.DOTALL)

_OWN_TAG = ("begin", "close", "commit", "deallocate", "discard", "do", "listen", "release", "reset", "rollback")
_TAGS = {
    **{word: word.upper() for word in (*_OWN_TAG, "savepoint", "set", "unlisten")},
    "abort": "ROLLBACK",
    "end": "COMMIT",
    "start": "START TRANSACTION",
}
"""What is agreed to without being done, by its first word."""

_TYPES = re.compile(r"\sfrom\s+(?:pg_catalog\.)?pg_type\b", re.IGNORECASE)
"""The search for a type that may not be there: SQLAlchemy looks for ``hstore``."""

_ITEMS = re.compile(r"(?:'[^']*'|[^,'])+")
_ITEM = re.compile(r"(?P<value>.*?)(?:\s+as\s+(?P<name>\w+))?", re.IGNORECASE | re.DOTALL)


def _column(item: str, who: Who) -> Column:
    match = _ITEM.fullmatch(item)
    value, name = (match["value"], match["name"]) if match else ("", None)
    for pattern, (oid, evaluate) in _VALUES.items():
        if re.fullmatch(pattern, value, re.IGNORECASE):
            return Column(name or "?column?", oid, evaluate(value, who))
    raise Refused


_OVER_TLS = r"\s+from\s+(?:pg_catalog\.)?pg_stat_ssl\s+where\s+pid\s*=\s*pg_backend_pid\(\)"

_VALUES: Mapping[str, tuple[int, Callable[[str, Who], str | None]]] = {
    r"-?[0-9]{1,9}": (INT4, lambda literal, _: literal),
    r"'(?:[^']|'')*'": (TEXT, lambda literal, _: literal[1:-1].replace("''", "'")),
    r"null": (TEXT, lambda *_: None),
    r"true|false": (BOOL, lambda literal, _: literal[0].lower()),
    r"(?:pg_catalog\.)?version\(\)": (TEXT, lambda *_: f"PostgreSQL {PARAMETERS['server_version']} (stand-in)"),
    r"current_schema(?:\(\))?": (TEXT, lambda *_: "public"),
    r"current_database\(\)|current_catalog": (TEXT, lambda _, who: who.dbname),
    r"(?:current_|session_)?user": (TEXT, lambda _, who: who.user),
    r"pg_backend_pid\(\)": (INT4, lambda _, who: str(who.number)),
    r"pg_is_in_recovery\(\)": (BOOL, lambda *_: "f"),
    r"pg_advisory_unlock_all\(\)": (VOID, lambda *_: ""),
    rf"ssl{_OVER_TLS}": (BOOL, lambda _, who: "t" if who.tls else "f"),
    rf"version{_OVER_TLS}": (TEXT, lambda _, who: who.tls or None),
}
"""By the pattern of an expression: its type, and its value from its text and who asks."""
