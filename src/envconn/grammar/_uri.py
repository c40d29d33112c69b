"""The walk over a URI that Redis, AMQP and MySQL share: one user, one password, one host, a path, a query.

Their clients in Python take a URI apart with urllib (redis-py, kombu, dj-database-url) or with a
pattern of their own (SQLAlchemy); none has an authority such as libpq is for PostgreSQL. Read here is
what all of them read alike. Refused, because at least one of them reads it differently, or not at all:

- what `postgres` refuses before and behind the ``@``: a second one, raw ``/``, ``?``, ``#`` and blanks;
- raw brackets before the ``@``, and characters whose compatibility form is a delimiter (``℀`` is a/c):
  urllib looks at both in the whole authority;
- a percent escape in the host, which SQLAlchemy leaves as it is, and a colon without a port behind it;
- a host left out, for which each client has an idea of its own, and a list of hosts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from envconn.connection import Connection, Host, Parameters, Secret
from envconn.grammar._hosts import is_address, pair_up
from envconn.grammar._text import decode

if TYPE_CHECKING:
    from envconn.grammar._query import Query
    from envconn.grammar._text import Reading

__all__ = ["Uri", "conclude", "read_host", "take_apart"]

_ANYWHERE = re.compile(r"[\s#]")
_BEFORE_AT = re.compile(r"[/?\[\]]")

# Character: code, remedy.
_STRAY = {
    "#": ("hash-unencoded", "write %23"),
    "/": ("slash-unencoded", 'write %2F, or %40 for an "@" behind it that does not end a password'),
    "?": ("question-unencoded", 'write %3F, or %40 for an "@" behind it that does not end a password'),
    "[": ("bracket-unencoded", "write %5B"),
    "]": ("bracket-unencoded", "write %5D"),
    "@": ("at-unencoded", 'write %40 for every "@" but the one before the host'),
    ";": ("semicolon-unencoded", "write %3B; a list of URIs is not read here, use one variable for each"),
}
_BLANK = ("space-unencoded", "write %20, or remove it")


class Uri(NamedTuple):
    """The parts of one URI. User and password are decoded; the others are as written.

    `path` has lost the slash before it. `path_start` and `query_start` are offsets in the text.
    """

    kind: str
    scheme: str
    user: str
    password: str
    netloc: str
    path: str
    path_start: int
    query: str
    query_start: int


def take_apart(  # noqa: PLR0913 - what is read, and where it stands
    reading: Reading, kind: str, scheme: str, text: str, *, semicolons: bool = True, before: int = 0
) -> Uri | None:
    """Split ``scheme://user:password@netloc/path?query``, or return `None` where the parts are ambiguous.

    `kind` is the service's protocol. `semicolons` are data unless one of the family's clients splits
    there. `before` is how many characters stand before `text` where it is one of a list. An escape
    that cannot be undone is in `reading`, and the part is empty.
    """
    start = len(scheme) + 3
    if _is_ambiguous(reading, text, start, semicolons=semicolons, before=before):
        return None
    offset = before + start
    place, _, query = text[start:].partition("?")
    authority, _, path = place.partition("/")
    userinfo, _, netloc = authority.rpartition("@")
    user, _, password = userinfo.partition(":")
    return Uri(
        kind=kind,
        scheme=scheme,
        user=decode(reading, user, "the user name", offset) or "",
        password=decode(reading, password, "the password", offset + len(user) + 1, secret=True) or "",
        netloc=netloc,
        path=path,
        path_start=offset + len(authority) + 1,
        query=query,
        query_start=offset + len(place) + 1,
    )


def read_host(reading: Reading, netloc: str, port: int) -> tuple[Host, ...]:
    """Return the one host of `netloc`, with `port` where none is written, or nothing if it is refused."""
    before = len(reading.problems)
    if "," in netloc:
        reading.refuse("hosts-several", "there is a comma in the host; one host is read here, name the primary alone")
    elif "%" in netloc:
        reading.refuse("host-invalid", "the host holds a percent sign, which clients decode or do not; write it raw")
    elif netloc.startswith("["):
        return _read_bracketed(reading, netloc, port)
    else:
        name, _, written = netloc.partition(":")
        if ":" in written:
            reading.refuse(
                "port-invalid", "the host has two colons; write an IPv6 address in brackets, and : in a password as %3A"
            )
        elif netloc.endswith(":"):
            reading.refuse("port-invalid", "there is a colon and no port; write digits behind it, or remove it")
        elif not name:
            reading.refuse("host-missing", "there is no host; write one behind the two slashes, or behind the @")
        else:
            hosts = pair_up(reading, name, "", written or str(port))
            return hosts if len(reading.problems) == before else ()
    return ()


def conclude(reading: Reading, uri: Uri, query: Query, hosts: tuple[Host, ...], dbname: str) -> Connection | None:
    """Return the connection, or `None` when there were problems."""
    if reading.problems:
        return None
    return Connection(
        kind=uri.kind,
        scheme=uri.scheme,
        hosts=hosts,
        user=uri.user,
        dbname=dbname,
        password=Secret(uri.password) if uri.password else None,
        parameters=Parameters(query.values),
        foreign=Parameters(query.foreign),
        origin=reading.origin,
        notes=tuple(reading.notes),
    )


def _is_ambiguous(reading: Reading, text: str, start: int, *, semicolons: bool, before: int) -> bool:
    """Refuse the characters at which parsers part company, each kind once."""
    first, last = text.find("@", start), text.rfind("@")
    stray = {match.group(): match.start() for match in reversed([*_ANYWHERE.finditer(text)])}
    for match in reversed([*_BEFORE_AT.finditer(text, start, max(first, start))]):
        stray[match.group()] = match.start()
    if first != last:
        stray["@"] = text.find("@", first + 1)
    if not semicolons and ";" in text:
        stray[";"] = text.find(";")
    for character, position in sorted(stray.items(), key=lambda item: item[1]):
        code, remedy = _STRAY.get(character, _BLANK)
        shown = f'{"second " * (character == "@")}raw "{character}"' if character in _STRAY else "white space"
        reading.refuse(
            code, f"{shown} in {_part(text, start, last, position)} at character {before + position + 1}; {remedy}"
        )
    return bool(stray) or _is_disguised(reading, text[start : max(last, start)])


def _part(text: str, start: int, last_at: int, position: int) -> str:
    """Name the part of the URI in which `position` lies, taking the last ``@`` for the end of the password."""
    if position < last_at:
        return "the password" if ":" in text[start:position] else "the user name"
    behind = text[max(last_at, start) : position]
    return "the query" if "?" in behind else "the path" if "/" in behind else "the host"


def _is_disguised(reading: Reading, userinfo: str) -> bool:
    """Refuse what urllib's _checknetloc refuses: a character that NFKC turns into a delimiter."""
    if userinfo.isascii():
        return False
    from unicodedata import normalize

    if not set("/?#@:") & set(normalize("NFKC", userinfo.replace(":", ""))):
        return False
    reading.refuse(
        "character-unencoded", "user name or password has a character that urllib takes for a delimiter; encode it"
    )
    return True


def _read_bracketed(reading: Reading, netloc: str, port: int) -> tuple[Host, ...]:
    name, bracket, behind = netloc[1:].partition("]")
    if not bracket or behind == ":" or behind[:1] not in ("", ":") or ":" not in name or not is_address(name):
        reading.refuse(
            "host-brackets",
            f"brackets in the host are not closed, or hold no IPv6, or the port is missing; write [::1]:{port}",
        )
        return ()
    return pair_up(reading, name, "", behind[1:] or str(port))
