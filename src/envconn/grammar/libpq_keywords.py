"""The keyword record: every connection keyword of libpq up to version 18, and how each is handled.

Every other list of keywords is derived from `KEYWORDS`: what the grammar accepts, what a
driver is given, what an older libpq does not support, which ``PG*`` variables matter, what weakens a connection.

Sources: chapter "Parameter Key Words" of the PostgreSQL 18 manual, and the table ``PQconninfoOptions`` of
fe-connect.c. A keyword that is in neither is refused, so that one of a later libpq is not accepted before
it has been reviewed.
"""

from __future__ import annotations

from envconn.records import Record
from envconn.sources.environment import ABSENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

VERDICT = "the verdict"
"""Instead of a pinned value: the verdict decides what is written."""

PRESENT = ("", "any value")
"""The order of a keyword that is a requirement whatever its value."""

SUBSET = ("all methods", "some methods")
"""The order of a list of methods: fewer are stronger; lists of which neither contains the other are not comparable."""

SAME = ("", "one value")
"""The order of a keyword that requires one thing: any other value is not comparable."""


class Keyword(Record):
    """One libpq keyword.

    `variable` is the ``PG*`` variable that libpq reads for it, empty if it has none. `since` is the first
    major version of libpq that supports it; 9 stands for 9.2, the first to read URIs, and everything before.
    `decides` says what it affects: ``where`` and ``who`` (attributes of a connection), ``tls``, ``auth``, ``session``,
    or ``no`` (nothing that matters). `pinned` is what a driver is given if the connection does not state the
    keyword, `None` for nothing; `unless` names neighbours that change this if they are stated, and what is
    pinned then. `order` holds the values of a requirement, weak to strong; if not stated, the pinned value is used.

    `values` are all values if libpq has a fixed set, `folded` is true if it reads them in any case, `number` is true
    if the value is a decimal integer, `usual` lists the values for what every driver does anyway. `secret` values are
    passwords or keys, `file` values are paths, which must be readable. `context` is true if a context of Python's
    ``ssl`` supports the keyword, or leaving it out does not weaken anything. `older` is what happens to a stated one
    if libpq is older than `since`: ``refuse``, or ``drop`` if the connection is as secure without. `refusal` is why a
    text must not contain it; `harmless` is why its variable may stay as it is.
    """

    variable: str = ""
    since: int = 9
    decides: str = "no"
    pinned: str | None = None
    unless: tuple[tuple[str, str], ...] = ()
    order: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    number: bool = False
    folded: bool = False
    usual: tuple[str, ...] = ()
    secret: bool = False
    file: bool = False
    context: bool = False
    older: str = "refuse"
    refusal: str = ""
    harmless: str = ""


_FLAG = ("0", "1")
_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_TLS_VERSIONS = ("TLSv1.2", "TLSv1.3")
WEAK_TLS = ("TLSv1", "TLSv1.1")
"""The versions that libpq supports, and that are refused."""

_PROTOCOLS = ("3.0", "3.2", "latest")
_METHODS = "none,password,md5,gss,sspi,scram-sha-256"
_SERVICE = "reads values from a file that is not checked here. Write these values into the connection string"
_NO_VARIABLE = "has no variable; a service file, which may state it, is refused"
_KERBEROS = "with a wrong one, GSSAPI fails, and no other method takes its place"
_LATER = "it is about a connection that is made, and judged, already"
_SERVER = "the server is told which encoding to use, and refuses one that it does not have"

KEYWORDS: dict[str, Keyword] = {
    "host": Keyword("PGHOST", decides="where"),
    "hostaddr": Keyword("PGHOSTADDR", decides="where", pinned=""),
    "port": Keyword("PGPORT", decides="where"),
    "user": Keyword("PGUSER", decides="who"),
    "password": Keyword(
        "PGPASSWORD", decides="who", secret=True, harmless="a password that is not stated may be there"
    ),
    "dbname": Keyword("PGDATABASE", decides="where"),
    "sslmode": Keyword("PGSSLMODE", decides="tls", pinned=VERDICT, values=_MODES, context=True),
    "sslnegotiation": Keyword(
        "PGSSLNEGOTIATION",
        17,
        "tls",
        "postgres",
        # With "direct", libpq refuses a server that does not agree on the protocol by ALPN.
        order=("postgres", "direct"),
        values=("postgres", "direct"),
        context=True,
        older="drop",
    ),
    "sslcompression": Keyword("PGSSLCOMPRESSION", decides="tls", pinned="0", values=("0",), usual=("0",)),
    "sslcert": Keyword("PGSSLCERT", decides="tls", pinned=ABSENT, file=True, context=True),
    "sslkey": Keyword("PGSSLKEY", decides="tls", pinned=ABSENT, file=True, context=True),
    "sslpassword": Keyword(
        "",
        13,
        "tls",
        "",
        # With an encrypted key and no password, libpq asks on the terminal, or blocks reading stdin.
        (("sslcert", "-"),),
        secret=True,
        context=True,
    ),
    "sslcertmode": Keyword(
        "PGSSLCERTMODE",
        16,
        "tls",
        "disable",
        (("sslcert", "allow"),),
        order=("allow", "require"),
        values=("disable", "allow", "require"),
        usual=("allow",),
    ),
    "sslrootcert": Keyword("PGSSLROOTCERT", decides="tls", pinned=VERDICT, context=True),
    # libpq loads file and directory in one call, and continues without both if that fails (fe-secure-openssl.c,
    # initialize_SSL): a missing file would disable the directory. With a directory, empty means no file at all.
    "sslcrl": Keyword("PGSSLCRL", 9, "tls", ABSENT, (("sslcrldir", ""),), order=PRESENT, file=True, context=True),
    "sslcrldir": Keyword("PGSSLCRLDIR", 14, "tls", "", order=PRESENT, file=True, context=True),
    "sslsni": Keyword("PGSSLSNI", 14, "tls", "1", values=_FLAG, usual=("1",), older="drop"),
    "ssl_min_protocol_version": Keyword(
        "PGSSLMINPROTOCOLVERSION",
        13,
        "tls",
        "TLSv1.2",
        order=_TLS_VERSIONS,
        values=_TLS_VERSIONS,
        folded=True,  # pg_strcasecmp in sslVerifyProtocolVersion; every other word is compared as it is
        context=True,
    ),
    "ssl_max_protocol_version": Keyword(
        "PGSSLMAXPROTOCOLVERSION",
        13,
        "tls",
        "",
        order=(*_TLS_VERSIONS, ""),
        values=_TLS_VERSIONS,
        folded=True,
        context=True,
    ),
    "gssencmode": Keyword(
        "PGGSSENCMODE", 12, "tls", "disable", values=("disable", "prefer"), usual=("disable", "prefer")
    ),
    "channel_binding": Keyword(
        "PGCHANNELBINDING",
        13,
        "auth",
        "prefer",
        order=("disable", "prefer", "require"),
        values=("disable", "prefer", "require"),
        usual=("disable", "prefer"),
    ),
    # An empty list of methods refuses every method, so it is treated like the rest of its kind.
    "require_auth": Keyword("PGREQUIREAUTH", 16, "auth", _METHODS, order=SUBSET),
    "requirepeer": Keyword("PGREQUIREPEER", decides="auth", pinned="", order=SAME),
    "passfile": Keyword("PGPASSFILE", 10, "auth", harmless="a password that is not stated may be there"),
    "krbsrvname": Keyword("PGKRBSRVNAME", decides="auth", harmless=_KERBEROS),
    "gsslib": Keyword("PGGSSLIB", decides="auth", harmless=_KERBEROS),
    "gssdelegation": Keyword("PGGSSDELEGATION", 16, "auth", "0", values=_FLAG, usual=("0",)),
    "scram_client_key": Keyword("", 18, "auth", secret=True, harmless=_NO_VARIABLE),
    "scram_server_key": Keyword("", 18, "auth", secret=True, harmless=_NO_VARIABLE),
    "oauth_issuer": Keyword("", 18, "auth", harmless=_NO_VARIABLE),
    "oauth_client_id": Keyword("", 18, "auth", harmless=_NO_VARIABLE),
    "oauth_client_secret": Keyword("", 18, "auth", secret=True, harmless=_NO_VARIABLE),
    "oauth_scope": Keyword("", 18, "auth", harmless=_NO_VARIABLE),
    "target_session_attrs": Keyword(
        "PGTARGETSESSIONATTRS",
        10,
        "session",
        "any",
        values=("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
        usual=("any",),
    ),
    "load_balance_hosts": Keyword(
        "PGLOADBALANCEHOSTS", 16, "session", "disable", values=("disable", "random"), usual=("disable",)
    ),
    "min_protocol_version": Keyword(
        "PGMINPROTOCOLVERSION", 18, "session", "3.0", order=_PROTOCOLS, values=_PROTOCOLS, older="drop"
    ),
    # With a minimum alone, libpq uses the latest version that it supports (fe-connect.c, pqConnectOptions2).
    "max_protocol_version": Keyword(
        "PGMAXPROTOCOLVERSION",
        18,
        "session",
        "3.0",
        (("min_protocol_version", "latest"),),
        values=_PROTOCOLS,
        older="drop",
    ),
    "options": Keyword("PGOPTIONS", decides="session", pinned=""),
    "replication": Keyword("", decides="session", harmless=_NO_VARIABLE),
    "connect_timeout": Keyword("PGCONNECT_TIMEOUT", number=True, usual=("0",), harmless="how long an attempt may last"),
    "client_encoding": Keyword("PGCLIENTENCODING", usual=("UTF8", "utf8", "UTF-8", "utf-8"), harmless=_SERVER),
    "application_name": Keyword("PGAPPNAME", harmless="a name for the server's log"),
    "fallback_application_name": Keyword(harmless=_NO_VARIABLE),
    "tcp_user_timeout": Keyword("", 12, number=True, harmless=_LATER),
    "keepalives": Keyword(values=_FLAG, usual=("1",), harmless=_LATER),
    "keepalives_idle": Keyword(number=True, harmless=_LATER),
    "keepalives_interval": Keyword(number=True, harmless=_LATER),
    "keepalives_count": Keyword(number=True, harmless=_LATER),
    "service": Keyword("PGSERVICE", decides="where", refusal=f"service {_SERVICE}"),
    "servicefile": Keyword("PGSERVICEFILE", 19, "where", refusal=f"servicefile {_SERVICE}"),
    "sslkeylogfile": Keyword(
        "", 18, "tls", "", refusal="sslkeylogfile writes the keys of the TLS session into a file. Remove it"
    ),
}
"""Every keyword by its name."""

BESIDE: dict[str, str] = {
    "PGREQUIRESSL": "stands for PGSSLMODE=require where there is none",
    "PGSYSCONFDIR": "says where pg_service.conf is",
    "PGOAUTHDEBUG": "makes libpq show what OAuth sends",
}
"""Variables that libpq reads without a keyword, and that affect the connection."""

HOME_CA, HOME_CRL = "~/.postgresql/root.crt", "~/.postgresql/root.crl"
"""The files that libpq reads if ``sslrootcert``, or neither ``sslcrl`` nor ``sslcrldir``, is stated anywhere."""

ATTRIBUTES = frozenset(
    name for name, keyword in KEYWORDS.items() if keyword.decides in {"where", "who"} and not keyword.refusal
)
"""Keywords that are attributes of a `Connection`, not parameters."""

SERVICE_FILES = tuple(keyword.variable for keyword in KEYWORDS.values() if keyword.variable and keyword.refusal)
"""The variables that make libpq read a service file."""

SAFE_MODES = ("require", "verify-ca", "verify-full")

SECRETS = frozenset(name for name, keyword in KEYWORDS.items() if keyword.secret)
"""Keywords whose value is a password or a key."""

FILES = tuple(name for name, keyword in KEYWORDS.items() if keyword.file)
"""Keywords whose value is a path that must be readable: libpq continues without a file that it cannot read."""

CONTEXT = frozenset(name for name, keyword in KEYWORDS.items() if keyword.context)
"""Keywords that a context of Python's ``ssl`` supports, or that do not weaken anything (``sslnegotiation``)."""

VARIABLES: dict[str, str] = {
    keyword.variable: name for name, keyword in KEYWORDS.items() if keyword.variable and not keyword.refusal
}
"""The keyword of each ``PG*`` variable, for keywords that a text may contain."""

FROM_VERDICT = tuple(keyword.variable for keyword in KEYWORDS.values() if keyword.pinned == VERDICT)
"""The variables of the keywords that the verdict decides; the policy reads them."""

DEMANDS: dict[str, str] = {
    keyword.variable: name for name, keyword in KEYWORDS.items() if keyword.order and keyword.variable
}
"""The keyword of each variable that makes a connection stricter."""

UNWRITTEN = frozenset(
    keyword.variable for keyword in KEYWORDS.values() if keyword.variable and (keyword.harmless or keyword.refusal)
)
"""The variables that libpq reads in any case: nothing is written out for their keywords."""

REFUSABLE = UNWRITTEN | {"PGGSSENCMODE"}
"""The variables for which libpq may refuse to connect: it reads them all the same, or requires GSSAPI."""

OVERRULED = (
    *(
        keyword.variable
        for keyword in KEYWORDS.values()
        if keyword.variable and not keyword.harmless and keyword.variable not in FROM_VERDICT
    ),
    *BESIDE,
)
"""Variables that libpq would use for what a connection string does not state, and a driver of envconn does not.

An empty ``PGSERVICE`` is an error to libpq, and does not mean "none"."""


_PINNED = {
    name: keyword.pinned
    for name, keyword in KEYWORDS.items()
    if keyword.pinned is not None and keyword.pinned != VERDICT
}
_BESIDE = {(neighbour, name): value for name, keyword in KEYWORDS.items() for neighbour, value in keyword.unless}
NEWEST = 18
"""The newest major version of libpq that the record knows."""

_OAUTH = 18  # the first libpq with the method; older ones reject the word


def pins(stated: Collection[str], libpq: int) -> dict[str, str]:
    """Return the value of each keyword to write in addition to those `stated`; `libpq` is a major version.

    Stated keywords, and those that a libpq of that version does not support, are included.
    """
    found = _PINNED | {name: value for (neighbour, name), value in _BESIDE.items() if neighbour in stated}
    if libpq >= _OAUTH:
        found["require_auth"] += ",oauth"
    return found


def weakened(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return the keywords of which `after` requires less than `before`, or something that cannot be compared.

    Both are stated keywords. Level and CA have no order here: `envconn.tls.secured` compares those of the verdicts.
    """
    return [
        name
        for name, keyword in KEYWORDS.items()
        if keyword.order and before.get(name) != after.get(name)
        if not _holds(name, before.get(name), after.get(name))
    ]


def raises(name: str, before: str | None, after: str) -> bool:
    """Whether the value `after` of keyword `name` requires more than `before`; `None` if it is not stated."""
    return _holds(name, before, after) and not _holds(name, after, before)


def spelled(name: str, value: str) -> str:
    """Return `value` of keyword `name` as the manual spells it, if libpq reads it in any case."""
    keyword = KEYWORDS[name]
    known = (*keyword.values, *WEAK_TLS) if keyword.folded else ()
    return next((word for word in known if word.lower() == value.lower()), value)


def demanded_by(name: str, value: str) -> str:
    """Return the variable that demands `value` for a keyword, or the file that libpq reads without one."""
    return HOME_CRL if name == "sslcrl" and value.endswith(HOME_CRL[1:]) else KEYWORDS[name].variable


def known_methods(require_auth: str) -> bool:
    """Whether libpq can read the list: known names, each once, either all with a ``!`` or none."""
    words = require_auth.split(",")
    plain = {word.removeprefix("!") for word in words}
    alike = len({word.startswith("!") for word in words}) == 1
    return plain <= methods(None) and len(plain) == len(words) and alike


def reversed_ranges(values: Mapping[str, str | None]) -> list[tuple[str, str]]:
    """Return the keywords of each minimum among `values` that is above its maximum, with that of the maximum."""
    return [
        (least, most)
        for least, most in _RANGES
        if _comparable(values.get(least) or "") > _comparable(values.get(most) or "~")
    ]


_RANGES = (
    ("ssl_min_protocol_version", "ssl_max_protocol_version"),
    ("min_protocol_version", "max_protocol_version"),
)


def _comparable(version: str) -> str:
    return "3.2" if version == "latest" else version  # as in libpq 18 (fe-connect.c, pqParseProtocolVersion)


METHODS = "is invalid: expected methods such as scram-sha-256, separated by commas, all of them with a ! or none"


def _holds(name: str, before: str | None, after: str | None) -> bool:
    """Whether `after` requires at least what `before` does; `None` is a keyword that is not stated."""
    keyword = KEYWORDS[name]
    if keyword.order is SUBSET:
        return methods(after) <= methods(before)
    if keyword.order in {PRESENT, SAME}:
        return not before or (after is not None and keyword.order is PRESENT)
    return _rank(keyword, after) >= _rank(keyword, before)


def _rank(keyword: Keyword, stated: str | None) -> int:
    value = keyword.pinned if stated is None else stated
    return keyword.order.index(value) if value in keyword.order else 0


def methods(require_auth: str | None) -> frozenset[str]:
    """Return the methods of authentication that the list allows; without a list, all. A ``!`` excludes one."""
    every = frozenset((*_METHODS.split(","), "oauth"))
    if require_auth is None:
        return every
    words = frozenset(require_auth.split(","))
    return every - {word[1:] for word in words} if require_auth.startswith("!") else words


_WEAK_TLS = "allows a TLS version that is not secure (RFC 8996). Use TLSv1.2 or TLSv1.3, or remove it"

# Known words from elsewhere that are not typing mistakes: code, and what is wrong with them.
REFUSED_WORDS: dict[tuple[str, str], tuple[str, str]] = {
    ("sslmode", "no-verify"): (
        "sslmode-unknown",
        (
            "the value of sslmode is a word of node-postgres, which libpq does not support. Use sslmode=require, or "
            "better sslmode=verify-full"
        ),
    ),
    ("sslcompression", "1"): (
        "value-refused",
        "TLS compression is not secure (CRIME). Set sslcompression=0, or remove it",
    ),
    ("gssencmode", "require"): (
        "value-refused",
        "GSSAPI encryption would replace TLS. Use gssencmode=disable, and set sslmode",
    ),
    ("ssl_min_protocol_version", "TLSv1"): ("tls-version-weak", f"ssl_min_protocol_version {_WEAK_TLS}"),
    ("ssl_min_protocol_version", "TLSv1.1"): ("tls-version-weak", f"ssl_min_protocol_version {_WEAK_TLS}"),
    ("ssl_max_protocol_version", "TLSv1"): ("tls-version-weak", f"ssl_max_protocol_version {_WEAK_TLS}"),
    ("ssl_max_protocol_version", "TLSv1.1"): ("tls-version-weak", f"ssl_max_protocol_version {_WEAK_TLS}"),
}


class Foreign(Record):
    """A parameter of another tool, which no driver gets.

    `tool` is whose it is. `used` says what it does here, empty if it has no effect; `instead` is what to do then.
    """

    tool: str
    used: str = ""
    instead: str = ""


DJANGO = "Django"
_ENTRY = Foreign(DJANGO, "a key of Django's DATABASES")
_SCHEMA = "search_path, by options"
_POOL = Foreign("SQLAlchemy", instead="pass it to create_engine")

# Keys that other tools put into connection URIs. libpq rejects each of them ("invalid URI query parameter"), asyncpg
# sends each to the server as a setting; here they are removed and kept in `Connection.foreign` for later stages.
FOREIGN: dict[str, Foreign] = {
    "pgbouncer": Foreign("Prisma", "the mode of the pooler"),
    "sslaccept": Foreign("Prisma", "the TLS level"),
    "schema": Foreign("Prisma", _SCHEMA),
    "currentSchema": Foreign("JDBC", _SCHEMA),
    "schema_search_path": Foreign("Rails", _SCHEMA),
    "search_path": Foreign("pgx and asyncpg", _SCHEMA),
    **dict.fromkeys(("connection_limit", "pool_timeout", "socket_timeout", "sslidentity"), Foreign("Prisma")),
    "statement_cache_size": Foreign("Prisma and asyncpg"),
    "prepared_statement_cache_size": Foreign("SQLAlchemy with asyncpg"),
    **dict.fromkeys(("pool_size", "max_overflow", "pool_recycle", "pool_pre_ping", "pool_use_lifo", "echo"), _POOL),
    "supa": Foreign("Supabase"),
    "workaround": Foreign("Supabase on Vercel"),
    "uselibpqcompat": Foreign("node-postgres"),
    "statement-cache-capacity": Foreign("sqlx"),
    "prepareThreshold": Foreign("JDBC"),
    **dict.fromkeys(("conn_max_age", "conn_health_checks", "atomic_requests", "autocommit"), _ENTRY),
    "disable_server_side_cursors": _ENTRY,
    **dict.fromkeys(("pool", "prepared_statements", "advisory_locks", "adapter"), Foreign("Rails")),
    **dict.fromkeys(("pool_max_conns", "pool_min_conns", "default_query_exec_mode"), Foreign("pgx")),
}
"""The parameters of other tools by name. Those of Django may also be written in capitals, as its settings are."""

OF_DJANGO = tuple(name for name, each in FOREIGN.items() if each.tool == DJANGO)

SCHEMAS = tuple(name for name, each in FOREIGN.items() if each.used == _SCHEMA)
"""The parameters that name the schema, which becomes the server's setting ``search_path``."""

SSL_WORDS: dict[str, str] = {
    **dict.fromkeys(("true", "1"), "require"),
    **dict.fromkeys(("false", "0"), "disable"),
    **{mode: mode for mode in _MODES},
}
"""The values of ``ssl``: what libpq and node-postgres translate, and the words of asyncpg, which SQLAlchemy passes on.

libpq has ``true`` alone; a flag is read in any case.
"""


def without_effect(names: Iterable[str]) -> dict[str, Foreign]:
    """Return those of the parameters `names` of other tools that have no effect here; one may be of an unknown tool."""
    found = {name: FOREIGN.get(name, _UNKNOWN) for name in names}
    return {name: each for name, each in found.items() if not each.used}


_UNKNOWN = Foreign("another program")


def setting(name: str, value: str) -> str:
    """Return the word in ``options`` that sets `name` to `value`; the server splits at white space (pg_split_opts)."""
    import re

    return f"-c{name}=" + re.sub(r"([\\\s])", r"\\\1", value)


_AS_OPTION = "Write a setting of the server as options=-c%20name%3Dvalue, or run ALTER ROLE ... SET"

_IN_OPTIONS = "It is an option of Django's backend: pass it to databases(options={...})"

# Words for something that libpq spells differently, if the nearest word would be wrong.
INSTEAD: dict[str, str] = {
    "ssl": "Use sslmode=require, or better sslmode=verify-full",
    "tls": "Use sslmode=require, or better sslmode=verify-full",
    "requiressl": "Use sslmode=require, or better sslmode=verify-full",
    "username": "Use user",
    "database": "Use dbname",
    "db": "Use dbname",
    "pass": "Use password",
    "passwd": "Use password",
    "server": "Use host",
    "timeout": "Use connect_timeout, in seconds",
    "sslca": "Use sslrootcert",
    "ssl_ca": "Use sslrootcert",
    "ssl-ca": "Use sslrootcert",
    "ssl-root-cert": "Use sslrootcert",
    "ssl-cert": "Use sslcert",
    "ssl-key": "Use sslkey",
    "ssl-mode": "Use sslmode",
    "ssl_mode": "Use sslmode",
    "encoding": "Use client_encoding",
    "charset": "Use client_encoding",
    "options[]": _AS_OPTION,
    "statement_timeout": _AS_OPTION,
    "lock_timeout": _AS_OPTION,
    "idle_in_transaction_session_timeout": _AS_OPTION,
    "timezone": _AS_OPTION,
    "TimeZone": _AS_OPTION,
    **dict.fromkeys(("min_size", "max_size"), "It is an argument of asyncpg: pass it to create_pool"),
    **dict.fromkeys(("assume_role", "isolation_level", "server_side_binding", "cursor_factory"), _IN_OPTIONS),
}
