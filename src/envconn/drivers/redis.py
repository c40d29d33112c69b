"""redis-py's URL and arguments, for programs that pass them on (Django's cache), and the context for its TLS.

`SecuredConnection.uri` is the URL with everything in it, for programs that accept only a URL.

redis-py makes its context with `ssl.create_default_context`, which trusts the system's CAs in addition to the
stated one (redis/connection.py, SSLConnection). At ``VERIFY_CA``, where no name is checked, that
would accept any certificate of a public CA. Connections therefore use
`context` instead, as the classes of `envconn_redis` do.

With sentinels, the verdict applies to both connections: to the sentinels and to the Redis that they name. The
second host is known at run time only: with a CA, it must present a certificate of that CA, at
``VERIFY_FULL`` for the address or name that was announced (``sentinel announce-hostnames``). Without TLS,
which is for this machine and for waived hosts, the pool connects to no other.
"""

from __future__ import annotations

from typing import cast
from urllib.parse import quote

from envconn.drivers import hide
from envconn.drivers.allowed_options import permit
from envconn.drivers.unsupported import insist, refuse
from envconn.families import FAMILIES, REDIS, SENTINEL
from envconn.grammar.libpq_keywords import CONTEXT
from envconn.records import TypedDict
from envconn.tls import TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable, Collection, Mapping
    from types import ModuleType
    from typing import Any

    from envconn.tls import SecuredConnection


HANDSHAKE_SECONDS = 4.0
"""The limit for the TLS handshake if ``socket_connect_timeout`` is not set: Celery's own default
for brokers (``broker_connection_timeout``), which does not reach redis-py."""


class Arguments(TypedDict, total=False):
    """The arguments of redis-py's connections and pools other than the URL. Timeouts and intervals are in seconds."""

    username: str
    password: str
    health_check_interval: int
    ssl_cert_reqs: str
    ssl_check_hostname: bool
    ssl_ca_certs: str
    ssl_certfile: str
    ssl_keyfile: str
    ssl_password: str
    client_name: str
    encoding: str
    decode_responses: bool
    max_connections: int
    protocol: int
    retry_on_timeout: bool
    socket_connect_timeout: float
    socket_keepalive: bool
    socket_read_size: int
    socket_timeout: float
    timeout: float


class ClientArguments(Arguments, total=False):
    """The arguments of ``redis.Redis``, sync or async."""

    host: str
    port: int
    db: int
    ssl: bool
    unix_socket_path: str


def url(connection: SecuredConnection) -> str:
    """Return the URL with scheme, host, port and database, without secrets and without TLS parameters.

    Raises:
        ConfigurationError: it is not a Redis connection, or has several hosts.
        TypeError: `connection` was not judged.
    """
    insist(connection, "redis-py", REDIS, _TYPES)
    [host] = connection.hosts
    if host.is_socket:
        return f"unix://{quote(host.host)}?db={connection.dbname}"
    scheme = FAMILIES[REDIS].secure if connection.tls.level >= TlsLevel.ENCRYPTED else FAMILIES[REDIS].plain
    return f"{scheme}://{host}/{connection.dbname}"


def arguments(connection: SecuredConnection) -> Arguments:
    """Return the keyword arguments that, with `url`, make redis-py enforce the verdict as far as it can.

    Below ``VERIFY_FULL`` they do not suffice for a stated CA: see `context`.

    Raises:
        ConfigurationError: redis-py does not support what the connection requires.
        TypeError: `connection` was not judged.
    """
    return spoken(connection, REDIS)


def spoken(connection: SecuredConnection, family: str, others: Collection[str] = ()) -> Arguments:
    """Do the same for a connection of `family`, with a Redis behind it; the caller handles the parameters in `others`.

    Raises:
        ConfigurationError: redis-py does not support what the connection requires.
        TypeError: `connection` was not judged.
    """
    insist(connection, "redis-py", family, {*_TYPES, *others})
    if refused := sorted(_REFUSED & connection.parameters.keys()):
        refuse(connection, f"redis-py does not support {refused[0]}. Remove it")
    found = {name: _TYPES[name](text) for name, text in connection.parameters.items() if name in _TYPES}
    found |= {"username": connection.user} if connection.user else {}
    found |= {"password": connection.password.reveal()} if connection.password else {}
    if seconds := health_check_seconds(connection):
        found["health_check_interval"] = seconds
    if connection.tls.level >= TlsLevel.ENCRYPTED:
        found |= _tls(connection)
    return cast("Arguments", hide(found, "ssl_password"))


def client(connection: SecuredConnection) -> ClientArguments:
    """Return the keyword arguments for ``redis.Redis``, which needs no URL in addition.

    redis-py trusts the system's CAs in addition to the stated one, and only a connection
    class can change that. At ``VERIFY_FULL`` this also accepts a certificate of a public CA
    for the same hostname; at ``VERIFY_CA`` it would accept any, so that is refused.

    Raises:
        ConfigurationError: redis-py does not support what the connection requires.
        TypeError: `connection` was not judged.
    """
    insist(connection, "redis-py", REDIS, _TYPES)
    if connection.tls.level == TlsLevel.VERIFY_CA:
        refuse(
            connection,
            "redis-py also trusts public CAs here, so verify-ca cannot be enforced. Use ssl_check_hostname=true",
        )
    [host] = connection.hosts
    where: ClientArguments = (
        {"unix_socket_path": host.host} if host.is_socket else {"host": host.host, "port": host.port}
    )
    where |= {"db": int(connection.dbname), "ssl": connection.tls.level >= TlsLevel.ENCRYPTED}
    return cast("ClientArguments", {**where, **arguments(connection)})


def connection_arguments(connection: SecuredConnection) -> dict[str, object]:
    """Return all arguments of a pool of connections: `arguments`, and the address of the Redis or of its sentinels.

    Raises:
        ConfigurationError: redis-py does not support what the connection requires.
        TypeError: `connection` was not judged.
    """
    if connection.family == SENTINEL:
        return {**sentinel_arguments(connection)}
    given = {**arguments(connection), "db": int(connection.dbname)}
    [host] = connection.hosts
    return given | ({"path": host.host} if host.is_socket else {"host": host.host, "port": host.port})


def merged(connection: SecuredConnection, stated: Mapping[str, object]) -> dict[str, object]:
    """Return `connection_arguments`, overridden by what a program has `stated`.

    Raises:
        ConfigurationError: a stated argument affects security or the server; or as for `connection_arguments`.
        TypeError: `connection` was not judged.
    """
    permit(connection, "redis", stated)
    return {**connection_arguments(connection), **stated}


def staying(library: ModuleType) -> dict[str, Any]:
    """Return the argument with which the connections of `library` stay at the judged host.

    `library` is `redis` or `redis.asyncio`. Otherwise a server names a host with MOVING, and redis-py logs in there
    (redis/maint_notifications.py). Empty for versions that do not: before 7, with asyncio before 8.1.
    """
    kind = getattr(library.connection, "MaintNotificationsConfig", None)
    return {"maint_notifications_config": kind(enabled=False)} if kind else {}


def health_check_seconds(connection: SecuredConnection) -> int | None:
    """Return after how many idle seconds to check the connection.

    It is the stated interval, or four fifths of the provider's limit; `None` if neither is known.
    """
    stated, idle = connection.parameters.get("health_check_interval"), connection.features.idle_seconds
    return int(stated) if stated else idle * 4 // 5 if idle else None


def context(arguments: Mapping[str, object]) -> ssl.SSLContext:
    """Return the context that the ``ssl_`` entries of `arguments` describe, and that trusts no other CA.

    Without any entry, it trusts no CA at all.

    Raises:
        OSError: a named file cannot be read or used.
        ValueError: the hostname is to be checked but not the certificate.
    """
    import ssl

    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = bool(arguments.get("ssl_check_hostname", True))
    # Celery's backend turns the words into the constants.
    lax = arguments.get("ssl_cert_reqs") in ("none", ssl.CERT_NONE)
    made.verify_mode = ssl.CERT_NONE if lax else ssl.CERT_REQUIRED
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca := arguments.get("ssl_ca_certs"):
        made.load_verify_locations(cafile=str(ca))
    if certificate := arguments.get("ssl_certfile"):
        password = arguments.get("ssl_password") or ""
        # A callback in any case: without one, OpenSSL asks on the terminal for the password of an encrypted key.
        made.load_cert_chain(str(certificate), str(arguments["ssl_keyfile"]), password=lambda: str(password))
    return made


def handshake(
    trusted: ssl.SSLContext, plain: socket.socket, host: str, within: float | None, timeout: float | None
) -> ssl.SSLSocket:
    """Return `plain` with TLS, which `host` must accept `within` seconds; `timeout` applies from then on.

    Raises:
        OSError: it does not, or `trusted` does not trust it.
    """
    # A Redis without TLS does not answer a ClientHello.
    plain.settimeout(within or HANDSHAKE_SECONDS)
    secured = trusted.wrap_socket(plain, server_hostname=host)
    secured.settimeout(timeout)
    return secured


def _tls(connection: SecuredConnection) -> dict[str, object]:
    stated = {f"ssl_{name}": connection.parameters.get(ours) for name, ours in _FILES.items()}
    return {
        "ssl_cert_reqs": "required" if connection.tls.ca else "none",
        # redis-py before 6 does not check the hostname unless told to.
        "ssl_check_hostname": connection.tls.level == TlsLevel.VERIFY_FULL,
        **({"ssl_ca_certs": connection.tls.ca.file()} if connection.tls.ca else {}),
        **{name: text for name, text in stated.items() if text},
    }


_FILES = {"certfile": "sslcert", "keyfile": "sslkey", "password": "sslpassword"}
_REFUSED = CONTEXT - {"sslmode", "sslrootcert", *_FILES.values()}


def _flag(text: str) -> bool:
    return text == "true"


_TYPES: dict[str, Callable[[str], object]] = {
    **dict.fromkeys(("client_name", "encoding"), str),
    **dict.fromkeys(("health_check_interval", "max_connections", "protocol", "socket_read_size"), int),
    **dict.fromkeys(("socket_connect_timeout", "socket_timeout", "timeout"), float),
    **dict.fromkeys(("decode_responses", "retry_on_timeout", "socket_keepalive"), _flag),
}


SENTINEL_PARAMETERS = frozenset({"master_name", "min_other_sentinels", "sentinel_username", "sentinel_password"})
"""The parameters about the sentinels, which redis-py does not know."""


class Sentinels(TypedDict, total=False):
    """The sentinels, and the master to ask for.

    `sentinels` are host and port of each; `sentinel_kwargs` the arguments of redis-py's connections to them.
    `unencrypted_to` is set if TLS is off, and holds the waived hosts: apart from these, only this machine is
    connected to.
    """

    sentinels: list[tuple[str, int]]
    master_name: str
    min_other_sentinels: int
    sentinel_kwargs: dict[str, object]
    unencrypted_to: list[str]


class SentinelArguments(Arguments, Sentinels, total=False):
    """All arguments of `SentinelPool`."""

    db: int


def sentinel_arguments(connection: SecuredConnection) -> SentinelArguments:
    """Return the arguments with which `SentinelPool` enforces the verdict on both connections.

    Raises:
        ConfigurationError: redis-py does not support what the connection requires.
        TypeError: `connection` was not judged.
    """
    given = spoken(connection, SENTINEL, SENTINEL_PARAMETERS)
    return cast("SentinelArguments", {**given, "db": int(connection.dbname), **sentinels(connection)})


def sentinels(connection: SecuredConnection) -> Sentinels:
    """Return the part of `arguments` for the sentinels.

    Raises:
        ConfigurationError: redis-py does not support what the connection requires.
        TypeError: `connection` was not judged.
    """
    given, stated = spoken(connection, SENTINEL, SENTINEL_PARAMETERS), connection.parameters
    # TLS is the same for both; passwords are not, and each server only gets its own.
    own = {name: value for name, value in given.items() if name.startswith("ssl_")}
    own |= {name: given.get(name, HANDSHAKE_SECONDS) for name in ("socket_connect_timeout", "socket_timeout")}
    own |= {name: stated[f"sentinel_{name}"] for name in ("username", "password") if f"sentinel_{name}" in stated}
    found = Sentinels(
        sentinels=[(host.host, host.port) for host in connection.hosts],
        master_name=stated["master_name"],
        min_other_sentinels=int(stated.get("min_other_sentinels", "0")),
        sentinel_kwargs=hide(own, "ssl_password"),
    )
    if connection.tls.level < TlsLevel.ENCRYPTED:
        found["unencrypted_to"] = (connection.tls.waived or "").replace(",", " ").split()
    return found
