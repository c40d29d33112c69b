"""PostgreSQL keyword/value strings (``host=h dbname=d``), after libpq's conninfo_parse.

Followed is fe-connect.c of libpq 18: blanks between pairs and around ``=``, values in single quotes,
backslash escapes inside and outside of quotes, and the next pair right behind a closing quote.
Deliberate differences, all refusals but the last:

- tabs and line breaks, which separate pairs for libpq, are control characters here (see `_text`);
- a blank behind ``=`` and then an unquoted value with a ``=`` in it: libpq reads ``password= dbname=d``
  as a password, when it is a template whose variable was not set;
- a keyword given twice (libpq: the last one wins), and whatever `_draft` and `_hosts` refuse;
- keys of other tools (`keywords.FOREIGN`) are taken out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envconn.grammar._draft import Draft

if TYPE_CHECKING:
    from envconn.connection import Connection
    from envconn.grammar._text import Reading

__all__ = ["quoted", "read_conninfo"]

# No match means a quote that is not closed. A backslash takes the next character as it is; the last
# one of an unquoted value stands for nothing, the last one inside of quotes hides the closing quote.
_VALUE = re.compile(r"'((?:[^'\\]|\\.)*)'|(?!')((?:[^ \\]|\\.|\\$)*)")
_ESCAPE = re.compile(r"\\(.?)")


def read_conninfo(reading: Reading, text: str) -> Connection | None:
    """Read ``keyword=value keyword='value' ...``.

    Returns `None` when something is wrong; what, is in `reading` then.
    """
    draft = Draft(reading)
    position = ordinal = 0
    while position < len(text):
        ordinal += 1
        end = _read_pair(draft, text, position, ordinal)
        if end is None:
            # Where one pair ends badly, nobody knows where the next begins.
            return None
        position = end
    return draft.finish("")


def quoted(value: str) -> str:
    """Return `value` as it is written behind ``keyword=``: in quotes, with a backslash before what would end them.

    PostgreSQL 18 manual, 32.1.1.1.
    """
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _read_pair(draft: Draft, text: str, position: int, ordinal: int) -> int | None:
    """Read one pair and return where the next one starts, or `None`."""
    equals = text.find("=", position)
    name = text[position:equals].strip(" ")
    # The name ends at the first blank, and only blanks may come between it and the "=".
    if equals < 0 or " " in name:
        draft.reading.refuse("parameter-syntax", f'parameter {ordinal} has no "="; write name=value, quote blanks')
        return None
    start = equals + 1
    while text.startswith(" ", start):
        start += 1
    match = _VALUE.match(text, start)
    if match is None:
        draft.reading.refuse("parameter-syntax", f"the quote around the value of parameter {ordinal} is not closed")
        return None
    quoted, plain = match.groups()
    if plain and "=" in plain and start > equals + 1:
        draft.reading.refuse(
            "value-ambiguous", f"parameter {ordinal} has a blank behind its \"=\"; write '' for an empty value"
        )
        return None
    _put(draft, name, _ESCAPE.sub(r"\1", plain if quoted is None else quoted), ordinal)
    return match.end()


def _put(draft: Draft, name: str, value: str, ordinal: int) -> None:
    # No "ssl=true" here: only conninfo_uri_parse_params translates it.
    if draft.knows(name):
        draft.put(name, value)
    else:
        draft.put_unknown(name, ordinal)
