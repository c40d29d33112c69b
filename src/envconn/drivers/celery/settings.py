"""Celery's settings for a broker and a place for results: the URL, and beside it how to verify.

No URL has a parameter: one in a URL beats the dictionaries (kombu/utils/url.py, parse_url), and
``ssl_cert_reqs=none`` there would undo them. Over TLS, Redis is spoken by classes of
`envconn_celery.verified`, because redis-py's own trust the system's CAs beside the one that is stated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, cast
from urllib.parse import quote

from envconn.drivers import amqp, psycopg, redis
from envconn.drivers.celery.overruled import overruled
from envconn.drivers.hidden import Hidden
from envconn.drivers.refusal import insist, refuse
from envconn.errors import ConfigurationError, EndpointUnavailable
from envconn.grammar.keywords import SECRETS
from envconn.tls import TlsLevel, require_sealed
from envconn.tls.supplied import FIXED, is_supplied

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envconn.tls import SecuredConnection

__all__ = ["Settings", "settings"]


class Settings(TypedDict, total=False):
    """What ``app.conf.update`` is given. Times are in seconds."""

    broker_url: str
    broker_transport: str
    broker_use_ssl: dict[str, object]
    broker_transport_options: dict[str, object]
    broker_heartbeat: int
    broker_connection_timeout: float
    broker_login_method: str
    result_backend: str
    redis_backend_use_ssl: dict[str, object]
    redis_backend_health_check_interval: int
    redis_client_name: str
    redis_db: int
    redis_host: str
    redis_max_connections: int
    redis_password: str
    redis_port: int
    redis_retry_on_timeout: bool
    redis_socket_connect_timeout: float
    redis_socket_keepalive: bool
    redis_socket_timeout: float
    redis_username: str
    database_engine_options: dict[str, object]


def settings(broker: SecuredConnection, result: SecuredConnection | None = None) -> Settings:
    """Return the settings for `broker`, and for a backend that keeps results in `result`, if that is given.

    Results go to a PostgreSQL's direct endpoint where there is one: Celery makes its tables there.

    Raises:
        ConfigurationError: Celery cannot do what a connection asks for, or would listen to a variable instead.
        ImportError: results go to PostgreSQL, and psycopg is not installed.
        TypeError: a connection was not judged.
    """
    for connection in (broker,) if result is None else (broker, result):
        require_sealed(connection)
        if is_supplied(connection.password):
            refuse(connection, f"{FIXED}, and Celery keeps one for ever; use one that stays", "password-fixed")
    found = _spelt(_BROKERS, broker, "a broker")
    if result is not None:
        found |= _spelt(_BACKENDS, result, "the place of results")
    if problems := [*overruled(found)]:
        raise ConfigurationError(problems)
    return cast("Settings", _hidden(found))


HEALTH_CHECK_SECONDS = 25
"""How often kombu looks after a silent subscription when it is told nothing (kombu/transport/redis.py)."""

_TRANSPORT = "envconn_celery.verified:Transport"
_BACKEND = "envconn_celery.verified:Backend"
_REDIS_OPTIONS = frozenset(
    {
        "client_name",
        "max_connections",
        "retry_on_timeout",
        "socket_connect_timeout",
        "socket_keepalive",
        "socket_timeout",
    }
)
_AMQP_SETTINGS = {
    "heartbeat": "broker_heartbeat",
    "connect_timeout": "broker_connection_timeout",
    "login_method": "broker_login_method",
}
_RECYCLE_SECONDS = 3600  # Celery's own figure, which goes when engine options are set


def _amqp_broker(connection: SecuredConnection) -> dict[str, object]:
    options = cast("dict[str, object]", amqp.options(connection))
    found: dict[str, object] = {"broker_url": amqp.url(connection)}
    found |= {setting: options.pop(name) for name, setting in _AMQP_SETTINGS.items() if name in options}
    if options:
        found["broker_transport_options"] = options
    if verify := amqp.arguments(connection):
        found["broker_use_ssl"] = verify
    return found


def _redis_broker(connection: SecuredConnection) -> dict[str, object]:
    given, verify = _redis(connection)
    found: dict[str, object] = {
        "broker_url": _redis_url(connection),
        "broker_transport_options": given | {"health_check_interval": _subscription_seconds(connection)},
    }
    return found | ({"broker_transport": _TRANSPORT, "broker_use_ssl": verify} if verify else {})


def _redis_backend(connection: SecuredConnection) -> dict[str, object]:
    given, verify = _redis(connection)
    found: dict[str, object] = {f"redis_{name}": value for name, value in given.items()}
    if seconds := redis.health_check_seconds(connection):
        found["redis_backend_health_check_interval"] = seconds
    if not verify:
        return found | {"result_backend": _redis_url(connection)}
    # Not in a URL behind the name of the class: Celery before 5.7 cannot print one (kombu/utils/url.py, sanitize_url).
    place = {"host": connection.host, "port": connection.port, "db": int(connection.dbname)}
    place |= {"username": connection.user} if connection.user else {}
    place |= {"password": connection.password.reveal()} if connection.password else {}
    found |= {f"redis_{name}": value for name, value in place.items()}
    return found | {"result_backend": _BACKEND, "redis_backend_use_ssl": verify}


def _postgres_backend(connection: SecuredConnection) -> dict[str, object]:
    bounds = [seconds for seconds in (connection.idle_seconds, connection.lifetime_seconds) if seconds]
    options = {
        "connect_args": psycopg.arguments(_direct(connection)),
        "pool_pre_ping": True,
        "pool_recycle": min([_RECYCLE_SECONDS, *bounds]),
    }
    return {"result_backend": "db+postgresql+psycopg://", "database_engine_options": options}


def _sqlite_backend(connection: SecuredConnection) -> dict[str, object]:
    insist(connection, "Celery's backend for results", "sqlite", ())
    path = connection.dbname.replace("%", "%25").replace("?", "%3F")
    return {"result_backend": f"db+sqlite:///{path}"}


_BROKERS = {"amqp": _amqp_broker, "redis": _redis_broker}
_BACKENDS = {"postgresql": _postgres_backend, "redis": _redis_backend, "sqlite": _sqlite_backend}


def _spelt(
    table: Mapping[str, Callable[[SecuredConnection], dict[str, object]]], connection: SecuredConnection, role: str
) -> dict[str, object]:
    require_sealed(connection)
    if connection.kind not in table:
        refuse(connection, f"{connection.kind} cannot serve as {role}; name a service that speaks {' or '.join(table)}")
    return table[connection.kind](connection)


def _redis(connection: SecuredConnection) -> tuple[dict[str, object], dict[str, object]]:
    """What Celery passes on to redis-py, and how to verify; the latter is empty where there is no TLS."""
    given = cast("dict[str, object]", redis.arguments(connection))
    verify = {name: value for name, value in given.items() if name.startswith("ssl_")}
    others = given.keys() - verify.keys() - {"username", "password", "health_check_interval"}
    if unfit := sorted(others - _REDIS_OPTIONS):
        refuse(connection, f"Celery has no place for {unfit[0]}; drop it")
    return {name: given[name] for name in sorted(others)}, verify


def _redis_url(connection: SecuredConnection) -> str:
    password = f":{quote(connection.password.reveal(), safe='')}@" if connection.password else ""
    credentials = f"{quote(connection.user, safe='')}{password}"
    [host] = connection.hosts
    if host.is_socket:
        return f"redis+socket://{credentials}{quote(host.host)}?virtual_host={connection.dbname}"
    scheme = "rediss" if connection.tls.level >= TlsLevel.ENCRYPTED else "redis"
    return f"{scheme}://{credentials}{host}/{connection.dbname}"


def _hidden(settings: Mapping[str, object]) -> dict[str, object]:
    """The same, with secrets that `repr` does not show: Celery keeps settings, and people print them."""
    return {
        name: _hidden(value)
        if isinstance(value, dict)
        else Hidden(value)
        if name in _SECRET and isinstance(value, str)
        else value
        for name, value in settings.items()
    }


_SECRET = SECRETS | {"broker_url", "redis_password", "result_backend", "ssl_password"}


def _subscription_seconds(connection: SecuredConnection) -> int:
    """How often to look after a silent subscription.

    kombu looks each time this has passed and asks the server only if the last answer is older, so
    that silence lasts up to twice as long.
    """
    stated, idle = connection.parameters.get("health_check_interval"), connection.idle_seconds
    return int(stated) if stated else min(HEALTH_CHECK_SECONDS, (idle or 3600) * 2 // 5)


def _direct(connection: SecuredConnection) -> SecuredConnection:
    try:
        return connection.endpoint(pooled=False)
    except EndpointUnavailable:
        return connection
