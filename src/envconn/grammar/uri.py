"""The common part of Redis, AMQP and MySQL URIs: one user, one password, one host, a path, a query of parameters.

Their clients in Python split a URI with urllib (redis-py, kombu, dj-database-url) or with a
pattern of their own (SQLAlchemy); none is a reference as libpq is for PostgreSQL. A text is accepted if
all of them read it alike. Refused, because at least one of them reads it differently, or not at all:

- what `envconn.grammar.postgres` refuses before and after the ``@``: a second one, raw ``/``, ``?``, ``#`` and blanks;
- raw brackets before the ``@``, and characters whose compatibility form is a delimiter (``℀`` is a/c):
  urllib checks the whole authority for both;
- a percent escape in the host, which SQLAlchemy does not decode, and a colon without a port after it;
- a missing host, for which each client has another default, and a list of hosts.

The clients read a query with urllib's parse_qsl: ``+`` is a blank, a parameter without a value is removed
silently, and of a parameter given twice some use the first, some the last. All of that is
refused here. So is an unknown parameter, because a client would pass it on unread.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from envconn.connection import Connection, Host, Parameters, Secret
from envconn.grammar.hosts import is_address, pair_up
from envconn.grammar.libpq_keywords import CONTEXT, OF_DJANGO
from envconn.grammar.text import decode, find_query, nearest
from envconn.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from envconn.grammar.text import ParseState


_ANYWHERE = re.compile(r"[\s#]")
_BEFORE_AT = re.compile(r"[/?\[\]]")

# Character: code, remedy.
_STRAY = {
    "#": ("hash-unencoded", "Write %23"),
    "/": ("slash-unencoded", 'Write %2F, or write %40 for an "@" after it that is part of the password'),
    "?": ("question-unencoded", 'Write %3F, or write %40 for an "@" after it that is part of the password'),
    "[": ("bracket-unencoded", "Write %5B"),
    "]": ("bracket-unencoded", "Write %5D"),
    "@": ("at-unencoded", 'Write %40 for every "@" except the one before the host'),
    ";": ("semicolon-unencoded", "Write %3B, or use one variable for each URI"),
}
_AT_IN_QUERY = ("at-unencoded", "Write %40")
_BLANK = ("space-unencoded", "Write %20, or remove it")


class Uri(Record):
    """The parts of one URI. User and password are decoded; the others are as written.

    `path` has lost the slash before it. `path_start` and `query_start` are offsets in the text.
    """

    family: str
    scheme: str
    user: str
    password: str
    netloc: str
    path: str
    path_start: int
    query: str
    query_start: int


def split_uri(  # noqa: PLR0913 - what is read, and where it stands
    state: ParseState,
    family: str,
    scheme: str,
    text: str,
    names: Collection[str],
    *,
    semicolons: bool = True,
    before: int = 0,
) -> Uri | None:
    """Split ``scheme://user:password@netloc/path?query``, or return `None` if the parts are ambiguous.

    `family` is the service's family, `names` are those of its parameters. `semicolons` are data unless one of the
    family's clients splits there. `before` is the number of characters before `text` if it is one of a list. If an
    escape is invalid, the problem is in `state`, and the part is empty.
    """
    start = len(scheme) + 3
    query_start = find_query(text, start, names)
    if _is_ambiguous(state, text, start, query_start, semicolons=semicolons, before=before):
        return None
    offset = before + start
    place, _, query = text[start:].partition("?")
    authority, _, path = place.partition("/")
    userinfo, _, netloc = authority.rpartition("@")
    user, _, password = userinfo.partition(":")
    return Uri(
        family=family,
        scheme=scheme,
        user=decode(state, user, "the user", offset) or "",
        password=decode(state, password, "the password", offset + len(user) + 1, secret=True) or "",
        netloc=netloc,
        path=path,
        path_start=offset + len(authority) + 1,
        query=query,
        query_start=offset + len(place) + 1,
    )


def read_host(state: ParseState, netloc: str, port: int, *, several: str = "") -> tuple[Host, ...]:
    """Return the one host of `netloc`, with `port` as the default, or nothing if it is refused.

    `several` is the message about a list of hosts.
    """
    if "," in netloc:
        state.refuse("hosts-several", several or "several hosts are not supported here. Name the primary only")
    elif "%" in netloc:
        state.refuse("host-invalid", _ESCAPED_HOST)
    elif netloc.startswith("["):
        return _read_bracketed(state, netloc, port)
    else:
        return _read_name(state, netloc, port)
    return ()


def _read_name(state: ParseState, netloc: str, port: int) -> tuple[Host, ...]:
    before = len(state.problems)
    name, _, written = netloc.partition(":")
    if ":" in written:
        state.refuse("port-invalid", _TWO_COLONS)
    elif netloc.endswith(":"):
        state.refuse("port-invalid", "the port after the colon is missing. Add the port, or remove the colon")
    elif not name:
        state.refuse("host-missing", "there is no host. Write scheme://user:password@host/name")
    else:
        hosts = pair_up(state, name, "", written or str(port))
        return hosts if len(state.problems) == before else ()
    return ()


_ESCAPED_HOST = "the host has a percent escape, which clients read differently. Write the host without it"
_TWO_COLONS = "the host has two colons. Write an IPv6 address in brackets, and : in a password as %3A"


def make_connection(
    state: ParseState, uri: Uri, query: Query, hosts: tuple[Host, ...], dbname: str
) -> Connection | None:
    """Return the connection, or `None` if there were problems."""
    if state.problems:
        return None
    return Connection(
        family=uri.family,
        scheme=uri.scheme,
        hosts=hosts,
        user=uri.user,
        dbname=dbname,
        password=Secret(uri.password) if uri.password else None,
        parameters=Parameters(query.values),
        foreign=Parameters(query.foreign),
        origin=state.origin,
        notes=tuple(state.notes),
    )


def _is_ambiguous(  # noqa: PLR0913 - what is read, and where it stands
    state: ParseState, text: str, start: int, query: int, *, semicolons: bool, before: int
) -> bool:
    """Refuse the characters that parsers treat differently, each kind once."""
    first, last = text.find("@", start, query), text.rfind("@", start, query)
    stray = {match.group(): match.start() for match in reversed([*_ANYWHERE.finditer(text)])}
    for match in reversed([*_BEFORE_AT.finditer(text, start, max(first, start))]):
        stray[match.group()] = match.start()
    if first != last or "@" in text[query:]:
        stray["@"] = text.find("@", max(first + 1, start))
    if not semicolons and ";" in text:
        stray[";"] = text.find(";")
    for character, position in sorted(stray.items(), key=lambda item: item[1]):
        code, remedy = _AT_IN_QUERY if character == "@" and position > query else _STRAY.get(character, _BLANK)
        shown = (
            f'{"second " * (character == "@" and position < query)}raw "{character}"'
            if character in _STRAY
            else "white space"
        )
        state.refuse(
            code, f"{shown} in {_part(text, start, last, position)} at character {before + position + 1}. {remedy}"
        )
    return bool(stray) or _has_compatibility_delimiter(state, text[start : max(last, start)])


def _part(text: str, start: int, last_at: int, position: int) -> str:
    """Return the name of the part of the URI at `position`; the last ``@`` ends the password."""
    if position < last_at:
        return "the password" if ":" in text[start:position] else "the user"
    behind = text[max(last_at, start) : position]
    return "the query" if "?" in behind else "the path" if "/" in behind else "the host"


def _has_compatibility_delimiter(state: ParseState, userinfo: str) -> bool:
    """Refuse what urllib's _checknetloc refuses: a character that NFKC turns into a delimiter."""
    if userinfo.isascii():
        return False
    from unicodedata import normalize

    if not set("/?#@:") & set(normalize("NFKC", userinfo.replace(":", ""))):
        return False
    state.refuse(
        "character-unencoded",
        "user or password has a character that some clients read as a delimiter. Percent-encode it",
    )
    return True


def _read_bracketed(state: ParseState, netloc: str, port: int) -> tuple[Host, ...]:
    name, bracket, behind = netloc[1:].partition("]")
    if not bracket or behind == ":" or behind[:1] not in ("", ":") or ":" not in name or not is_address(name):
        state.refuse(
            "host-brackets",
            (
                "the brackets in the host are not closed, hold no IPv6 address, or are followed by a colon without a "
                f"port. Write [::1]:{port}"
            ),
        )
        return ()
    return pair_up(state, name, "", behind[1:] or str(port))


_NAME = re.compile("[A-Za-z][A-Za-z0-9_-]{0,62}")
_NONE: Mapping[str, str] = MappingProxyType({})


class Parameter(Record):
    """One known parameter.

    `becomes` is its name in the result, if that differs. `meaning` holds all of
    its values and what they are translated into, looked up in lower case if `folded`; `pattern`
    restricts other values. `shape` says in a message what is expected, under `code`.
    `secret` values are passwords. `foreign` parameters are for other programs. `refusal` is why it is
    not accepted, and what to do.
    """

    becomes: str = ""
    meaning: Mapping[str, str] = _NONE
    folded: bool = False
    pattern: str = ""
    shape: str = ""
    code: str = "value-unknown"
    secret: bool = False
    foreign: bool = False
    refusal: str = ""


TEXT = Parameter()
FOREIGN = Parameter(foreign=True)
NUMBER = Parameter(pattern="[0-9]{1,9}", shape="a whole number of up to nine digits", code="number-invalid")
DECIMAL = Parameter(
    pattern=r"[0-9]{1,9}(?:\.[0-9]{1,9})?", shape="a number such as 5 or 2.5, without a unit", code="number-invalid"
)
FOR_DJANGO = dict.fromkeys(OF_DJANGO, FOREIGN) | {name.upper(): Parameter(name, foreign=True) for name in OF_DJANGO}
"""The keys of Django's ``DATABASES``, which may be written in capitals."""

FLAG = Parameter(meaning=MappingProxyType({"true": "true", "false": "false"}), folded=True, shape="true or false")


class Query(Record):
    """The parameters read: `values` for the connection, and those that are `foreign` to it."""

    values: dict[str, str]
    foreign: dict[str, str]


def read_query(state: ParseState, text: str, start: int, table: Mapping[str, Parameter]) -> Query:
    """Read ``name=value&...`` by `table`. Problems are added to `state`; `start` is the offset of `text`.

    An unknown name may be the rest of a value that was not encoded, even of a password.
    Messages name it only while nothing else was wrong and no secret has been read.
    """
    query = Query({}, {})
    secret_read = False
    for ordinal, written in enumerate(text.split("&") if text else (), 1):
        name, equals, value = written.partition("=")
        parameter = table.get(name)
        if not name or not equals:
            state.refuse("parameter-syntax", f'parameter {ordinal} is not name=value. Write "&" in a value as %26')
        elif parameter is None:
            _refuse_unknown(state, name, ordinal, tuple(table), named=not (secret_read or state.problems))
        else:
            meaning = _read_value(state, name, parameter, value, start + len(name) + 1)
            _store(state, query, name, parameter, meaning)
            secret_read = secret_read or parameter.secret
        start += len(written) + 1
    return query


def settle_tls(state: ParseState, values: dict[str, str], *, secure: bool, remedy: str) -> None:
    """Complete the TLS parameters if the scheme decides: ``redis`` or ``rediss``, ``amqp`` or ``amqps``.

    A plain scheme is ``sslmode=disable`` and allows no TLS parameters; `remedy` says what to do about
    those that are there. A scheme with TLS that states no verification is left to
    the verdict, which knows the provider.
    """
    if not secure:
        if not CONTEXT.isdisjoint(values):
            state.refuse("tls-scheme", f"the URI has TLS parameters, but its scheme means no TLS. {remedy}")
        values["sslmode"] = "disable"
        return
    if values.get("sslmode") == "require" and "sslrootcert" in values:
        state.refuse("tls-contradicts", "a CA is named, but verification is turned off. Keep one of the two")


def _refuse_unknown(state: ParseState, name: str, ordinal: int, known: tuple[str, ...], *, named: bool) -> None:
    if named and _NAME.fullmatch(name):
        message = f"{name} is not a known parameter. {nearest(name, known) or 'Remove it'}"
    else:
        message = f"the name of parameter {ordinal} is unknown. Correct it, and encode & and spaces in values"
    state.refuse("parameter-unknown", message)


def _store(state: ParseState, query: Query, name: str, parameter: Parameter, value: str | None) -> None:
    becomes, place = parameter.becomes or name, query.foreign if parameter.foreign else query.values
    if becomes in place:
        state.refuse("parameter-duplicate", f"{name} is given twice, perhaps in two spellings. Keep one")
    elif value is not None:
        place[becomes] = value


def _read_value(state: ParseState, name: str, parameter: Parameter, written: str, start: int) -> str | None:
    """Return the value in the result's words, or refuse it and return `None`."""
    if parameter.refusal:
        state.refuse("parameter-refused", f"{name} {parameter.refusal}")
    elif not written:
        state.refuse("value-empty", f"the value of {name} is empty. Write one, or remove {name}")
    elif "+" in written:
        state.refuse(
            "plus-unencoded", (f'raw "+" in {name} is a space to some clients. Write %2B for a plus, %20 for a space')
        )
    elif value := decode(state, written, f"the value of {name}", start, secret=parameter.secret):
        return _checked(state, name, parameter, value)
    return None


def _checked(state: ParseState, name: str, parameter: Parameter, value: str) -> str | None:
    meaning = parameter.meaning.get(value.lower() if parameter.folded else value) if parameter.meaning else value
    if meaning is not None and (not parameter.pattern or re.fullmatch(parameter.pattern, value)):
        return meaning
    state.refuse(parameter.code, f"the value of {name} is invalid: expected {parameter.shape}")
    return None
