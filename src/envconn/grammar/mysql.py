"""MySQL and MariaDB URIs, after SQLAlchemy's make_url, with the TLS parameters of several clients.

MySQL defines no URI for Python: the shape is that of SQLAlchemy and dj-database-url, and the
query holds parameters of various clients. The TLS parameters mean what they mean to their
client: MySQL's (``ssl-mode``), Connector/J's (``useSSL``), PyMySQL's (``ssl_verify_cert``),
Prisma's (``sslaccept``), and the JSON of Node's mysql2 (``ssl={...}``), which PlanetScale uses.
The strictest one applies. Deliberate differences, all refusals but the last three:

- no user, no host and no database name, which the clients get from the operating system or leave empty;
- "no TLS" together with any other requirement, and several spellings of one parameter;
- libpq's values in ``sslmode``, and ``local_infile``, which allows the server to read the client's files;
- everything that `envconn.grammar.uri` refuses;
- ``useSSL=true`` requires TLS; Connector/J would continue unencrypted if the server has none;
- ``ssl-ca`` verifies in any mode; MySQL's client ignores it with ``REQUIRED``;
- parameters of other programs are removed, for instance Connector/J's.
"""

from __future__ import annotations

from envconn.connection import Host
from envconn.families import FAMILIES, MYSQL
from envconn.grammar.text import SOCKET_BEFORE_NAME, decode
from envconn.grammar.uri import (
    DECIMAL,
    FLAG,
    FOR_DJANGO,
    FOREIGN,
    NUMBER,
    TEXT,
    Parameter,
    Query,
    make_connection,
    read_host,
    read_query,
    split_uri,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.connection import Connection
    from envconn.grammar.text import ParseState
    from envconn.grammar.uri import Uri


_LONGEST_NAME = 64  # characters (MySQL 8.4 manual, 11.2.1)

MODES = {
    "disable": "disabled",
    "prefer": "preferred",
    "require": "required",
    "verify-ca": "verify_ca",
    "verify-full": "verify_identity",
}
"""MySQL's word for each of libpq's."""

# Requirements in ascending order. "any" requires nothing; "system" is verify-full against the system's CAs.
_DEMANDS = ("any", "disable", "prefer", "require", "verify-ca", "verify-full", "system")

_SSL_MODE = Parameter(
    becomes="ssl-mode",
    meaning={word: mode for mode, word in MODES.items()},
    folded=True,
    shape="REQUIRED, VERIFY_CA or VERIFY_IDENTITY",
    code="sslmode-unknown",
)
# Exact texts instead of a JSON parser, which would raise for deep nesting, and accept unknown keys.
_SSL = Parameter(
    meaning={
        "true": "require",
        "false": "disable",
        "{}": "system",
        '{"rejectUnauthorized":true}': "system",
        '{"rejectUnauthorized":false}': "require",
    },
    shape='{"rejectUnauthorized":true}. Use ssl-mode=VERIFY_IDENTITY and ssl-ca=/path',
)
_SSLACCEPT = Parameter(
    meaning={"strict": "system", "accept_invalid_certs": "require"}, shape="strict or accept_invalid_certs"
)


def _demand(true: str, false: str = "any") -> Parameter:
    return FLAG._replace(meaning={"true": true, "false": false})


_TLS = {
    "ssl-mode": _SSL_MODE,
    "useSSL": _demand("require", "disable"),
    "requireSSL": _demand("require"),
    "verifyServerCertificate": _demand("verify-ca"),
    "ssl_verify_cert": _demand("verify-ca"),
    "ssl_verify_identity": _demand("verify-full"),
    "ssl_check_hostname": _demand("verify-full"),
    "ssl_disabled": _demand("disable"),
    "ssl": _SSL,
    "sslaccept": _SSLACCEPT,
}

_BEFORE_HOST = "is not supported. Write user:password@ before the host"
_STORE = "is a Java key store, which is not supported. Name PEM files with ssl-ca, ssl-cert and ssl-key"
_CODE = "runs code when a connection opens. Remove it, and configure it in the program"

# SHOW CHARACTER SET of MySQL 8.4 and earlier, without those that no client can use (manual, 12.4).
_CHARSETS = (
    *(
        "armscii8",
        "ascii",
        "big5",
        "binary",
        "cp1250",
        "cp1251",
        "cp1256",
        "cp1257",
        "cp850",
        "cp852",
        "cp866",
        "cp932",
    ),
    *("dec8", "eucjpms", "euckr", "gb18030", "gb2312", "gbk", "geostd8", "greek", "hebrew", "hp8", "keybcs2", "koi8r"),
    *("koi8u", "latin1", "latin2", "latin5", "latin7", "macce", "macroman", "sjis", "swe7", "tis620", "ujis", "utf8"),
    *("utf8mb3", "utf8mb4"),
)

PARAMETERS = {
    **_TLS,
    **dict.fromkeys(("ssl_mode", "sslmode", "sslMode"), _SSL_MODE),
    **{
        spelling: Parameter(becomes=f"ssl{becomes}")
        for becomes, part in (("rootcert", "ca"), ("cert", "cert"), ("key", "key"), ("crl", "crl"))
        for spelling in (f"ssl-{part}", f"ssl_{part}", f"ssl{part}")
    },
    "sslrootcert": TEXT,
    "unix_socket": TEXT,
    "socket": Parameter(becomes="unix_socket"),
    **FOR_DJANGO,
    "charset": Parameter(
        meaning={name: name for name in _CHARSETS}, folded=True, shape="a character set of MySQL, such as utf8mb4"
    ),
    "collation": TEXT,
    "sql_mode": TEXT,
    "connect_timeout": NUMBER,
    "read_timeout": NUMBER,
    "write_timeout": NUMBER,
    "use_unicode": FLAG,
    "autocommit": FLAG,
    "program_name": TEXT,
    # Rails, Prisma, JDBC, and the reconnect=true of ClearDB.
    **dict.fromkeys(("encoding", "pool", "reconnect", "prepared_statements", "timezone"), FOREIGN),
    **dict.fromkeys(("connection_limit", "pool_timeout"), NUMBER._replace(foreign=True)),
    "socket_timeout": DECIMAL._replace(foreign=True),
    **dict.fromkeys(("autoReconnect", "serverTimezone", "useUnicode", "characterEncoding"), FOREIGN),
    "allowPublicKeyRetrieval": FOREIGN,
    "user": Parameter(refusal=_BEFORE_HOST),
    "username": Parameter(refusal=_BEFORE_HOST),
    "password": Parameter(refusal=_BEFORE_HOST, secret=True),
    "passwd": Parameter(refusal=_BEFORE_HOST, secret=True),
    "local_infile": Parameter(refusal="lets the server read files of this machine. Remove it"),
    "init_command": Parameter(refusal=_CODE),
    "read_default_file": Parameter(
        refusal=("reads values from a file that is not checked here. Write these values into the URI")
    ),
    "tls": Parameter(refusal="is not supported. Use ssl-mode=REQUIRED, or better ssl-mode=VERIFY_IDENTITY"),
    "ssl_capath": Parameter(
        refusal=("is a directory, which is not supported. Name a file of CA certificates with ssl-ca")
    ),
    "ssl_cipher": Parameter(refusal="is not supported by every client. Remove it"),
    "trustCertificateKeyStoreUrl": Parameter(refusal=_STORE),
    "trustCertificateKeyStorePassword": Parameter(refusal=_STORE, secret=True),
    "clientCertificateKeyStoreUrl": Parameter(refusal=_STORE),
    "clientCertificateKeyStorePassword": Parameter(refusal=_STORE, secret=True),
}


def read_uri(state: ParseState, scheme: str, text: str) -> Connection | None:
    """Read ``mysql://user:password@host:port/dbname?name=value&...``, with ``?unix_socket=/path`` or without.

    Returns `None` if something is wrong; `state` then holds the problems. A socket is a `Host` whose
    name is its path and whose port is 0. Without a TLS parameter there is no ``sslmode``: the
    clients then use TLS if the server offers it.
    """
    uri = split_uri(state, MYSQL, scheme, text, PARAMETERS)
    if uri is None:
        return None
    if uri.path.startswith("/") and not uri.netloc:
        state.refuse("socket-path", SOCKET_BEFORE_NAME.format("mysql", "unix_socket").replace("directory", "socket"))
        return None
    dbname = _read_names(state, uri)
    query = read_query(state, uri.query, uri.query_start, PARAMETERS)
    path = query.values.pop("unix_socket", "")
    hosts = _read_socket(state, uri.netloc, path) if path else read_host(state, uri.netloc, FAMILIES[MYSQL].port)
    _read_tls(state, query)
    return make_connection(state, uri, query, hosts, dbname)


def _read_names(state: ParseState, uri: Uri) -> str:
    dbname = decode(state, uri.path, "the database name", uri.path_start)
    if not uri.user:
        state.refuse("user-missing", "there is no user. Add user:password@ before the host")
    if dbname == "":
        state.refuse("dbname-missing", "there is no database name. Add /name after the host")
    elif dbname and ("/" in dbname or len(dbname) > _LONGEST_NAME):
        state.refuse(
            "dbname-invalid",
            f"the database name has a slash or more than {_LONGEST_NAME} characters. Correct it",
        )
    return dbname or ""


def _read_socket(state: ParseState, netloc: str, path: str) -> tuple[Host, ...]:
    # With MySQLdb, a host other than localhost beats the socket; with PyMySQL, the socket beats the host.
    if netloc not in ("", "localhost"):
        state.refuse("socket-host", "unix_socket and a host are both given. Remove the host, or write localhost")
    elif not path.startswith("/"):
        state.refuse("socket-path", "unix_socket is not an absolute path. Begin it with a slash")
    return (Host(path, 0),)


def _read_tls(state: ParseState, query: Query) -> None:
    values = query.values
    demands = {values.pop(name) for name in _TLS if name in values} - {"any"}
    if "disable" in demands and len(demands) > 1:
        state.refuse(
            "tls-contradicts", ("one parameter requires TLS and another one turns it off. Keep one of the two")
        )
    strictest = max(demands, key=_DEMANDS.index, default="verify-ca" if "sslrootcert" in values else "any")
    if strictest == "system":
        values.setdefault("sslrootcert", "system")
    if strictest != "any":
        values["sslmode"] = "verify-full" if strictest == "system" else strictest
