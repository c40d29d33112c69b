"""MySQL and MariaDB: a login through PyMySQL or mysqlclient, with the arguments that Django and SQLAlchemy get.

mysqlclient does not tell whether it uses TLS; its arguments enforce it (`envconn.drivers.mysql`).
"""

from __future__ import annotations

import math
from contextlib import closing, suppress
from importlib import import_module

from envconn.drivers import installed
from envconn.drivers import mysql as arguments
from envconn.errors import note
from envconn.probe.login.outcome import ACCEPTS_WRITES, Failure, Outcome, classify, failed_login, left, readable
from envconn.probe.proof import Login
from envconn.tls import TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from envconn.drivers.mysql import Module
    from envconn.errors import Finding
    from envconn.tls import SecuredConnection


def log_in(connection: SecuredConnection, until: float, _address: str | None) -> Outcome:
    """Log in through the driver that the scheme names, otherwise the first installed one that is not for asyncio.

    Raises:
        ConfigurationError: none is installed, or it does not support what the connection requires.
        ImportError: it is installed but cannot be imported.
    """
    driver = installed.choose(connection, asynchronous=False)
    module: Any = import_module(_MODULES[driver])
    given = _given(connection, driver, until)
    try:
        with closing(module.connect(**given)) as raw:
            found = _converse(connection, driver, raw)
    except Exception as error:  # noqa: BLE001 - of what the other side may send, the drivers foresee a part
        found = _why(error)
    if isinstance(found, Failure):
        return Outcome(problems=(failed_login(connection, driver, found),))
    return Outcome(found, notes=tuple(_notes(connection, found)))


_MODULES: Mapping[str, Module] = {"pymysql": "pymysql", "mysqldb": "MySQLdb"}


def _given(connection: SecuredConnection, driver: str, until: float) -> dict[str, Any]:
    own: dict[str, Any] = {**arguments.arguments(connection, _MODULES[driver])}
    limit = math.ceil(left(until))  # mysqlclient has whole seconds only
    limits = {name: min(limit, own.get(name) or limit) for name in ("connect_timeout", "read_timeout", "write_timeout")}
    return {**own, **arguments.target(connection), "database": connection.dbname, **limits}


def _converse(connection: SecuredConnection, driver: str, raw: Any) -> Login | Failure:
    """Return what the server reports of itself. It may be a proxy that answers a part of the questions."""
    if connection.tls.level >= TlsLevel.ENCRYPTED and getattr(raw, "_secure", None) is False:
        return Failure("tls-not-in-use")
    found: dict[str, str | None] = {}
    for name, query in _QUERIES.items():
        with suppress(Exception):
            found[name] = _last(raw, query)
    cipher = found.get("cipher")
    return Login(
        driver,
        readable(found.get("user")) or connection.user,
        readable(found.get("dbname")),
        readable(found.get("version")),
        {"0": False, "1": True}.get(found.get("read_only") or ""),
        tls=None if cipher is None else bool(cipher),
    )


def _last(raw: Any, query: str) -> str:
    with closing(raw.cursor()) as cursor:
        cursor.execute(query)
        return str(cursor.fetchone()[-1])


_QUERIES = {
    "user": "select substring_index(user(), '@', 1)",
    "dbname": "select database()",
    "version": "select version()",
    "read_only": "select @@global.read_only",
    "cipher": "show session status like 'Ssl_cipher'",
}


def _notes(connection: SecuredConnection, login: Login) -> Iterator[Finding]:
    variable = connection.origin.variable
    if connection.replica and login.read_only is False:
        yield note("replica-is-primary", variable, ACCEPTS_WRITES)
    if not connection.read_only and login.read_only:
        yield note("primary-is-read-only", variable, _READ_ONLY)


_READ_ONLY = "the server is read-only (read_only is on). Use the primary's endpoint"


def _why(error: Exception) -> Failure:
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    if number in _BY_NUMBER:
        return Failure(_BY_NUMBER[number])
    if isinstance(error, RuntimeError):  # PyMySQL without the package that the method needs (_auth.py)
        return Failure("login-method-unsupported")
    found = classify(error)
    return Failure("host-unreachable") if number in _UNOPENED and found.code == "protocol-unexpected" else found


_BY_NUMBER = {
    **dict.fromkeys((1045, 1698), "password-refused"),
    **dict.fromkeys((1044, 1142, 1227), "permission-denied"),
    1049: "database-absent",
    **dict.fromkeys((1040, 1203, 1226), "server-full"),
    **dict.fromkeys((1053, 1077, 1927), "server-starting"),
    **dict.fromkeys((1129, 1130, 1862, 3118, 3159, 4151), "login-refused"),
    **dict.fromkeys((1251, 1524, 2049, 2054, 2059, 2061), "login-method-unsupported"),
    2005: "host-unresolved",
    **dict.fromkeys((2006, 2013), "connection-closed"),
    2026: "tls-failed",
}
"""The numbers of MySQL's and MariaDB's servers (from 1000) and client libraries (from 2000), by their manuals."""

_UNOPENED = frozenset({2002, 2003})
"""No connection. PyMySQL keeps the reason, which is the cause of its error; mysqlclient writes it into the text."""
