"""The arguments of aiomysql and asyncmy, which have the same words, and a connection of aiomysql that insists on TLS.

Given a context, asyncmy always starts TLS before it sends the login (connection.pyx, _request_authentication; 0.2.9 to
0.2.18). aiomysql continues unencrypted if the server offers no TLS (0.2 and 0.3), and has no option against it, so its
connections are those of `connect`.
"""

from __future__ import annotations

from functools import cache
from typing import cast

from envconn.drivers import Hidden, mysql, ssl_context
from envconn.drivers.unsupported import insist
from envconn.families import MYSQL
from envconn.records import TypedDict
from envconn.tls import TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from typing import Any, Literal, TypeAlias

    from envconn.tls import SecuredConnection

    Module: TypeAlias = Literal["aiomysql", "asyncmy"]


class Arguments(TypedDict, total=False):
    """The arguments of ``aiomysql.connect`` and ``asyncmy.connect``. Timeouts are in seconds."""

    host: str
    port: int
    unix_socket: str
    user: str
    password: str
    db: str
    ssl: ssl.SSLContext
    charset: str
    sql_mode: str
    connect_timeout: int
    read_timeout: int
    use_unicode: bool
    autocommit: bool
    program_name: str


def arguments(connection: SecuredConnection, driver: Module) -> Arguments:
    """Return the keyword arguments with which `driver` enforces the verdict; for aiomysql, together with `connect`.

    Raises:
        ConfigurationError: the driver does not support what the connection requires.
        TypeError: `connection` was not judged.
    """
    insist(connection, driver, MYSQL, _OPTIONS[driver])
    mysql.refuse_beyond_ascii(connection, driver)
    [host] = connection.hosts
    where = {"unix_socket": host.host} if host.is_socket else {"host": host.host, "port": host.port}
    login = {"user": connection.user, "db": connection.dbname}
    login["password"] = Hidden(connection.password.reveal() if connection.password else "")
    found = {**where, **login, **mysql.options(connection)}
    return cast("Arguments", found | _tls(connection, driver))


def _tls(connection: SecuredConnection, driver: Module) -> dict[str, object]:
    # asyncmy cannot be asked for TLS without insisting on it.
    least = {"aiomysql": TlsLevel.OPPORTUNISTIC, "asyncmy": TlsLevel.ENCRYPTED}[driver]
    return {"ssl": ssl_context.build(connection)} if connection.tls.level >= least else {}


_BOTH = frozenset({"charset", "sql_mode", "program_name", "connect_timeout", "use_unicode", "autocommit"})
_OPTIONS: Mapping[Module, frozenset[str]] = {"aiomysql": _BOTH, "asyncmy": _BOTH | {"read_timeout"}}


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
