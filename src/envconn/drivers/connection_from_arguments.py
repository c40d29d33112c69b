"""The connection that the arguments of a driver describe, where the program made them, and not envconn.

A framework's settings may have been written or changed by the project (`postgresql`, `mysql`), and an engine may be the
program's own (`read_call`). They become the `Connection` that the driver will open, or the text of one, so that they
are judged as any other text is (`envconn.services.secure_as_stated`, `envconn.secure`).
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from typing import cast
from urllib.parse import quote, urlencode

from envconn import grammar
from envconn.connection import Connection, Origin, Secret
from envconn.drivers import Hidden
from envconn.drivers import mysql as mysql_driver
from envconn.drivers.allowed_options import HARMLESS, MYSQL_SETTINGS
from envconn.drivers.unsupported import refuse
from envconn.errors import ConfigurationError, problem
from envconn.families import FAMILIES, POSTGRESQL
from envconn.grammar.conninfo import quoted
from envconn.grammar.libpq_keywords import KEYWORDS, VARIABLES, pins
from envconn.grammar.mysql import MODES
from envconn.records import Record
from envconn.sources.environment import ABSENT
from envconn.tls import TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from envconn.tls import SecuredConnection

    Arguments = Mapping[str, Any]


def postgresql(words: Mapping[str, object], variable: str) -> Connection:
    """Return the connection that libpq opens with the keywords `words`; messages call them `variable`.

    libpq uses ``PG*`` variables, its own defaults and ``~/.postgresql/root.crt`` for what is not among them
    (fe-connect.c, conninfo_add_defaults; fe-secure-openssl.c, initialize_SSL).

    Raises:
        ConfigurationError: a keyword is unknown, is not read here, or has an invalid value.
    """
    _permit(words, _OTHER_WAYS, variable)
    environ = {name: os.environ.get(own, "") for own, name in (*VARIABLES.items(), ("PGSERVICE", "service"))}
    stated = {name: str(value) for name, value in words.items() if value is not None}
    found = {name: value for name, value in {**environ, **stated}.items() if value not in {"", ABSENT}}
    found = {"user": "user", **found}
    found = {"dbname": found["user"], **({} if "hostaddr" in found else {"host": _SOCKETS}), **found}
    root = os.path.expanduser("~/.postgresql/root.crt")
    if found.get("sslmode", "").startswith("verify") and os.path.isfile(root):
        found = {"sslrootcert": root, **found}
    return _read(_conninfo(found), variable)


def unencrypted(host: str, variable: str) -> Connection:
    """Return a connection to `host` without TLS, for a server whose own cannot be judged.

    Messages call it `variable`.
    """
    return _read(_conninfo({"host": host, **_UNENCRYPTED}), variable)


def unsupported(dialect: str, words: Arguments, variable: str) -> Connection:
    """Return a connection without TLS to the server that the arguments `words` of a driver that is not supported name.

    `dialect` is SQLAlchemy's name. Drivers for PostgreSQL count as those of libpq, whose ``hostaddr`` decides.

    Raises:
        ConfigurationError: the arguments may name another server beside ``host``.
    """
    is_libpq = dialect in FAMILIES[POSTGRESQL].schemes
    _permit(words, _OTHER_PLACES - (_PLACES_OF_LIBPQ if is_libpq else frozenset()), variable)
    if not is_libpq:
        return unencrypted(str(words["host"]), variable)
    return postgresql({**{name: words.get(name) for name in _PLACES_OF_LIBPQ}, **_UNENCRYPTED}, variable)


_UNENCRYPTED = {"user": "user", "dbname": "user", "sslmode": "disable"}

_OTHER_WAYS = frozenset({"conninfo", "dsn", "connection_factory", "connection_class", "kwargs"})
"""Arguments of psycopg, psycopg2 and psycopg_pool that are not keywords of libpq, and open what they want."""

_PLACES_OF_LIBPQ = frozenset({"host", "hostaddr", "service"})
_OTHER_PLACES = _OTHER_WAYS | frozenset(
    {
        *("alt_hosts", "async_creator_fn", "default_file", "default_group", "failover", "hostaddr", "option_files"),
        *("option_groups", "read_default_file", "read_default_group", "server", "service", "servicefile", "sock"),
    }
)
"""Arguments with which a driver opens another place than that of ``host``."""

_SOCKETS = "/tmp"  # noqa: S108 - libpq's default directory, or another one: only that it is a socket matters


def mysql(words: Mapping[str, object], variable: str) -> Connection:
    """Return the connection that mysqlclient or PyMySQL opens with the arguments `words`; messages call it `variable`.

    Raises:
        ConfigurationError: an argument is unknown or not read here, or has an invalid value.
    """
    words = _renamed(words)
    stated = words.get("ssl") or {}
    files = stated if isinstance(stated, dict) else {}
    _permit(words, (words.keys() - _OF_MYSQL) | (set() if isinstance(stated, dict) else {"ssl"}), variable)
    mode = "DISABLED" if words.get("ssl_disabled") else words.get("ssl_mode")
    added = {"ssl-mode": mode, "unix_socket": words.get("unix_socket")}
    query = {**_mysql_tls(files), **{name: value for name, value in added.items() if value}}
    given = {name: words.get(name) or "-" for name in ("user", "password", "database")}
    return _read(_mysql_url({**words, **given}, query), variable)


def require_enforced(connection: SecuredConnection, words: Mapping[str, object]) -> None:
    """Refuse `words`, read by `mysql` as `connection`, if the installed driver does not enforce its TLS with them.

    Raises:
        ConfigurationError: the driver needs other words for this level, or cannot enforce it.
    """
    needed = mysql_driver.arguments(connection)
    if _spelling(words) != _spelling(needed):
        names = " and ".join(name for name in _TLS if name in needed)
        refuse(connection, f"the driver enforces {connection.tls.level} only with other values of {names}. {_WRITE}")


class Call(Record):
    """A connection string for what a DBAPI is called with, and the arguments that are not in it.

    `context` is the one that the program made for TLS, with the argument's name.
    """

    text: Hidden
    rest: Arguments
    context: tuple[str, ssl.SSLContext] | None = None


def read_call(driver: str, positional: Sequence[Any], named: Arguments, variable: str) -> Call | None:
    """Return what `driver`, by its module's name in lower case, is called with; `None` for an unknown driver.

    `positional` and `named` are the arguments of its ``connect``, which messages call `variable`.

    Raises:
        ConfigurationError: an argument may open the connection in another way.
    """
    if not (reader := _READERS.get(driver)):
        return None
    call = reader(*positional, **named)
    _permit(call.rest, call.rest.keys() - HARMLESS[driver], variable)
    return call


def context_level(context: ssl.SSLContext) -> TlsLevel:
    """Return what a connection with `context` promises."""
    if context.verify_mode != ssl.CERT_REQUIRED:
        return TlsLevel.ENCRYPTED
    return TlsLevel.VERIFY_FULL if context.check_hostname else TlsLevel.VERIFY_CA


_FILES = ("ca", "cert", "key")
_TLS = ("ssl", "ssl_mode", "ssl_disabled")
_OF_MYSQL = MYSQL_SETTINGS | {"host", "port", "user", "password", "database", "unix_socket", *_TLS}
_WRITE = "Set the URL in the environment, and use what databases() returns"


def _mysql_tls(tls: Arguments) -> dict[str, str]:
    """Return the parameters for a dictionary with which the drivers turn TLS on."""
    files = {f"ssl-{name}": str(tls[name]) for name in _FILES if tls.get(name)}
    checks_name, verifies = _checks(tls)
    level = "require" if verifies not in _VERIFIES else "verify-full" if checks_name else "verify-ca"
    if level == "require":
        files.pop("ssl-ca", None)  # it verifies nothing
    return {**files, "ssl-mode": MODES[level].upper()} if tls else {}


def _checks(tls: Arguments) -> tuple[bool, str]:
    """Return whether the name is checked, and how the chain is, with PyMySQL's defaults (_create_ssl_ctx)."""
    has_ca = bool(tls.get("ca"))
    verifies = tls.get("verify_mode", "required" if has_ca else "none")
    return has_ca and bool(tls.get("check_hostname", True)), str(verifies).lower()


_VERIFIES = frozenset({"required", "true", "yes", "1"})


def _spelling(words: Mapping[str, object]) -> tuple[object, ...]:
    """Return what decides about TLS."""
    files = cast("dict[str, object]", words.get("ssl") or {})
    names = frozenset(files.keys() - {"check_hostname", "verify_mode"})
    return words.get("ssl_mode"), bool(words.get("ssl_disabled")), names, *_checks(files)


def _permit(words: Mapping[str, object], refused: Iterable[str], variable: str) -> None:
    if found := sorted(words.keys() & set(refused)):
        message = f"{found[0]} cannot be judged, because it may decide about the server or TLS. Remove it"
        raise ConfigurationError([problem("argument-refused", variable, message)])


def _conninfo(keywords: Mapping[str, object]) -> Hidden:
    return Hidden(" ".join(f"{name}={quoted(str(value))}" for name, value in keywords.items() if value is not None))


def _renamed(words: Mapping[str, Any]) -> dict[str, Any]:
    """Return `words` with the current names of the arguments that the drivers for MySQL have renamed."""
    return {{"passwd": "password", "db": "database"}.get(name, name): value for name, value in words.items()}


def _mysql_url(words: Mapping[str, object], query: Mapping[str, object]) -> Hidden:
    """Return the URL for the server, user and database among `words`; without a server if `query` has a socket."""
    user, password, database = (quote(str(words.get(name) or ""), safe="") for name in ("user", "password", "database"))
    host = str(words.get("host") or "localhost")
    place = "" if "unix_socket" in query else f"{f'[{host}]' if ':' in host else host}:{words.get('port') or 3306}"
    written = urlencode({name: str(value) for name, value in query.items()}, quote_via=quote)
    return Hidden(f"mysql://{user}:{password}@{place}/{database}?{written}".removesuffix("?"))


def _read(text: Hidden, variable: str) -> Connection:
    outcome = grammar.read(Secret(text), Origin(variable))
    del text
    if isinstance(outcome, Connection):
        return outcome
    raise ConfigurationError(outcome)


def _psycopg(conninfo: str = "", **named: Any) -> Call:
    from psycopg.conninfo import make_conninfo

    keywords, rest = _parted(named)
    return Call(Hidden(make_conninfo(conninfo, **keywords)), rest)


def _psycopg2(dsn: str = "", **named: Any) -> Call:
    from psycopg2.extensions import make_dsn

    keywords, rest = _parted(named)
    return Call(Hidden(make_dsn(dsn, **keywords)), rest)


def _parted(named: Arguments) -> tuple[dict[str, str], dict[str, Any]]:
    """Return libpq's keywords, and the others."""
    renamed = {{"database": "dbname"}.get(name, name): value for name, value in named.items() if value is not None}
    keywords = {name: str(value) for name, value in renamed.items() if name in KEYWORDS or name == "service"}
    stated = {name: value for name, value in keywords.items() if value and (name, value) not in _WRITTEN_OUT}
    return stated, {name: value for name, value in renamed.items() if name not in keywords}


_WRITTEN_OUT = {*pins({}, 13).items(), *pins({}, 18).items(), ("sslrootcert", ABSENT)}
"""What `envconn.drivers.libpq` writes where nothing is stated: the arguments may be those of ``kwargs()``."""


def _asyncpg(**named: Any) -> Call:
    keywords, rest = _parted({name: _joined(value) for name, value in named.items() if name not in _CONTEXTS})
    if not isinstance(named.get("password", ""), str):
        rest["password"] = named["password"]
        keywords.pop("password")
    return _with_context(keywords, rest, "ssl", named.get("ssl"))


def _joined(value: object) -> object:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else value


def _pg8000(**named: Any) -> Call:
    keywords, rest = _parted({name: value for name, value in named.items() if name not in _CONTEXTS})
    if path := rest.pop("unix_sock", None):
        keywords["host"], _, port = str(path).rpartition("/")
        keywords["port"] = port.rpartition(".")[2]
    return _with_context(keywords, rest, "ssl_context", named.get("ssl_context"))


_CONTEXTS = frozenset({"ssl", "ssl_context", "direct_tls"})


def _with_context(keywords: dict[str, str], rest: Arguments, name: str, value: object) -> Call:
    if isinstance(value, ssl.SSLContext):
        verified = context_level(value) == TlsLevel.VERIFY_FULL
        return Call(_conninfo(keywords | (_VERIFIED if verified else {"sslmode": "require"})), rest, (name, value))
    words = {"None": {}, "False": {"sslmode": "disable"}, "True": _VERIFIED}
    return Call(_conninfo(keywords | words.get(str(value), {"sslmode": str(value)})), rest)


_VERIFIED = {"sslmode": "verify-full", "sslrootcert": "system"}


def _mysql(**named: Any) -> Call:
    tls = named.pop("ssl", None)
    named = _renamed(named)
    words = {name: named.pop(name, None) for name in ("user", "password", "host", "port", "database")}
    decisive = {name for name in named if name.startswith(("ssl", "read_default", "unix_socket"))}
    query = {name: _flag(named.pop(name)) for name in sorted(decisive)}
    context = ("ssl", tls) if isinstance(tls, ssl.SSLContext) else None
    query |= _mysql_tls(tls or {}) if isinstance(tls or {}, Mapping) else {"ssl-mode": "REQUIRED"}
    return Call(_mysql_url(words, query), named, context)


def _flag(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_READERS: dict[str, Callable[..., Call]] = {
    "psycopg": _psycopg,
    "psycopg2": _psycopg2,
    "asyncpg": _asyncpg,
    "pg8000": _pg8000,
    **dict.fromkeys(("pymysql", "mysqldb", "aiomysql", "asyncmy"), _mysql),
}
