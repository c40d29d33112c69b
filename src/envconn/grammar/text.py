"""Checks before any grammar: forbidden characters, percent escapes, and `ParseState`, which collects problems.

libpq reads bytes up to the first NUL; an environment holds bytes, which Python returns with
lone surrogates if they are not UTF-8 (PEP 383). So some texts mean one thing
to libpq, another to Python's drivers, and a third to a log. They are refused here.

Nothing in this package raises for bad input. The traceback of an exception would hold the frames, and
`UnicodeDecodeError` and `int()` even the value; problems are collected in a `ParseState` instead.
"""

from __future__ import annotations

import re

from envconn.errors import Finding, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from envconn.connection import Origin


# Characters. The kernel allows 131,072 bytes for one variable (MAX_ARG_STRLEN); a connection
# string that contains a certificate is far below this limit.
LONGEST = 32_768

# Problems of one text. More would hide the first, which is most likely the cause of the others.
MOST = 20

# Both are only searched in a text that is not printable: `str.isprintable` is faster than a pattern.
_CONTROL = "[\x00-\x1f\x7f-\x9f]"
_UNFIT = "[\x00-\x1f\x7f-\x9f\ud800-\udfff]"


SOCKET_BEFORE_NAME = (
    "the path begins with a second slash, which means a socket to django-environ and a database name to other readers. "
    "Write {}://user:password@/name?{}=/directory"
)
"""What is wrong with ``@//directory/name``; the placeholders are the scheme and the parameter to use."""


class ParseState:
    """The problems and notes of one text while it is read.

    It holds no part of the text. A problem is kept once, and the first `MOST` of them are. `kombu` is whether
    Celery may read the same text by itself, with kombu's rules. `role` is the service that the text is for, if known.
    """

    __slots__ = ("kombu", "notes", "origin", "problems", "role")

    def __init__(self, origin: Origin, *, kombu: bool = False, role: str = "") -> None:
        self.role = role
        self.origin = origin
        self.kombu = kombu
        self.problems: dict[Finding, None] = {}  # a set that keeps its order
        self.notes: list[str] = []

    def refuse(self, code: str, message: str) -> None:
        """Add a problem. `message` names parts and positions, never their content."""
        if len(self.problems) < MOST:
            self.problems[problem(code, self.origin.variable, message)] = None


def tidy(state: ParseState, text: str) -> str | None:
    """Return `text` without what editors and clipboards add around it, or `None` if it is refused.

    One byte-order mark, and newlines, tabs and spaces around the rest are removed, each with a
    note. Positions in later messages count the characters of the result, from 1.
    """
    if len(text) > LONGEST:
        state.refuse(
            "text-too-long", f"the value has more than {LONGEST:,} characters. Set it to one connection string"
        )
        return None
    for removed, without in _WRAPPINGS:
        if (shorter := without(text)) != text:
            state.notes.append(f"{removed} removed")
            text = shorter
    return text if _is_fit(state, text) else None


def decode(state: ParseState, text: str, part: str, start: int, *, secret: bool = False) -> str | None:
    """Decode the percent escapes of one part of a URI, or add the problem and return `None`.

    `part` names it in messages ("the password"); `start` is its offset in the whole text. As in
    libpq's conninfo_uri_decode every ``%`` needs two hex digits, ``%00`` is forbidden, and ``+`` is
    a plus. Unlike there the bytes must be UTF-8, and control characters are allowed in a
    `secret` only, which is never shown.
    """
    if "%" not in text:
        return text
    if bad := re.search("%(?:00|(?![0-9A-Fa-f]{2}))", text):
        state.refuse(*_bad_escape(bad.group(), part, start + bad.start() + 1))
        return None
    first, *rest = text.encode().split(b"%")
    raw = first + b"".join(bytes.fromhex(piece[:2].decode()) + piece[2:] for piece in rest)
    # Not a strict decode: its exception would hold the bytes.
    decoded = raw.decode("utf-8", "surrogateescape")
    if not decoded.isascii() and re.search("[\ud800-\udfff]", decoded):
        state.refuse("text-not-utf8", f"the percent escapes in {part} are not UTF-8. Encode its UTF-8 bytes")
    elif not (secret or decoded.isprintable()) and re.search(_CONTROL, decoded):
        state.refuse("control-character", f"{part} has an encoded control character. Remove it")
    else:
        return decoded
    return None


def find_query(text: str, start: int, names: Collection[str]) -> int:
    """Return the offset of the ``?`` behind `start` that one of the parameters `names` follows, or the end of `text`.

    What is behind it is a query, whatever raw delimiters are in it.
    """
    found = text.find("?", start)
    while found >= 0:
        if text[found + 1 : text.find("=", found, found + _LONGEST_PARAMETER)] in names:
            return found
        found = text.find("?", found + 1)
    return len(text)


_LONGEST_PARAMETER = 64
"""Characters of a parameter's name, at most, with those around it."""


def may_have_form(text: str) -> bool:
    """Whether a component of `text` may be a reference or a placeholder (`references`, which is imported only then).

    One in percent signs alone (``%NAME%``) does not count: every text with an escape has one.
    """
    return not FORM_CHARACTERS.isdisjoint(text) or FORM_WORD in text


FORM_CHARACTERS = frozenset("$<{[(*#\N{BULLET}\N{BLACK CIRCLE}\N{MIDDLE DOT}")
FORM_WORD = "encrypted:"
"""Every form that a component may have contains one of these; a test derives that from the table of forms."""


def nearest(word: str, known: tuple[str, ...]) -> str:
    """Return a hint for a mistyped `word`: the nearest known one, or all if there are few.

    The hint contains only words of `known`.
    """
    from difflib import get_close_matches  # imported only after a mistake

    if word != word.strip() and word.strip() in known:
        return f"Use {word.strip()} without the space"
    if word.lower() in known:
        return f"Use {word.lower()}, in lower case"
    if close := get_close_matches(word, known, 1, 0.7):
        return f"Use {close[0]}"
    return f"Use {alternatives(known)}" if len(known) < 10 else ""


def alternatives(words: tuple[str, ...]) -> str:
    """Return `words` as a choice: "a, b or c"."""
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _without_mark(text: str) -> str:
    return text.removeprefix("\ufeff")


def _without_newlines(text: str) -> str:
    return _stripped(text, "\r\n\t")


def _without_spaces(text: str) -> str:
    return _stripped(text, " \r\n\t")


def _stripped(text: str, blanks: str) -> str:
    # For conninfo_parse, a backslash makes the next blank part of the value.
    shorter = text.lstrip(blanks)
    kept = shorter.rstrip(blanks)
    is_escaped = (len(kept) - len(kept.rstrip("\\"))) % 2
    return shorter[: len(kept) + is_escaped]


_WRAPPINGS = (
    ("byte-order mark", _without_mark),
    ("surrounding newlines or tabs", _without_newlines),
    ("surrounding spaces", _without_spaces),
)


def _is_fit(state: ParseState, text: str) -> bool:
    if not text:
        state.refuse("text-empty", "the value is empty. Set it to a connection string, or unset it")
    elif text[0] in "'\"":
        state.refuse("text-quoted", "the value begins with a quotation mark. Remove the quotes around it")
    else:
        for code, message in unfit(text):
            state.refuse(code, message)
    return not state.problems


def unfit(text: str) -> list[tuple[str, str]]:
    """Return code and message for the first character of `text` that no value may have, if there is one."""
    found = None if text.isprintable() else re.search(_UNFIT, text)
    return [_unfit(found.group(), found.start() + 1)] if found else []


def _unfit(character: str, position: int) -> tuple[str, str]:
    if character >= "\ud800":
        return "text-not-utf8", f"the value is not UTF-8 at character {position}. Encode it as UTF-8"
    if character == "\0":
        return "text-nul", f"there is a NUL at character {position}. Remove it"
    kind = "line break" if character in "\r\n" else "control character"
    return "control-character", f"there is a {kind} at character {position}. Remove it: the value must be one line"


def _bad_escape(escape: str, part: str, position: int) -> tuple[str, str]:
    if escape == "%00":
        return "text-nul", f"%00 at character {position} in {part} is a NUL, where libpq would end the value. Remove it"
    return (
        "percent-unencoded",
        f'raw "%" at character {position} in {part} is not followed by two hex digits. Write %25 for a percent sign',
    )
