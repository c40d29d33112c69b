"""A database given in parts (``PGHOST``, ``DATABASE_HOST``, ...) instead of as one string.

Parts need no encoding. They are quoted into a keyword/value string, so that all rules about values
are in one grammar.
"""

from __future__ import annotations

import re

from envconn import families
from envconn.connection import Secret
from envconn.errors import Finding, note, problem
from envconn.grammar import reference
from envconn.grammar.conninfo import quoted
from envconn.grammar.libpq_keywords import ATTRIBUTES, FILES, KEYWORDS, VARIABLES
from envconn.grammar.text import unfit
from envconn.records import replace
from envconn.selection import part_names
from envconn.sources import Lookup, Text
from envconn.tls.policy import CA_VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from envconn.sources import Environment


# A relationship of Upsun and Platform.sh called "postgresql" or "database" sets these parts.
_UPSUN = {
    "HOST": "host",
    "PORT": "port",
    "PATH": "dbname",
    "USERNAME": "user",
    "PASSWORD": "password",
    "SCHEME": "scheme",
}


def _family(prefix: str) -> dict[str, str]:
    """Return the variables of a family by their prefix, without those that state a CA for every connection."""
    names = {f"{prefix}_{word}": keyword for word, keyword in part_names.SUFFIXES.items()}
    return {name: keyword for name, keyword in names.items() if name.removesuffix("_FILE") not in CA_VARIABLES}


def _of_upsun(prefix: str) -> dict[str, str]:
    return {f"{prefix}_{word}": keyword for word, keyword in _UPSUN.items()}


_PREFIXES = ("DATABASE", "DB", "POSTGRES", "PLANETSCALE", "POSTGRESQL", "AZURE_POSTGRESQL", "POSTGRESQL_ADDON")

# Elastic Beanstalk.
_RDS = {
    "RDS_HOSTNAME": "host",
    "RDS_PORT": "port",
    "RDS_DB_NAME": "dbname",
    "RDS_USERNAME": "user",
    "RDS_PASSWORD": "password",
    **{f"RDS_{word}": part for word, part in part_names.SUFFIXES.items() if part in part_names.TLS or part == "scheme"},
}

# Clever Cloud, optional: bypasses the network's proxy, everything else is the same.
_DIRECT = {
    "POSTGRESQL_ADDON_DIRECT_HOST": "host",
    "POSTGRESQL_ADDON_DIRECT_PORT": "port",
    "POSTGRESQL_ADDON_DB": "dbname",
    "POSTGRESQL_ADDON_USER": "user",
    "POSTGRESQL_ADDON_PASSWORD": "password",
}

PREFIXES = (*(f"{prefix}_" for prefix in _PREFIXES), "RDS_")
"""What the names of the parts begin with, other than libpq's."""

DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "PGHOST": VARIABLES,
    **{f"{prefix}_HOST": _family(prefix) for prefix in _PREFIXES},
    **{f"{prefix}_HOST": _family(prefix) | _of_upsun(prefix) for prefix in ("DATABASE", "POSTGRESQL")},
    "RDS_HOSTNAME": _RDS,
}
"""The default database: by the variable of the host, which decides about the family, variable to keyword."""

SIBLINGS: Mapping[str, Mapping[str, str]] = {"POSTGRESQL_ADDON_DIRECT_HOST": _DIRECT}
"""Another endpoint of the default database."""

USUAL: Mapping[str, Mapping[str, str]] = {
    # The template of FastAPI, and the image of MySQL.
    "POSTGRES_SERVER": {"POSTGRES_SERVER": "host", **_family("POSTGRES")},
    "MYSQL_HOST": _family("MYSQL"),
    "MARIADB_HOST": _family("MARIADB"),
}
"""Other usual names of the host of the default database: read if nothing else names it."""

FAMILIES: Mapping[str, Mapping[str, str]] = {**DEFAULTS, **SIBLINGS, **USUAL}
"""All families."""


def compose(environment: Environment, present: AbstractSet[str], leader: str) -> Lookup:
    """Gather the parts of the family that `leader` announces; nothing if it is not among those `present`.

    Of two variables of a family for one keyword (``DB_USER`` and ``DB_USERNAME``), the first one set is used.
    """
    if leader not in present:
        return Lookup()
    lookups, problems, notes = _parts(environment, present, leader)
    whole = lookups[leader].found
    if problems or whole is None:
        return Lookup(problems=problems, notes=notes)
    scheme, separator, _ = whole.text.reveal().partition("://")
    if separator and scheme.strip().lower() in families.BY_SCHEME:
        # The host holds a whole connection string, which contains everything that the parts would.
        return Lookup(whole, notes=notes)
    texts = {name: lookup.found.text.reveal().strip("\r\n") for name, lookup in lookups.items() if lookup.found}
    values, problems = _values(leader, texts)
    kind = families.POSTGRESQL if problems else _kind(leader, values, texts)
    if problems or isinstance(kind, Finding):
        return Lookup(problems=(kind,) if isinstance(kind, Finding) else problems, notes=notes)
    origin = replace(whole.origin, variable=leader, via=(), parts=True)
    return Lookup(Text(Secret(_spelled(kind, values)), origin), notes=notes)


def _parts(
    environment: Environment, present: AbstractSet[str], leader: str
) -> tuple[Mapping[str, Lookup], tuple[Finding, ...], tuple[Finding, ...]]:
    """Return what each variable of the family states, as far as it is as trusted as the host; problems; and notes."""
    names = [name for name in FAMILIES[leader] if name in present and not _is_of_path(name, leader, present)]
    lookups = {name: environment.lookup(name) for name in names}
    problems = tuple(problem for lookup in lookups.values() for problem in lookup.problems)
    notes = tuple(remark for lookup in lookups.values() for remark in lookup.notes)
    whole = lookups[leader].found
    if whole is None:
        return lookups, problems, notes
    if whole.origin.env_file:
        return lookups, (*problems, *_too_trusted(lookups, leader, whole.origin.place)), notes
    used, ignored, missing = _as_trusted(lookups, leader)
    return used, (*problems, *missing), (*notes, *ignored)


def _is_of_path(name: str, leader: str, present: AbstractSet[str]) -> bool:
    """Whether `name` is only set by ``NAME_FILE``, which is a part of its own (``DB_SSL_CA_FILE``)."""
    path = f"{name}_FILE"
    return FAMILIES[leader][name] in part_names.FILES and path in FAMILIES[leader] and path in present


def _values(leader: str, texts: Mapping[str, str]) -> tuple[dict[str, str], tuple[Finding, ...]]:
    """Return the value of each keyword, the first of several variables, and the problems of single variables."""
    values: dict[str, str] = {}
    problems: list[Finding] = []
    for name, text in texts.items():
        keyword = FAMILIES[leader][name]
        value = _mode(text) if keyword == "sslmode" and leader != "PGHOST" else text
        problems += [problem(code, name, message) for code, message in [*_malformed(keyword, text)] or unfit(text)]
        known = values.setdefault(keyword, value)
        if known != value and keyword in part_names.TLS:
            values[keyword] = _stronger(known, value)
            if not values[keyword]:
                problems.append(problem("parts-contradict", name, _CONTRADICTION))
    return values, tuple(problems)


_CONTRADICTION = "contradicts another variable for the same. Keep one of the two"


def _mode(text: str) -> str:
    return part_names.MODES.get(text.strip().lower(), text)


def _stronger(one: str, other: str) -> str:
    """Return the stronger one of two values of ``sslmode``; empty if they contradict each other."""
    modes = KEYWORDS["sslmode"].values
    are_modes = one in modes and other in modes and "disable" not in {one, other}
    return max(one, other, key=modes.index) if are_modes else ""


def _malformed(keyword: str, text: str) -> Iterator[tuple[str, str]]:
    if mistake := reference(text):
        yield mistake
        return
    if keyword in _FILES and "-----BEGIN" in text:
        yield "ca-inline", _INLINE if keyword == "sslrootcert" else _INLINE_KEY
    if keyword == "port" and text.startswith("tcp://"):
        yield "port-invalid", _SERVICE_LINK
    if keyword == "host" and "://" in text:
        yield "host-invalid", "is a URL, but a hostname is expected. Keep only the hostname"
    elif keyword == "host" and text.count(":") == 1 and not text.startswith("/"):
        yield "host-invalid", "has a port. Keep only the hostname, and set the port in its own variable"


_FILES = {"sslrootcert", *FILES}
_INLINE = "is a certificate, but the path of a file is expected. Move it to DATABASE_CA_CERT"
_INLINE_KEY = "is a certificate or a key, but the path of a file is expected. Write it to a file, and name that"
_SERVICE_LINK = (
    "is a service link of Kubernetes, not a port. Set enableServiceLinks: false in the pod's specification, or set "
    "it to the number of the port"
)


def _as_trusted(lookups: Mapping[str, Lookup], leader: str) -> tuple[dict[str, Lookup], list[Finding], list[Finding]]:
    """Return the parts as trusted as the host; notes on those that only an env file has; and what is missing then."""
    used = {name: lookup for name, lookup in lookups.items() if not _is_in_env_file(lookup)}
    stated = {FAMILIES[leader][name] for name, lookup in used.items() if lookup.found}
    left = {name: lookup.found.origin.place for name, lookup in lookups.items() if name not in used and lookup.found}
    messages = {name: outranked(place, leader) for name, place in left.items()}
    needed = {"user": "user-missing", "dbname": "dbname-missing"}
    missing = [
        problem(needed[word], name, f"{message}. {TOGETHER}")
        for name, message in messages.items()
        if (word := FAMILIES[leader][name]) in needed and word not in stated
    ]
    return used, [note("dotenv-ignored", name, message) for name, message in messages.items()], missing


def _too_trusted(lookups: Mapping[str, Lookup], leader: str, place: str) -> Iterator[Finding]:
    """Yield a problem for a password outside of the env file that names the host: it was meant for another one."""
    for name, lookup in lookups.items():
        if FAMILIES[leader][name] == "password" and lookup.found and not lookup.found.origin.env_file:
            yield problem("password-redirected", name, password_redirected(place))


def outranked(place: str, winner: str) -> str:
    """Return the message for a variable that only `place` sets, which is less trusted than the variable `winner`."""
    return f"is not used: only {place} sets it, and {winner} is more trusted"


def password_redirected(place: str) -> str:
    """Return the message for a password that would be sent to where an env file says, `place`."""
    return f"is not sent to the host that {place} names, which is less trusted. {TOGETHER}"


TOGETHER = "Set both in the same place"


def _is_in_env_file(lookup: Lookup) -> bool:
    return lookup.found is not None and lookup.found.origin.env_file


def about_part(found: Finding, present: AbstractSet[str]) -> Finding:
    """Return `found`, which names the host of a family, about the part that must change, in the words of its parts."""
    import re

    variables: dict[str, str] = {}
    pattern = rf"\b(?:{'|'.join(sorted(_KEYWORDS))})\b"
    family = FAMILIES.get(found.variable, {})
    for name in sorted(family, key=lambda name: name not in present or _is_of_path(name, found.variable, present)):
        variables.setdefault(family[name], name)
    message, keyword = _PARTS.get(found.code, ("", ""))
    message = message or found.message
    if message.startswith(_CA):
        message, keyword = message.removeprefix(_CA), "sslrootcert"
    message = re.sub(pattern, lambda word: variables.get(_keyword(word[0]), word[0]), message)
    mentioned = [variables.get(_keyword(word), "") for word in (keyword, *re.findall(pattern, found.message))]
    variable = next((name for name in mentioned if name in present), variables.get(keyword, found.variable))
    for start in (f"the value of {variable} ", f"{variable} ", f"{variable}="):
        message = message.removeprefix(start)
    if found.code == "tls-disabled":
        message = message.replace("disable for", "TLS is turned off for", 1)
    return problem(found.code, variable, message.replace(f" in {variable}", ""))


def _keyword(word: str) -> str:
    return "sslmode" if word == "ssl-mode" else word  # MySQL's


_CA = "CA: "
_KEYWORDS = {"ssl-mode", *VARIABLES.values(), "hostaddr"} - (ATTRIBUTES - {"hostaddr"}) - {"options"}
"""The keywords in messages that are not also words of English."""

_PARTS = {
    "user-missing": ("not set. Set it to the user of the database", "user"),
    "dbname-missing": ("not set. Set it to the name of the database", "dbname"),
    "dbname-too-long": ("has more than 63 bytes. Shorten it", "dbname"),
    "dbname-invalid": ("has a slash or more than 64 characters. Correct it", "dbname"),
    "host-invalid": ("is not a hostname, an IP address or a socket directory. Correct it", "host"),
    "hostaddr-invalid": ("is not an IP address. Correct it, or unset it", "hostaddr"),
    "hostaddr-count": ("", "hostaddr"),
    "hostaddr-socket": ("is set for a socket directory. Unset it", "hostaddr"),
    "port-invalid": ("is not a number. Set it to 1 to 65535", "port"),
    "port-range": ("is out of range. Set it to 1 to 65535", "port"),
    "port-count": ("", "port"),
    "sslmode-unknown": ("", "sslmode"),
    "tls-disabled": ("", "sslmode"),
    "ca-missing": ("", "sslmode"),
}
"""By code, the message for a variable if a URL has another message, and the part that is wrong."""


def leader_of(variable: str, present: AbstractSet[str]) -> tuple[str, ...]:
    """Return the host's variable of those that `variable` is a part beside, if one is among those `present`."""
    return tuple(leader for leader, names in FAMILIES.items() if variable in names and leader in present)[:1]


def _kind(leader: str, values: Mapping[str, str], texts: dict[str, str]) -> str | Finding:
    """Return the family that the parts state, by their engine or else by their port, or the problem with it."""
    names = {FAMILIES[leader][name]: name for name in reversed(texts)}
    if "scheme" in values:
        family = part_names.engine(values["scheme"])
        return family or problem("scheme-unsupported", names["scheme"], _UNREAD)
    other = part_names.PORTS.get(values.get("port", "").strip(), "")
    if leader in _OF_MYSQL_ONLY or (other == "MySQL" and leader in _OF_ANY_ENGINE):
        return families.MYSQL
    if not other or leader in {"PGHOST", *SIBLINGS}:
        return families.POSTGRESQL
    return problem("port-foreign", names["port"], _PORT.format(other=other, engine=_engine_variable(leader)))


def _engine_variable(leader: str) -> str:
    return f"{_prefix(leader)}ENGINE"


def _prefix(leader: str) -> str:
    return f"{leader.rpartition('_')[0]}_"


_OF_MYSQL_ONLY = frozenset({"MYSQL_HOST", "MARIADB_HOST"})
_OF_ANY_ENGINE = frozenset({"DATABASE_HOST", "DB_HOST", "PLANETSCALE_HOST", "RDS_HOSTNAME"})
_UNREAD = "names an engine that envconn does not support. Set it to postgresql or mysql, or unset it"
_PORT = (
    "is the port of {other}, and the engine is not stated. Set {engine}=postgresql if it is PostgreSQL, or correct it"
)


def _spelled(kind: str, values: dict[str, str]) -> str:
    if kind != families.POSTGRESQL:
        from urllib.parse import quote

        from envconn.grammar.json_credentials import spelled
        from envconn.grammar.mysql import MODES

        words = {f"ssl-{name}": values[f"ssl{part}"] for name, part in _OF_MYSQL.items() if f"ssl{part}" in values}
        if "ssl-mode" in words:
            words["ssl-mode"] = MODES.get(words["ssl-mode"], words["ssl-mode"])
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in words.items())
        return spelled(kind, values) + (f"?{query}" if query else "")
    values.pop("scheme", None)
    return " ".join(f"{keyword}={quoted(value)}" for keyword, value in values.items())


_OF_MYSQL = {"mode": "mode", "ca": "rootcert", "cert": "cert", "key": "key", "crl": "crl"}


def unread(environment: Environment, leader: str, is_read: Callable[[str], bool]) -> Iterator[Finding]:
    """Yield what is wrong with variables beside the host of `leader` that are not parts: an error about TLS, or a note.

    `is_read` says which variables are something else.
    """
    from difflib import get_close_matches

    prefix = _prefix(leader)
    if leader in {"PGHOST", *SIBLINGS}:
        return
    longer = tuple(other for other in PREFIXES if other.startswith(prefix) and other != prefix)
    for name in sorted({*environment.names_with(prefix)}):
        word = name.removeprefix(prefix)
        if not name.startswith(prefix) or name.startswith(longer) or name in FAMILIES[leader] or is_read(name):
            continue
        if name.removesuffix("_FILE") in FAMILIES[leader] or re.fullmatch(part_names.OF_PLATFORMS, word):
            continue
        if re.search(part_names.SMELLS_OF_TLS, word):
            yield problem("part-unknown", name, _UNKNOWN_TLS.format(prefix=prefix, name=name))
        else:
            meant = "".join(
                f". Did you mean {near}?" for near in get_close_matches(name, FAMILIES[leader], 1, _ONE_LETTER)
            )
            yield note("part-unused", name, f"is not read beside {leader}{meant}")


_UNKNOWN_TLS = (
    "is not read, though its name is about TLS. Use {prefix}SSLMODE, {prefix}SSLROOTCERT, {prefix}SSLCERT or "
    "{prefix}SSLKEY; if it is for something else, set ENVCONN_IGNORE={name}"
)


def lacking_host(environment: Environment) -> tuple[str, str] | None:
    """Return the variable of the host that other parts lack, or one that is nearly called so, and what to do."""
    from difflib import get_close_matches  # imported only after a mistake

    for leader, names in {**DEFAULTS, **USUAL}.items():
        stated = {names[name] for name in environment.among({*names}) if environment.lookup(name).found}
        if "host" in stated or len(stated & {"user", "password", "dbname"}) < 2:
            continue
        near = get_close_matches(leader, [*{*environment.names()}.difference(names)], 1, _ONE_LETTER)
        return (near[0], f"is not read. Rename it to {leader}") if near else (leader, _NO_HOST)
    return None


_ONE_LETTER = 0.85
"""The similarity of two names as long as ``DB_HOST`` that differ in one letter, or two that are swapped (`difflib`)."""
_NO_HOST = "not set. Set it to the hostname of the database"


def without_host(present: AbstractSet[str]) -> Iterator[tuple[str, str]]:
    """Yield each variable about TLS, engine or password that is `present` without its host, and the host's variable."""
    for leader, names in DEFAULTS.items():
        if leader not in present and leader != "PGHOST":
            yield from ((name, leader) for name in names if name in present and names[name] in part_names.TELLING)
