"""PostgreSQL connection URIs, after libpq's conninfo_uri_parse_options and conninfo_uri_parse_params.

The reference is fe-connect.c of libpq 18. A text is accepted with libpq's meaning or refused; no text
has a different meaning here. Deliberate differences, all refusals but the last four:

- a second raw ``@`` (libpq splits at the first one, urllib at the last), and a raw ``/``, ``?`` or
  ``#`` before the only one: parsers differ about where the password ends;
- a raw ``#`` anywhere (data to libpq, a fragment to urllib) and raw white space anywhere (libpq 18
  drops blanks at the edges of a part, older ones do not);
- percent escapes that are not UTF-8, and control characters in escapes outside of secrets;
- an escaped comma in the host list before the path (libpq splits the list after decoding), escapes
  in ports and in the names of query parameters;
- a path with a second slash and no host (``////run/postgresql/name``): a socket to django-environ, a name to libpq;
- brackets around anything but an IPv6 address;
- a query parameter given twice, or once there and once before the ``?`` (libpq: the last one wins);
- a raw ``+`` in ``options``, and everything `envconn.grammar.conninfo` and `envconn.grammar.hosts` refuse;
- schemes with a driver's name and synonyms are read as ``postgresql`` (see `envconn.families`);
- ``ssl`` may have the words of asyncpg and node-postgres, and ``ssl=true`` beside a ``sslmode`` that requires TLS
  changes nothing;
- hosts with their ports in several ``host`` are SQLAlchemy's spelling of a list (_split_multihost_from_url), and in
  one, with commas, asyncpg's (_parse_hostlist);
- keys of other tools (`libpq_keywords.FOREIGN`) are removed; a schema becomes an option.
"""

from __future__ import annotations

import re

from envconn.grammar.conninfo import Draft
from envconn.grammar.hosts import is_address
from envconn.grammar.libpq_keywords import FOREIGN, KEYWORDS, SECRETS
from envconn.grammar.text import SOCKET_BEFORE_NAME, decode, find_query

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.connection import Connection
    from envconn.grammar.text import ParseState


# Character: code, name in the message, remedy.
_STRAY = {
    "#": ("hash-unencoded", 'raw "#"', "Write %23"),
    "/": ("slash-unencoded", 'raw "/"', 'Write %2F, or write %40 for an "@" after it that is part of the password'),
    "?": ("question-unencoded", 'raw "?"', 'Write %3F, or write %40 for an "@" after it that is part of the password'),
    "@": ("at-unencoded", 'second raw "@"', 'Write %40 for every "@" except the one before the host'),
}
_AT_IN_QUERY = ("at-unencoded", 'raw "@"', "Write %40")
_NAMES = (*KEYWORDS, *FOREIGN, "ssl")
_BLANK = ("space-unencoded", "white space", "Write %20, or remove it")


def read_uri(state: ParseState, scheme: str, text: str) -> Connection | None:
    """Read ``scheme://user:password@host:port,.../dbname?keyword=value&...``.

    Returns `None` if something is wrong; `state` then holds the problems.
    """
    start = len(scheme) + 3
    if _is_ambiguous(state, text, start):
        return None
    # libpq scans character by character: up to the first "@" if it comes before "/",
    # the hosts to "/" or "?", the name to "?". Without stray delimiters that is the same as a partition.
    place, _, query = text[start:].partition("?")
    authority, _, path = place.partition("/")
    userinfo, at, netlocs = authority.rpartition("@")
    draft = Draft(state)
    _read_userinfo(draft, userinfo, start)
    _read_netlocs(draft, netlocs, start + len(userinfo) + len(at))
    if path.startswith("/") and not (netlocs or "host=" in query):
        state.refuse("socket-path", SOCKET_BEFORE_NAME.format("postgresql", "host"))
    elif path:
        draft.put("dbname", decode(state, path, "the database name", start + len(authority) + 1))
    # A password that the "@" ends does not make the query doubtful, unless it is invalid.
    draft.doubtful = bool(state.problems)
    if query:
        _read_query(draft, query, start + len(place) + 1)
    return draft.finish(scheme)


def _is_ambiguous(state: ParseState, text: str, start: int) -> bool:
    """Refuse the characters that parsers treat differently, each kind once."""
    query = find_query(text, start, _NAMES)
    first, last = text.find("@", start, query), text.rfind("@", start, query)
    # The first white space of each kind, the first "#", then the first delimiter before the first "@".
    raw = () if "#" not in text and text.split() == [text] else enumerate(text)
    stray = {character: place for place, character in reversed([*raw]) if character.isspace() or character == "#"}
    before_at = text[start : max(first, start)]
    if found := [place for each in "/?" if (place := before_at.find(each)) >= 0]:
        stray[before_at[min(found)]] = start + min(found)
    if first != last or "@" in text[query:]:
        stray["@"] = text.find("@", first + 1)
    for character, position in sorted(stray.items(), key=lambda item: item[1]):
        is_in_query = character == "@" and position > query
        code, shown, remedy = _AT_IN_QUERY if is_in_query else _STRAY.get(character, _BLANK)
        part = _part(text, start, last, position)
        state.refuse(code, f"{shown} in {part} at character {position + 1}. {remedy}")
    return bool(stray)


def _part(text: str, start: int, last_at: int, position: int) -> str:
    """Return the name of the part of the URI at `position`; the last ``@`` ends the password."""
    if position < last_at:
        return "the password" if ":" in text[start:position] else "the user"
    behind = text[max(last_at, start) : position]
    return "the query" if "?" in behind else "the database name" if "/" in behind else "the host"


def _read_userinfo(draft: Draft, userinfo: str, start: int) -> None:
    # An empty user or password is not stored, as in libpq.
    user, _, password = userinfo.partition(":")
    if user:
        draft.put("user", decode(draft.state, user, "the user", start))
    if password:
        start += len(user) + 1
        draft.put("password", decode(draft.state, password, "the password", start, secret=True))


def _read_netlocs(draft: Draft, netlocs: str, start: int) -> None:
    """Read ``host:port,[v6]:port,...`` into two comma-separated lists, libpq's hostbuf and portbuf."""
    hosts: list[str] = []
    ports: list[str] = []
    for netloc in netlocs.split(","):
        host, port = _read_netloc(draft.state, netloc, start)
        if host is None:
            draft.values["host"] = None
        hosts.append(host or "")
        ports.append(port)
        start += len(netloc) + 1
    if any(hosts) or len(hosts) > 1:
        draft.values.setdefault("host", ",".join(hosts))
    # Two hosts without ports make portbuf a lone ",", which ?port= may replace.
    if any(ports):
        draft.put("port", ",".join(ports))


def _read_netloc(state: ParseState, netloc: str, start: int) -> tuple[str | None, str]:
    if netloc.startswith("["):
        return _read_bracketed(state, netloc, start)
    host, _, port = netloc.partition(":")
    if ":" in port:
        state.refuse(
            "port-invalid", "the host has two colons. Write an IPv6 address in brackets, and : in a password as %3A"
        )
        return None, ""
    name = decode(state, host, "the host", start)
    if name and "," in name:
        state.refuse(
            "host-invalid",
            "the host has an encoded comma, where libpq would split it. Write a plain comma between hosts",
        )
        return None, port
    return name, port


def _read_bracketed(state: ParseState, netloc: str, start: int) -> tuple[str | None, str]:
    inside, bracket, behind = netloc[1:].partition("]")
    name = decode(state, inside, "the host", start + 1)
    if name is None:
        return None, ""
    if not bracket or behind[:1] not in ("", ":") or ":" not in name or not is_address(name):
        state.refuse(
            "host-brackets", "the brackets in the host are not closed, or hold no IPv6 address. Write [::1]:5432"
        )
        return None, ""
    return name, behind[1:]


def _read_query(draft: Draft, query: str, start: int) -> None:
    parameters = query.split("&")
    if not parameters[-1]:
        # libpq stops at the end of the text, so one "&" there is not an empty parameter.
        parameters.pop()
    listed = _hosts_with_ports(draft, parameters)
    for ordinal, parameter in enumerate(parameters, 1):
        name, equals, value = parameter.partition("=")
        if name == "host" and listed:
            pass
        elif not equals or not name:
            draft.state.refuse(
                "parameter-syntax", f'parameter {ordinal} is not name=value. Write "&" in a value as %26'
            )
        elif "=" in value:
            draft.state.refuse("parameter-syntax", f'parameter {ordinal} has a second "=". Write %3D in its value')
        else:
            _read_parameter(draft, name, value, ordinal, start + len(name) + 1)
        start += len(parameter) + 1


def _hosts_with_ports(draft: Draft, parameters: list[str]) -> bool:
    """Read ``host=h1:5432&host=h2:5433`` or ``host=h1:5432,h2:5433``; return whether the hosts are written so.

    To libpq, no name has a colon.
    """
    stated = [value for name, _, value in (each.partition("=") for each in parameters) if name == "host"]
    if not stated:
        return False
    written = stated if stated[1:] else ",".join(stated).split(",")
    places = [re.fullmatch(r"([A-Za-z0-9._-]+)(?::|%3[Aa])?([0-9]*)", value) for value in written]
    found = [(place[1], place[2]) for place in places if place]
    if len(found) < len(written) or not any(port for _, port in found):
        return False
    is_first = "host" not in draft.values
    draft.put("host", ",".join(name for name, _ in found))
    if is_first:
        draft.put("port", ",".join(port for _, port in found))
    return True


def _read_parameter(draft: Draft, name: str, value: str, ordinal: int, start: int) -> None:
    if name == "ssl":
        draft.put_ssl(value)
    elif not draft.knows(name):
        draft.put_unknown(name, ordinal)
    elif name == "options" and "+" in value:
        draft.state.refuse(
            "plus-unencoded", 'raw "+" in options is a plus, not a space. Write %20 for a space, %2B for a plus'
        )
    else:
        draft.put(name, decode(draft.state, value, f"the value of {name}", start, secret=name in SECRETS))
