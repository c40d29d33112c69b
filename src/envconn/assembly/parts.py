"""A database given in parts (``PGHOST``, ``DATABASE_HOST``, ...) instead of as one string.

Parts need no encoding. They are quoted into a keyword/value string, so that one grammar holds
all rules about what a value may be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from envconn.connection import Origin, Secret
from envconn.grammar.conninfo import quoted
from envconn.sources import Lookup, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envconn.sources import Environment

__all__ = ["FAMILIES", "compose"]

_PG = {
    "PGHOST": "host",
    "PGHOSTADDR": "hostaddr",
    "PGPORT": "port",
    "PGUSER": "user",
    "PGPASSWORD": "password",
    "PGDATABASE": "dbname",
    "PGSSLMODE": "sslmode",
    "PGSSLROOTCERT": "sslrootcert",
    "PGSSLCERT": "sslcert",
    "PGSSLKEY": "sslkey",
    "PGSSLCRL": "sslcrl",
    "PGSSLCRLDIR": "sslcrldir",
    "PGSSLSNI": "sslsni",
    "PGSSLCERTMODE": "sslcertmode",
    "PGSSLNEGOTIATION": "sslnegotiation",
    "PGSSLMINPROTOCOLVERSION": "ssl_min_protocol_version",
    "PGSSLMAXPROTOCOLVERSION": "ssl_max_protocol_version",
    "PGCHANNELBINDING": "channel_binding",
    "PGREQUIREAUTH": "require_auth",
    "PGGSSENCMODE": "gssencmode",
    "PGTARGETSESSIONATTRS": "target_session_attrs",
    "PGLOADBALANCEHOSTS": "load_balance_hosts",
    "PGOPTIONS": "options",
    "PGAPPNAME": "application_name",
    "PGCONNECT_TIMEOUT": "connect_timeout",
    "PGCLIENTENCODING": "client_encoding",
}

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

# A relationship of Upsun and Platform.sh called "postgresql" comes in these parts.
_UPSUN = {"HOST": "host", "PORT": "port", "PATH": "dbname", "USERNAME": "user", "PASSWORD": "password"}

_BY_PREFIX = dict.fromkeys(("DATABASE", "DB", "POSTGRES", "PLANETSCALE"), _SUFFIXES) | {"POSTGRESQL": _UPSUN}

FAMILIES: Mapping[str, Mapping[str, str]] = {"PGHOST": _PG} | {
    f"{prefix}_HOST": {f"{prefix}_{suffix}": keyword for suffix, keyword in suffixes.items()}
    for prefix, suffixes in _BY_PREFIX.items()
}
"""By the variable that announces a family, which is always the host: variable to libpq keyword."""


def compose(environment: Environment, leader: str) -> Lookup:
    """Gather the parts of the family that `leader` announces; nothing when it is not set.

    Two variables of a family for one keyword (``DB_USER`` and ``DB_USERNAME``): the first one set counts.
    """
    if not environment.is_set(leader):
        return Lookup()
    lookups = {name: environment.lookup(name) for name in FAMILIES[leader]}
    problems = tuple(problem for lookup in lookups.values() for problem in lookup.problems)
    notes = tuple(note for lookup in lookups.values() for note in lookup.notes)
    whole = lookups[leader].found
    if problems or whole is None:
        return Lookup(problems=problems, notes=notes)
    if "://" in whole.text.reveal():
        # Somebody put the whole string where the host belongs; it says everything that the parts would.
        return Lookup(whole, notes=notes)
    values: dict[str, str] = {}
    for name, keyword in FAMILIES[leader].items():
        if found := lookups[name].found:
            values.setdefault(keyword, found.text.reveal())
    text = " ".join(f"{keyword}={quoted(value)}" for keyword, value in values.items())
    return Lookup(Text(Secret(text), Origin(leader, "environment")), notes=notes)
