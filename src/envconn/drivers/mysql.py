"""The arguments of MySQLdb (mysqlclient) other than host, port, user, password and database; or of PyMySQL.

By default both continue unencrypted if the server offers no TLS: mysqlclient unless ``ssl_mode`` says
otherwise and its library supports that (below), PyMySQL unless it is given ``ssl`` and is 1.2
or newer (connections.py, _ssl_required).

mysqlclient is built with MySQL's library, or with MariaDB's (Connector/C), as in Debian and most images.
Only MySQL's supports ``ssl_mode``; mysqlclient 2.2 and newer translates it for MariaDB's. Connector/C
3.3 and 3.4 were tested with MariaDB servers in every state:

=================== ==================================================================================
``DISABLED``        no TLS
``PREFERRED``       no TLS either
``REQUIRED``        TLS if the server has it, otherwise unencrypted
``VERIFY_CA``       the same as ``VERIFY_IDENTITY``
``VERIFY_IDENTITY`` TLS, chain and name; since Connector/C 3.4 no name at ``127.0.0.1`` and ``::1``
=================== ==================================================================================

Before 2.2 nothing prevents an unencrypted connection, and before 2.0 there is no ``ssl_mode``.
For both libraries ``localhost`` is a unix socket, whatever the port.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import cast

from envconn.drivers import Hidden
from envconn.drivers.unsupported import insist, refuse
from envconn.families import MYSQL
from envconn.grammar.libpq_keywords import CONTEXT
from envconn.records import Record, TypedDict
from envconn.tls import TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal, NoReturn, TypeAlias

    from envconn.tls import SecuredConnection

    Module: TypeAlias = Literal["MySQLdb", "pymysql"]


class Files(TypedDict, total=False):
    """The files of a TLS connection; for PyMySQL also how to verify."""

    ca: str
    cert: str
    key: str
    password: str
    check_hostname: bool
    verify_mode: str


class Options(TypedDict, total=False):
    """The arguments that do not decide, which have the same names in every driver. Timeouts are in seconds."""

    charset: str
    sql_mode: str
    connect_timeout: int
    read_timeout: int
    use_unicode: bool
    autocommit: bool
    program_name: str


class Arguments(Options, total=False):
    """The arguments of ``MySQLdb.connect`` and ``pymysql.connect``."""

    ssl: Files
    ssl_mode: str
    ssl_disabled: bool
    collation: str
    write_timeout: int


def arguments(connection: SecuredConnection, driver: Module | None = None) -> Arguments:
    """Return the keyword arguments with which `driver` enforces the verdict; the installed driver if left out.

    Raises:
        ConfigurationError: the driver does not support what the connection requires.
        TypeError: `connection` was not judged.
    """
    insist(connection, "MySQL", MYSQL, OPTIONS)
    if refused := sorted(_REFUSED & connection.parameters.keys()):
        refuse(connection, f"the MySQL drivers do not support {refused[0]}. Remove it")
    found = options(connection)
    if (driver or _installed(connection)) != "pymysql":
        return cast("Arguments", found | _mysqldb(connection))
    refuse_beyond_ascii(connection, "PyMySQL")
    return cast("Arguments", found | _pymysql(connection))


def target(connection: SecuredConnection) -> dict[str, object]:
    """Return the arguments for server and login, which have the same names in every driver."""
    [host] = connection.hosts
    where = {"unix_socket": host.host} if host.is_socket else {"host": host.host, "port": host.port}
    # Without a password, mysqlclient would read MYSQL_PWD.
    password = Hidden(connection.password.reveal() if connection.password else "")
    return {**where, "user": connection.user, "password": password}


def options(connection: SecuredConnection) -> dict[str, object]:
    """Return the arguments that do not decide, which have the same names in every driver."""
    return {name: OPTIONS[name](text) for name, text in connection.parameters.items() if name in OPTIONS}


def refuse_beyond_ascii(connection: SecuredConnection, driver: str) -> None:
    """Refuse a password of which `driver` makes another hash than the server (connections.py: encode("latin1")).

    Raises:
        ConfigurationError: it is not ASCII.
    """
    if connection.password and not connection.password.reveal().isascii():
        message = f"{driver} does not support this password. Use one with ASCII characters only, or use mysqlclient"
        refuse(connection, message)


_REFUSED = CONTEXT - {"sslmode", "sslrootcert", "sslcert", "sslkey"}

OPTIONS: dict[str, Callable[[str], object]] = {
    **dict.fromkeys(("charset", "collation", "sql_mode", "program_name"), str),
    **dict.fromkeys(("connect_timeout", "read_timeout", "write_timeout"), int),
    **dict.fromkeys(("use_unicode", "autocommit"), lambda text: text == "true"),
}


def _mysqldb(connection: SecuredConnection) -> dict[str, object]:
    files, mode = _files(connection), ssl_mode(connection)
    # Files alone would turn TLS on, or seem to.
    return {"ssl_mode": mode, **({"ssl": files} if files else {})} if mode else {}


def _pymysql(connection: SecuredConnection) -> dict[str, object]:
    if connection.tls.level == TlsLevel.NONE:
        return {"ssl_disabled": True}
    if connection.tls.level == TlsLevel.OPPORTUNISTIC:
        return {}
    import pymysql

    if pymysql.VERSION[:2] < (1, 2):
        refuse(connection, "PyMySQL before 1.2 connects without TLS if the server has none. Upgrade it")
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
    # pymysql.install_as_MySQLdb() registers PyMySQL in sys.modules under that name.
    if "MySQLdb" in sys.modules:
        return sys.modules["MySQLdb"].__name__
    for driver in ("MySQLdb", "pymysql"):
        if find_spec(driver):
            return driver
    return refuse(connection, "neither mysqlclient nor PyMySQL is installed. Run pip install 'envconn[mysqlclient]'")


_MODES = ("DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY")
_OF_MARIADB = {TlsLevel.NONE: "DISABLED", TlsLevel.OPPORTUNISTIC: "REQUIRED", TlsLevel.VERIFY_FULL: "VERIFY_IDENTITY"}

Version = tuple[int, ...]


class _Built(Record):
    """The versions of mysqlclient and of its library; MySQL and MariaDB number theirs differently."""

    own: Version
    library: Version

    @property
    def mysqls(self) -> bool:
        """Whether the library is MySQL's: 5.7, 8.x and 9.x; MariaDB's are 3.x, formerly 10.x."""
        return self.library[:1] in {(8,), (9,)} or self.library[:2] == (5, 7)


def ssl_mode(connection: SecuredConnection) -> str | None:
    """Return the ``ssl_mode`` with which mysqlclient enforces the level, or `None` if none is passed.

    If the module cannot be imported, the result is correct for either library.

    Raises:
        ConfigurationError: mysqlclient cannot enforce the level.
    """
    level, built = connection.tls.level, _built()
    if level >= TlsLevel.ENCRYPTED and connection.host == "localhost":
        refuse(connection, _LOCALHOST)
    if built is None:
        return _for_either_library(connection)
    if built.own < ((2, 0) if built.mysqls else (2, 2)):
        return None if level < TlsLevel.ENCRYPTED else _old(connection)
    return _MODES[level.rank] if built.mysqls else _mariadbs(connection, built)


def _built() -> _Built | None:
    try:
        module = import_module("MySQLdb")
    except ImportError:
        return None
    return _Built(tuple(module.version_info[:2]), tuple(map(int, re.findall("[0-9]+", module.get_client_info())[:2])))


def _for_either_library(connection: SecuredConnection) -> str:
    if connection.tls.level == TlsLevel.ENCRYPTED:
        refuse(connection, f"mysqlclient may use MariaDB's library, {_REQUIRED}")
    return _MODES[connection.tls.level.rank]


def _mariadbs(connection: SecuredConnection, built: _Built) -> str:
    level = connection.tls.level
    if level == TlsLevel.ENCRYPTED:
        refuse(connection, f"mysqlclient uses MariaDB's library, {_REQUIRED}")
    if level == TlsLevel.VERIFY_CA:
        refuse(connection, _CHAIN)
    if level == TlsLevel.VERIFY_FULL and connection.host in _UNNAMED and built.library >= (3, 4):
        refuse(connection, _LOOPBACK)
    return _OF_MARIADB[level]


def _old(connection: SecuredConnection) -> NoReturn:
    refuse(connection, "mysqlclient before 2.2 connects without TLS if the server has none. Upgrade it")


_UNNAMED = frozenset({"127.0.0.1", "::1"})
_REQUIRED = (
    "which connects without TLS if the server has none, even with REQUIRED. Use ssl-mode=VERIFY_IDENTITY and "
    "ssl-ca=/path, or use PyMySQL"
)
_CHAIN = (
    "mysqlclient uses MariaDB's library, which does not support VERIFY_CA. Use ssl-mode=VERIFY_IDENTITY, or use PyMySQL"
)
_LOOPBACK = (
    "MariaDB's library 3.4 and newer does not verify a loopback address. Use the name in the certificate, or use "
    "PyMySQL"
)
_LOCALHOST = "mysqlclient uses a unix socket for localhost, and ignores the port. Use 127.0.0.1, or use PyMySQL"
