"""Celery's settings if Redis, directly or by sentinels, is the broker or stores the results.

No URL has a parameter: it would override the dictionaries (kombu/utils/url.py, parse_url), and
``ssl_cert_reqs=none`` there would disable verification. For TLS, the classes of
`envconn_celery.transport` are used, because redis-py's own trust the system's CAs in addition to the stated one.

Sentinels are among the options, not a list in the URL: kombu goes on to the next member of such a list when
a connection fails, with its own transport, which verifies nothing on the way to the sentinels
(kombu/connection.py, switch).
"""

from __future__ import annotations

from urllib.parse import quote

from envconn.drivers import redis
from envconn.drivers.unsupported import refuse
from envconn.families import FAMILIES, REDIS, SENTINEL
from envconn.tls import TlsLevel
from envconn.tls.uri_writer import authority, compose, userinfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from envconn.tls import SecuredConnection


HEALTH_CHECK_SECONDS = 25
"""kombu's default interval for the health check of an idle subscription (kombu/transport/redis.py)."""


def redis_broker(connection: SecuredConnection) -> dict[str, object]:
    """Return the settings for a broker."""
    given, verify = _split(connection, redis.arguments(connection))
    found: dict[str, object] = {
        "broker_url": _url(connection),
        "broker_transport_options": given | {"health_check_interval": _subscription_seconds(connection)},
    }
    return found | ({"broker_transport": f"{_CLASSES}:Transport", "broker_use_ssl": verify} if verify else {})


def redis_backend(connection: SecuredConnection) -> dict[str, object]:
    """Return the settings for a result backend."""
    given, verify = _split(connection, redis.arguments(connection))
    found = _backend(connection, given)
    if not verify:
        return found | {"result_backend": _url(connection)}
    # Not in a URL after the name of the class: Celery before 5.7 cannot print one (kombu/utils/url.py, sanitize_url).
    found |= {"redis_host": connection.host, "redis_port": connection.port, **_place(connection)}
    return found | {"result_backend": f"{_CLASSES}:Backend", "redis_backend_use_ssl": verify}


def sentinel_broker(connection: SecuredConnection) -> dict[str, object]:
    """Return the settings for a broker behind sentinels."""
    given, verify = _split(connection, redis.spoken(connection, SENTINEL, redis.SENTINEL_PARAMETERS))
    options = {**given, **redis.sentinels(connection), "health_check_interval": _subscription_seconds(connection)}
    found: dict[str, object] = {
        # Only the first, which is shown; the others are among the options.
        "broker_url": compose("sentinel", connection, {}, hosts=authority(connection.hosts[0])),
        "broker_transport": f"{_CLASSES}:Sentinel{'' if verify else 'Clear'}Transport",
        "broker_transport_options": options,
    }
    return found | ({"broker_use_ssl": verify} if verify else {})


def sentinel_backend(connection: SecuredConnection) -> dict[str, object]:
    """Return the settings for a result backend behind sentinels."""
    given, verify = _split(connection, redis.spoken(connection, SENTINEL, redis.SENTINEL_PARAMETERS))
    found = (
        _backend(connection, given)
        | _place(connection)
        | {
            "result_backend": f"{_CLASSES}:Sentinel{'' if verify else 'Clear'}Backend",
            "result_backend_transport_options": {**redis.sentinels(connection)},
        }
    )
    return found | ({"redis_backend_use_ssl": verify} if verify else {})


_CLASSES = "envconn_celery.transport"
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


def _split(
    connection: SecuredConnection, arguments: Mapping[str, object]
) -> tuple[dict[str, object], dict[str, object]]:
    """Return Celery's options for redis-py, and how to verify; the latter is empty without TLS."""
    verify = {name: value for name, value in arguments.items() if name.startswith("ssl_")}
    others = arguments.keys() - verify.keys() - {"username", "password", "health_check_interval"}
    if unfit := sorted(others - _OPTIONS):
        refuse(connection, f"Celery does not support {unfit[0]}. Remove it")
    return {name: arguments[name] for name in sorted(others)}, verify


def _backend(connection: SecuredConnection, given: Mapping[str, object]) -> dict[str, object]:
    found: dict[str, object] = {f"redis_{name}": value for name, value in given.items()}
    seconds = redis.health_check_seconds(connection)
    return found | ({"redis_backend_health_check_interval": seconds} if seconds else {})


def _place(connection: SecuredConnection) -> dict[str, object]:
    """Return the database, user and password."""
    found: dict[str, object] = {"redis_db": int(connection.dbname)}
    found |= {"redis_username": connection.user} if connection.user else {}
    return found | ({"redis_password": connection.password.reveal()} if connection.password else {})


def _url(connection: SecuredConnection) -> str:
    [host] = connection.hosts
    if host.is_socket:
        path = quote(host.host)
        return f"redis+socket://{userinfo(connection)}{path}?virtual_host={connection.dbname}"
    scheme = FAMILIES[REDIS].secure if connection.tls.level >= TlsLevel.ENCRYPTED else FAMILIES[REDIS].plain
    return compose(scheme, connection, {})


def _subscription_seconds(connection: SecuredConnection) -> int:
    """Return the interval of the health check of an idle subscription.

    kombu checks in this interval and asks the server only if the last answer is older, so
    the connection may be idle for up to twice as long.
    """
    stated, idle = connection.parameters.get("health_check_interval"), connection.features.idle_seconds
    return int(stated) if stated else min(HEALTH_CHECK_SECONDS, (idle or 3600) * 2 // 5)
