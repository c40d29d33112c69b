"""A database given in parts (``PGHOST``, ``DATABASE_HOST``, ...) instead of as one string.

Parts need no encoding. They are quoted into a keyword/value string, so that all rules about values
are in one grammar.
"""

from __future__ import annotations

from envconn import families
from envconn.connection import Secret
from envconn.errors import note, problem
from envconn.grammar.conninfo import quoted
from envconn.grammar.libpq_keywords import ATTRIBUTES, VARIABLES
from envconn.grammar.text import unfit
from envconn.records import replace
from envconn.sources import Lookup, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from envconn.errors import Finding
    from envconn.sources import Environment


_SUFFIXES = {
    "HOST": "host",
    "PORT": "port",
    "NAME": "dbname",
    "DBNAME": "dbname",
    "DATABASE": "dbname",
    "DB": "dbname",
    "USER": "user",
    "USERNAME": "user",
    "PASSWORD": "password",
    "SSLMODE": "sslmode",
}

# A relationship of Upsun and Platform.sh called "postgresql" or "database" sets these parts.
_UPSUN = {
    "HOST": "host",
    "PORT": "port",
    "PATH": "dbname",
    "USERNAME": "user",
    "PASSWORD": "password",
    "SCHEME": "scheme",
}

_BY_PREFIX = {
    "DATABASE": _SUFFIXES | _UPSUN,
    **dict.fromkeys(("DB", "POSTGRES", "PLANETSCALE"), _SUFFIXES),
    "POSTGRESQL": _UPSUN,
    "AZURE_POSTGRESQL": _SUFFIXES | {"SSL": "sslmode"},
    "POSTGRESQL_ADDON": _SUFFIXES,
}

# Elastic Beanstalk.
_RDS = {
    "RDS_HOSTNAME": "host",
    "RDS_PORT": "port",
    "RDS_DB_NAME": "dbname",
    "RDS_USERNAME": "user",
    "RDS_PASSWORD": "password",
}

# Clever Cloud, optional: bypasses the network's proxy, everything else is the same.
_DIRECT = {
    "POSTGRESQL_ADDON_DIRECT_HOST": "host",
    "POSTGRESQL_ADDON_DIRECT_PORT": "port",
    "POSTGRESQL_ADDON_DB": "dbname",
    "POSTGRESQL_ADDON_USER": "user",
    "POSTGRESQL_ADDON_PASSWORD": "password",
}

DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "PGHOST": VARIABLES,
    **{
        f"{prefix}_HOST": {f"{prefix}_{suffix}": keyword for suffix, keyword in suffixes.items()}
        for prefix, suffixes in _BY_PREFIX.items()
    },
    "RDS_HOSTNAME": _RDS,
}
"""The default database: by the variable of the host, which decides about the family, variable to keyword."""

SIBLINGS: Mapping[str, Mapping[str, str]] = {"POSTGRESQL_ADDON_DIRECT_HOST": _DIRECT}
"""Another endpoint of the default database."""

FAMILIES: Mapping[str, Mapping[str, str]] = {**DEFAULTS, **SIBLINGS}
"""All families."""

_SSL = {"true": "require", "false": "disable"}  # AZURE_POSTGRESQL_SSL
_MYSQL_PORT = str(families.FAMILIES[families.MYSQL].port)  # Elastic Beanstalk does not state its family


def compose(environment: Environment, present: AbstractSet[str], leader: str) -> Lookup:
    """Gather the parts of the family that `leader` announces; nothing if it is not among those `present`.

    Of two variables of a family for one keyword (``DB_USER`` and ``DB_USERNAME``), the first one set is used.
    """
    if leader not in present:
        return Lookup()
    lookups = {name: environment.lookup(name) for name in FAMILIES[leader] if name in present}
    problems = tuple(problem for lookup in lookups.values() for problem in lookup.problems)
    notes = tuple(remark for lookup in lookups.values() for remark in lookup.notes)
    whole = lookups[leader].found
    if whole and not whole.origin.env_file:
        lookups, ignored, missing = _as_trusted(lookups, leader)
        problems, notes = (*problems, *missing), (*notes, *ignored)
    elif whole:
        problems = (*problems, *_too_trusted(lookups, leader, whole.origin.place))
    if problems or whole is None:
        return Lookup(problems=problems, notes=notes)
    if "://" in whole.text.reveal():
        # The host holds a whole connection string, which contains everything that the parts would.
        return Lookup(whole, notes=notes)
    values: dict[str, str] = {}
    for name, lookup in lookups.items():
        if lookup.found:
            values.setdefault(FAMILIES[leader][name], lookup.found.text.reveal())
            problems += tuple(problem(code, name, message) for code, message in unfit(lookup.found.text.reveal()))
    if problems:
        return Lookup(problems=problems, notes=notes)
    kind = _kind(leader, values)
    if kind not in families.serving("database"):
        return Lookup(problems=(problem("scheme-unsupported", leader, _UNREAD),), notes=notes)
    origin = replace(whole.origin, variable=leader, via=(), parts=True)
    return Lookup(Text(Secret(_spelled(kind, values)), origin), notes=notes)


def _as_trusted(lookups: Mapping[str, Lookup], leader: str) -> tuple[dict[str, Lookup], list[Finding], list[Finding]]:
    """Return the parts as trusted as the host; notes on those that only an env file has; and what is missing then."""
    used = {name: lookup for name, lookup in lookups.items() if not _is_in_env_file(lookup)}
    stated = {FAMILIES[leader][name] for name, lookup in used.items() if lookup.found}
    left = {name: lookup.found.origin.place for name, lookup in lookups.items() if name not in used and lookup.found}
    messages = {
        name: f"is not used: only {place} sets it, and {leader} is more trusted" for name, place in left.items()
    }
    needed = {"user": "user-missing", "dbname": "dbname-missing"}
    missing = [
        problem(needed[word], name, f"{message}. Set both in the same place")
        for name, message in messages.items()
        if (word := FAMILIES[leader][name]) in needed and word not in stated
    ]
    return used, [note("dotenv-ignored", name, message) for name, message in messages.items()], missing


def _too_trusted(lookups: Mapping[str, Lookup], leader: str, place: str) -> Iterator[Finding]:
    """Yield a problem for a password outside of the env file that names the host: it was meant for another one."""
    for name, lookup in lookups.items():
        if FAMILIES[leader][name] == "password" and lookup.found and not lookup.found.origin.env_file:
            yield problem("password-redirected", name, password_redirected(place))


def password_redirected(place: str) -> str:
    """Return the message for a password that would be sent to where an env file says, `place`."""
    return f"is not sent to the host that {place} names, which is less trusted. Set both in the same place"


def _is_in_env_file(lookup: Lookup) -> bool:
    return lookup.found is not None and lookup.found.origin.env_file


def about_part(found: Finding, present: AbstractSet[str]) -> Finding:
    """Return `found`, which names the host of a family, about the part that must change, in the words of its parts."""
    import re

    variables: dict[str, str] = {}
    pattern = rf"\b(?:{'|'.join(sorted(_KEYWORDS))})\b"
    for name in sorted(FAMILIES.get(found.variable, {}), key=lambda name: name not in present):
        variables.setdefault(FAMILIES[found.variable][name], name)
    message, keyword = _PARTS.get(found.code, ("", ""))
    message = message or found.message
    if message.startswith(_CA):
        message, keyword = message.removeprefix(_CA), "sslrootcert"
    message = re.sub(pattern, lambda word: variables.get(_keyword(word[0]), word[0]), message)
    mentioned = [variables.get(_keyword(word), "") for word in (keyword, *re.findall(pattern, found.message))]
    variable = next((name for name in mentioned if name in present), variables.get(keyword, found.variable))
    for said in (f"the value of {variable} ", f"{variable} ", f"{variable}="):
        message = message.removeprefix(said)
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


_UNREAD = "is the host of an unsupported service, as its scheme says. Unset it, or set it to the host of a database"


def _kind(leader: str, values: Mapping[str, str]) -> str:
    if leader == "RDS_HOSTNAME" and values.get("port", "").strip() == _MYSQL_PORT:
        return families.MYSQL
    if "scheme" not in values:
        return families.POSTGRESQL
    from envconn.sources.bound_service import kind_of

    return kind_of(values["scheme"])


def _spelled(kind: str, values: dict[str, str]) -> str:
    if "sslmode" in values:
        values["sslmode"] = _SSL.get(values["sslmode"].lower(), values["sslmode"])
    if kind != families.POSTGRESQL:
        from urllib.parse import quote

        from envconn.grammar.json_credentials import spelled
        from envconn.grammar.mysql import MODES

        mode = values.get("sslmode", "")
        return spelled(kind, values) + (f"?ssl-mode={quote(MODES.get(mode, mode), safe='')}" if mode else "")
    values.pop("scheme", None)
    return " ".join(f"{keyword}={quoted(value)}" for keyword, value in values.items())
