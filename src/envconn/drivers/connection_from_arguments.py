"""The connection that the arguments of a driver describe, where the program made them, and not envconn.

A framework's settings may have been written or changed by the project. They become the `Connection` that the driver
will open, so that they are judged as any other text is (`envconn.services.secure_as_stated`).
"""

from __future__ import annotations

import os
from typing import cast
from urllib.parse import quote, urlencode

from envconn import grammar
from envconn.connection import Connection, Origin, Secret
from envconn.drivers import mysql as mysql_driver
from envconn.drivers.unsupported import refuse
from envconn.errors import ConfigurationError, problem
from envconn.grammar.conninfo import quoted
from envconn.grammar.libpq_keywords import ABSENT, VARIABLES
from envconn.grammar.mysql import MODES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from envconn.tls import SecuredConnection


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
    return _read(" ".join(f"{name}={quoted(value)}" for name, value in found.items()), variable)


def unencrypted(host: str, variable: str) -> Connection:
    """Return a connection to `host` without TLS, for a server whose own cannot be judged."""
    words = {"host": host, "user": "user", "dbname": "user", "sslmode": "disable"}
    return _read(" ".join(f"{name}={quoted(value)}" for name, value in words.items()), variable)


_OTHER_WAYS = frozenset({"conninfo", "dsn", "connection_factory", "connection_class", "kwargs"})
"""Arguments of psycopg, psycopg2 and psycopg_pool that are not keywords of libpq, and open what they want."""

_SOCKETS = "/tmp"  # noqa: S108 - libpq's default directory, or another one: only that it is a socket matters


def mysql(words: Mapping[str, object], variable: str) -> Connection:
    """Return the connection that mysqlclient or PyMySQL opens with the arguments `words`.

    Raises:
        ConfigurationError: an argument is unknown or not read here, or has an invalid value.
    """
    stated = words.get("ssl") or {}
    files = stated if isinstance(stated, dict) else {}
    _permit(words, (words.keys() - _OF_MYSQL) | (set() if isinstance(stated, dict) else {"ssl"}), variable)
    query = {f"ssl-{name}": path for name, path in files.items() if name in _FILES}
    query |= {"ssl-mode": mode} if (mode := _mode(words)) else {}
    socket = words.get("unix_socket")
    query |= {"unix_socket": socket} if socket else {}
    user, password, database = (
        quote(str(words.get(name) or "-"), safe="") for name in ("user", "password", "database")
    )
    place = "" if socket else f"{words.get('host') or 'localhost'}:{words.get('port') or 3306}"
    written = urlencode({name: str(value) for name, value in query.items()}, quote_via=quote)
    return _read(f"mysql://{user}:{password}@{place}/{database}?{written}".removesuffix("?"), variable)


def require_enforced(connection: SecuredConnection, words: Mapping[str, object]) -> None:
    """Refuse `words`, read by `mysql` as `connection`, if the installed driver does not enforce its TLS with them.

    Raises:
        ConfigurationError: the driver needs other words for this level, or cannot enforce it.
    """
    needed = mysql_driver.arguments(connection)
    if _spelling(words) != _spelling(needed):
        names = " and ".join(name for name in _TLS if name in needed)
        refuse(connection, f"the driver enforces {connection.tls.level} only with other values of {names}. {_WRITE}")


_FILES = ("ca", "cert", "key")
_TLS = ("ssl", "ssl_mode", "ssl_disabled")
_OF_MYSQL = frozenset(
    {
        *("host", "port", "user", "password", "database", "unix_socket", *_TLS),
        *("charset", "collation", "sql_mode", "use_unicode", "autocommit", "program_name", "init_command"),
        *("connect_timeout", "read_timeout", "write_timeout", "max_allowed_packet", "binary_prefix"),
        *("client_flag", "conv", "cursorclass"),
    }
)
_WRITE = "Set the URL in the environment, and use what databases() returns"


def _mode(words: Mapping[str, object]) -> str:
    """Return the value of ``ssl-mode`` that the arguments amount to, empty if there are none."""
    if words.get("ssl_disabled"):
        return "DISABLED"
    if words.get("ssl_mode"):
        return str(words["ssl_mode"])
    if not words.get("ssl"):
        return ""
    _, _, _, checks_name, verifies = _spelling(words)
    level = "require" if verifies == "none" else "verify-full" if checks_name else "verify-ca"
    return MODES[level].upper()


def _spelling(words: Mapping[str, object]) -> tuple[object, ...]:
    """Return what decides about TLS, with PyMySQL's defaults (connections.py, _create_ssl_ctx)."""
    files = cast("dict[str, object]", words.get("ssl") or {})
    has_ca = "ca" in files
    checks = files.get("check_hostname", has_ca), files.get("verify_mode", "required" if has_ca else "none")
    names = frozenset(files.keys() - {"check_hostname", "verify_mode"})
    return words.get("ssl_mode"), bool(words.get("ssl_disabled")), names, *checks


def _permit(words: Mapping[str, object], refused: Iterable[str], variable: str) -> None:
    if found := sorted(words.keys() & set(refused)):
        message = f"{found[0]} cannot be judged, because it may decide about the server or TLS. Remove it"
        raise ConfigurationError([problem("argument-refused", variable, message)])


def _read(text: str, variable: str) -> Connection:
    outcome = grammar.read(Secret(text), Origin(variable))
    del text
    if isinstance(outcome, Connection):
        return outcome
    raise ConfigurationError(outcome)
