"""pg8000's arguments. By default it uses TLS if the server offers it; envconn always states what to use.

It works behind a pooler in transaction mode, but not in autocommit, where it can run
other clients' statements (its Parse and Execute are two round trips, and may reach two servers).
"""

from __future__ import annotations

from envconn.drivers import Hidden
from envconn.drivers import ssl_context as context
from envconn.drivers.unsupported import insist, refuse, refuse_optional
from envconn.families import POSTGRESQL
from envconn.records import TypedDict
from envconn.tls import TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl

    from envconn.tls import SecuredConnection

_HONOURED = {"application_name", "fallback_application_name", "options"}


class Arguments(TypedDict, total=False):
    """The arguments of ``pg8000.dbapi.connect``."""

    user: str
    password: str
    host: str
    port: int
    database: str
    unix_sock: str
    ssl_context: ssl.SSLContext | bool | None
    application_name: str
    startup_params: dict[str, str]


def arguments(connection: SecuredConnection) -> Arguments:
    """Return the keyword arguments with which pg8000 enforces the verdict.

    Its connect timeout also interrupts long queries, so ``connect_timeout`` is refused.

    Raises:
        ConfigurationError: pg8000 does not support what the connection requires.
        TypeError: `connection` was not judged.
    """
    insist(connection, "pg8000", POSTGRESQL, _HONOURED)
    if connection.parameters.get("sslnegotiation") == "direct":
        refuse(connection, "pg8000 does not support sslnegotiation=direct. Remove it, or use psycopg")
    if len(connection.hosts) > 1:
        refuse(connection, "pg8000 does not support several hosts. Name one, or use psycopg")
    [host] = connection.hosts
    found: Arguments = {"user": connection.user, "database": connection.dbname, "ssl_context": _ssl(connection)}
    if host.is_socket:
        found["unix_sock"] = f"{_path(host.host)}/.s.PGSQL.{host.port}"
    else:
        found["host"], found["port"] = host.hostaddr or host.host, host.port
    if connection.password:
        found["password"] = Hidden(connection.password.reveal())
    parameters = connection.parameters
    if name := parameters.get("application_name") or parameters.get("fallback_application_name"):
        found["application_name"] = name
    if options := parameters.get("options"):
        found["startup_params"] = {"options": options}
    return found


def _path(socket: str) -> str:
    # An abstract socket's name begins with a zero byte (unix(7)); libpq writes it as "@".
    return "\0" + socket[1:] if socket.startswith("@") else socket


def _ssl(connection: SecuredConnection) -> ssl.SSLContext | bool | None:
    """Return `False` for no TLS, `None` for TLS if the server offers it, a context for required TLS."""
    if connection.tls.level >= TlsLevel.ENCRYPTED:
        return context.build(connection, protocol="postgresql")
    if connection.tls.level == TlsLevel.NONE:
        return False
    refuse_optional(connection, "pg8000")
    return None
