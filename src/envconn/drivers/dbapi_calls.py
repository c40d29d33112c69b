"""What a DBAPI is called with, where the program made the call, read as a connection string that can be judged."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from envconn.drivers import Hidden
from envconn.grammar.conninfo import quoted
from envconn.grammar.libpq_keywords import ABSENT, KEYWORDS, pins
from envconn.records import Record
from envconn.tls.levels import TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Arguments = Mapping[str, Any]


class Call(Record):
    """A connection string for what a DBAPI is called with, and the arguments that are not in it.

    `context` is the one that the program made for TLS, with the argument's name.
    """

    text: Hidden
    rest: Arguments
    context: tuple[str, ssl.SSLContext] | None = None


def read(driver: str, positional: Sequence[Any], named: Arguments) -> Call | None:
    """Return what `driver`, by its module's name in lower case, is called with; `None` if its words are not known."""
    reader = _READERS.get(driver)
    return reader(*positional, **named) if reader else None


def level(context: ssl.SSLContext) -> TlsLevel:
    """Return what a connection with `context` promises."""
    if context.verify_mode != ssl.CERT_REQUIRED:
        return TlsLevel.ENCRYPTED
    return TlsLevel.VERIFY_FULL if context.check_hostname else TlsLevel.VERIFY_CA


def _conninfo(keywords: Mapping[str, object]) -> Hidden:
    return Hidden(" ".join(f"{name}={quoted(str(value))}" for name, value in keywords.items() if value is not None))


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
    keywords, rest = _parted({name: _joined(value) for name, value in named.items() if name not in _TLS})
    if not isinstance(named.get("password", ""), str):
        rest["password"] = named["password"]
        keywords.pop("password")
    return _with_context(keywords, rest, "ssl", named.get("ssl"))


def _joined(value: object) -> object:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else value


def _pg8000(**named: Any) -> Call:
    keywords, rest = _parted({name: value for name, value in named.items() if name not in _TLS})
    if path := rest.pop("unix_sock", None):
        keywords["host"], _, port = str(path).rpartition("/")
        keywords["port"] = port.rpartition(".")[2]
    return _with_context(keywords, rest, "ssl_context", named.get("ssl_context"))


_TLS = frozenset({"ssl", "ssl_context", "direct_tls"})


def _with_context(keywords: dict[str, str], rest: Arguments, name: str, value: object) -> Call:
    if isinstance(value, ssl.SSLContext):
        verified = level(value) == TlsLevel.VERIFY_FULL
        return Call(_conninfo(keywords | (_VERIFIED if verified else {"sslmode": "require"})), rest, (name, value))
    words = {"None": {}, "False": {"sslmode": "disable"}, "True": _VERIFIED}
    return Call(_conninfo(keywords | words.get(str(value), {"sslmode": str(value)})), rest)


_VERIFIED = {"sslmode": "verify-full", "sslrootcert": "system"}


def _mysql(**named: Any) -> Call:
    tls = named.pop("ssl", None)
    user, password = named.pop("user", ""), named.pop("password", None) or named.pop("passwd", None) or ""
    host, port = named.pop("host", "localhost"), named.pop("port", 3306)
    dbname = named.pop("database", None) or named.pop("db", None) or ""
    decisive = {name for name in named if name.startswith(("ssl", "read_default", "unix_socket"))}
    query = {name: _flag(named.pop(name)) for name in sorted(decisive)}
    context = ("ssl", tls) if isinstance(tls, ssl.SSLContext) else None
    query |= _mysql_files(tls or {}) if isinstance(tls or {}, Mapping) else {"ssl-mode": "REQUIRED"}
    where = "" if "unix_socket" in query else f"{f'[{host}]' if ':' in host else host}:{port}"
    login = f"{quote(user, '')}:{quote(password, '')}"
    return Call(Hidden(f"mysql://{login}@{where}/{quote(dbname, '')}?{urlencode(query)}"), named, context)


def _flag(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _mysql_files(tls: Arguments) -> dict[str, str]:
    """Return the parameters for a dictionary with which the drivers turn TLS on."""
    files = {f"ssl-{name}": str(tls[name]) for name in ("ca", "cert", "key") if tls.get(name)}
    verified = "VERIFY_IDENTITY" if tls.get("check_hostname", True) else "VERIFY_CA"
    return files | ({"ssl-mode": verified if "ssl-ca" in files else "REQUIRED"} if tls else {})


_READERS: dict[str, Callable[..., Call]] = {
    "psycopg": _psycopg,
    "psycopg2": _psycopg2,
    "asyncpg": _asyncpg,
    "pg8000": _pg8000,
    **dict.fromkeys(("pymysql", "mysqldb", "aiomysql", "asyncmy"), _mysql),
}
