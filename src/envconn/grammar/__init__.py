"""Parse connection strings: each family of services has one grammar, chosen by the scheme of the URI.

The result is what the text asks for, unjudged. Every grammar reads a text as its reference parser does,
or refuses it; the docstring of the module names that parser and lists the
deliberate differences.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module

from envconn.errors import problem
from envconn.families import BY_SCHEME, FAMILIES, accepted
from envconn.grammar.conninfo import on_one_line, read_conninfo
from envconn.grammar.text import ParseState, alternatives, may_have_form, tidy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from envconn.connection import Connection, Origin, Secret
    from envconn.errors import Finding


# Schemes of services that are not supported yet, and their names.
_UNSUPPORTED = {
    **dict.fromkeys(("mssql", "mssqlms", "sqlserver"), "SQL Server"),
    **dict.fromkeys(("oracle", "oraclegis"), "Oracle"),
    "mongodb": "MongoDB",
    "sqlite+pysqlcipher": "SQLCipher",
    **dict.fromkeys(("redis+cluster", "rediss+cluster", "redis-cluster", "rediscluster"), "Redis Cluster"),
}

# Schemes of addresses that a provider's console shows next to the connection string.
_MISTAKEN = {
    "http": "http is for web pages. Copy the database's connection string instead",
    "https": "https is for web pages. Copy the database's connection string instead",
    "file": "file is for files. Use sqlite:///path for an SQLite database",
    "jdbc": "jdbc is for Java. Remove jdbc:, and write user:password@ before the host instead of user= and password=",
    "prisma": "prisma is for Prisma's own proxy. Copy the direct connection string instead",
    "prisma+postgres": "prisma+postgres is for Prisma's own proxy. Copy the direct connection string instead",
}


def read(text: Secret, origin: Origin, *, kombu: bool = False, role: str = "") -> Connection | tuple[Finding, ...]:
    """Return the connection that `text` describes, or everything that is wrong with it. Never raises for bad input.

    A URI is read by the grammar of its scheme; a text without ``scheme:`` but with a ``=``
    is a keyword/value string of libpq, as for libpq itself. A JSON object is a service in parts, as secret
    managers store it (`json_credentials`). `kombu` is whether Celery may read the text by itself as well, and `role`
    the service that the text is for, if that is known. No message quotes any part of the text, except known words and
    names of parameters that cannot be part of a password.
    """
    written = text.reveal().lstrip("\ufeff \t\r\n")
    if written[:1] == "{" and not _is_braced(written):
        from envconn.grammar.json_credentials import read_json

        return read_json(text, origin, read_text)
    return read_text(text, origin, kombu=kombu, role=role)


def read_text(
    text: Secret, origin: Origin, before: str = "", *, kombu: bool = False, role: str = ""
) -> Connection | tuple[Finding, ...]:
    """Do the same as `read`, for a text that is not JSON. `before` is what stands before the scheme, as in ``db+``."""
    state = ParseState(origin, kombu=kombu, role=role)
    clean = tidy(state, on_one_line(text.reveal()))
    mistake = _mistake(clean) if clean and _may_be_mistaken(clean) else None
    connection = None if mistake or clean is None else _dispatch(state, clean, before)
    if connection and not _is_example(connection):
        return connection
    if connection:
        return (problem("placeholder-unreplaced", origin.variable, _EXAMPLE),)
    mistake = mistake or _mistake(clean or text.reveal())
    return (problem(mistake[0], origin.variable, mistake[1]),) if mistake else tuple(state.problems)


def _is_example(connection: Connection) -> bool:
    """Whether host and user, or host and password, are the words of an example; a host alone may have such a name."""
    if connection.origin.parts or not any(_plain(host.host) in _HOSTS for host in connection.hosts):
        return False
    password = connection.password.reveal() if connection.password else ""
    return not _LOGINS.isdisjoint((_plain(connection.user), _plain(password)))


def _plain(word: str) -> str:
    return word.lower().removeprefix("your").lstrip("-_")


_HOSTS = frozenset({"host", "hostname"})
_LOGINS = frozenset({"user", "username", "password", "pass"})
_EXAMPLE = "is an example: the host and the user or the password are placeholders. Put the real ones in their place"


def _may_be_mistaken(text: str) -> bool:
    """Whether `text` may have a mistake that its grammar does not notice; cheap, as every text is asked."""
    if may_have_form(text) or not _MARKS.isdisjoint(text):
        return True
    place, _, query = text.partition("?")
    if "//" not in place:
        return not _BETWEEN.isdisjoint(text)
    return "?" in query or "," in query or "=" in place or "%3" in text or "http" in place or place.count("://") > 1


_MARKS = frozenset(";\\")
_BETWEEN = frozenset(",&?%|:")


MISTAKES = frozenset({"reference-unresolved", "placeholder-unreplaced", "text-pasted"})
"""The codes of what was written for another program: no variable of another product is meant to have it."""


def reference(text: str) -> tuple[str, str] | None:
    """Return code and message if `text`, one part of a connection, is an unresolved reference or a placeholder."""
    if not may_have_form(text) and _SCHEMED.isdisjoint(text):
        return None
    from envconn.grammar.references import of_value

    form = of_value(text)
    return (form.code, f"is {form.what}. {form.remedy}") if form else None


_SCHEMED = frozenset("/:@!%")


def _mistake(text: str) -> tuple[str, str] | None:
    from envconn.grammar.mistakes import find  # only for a text that is refused, or nearly

    return find(text)


def _is_braced(text: str) -> bool:
    """Whether `text` is in braces, but not JSON: ``{{ database_url }}``, ``{your_connection_string}``."""
    return text[1:2] == "{" or (_OF_JSON.isdisjoint(text) and len(text.split("}", maxsplit=1)[0]) > 1)


_OF_JSON = frozenset("\"':")


def _dispatch(state: ParseState, text: str, before: str) -> Connection | None:
    scheme, separator, _ = text.partition("://")
    if separator and (family := BY_SCHEME.get(scheme.removeprefix(before))):
        return _reader(family)(state, scheme, text)
    if match := re.match(r"([A-Za-z][A-Za-z0-9+._-]*):(/?)", text):
        state.refuse(*_explain(match[1], match[2], state.role))
    elif "=" in text and not text.startswith("//"):
        return read_conninfo(state, text)
    else:
        state.refuse("scheme-missing", _NO_SCHEME.format(alternatives(accepted(state.role))))
    return None


@cache
def _reader(family: str) -> Callable[[ParseState, str, str], Connection | None]:
    # Imported for the first text that needs it; PostgreSQL's is loaded already.
    module, _, name = FAMILIES[family].grammar.partition(".")
    found: Callable[[ParseState, str, str], Connection | None] = getattr(import_module(f"{__name__}.{module}"), name)
    return found


def _explain(scheme: str, slash: str, role: str) -> tuple[str, str]:
    """Return why a scheme is not supported, without quoting it: the text before a colon may be a user name."""
    lower = scheme.lower()
    if scheme in BY_SCHEME:
        return "scheme-slashes", "the scheme is not followed by two slashes. Write scheme://user:password@host/name"
    if lower in BY_SCHEME:
        return "scheme-case", "the scheme has capital letters. Write it in lower case"
    if mistaken := _MISTAKEN.get(lower):
        return "scheme-unknown", f"unsupported scheme: {mistaken}"
    if family := _UNSUPPORTED.get(lower) or _UNSUPPORTED.get(lower.partition("+")[0]):
        return "scheme-unsupported", f"{family} is not supported. Use {alternatives(accepted(role))}"
    near = _nearest(lower, role)
    if not (slash or near):
        return "scheme-unknown", _NO_SCHEME.format(alternatives(accepted(role)))
    return "scheme-unknown", f"unsupported scheme. Use {alternatives(near or accepted(role))}"


_NO_SCHEME = "the value has no scheme. Begin it with {}"


def _nearest(scheme: str, role: str) -> tuple[str, ...]:
    """Return the scheme of `role` that is nearly `scheme`, with its counterpart with or without TLS; or nothing."""
    from difflib import get_close_matches  # imported only after a mistake

    known = [each for each in BY_SCHEME if role in {"", *FAMILIES[BY_SCHEME[each]].services}]
    base, plus, driver = scheme.removeprefix("prometheus-").partition("+")  # a prefix of django-prometheus
    if plus and base in known:
        drivers = {each.partition("+")[2]: each for each in known if each.startswith(f"{base}+")}
        close = [drivers[each] for each in get_close_matches(driver, drivers, 1, 0.8)] or [base]
    else:
        close = get_close_matches(base + plus + driver, known, 1, 0.7)
    return _written(close[0]) if close else ()


def _written(scheme: str) -> tuple[str, ...]:
    family = FAMILIES[BY_SCHEME[scheme]]
    begun = f"{scheme}{family.slashes}"
    return family.written if begun in family.written else (begun,)
