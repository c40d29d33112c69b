"""What MySQLdb (mysqlclient) is given beside host, port, user, password and database; and PyMySQL in its place.

Both go on in clear text by default where the server offers no TLS: mysqlclient unless ``ssl_mode`` says
otherwise and its library listens (`envconn.drivers.mysqldb`), PyMySQL unless it is given ``ssl`` and is 1.2
or newer (connections.py, _ssl_required).
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, TypedDict, cast

from envconn.drivers import mysqldb
from envconn.drivers.refusal import TLS, insist, refuse
from envconn.tls import TlsLevel

if TYPE_CHECKING:
    from collections.abc import Callable

    from envconn.tls import SecuredConnection

__all__ = ["Arguments", "Files", "arguments"]


class Files(TypedDict, total=False):
    """The files of a TLS connection; PyMySQL finds what to verify among them, too."""

    ca: str
    cert: str
    key: str
    password: str
    check_hostname: bool
    verify_mode: str


class Arguments(TypedDict, total=False):
    """What ``MySQLdb.connect`` is given. Timeouts are in seconds."""

    ssl: Files
    ssl_mode: str
    ssl_disabled: bool
    charset: str
    collation: str
    sql_mode: str
    connect_timeout: int
    read_timeout: int
    write_timeout: int
    use_unicode: bool
    autocommit: bool
    program_name: str


def arguments(
    connection: SecuredConnection, driver: Literal["MySQLdb", "pymysql"] | None = None, *, elsewhere: bool = False
) -> Arguments:
    """Return the keyword arguments that make `driver` hold the verdict; the installed one when left out.

    With `elsewhere` they are for another machine, and the module that is installed here is not asked.

    Raises:
        ConfigurationError: the driver cannot do what the connection asks for.
        TypeError: `connection` was not judged.
    """
    insist(connection, "MySQL", "mysql", _TYPES)
    if refused := sorted(_REFUSED & connection.parameters.keys()):
        refuse(connection, f"the MySQL drivers cannot honour {refused[0]}; drop it")
    found = {name: _TYPES[name](text) for name, text in connection.parameters.items() if name in _TYPES}
    if (driver or _installed(connection)) != "pymysql":
        return cast("Arguments", found | _mysqldb(connection, elsewhere=elsewhere))
    if connection.password and not connection.password.reveal().isascii():
        # Which makes another hash of it than the server has (connections.py: encode("latin1")).
        refuse(connection, "PyMySQL writes a password in Latin-1; take one with nothing beyond ASCII, or mysqlclient")
    return cast("Arguments", found | _pymysql(connection))


_REFUSED = TLS - {"sslmode", "sslrootcert", "sslcert", "sslkey"}

_TYPES: dict[str, Callable[[str], object]] = {
    **dict.fromkeys(("charset", "collation", "sql_mode", "program_name"), str),
    **dict.fromkeys(("connect_timeout", "read_timeout", "write_timeout"), int),
    **dict.fromkeys(("use_unicode", "autocommit"), lambda text: text == "true"),
}


def _mysqldb(connection: SecuredConnection, *, elsewhere: bool) -> dict[str, object]:
    files, mode = _files(connection), mysqldb.mode(connection, elsewhere=elsewhere)
    # Files alone would turn TLS on, or what looks like it.
    return {"ssl_mode": mode, **({"ssl": files} if files else {})} if mode else {}


def _pymysql(connection: SecuredConnection) -> dict[str, object]:
    if connection.tls.level == TlsLevel.NONE:
        return {"ssl_disabled": True}
    if connection.tls.level == TlsLevel.OPPORTUNISTIC:
        return {}
    import pymysql

    if pymysql.VERSION[:2] < (1, 2):
        refuse(connection, "PyMySQL before 1.2 goes on in clear text where the server has no TLS; upgrade it")
    checks = {
        "check_hostname": connection.tls.level == TlsLevel.VERIFY_FULL,
        "verify_mode": "required" if connection.tls.ca else "none",
    }
    return {"ssl": _files(connection) | checks}


def _files(connection: SecuredConnection) -> dict[str, object]:
    stated = {"ca": connection.tls.ca and connection.tls.ca.file()}
    stated |= {"cert": connection.parameters.get("sslcert"), "key": connection.parameters.get("sslkey")}
    return {name: path for name, path in stated.items() if path}


def _installed(connection: SecuredConnection) -> str:
    # pymysql.install_as_MySQLdb() puts itself into sys.modules under that name.
    if "MySQLdb" in sys.modules:
        return sys.modules["MySQLdb"].__name__
    for driver in ("MySQLdb", "pymysql"):
        if find_spec(driver):
            return driver
    return refuse(connection, "neither mysqlclient nor PyMySQL is installed; install one")
