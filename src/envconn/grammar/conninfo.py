"""PostgreSQL keyword/value strings (``host=h dbname=d``), after libpq's conninfo_parse.

The reference is fe-connect.c of libpq 18: blanks between pairs and around ``=``, values in single quotes,
backslash escapes inside and outside of quotes, and the next pair right behind a closing quote.
Deliberate differences, all refusals but the last:

- a tab or a line break in a value, which is a control character here (see `envconn.grammar.text`);
- a blank after ``=`` and then an unquoted value with a ``=`` in it: libpq reads ``password= dbname=d``
  as a password, but it is a template whose variable was not set;
- a keyword given twice (libpq: the last one wins), and everything refused below and in `envconn.grammar.hosts`;
- keys of other tools (`libpq_keywords.FOREIGN`) are removed.

The rest of the file also serves PostgreSQL's URIs: a draft of the connection, which in libpq is conninfo_storeval
(look up the keyword; the last value wins), and the checks of pqConnectOptions2, made when the
connection is made. Deliberate differences, all refusals: a keyword given twice, an empty value where it decides
about TLS, whom we talk to or as whom, numbers with signs or blanks, and TLS below 1.2. Where host, user or database
name are not stated, they are empty here: libpq's defaults depend on the process (`selection.libpq_defaults`).
"""

from __future__ import annotations

import re

from envconn.connection import Connection, Host, Parameters, Secret
from envconn.families import POSTGRESQL
from envconn.grammar.hosts import pair_up
from envconn.grammar.libpq_keywords import (
    ATTRIBUTES,
    FOREIGN,
    INSTEAD,
    KEYWORDS,
    METHODS,
    OF_DJANGO,
    REFUSED_WORDS,
    SAFE_MODES,
    SCHEMAS,
    SECRETS,
    SSL_WORDS,
    known_methods,
    reversed_ranges,
    setting,
    spelled,
)
from envconn.grammar.text import MOST, nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.grammar.text import ParseState


# No match means an unclosed quote. A backslash makes the next character literal; the last
# one of an unquoted value is ignored, the last one inside quotes hides the closing quote.
_PLAIN = r"(?!')((?:[^ \\]|\\.|\\$)*)"
_VALUE = rf"'((?:[^'\\]|\\.)*)'|{_PLAIN}"


def read_conninfo(state: ParseState, text: str) -> Connection | None:
    """Read ``keyword=value keyword='value' ...``.

    Returns `None` if something is wrong; `state` then holds the problems.
    """
    draft = Draft(state)
    position = ordinal = 0
    while position < len(text):
        ordinal += 1
        end = _read_pair(draft, text, position, ordinal)
        if end is None:
            # After an invalid pair it is not known where the next one begins.
            return None
        position = end
    return draft.finish("")


def on_one_line(text: str) -> str:
    """Return `text` with a blank for each tab and line break between pairs, if it is a keyword/value string.

    Positions stay the same. What is in quotes, or follows a backslash, is part of a value.
    """
    if text.isprintable() or not re.match(rf"\ufeff?{_SPACE}*[a-z_]+{_SPACE}*=", text):
        return text
    return re.sub(_BETWEEN, _blank, text)


_SPACE = r"[ \t\n\v\f\r]"
"""White space as isspace() in C knows it."""

# A "=" and the value after it, in quotes or without; white space, but not the last.
_BETWEEN = (
    rf"(?s)(={_SPACE}*(?!\Z))(?:'(?:[^'\\]|\\.)*'|(?!')(?:[^ \t\n\v\f\r\\]|\\.)*)"
    rf"|{_SPACE}+(?!\Z)"
)


def _blank(found: re.Match[str]) -> str:
    between = found[1] or (found[0] if not found[0].strip(" \t\n\v\f\r") else "")
    return re.sub(_SPACE, " ", between) + found[0][len(between) :]


def unquoted(text: str) -> list[tuple[str, str]]:
    """Return each keyword of `text` and its value as it is written; without the value if that is in quotes."""
    found, position = [], 0
    while (equals := text.find("=", position)) >= 0:
        match = re.compile(f" *(?:{_VALUE})").match(text, equals + 1)
        value = match[2] or "" if match else text[equals + 1 :]
        found.append((text[position:equals].strip(" "), value))
        position = match.end() if match else len(text)
    return found


def quoted(value: str) -> str:
    """Return `value` as it is written after ``keyword=``: in quotes, with quotes and backslashes escaped.

    PostgreSQL 18 manual, 32.1.1.1.
    """
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _read_pair(draft: Draft, text: str, position: int, ordinal: int) -> int | None:
    """Read one pair and return where the next one starts, or `None`."""
    equals = text.find("=", position)
    name = text[position:equals].strip(" ")
    # The name ends at the first blank, and only blanks may be between it and the "=".
    if equals < 0 or " " in name:
        draft.state.refuse(
            "parameter-syntax", (f'parameter {ordinal} has no "=". Write name=value, and quote a value with spaces')
        )
        return None
    start = equals + 1
    while text.startswith(" ", start):
        start += 1
    value, end = _read_value(draft.state, text, start, ordinal, spaced=start > equals + 1)
    if value is not None:
        _put(draft, name, value, ordinal)
    return end


def _read_value(
    state: ParseState, text: str, start: int, ordinal: int, *, spaced: bool
) -> tuple[str, int] | tuple[None, None]:
    """Return the value that begins at `start`, and its end; `spaced` is whether spaces are before it."""
    match = re.compile(_VALUE).match(text, start)
    if match is None:
        state.refuse("parameter-syntax", f"the quote around the value of parameter {ordinal} is not closed")
        return None, None
    quoted, plain = match.groups()
    if plain and "=" in plain and spaced:
        state.refuse("value-ambiguous", f"parameter {ordinal} has a space after its \"=\". Write '' for an empty value")
        return None, None
    return re.sub(r"\\(.?)", r"\1", plain if quoted is None else quoted), match.end()


def _put(draft: Draft, name: str, value: str, ordinal: int) -> None:
    # No "ssl=true" here: only conninfo_uri_parse_params translates it.
    if draft.knows(name):
        draft.put(name, value)
    else:
        draft.put_unknown(name, ordinal)


LONGEST_NAME = 63
"""The bytes of a database name (NAMEDATALEN - 1): the server cuts a longer one off, and looks for the rest."""

_LARGEST = 2_147_483_647  # INT_MAX, as in parse_int_param
_SECRETIVE = ("pass", "pw", "secret", "key", "token", "%")
_NEVER_EMPTY = frozenset(
    name
    for name, keyword in KEYWORDS.items()
    if keyword.decides == "tls" or keyword.order or keyword.values or keyword.number or name == "hostaddr"
)


class Draft:
    """The values read so far, by keyword. `None` marks one that was refused already.

    An unknown keyword may be the rest of a password that was not encoded. Messages count
    it, instead of naming it, while `doubtful` is true: set by `put` for a secret, and by the caller
    if the text before the keywords was invalid.
    """

    __slots__ = ("_unknown", "doubtful", "foreign", "ssl", "state", "values")

    def __init__(self, state: ParseState) -> None:
        self.state = state
        self.values: dict[str, str | None] = {}
        self.foreign: dict[str, str] = {}
        self.ssl: str | None = None
        self.doubtful = False
        self._unknown: list[tuple[int, str]] = []

    def knows(self, name: str) -> bool:
        """Whether `name` is a keyword of libpq or of another known tool."""
        return name in KEYWORDS or _foreign(name) in FOREIGN

    def put_unknown(self, name: str, ordinal: int) -> None:
        """Remember an unknown keyword; `ordinal` counts from 1. `finish` reports it."""
        self._unknown.append((ordinal, name))

    def put(self, name: str, value: str | None) -> None:
        """Store the value of a known keyword, unless it is refused or given twice."""
        self.doubtful, name = self.doubtful or name in SECRETS, _foreign(name)
        if name in self.values or name in self.foreign:
            self.state.refuse("parameter-duplicate", _TWICE.format(name) + _HOSTS * (name == "host"))
        elif name in FOREIGN:
            self.foreign[name] = value or ""
        else:
            self.values[name] = value = value and spelled(name, value)
            if value is not None:
                self._check(name, value)

    def put_ssl(self, word: str) -> None:
        """Store the value of ``ssl``, which says the same as ``sslmode``."""
        known = word if word in SSL_WORDS else word.lower()
        if known not in SSL_WORDS or (known != word and known not in _FLAGS):
            self.state.refuse("ssl-unknown", _SSL_UNKNOWN)
        elif self.ssl is not None:
            self.state.refuse("parameter-duplicate", "ssl is given twice. Keep one")
        else:
            self.ssl = known

    def finish(self, scheme: str) -> Connection | None:
        """Return the connection, or `None` if there were problems, here or before. What is not stated is empty."""
        state, values = self.state, self.values
        before = len(state.problems)
        self._settle_ssl()
        self._settle_schema()
        hosts = self._pair_hosts()
        self._check_names()
        # A text that leaves out a part may have put the password in its place.
        is_whole = values.keys() >= {"host", "user", "dbname"}
        self._report_unknown(named=is_whole and not self.doubtful and len(state.problems) == before)
        if state.problems:
            return None
        password = values.get("password")
        others = {name: value for name, value in values.items() if value is not None and name not in ATTRIBUTES}
        return Connection(
            family=POSTGRESQL,
            scheme=scheme,
            hosts=hosts,
            user=values.get("user") or "",
            dbname=values.get("dbname") or "",
            password=Secret(password) if password else None,
            parameters=Parameters(others),
            foreign=Parameters(self.foreign),
            origin=state.origin,
            notes=tuple(state.notes),
        )

    def _check(self, name: str, value: str) -> None:
        keyword = KEYWORDS[name]
        if keyword.refusal:
            self.state.refuse("parameter-refused", keyword.refusal)
        elif not value and name in _NEVER_EMPTY:
            self.state.refuse("value-empty", f"the value of {name} is empty. Write one, or remove {name}")
        elif keyword.values and value not in keyword.values:
            self.state.refuse(*_wrong_word(name, value))
        elif name == "require_auth" and not known_methods(value):
            self.state.refuse("value-unknown", f"the value of require_auth {METHODS}")
        elif keyword.number:
            self._check_number(name, value)

    def _check_number(self, name: str, value: str) -> None:
        if not (value.isascii() and value.isdigit()) or len(value) > 10 or int(value) > _LARGEST:
            self.state.refuse(
                "number-invalid", (f"the value of {name} is invalid: expected a whole number from 0 to {_LARGEST}")
            )
        elif name == "connect_timeout" and int(value) == 0:
            self.state.notes.append("connect_timeout is zero, so a connection waits without limit")

    def _settle_ssl(self) -> None:
        if self.ssl is None:
            return
        mode = SSL_WORDS[self.ssl]
        stated = self.values.get("sslmode", mode)
        if "sslmode" not in self.values:
            self.put("sslmode", mode)
            self.state.notes.append(f"ssl={self.ssl} was read as sslmode={mode}")
        elif not (stated == mode or (self.ssl in {"true", "1"} and stated in SAFE_MODES)):
            self.state.refuse("parameter-duplicate", "ssl and sslmode differ. Keep the stronger one, as sslmode")

    def _settle_schema(self) -> None:
        """Add the setting for the schema to ``options``; ``public`` is the server's default."""
        stated = {name: self.foreign[name] for name in SCHEMAS if name in self.foreign}
        paths = {_search_path(name, value) for name, value in stated.items()}
        options = self.values.get("options", "") or ""
        added = " ".join(setting("search_path", path) for path in paths - {"public"})
        others = options.removesuffix(added) if added else options
        first = next(iter(stated), "")
        if "" in stated.values():
            self.state.refuse("value-empty", f"the value of {first} is empty. Write one, or remove {first}")
        elif len(paths) > 1 or (paths and "search_path" in others):
            self.state.refuse("parameter-duplicate", f"{first} and another parameter differ. Keep one")
        elif added and added not in options:
            self.values["options"] = f"{options} {added}".lstrip()
        elif paths and not added:
            self.state.notes.append(f"{first}=public was removed, as it is the server's default")

    def _check_names(self) -> None:
        values, dbname = self.values, self.values.get("dbname")
        for name, (code, message) in _EMPTY_NAMES.items():
            if values.get(name) == "":
                self.state.refuse(code, message)
        if dbname and len(dbname.encode()) > LONGEST_NAME:
            self.state.refuse("dbname-too-long", f"the database name has more than {LONGEST_NAME} bytes. Shorten it")
        for least, most in reversed_ranges(values):
            self.state.refuse("tls-version-range", f"{least} is above {most}. Remove one of the two")

    def _pair_hosts(self) -> tuple[Host, ...]:
        host, hostaddr, port = (self.values.get(name, "") for name in ("host", "hostaddr", "port"))
        if host is None or hostaddr is None or port is None:
            return ()
        if not hostaddr and "host" not in self.values:
            # Only the port is known, if it is.
            [place] = pair_up(self.state, "unknown", "", port)[:1]
            return (Host("", place.port if port else 0),)
        return pair_up(self.state, host, hostaddr, port)

    def _report_unknown(self, *, named: bool) -> None:
        # A password that was not encoded may have been cut at "&" or a blank: then this is its rest.
        for ordinal, name in self._unknown[:MOST]:
            instead = INSTEAD["options[]"] if re.fullmatch(r"options\[[a-z_.]+\]", name) else INSTEAD.get(name)
            is_name = len(name) <= LONGEST_NAME and name.isascii() and name.isidentifier()
            if named and (instead or is_name):
                hint = instead or nearest(name, (*KEYWORDS, *FOREIGN)) or "Remove it"
                message = f"libpq does not support {name}. {hint}"
            else:
                message = f"the name of parameter {ordinal} is unknown. Correct it, and encode & and spaces in values"
            self.state.refuse("parameter-unknown", message)
            # What follows a mistyped password may be its rest, too.
            named = named and not any(word in name.lower() for word in _SECRETIVE)


def _foreign(name: str) -> str:
    """Return `name` in lower case if Django has a setting of that name."""
    return name.lower() if name.lower() in OF_DJANGO else name


def _search_path(name: str, value: str) -> str:
    # Prisma quotes the one name (SET search_path = "..."); pgjdbc sends a list as it is written.
    if name != "schema" or re.fullmatch("[a-z_][a-z0-9_]*", value):
        return value
    return '"' + value.replace('"', '""') + '"'


_TWICE = "{} is given twice, in two places or spellings. Keep one"
_HOSTS = ", or write a list of hosts with commas"
_FLAGS = ("true", "false")
_SSL_UNKNOWN = "the value of ssl is invalid. Use sslmode=require, or better sslmode=verify-full"
_EMPTY_NAMES = {
    "user": ("user-missing", "the user is empty. Write one, or remove user="),
    "dbname": ("dbname-missing", "the database name is empty. Write one, or remove dbname="),
}


def _wrong_word(name: str, value: str) -> tuple[str, str]:
    if known := REFUSED_WORDS.get((name, value)):
        return known
    code = "sslmode-unknown" if name == "sslmode" else "value-unknown"
    # The weak values of sslmode are known, but recommending one would lead to the next refusal.
    words = SAFE_MODES if name == "sslmode" else KEYWORDS[name].values
    return code, f"the value of {name} is invalid. {nearest(value, words)}"
