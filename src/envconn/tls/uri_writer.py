"""Write URIs: those of a judged connection, and those that other programs read in words of their own.

It writes how to verify in the words of the family: libpq's, redis-py's (``ssl_cert_reqs=required`` is
the spelling that redis-py, kombu and Celery share), RabbitMQ's, and those of MySQL's own clients.
RabbitMQ's have none for a chain without a name, so level ``VERIFY_CA`` is written as both.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

from envconn.families import AMQP, CELERY, DJANGO_CACHE, FAMILIES, MEMCACHED, MYSQL, POSTGRESQL, REDIS, SENTINEL, SQLITE
from envconn.records import Record
from envconn.tls.levels import TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from envconn.connection import Host
    from envconn.tls.judged import Judged


def uri(connection: Judged, *, libpq: bool = True) -> str:
    """Return the URI of `connection`, in the one spelling that every parser of its family reads alike.

    `libpq` is whether libpq may be the parser, the only one that knows ``gssencmode``.
    """
    family, known = _FAMILIES[connection.family], FAMILIES[connection.family]
    scheme = known.secure if connection.tls.level >= TlsLevel.ENCRYPTED else known.plain
    scheme = scheme or connection.scheme
    query = _query(connection, family)
    if not libpq:
        query.pop("gssencmode", None)
    if family.socket and connection.hosts[0].is_socket:
        shape = family.socket.format(
            user=userinfo(connection),
            dbname=quote(connection.dbname, safe=""),
            text=connection.dbname,
            scheme=scheme,
            path=quote(connection.dbname if connection.family == SQLITE else connection.host, safe="/"),
        )
        return _with_query(shape, query)
    path = (
        f"{connection.parameters.get('master_name', '')}/{connection.dbname}" if connection.family == SENTINEL else None
    )
    return several(scheme, connection, query) if family.apart else compose(scheme, connection, query, path=path)


def several(scheme: str, connection: Judged, query: Mapping[str, str]) -> str:
    """Return a URI for each host of `connection`, with semicolons between, as kombu reads a list."""
    return ";".join(compose(scheme, connection, query, hosts=authority(host)) for host in connection.hosts)


def parameter(family: str, name: str) -> str:
    """Return what the URIs of `family` call libpq's parameter `name`."""
    return _FAMILIES[family].names.get(name, name)


def compose(
    scheme: str,
    connection: Judged,
    query: Mapping[str, str],
    *,
    hosts: str | None = None,
    path: str | None = None,
) -> str:
    """Return ``SCHEME://USER:PASSWORD@HOSTS/PATH?QUERY``, without what `connection` does not have.

    All but letters, digits and ``-._~`` is percent-encoded, except slashes in `query`. `hosts` and `path` are for
    readers that expect hosts or the database elsewhere: they are written as they are.
    """
    where = ",".join(map(authority, connection.hosts)) if hosts is None else hosts
    name = quote(connection.dbname, safe="") if path is None else path
    return _with_query(f"{scheme}://{userinfo(connection)}{where}/{name}", query)


def userinfo(connection: Judged) -> str:
    """Return user name and password, all but letters, digits and ``-._~`` encoded, with ``@``; or an empty text."""
    user = quote(connection.user, safe="")
    password = f":{quote(connection.password.reveal(), safe='')}" if connection.password else ""
    return f"{user}{password}@" if user or password else ""


def authority(host: Host) -> str:
    """Return `host` with its port, as written in a URI; a socket is encoded like a name."""
    name = f"[{quote(host.host, safe=':')}]" if ":" in host.host and not host.is_socket else quote(host.host, safe="")
    return f"{name}:{host.port}"


def _with_query(text: str, query: Mapping[str, str]) -> str:
    written = urlencode(query, quote_via=quote, safe="/")
    return f"{text}{'&' if '?' in text else '?'}{written}" if written else text


class _Family(Record):
    """How one family of services writes a URI.

    `modes` holds the parameters for each level,
    in order; `names` those whose name is not libpq's; `socket` is the shape for a file or socket, if it is
    different. `apart` is whether each host has a URI of its own.
    """

    modes: tuple[Mapping[str, str], ...]
    names: Mapping[str, str]
    socket: str = ""
    apart: bool = False


_NONE: Mapping[str, str] = {}
_VERIFIED = {"ssl_cert_reqs": "required", "ssl_check_hostname": "true"}
_PEER = {"verify": "verify_peer"}

_REDIS = _Family(
    (_NONE, _NONE, {"ssl_cert_reqs": "none"}, {**_VERIFIED, "ssl_check_hostname": "false"}, _VERIFIED),
    {
        "sslrootcert": "ssl_ca_certs",
        "sslcert": "ssl_certfile",
        "sslkey": "ssl_keyfile",
        "sslpassword": "ssl_password",
    },
    socket="unix://{user}{path}?db={dbname}",
)

_FAMILIES = {
    # Encryption by GSS would replace TLS, and everything that was judged about it.
    POSTGRESQL: _Family(
        tuple({"sslmode": level.sslmode, "gssencmode": "disable"} for level in TlsLevel),
        {},
    ),
    REDIS: _REDIS,
    SENTINEL: _REDIS,
    AMQP: _Family(
        (_NONE, _NONE, {"verify": "verify_none"}, _PEER, _PEER),
        {"sslrootcert": "cacertfile", "sslcert": "certfile", "sslkey": "keyfile", "sslpassword": "password"},
        apart=True,
    ),
    MYSQL: _Family(
        tuple({"ssl-mode": mode} for mode in ("DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY")),
        {"sslrootcert": "ssl-ca", "sslcert": "ssl-cert", "sslkey": "ssl-key", "sslcrl": "ssl-crl"},
        socket="mysql://{user}localhost/{dbname}?unix_socket={path}",
    ),
    SQLITE: _Family((_NONE,) * len(TlsLevel), {}, socket="sqlite:///{path}"),
    **dict.fromkeys((CELERY, DJANGO_CACHE), _Family((_NONE,) * len(TlsLevel), {}, socket="{text}")),
    MEMCACHED: _Family((_NONE,) * len(TlsLevel), {}, socket="{scheme}://{path}"),
}


def _query(connection: Judged, family: _Family) -> dict[str, str]:
    mode, decided = family.modes[connection.tls.level.rank], {"sslmode", "sslrootcert", "master_name"}
    stated = {name: value for name, value in connection.parameters.items() if name not in {*decided, *mode}}
    if connection.tls.ca:
        stated["sslrootcert"] = connection.tls.ca.file_on_disk()
    if any(host.hostaddr for host in connection.hosts):
        stated["hostaddr"] = ",".join(host.hostaddr for host in connection.hosts)
    return {**{family.names.get(name, name): value for name, value in stated.items()}, **mode}
