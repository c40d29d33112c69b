"""pg8000's arguments. Its default is TLS if the server likes; every connection of ours says which it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from envconn.drivers import context
from envconn.drivers.refusal import insist, refuse
from envconn.tls import TlsLevel

if TYPE_CHECKING:
    import ssl

    from envconn.tls import SecuredConnection

__all__ = ["Arguments", "arguments"]

_HONOURED = {"application_name"}


class Arguments(TypedDict, total=False):
    """What ``pg8000.dbapi.connect`` is given."""

    user: str
    password: str
    host: str
    port: int
    database: str
    unix_sock: str
    ssl_context: ssl.SSLContext | bool | None
    application_name: str


def arguments(connection: SecuredConnection) -> Arguments:
    """Return the keyword arguments that make pg8000 hold the verdict.

    It has no connect timeout that does not cut long queries, too, so ``connect_timeout`` is refused.

    Raises:
        ConfigurationError: pg8000 cannot do what the connection asks for.
        TypeError: `connection` was not judged.
    """
    insist(connection, "pg8000", "postgresql", _HONOURED)
    if len(connection.hosts) > 1:
        refuse(connection, "pg8000 takes one host; name one, or use psycopg")
    [host] = connection.hosts
    found: Arguments = {"user": connection.user, "database": connection.dbname, "ssl_context": _ssl(connection)}
    if host.is_socket:
        found["unix_sock"] = f"{host.host}/.s.PGSQL.{host.port}"
    else:
        found |= {"host": host.hostaddr or host.host, "port": host.port}
    if connection.password:
        found["password"] = connection.password.reveal()
    if name := connection.parameters.get("application_name"):
        found["application_name"] = name
    return found


def _ssl(connection: SecuredConnection) -> ssl.SSLContext | bool | None:
    """`False` is clear text, `None` TLS if the server offers it, a context TLS or nothing."""
    if connection.tls.level <= TlsLevel.OPPORTUNISTIC:
        return None if connection.tls.level else False
    [host] = connection.hosts
    return context.build(connection, protocol="postgresql", name=host.host)
