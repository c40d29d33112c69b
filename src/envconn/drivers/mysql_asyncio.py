"""The arguments of aiomysql and asyncmy, which have the same words, and a connection of aiomysql that insists on TLS.

Given a context, asyncmy always starts TLS before it sends the login (connection.pyx, _request_authentication; 0.2.9 to
0.2.18). aiomysql continues unencrypted if the server offers no TLS (0.2 and 0.3), and has no option against it, so its
connections are those of `connect`.
"""

from __future__ import annotations

from functools import cache
from typing import cast

from envconn.drivers import mysql, ssl_context
from envconn.drivers.allowed_options import ALLOWED
from envconn.drivers.unsupported import insist
from envconn.families import MYSQL
from envconn.tls import TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from typing import Any, Literal, TypeAlias

    from envconn.tls import SecuredConnection

    Module: TypeAlias = Literal["aiomysql", "asyncmy"]


class Arguments(mysql.Options, total=False):
    """The arguments of ``aiomysql.connect`` and ``asyncmy.connect``."""

    host: str
    port: int
    unix_socket: str
    user: str
    password: str
    db: str
    ssl: ssl.SSLContext


def arguments(connection: SecuredConnection, driver: Module) -> Arguments:
    """Return the keyword arguments with which `driver` enforces the verdict; for aiomysql, together with `connect`.

    Raises:
        ConfigurationError: the driver does not support what the connection requires.
        TypeError: `connection` was not judged.
    """
    insist(connection, driver, MYSQL, ALLOWED[driver].intersection(mysql.OPTIONS))
    mysql.refuse_beyond_ascii(connection, driver)
    found = {**mysql.target(connection), "db": connection.dbname, **mysql.options(connection)}
    return cast("Arguments", found | _tls(connection, driver))


def _tls(connection: SecuredConnection, driver: Module) -> dict[str, object]:
    # asyncmy cannot be asked for TLS without insisting on it.
    least = {"aiomysql": TlsLevel.OPPORTUNISTIC, "asyncmy": TlsLevel.ENCRYPTED}[driver]
    return {"ssl": ssl_context.build(connection)} if connection.tls.level >= least else {}


async def connect(**arguments: Any) -> Any:  # aiomysql's arguments and connection, which have no types
    """Return a connection of aiomysql, whose `arguments` have an ``ssl``.

    Raises:
        aiomysql.OperationalError: the server offers no TLS; neither user nor password was sent.
    """
    connection = _insisting()(**arguments)
    await connection._connect()  # noqa: SLF001 - what aiomysql.connect() does
    return connection


@cache
def _insisting() -> type[Any]:
    import aiomysql
    from pymysql.constants import CLIENT

    # An error if a later version has another name for it, before anything is sent.
    greeted = aiomysql.Connection._get_server_information  # noqa: SLF001 - there is no option for it

    class Connection(aiomysql.Connection):  # type: ignore[misc]
        async def _get_server_information(self) -> None:
            await greeted(self)
            if not self.server_capabilities & CLIENT.SSL:
                raise aiomysql.OperationalError(_CR_SSL, "SSL connection error: the server doesn't support SSL")

    return Connection


_CR_SSL = 2026
"""MySQL's number for it (errmsg.h, CR_SSL_CONNECTION_ERROR)."""
