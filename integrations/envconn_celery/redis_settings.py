"""What Celery and kombu are told about a Redis, directly or behind sentinels: URLs, defaults, and how to verify.

The URLs have the first sentinel only: kombu goes on to the next member of a list when a connection fails
(kombu/connection.py, switch), and ``celery report`` masks the first password of a list only, before Celery 5.7.
"""

from __future__ import annotations

from urllib.parse import quote

import redis as library

from envconn.drivers import redis
from envconn.drivers.unsupported import refuse
from envconn.families import FAMILIES, REDIS, SENTINEL
from envconn.tls import TlsLevel
from envconn.tls.password import is_supplied
from envconn.tls.secured import without_password
from envconn.tls.uri_writer import authority, compose, userinfo
from envconn_celery import registry
from envconn_redis.connections import (
    SentinelConnection,
    SentinelUnencryptedConnection,
    VerifyingConnection,
    encrypted,
    following,
    with_credential_provider,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from envconn.tls import SecuredConnection


HEALTH_CHECK_SECONDS = 25
"""kombu's default interval for the health check of an idle subscription (kombu/transport/redis.py)."""


def broker(connection: SecuredConnection) -> dict[str, object]:
    """Return the settings for the broker `connection`.

    ``broker_use_ssl`` is for programs that connect on their own, as Flower does.
    """
    verify = _arguments(connection)[1]
    return {"broker_url": _url(connection), **({"broker_use_ssl": verify} if verify else {})}


def backend(connection: SecuredConnection) -> dict[str, object]:
    """Return the settings for a result backend at `connection`."""
    given = _arguments(connection)[0]
    return {"result_backend": _url(connection), **{f"redis_{name}": value for name, value in given.items()}}


def connection_class(connection: SecuredConnection, user: str | None) -> type[Any] | None:
    """Return the class of redis-py for `connection`; `None` for redis-py's own, which is for those without TLS.

    Its connections log in as `connection` is when they connect, if `user` is the user of `connection`.
    """
    kind = _kind(connection)
    if kind is None or (user or "") not in registry.users(connection):
        return kind
    return following(kind, connection, without_password(connection), elsewhere=("db",))


def _kind(connection: SecuredConnection) -> type[Any] | None:
    if connection.family == SENTINEL:
        return SentinelConnection if encrypted(connection) else SentinelUnencryptedConnection
    return VerifyingConnection if encrypted(connection) else None


def transport_options(connection: SecuredConnection) -> dict[str, object]:
    """Return the defaults for ``broker_transport_options`` of the broker `connection`."""
    return {**_arguments(connection)[0], "health_check_interval": _subscription_seconds(connection)}


def judged(given: dict[str, Any], connection: SecuredConnection) -> dict[str, Any]:
    """Return the arguments of redis-py's connections that kombu or Celery has `given`, with what was judged."""
    found = {**given, **redis.staying(library)}
    if _kind(connection) is None and is_supplied(connection.password):
        return with_credential_provider(connection, found)
    verify = _arguments(connection)[1]
    return {name: value for name, value in found.items() if not name.startswith("ssl_")} | verify if verify else found


def judged_results(given: dict[str, Any], connection: SecuredConnection) -> dict[str, Any]:
    """Do the same for Celery, with the class of the connections and a default for the health check."""
    found, seconds = judged(given, connection), redis.health_check_seconds(connection)
    found |= {"health_check_interval": seconds} if seconds and not found.get("health_check_interval") else {}
    kind = connection_class(connection, given.get("username"))
    return found | ({"connection_class": kind} if kind else {})


_OPTIONS = frozenset(
    {
        "client_name",
        "max_connections",
        "retry_on_timeout",
        "socket_connect_timeout",
        "socket_keepalive",
        "socket_timeout",
    }
)


def _arguments(connection: SecuredConnection) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return Celery's options for redis-py, and how to verify; the latter is empty without TLS."""
    others = redis.SENTINEL_PARAMETERS if connection.family == SENTINEL else ()
    arguments = redis.spoken(without_password(connection), connection.family, others)
    verify = {name: value for name, value in arguments.items() if name.startswith("ssl_")}
    rest = arguments.keys() - verify.keys() - {"username", "password", "health_check_interval"}
    if unfit := sorted(rest - _OPTIONS):
        refuse(connection, f"Celery does not support {unfit[0]}. Remove it")
    return {name: value for name, value in sorted(arguments.items()) if name in rest}, verify


def _url(connection: SecuredConnection) -> str:
    host, shown = connection.hosts[0], without_password(connection)
    if connection.family == SENTINEL:
        return compose("sentinel", shown, {}, hosts=authority(host))
    if host.is_socket:
        return f"redis+socket://{userinfo(shown)}{quote(host.host)}?virtual_host={connection.dbname}"
    scheme = FAMILIES[REDIS].secure if connection.tls.level >= TlsLevel.ENCRYPTED else FAMILIES[REDIS].plain
    return compose(scheme, shown, {})


def _subscription_seconds(connection: SecuredConnection) -> int:
    """Return the interval of the health check of an idle subscription.

    kombu checks in this interval and asks the server only if the last answer is older, so
    the connection may be idle for up to twice as long.
    """
    stated, idle = connection.parameters.get("health_check_interval"), connection.features.idle_seconds
    return int(stated) if stated else min(HEALTH_CHECK_SECONDS, (idle or 3600) * 2 // 5)
