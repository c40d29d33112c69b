"""SQLite URIs, after SQLAlchemy's make_url, which Django's URL parsers follow.

``sqlite:///name`` is a path relative to the working directory, ``sqlite:////name`` an absolute one,
and ``sqlite://`` a database in memory. Deliberate differences, all refusals but the last:

- anything between the second and the third slash (``sqlite://name.db``), the place of a host;
- a raw ``#``, which is data to SQLAlchemy and ends the path for urllib;
- SQLite's own URIs (``file:``, ``mode``, ``cache``), which SQLAlchemy removes unless ``uri=true`` is set;
- everything that `envconn.grammar.uri` refuses in a query;
- ``sqlite://:memory:`` is read as dj-database-url reads it.
"""

from __future__ import annotations

from envconn.connection import Connection, Host, Parameters
from envconn.families import SQLITE
from envconn.grammar.text import decode
from envconn.grammar.uri import DECIMAL, FLAG, FOR_DJANGO, NUMBER, Parameter, read_query

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.grammar.text import ParseState

MEMORY = ":memory:"

_OWN_URI = "is part of SQLite's own URIs, which are not supported. Remove it"
_LEVELS = {"deferred": "DEFERRED", "immediate": "IMMEDIATE", "exclusive": "EXCLUSIVE"}
_LEVEL = Parameter(meaning=_LEVELS, folded=True, shape="DEFERRED, IMMEDIATE or EXCLUSIVE")

# Arguments of sqlite3.connect, transaction_mode of Django, and the keys of its DATABASES.
PARAMETERS = {
    "timeout": DECIMAL,
    "detect_types": NUMBER,
    "isolation_level": _LEVEL,
    "transaction_mode": _LEVEL,
    "check_same_thread": FLAG,
    "cached_statements": NUMBER,
    **FOR_DJANGO,
    **dict.fromkeys(("uri", "mode", "cache", "immutable", "nolock", "vfs", "psow"), Parameter(refusal=_OWN_URI)),
    "init_command": Parameter(refusal="runs code when a connection opens. Remove it, and configure it in the program"),
    "sslmode": Parameter(refusal="has no effect on a file. Remove it"),
}


def read_uri(state: ParseState, scheme: str, text: str) -> Connection | None:
    """Read ``sqlite:///path?name=value&...``.

    Returns `None` if something is wrong; `state` then holds the problems. `Connection.dbname` is the
    path as written, or ``:memory:``. There is no network, and the one `Host` says so: it is empty.
    """
    start = len(scheme) + 3
    if "#" in text:
        state.refuse("hash-unencoded", f'raw "#" in the path at character {text.index("#") + 1}. Write %23')
        return None
    place, _, written = text[start:].partition("?")
    path = _read_path(state, place, start)
    query = read_query(state, written, start + len(place) + 1, PARAMETERS)
    if state.problems:
        return None
    return Connection(
        family=SQLITE,
        scheme=scheme,
        hosts=(Host("", 0),),
        user="",
        dbname=path,
        parameters=Parameters(query.values),
        foreign=Parameters(query.foreign),
        origin=state.origin,
        notes=tuple(state.notes),
    )


def _read_path(state: ParseState, place: str, start: int) -> str:
    if place in ("", "/", MEMORY):
        return MEMORY
    if not place.startswith("/"):
        state.refuse(
            "host-refused",
            (
                "the URL of a file has no host. Write sqlite:///name for a relative path, or sqlite:////name for an "
                "absolute one"
            ),
        )
        return ""
    path = decode(state, place[1:], "the path", start + 1) or ""
    if path.startswith("file:"):
        state.refuse("path-invalid", f"file: in the path {_OWN_URI}")
    elif path.endswith("/"):
        state.refuse("path-invalid", "the path ends in a slash, so it names a directory. Add the file's name")
    return path
