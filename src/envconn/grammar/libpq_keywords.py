"""Every connection keyword of libpq up to version 18, the words foreign tools add, and what becomes of each.

Source of the libpq half: chapter "Parameter Key Words" of the PostgreSQL 18 manual, and the table
``PQconninfoOptions`` of fe-connect.c. A keyword that is in neither table is refused, so that one
which a later libpq invents cannot pass before somebody has judged it.
"""

from __future__ import annotations

from enum import Enum

from envconn.records import Record


class Role(Enum):
    """What we do with a keyword's value."""

    IDENTITY = "says where, as whom and into what; becomes an attribute of the connection"
    TLS = "decides about encryption or about proof of who is there; never empty"
    PASSED = "handed to the driver as it is"
    REFUSED = "would do harm behind the text's back"


class Keyword(Record):
    """One libpq keyword.

    `since` is the first major version of libpq that knows it; 9 stands for 9.2, the first to read
    URIs, and everything before. `words` is the whole vocabulary where libpq has a closed one.
    `number` says that the value is a decimal integer. `secret` values are passwords or keys.
    `refusal` is the message for `Role.REFUSED`.
    """

    role: Role
    since: int = 9
    words: tuple[str, ...] = ()
    number: bool = False
    secret: bool = False
    refusal: str = ""


_FLAG = ("0", "1")
_TLS_VERSIONS = ("TLSv1.2", "TLSv1.3")
_PROTOCOLS = ("3.0", "3.2", "latest")

KEYWORDS: dict[str, Keyword] = {
    "host": Keyword(Role.IDENTITY),
    "hostaddr": Keyword(Role.IDENTITY),
    "port": Keyword(Role.IDENTITY),
    "user": Keyword(Role.IDENTITY),
    "password": Keyword(Role.IDENTITY, secret=True),
    "dbname": Keyword(Role.IDENTITY),
    "sslmode": Keyword(Role.TLS, words=("disable", "allow", "prefer", "require", "verify-ca", "verify-full")),
    "sslnegotiation": Keyword(Role.TLS, 17, words=("postgres", "direct")),
    "sslcompression": Keyword(Role.TLS, words=("0",)),
    "sslcert": Keyword(Role.TLS),
    "sslkey": Keyword(Role.TLS),
    "sslpassword": Keyword(Role.TLS, 13, secret=True),
    "sslcertmode": Keyword(Role.TLS, 16, words=("disable", "allow", "require")),
    "sslrootcert": Keyword(Role.TLS),
    "sslcrl": Keyword(Role.TLS),
    "sslcrldir": Keyword(Role.TLS, 14),
    "sslsni": Keyword(Role.TLS, 14, words=_FLAG),
    "ssl_min_protocol_version": Keyword(Role.TLS, 13, words=_TLS_VERSIONS),
    "ssl_max_protocol_version": Keyword(Role.TLS, 13, words=_TLS_VERSIONS),
    "gssencmode": Keyword(Role.TLS, 12, words=("disable", "prefer")),
    "channel_binding": Keyword(Role.TLS, 13, words=("disable", "prefer", "require")),
    # An empty list of methods refuses every method, so it is treated like the rest of its kind.
    "require_auth": Keyword(Role.TLS, 16),
    "requirepeer": Keyword(Role.TLS),
    "passfile": Keyword(Role.PASSED, 10),
    "connect_timeout": Keyword(Role.PASSED, number=True),
    "tcp_user_timeout": Keyword(Role.PASSED, 12, number=True),
    "keepalives": Keyword(Role.PASSED, words=_FLAG),
    "keepalives_idle": Keyword(Role.PASSED, number=True),
    "keepalives_interval": Keyword(Role.PASSED, number=True),
    "keepalives_count": Keyword(Role.PASSED, number=True),
    "client_encoding": Keyword(Role.PASSED),
    "options": Keyword(Role.PASSED),
    "application_name": Keyword(Role.PASSED),
    "fallback_application_name": Keyword(Role.PASSED),
    "replication": Keyword(Role.PASSED),
    "target_session_attrs": Keyword(
        Role.PASSED, 10, words=("any", "read-write", "read-only", "primary", "standby", "prefer-standby")
    ),
    "load_balance_hosts": Keyword(Role.PASSED, 16, words=("disable", "random")),
    "min_protocol_version": Keyword(Role.PASSED, 18, words=_PROTOCOLS),
    "max_protocol_version": Keyword(Role.PASSED, 18, words=_PROTOCOLS),
    "krbsrvname": Keyword(Role.PASSED),
    "gsslib": Keyword(Role.PASSED),
    "gssdelegation": Keyword(Role.PASSED, 16, words=_FLAG),
    "scram_client_key": Keyword(Role.PASSED, 18, secret=True),
    "scram_server_key": Keyword(Role.PASSED, 18, secret=True),
    "oauth_issuer": Keyword(Role.PASSED, 18),
    "oauth_client_id": Keyword(Role.PASSED, 18),
    "oauth_client_secret": Keyword(Role.PASSED, 18, secret=True),
    "oauth_scope": Keyword(Role.PASSED, 18),
    "service": Keyword(
        Role.REFUSED, refusal="service takes values from a file that nobody sees here; write them into this text"
    ),
    "servicefile": Keyword(
        Role.REFUSED,
        19,
        refusal="servicefile takes values from a file that nobody sees here; write them into this text",
    ),
    "sslkeylogfile": Keyword(
        Role.REFUSED, 18, refusal="sslkeylogfile writes the session keys of TLS into a file; remove it"
    ),
}

SECRETS = frozenset(name for name, keyword in KEYWORDS.items() if keyword.secret)

_WEAK_TLS = "allows a TLS version that is broken (RFC 8996); write TLSv1.2 or TLSv1.3, or leave it out"

# Words of somebody's vocabulary that are no typing mistake: code, and what is wrong with them.
REFUSED_WORDS: dict[tuple[str, str], tuple[str, str]] = {
    ("sslmode", "no-verify"): (
        "sslmode-unknown",
        (
            "the value of sslmode is a word of node-postgres for encryption without verification, which libpq calls"
            " require; write require, or better verify-full"
        ),
    ),
    ("sslcompression", "1"): (
        "value-refused",
        "sslcompression asks for TLS compression, which gives secrets away (CRIME); write 0 or leave it out",
    ),
    ("gssencmode", "require"): (
        "value-refused",
        "gssencmode asks for GSSAPI encryption, which would take the place of TLS; write disable and state sslmode",
    ),
    ("ssl_min_protocol_version", "TLSv1"): ("tls-version-weak", f"ssl_min_protocol_version {_WEAK_TLS}"),
    ("ssl_min_protocol_version", "TLSv1.1"): ("tls-version-weak", f"ssl_min_protocol_version {_WEAK_TLS}"),
    ("ssl_max_protocol_version", "TLSv1"): ("tls-version-weak", f"ssl_max_protocol_version {_WEAK_TLS}"),
    ("ssl_max_protocol_version", "TLSv1.1"): ("tls-version-weak", f"ssl_max_protocol_version {_WEAK_TLS}"),
}

# Keys that other tools put into connection URIs, with whose they are. libpq refuses each of them
# ("invalid URI query parameter"), asyncpg sends each to the server as a setting; here they are
# taken out, kept in `Connection.foreign` for the stages that follow, and never reach a driver.
FOREIGN: dict[str, str] = {
    "pgbouncer": "Prisma",
    "connection_limit": "Prisma",
    "pool_timeout": "Prisma",
    "socket_timeout": "Prisma",
    "schema": "Prisma",
    "sslaccept": "Prisma",
    "sslidentity": "Prisma",
    "statement_cache_size": "Prisma, asyncpg",
    "prepared_statement_cache_size": "SQLAlchemy with asyncpg",
    "supa": "Supabase",
    "workaround": "Supabase on Vercel",
    "uselibpqcompat": "node-postgres",
    "currentSchema": "JDBC",
    "prepareThreshold": "JDBC",
    "conn_max_age": "Django",
    "conn_health_checks": "Django",
    "disable_server_side_cursors": "Django",
    "atomic_requests": "Django",
    "pool": "Rails",
    "prepared_statements": "Rails",
    "pool_max_conns": "pgx",
    "pool_min_conns": "pgx",
    "default_query_exec_mode": "pgx",
}

_AS_OPTION = "is a setting of the server; write options=-c%20name%3Dvalue, or ALTER ROLE ... SET on the server"

# Words that people write for something libpq spells differently, where the nearest word would mislead.
INSTEAD: dict[str, str] = {
    "ssl": "write sslmode=require, or better sslmode=verify-full",
    "tls": "write sslmode=require, or better sslmode=verify-full",
    "requiressl": "libpq has dropped it; write sslmode=require, or better sslmode=verify-full",
    "username": "write user",
    "database": "write dbname",
    "db": "write dbname",
    "pass": "write password",
    "passwd": "write password",
    "server": "write host",
    "timeout": "write connect_timeout, in seconds",
    "sslca": "write sslrootcert",
    "ssl_ca": "write sslrootcert",
    "encoding": "write client_encoding",
    "charset": "write client_encoding",
    "search_path": _AS_OPTION,
    "statement_timeout": _AS_OPTION,
    "lock_timeout": _AS_OPTION,
    "idle_in_transaction_session_timeout": _AS_OPTION,
    "timezone": _AS_OPTION,
    "TimeZone": _AS_OPTION,
}
