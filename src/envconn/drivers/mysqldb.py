"""The words of mysqlclient (MySQLdb) for a level of TLS, as far as the C library under it means them.

It is built with MySQL's library, or with MariaDB's (Connector/C), which is what Debian and most images have.
Only MySQL's knows ``ssl_mode``; mysqlclient 2.2 and newer translates it for MariaDB's, of which Connector/C
3.3 and 3.4 were tried against MariaDB servers in every state:

=================== ==================================================================================
``DISABLED``        no TLS
``PREFERRED``       no TLS either
``REQUIRED``        TLS where the server has it, clear text where it has none
``VERIFY_CA``       the same as ``VERIFY_IDENTITY``
``VERIFY_IDENTITY`` TLS, chain and name; from Connector/C 3.4 on, no name at ``127.0.0.1`` and ``::1``
=================== ==================================================================================

Before 2.2 there is nothing that would keep it from going on in clear text, and before 2.0 no ``ssl_mode`` at all.
To both libraries ``localhost`` is a unix socket, whatever the port.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from envconn.drivers.refusal import refuse
from envconn.tls import TlsLevel

if TYPE_CHECKING:
    from envconn.tls import SecuredConnection

__all__ = ["mode"]

_MODES = ("DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY")
_OF_MARIADB = {TlsLevel.NONE: "DISABLED", TlsLevel.OPPORTUNISTIC: "REQUIRED", TlsLevel.VERIFY_FULL: "VERIFY_IDENTITY"}

Version = tuple[int, ...]


class _Built(NamedTuple):
    """mysqlclient's version, and that of the library, whose makers count differently."""

    own: Version
    library: Version

    @property
    def mysqls(self) -> bool:
        """Whether the library is MySQL's: 5.7, 8.x and 9.x are, MariaDB's are 3.x, and were 10.x."""
        return self.library[:1] in {(8,), (9,)} or self.library[:2] == (5, 7)


def mode(connection: SecuredConnection, *, elsewhere: bool) -> str | None:
    """Return the ``ssl_mode`` that makes mysqlclient hold the level, or `None` where it is told nothing.

    `elsewhere` is whether the arguments are for another machine, or the module cannot be asked: then what is
    returned holds with either library.

    Raises:
        ConfigurationError: it cannot hold the level.
    """
    level, built = connection.tls.level, None if elsewhere else _built()
    if level >= TlsLevel.ENCRYPTED and connection.host == "localhost":
        refuse(connection, _LOCALHOST)
    if built is None:
        return _anywhere(connection)
    if built.own < ((2, 0) if built.mysqls else (2, 2)):
        return None if level < TlsLevel.ENCRYPTED else _old(connection)
    return _MODES[level] if built.mysqls else _mariadbs(connection, built)


def _built() -> _Built | None:
    try:
        module = import_module("MySQLdb")
    except ImportError:
        return None
    return _Built(tuple(module.version_info[:2]), tuple(map(int, re.findall("[0-9]+", module.get_client_info())[:2])))


def _anywhere(connection: SecuredConnection) -> str:
    if connection.tls.level == TlsLevel.ENCRYPTED:
        refuse(connection, f"whether mysqlclient is built with MariaDB's library is not known here, and {_REQUIRED}")
    return _MODES[connection.tls.level]


def _mariadbs(connection: SecuredConnection, built: _Built) -> str:
    level = connection.tls.level
    if level == TlsLevel.ENCRYPTED:
        refuse(connection, f"mysqlclient is built with MariaDB's library, and {_REQUIRED}")
    if level == TlsLevel.VERIFY_CA:
        refuse(connection, _CHAIN)
    if level == TlsLevel.VERIFY_FULL and connection.host in _UNNAMED and built.library >= (3, 4):
        refuse(connection, _LOOPBACK)
    return _OF_MARIADB[level]


def _old(connection: SecuredConnection) -> NoReturn:
    refuse(connection, "mysqlclient before 2.2 goes on in clear text where the server has no TLS; upgrade it")


_UNNAMED = frozenset({"127.0.0.1", "::1"})
_REQUIRED = (
    "that goes on in clear text where the server has no TLS, for all that REQUIRED says; write "
    "ssl-mode=VERIFY_IDENTITY and ssl-ca=/path, or take PyMySQL"
)
_CHAIN = (
    "mysqlclient is built with MariaDB's library, which checks no chain without the name; write "
    "ssl-mode=VERIFY_IDENTITY, or take PyMySQL"
)
_LOOPBACK = (
    "MariaDB's library from 3.4 on checks no name at a loopback address; write the name that the certificate is for, "
    "or take PyMySQL"
)
_LOCALHOST = "localhost is a unix socket to mysqlclient, whatever the port; write 127.0.0.1, or take PyMySQL"
