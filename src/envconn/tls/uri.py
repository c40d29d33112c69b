"""A judged connection as a PostgreSQL URI, in the one spelling that every parser reads alike."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from envconn.connection import Host
    from envconn.tls.secured import SecuredConnection

__all__ = ["render"]


def render(connection: SecuredConnection) -> str:
    """Render `connection`; all but letters, digits and ``-._~`` is percent-encoded."""
    password = f":{quote(connection.password.reveal(), safe='')}" if connection.password else ""
    hosts = ",".join(map(_authority, connection.hosts))
    query = urlencode(_query(connection), quote_via=quote, safe="/")
    return (
        f"postgresql://{quote(connection.user, safe='')}{password}@{hosts}/{quote(connection.dbname, safe='')}?{query}"
    )


def _authority(host: Host) -> str:
    name = f"[{quote(host.host, safe=':')}]" if ":" in host.host and not host.is_socket else quote(host.host, safe="")
    return f"{name}:{host.port}"


def _query(connection: SecuredConnection) -> dict[str, str]:
    # Encryption by GSS would take the place of TLS, and of everything that was judged about it.
    query = {**connection.parameters, "sslmode": connection.tls.level.sslmode, "gssencmode": "disable"}
    query.pop("sslrootcert", None)
    if connection.tls.ca:
        query["sslrootcert"] = connection.tls.ca.file()
    if any(host.hostaddr for host in connection.hosts):
        query["hostaddr"] = ",".join(host.hostaddr for host in connection.hosts)
    return query
